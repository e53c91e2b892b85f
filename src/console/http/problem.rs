//! What went wrong, as `application/problem+json` (RFC 9457): a word for programs, and for people what to do.

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::store::error::StoreError;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// `urn:hotlined:not-found`: one name for each kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: &'static str,
    pub status: u16,
    /// What is wrong, and what to do.
    pub detail: String,
    #[serde(skip)]
    retry_after: Option<u64>,
}

/// What any request may be answered with instead.
#[derive(IntoResponses)]
pub(super) enum Refusals {
    /// The request is not understood; the detail says which part.
    #[response(status = 400, content_type = "application/problem+json")]
    _BadRequest(Problem),
    /// Nobody is signed in.
    #[response(status = 401, content_type = "application/problem+json")]
    _Unauthorized(Problem),
    /// Not allowed to this role, or by the token's scopes.
    #[response(status = 403, content_type = "application/problem+json")]
    _Forbidden(Problem),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    _NotFound(Problem),
    /// It does not fit the state of things.
    #[response(status = 409, content_type = "application/problem+json")]
    _Conflict(Problem),
    /// What was sent holds a value that can't be taken.
    #[response(status = 422, content_type = "application/problem+json")]
    _Unprocessable(Problem),
    /// Too often; Retry-After says how many seconds to wait.
    #[response(status = 429, content_type = "application/problem+json")]
    _TooMany(Problem),
    /// The daemon or its database is not able to answer now.
    #[response(status = 503, content_type = "application/problem+json")]
    _Unavailable(Problem),
}

impl Problem {
    fn new(status: StatusCode, word: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:hotlined:{word}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    pub(super) fn not_signed_in() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "not-signed-in",
            "sign in by POST /api/v1/session, or send a token as Authorization: Bearer",
        )
    }

    /// Name, password or code: which of them, nobody is told.
    pub(super) fn wrong_credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "wrong-credentials",
            "name, password or code is wrong; an administrator can set a new password",
        )
    }

    pub(super) fn code_needed() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "code-needed",
            "this user signs in with a one-time code, too: send it as code",
        )
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    pub(super) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
    }

    pub(super) fn too_many(seconds: u64) -> Self {
        let detail = format!("too many attempts; try again in {seconds} s");
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", detail) }
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// A fault of ours; the cause is in the log.
    pub(super) fn fault() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "fault",
            "a fault of the daemon; its log says more, and the hotline goes on",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "console: database");
        match error {
            StoreError::Busy | StoreError::Down(_) | StoreError::NotThere(_) | StoreError::Replaced(_) => {
                Self::unavailable("the database does not work at present; calls go on, try again soon")
            }
            StoreError::Newer { .. }
            | StoreError::File { .. }
            | StoreError::BadRow { .. }
            | StoreError::Migration(_)
            | StoreError::NoChance(_)
            | StoreError::Sqlite(_) => Self::fault(),
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::bad_request(format!("the body: {}", rejection.body_text()))
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(format!("the query: {}", rejection.body_text()))
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request(format!("the path: {}", rejection.body_text()))
    }
}
