//! Tickets: lists by many marks, one with all that is known, and what a person types about it.

use axum::{Extension, Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    guard::Who,
    problem::{Problem, Refusals},
    take::{Asks, Body, Named},
};
use crate::{
    console::json::{Ticket, TicketPage},
    desk::{access::Deed, number::Private, ticket::TicketId},
    store::{reader::TicketFilter, words},
};

/// Tickets on one page of a list.
const MOST: u32 = 500;

/// Longest remark.
const LONGEST_REMARK: usize = 10_000;

pub(super) fn look() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(tickets)).routes(routes!(ticket))
}

pub(super) fn work() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(set_remark))
}

/// Which tickets; all marks must fit.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Received at or after this time.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<DateTime<Utc>>,
    /// Received before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<DateTime<Utc>>,
    /// `hotline`, `out` or `internal`.
    direction: Option<String>,
    /// The caller's number, exactly as the trunk sent it.
    caller: Option<String>,
    /// Who sat at the desk, by the rota.
    operator: Option<String>,
    /// True: only those not answered within three rings.
    flagged: Option<bool>,
    /// True: only those that still last.
    open: Option<bool>,
    /// `answered by desk`, `abandoned`, `missed`, …
    outcome: Option<String>,
    /// What is thought of its recording: `good`, `degraded`, `one-sided`, `failed`, `interrupted`, `none`.
    verdict: Option<String>,
    /// A piece of the remark, or a whole number of caller or ticket.
    text: Option<String>,
    /// The page after: the `next` of the page before.
    after: Option<String>,
    /// 1 to 500; 50.
    limit: Option<u32>,
}

impl Which {
    fn filter(self) -> Result<TicketFilter, Problem> {
        fn word<T>(
            key: &str,
            word: Option<String>,
            from: impl Fn(&str) -> Option<T>,
        ) -> Result<Option<T>, Problem> {
            word.map(|word| {
                from(&word).ok_or_else(|| Problem::bad_request(format!("{key}: {word:?} is no {key}")))
            })
            .transpose()
        }
        let verdict = word("verdict", self.verdict, |word| words::verdict_from(word, None))?;
        Ok(TicketFilter {
            flagged: self.flagged.unwrap_or(false),
            open: self.open.unwrap_or(false),
            since: self.since,
            until: self.until,
            direction: word("direction", self.direction, words::direction_from)?,
            caller: self.caller.map(Private::new),
            operator: self.operator,
            outcome: word("outcome", self.outcome, words::outcome_from)?,
            verdict: verdict.as_ref().map(|verdict| words::verdict(verdict).0),
            text: self.text.filter(|text| !text.trim().is_empty()),
            after: self.after.map(|after| id(&after)).transpose()?,
            limit: self.limit.unwrap_or(50).clamp(1, MOST),
        })
    }
}

/// Reads a ticket's number.
pub(super) fn id(text: &str) -> Result<TicketId, Problem> {
    text.parse().map_err(|error| Problem::bad_request(format!("{text:?}: {error}")))
}

/// Some tickets of a list.
#[derive(Serialize, ToSchema)]
struct Tickets {
    /// Newest first.
    tickets: Vec<Ticket>,
    /// Ask again with `after` = this for the next page; null: that was all.
    next: Option<String>,
}

/// Tickets, newest first
#[utoipa::path(get, path = "/tickets", tag = "tickets", params(Which),
    responses((status = 200, body = Tickets), Refusals))]
async fn tickets(State(site): State<Site>, Asks(which): Asks<Which>) -> Result<Json<Tickets>, Problem> {
    let filter = which.filter()?;
    let found = site.inner.books.reader().await?.tickets(&filter).await?;
    let full = u32::try_from(found.len()).is_ok_and(|count| count >= filter.limit);
    let next = found.last().filter(|_| full).map(|ticket| ticket.id.to_string());
    Ok(Json(Tickets { tickets: found.iter().map(Ticket::from).collect(), next }))
}

/// One ticket with all that is known of it
#[utoipa::path(get, path = "/tickets/{id}", tag = "tickets", params(("id" = String, Path)),
    responses((status = 200, body = TicketPage), Refusals))]
async fn ticket(State(site): State<Site>, Named(number): Named<String>) -> Result<Json<TicketPage>, Problem> {
    let page = site.inner.books.reader().await?.ticket(id(&number)?).await?;
    page.map(|page| Json(TicketPage::from(&page))).ok_or_else(|| no_ticket(&number))
}

pub(super) fn no_ticket(number: &str) -> Problem {
    Problem::not_found(format!("there is no ticket {number}"))
}

/// What a person types.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Remark {
    /// At most 10,000 characters; empty takes the remark away.
    remark: String,
}

/// Type something about a ticket
///
/// In place of what was there.
#[utoipa::path(put, path = "/tickets/{id}/remark", tag = "tickets", params(("id" = String, Path)),
    request_body = Remark, responses((status = 204, description = "kept"), Refusals))]
async fn set_remark(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Named(number): Named<String>,
    Body(wanted): Body<Remark>,
) -> Result<StatusCode, Problem> {
    let ticket = id(&number)?;
    if wanted.remark.chars().count() > LONGEST_REMARK {
        return Err(Problem::unprocessable(format!("remark: at most {LONGEST_REMARK} characters")));
    }
    match site.inner.editor.set_remark(ticket, wanted.remark, who.name(), site.now()).await? {
        true => {
            site.log(who.name(), Deed::Changed, Some(ticket), "remark").await?;
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(no_ticket(&number)),
    }
}
