//! Recordings: the WAV file itself, in ranges, so that a player starts at once and seeks.

use std::path::{Component, Path, PathBuf};

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;
use tower_http::services::ServeFile;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    guard::Who,
    problem::{Problem, Refusals},
    take::Named,
    tickets::{id, no_ticket},
};
use crate::desk::ticket::TicketId;

pub(super) fn listen() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(recording)).routes(routes!(peaks))
}

/// A call's recording
///
/// Stereo WAV: left the outside party, right the desk. `Range` is answered with 206. A ticket without a file
/// is answered 404, and the detail says why there is none.
#[utoipa::path(get, path = "/tickets/{id}/recording", tag = "tickets", params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "audio/wav", body = Vec<u8>),
        (status = 206, content_type = "audio/wav", body = Vec<u8>),
        Refusals))]
async fn recording(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Named(number): Named<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (ticket, path) = file(&site, &number).await?;
    site.log_listening(&who, ticket).await?;
    let answer = ServeFile::new(site.inner.settings.recordings.join(&path)).oneshot(request).await;
    let mut answer = answer.unwrap_or_else(|never| match never {}).map(Body::new);
    if answer.status() == StatusCode::NOT_FOUND {
        let path = path.display();
        return Err(Problem::not_found(format!("{path} is not in the recordings folder any more")));
    }
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    let name = format!("inline; filename=\"{ticket}.wav\"");
    if let Ok(name) = HeaderValue::from_str(&name) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(answer.into_response())
}

/// What a recording looks like
///
/// The peaks file beside it: audiowaveform's binary format, version 2, 20 pairs a second and channel
/// (`docs/recordings.md`). It holds no speech, so looking at it is no listening.
#[utoipa::path(get, path = "/tickets/{id}/peaks", tag = "tickets", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), Refusals))]
async fn peaks(State(site): State<Site>, Named(number): Named<String>) -> Result<Response, Problem> {
    let (_, path) = file(&site, &number).await?;
    let path = site.inner.settings.recordings.join(path).with_extension("dat");
    match tokio::fs::read(path).await {
        Ok(bytes) => Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()),
        Err(_) => Err(Problem::not_found(format!("the recording of {number} has no peaks file"))),
    }
}

/// A ticket's recording, relative to the recordings folder.
async fn file(site: &Site, number: &str) -> Result<(TicketId, PathBuf), Problem> {
    let page = site.inner.books.reader().await?.ticket(id(number)?).await?;
    let page = page.ok_or_else(|| no_ticket(number))?;
    let file = page.ticket.recording.as_ref().and_then(|recording| recording.report.as_ref());
    let Some(file) = file else {
        let why = super::super::text::why_no_recording(&page.ticket);
        return Err(Problem::not_found(format!("{number} has no recording: {why}")));
    };
    // The database names files below the folder only; a row that says otherwise is not followed.
    if !is_below(&file.path) {
        return Err(Problem::fault());
    }
    Ok((page.ticket.id, file.path.clone()))
}

fn is_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_leads_out_of_the_recordings_folder() {
        assert!(is_below(Path::new("2026/11/23/20261123-0007.wav")));
        for path in ["/etc/passwd", "../x.wav", "2026/../../x.wav"] {
            assert!(!is_below(Path::new(path)), "{path}");
        }
    }
}
