//! Who is there, and may they? Each group of routes demands one right; a route outside a group is open, and
//! there are few ([`super::session::open`], [`super::openapi::open`]).

use std::{collections::BTreeSet, net::SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderMap, Method, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use sha2::{Digest, Sha256};
use utoipa::openapi::{SecurityRequirement, path::Operation};
use utoipa_axum::router::OpenApiRouter;

use super::{Site, listen::Peer, problem::Problem};
use crate::{
    desk::people::Right,
    store::people::{SecretHash, User},
};

/// The cookie of a session. Where TLS is spoken a browser keeps it to TLS (`Secure`).
pub(super) const COOKIE: &str = "hotlined_session";

/// Stands before a token, so that a secret that got lost can be recognised.
pub(super) const TOKEN_PREFIX: &str = "hlt_";

/// A use of a session is written down when the last one is older than this.
const TOUCH: TimeDelta = TimeDelta::minutes(1);

/// Somebody who has shown who they are.
#[derive(Debug, Clone)]
pub(super) struct Who {
    pub(super) user: User,
    pub(super) rights: BTreeSet<Right>,
    pub(super) way: Way,
    pub(super) address: SocketAddr,
}

/// By what they have shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    Session(SecretHash),
    /// A token, by its name.
    Token(String),
}

impl Who {
    /// As log, ticket and database name them.
    pub(super) fn name(&self) -> String {
        match &self.way {
            Way::Session(_) => self.user.name.clone(),
            Way::Token(token) => format!("{} ({token})", self.user.name),
        }
    }

    /// The hash of the session, for what only a person at a browser may do.
    pub(super) fn session(&self) -> Result<SecretHash, Problem> {
        match &self.way {
            Way::Session(hash) => Ok(*hash),
            Way::Token(_) => Err(Problem::forbidden("a token can't do this: sign in")),
        }
    }
}

/// Puts a right in front of these routes, and into their description.
pub(super) fn demand(right: Right, mut routes: OpenApiRouter<Site>) -> OpenApiRouter<Site> {
    for path in routes.get_openapi_mut().paths.paths.values_mut() {
        let methods = [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch];
        for operation in methods.into_iter().filter_map(Option::as_mut) {
            secure(operation, right);
        }
    }
    routes.route_layer(middleware::from_fn(move |request, next| ask(right, request, next)))
}

fn secure(operation: &mut Operation, right: Right) {
    operation.security = Some(vec![
        SecurityRequirement::new::<_, [String; 0], String>("session", []),
        SecurityRequirement::new("token", [right.word()]),
    ]);
}

async fn ask(right: Right, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match who(&parts).await {
        Ok(who) if who.rights.contains(&right) => {
            parts.extensions.insert(who);
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(who) => {
            tracing::info!(user = who.name(), right = right.word(), path = parts.uri.path(), "refused");
            let (role, right) = (who.user.role.word(), right.word());
            Problem::forbidden(format!(
                "this needs the right “{right}”, which this {role} or token does not have"
            ))
            .into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn who(request: &Parts) -> Result<Who, Problem> {
    // The router puts it there.
    let site = request.extensions.get::<Site>().ok_or_else(Problem::fault)?;
    let address = address(&request.extensions)?;
    if let Some(token) = bearer(&request.headers) {
        return by_token(site, token, address).await;
    }
    let Some(secret) = cookie(&request.headers) else { return Err(Problem::not_signed_in()) };
    let hash = hash(secret);
    let now = site.now();
    let settings = &site.inner.settings;
    let session = site.inner.books.reader().await?.session(hash).await?.ok_or_else(Problem::not_signed_in)?;
    let old = |since, limit: std::time::Duration| {
        TimeDelta::from_std(limit).is_ok_and(|limit| now.signed_duration_since(since) > limit)
    };
    if session.user.locked
        || old(session.seen, settings.session_idle)
        || old(session.begun, settings.session_longest)
    {
        return Err(Problem::not_signed_in());
    }
    if !is_read(&request.method) {
        same_origin(&request.headers)?;
    }
    if now.signed_duration_since(session.seen) > TOUCH
        && let Err(error) = site.inner.editor.touch_session(hash, now).await
    {
        tracing::warn!(%error, "console: session not noted");
    }
    let rights = session.user.role.rights();
    Ok(Who { user: session.user, rights, way: Way::Session(hash), address })
}

async fn by_token(site: &Site, token: &str, address: SocketAddr) -> Result<Who, Problem> {
    let found = site.inner.books.reader().await?.token(hash(token)).await?;
    let (token, user) = found.ok_or_else(Problem::not_signed_in)?;
    if user.locked || token.expires.is_some_and(|expires| expires <= site.now()) {
        return Err(Problem::not_signed_in());
    }
    let rights = user.role.rights().intersection(&token.scopes).copied().collect();
    Ok(Who { user, rights, way: Way::Token(token.name), address })
}

/// Where the request came from.
pub(super) fn address(extensions: &Extensions) -> Result<SocketAddr, Problem> {
    let address = extensions.get::<ConnectInfo<Peer>>().map(|info| info.0.0);
    address.ok_or_else(Problem::fault)
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// A browser says where a request that changes something was made; only a page of ours may make it. A
/// program that sends our cookie without a browser's headers says `X-Hotlined`, which no foreign page can.
pub(super) fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let ours = match text(header::ORIGIN) {
        Some(origin) => origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        None => headers.contains_key("x-hotlined"),
    };
    if ours {
        Ok(())
    } else {
        Err(Problem::forbidden(
            "a page of another site made this request; a program sends its token, or the header X-Hotlined: 1",
        ))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, secret)| secret)
}

/// What the database keeps of a secret.
pub(super) fn hash(secret: &str) -> SecretHash {
    Sha256::digest(secret.as_bytes()).into()
}

/// A secret as cookies and tokens hold it.
pub(super) fn secret(chance: &[u8; 32]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_a_page_of_ours_may_change_anything() {
        for (pairs, good) in [
            (vec![("host", "desk.example:8080"), ("origin", "https://desk.example:8080")], true),
            (vec![("host", "desk.example:8080"), ("origin", "https://evil.example")], false),
            (vec![("host", "desk.example:8080"), ("origin", "https://desk.example")], false),
            (vec![("host", "desk.example"), ("origin", "null")], false),
            (vec![("host", "desk.example"), ("origin", "https://evil.example"), ("x-hotlined", "1")], false),
            (vec![("host", "desk.example")], false),
            (vec![("host", "desk.example"), ("x-hotlined", "1")], true),
        ] {
            assert_eq!(same_origin(&headers(&pairs)).is_ok(), good, "{pairs:?}");
        }
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        let found = |value| cookie(&headers(&[("cookie", value)])).map(str::to_owned);
        assert_eq!(found("a=b; hotlined_session=xyz; c=d"), Some("xyz".into()));
        assert_eq!(found("xhotlined_session=xyz"), None);
        assert_eq!(found("hotlined_session"), None);
        let token = |value| bearer(&headers(&[("authorization", value)])).map(str::to_owned);
        assert_eq!(token("bearer hlt_x"), Some("hlt_x".into()));
        assert_eq!(token("Basic hlt_x"), None);
    }
}
