//! The API's description of itself.

use axum::{Json, extract::State};
use utoipa::openapi::{
    Components, Info, OpenApi, OpenApiBuilder,
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Site, guard::COOKIE, problem::Problem};

/// Open to everybody: it holds nothing but what `docs/openapi.json` holds.
pub(super) fn open() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(openapi)).routes(routes!(health))
}

/// What stands at the head of the description.
pub(super) fn head() -> OpenApi {
    let mut components = Components::new();
    let cookie = "the cookie that POST /api/v1/session sets; requests that change something need an Origin of \
                  our own, or the header X-Hotlined";
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(COOKIE, cookie))),
    );
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let mut info = Info::new("hotlined", "1");
    info.description = Some("The service desk's hotline: docs/api.md is the guide.".to_owned());
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

/// The whole description, as `docs/openapi.json` holds it.
pub fn description() -> OpenApi {
    super::api().into_openapi()
}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "session",
    responses((status = 200, body = Object, description = "OpenAPI 3.1")))]
async fn openapi() -> Json<OpenApi> {
    Json(description())
}

/// Whether the daemon answers
#[utoipa::path(get, path = "/health", tag = "session",
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "the database can't be read")))]
async fn health(State(site): State<Site>) -> Result<&'static str, Problem> {
    site.inner.books.reader().await?.newest_event().await?;
    Ok("ok")
}
