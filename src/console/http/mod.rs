//! The API: REST and JSON under `/api/v1`, described by `docs/openapi.json`, explained by `docs/api.md`;
//! and the console's pages beside it (`web`).
//!
//! Every route asks who is there and for a right (`guard`); which one stands beside the route, and in the
//! description. Reads come from [`crate::store::reader`]; what a person changes is an edit of the store; what
//! they order goes through the loop's channel like any input. Nothing here touches a call.
//!
//! Reading starts at [`router`]; [`serve`] runs it on a thread of its own, so that no answer and no password
//! ever takes time from signalling.

mod access;
mod books;
mod desk;
mod events;
mod guard;
mod listen;
mod openapi;
pub mod password;
mod problem;
mod recordings;
mod session;
mod take;
mod throttle;
mod tickets;
mod tokens;
mod users;
mod web;

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{Extension, Router, extract::DefaultBodyLimit, http::header, response::IntoResponse};
use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{DefaultPredicate, NotForContentType},
    },
};
use utoipa_axum::router::OpenApiRouter;

use self::{books::Books, problem::Problem, throttle::Throttle};
use super::{control::Asked, feed::Feed};
use crate::{desk::people::Right, store::edit::Editor};

pub use self::{
    listen::{BadTls, Door, Tls},
    openapi::description,
};

/// How the API behaves.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// A session that is not used for this long is over.
    pub session_idle: Duration,
    /// And after this long in any case.
    pub session_longest: Duration,
    /// Failures to sign in that an address or a name has in a minute; 0: any number.
    pub sign_in_per_minute: u32,
    /// Whether it is served over TLS: cookies are then kept to it.
    pub secure: bool,
    pub database: PathBuf,
    pub recordings: PathBuf,
}

/// What only the daemon's floor can give: clocks and chance.
#[derive(Debug, Clone, Copy)]
pub struct World {
    pub now: fn() -> DateTime<Utc>,
    /// Fresh random bytes for secrets and salts.
    pub chance: fn() -> std::io::Result<[u8; 32]>,
}

/// What every request may use; cheap to clone.
#[derive(Debug, Clone)]
pub struct Site {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: HttpSettings,
    world: World,
    books: Books,
    editor: Editor,
    asked: mpsc::Sender<Asked>,
    feed: Feed,
    throttle: Throttle,
    heard: access::Heard,
    /// One password at a time: each takes 19 MiB.
    hashing: tokio::sync::Semaphore,
    /// True when the daemon stops: streams end.
    leaving: watch::Receiver<bool>,
}

impl Site {
    pub fn new(
        settings: HttpSettings,
        world: World,
        editor: Editor,
        asked: mpsc::Sender<Asked>,
        feed: Feed,
        leaving: watch::Receiver<bool>,
    ) -> Self {
        let inner = Inner {
            books: Books::new(&settings.database),
            throttle: Throttle::new(settings.sign_in_per_minute),
            heard: access::Heard::default(),
            hashing: tokio::sync::Semaphore::new(1),
            settings,
            world,
            editor,
            asked,
            feed,
            leaving,
        };
        Self { inner: Arc::new(inner) }
    }

    fn now(&self) -> DateTime<Utc> {
        (self.inner.world.now)()
    }

    fn chance(&self) -> Result<[u8; 32], Problem> {
        (self.inner.world.chance)().map_err(|error| {
            tracing::error!(%error, "console: no random bytes");
            Problem::fault()
        })
    }
}

/// Largest body that is read; house rules are the largest thing that people send here.
const LARGEST_BODY: usize = 1 << 20;

/// The whole API, each group of routes behind its right.
fn api() -> OpenApiRouter<Site> {
    let guarded = guard::demand;
    let v1 = OpenApiRouter::new()
        .merge(session::open())
        .merge(openapi::open())
        .merge(guarded(Right::Look, session::own()))
        .merge(guarded(Right::Look, tokens::own()))
        .merge(guarded(Right::Look, desk::look()))
        .merge(guarded(Right::Work, desk::work()))
        .merge(guarded(Right::Oversee, desk::oversee()))
        .merge(guarded(Right::Oversee, access::oversee()))
        .merge(guarded(Right::Administer, desk::administer()))
        .merge(guarded(Right::Look, tickets::look()))
        .merge(guarded(Right::Work, tickets::work()))
        .merge(guarded(Right::Listen, recordings::listen()))
        .merge(guarded(Right::Look, events::look()))
        .merge(guarded(Right::Administer, users::administer()))
        .merge(guarded(Right::Administer, tokens::administer()));
    OpenApiRouter::with_openapi(openapi::head()).nest("/api/v1", v1)
}

/// All that is served.
pub fn router(site: Site) -> Router {
    // Compressed audio has no ranges, and a stream that is compressed comes late.
    let worth = DefaultPredicate::new()
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::const_new("text/event-stream"));
    let (routes, _) = api().split_for_parts();
    routes
        .fallback(web::page)
        .method_not_allowed_fallback(|| async {
            Problem::bad_request(
                "this address does not know that method; docs/api.md lists those that it knows",
            )
        })
        .with_state(site.clone())
        .layer(Extension(site))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CompressionLayer::new().compress_when(worth))
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("console: a request panicked");
            Problem::fault().into_response()
        }))
        .layer(axum::middleware::map_response(private))
}

/// Nothing of this is for caches or frames.
async fn private(mut response: axum::response::Response) -> axum::response::Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(axum::http::HeaderValue::from_static(value));
    }
    response
}

/// Answers at that door until the daemon leaves.
pub async fn serve(door: Door, site: Site) {
    let mut leaving = site.inner.leaving.clone();
    let service = router(site).into_make_service_with_connect_info::<listen::Peer>();
    let until = async move {
        // The sender is gone only when the daemon is.
        let _ = leaving.wait_for(|leaving| *leaving).await;
    };
    if let Err(error) = axum::serve(door, service).with_graceful_shutdown(until).await {
        tracing::error!(%error, "console: ended");
    }
}

/// A time in UTC, as the shapes of [`super::json`] hold it.
fn utc(at: DateTime<Utc>) -> super::json::Time {
    super::json::Time(at.fixed_offset())
}
