//! Readers: what people and other rooms ask of the database. They never write, never wait for the
//! writer, and work from another process while the daemon runs (WAL).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{
    Connection, QueryBuilder, Sqlite, SqlitePool, Transaction, pool::PoolConnection,
    sqlite::SqlitePoolOptions,
};

use super::{
    binding::SavedBinding,
    error::StoreError,
    group::{key, keys_of_day, utc},
    open::{options, refuse_newer},
    rows::{self, Cells},
    segment, words,
};
use crate::{
    call::staffing::Away,
    desk::{
        number::Number,
        outage::Subject,
        ticket::{Direction, LegRecord, LocalTime, Outcome, Ticket, TicketId},
    },
};

/// Several connections for reading; cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) pool: SqlitePool,
}

/// Which tickets are wanted; newest first. `default()` means the newest 100.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketFilter {
    /// Only those flagged as not answered in time.
    pub flagged: bool,
    /// Only those that have not ended.
    pub open: bool,
    /// Received at or after this.
    pub since: Option<DateTime<Utc>>,
    /// Received before this.
    pub until: Option<DateTime<Utc>>,
    pub direction: Option<Direction>,
    /// Exactly as the trunk sent it.
    pub caller: Option<Number>,
    /// Who sat at the desk, by the rota.
    pub operator: Option<String>,
    pub outcome: Option<Outcome>,
    /// The word of the recording's verdict ([`words::verdict`]).
    pub verdict: Option<&'static str>,
    /// A piece of the remark, or the whole number of caller or ticket.
    pub text: Option<String>,
    /// Only tickets older than this one: the last of the page before.
    pub after: Option<TicketId>,
    /// At most so many.
    pub limit: u32,
}

impl Default for TicketFilter {
    fn default() -> Self {
        Self {
            flagged: false,
            open: false,
            since: None,
            until: None,
            direction: None,
            caller: None,
            operator: None,
            outcome: None,
            verdict: None,
            text: None,
            after: None,
            limit: 100,
        }
    }
}

/// One line of a ticket's timeline, as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEntry {
    /// Counts from 0 within the ticket.
    pub index: u32,
    pub at: LocalTime,
    /// One word for programs.
    pub what: String,
    /// The same in words, for people.
    pub words: String,
}

/// A ticket with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketPage {
    pub ticket: Ticket,
    pub timeline: Vec<KeptEntry>,
    /// The matter it belongs to, by the matter's first ticket.
    pub matter: TicketId,
    /// What a person typed about it.
    pub remark: Option<String>,
}

/// One interval in which something was out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub subject: Subject,
    pub began: DateTime<Utc>,
    /// `None`: it lasts.
    pub ended: Option<DateTime<Utc>>,
    pub reason: String,
}

/// One local day in figures, by the tickets' day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// Hotline calls only, like all that follow.
    pub received: u32,
    pub answered: u32,
    pub flagged: u32,
    pub abandoned: u32,
    pub missed: u32,
    pub open: u32,
}

impl Reader {
    /// Opens an existing database for reading.
    ///
    /// # Errors
    /// [`StoreError::NotThere`] where there is no file or no tables in it yet, [`StoreError::Newer`]
    /// where a later program made it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::NotThere(PathBuf::from(path)));
        }
        let pool = SqlitePoolOptions::new()
            .min_connections(0)
            // The console's lists, one long export and the command line; each holds a thread.
            .max_connections(4)
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(options(path, Duration::from_secs(5)).read_only(true));
        let mut connection = pool.acquire().await?;
        refuse_newer(&mut connection, path).await?;
        let tables: Option<i64> = sqlx::query_scalar("SELECT 1 FROM sqlite_master WHERE name = 'ticket'")
            .fetch_optional(&mut *connection)
            .await?;
        drop(connection);
        match tables {
            Some(_) => Ok(Self { pool }),
            None => Err(StoreError::NotThere(PathBuf::from(path))),
        }
    }

    /// A connection for a reading of its own.
    pub(super) async fn acquire(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.pool.acquire().await?)
    }

    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// One moment of the database, for an answer that takes more than one question.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin().await?)
    }

    /// Closes its connections, those of its clones included. A writer that closes after the last reader
    /// leaves one file: SQLite folds the write-ahead log into it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The tickets that the filter wants, newest first, with legs and recording.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn tickets(&self, filter: &TicketFilter) -> Result<Vec<Ticket>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        // One transaction, so that tickets and legs are of the same moment.
        let mut tx = connection.begin().await?;
        let rows = page(filter).build().fetch_all(&mut *tx).await?;
        let mut tickets = rows.iter().map(rows::ticket).collect::<Result<Vec<_>, _>>()?;
        let mut legs = legs_of(&mut tx, &tickets).await?;
        let mut segments = segment::of(&mut tx, &tickets).await?;
        tx.rollback().await?;
        for ticket in &mut tickets {
            ticket.legs = legs.remove(&ticket.id).unwrap_or_default();
            ticket.segments = segments.remove(&ticket.id).unwrap_or_default();
        }
        Ok(tickets)
    }

    /// One ticket with its timeline; `None` if there is none of that number.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn ticket(&self, id: TicketId) -> Result<Option<TicketPage>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut tx = connection.begin().await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query
            .push(rows::TICKET_COLUMNS)
            .push(", t.matter, m.remark FROM ")
            .push(rows::TICKET_TABLES)
            .push(" LEFT JOIN ticket_remark m ON m.ticket = t.key WHERE t.key = ")
            .push_bind(key(id));
        let Some(row) = query.build().fetch_optional(&mut *tx).await? else { return Ok(None) };
        let mut ticket = rows::ticket(&row)?;
        ticket.legs = legs_of(&mut tx, std::slice::from_ref(&ticket)).await?.remove(&id).unwrap_or_default();
        let mut segments = segment::of(&mut tx, std::slice::from_ref(&ticket)).await?;
        ticket.segments = segments.remove(&id).unwrap_or_default();
        let matter = rows::ticket_id(&row, "ticket", "matter")?;
        let remark = Cells { row: &row, table: "ticket_remark", of: id.to_string() }.get("remark")?;
        let lines = sqlx::query("SELECT idx, at, what, words FROM timeline WHERE ticket = ? ORDER BY idx")
            .bind(key(id))
            .fetch_all(&mut *tx)
            .await?;
        tx.rollback().await?;
        let timeline = lines
            .iter()
            .map(|row| {
                let cells = Cells { row, table: "timeline", of: id.to_string() };
                Ok(KeptEntry {
                    index: cells.number("idx")?,
                    at: cells.time("at")?,
                    what: cells.get("what")?,
                    words: cells.get("words")?,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Some(TicketPage { ticket, timeline, matter, remark }))
    }

    /// Outages that touch the time from `since` to `until`, newest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn outages(
        &self,
        since: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
        limit: u32,
    ) -> Result<Vec<Outage>, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, name, began_utc, ended_utc, reason FROM outage \
             WHERE (?1 IS NULL OR ended_utc IS NULL OR ended_utc >= ?1) AND (?2 IS NULL OR began_utc < ?2) \
             ORDER BY began_utc DESC, key DESC LIMIT ?3",
        )
        .bind(since.map(utc))
        .bind(until.map(utc))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let cells = Cells { row, table: "outage", of: "-".into() };
                Ok(Outage {
                    subject: words::subject_from(cells.get("kind")?, cells.get("name")?)
                        .ok_or_else(|| cells.bad("kind"))?,
                    began: cells.utc("began_utc")?,
                    ended: cells.time_or_null("ended_utc")?.map(|at| at.to_utc()),
                    reason: cells.get("reason")?,
                })
            })
            .collect()
    }

    /// The figures of one local day.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn day(&self, day: NaiveDate) -> Result<DayCounts, StoreError> {
        let (first, last) = keys_of_day(day);
        let row = sqlx::query(
            "SELECT count(*) AS received, count(answered_at) AS answered, count(flagged_at) AS flagged, \
             count(CASE outcome WHEN 'abandoned' THEN 1 END) AS abandoned, \
             count(CASE outcome WHEN 'missed' THEN 1 END) AS missed, \
             count(CASE WHEN ended_at IS NULL THEN 1 END) AS open \
             FROM ticket WHERE key BETWEEN ? AND ? AND direction = 'hotline'",
        )
        .bind(first)
        .bind(last)
        .fetch_one(&self.pool)
        .await?;
        let cells = Cells { row: &row, table: "ticket", of: day.to_string() };
        Ok(DayCounts {
            received: cells.number("received")?,
            answered: cells.number("answered")?,
            flagged: cells.number("flagged")?,
            abandoned: cells.number("abandoned")?,
            missed: cells.number("missed")?,
            open: cells.number("open")?,
        })
    }

    /// Every binding that was kept, expired ones included, in order of phone.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn bindings(&self) -> Result<Vec<SavedBinding>, StoreError> {
        let rows = sqlx::query("SELECT * FROM binding ORDER BY phone, place").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let phone: String = Cells { row, table: "binding", of: "?".into() }.get("phone")?;
                let cells = Cells { row, table: "binding", of: phone.clone() };
                Ok(SavedBinding {
                    phone,
                    contact: cells.get("contact")?,
                    instance: cells.get("instance")?,
                    path: cells.get::<&str>("path")?.lines().map(str::to_owned).collect(),
                    transport: cells.get("transport")?,
                    listener: cells.number("listener")?,
                    remote: cells.get("remote")?,
                    call_id: cells.get("sip_call_id")?,
                    cseq: cells.number("cseq")?,
                    expires_at: cells.utc("expires_utc")?,
                    user_agent: cells.get("user_agent")?,
                })
            })
            .collect()
    }

    /// The away override, if one was set and not taken back.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn away(&self) -> Result<Option<Away>, StoreError> {
        let row =
            sqlx::query("SELECT since_at, until_at, set_by FROM away").fetch_optional(&self.pool).await?;
        row.map(|row| {
            let cells = Cells { row: &row, table: "away", of: "-".into() };
            Ok(Away {
                since: cells.time("since_at")?,
                until: cells.time_or_null("until_at")?,
                by: cells.get("set_by")?,
            })
        })
        .transpose()
    }
}

/// The list's query. It always walks keys downwards: the day bounds let a range of time start in the
/// right place, and a filter with an index of its own has that index in the order of keys. A verdict leads
/// from the recordings to their tickets (CROSS JOIN keeps SQLite to that order).
fn page(filter: &TicketFilter) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(rows::TICKET_COLUMNS).push(" FROM ");
    if filter.verdict.is_some() {
        query.push("recording v CROSS JOIN ");
    }
    query.push(rows::TICKET_TABLES).push(" WHERE 1");
    let order = if filter.verdict.is_some() { "v.ticket" } else { "t.key" };
    if filter.flagged {
        query.push(" AND t.flagged_at IS NOT NULL");
    }
    if filter.open {
        query.push(" AND t.ended_at IS NULL");
    }
    if let Some(since) = filter.since {
        // A ticket's day is local, at most a day away from UTC. The plus keeps SQLite from choosing
        // the index of times and then sorting.
        let day = since.date_naive().pred_opt().unwrap_or(NaiveDate::MIN);
        query.push(" AND ").push(order).push(" >= ").push_bind(keys_of_day(day).0);
        query.push(" AND +t.received_utc >= ").push_bind(utc(since));
    }
    if let Some(until) = filter.until {
        let day = until.date_naive().succ_opt().unwrap_or(NaiveDate::MAX);
        query.push(" AND ").push(order).push(" <= ").push_bind(keys_of_day(day).1);
        query.push(" AND +t.received_utc < ").push_bind(utc(until));
    }
    if let Some(caller) = &filter.caller {
        query.push(" AND t.caller = ").push_bind(caller.reveal().clone());
    }
    if let Some(direction) = filter.direction {
        query.push(" AND t.direction = ").push_bind(words::direction(direction));
    }
    if let Some(operator) = &filter.operator {
        query.push(" AND t.operator = ").push_bind(operator.clone());
    }
    if let Some(verdict) = filter.verdict {
        query.push(" AND v.ticket = t.key AND v.verdict = ").push_bind(verdict);
    }
    if let Some(text) = &filter.text {
        // Each part has an index, or the few remarks to look through; their keys are few.
        query
            .push(" AND t.key IN (SELECT key FROM ticket WHERE caller = ")
            .push_bind(text.clone())
            .push(" UNION SELECT key FROM ticket WHERE id = ")
            .push_bind(text.clone())
            .push(" UNION SELECT ticket FROM ticket_remark WHERE instr(remark, ")
            .push_bind(text.clone())
            .push(") > 0)");
    }
    if let Some(outcome) = filter.outcome {
        query.push(" AND t.outcome = ").push_bind(words::outcome(outcome));
    }
    if let Some(after) = filter.after {
        query.push(" AND ").push(order).push(" < ").push_bind(key(after));
    }
    query.push(" ORDER BY ").push(order).push(" DESC LIMIT ").push_bind(i64::from(filter.limit));
    query
}

async fn legs_of(
    connection: &mut sqlx::SqliteConnection,
    tickets: &[Ticket],
) -> Result<BTreeMap<TicketId, Vec<LegRecord>>, StoreError> {
    let mut legs = BTreeMap::<TicketId, Vec<LegRecord>>::new();
    // SQLite takes at most 32,766 values in a statement.
    for some in tickets.chunks(10_000) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM leg WHERE ticket IN (");
        let mut keys = query.separated(",");
        for ticket in some {
            keys.push_bind(key(ticket.id));
        }
        query.push(") ORDER BY ticket, idx");
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let of = rows::ticket_id(&row, "leg", "ticket")?;
            legs.entry(of).or_default().push(rows::leg(&row, of)?);
        }
    }
    Ok(legs)
}

#[cfg(test)]
pub(crate) mod tests;
