//! Who looked at what: confidential data is handed out only after the access log has it on disk.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    guard::Who,
    problem::{Problem, Refusals},
    take::Asks,
    tickets::id,
    utc,
};
use crate::{
    console::json::Time,
    desk::{
        access::{Access, Deed},
        ticket::TicketId,
    },
    store::{access_list::AccessFilter, error::StoreError, words},
};

/// A player asks for one recording in many pieces; within this time they are one listening.
const ONE_LISTENING: TimeDelta = TimeDelta::minutes(10);

/// Listenings that are remembered; the one that began first is forgotten when one more comes, and its next
/// piece is one line more in the log.
const MOST: usize = 1000;

/// Who listens to what since when.
#[derive(Debug, Default)]
pub(super) struct Heard {
    since: Mutex<BTreeMap<(String, TicketId), DateTime<Utc>>>,
}

impl Heard {
    /// Whether it is a listening that the log does not have yet.
    fn is_new(&self, who: &str, ticket: TicketId, now: DateTime<Utc>) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let began = since.get(&(who.to_owned(), ticket));
        began.is_none_or(|began| now.signed_duration_since(*began) >= ONE_LISTENING)
    }

    fn began(&self, who: String, ticket: TicketId, now: DateTime<Utc>) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.insert((who, ticket), now);
        if since.len() > MOST {
            let first = since.iter().min_by_key(|(_, began)| **began).map(|(key, _)| key.clone());
            first.and_then(|first| since.remove(&first));
        }
    }
}

impl Site {
    /// Puts it on record.
    pub(super) async fn log(
        &self,
        who: String,
        what: Deed,
        ticket: Option<TicketId>,
        words: impl Into<String>,
    ) -> Result<(), StoreError> {
        let access = Access { at: self.now(), who, what, ticket, words: words.into() };
        self.inner.editor.log_access(access).await
    }

    /// Puts a listening on record, once for all its pieces.
    pub(super) async fn log_listening(&self, who: &Who, ticket: TicketId) -> Result<(), Problem> {
        let (name, now) = (who.name(), self.now());
        if self.inner.heard.is_new(&name, ticket, now) {
            self.log(name.clone(), Deed::Listened, Some(ticket), format!("from {}", who.address.ip()))
                .await?;
            self.inner.heard.began(name, ticket, now);
        }
        Ok(())
    }
}

/// Who looks after the others.
pub(super) fn oversee() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(access_log))
}

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct WhichLines {
    /// A name, exactly.
    who: Option<String>,
    ticket: Option<String>,
    /// The page after: the `next` of the page before.
    before: Option<i64>,
    /// 1 to 500; 100.
    limit: Option<u32>,
}

/// Some lines of the access log.
#[derive(Serialize, ToSchema)]
struct AccessLog {
    /// Newest first.
    lines: Vec<AccessLine>,
    /// Ask again with `before` = this for the next page; null: that was all.
    next: Option<i64>,
}

/// One line.
#[derive(Serialize, ToSchema)]
struct AccessLine {
    key: i64,
    at: Time,
    who: String,
    /// `listened`, `exported`, `looked up`, `changed`, `erased` or `signed in`.
    what: &'static str,
    ticket: Option<String>,
    words: String,
}

/// Who looked at what, newest first
#[utoipa::path(get, path = "/access-log", tag = "administration", params(WhichLines),
    responses((status = 200, body = AccessLog), Refusals))]
async fn access_log(
    State(site): State<Site>,
    Asks(which): Asks<WhichLines>,
) -> Result<Json<AccessLog>, Problem> {
    let limit = which.limit.unwrap_or(100).clamp(1, 500);
    let ticket = which.ticket.as_deref().map(id).transpose()?;
    let filter = AccessFilter { who: which.who, ticket, before: which.before, limit };
    let found = site.inner.books.reader().await?.access_log(&filter).await?;
    let full = u32::try_from(found.len()).is_ok_and(|count| count >= limit);
    let next = found.last().filter(|_| full).map(|(key, _)| *key);
    let lines = found.into_iter().map(|(key, access)| AccessLine {
        key,
        at: utc(access.at),
        who: access.who,
        what: words::deed(access.what),
        ticket: access.ticket.map(|ticket| ticket.to_string()),
        words: access.words,
    });
    Ok(Json(AccessLog { lines: lines.collect(), next }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::id;

    #[test]
    fn the_pieces_of_one_listening_are_one_and_the_memory_is_bounded() {
        let heard = Heard::default();
        let at = |seconds: i64| DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
        assert!(heard.is_new("li", id(7), at(0)));
        heard.began("li".into(), id(7), at(0));
        assert!(!heard.is_new("li", id(7), at(599)));
        assert!(heard.is_new("li", id(7), at(600)));
        assert!(heard.is_new("li", id(8), at(1)));
        assert!(heard.is_new("wang", id(7), at(1)));
        for number in 0..2000 {
            heard.began("wang".into(), id(number), at(2));
        }
        assert_eq!(heard.since.lock().unwrap().len(), MOST);
        assert!(heard.is_new("li", id(7), at(3)), "the oldest goes first");
    }
}
