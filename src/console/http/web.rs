//! The console's pages: what `web/` has built, carried in the program itself. Every address that is no file
//! and not the API's is a page of the console, which finds its own way from there.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Site, problem::Problem};

/// The build (`npm run build` in `web/`). Committed, so that nobody needs Node to build the daemon.
#[derive(rust_embed::Embed)]
#[folder = "web/dist/"]
struct Built;

/// Where each answer's fresh word belongs in `index.html` (`web/vite.config.ts`).
const NONCE: &str = "__NONCE__";

/// Names in there carry a hash of what the file holds.
const HASHED: &str = "assets/";

/// A file of the build, or the page that finds the address.
pub(super) async fn page(State(site): State<Site>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return Problem::not_found("there is nothing at this address; docs/api.md lists what is")
            .into_response();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Problem::bad_request("pages are only read; what is changed has its address under /api/v1")
            .into_response();
    }
    match Built::get(path).filter(|_| path != "index.html" && !path.is_empty()) {
        Some(file) => self::file(path, file),
        // A file of an older build; a page in its place would only be a puzzle.
        None if path.starts_with(HASHED) => StatusCode::NOT_FOUND.into_response(),
        None => match site.chance() {
            Ok(chance) => index(&hex::encode(chance)),
            Err(problem) => problem.into_response(),
        },
    }
}

fn file(path: &str, file: rust_embed::EmbeddedFile) -> Response {
    let kept = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [(header::CONTENT_TYPE, kind(path)), (header::CACHE_CONTROL, kept)];
    (headers, file.data).into_response()
}

/// The few kinds of files that the build has.
fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn index(nonce: &str) -> Response {
    let Some(file) = Built::get("index.html") else {
        return (StatusCode::NOT_FOUND, "this build has no console").into_response();
    };
    let html = String::from_utf8_lossy(&file.data).replace(NONCE, nonce);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy(nonce)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    (headers, html).into_response()
}

/// Nothing from elsewhere, nothing inline but the waveform's own style sheet, which knows the word.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_allows_nothing_from_elsewhere_and_each_answer_has_its_own_word() {
        let answer = index("0a1b");
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let html = String::from_utf8(body.to_vec()).unwrap();
        assert!(html.contains("nonce=\"0a1b\""), "{html}");
        assert!(!html.contains(NONCE), "{html}");
    }

    #[test]
    fn every_file_of_the_build_has_a_kind() {
        let names: Vec<_> = Built::iter().collect();
        assert!(names.iter().any(|name| name.starts_with(HASHED)), "{names:?}");
        for name in names.iter().filter(|name| *name != "index.html") {
            assert_ne!(kind(name), "application/octet-stream", "{name}");
        }
    }
}
