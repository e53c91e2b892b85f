//! The proof that a caller was told of the recording.

use std::{collections::BTreeSet, time::Duration};

use sqlx::SqliteConnection;

use super::{
    error::StoreError,
    group::{Rows, insert, key, local},
    rows::Cells,
};
use crate::desk::ticket::{Notice, NoticeEnd, PromptFile, Ticket};

const NOTICES: Rows = Rows {
    head: "INSERT OR REPLACE INTO notice (ticket, file, sha256, started_at, ended, cut_ms) VALUES ",
    columns: 6,
    tail: "",
};

/// Those of the tickets that were written.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    tickets: &[&Ticket],
    written: &BTreeSet<i64>,
) -> Result<(), StoreError> {
    let notices: Vec<(i64, &Notice)> = tickets
        .iter()
        .filter_map(|ticket| Some((key(ticket.id), ticket.notice.as_ref()?)))
        .filter(|(key, _)| written.contains(key))
        .collect();
    insert(tx, &NOTICES, &notices, |query, (ticket, notice)| {
        let (ended, cut_ms) = match notice.ended {
            None => (None, None),
            Some(NoticeEnd::Whole) => (Some("played"), None),
            Some(NoticeEnd::CutAfter(after)) => {
                (Some("cut"), Some(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)))
            }
            Some(NoticeEnd::Failed) => (Some("failed"), None),
        };
        query
            .bind(*ticket)
            .bind(notice.file.name.clone())
            .bind(notice.file.sha256.clone())
            .bind(local(notice.started))
            .bind(ended)
            .bind(cut_ms)
    })
    .await?;
    Ok(())
}

/// Out of a row that holds [`super::rows::TICKET_COLUMNS`].
pub(super) fn read(cells: &Cells<'_>) -> Result<Option<Notice>, StoreError> {
    let Some(name) = cells.get::<Option<String>>("notice_file")? else { return Ok(None) };
    let cut: Option<u64> = cells.number_or_null("notice_cut_ms")?;
    let ended = match (cells.get::<Option<&str>>("notice_ended")?, cut) {
        (None, _) => None,
        (Some("played"), _) => Some(NoticeEnd::Whole),
        (Some("cut"), Some(ms)) => Some(NoticeEnd::CutAfter(Duration::from_millis(ms))),
        (Some("failed"), _) => Some(NoticeEnd::Failed),
        (Some(_), _) => return Err(cells.bad("notice_ended")),
    };
    Ok(Some(Notice {
        file: PromptFile { name, sha256: cells.get("notice_sha256")? },
        started: cells.time("notice_started_at")?,
        ended,
    }))
}
