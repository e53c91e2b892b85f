//! Rows back into the types of `desk`. A row that this program cannot have written is an error with
//! its place, never a panic.

use chrono::{DateTime, Utc};
use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};

use super::{error::StoreError, group::id_of, notice, words};
use crate::desk::{
    number::{Number, Private},
    ticket::{
        LegRecord, LocalTime, Party, Recording, RecordingReport, SideReport, Ticket, TicketId, Verdict,
    },
};

/// The columns that [`ticket`] reads, by name.
pub(super) const TICKET_COLUMNS: &str = "t.key, t.revision, t.direction, t.caller, t.caller_name, \
     t.dialled, t.trunk, t.received_at, t.first_ring_at, t.flagged_at, t.answered_at, t.ended_at, t.rings, \
     t.answered_by_kind, t.answered_by_name, t.answered_by_number, t.shift, t.operator, t.desk_state, \
     t.outcome, t.hung_up_first, t.redial_of, t.part_of, r.verdict, r.verdict_words, r.path, r.sample_rate, r.samples, \
     r.unwritten_samples, r.tap_dropped, r.late_syncs, r.caller_packets, r.caller_lost_samples, \
     r.caller_audible_samples, r.caller_skew_samples, r.caller_late_packets, r.operator_packets, \
     r.operator_lost_samples, r.operator_audible_samples, r.operator_skew_samples, \
     r.operator_late_packets, n.file AS notice_file, n.sha256 AS notice_sha256, \
     n.started_at AS notice_started_at, n.ended AS notice_ended, n.cut_ms AS notice_cut_ms";

/// Where they come from; see [`ticket`].
pub(super) const TICKET_TABLES: &str =
    "ticket t LEFT JOIN recording r ON r.ticket = t.key LEFT JOIN notice n ON n.ticket = t.key";

/// One row and whose it is, for errors.
pub(super) struct Cells<'r> {
    pub(super) row: &'r SqliteRow,
    pub(super) table: &'static str,
    pub(super) of: String,
}

impl Cells<'_> {
    pub(super) fn bad(&self, column: &'static str) -> StoreError {
        StoreError::BadRow { table: self.table, ticket: self.of.clone(), column }
    }

    pub(super) fn get<'s, T>(&'s self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'s, Sqlite> + Type<Sqlite>,
    {
        self.row.try_get(column).map_err(|_| self.bad(column))
    }

    /// An integer that must fit; NULL counts as not fitting.
    pub(super) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.get::<i64>(column)?).map_err(|_| self.bad(column))
    }

    pub(super) fn number_or_null<T: TryFrom<i64>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.get::<Option<i64>>(column)?.map(|n| T::try_from(n).map_err(|_| self.bad(column))).transpose()
    }

    pub(super) fn time(&self, column: &'static str) -> Result<LocalTime, StoreError> {
        parse_local(self.get(column)?).ok_or_else(|| self.bad(column))
    }

    pub(super) fn time_or_null(&self, column: &'static str) -> Result<Option<LocalTime>, StoreError> {
        self.get::<Option<&str>>(column)?
            .map(|text| parse_local(text).ok_or_else(|| self.bad(column)))
            .transpose()
    }

    pub(super) fn utc(&self, column: &'static str) -> Result<DateTime<Utc>, StoreError> {
        self.time(column).map(|at| at.to_utc())
    }

    /// A word that must be one of ours.
    pub(super) fn word<T>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.get::<Option<&str>>(column)?.map(|word| parse(word).ok_or_else(|| self.bad(column))).transpose()
    }

    /// A word that must be there and be one of ours.
    pub(super) fn named<T>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.word(column, parse)?.ok_or_else(|| self.bad(column))
    }

    fn telephone(&self, column: &'static str) -> Result<Option<Number>, StoreError> {
        Ok(self.get::<Option<String>>(column)?.map(Private::new))
    }

    pub(super) fn party(&self, columns: [&'static str; 3]) -> Result<Option<Party>, StoreError> {
        let [kind, name, number] = columns;
        let needed = |column: &'static str| move || self.bad(column);
        match self.get::<Option<&str>>(kind)? {
            None => Ok(None),
            Some("phone") => {
                Ok(Some(Party::Phone(self.get::<Option<String>>(name)?.ok_or_else(needed(name))?)))
            }
            Some("mobile") => Ok(Some(Party::Mobile {
                name: self.get::<Option<String>>(name)?.ok_or_else(needed(name))?,
                number: self.telephone(number)?.ok_or_else(needed(number))?,
            })),
            Some("outside") => Ok(Some(Party::Outside(self.telephone(number)?.ok_or_else(needed(number))?))),
            Some(_) => Err(self.bad(kind)),
        }
    }
}

/// `2026-11-23T16:15:02.123+08:00`, or with Z.
pub(super) fn parse_local(text: &str) -> Option<LocalTime> {
    DateTime::parse_from_rfc3339(text).ok()
}

/// The ticket whose row this is, by its key in `column`.
pub(super) fn ticket_id(
    row: &SqliteRow,
    table: &'static str,
    column: &'static str,
) -> Result<TicketId, StoreError> {
    let cells = Cells { row, table, of: "?".into() };
    id_of(cells.get(column)?).ok_or_else(|| cells.bad(column))
}

/// A ticket and its recording, without its legs.
pub(super) fn ticket(row: &SqliteRow) -> Result<Ticket, StoreError> {
    let id = ticket_id(row, "ticket", "key")?;
    let cells = Cells { row, table: "ticket", of: id.to_string() };
    Ok(Ticket {
        id,
        revision: cells.number("revision")?,
        direction: cells.word("direction", words::direction_from)?.ok_or_else(|| cells.bad("direction"))?,
        caller: cells.telephone("caller")?,
        caller_name: cells.get("caller_name")?,
        dialled: cells.telephone("dialled")?.ok_or_else(|| cells.bad("dialled"))?,
        trunk: cells.get("trunk")?,
        received: cells.time("received_at")?,
        first_ring: cells.time_or_null("first_ring_at")?,
        flagged: cells.time_or_null("flagged_at")?,
        answered: cells.time_or_null("answered_at")?,
        ended: cells.time_or_null("ended_at")?,
        rings: cells.number_or_null("rings")?,
        answered_by: cells.party(["answered_by_kind", "answered_by_name", "answered_by_number"])?,
        shift: cells.get("shift")?,
        operator: cells.get("operator")?,
        desk_state: cells.get("desk_state")?,
        outcome: cells.word("outcome", words::outcome_from)?,
        hung_up_first: cells.word("hung_up_first", words::side_from)?,
        recording: recording(&Cells { row, table: "recording", of: id.to_string() })?,
        notice: notice::read(&Cells { row, table: "notice", of: id.to_string() })?,
        redial_of: cells.get::<Option<i64>>("redial_of")?.and_then(id_of),
        part_of: cells.get::<Option<i64>>("part_of")?.and_then(id_of),
        legs: Vec::new(),
        segments: Vec::new(),
    })
}

pub(super) fn leg(row: &SqliteRow, of: TicketId) -> Result<LegRecord, StoreError> {
    let cells = Cells { row, table: "leg", of: of.to_string() };
    Ok(LegRecord {
        index: cells.number("idx")?,
        party: cells
            .party(["party_kind", "party_name", "party_number"])?
            .ok_or_else(|| cells.bad("party_kind"))?,
        dialled: cells.time("dialled_at")?,
        ringing: cells.time_or_null("ringing_at")?,
        answered: cells.time_or_null("answered_at")?,
        ended: cells.time_or_null("ended_at")?,
        unanswered: cells.word("unanswered", words::unanswered_from)?,
        status: cells.number_or_null("status")?,
        call_id: cells.get("sip_call_id")?,
    })
}

fn recording(cells: &Cells<'_>) -> Result<Option<Recording>, StoreError> {
    let Some(verdict) = verdict(cells)? else { return Ok(None) };
    let Some(path) = cells.get::<Option<String>>("path")? else {
        return Ok(Some(Recording { report: None, verdict }));
    };
    // A repaired file has no counts: nobody lived to tell them.
    let report = RecordingReport {
        path: path.into(),
        sample_rate: cells.number("sample_rate")?,
        samples: cells.number("samples")?,
        caller: SideReport {
            packets: cells.number_or_null("caller_packets")?.unwrap_or(0),
            lost_samples: cells.number_or_null("caller_lost_samples")?.unwrap_or(0),
            audible_samples: cells.number_or_null("caller_audible_samples")?.unwrap_or(0),
            skew_samples: cells.number_or_null("caller_skew_samples")?.unwrap_or(0),
            late_packets: cells.number_or_null("caller_late_packets")?.unwrap_or(0),
            gaps: Vec::new(),
        },
        operator: SideReport {
            packets: cells.number_or_null("operator_packets")?.unwrap_or(0),
            lost_samples: cells.number_or_null("operator_lost_samples")?.unwrap_or(0),
            audible_samples: cells.number_or_null("operator_audible_samples")?.unwrap_or(0),
            skew_samples: cells.number_or_null("operator_skew_samples")?.unwrap_or(0),
            late_packets: cells.number_or_null("operator_late_packets")?.unwrap_or(0),
            gaps: Vec::new(),
        },
        unwritten_samples: cells.number_or_null("unwritten_samples")?.unwrap_or(0),
        tap_dropped: cells.number_or_null("tap_dropped")?.unwrap_or(0),
        late_syncs: cells.number_or_null("late_syncs")?.unwrap_or(0),
    };
    Ok(Some(Recording { report: Some(report), verdict }))
}

fn verdict(cells: &Cells<'_>) -> Result<Option<Verdict>, StoreError> {
    let words: Option<String> = cells.get("verdict_words")?;
    cells.word("verdict", |word| words::verdict_from(word, words.clone()))
}
