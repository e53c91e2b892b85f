//! Tokens: what programs show instead of a password.

use std::collections::BTreeSet;

use axum::{Extension, Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    guard::{self, TOKEN_PREFIX, Who},
    problem::{Problem, Refusals},
    take::{Body, Named},
    utc,
};
use crate::{console::json::Time, desk::people::Right, store::people};

/// A user's own tokens.
pub(super) fn own() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(own_tokens, add_token)).routes(routes!(remove_own_token))
}

/// Everybody's.
pub(super) fn administer() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(all_tokens)).routes(routes!(remove_token))
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
struct Token {
    key: i64,
    name: String,
    user: String,
    scopes: Vec<&'static str>,
    created: Time,
    /// Null: it does not expire.
    expires: Option<Time>,
}

impl From<people::Token> for Token {
    fn from(token: people::Token) -> Self {
        Self {
            key: token.key,
            name: token.name,
            user: token.user,
            scopes: token.scopes.into_iter().map(Right::word).collect(),
            created: utc(token.created),
            expires: token.expires.map(utc),
        }
    }
}

/// A token that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What it is for.
    name: String,
    /// Of `look`, `work`, `listen`, `figures`, `oversee`, `administer`; it never has more than its owner.
    scopes: Vec<String>,
    /// Default: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<DateTime<Utc>>,
}

/// A token with its secret.
#[derive(Serialize, ToSchema)]
struct FreshToken {
    /// Shown this once: `Authorization: Bearer hlt_…`.
    secret: String,
    #[serde(flatten)]
    token: Token,
}

/// Own tokens
#[utoipa::path(get, path = "/me/tokens", tag = "tokens", responses((status = 200, body = Vec<Token>), Refusals))]
async fn own_tokens(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
) -> Result<Json<Vec<Token>>, Problem> {
    list(&site, Some(&who.user.name)).await
}

/// All tokens
#[utoipa::path(get, path = "/tokens", tag = "tokens", responses((status = 200, body = Vec<Token>), Refusals))]
async fn all_tokens(State(site): State<Site>) -> Result<Json<Vec<Token>>, Problem> {
    list(&site, None).await
}

async fn list(site: &Site, of: Option<&str>) -> Result<Json<Vec<Token>>, Problem> {
    let tokens = site.inner.books.reader().await?.tokens(of).await?;
    Ok(Json(tokens.into_iter().map(Token::from).collect()))
}

/// Make a token
///
/// Only who has signed in makes tokens; a token makes none.
#[utoipa::path(post, path = "/me/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 201, body = FreshToken), Refusals))]
async fn add_token(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Body(wanted): Body<NewToken>,
) -> Result<(StatusCode, Json<FreshToken>), Problem> {
    who.session()?;
    let name = wanted.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Problem::unprocessable("name: say what the token is for, in 1 to 100 characters"));
    }
    let scopes: BTreeSet<Right> = wanted
        .scopes
        .iter()
        .map(|word| word.parse())
        .collect::<Result<_, _>>()
        .map_err(|error| Problem::unprocessable(format!("scopes: {error}")))?;
    if let Some(beyond) = scopes.iter().find(|scope| !who.rights.contains(scope)) {
        return Err(Problem::forbidden(format!("you do not have the right “{}” yourself", beyond.word())));
    }
    if scopes.is_empty() {
        return Err(Problem::unprocessable("scopes: at least one"));
    }
    let now = site.now();
    if wanted.expires.is_some_and(|expires| expires <= now) {
        return Err(Problem::unprocessable("expires: a time to come"));
    }
    let secret = format!("{TOKEN_PREFIX}{}", guard::secret(&site.chance()?));
    let (user, hash) = (who.user.name.clone(), guard::hash(&secret));
    let key = site
        .inner
        .editor
        .add_token(hash, user.clone(), name.clone(), scopes.clone(), now, wanted.expires)
        .await?;
    tracing::info!(user, token = name, "token made");
    let token = people::Token { key, name, user, scopes, created: now, expires: wanted.expires };
    Ok((StatusCode::CREATED, Json(FreshToken { secret, token: token.into() })))
}

/// Take an own token back
#[utoipa::path(delete, path = "/me/tokens/{key}", tag = "tokens", params(("key" = i64, Path)),
    responses((status = 204, description = "it is good no more"), Refusals))]
async fn remove_own_token(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Named(key): Named<i64>,
) -> Result<StatusCode, Problem> {
    remove(&site, key, Some(who.user.name)).await
}

/// Take a token back
#[utoipa::path(delete, path = "/tokens/{key}", tag = "tokens", params(("key" = i64, Path)),
    responses((status = 204, description = "it is good no more"), Refusals))]
async fn remove_token(State(site): State<Site>, Named(key): Named<i64>) -> Result<StatusCode, Problem> {
    remove(&site, key, None).await
}

async fn remove(site: &Site, key: i64, of: Option<String>) -> Result<StatusCode, Problem> {
    match site.inner.editor.remove_token(key, of).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found(format!("there is no token {key}"))),
    }
}
