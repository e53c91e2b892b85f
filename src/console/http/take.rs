//! What a request holds, taken apart; what can't be taken is a problem that says which part.

use axum::extract::{FromRequest, FromRequestParts};

use super::problem::Problem;

/// The body, as JSON.
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(super) struct Body<T>(pub(super) T);

/// What stands behind the `?`.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(super) struct Asks<T>(pub(super) T);

/// The parts of the path in braces.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Named<T>(pub(super) T);
