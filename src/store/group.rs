//! Writes one group in one transaction. Rows go many to a statement: SQLite is reached through a
//! thread, and each statement costs a round trip.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};
use sqlx::{AssertSqlSafe, Row, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use super::{
    call_facts, chain,
    error::StoreError,
    events,
    facts::{ExaminedRecording, RepairedRecording},
    gaps,
    inbox::{Group, SignOfLife},
    message, notice, redial, segment, words,
};
use crate::desk::{
    chain::Kind,
    matter::Way,
    outage::{Edge, OutageChange},
    ticket::{Direction, LegRecord, LocalTime, Party, Recording, Ticket, TicketId, TimelineEntry},
};

/// The first numbers of each day that were not given away, as this daemon remembers them: they hold
/// even where the file was replaced meanwhile.
pub(super) type Floors = BTreeMap<NaiveDate, u32>;

/// A block of numbers, both ends included.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) day: NaiveDate,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// An insert of many rows: `head (…),(…) tail`.
pub(super) struct Rows {
    pub(super) head: &'static str,
    pub(super) columns: usize,
    pub(super) tail: &'static str,
}

const MATTERS: Rows = Rows {
    head: "INSERT INTO matter (key, opened_at, owner, way) VALUES ",
    columns: 4,
    tail: " ON CONFLICT DO NOTHING",
};

const TICKETS: Rows = Rows {
    head: "INSERT INTO ticket (key, id, matter, revision, direction, caller, caller_name, dialled, trunk, \
           received_at, received_utc, first_ring_at, flagged_at, answered_at, ended_at, rings, \
           answered_by_kind, answered_by_name, answered_by_number, shift, operator, desk_state, outcome, \
           hung_up_first, redial_of, part_of) VALUES ",
    columns: 26,
    tail: " ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, direction = excluded.direction, \
           caller = excluded.caller, caller_name = excluded.caller_name, dialled = excluded.dialled, \
           trunk = excluded.trunk, received_at = excluded.received_at, \
           received_utc = excluded.received_utc, first_ring_at = excluded.first_ring_at, \
           flagged_at = excluded.flagged_at, answered_at = excluded.answered_at, \
           ended_at = excluded.ended_at, rings = excluded.rings, \
           answered_by_kind = excluded.answered_by_kind, answered_by_name = excluded.answered_by_name, \
           answered_by_number = excluded.answered_by_number, shift = excluded.shift, \
           operator = excluded.operator, desk_state = excluded.desk_state, outcome = excluded.outcome, \
           hung_up_first = excluded.hung_up_first \
           WHERE excluded.revision > ticket.revision RETURNING key",
};

const LEGS: Rows = Rows {
    head: "INSERT INTO leg (ticket, idx, party_kind, party_name, party_number, dialled_at, ringing_at, \
           answered_at, ended_at, unanswered, status, sip_call_id) VALUES ",
    columns: 12,
    tail: " ON CONFLICT (ticket, idx) DO UPDATE SET party_kind = excluded.party_kind, \
           party_name = excluded.party_name, party_number = excluded.party_number, \
           dialled_at = excluded.dialled_at, ringing_at = excluded.ringing_at, \
           answered_at = excluded.answered_at, ended_at = excluded.ended_at, \
           unanswered = excluded.unanswered, status = excluded.status, sip_call_id = excluded.sip_call_id",
};

const TIMELINE: Rows = Rows {
    head: "INSERT INTO timeline (ticket, idx, at, what, words) VALUES ",
    columns: 5,
    tail: " ON CONFLICT DO NOTHING",
};

const RECORDINGS: Rows = Rows {
    head: "INSERT INTO recording (ticket, verdict, verdict_words, path, sample_rate, samples, \
           unwritten_samples, tap_dropped, late_syncs, caller_packets, caller_lost_samples, \
           caller_audible_samples, caller_skew_samples, caller_late_packets, operator_packets, \
           operator_lost_samples, operator_audible_samples, operator_skew_samples, \
           operator_late_packets) VALUES ",
    columns: 19,
    // What an examination found stays, as long as it is about the same file.
    tail: " ON CONFLICT (ticket) DO UPDATE SET \
           sha256 = CASE WHEN excluded.path IS recording.path THEN recording.sha256 END, \
           verdict = excluded.verdict, verdict_words = excluded.verdict_words, path = excluded.path, \
           sample_rate = excluded.sample_rate, samples = excluded.samples, \
           unwritten_samples = excluded.unwritten_samples, tap_dropped = excluded.tap_dropped, \
           late_syncs = excluded.late_syncs, caller_packets = excluded.caller_packets, \
           caller_lost_samples = excluded.caller_lost_samples, \
           caller_audible_samples = excluded.caller_audible_samples, \
           caller_skew_samples = excluded.caller_skew_samples, \
           caller_late_packets = excluded.caller_late_packets, operator_packets = excluded.operator_packets, \
           operator_lost_samples = excluded.operator_lost_samples, \
           operator_audible_samples = excluded.operator_audible_samples, \
           operator_skew_samples = excluded.operator_skew_samples, \
           operator_late_packets = excluded.operator_late_packets",
};

/// Most rows of one statement. 32 tickets bind 800 values; more rows save nothing measurable and
/// make larger programs for SQLite to keep.
const MOST_ROWS: usize = 32;

impl Rows {
    fn sql(&self, rows: usize) -> String {
        let one = format!("({})", vec!["?"; self.columns].join(","));
        format!("{}{}{}", self.head, vec![one.as_str(); rows].join(","), self.tail)
    }
}

pub(super) type Bound = Query<'static, Sqlite, SqliteArguments>;

/// Writes the group. Nothing of it is in the database until the caller commits.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    group: &Group,
    floors: &Floors,
) -> Result<Vec<Block>, StoreError> {
    write_tickets(tx, group).await?;
    for change in &group.outages {
        write_outage(tx, change).await?;
    }
    events::write(tx, &group.events).await?;
    for (phone, bindings) in &group.bindings {
        write_bindings(tx, phone, bindings).await?;
    }
    if let Some(away) = &group.away {
        sqlx::query("DELETE FROM away").execute(&mut *tx).await?;
        if let Some(away) = away {
            sqlx::query("INSERT INTO away (one, since_at, until_at, set_by) VALUES (1, ?, ?, ?)")
                .bind(local(away.since))
                .bind(away.until.map(local))
                .bind(away.by.clone())
                .execute(&mut *tx)
                .await?;
        }
    }
    for repaired in &group.repaired {
        tie(tx, repaired).await?;
    }
    chain::seal_again(tx, &group.repaired.iter().map(|repaired| key(repaired.ticket)).collect::<Vec<_>>())
        .await?;
    for examined in &group.examined {
        write_examined(tx, examined).await?;
    }
    if let Some(life) = group.life {
        write_life(tx, life).await?;
    }
    let mut blocks = Vec::new();
    for (day, count) in &group.reservations {
        blocks.push(reserve(tx, *day, *count, floors.get(day).copied().unwrap_or(1)).await?);
    }
    Ok(blocks)
}

async fn write_tickets(tx: &mut SqliteConnection, group: &Group) -> Result<(), StoreError> {
    let tickets: Vec<&Ticket> = group.tickets.values().map(|w| &w.ticket).collect();
    let redials = redial::matters(tx, &tickets).await?;
    let matter_of = |ticket: &Ticket| redials.matters.get(&ticket.id).copied().unwrap_or(key(ticket.id));
    let own: Vec<&Ticket> = tickets.iter().copied().filter(|t| matter_of(t) == key(t.id)).collect();
    insert(tx, &MATTERS, &own, bind_matter).await?;
    // Only tickets whose revision was news may write their legs and recording.
    let written =
        insert(tx, &TICKETS, &tickets, |query, ticket| bind_ticket(query, ticket, matter_of(ticket))).await?;
    redials.raise_urgency(tx).await?;
    notice::write(tx, &tickets, &written).await?;
    message::write(tx, &tickets, &written).await?;
    segment::write(tx, &tickets, &written).await?;
    let mut legs: Vec<(i64, &LegRecord)> = Vec::new();
    let mut recordings: Vec<(i64, &Recording)> = Vec::new();
    let mut lines: Vec<(i64, &TimelineEntry)> = Vec::new();
    let mut perhaps_closed: Vec<i64> = Vec::new();
    for waiting in group.tickets.values() {
        let key = key(waiting.ticket.id);
        // An older revision's lines are added to a ticket that may be closed already.
        if waiting.ticket.ended.is_some() || !written.contains(&key) {
            perhaps_closed.push(key);
        }
        if written.contains(&key) {
            legs.extend(waiting.ticket.legs.iter().map(|leg| (key, leg)));
            recordings.extend(waiting.ticket.recording.iter().map(|recording| (key, recording)));
        }
        lines.extend(waiting.entries.iter().map(|line| (key, line)));
    }
    insert(tx, &LEGS, &legs, bind_leg).await?;
    insert(tx, &RECORDINGS, &recordings, bind_recording).await?;
    gaps::write(tx, &recordings).await?;
    insert(tx, &TIMELINE, &lines, |query, (ticket, line)| {
        query
            .bind(*ticket)
            .bind(i64::from(line.index))
            .bind(local(line.at))
            .bind(line.what)
            .bind(line.words.clone())
    })
    .await?;
    chain::seal_closed(tx, &perhaps_closed).await
}

/// Inserts all `items`, at most [`MOST_ROWS`] to a statement, in powers of two so that few different
/// statements are prepared. Answers with the keys that `RETURNING` names.
pub(super) async fn insert<T>(
    tx: &mut SqliteConnection,
    rows: &Rows,
    items: &[T],
    bind: impl Fn(Bound, &T) -> Bound,
) -> Result<BTreeSet<i64>, StoreError> {
    let mut keys = BTreeSet::new();
    let mut rest = items;
    while !rest.is_empty() {
        let count = MOST_ROWS.min(1 << rest.len().ilog2());
        let (now, later) = rest.split_at(count);
        rest = later;
        let mut query = sqlx::query(AssertSqlSafe(rows.sql(count)));
        for item in now {
            query = bind(query, item);
        }
        for row in query.fetch_all(&mut *tx).await? {
            keys.insert(row.try_get(0)?);
        }
    }
    Ok(keys)
}

/// A call's matter is owned from its first second: by who sits at the desk, else by the shift.
fn bind_matter(query: Bound, ticket: &&Ticket) -> Bound {
    let owner = ticket.operator.as_ref().or(ticket.shift.as_ref()).map_or("desk", String::as_str);
    let way = match ticket.direction {
        Direction::Hotline => Way::Hotline,
        Direction::Out | Direction::Internal => Way::Out,
    };
    query.bind(key(ticket.id)).bind(local(ticket.received)).bind(owner.to_owned()).bind(way.word())
}

/// A ticket that is there already keeps its matter.
fn bind_ticket(query: Bound, ticket: &Ticket, matter: i64) -> Bound {
    let key = key(ticket.id);
    let (kind, name, number) = ticket.answered_by.as_ref().map_or((None, None, None), party);
    query
        .bind(key)
        .bind(ticket.id.to_string())
        .bind(matter)
        .bind(i64::from(ticket.revision))
        .bind(words::direction(ticket.direction))
        .bind(ticket.caller.as_ref().map(|n| n.reveal().clone()))
        .bind(ticket.caller_name.clone())
        .bind(ticket.dialled.reveal().clone())
        .bind(ticket.trunk.clone())
        .bind(local(ticket.received))
        .bind(utc(ticket.received.to_utc()))
        .bind(ticket.first_ring.map(local))
        .bind(ticket.flagged.map(local))
        .bind(ticket.answered.map(local))
        .bind(ticket.ended.map(local))
        .bind(ticket.rings.map(i64::from))
        .bind(kind)
        .bind(name)
        .bind(number)
        .bind(ticket.shift.clone())
        .bind(ticket.operator.clone())
        .bind(ticket.desk_state.clone())
        .bind(ticket.outcome.map(words::outcome))
        .bind(ticket.hung_up_first.map(words::side))
        .bind(ticket.redial_of.map(self::key))
        .bind(ticket.part_of.map(self::key))
}

fn bind_leg(query: Bound, (ticket, leg): &(i64, &LegRecord)) -> Bound {
    let (kind, name, number) = party(&leg.party);
    query
        .bind(*ticket)
        .bind(i64::from(leg.index))
        .bind(kind)
        .bind(name)
        .bind(number)
        .bind(local(leg.dialled))
        .bind(leg.ringing.map(local))
        .bind(leg.answered.map(local))
        .bind(leg.ended.map(local))
        .bind(leg.unanswered.as_ref().map(words::unanswered))
        .bind(leg.status.map(i64::from))
        .bind(leg.call_id.clone())
}

fn bind_recording(query: Bound, (ticket, recording): &(i64, &Recording)) -> Bound {
    let (verdict, verdict_words) = words::verdict(&recording.verdict);
    let report = recording.report.as_ref();
    let mut query = query
        .bind(*ticket)
        .bind(verdict)
        .bind(verdict_words.map(str::to_owned))
        .bind(report.map(|r| r.path.to_string_lossy().into_owned()))
        .bind(report.map(|r| i64::from(r.sample_rate)))
        .bind(report.map(|r| count(r.samples)))
        .bind(report.map(|r| count(r.unwritten_samples)))
        .bind(report.map(|r| count(r.tap_dropped)))
        .bind(report.map(|r| i64::from(r.late_syncs)));
    for side in [report.map(|r| &r.caller), report.map(|r| &r.operator)] {
        query = query
            .bind(side.map(|s| count(s.packets)))
            .bind(side.map(|s| count(s.lost_samples)))
            .bind(side.map(|s| count(s.audible_samples)))
            .bind(side.map(|s| s.skew_samples))
            .bind(side.map(|s| count(s.late_packets)));
    }
    query
}

async fn write_outage(tx: &mut SqliteConnection, change: &OutageChange) -> Result<(), StoreError> {
    let (kind, name) = words::subject(&change.subject);
    let query = match change.edge {
        // The unique indices swallow what is open already, and a repetition of the same edge.
        Edge::Began => sqlx::query(
            "INSERT INTO outage (began_utc, reason, kind, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        ),
        Edge::Ended => sqlx::query(
            "UPDATE outage SET ended_utc = max(began_utc, ?), end_words = ? \
             WHERE kind = ? AND name = ? AND ended_utc IS NULL",
        ),
    };
    query
        .bind(utc(change.at))
        .bind(change.reason.clone())
        .bind(kind)
        .bind(name.to_owned())
        .execute(tx)
        .await?;
    Ok(())
}

async fn write_bindings(
    tx: &mut SqliteConnection,
    phone: &str,
    bindings: &[super::binding::SavedBinding],
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM binding WHERE phone = ?").bind(phone.to_owned()).execute(&mut *tx).await?;
    for (place, binding) in (0_i64..).zip(bindings) {
        sqlx::query(
            "INSERT INTO binding (phone, place, contact, instance, path, transport, listener, remote, \
             sip_call_id, cseq, expires_utc, user_agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(phone.to_owned())
        .bind(place)
        .bind(binding.contact.clone())
        .bind(binding.instance.clone())
        .bind(binding.path.join("\n"))
        .bind(binding.transport.clone())
        .bind(i64::from(binding.listener))
        .bind(binding.remote.clone())
        .bind(binding.call_id.clone())
        .bind(i64::from(binding.cseq))
        .bind(utc(binding.expires_at))
        .bind(binding.user_agent.clone())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Ties a repaired file to its ticket, unless the ticket has a recording with a file already. A file
/// without a ticket is left alone: it stays in its folder under its name.
pub(super) async fn tie(tx: &mut SqliteConnection, repaired: &RepairedRecording) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO recording (ticket, verdict, path, sample_rate, samples) \
         SELECT key, 'interrupted', ?, ?, ? FROM ticket WHERE key = ? \
         ON CONFLICT (ticket) DO UPDATE SET verdict = 'interrupted', verdict_words = NULL, \
         path = excluded.path, sample_rate = excluded.sample_rate, samples = excluded.samples \
         WHERE recording.path IS NULL AND recording.deleted_utc IS NULL",
    )
    .bind(repaired.path.to_string_lossy().into_owned())
    .bind(i64::from(repaired.sample_rate))
    .bind(count(repaired.samples))
    .bind(key(repaired.ticket))
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps what reading the closed file found, and seals the recording with it.
async fn write_examined(tx: &mut SqliteConnection, examined: &ExaminedRecording) -> Result<(), StoreError> {
    let key = key(examined.ticket);
    sqlx::query("UPDATE recording SET sha256 = ? WHERE ticket = ? AND path IS NOT NULL")
        .bind(hex::encode(examined.sha256))
        .bind(key)
        .execute(&mut *tx)
        .await?;
    call_facts::write(tx, examined.ticket, &examined.facts).await?;
    chain::seal(tx, Kind::Recording, &[key], Some(&utc(examined.at))).await
}

pub(super) async fn write_life(tx: &mut SqliteConnection, life: SignOfLife) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO sign_of_life (one, at_utc, ended) VALUES (1, ?, ?)")
        .bind(utc(life.at))
        .bind(life.ended)
        .execute(tx)
        .await?;
    Ok(())
}

/// Numbers from here on were given to calls while the database was down, from the time of day and without
/// a reservation. No block comes near them: one day of calls does not fill 100 million.
const EMERGENCY: i64 = 100_000_000;

/// Takes the next `wanted` numbers of the day: above every number given before, above every ticket
/// of that day that came from a block, and not below `floor`.
pub(super) async fn reserve(
    tx: &mut SqliteConnection,
    day: NaiveDate,
    wanted: u32,
    floor: u32,
) -> Result<Block, StoreError> {
    let day_text = day.to_string();
    let reserved: Option<i64> = sqlx::query_scalar("SELECT next FROM number_block WHERE day = ?")
        .bind(day_text.clone())
        .fetch_optional(&mut *tx)
        .await?;
    let (first, _) = keys_of_day(day);
    let last = first + EMERGENCY - 1;
    let used: Option<i64> = sqlx::query_scalar("SELECT max(key) FROM ticket WHERE key BETWEEN ? AND ?")
        .bind(first)
        .bind(last)
        .fetch_one(&mut *tx)
        .await?;
    let above_used = used.map_or(1, |key| key.saturating_sub(first).saturating_add(1));
    let from = i64::from(floor).max(reserved.unwrap_or(1)).max(above_used);
    let from = u32::try_from(from).map_err(|_| StoreError::BadRow {
        table: "number_block",
        ticket: day_text.clone(),
        column: "next",
    })?;
    let to = from.saturating_add(wanted.max(1) - 1);
    sqlx::query("INSERT OR REPLACE INTO number_block (day, next) VALUES (?, ?)")
        .bind(day_text)
        .bind(i64::from(to).saturating_add(1))
        .execute(tx)
        .await?;
    Ok(Block { day, from, to })
}

/// Kind, name and number of a party.
type PartyColumns = (Option<&'static str>, Option<String>, Option<String>);

pub(super) fn party(party: &Party) -> PartyColumns {
    match party {
        Party::Phone(name) => (Some("phone"), Some(name.clone()), None),
        Party::Mobile { name, number } => (Some("mobile"), Some(name.clone()), Some(number.reveal().clone())),
        Party::Outside(number) => (Some("outside"), None, Some(number.reveal().clone())),
    }
}

/// How many numbers a day's keys have room for; see `migrations/0001_tickets.sql`.
const DAY_STEP: i64 = 10_000_000_000;

/// A ticket's key: yyyymmdd and its number in one integer.
pub(super) fn key(id: TicketId) -> i64 {
    keys_of_day(id.day).0.saturating_add(i64::from(id.number))
}

/// The first and last key that a day can have.
pub(super) fn keys_of_day(day: NaiveDate) -> (i64, i64) {
    let ymd = i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day());
    let first = ymd * DAY_STEP;
    (first, first + (DAY_STEP - 1))
}

/// The ticket id that has this key.
pub(super) fn id_of(key: i64) -> Option<TicketId> {
    let number = u32::try_from(key.rem_euclid(DAY_STEP)).ok()?;
    let ymd = key.div_euclid(DAY_STEP);
    let year = i32::try_from(ymd.div_euclid(10_000)).ok()?;
    let month = u32::try_from(ymd.rem_euclid(10_000) / 100).ok()?;
    let day = u32::try_from(ymd.rem_euclid(100)).ok()?;
    Some(TicketId { day: NaiveDate::from_ymd_opt(year, month, day)?, number })
}

/// `2026-11-23T16:15:02.123+08:00`.
pub(super) fn local(at: LocalTime) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, false)
}

/// `2026-11-23T08:15:02.123Z`.
pub(super) fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// SQLite counts to 2^63 − 1; no recording comes near it.
fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
