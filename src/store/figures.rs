//! The rows that figures are counted from.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    error::StoreError,
    group::{id_of, keys_of_day, utc},
    reader::Reader,
    rows::Cells,
};
use crate::desk::{
    calendar::Calendar,
    figures::{
        period::Period,
        row::{CallRow, ClockRow, MatterRow, OutageRow, Rows, VisitRow},
    },
};

impl Reader {
    /// All rows of a period, of one moment of the database. `now` ends outages that last.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn figure_rows(
        &self,
        period: Period,
        calendar: &Calendar,
        now: DateTime<Utc>,
    ) -> Result<Rows, StoreError> {
        let mut tx = self.begin().await?;
        let rows = Rows {
            calls: calls(&mut tx, period).await?,
            matters: matters(&mut tx, period).await?,
            clocks: clocks(&mut tx, period, calendar).await?,
            visits: visits(&mut tx, period).await?,
            outages: outages(&mut tx, period, calendar, now).await?,
        };
        tx.rollback().await?;
        Ok(rows)
    }
}

/// The keys of all tickets of the period.
fn keys(period: Period) -> (i64, i64) {
    (keys_of_day(period.from).0, keys_of_day(period.to).0)
}

fn cells<'r>(row: &'r SqliteRow, table: &'static str) -> Cells<'r> {
    Cells { row, table, of: "?".into() }
}

fn id(cells: &Cells<'_>, column: &'static str) -> Result<String, StoreError> {
    id_of(cells.get(column)?).map(|id| id.to_string()).ok_or_else(|| cells.bad(column))
}

fn text(cells: &Cells<'_>, column: &'static str) -> Result<String, StoreError> {
    Ok(cells.get::<Option<String>>(column)?.unwrap_or_default())
}

async fn calls(tx: &mut SqliteConnection, period: Period) -> Result<Vec<CallRow>, StoreError> {
    let (first, after) = keys(period);
    let rows = sqlx::query(
        "SELECT t.key, t.outcome, t.received_at, t.answered_at, t.ended_at, t.flagged_at IS NOT NULL AS flagged, \
         t.rings, t.operator, t.shift, \
         EXISTS (SELECT 1 FROM leg l WHERE l.ticket = t.key AND l.party_kind = 'mobile') AS forwarded \
         FROM ticket t WHERE t.key >= ? AND t.key < ? AND t.direction = 'hotline' AND t.ended_at IS NOT NULL \
         ORDER BY t.key",
    )
    .bind(first)
    .bind(after)
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            let cells = cells(row, "ticket");
            let ticket = id_of(cells.get("key")?).ok_or_else(|| cells.bad("key"))?;
            let (received, ended) = (cells.time("received_at")?, cells.time("ended_at")?);
            let answered = cells.time_or_null("answered_at")?;
            let ms = |from: crate::desk::ticket::LocalTime, to: crate::desk::ticket::LocalTime| {
                u64::try_from(to.signed_duration_since(from).num_milliseconds()).unwrap_or(0)
            };
            Ok(CallRow {
                ticket: ticket.to_string(),
                day: ticket.day,
                outcome: text(&cells, "outcome")?,
                answered: answered.is_some(),
                flagged: cells.get("flagged")?,
                forwarded: cells.get("forwarded")?,
                rings: cells.number_or_null("rings")?,
                wait_ms: ms(received, answered.unwrap_or(ended)),
                talk_ms: answered.map(|answered| ms(answered, ended)),
                operator: text(&cells, "operator")?,
                shift: text(&cells, "shift")?,
            })
        })
        .collect()
}

async fn matters(tx: &mut SqliteConnection, period: Period) -> Result<Vec<MatterRow>, StoreError> {
    let (first, after) = keys(period);
    // Two questions, because each has an index of its own; the second leaves out what the first has.
    let columns = "SELECT key, closed_at, kind, severity, estate, building, department, owner, reopened, \
                   state = 'merged' AS merged FROM matter";
    let opened = format!("{columns} WHERE key >= ? AND key < ? AND kind IS NOT NULL ORDER BY key");
    let mut rows =
        sqlx::query(sqlx::AssertSqlSafe(opened)).bind(first).bind(after).fetch_all(&mut *tx).await?;
    let closed = format!(
        "{columns} WHERE closed_at >= ? AND closed_at < ? AND kind IS NOT NULL AND (key < ? OR key >= ?) ORDER BY key"
    );
    rows.extend(
        sqlx::query(sqlx::AssertSqlSafe(closed))
            .bind(period.from.to_string())
            .bind(period.to.to_string())
            .bind(first)
            .bind(after)
            .fetch_all(tx)
            .await?,
    );
    rows.iter()
        .map(|row| {
            let cells = cells(row, "matter");
            let of = id_of(cells.get("key")?).ok_or_else(|| cells.bad("key"))?;
            let building = format!("{} {}", text(&cells, "estate")?, text(&cells, "building")?);
            Ok(MatterRow {
                id: of.to_string(),
                opened: of.day,
                closed: cells.time_or_null("closed_at")?.map(|at| at.date_naive()),
                kind: text(&cells, "kind")?,
                severity: text(&cells, "severity")?,
                building: building.trim().to_owned(),
                department: text(&cells, "department")?,
                owner: text(&cells, "owner")?,
                reopened: cells.number("reopened")?,
                merged: cells.get("merged")?,
            })
        })
        .collect()
}

async fn clocks(
    tx: &mut SqliteConnection,
    period: Period,
    calendar: &Calendar,
) -> Result<Vec<ClockRow>, StoreError> {
    let (from, to) = period.span(calendar);
    let rows = sqlx::query(
        "SELECT c.matter, c.name, c.due_utc, c.ended_at, m.kind, m.department FROM clock c \
         JOIN matter m ON m.key = c.matter WHERE c.due_utc >= ? AND c.due_utc < ? AND c.void = 0 \
         ORDER BY c.due_utc, c.matter, c.idx",
    )
    .bind(utc(from))
    .bind(utc(to))
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            let cells = cells(row, "clock");
            Ok(ClockRow {
                matter: id(&cells, "matter")?,
                name: cells.get("name")?,
                kind: text(&cells, "kind")?,
                department: text(&cells, "department")?,
                due: cells.utc("due_utc")?,
                ended: cells.time_or_null("ended_at")?.map(|at| at.to_utc()),
            })
        })
        .collect()
}

async fn visits(tx: &mut SqliteConnection, period: Period) -> Result<Vec<VisitRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT v.key, v.matter, v.kind, v.until_day, v.state, v.satisfied, m.department FROM visit v \
         JOIN matter m ON m.key = v.matter WHERE v.until_day >= ? AND v.until_day < ? \
         AND v.state <> 'withdrawn' ORDER BY v.key",
    )
    .bind(period.from.to_string())
    .bind(period.to.to_string())
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            let cells = cells(row, "visit");
            Ok(VisitRow {
                id: row.try_get("key")?,
                matter: id(&cells, "matter")?,
                kind: cells.get("kind")?,
                department: text(&cells, "department")?,
                until: cells.named("until_day", |text: &str| text.parse::<NaiveDate>().ok())?,
                state: cells.get("state")?,
                satisfied: cells.number_or_null("satisfied")?,
            })
        })
        .collect()
}

async fn outages(
    tx: &mut SqliteConnection,
    period: Period,
    calendar: &Calendar,
    now: DateTime<Utc>,
) -> Result<Vec<OutageRow>, StoreError> {
    let (from, to) = period.span(calendar);
    let rows = sqlx::query(
        "SELECT kind, name, began_utc, ended_utc FROM outage \
         WHERE began_utc < ? AND (ended_utc IS NULL OR ended_utc > ?) ORDER BY began_utc, key",
    )
    .bind(utc(to))
    .bind(utc(from))
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            let cells = cells(row, "outage");
            let began = cells.utc("began_utc")?;
            let ended = cells.time_or_null("ended_utc")?.map_or(now, |at| at.to_utc());
            Ok(OutageRow {
                kind: cells.get("kind")?,
                name: cells.get("name")?,
                began,
                ended: ended.max(began),
            })
        })
        .collect()
}
