//! What an entry of the chain seals: the rows of its subject, every column as SQLite holds it, type
//! included. Read by the same statements when it is sealed and when it is checked, so that nothing but
//! the rows can differ.

use std::collections::BTreeMap;

use sqlx::{Column, Decode, Row, Sqlite, SqliteConnection, TypeInfo, ValueRef, sqlite::SqliteRow};

use crate::{
    desk::chain::Kind,
    store::{error::StoreError, group::utc, rows::parse_local},
};

/// Subjects that are read at once; bounds the memory of a check.
pub(super) const PAGE: usize = 500;

/// The rows of a kind. Of each statement the first column is the subject; the rows of one subject come
/// in a fixed order.
fn statements(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Ticket => &[
            "SELECT key, id, revision, direction, caller, caller_name, dialled, trunk, received_at, \
             received_utc, first_ring_at, flagged_at, answered_at, ended_at, rings, answered_by_kind, \
             answered_by_name, answered_by_number, shift, operator, desk_state, outcome, hung_up_first, redial_of \
             FROM ticket WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key",
            "SELECT ticket, idx, party_kind, party_name, party_number, dialled_at, ringing_at, answered_at, \
             ended_at, unanswered, status, sip_call_id FROM leg \
             WHERE ticket IN (SELECT value FROM json_each(?)) ORDER BY ticket, idx",
            "SELECT ticket, idx, at, what, words FROM timeline \
             WHERE ticket IN (SELECT value FROM json_each(?)) ORDER BY ticket, idx",
            "SELECT ticket, file, sha256, started_at, ended, cut_ms FROM notice \
             WHERE ticket IN (SELECT value FROM json_each(?)) ORDER BY ticket",
        ],
        Kind::Recording => &[
            "SELECT ticket, verdict, verdict_words, path, sample_rate, samples, \
             unwritten_samples, tap_dropped, late_syncs, caller_packets, caller_lost_samples, \
             caller_audible_samples, caller_skew_samples, caller_late_packets, operator_packets, \
             operator_lost_samples, operator_audible_samples, operator_skew_samples, operator_late_packets, \
             sha256 FROM recording WHERE ticket IN (SELECT value FROM json_each(?)) ORDER BY ticket",
            "SELECT ticket, side, idx, from_ms, to_ms, lost_ms FROM recording_gap \
             WHERE ticket IN (SELECT value FROM json_each(?)) ORDER BY ticket, side, idx",
        ],
        Kind::Access => &["SELECT key, at_utc, who, what, ticket, words FROM access_log \
             WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key"],
        Kind::Certificate => {
            &["SELECT key, at_utc, ticket, erased, reason, ordered_by, path, sha256 FROM certificate \
             WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key"]
        }
    }
}

/// The columns that tell when it happened; the last one that a subject has counts.
const TIMES: [&str; 4] = ["received_utc", "ended_at", "at", "at_utc"];

/// Keys as `json_each` takes them: one statement for any number of them.
pub(super) fn list(keys: &[i64]) -> String {
    let keys: Vec<String> = keys.iter().map(i64::to_string).collect();
    format!("[{}]", keys.join(","))
}

/// One subject's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// When it happened, by its own rows: `2026-11-23T08:15:02.123Z`.
    pub(super) at: String,
}

/// The contents of many subjects, by key; a subject without a row has none.
#[derive(Debug, Default)]
pub(super) struct Contents(BTreeMap<i64, Content>);

impl Contents {
    pub(super) async fn read(
        connection: &mut SqliteConnection,
        kind: Kind,
        subjects: &[i64],
    ) -> Result<Self, StoreError> {
        let mut contents = Self::default();
        for some in subjects.chunks(PAGE) {
            for (place, statement) in (0_u8..).zip(statements(kind)) {
                for row in sqlx::query(*statement).bind(list(some)).fetch_all(&mut *connection).await? {
                    contents.add(place, &row)?;
                }
            }
        }
        Ok(contents)
    }

    pub(super) fn get(&self, subject: i64) -> Option<&Content> {
        self.0.get(&subject)
    }

    pub(super) fn into_inner(self) -> BTreeMap<i64, Content> {
        self.0
    }

    /// Appends one row: its statement's place, then each column's type and bytes behind their length.
    fn add(&mut self, place: u8, row: &SqliteRow) -> Result<(), StoreError> {
        let subject: i64 = row.try_get_unchecked(0)?;
        // Legs without a ticket are no content; the first statement's row is what makes a subject.
        if place > 0 && !self.0.contains_key(&subject) {
            return Ok(());
        }
        let content = self.0.entry(subject).or_default();
        content.bytes.extend([b'[', place]);
        for (index, column) in row.columns().iter().enumerate() {
            let value = row.try_get_raw(index)?;
            if value.is_null() {
                content.bytes.push(b'-');
                continue;
            }
            let kind = value.type_info().name().bytes().next().unwrap_or(b'?');
            let bytes = <&[u8] as Decode<'_, Sqlite>>::decode(value).map_err(sqlx::Error::Decode)?;
            content.bytes.push(kind);
            content.bytes.extend(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            content.bytes.extend(bytes);
            if TIMES.contains(&column.name())
                && let Some(at) = std::str::from_utf8(bytes).ok().and_then(parse_local)
            {
                content.at = utc(at.to_utc());
            }
        }
        Ok(())
    }
}
