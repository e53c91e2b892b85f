//! Matters out of their rows: one with all that belongs to it, lists, and what is late.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, sqlite::SqliteRow};

use super::{MATTER, ticket_of};
use crate::{
    desk::{
        deadline::{Stop, StopReason},
        matter::{
            Kind, Matter, Parties, Pass, Promise, Severity, State, Way,
            clock::{Clock, ClockEnd, ClockName},
            field::Field,
        },
        number::Number,
        resident::{Place, ResidentId},
        return_visit::Visit,
        search,
        ticket::{LocalTime, TicketId},
        work_order::{BuilderNotice, WorkOrder},
    },
    store::{
        audit::AuditLine,
        error::StoreError,
        group::{id_of, key, utc},
        reader::Reader,
        rows::{Cells, parse_local},
        visits, work_orders,
    },
};

/// A ticket of a matter: a call, or a contact that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatterTicket {
    pub id: TicketId,
    /// A call's direction or a contact's way: `hotline`, `out`, `counter`, `online`, `mobile`.
    pub way: String,
    pub at: LocalTime,
    /// A call's outcome, or what was written down.
    pub words: String,
    /// There is a recording to listen to.
    pub recorded: bool,
}

/// A matter with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatterPage {
    pub matter: Matter,
    /// In the order of time.
    pub tickets: Vec<MatterTicket>,
    pub orders: Vec<WorkOrder>,
    pub notices: Vec<BuilderNotice>,
    pub visits: Vec<Visit>,
    pub changes: Vec<AuditLine>,
}

/// Which matters are wanted, newest first; `default()` means the newest 100 that somebody has written
/// something about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatterFilter {
    pub which: Which,
    pub kind: Option<Kind>,
    /// Whose they are; empty: anybody's.
    pub owner: String,
    /// Who works on them; empty: anybody.
    pub department: String,
    pub resident: Option<ResidentId>,
    /// Every word of it must be there; empty: all.
    pub text: String,
    /// Only older ones than this: the last of the page before.
    pub after: Option<TicketId>,
    pub limit: u32,
}

/// How far the matters are that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All about which something is written.
    Written,
    /// Those of them that are not closed.
    ToDo,
    Closed,
    /// Calls about which nobody has written anything yet.
    Unwritten,
}

impl Default for MatterFilter {
    fn default() -> Self {
        Self {
            which: Which::Written,
            kind: None,
            owner: String::new(),
            department: String::new(),
            resident: None,
            text: String::new(),
            after: None,
            limit: 100,
        }
    }
}

/// A clock that is late, or soon will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningClock {
    pub matter: TicketId,
    pub name: ClockName,
    pub due: DateTime<Utc>,
    pub owner: String,
    pub department: String,
    pub summary: String,
}

/// A promise that was not kept yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPromise {
    pub matter: TicketId,
    pub index: usize,
    pub promise: Promise,
}

impl Reader {
    /// One matter with all that belongs to it; also one that was merged into another.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn matter(&self, id: TicketId) -> Result<Option<MatterPage>, StoreError> {
        let mut tx = self.begin().await?;
        let Some(matter) = matter(&mut tx, id).await? else { return Ok(None) };
        let page = MatterPage {
            matter,
            tickets: tickets(&mut tx, id).await?,
            orders: work_orders::of_matter(&mut tx, id).await?,
            notices: work_orders::notices_of(&mut tx, id).await?,
            visits: visits::of_matter(&mut tx, id).await?,
            changes: changes(&mut tx, id).await?,
        };
        tx.rollback().await?;
        Ok(Some(page))
    }

    /// The matters that the filter wants, newest first. They come with their clocks.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn matters(&self, filter: &MatterFilter) -> Result<Vec<Matter>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = list(filter).build().fetch_all(&mut *tx).await?;
        let mut matters = Vec::new();
        for row in &rows {
            matters.push(belongings(&mut tx, bare(row)?).await?);
        }
        tx.rollback().await?;
        Ok(matters)
    }

    /// Clocks that run out before `until`, the latest first; at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn clocks_due(
        &self,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<RunningClock>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.matter, c.name, c.due_utc, m.owner, m.department, m.summary FROM clock c \
             JOIN matter m ON m.key = c.matter WHERE c.ended_at IS NULL AND c.due_utc < ? \
             ORDER BY c.due_utc LIMIT ?",
        )
        .bind(utc(until))
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let cells = Cells { row, table: "clock", of: "?".into() };
                Ok(RunningClock {
                    matter: id_of(cells.get("matter")?).ok_or_else(|| cells.bad("matter"))?,
                    name: ClockName::from_word(cells.get("name")?).ok_or_else(|| cells.bad("name"))?,
                    due: cells.utc("due_utc")?,
                    owner: cells.get::<Option<String>>("owner")?.unwrap_or_default(),
                    department: cells.get("department")?,
                    summary: cells.get("summary")?,
                })
            })
            .collect()
    }

    /// Promises that are not kept yet, the one due first first; at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn open_promises(&self, limit: u32) -> Result<Vec<OpenPromise>, StoreError> {
        let rows = sqlx::query("SELECT * FROM promise WHERE kept_at IS NULL ORDER BY due_utc LIMIT ?")
            .bind(limit)
            .fetch_all(self.pool())
            .await?;
        rows.iter()
            .map(|row| {
                let cells = Cells { row, table: "promise", of: "?".into() };
                Ok(OpenPromise {
                    matter: id_of(cells.get("matter")?).ok_or_else(|| cells.bad("matter"))?,
                    index: cells.number("idx")?,
                    promise: promise(&cells)?,
                })
            })
            .collect()
    }
}

fn list(filter: &MatterFilter) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT m.* FROM ");
    let words = search::query(&filter.text);
    match &words {
        Some(words) => {
            query
                .push("matter_text x JOIN matter m ON m.key = x.rowid WHERE x.words MATCH ")
                .push_bind(words.clone());
        }
        None => {
            query.push("matter m WHERE 1");
        }
    }
    query.push(match filter.which {
        Which::Written => " AND m.kind IS NOT NULL",
        Which::ToDo => " AND m.kind IS NOT NULL AND m.state IN ('open', 'done')",
        Which::Closed => " AND m.kind IS NOT NULL AND m.state = 'closed'",
        Which::Unwritten => " AND m.kind IS NULL AND m.state = 'open'",
    });
    if let Some(kind) = filter.kind {
        query.push(" AND m.kind = ").push_bind(kind.word());
    }
    if !filter.owner.is_empty() {
        query.push(" AND m.owner = ").push_bind(filter.owner.clone());
    }
    if !filter.department.is_empty() {
        query.push(" AND m.department = ").push_bind(filter.department.clone());
    }
    if let Some(resident) = filter.resident {
        query.push(" AND m.resident = ").push_bind(resident.0);
    }
    // Full text comes in the order of its own row ids, which are the matters' keys.
    let order = if words.is_some() { "x.rowid" } else { "m.key" };
    if let Some(after) = filter.after {
        query.push(format!(" AND {order} < ")).push_bind(key(after));
    }
    query.push(format!(" ORDER BY {order} DESC LIMIT ")).push_bind(i64::from(filter.limit));
    query
}

/// One matter with its fields, promises, passes, clocks and stops.
pub(in crate::store) async fn matter(
    tx: &mut SqliteConnection,
    id: TicketId,
) -> Result<Option<Matter>, StoreError> {
    let row = sqlx::query("SELECT m.* FROM matter m WHERE m.key = ?")
        .bind(key(id))
        .fetch_optional(&mut *tx)
        .await?;
    match row {
        Some(row) => Ok(Some(belongings(tx, bare(&row)?).await?)),
        None => Ok(None),
    }
}

/// The columns of the matter's own row.
fn bare(row: &SqliteRow) -> Result<Matter, StoreError> {
    let cells = Cells { row, table: MATTER, of: "?".into() };
    let id = id_of(cells.get("key")?).ok_or_else(|| cells.bad("key"))?;
    let cells = Cells { row, table: MATTER, of: id.to_string() };
    let text = |column| cells.get::<String>(column);
    Ok(Matter {
        id,
        opened: cells.time("opened_at")?,
        way: cells.named("way", Way::from_word)?,
        owner: cells.get::<Option<String>>("owner")?.unwrap_or_else(|| "desk".to_owned()),
        kind: cells.word("kind", Kind::from_word)?,
        rush: cells.get("rush")?,
        severity: cells.word("severity", Severity::from_word)?,
        parties: cells.named("parties", Parties::from_word)?,
        complex: cells.get("complex")?,
        resident: cells.get::<Option<i64>>("resident")?.map(ResidentId),
        place: Place {
            estate: text("estate")?,
            building: text("building")?,
            unit: text("unit")?,
            room: text("room")?,
        },
        name: text("name")?,
        number: cells.get::<Option<String>>("number")?.map(Number::new),
        department: text("department")?,
        summary: text("summary")?,
        fields: BTreeMap::new(),
        state: cells.named("state", State::from_word)?,
        completed: cells.time_or_null("completed_at")?,
        answered: cells.time_or_null("answered_at")?,
        answer: text("answer")?,
        closed: cells.time_or_null("closed_at")?,
        closed_by: text("closed_by")?,
        reopened: cells.number("reopened")?,
        merged_into: ticket_of(cells.get("merged_into")?),
        promises: Vec::new(),
        passes: Vec::new(),
        clocks: Vec::new(),
        stops: Vec::new(),
    })
}

async fn belongings(tx: &mut SqliteConnection, mut matter: Matter) -> Result<Matter, StoreError> {
    let of = matter.id.to_string();
    let ask = async |tx: &mut SqliteConnection, sql: &'static str| {
        sqlx::query(sql).bind(key(matter.id)).fetch_all(tx).await
    };
    let rows = ask(tx, "SELECT * FROM matter_field WHERE matter = ? ORDER BY field").await?;
    let fields = rows.iter().map(|row| {
        let cells = Cells { row, table: "matter_field", of: of.clone() };
        Ok((cells.named("field", Field::from_word)?, cells.get("value")?))
    });
    let fields = fields.collect::<Result<BTreeMap<_, _>, StoreError>>()?;
    let rows = ask(tx, "SELECT * FROM promise WHERE matter = ? ORDER BY idx").await?;
    let promises = rows
        .iter()
        .map(|row| promise(&Cells { row, table: "promise", of: of.clone() }))
        .collect::<Result<_, _>>()?;
    let rows = ask(tx, "SELECT * FROM pass WHERE matter = ? ORDER BY idx").await?;
    let passes = rows
        .iter()
        .map(|row| pass(&Cells { row, table: "pass", of: of.clone() }))
        .collect::<Result<_, _>>()?;
    let rows = ask(tx, "SELECT * FROM clock WHERE matter = ? ORDER BY idx").await?;
    let clocks = rows
        .iter()
        .map(|row| clock(&Cells { row, table: "clock", of: of.clone() }))
        .collect::<Result<_, _>>()?;
    let rows = ask(tx, "SELECT * FROM stop WHERE matter = ? ORDER BY idx").await?;
    let stops = rows
        .iter()
        .map(|row| stop(&Cells { row, table: "stop", of: of.clone() }))
        .collect::<Result<_, _>>()?;
    matter.fields = fields;
    matter.promises = promises;
    matter.passes = passes;
    matter.clocks = clocks;
    matter.stops = stops;
    Ok(matter)
}

fn promise(cells: &Cells<'_>) -> Result<Promise, StoreError> {
    Ok(Promise {
        what: cells.get("what")?,
        by: cells.get("by")?,
        made: cells.time("made_at")?,
        due: cells.time("due_at")?,
        kept: cells.time_or_null("kept_at")?,
    })
}

fn pass(cells: &Cells<'_>) -> Result<Pass, StoreError> {
    let returned = cells.time_or_null("returned_at")?;
    Ok(Pass {
        department: cells.get("department")?,
        person: cells.get("person")?,
        by: cells.get("by")?,
        at: cells.time("at")?,
        why: cells.get("why")?,
        returned: returned.zip(cells.get::<Option<String>>("result")?),
    })
}

fn clock(cells: &Cells<'_>) -> Result<Clock, StoreError> {
    let void: bool = cells.get("void")?;
    let end = cells.time_or_null("ended_at")?;
    Ok(Clock {
        name: cells.named("name", ClockName::from_word)?,
        started: cells.time("started_at")?,
        limit: cells.named("time_limit", |text| text.parse().ok())?,
        agreed: cells.time_or_null("agreed_at")?,
        end: end.map(|at| if void { ClockEnd::Void(at) } else { ClockEnd::Met(at) }),
    })
}

fn stop(cells: &Cells<'_>) -> Result<Stop, StoreError> {
    Ok(Stop {
        from: cells.utc("from_utc")?,
        until: cells.time_or_null("until_utc")?.map(|at| at.to_utc()),
        reason: cells.named("reason", StopReason::from_word)?,
    })
}

/// Calls and contacts of a matter, in the order of time.
async fn tickets(tx: &mut SqliteConnection, id: TicketId) -> Result<Vec<MatterTicket>, StoreError> {
    let rows = sqlx::query(
        "SELECT t.key AS key, t.direction AS way, t.received_at AS at, ifnull(t.outcome, 'in progress') AS words, \
         r.path IS NOT NULL AS recorded FROM ticket t LEFT JOIN recording r ON r.ticket = t.key WHERE t.matter = ?1 \
         UNION ALL SELECT key, way, received_at, words, 0 FROM contact WHERE matter = ?1 ORDER BY 1",
    )
    .bind(key(id))
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            let cells = Cells { row, table: "ticket", of: id.to_string() };
            Ok(MatterTicket {
                id: id_of(cells.get("key")?).ok_or_else(|| cells.bad("key"))?,
                way: cells.get("way")?,
                at: parse_local(cells.get("at")?).ok_or_else(|| cells.bad("at"))?,
                words: cells.get("words")?,
                recorded: cells.get("recorded")?,
            })
        })
        .collect()
}

async fn changes(tx: &mut SqliteConnection, id: TicketId) -> Result<Vec<AuditLine>, StoreError> {
    let rows = sqlx::query(
        "SELECT at_utc, by, what, before, after FROM audit WHERE subject = ? AND id = ? ORDER BY key",
    )
    .bind(MATTER)
    .bind(key(id))
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            let cells = Cells { row, table: "audit", of: id.to_string() };
            Ok(AuditLine {
                at: cells.utc("at_utc")?,
                by: row.try_get("by")?,
                what: row.try_get("what")?,
                before: row.try_get("before")?,
                after: row.try_get("after")?,
            })
        })
        .collect()
}
