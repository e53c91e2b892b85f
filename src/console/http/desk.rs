//! The desk right now: status, orders, outages. An order goes to the loop like any input.

use axum::{Extension, Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    guard::Who,
    problem::{Problem, Refusals},
    take::{Asks, Body, Named},
    utc,
};
use crate::{
    console::{
        control::{Asked, Command, Reply},
        json::{Status, Time},
    },
    store::{reader, words},
};

pub(super) fn look() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(status)).routes(routes!(outages))
}

pub(super) fn work() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(away)).routes(routes!(back))
}

pub(super) fn oversee() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(end))
}

pub(super) fn administer() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(reload))
}

/// What an order led to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    /// In words.
    done: String,
}

/// Asks the loop, and waits for its word.
pub(super) async fn ask(site: &Site, who: &Who, command: Command) -> Result<Reply, Problem> {
    let (reply, answer) = oneshot::channel();
    let stopping = || Problem::unavailable("the daemon is stopping");
    let asked = Asked { command, by: who.name(), reply };
    site.inner.asked.send(asked).await.map_err(|_| stopping())?;
    answer.await.map_err(|_| stopping())
}

/// Gives an order, and waits for the loop's word.
pub(super) async fn order(site: &Site, who: &Who, command: Command) -> Result<Json<Done>, Problem> {
    tracing::info!(user = who.name(), ?command, "order");
    match ask(site, who, command).await? {
        Reply::Done(done) => Ok(Json(Done { done })),
        Reply::Refused(why) => Err(Problem::conflict(why)),
        Reply::Status { .. } => Err(Problem::fault()),
    }
}

/// The desk right now
///
/// Trunks, phones, the state of the desk, calls in progress.
#[utoipa::path(get, path = "/status", tag = "desk", responses((status = 200, body = Status), Refusals))]
async fn status(State(site): State<Site>, Extension(who): Extension<Who>) -> Result<Json<Status>, Problem> {
    match ask(&site, &who, Command::Status).await? {
        Reply::Status { company, status } => Ok(Json(Status::of(&company, &status))),
        Reply::Done(_) | Reply::Refused(_) => Err(Problem::fault()),
    }
}

/// For how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AwayFor {
    /// 1 to 1440; null: until somebody says that the desk is back.
    minutes: Option<u32>,
}

/// Send the hotline to the mobile
///
/// Hotline calls go to the duty mobile (将客服热线转到移动电话上), for so long or until `back`.
#[utoipa::path(post, path = "/desk/away", tag = "desk", request_body = AwayFor,
    responses((status = 200, body = Done), Refusals))]
async fn away(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Body(wanted): Body<AwayFor>,
) -> Result<Json<Done>, Problem> {
    if wanted.minutes.is_some_and(|minutes| !(1..=1440).contains(&minutes)) {
        return Err(Problem::unprocessable("minutes: 1 to 1440, or none"));
    }
    order(&site, &who, Command::Away { minutes: wanted.minutes }).await
}

/// Ring the desk again
#[utoipa::path(post, path = "/desk/back", tag = "desk", responses((status = 200, body = Done), Refusals))]
async fn back(State(site): State<Site>, Extension(who): Extension<Who>) -> Result<Json<Done>, Problem> {
    order(&site, &who, Command::Back).await
}

/// End a call in progress
#[utoipa::path(post, path = "/calls/{ticket}/end", tag = "desk", params(("ticket" = String, Path)),
    responses((status = 200, body = Done), Refusals))]
async fn end(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Named(ticket): Named<String>,
) -> Result<Json<Done>, Problem> {
    order(&site, &who, Command::End { ticket }).await
}

/// Read the house rules again
///
/// A faulty file is refused, and the old rules stay.
#[utoipa::path(post, path = "/house/reload", tag = "administration",
    responses((status = 200, body = Done), Refusals))]
async fn reload(State(site): State<Site>, Extension(who): Extension<Who>) -> Result<Json<Done>, Problem> {
    order(&site, &who, Command::Reload).await
}

/// Which outages.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct WhichOutages {
    /// That lasted at this time or after.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<DateTime<Utc>>,
    /// That began before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<DateTime<Utc>>,
    /// 1 to 1000; 100.
    limit: Option<u32>,
}

/// A time in which something was out of order.
#[derive(Serialize, ToSchema)]
struct Outage {
    /// `trunk`, `phone`, `disk`, `recordings`, `database` or `daemon`.
    kind: &'static str,
    name: Option<String>,
    began: Time,
    /// Null: it lasts.
    ended: Option<Time>,
    reason: String,
}

impl From<reader::Outage> for Outage {
    fn from(outage: reader::Outage) -> Self {
        let (kind, name) = words::subject(&outage.subject);
        Self {
            kind,
            name: (!name.is_empty()).then(|| name.to_owned()),
            began: utc(outage.began),
            ended: outage.ended.map(utc),
            reason: outage.reason,
        }
    }
}

/// Outages, newest first
#[utoipa::path(get, path = "/outages", tag = "desk", params(WhichOutages),
    responses((status = 200, body = Vec<Outage>), Refusals))]
async fn outages(
    State(site): State<Site>,
    Asks(which): Asks<WhichOutages>,
) -> Result<Json<Vec<Outage>>, Problem> {
    let limit = which.limit.unwrap_or(100).clamp(1, 1000);
    let outages = site.inner.books.reader().await?.outages(which.since, which.until, limit).await?;
    Ok(Json(outages.into_iter().map(Outage::from).collect()))
}
