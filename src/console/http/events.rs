//! Events as they happen (server-sent events, <https://html.spec.whatwg.org/multipage/server-sent-events.html>):
//! each with its `id:`, so that a listener that comes back with `Last-Event-ID` hears what it missed.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event as Line, KeepAlive, Sse},
};
use futures_util::Stream;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    problem::{Problem, Refusals},
    take::Asks,
};
use crate::{
    console::{
        feed::{After, Told},
        json::Event,
    },
    store::error::StoreError,
};

/// Between two signs of life on a quiet stream; proxies close what is silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Events read from the database at a time.
const PAGE: u32 = 500;

pub(super) fn look() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(events))
}

/// From where.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct From {
    /// As the header Last-Event-ID, for programs that can't send it.
    after: Option<u64>,
}

/// Events as they happen
///
/// A stream of server-sent events: `id:`, `event:` with the kind, `data:` with an Event as JSON. With
/// `Last-Event-ID` it begins after that event, else now. A comment comes every 15 s. `event: gap` says that
/// some events could not be told; read the lists again.
#[utoipa::path(get, path = "/events", tag = "desk",
    params(From, ("Last-Event-ID" = Option<u64>, Header, description = "the last event that was heard")),
    responses((status = 200, content_type = "text/event-stream", body = Event), Refusals))]
async fn events(
    State(site): State<Site>,
    headers: HeaderMap,
    Asks(from): Asks<From>,
) -> Result<Sse<impl Stream<Item = Result<Line, Infallible>>>, Problem> {
    let last = match headers.get("last-event-id") {
        Some(value) => {
            let id = value.to_str().ok().and_then(|text| text.parse().ok());
            Some(id.ok_or_else(|| Problem::bad_request("Last-Event-ID: the id of an event"))?)
        }
        None => from.after,
    };
    let listener =
        Listener { last: last.unwrap_or_else(|| site.inner.feed.newest()), ready: VecDeque::new(), site };
    let stream = futures_util::stream::unfold(listener, |mut listener| async move {
        listener.next().await.map(|line| (Ok(line), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still here")))
}

/// One who listens, and how far they have heard.
struct Listener {
    site: Site,
    last: u64,
    ready: VecDeque<Line>,
}

impl Listener {
    /// The next line; `None` when the daemon leaves.
    async fn next(&mut self) -> Option<Line> {
        let mut bell = self.site.inner.feed.bell();
        let mut leaving = self.site.inner.leaving.clone();
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            match self.site.inner.feed.after(self.last) {
                After::All(told) if told.is_empty() => {
                    tokio::select! {
                        rung = bell.changed() => rung.ok()?,
                        _ = leaving.wait_for(|leaving| *leaving) => return None,
                    }
                }
                After::All(told) => self.hear(&told),
                After::Database { through } => {
                    if let Err(error) = self.catch_up(through).await {
                        tracing::warn!(%error, "console: events not read");
                        self.last = through;
                        let gap = Line::default().event("gap").id(through.to_string()).data("{}");
                        self.ready.push_back(gap);
                    }
                }
            }
        }
    }

    fn hear(&mut self, told: &[Arc<Told>]) {
        for told in told {
            self.last = told.event.id;
            self.ready.push_back(line(&Event::of(&told.event, told.ticket.as_ref())));
        }
    }

    /// Reads what the ring has forgotten.
    async fn catch_up(&mut self, through: u64) -> Result<(), StoreError> {
        let reader = self.site.inner.books.reader().await?;
        let mut events = reader.events(self.last, PAGE).await?;
        let more = u32::try_from(events.len()).is_ok_and(|count| count >= PAGE);
        events.retain(|event| event.id <= through);
        let tickets = reader.tickets_of(events.iter().filter_map(|event| event.ticket)).await?;
        for event in &events {
            let ticket = event.ticket.and_then(|ticket| tickets.get(&ticket));
            self.ready.push_back(line(&Event::of(event, ticket)));
        }
        self.last = match events.last() {
            Some(last) if more => last.id,
            Some(_) | None => through,
        };
        Ok(())
    }
}

fn line(event: &Event) -> Line {
    let line = Line::default().id(event.id.to_string()).event(event.kind.clone());
    line.json_data(event).unwrap_or_else(|_| Line::default().event("gap").data("{}"))
}
