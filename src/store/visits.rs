//! Return visits: planned with the completion, listed for calling, answered.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    audit::{EditError, Hand},
    edit::Editor,
    error::StoreError,
    group::{id_of, key, local, utc},
    matters,
    reader::Reader,
    rows::Cells,
};
use crate::desk::{
    matter::Matter,
    number::Number,
    office::Office,
    return_visit::{self, Answers, Visit, VisitChange, VisitOf, VisitState, Visitor},
    ticket::{LocalTime, TicketId},
    work_order::Extent,
};

const VISIT: &str = "visit";

/// A visit as the call list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVisit {
    pub visit: Visit,
    /// Whom to call.
    pub name: String,
    pub number: Option<Number>,
    pub place: String,
    pub summary: String,
}

impl Editor {
    /// Takes in what came of a visit's call. One that says the work is not finished reopens a closed
    /// matter: a second repair is due.
    ///
    /// # Errors
    /// [`EditError::NotThere`]; [`EditError::Refused`] with the rule's words.
    pub async fn change_visit(
        &self,
        id: i64,
        change: VisitChange,
        office: Office,
        hand: Hand,
    ) -> Result<Visit, EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let row = sqlx::query("SELECT * FROM visit WHERE key = ?")
                    .bind(id)
                    .fetch_optional(&mut *tx)
                    .await?
                    .ok_or_else(|| EditError::NotThere { what: VISIT, id: id.to_string() })?;
                let mut visit = visit(&row)?;
                let line = visit
                    .change(change, &hand.by, hand.at, &office.visits, &office.calendar)
                    .map_err(matters::refused)?;
                save(tx, &visit).await?;
                matters::record(tx, &hand, visit.matter, vec![line]).await?;
                if visit.answers.as_ref().is_some_and(|answers| !answers.finished) {
                    let why = format!("return visit {id}: not finished");
                    matters::reopen(tx, visit.matter, &why, &office, &hand).await?;
                }
                Ok(visit)
            })
        })
        .await
    }
}

impl Reader {
    /// Visits that may be called by `until`, in the order in which they are to be called; `visitor`
    /// is whose, `None` everybody's.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn visits_to_call(
        &self,
        until: DateTime<Utc>,
        today: NaiveDate,
        visitor: Option<Visitor>,
        limit: u32,
    ) -> Result<Vec<ListedVisit>, StoreError> {
        let rows = sqlx::query(
            "SELECT v.*, m.name AS m_name, m.number AS m_number, m.summary AS m_summary, \
             m.building AS m_building, m.unit AS m_unit, m.room AS m_room \
             FROM visit v JOIN matter m ON m.key = v.matter \
             WHERE v.state = 'waiting' AND v.next_utc <= ?1 AND (?2 IS NULL OR v.visitor = ?2) \
             ORDER BY v.until_day LIMIT ?3",
        )
        .bind(utc(until))
        .bind(visitor.map(Visitor::word))
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let mut listed = rows.iter().map(listed).collect::<Result<Vec<_>, StoreError>>()?;
        listed.sort_by_key(|listed| listed.visit.place(today));
        Ok(listed)
    }
}

fn listed(row: &SqliteRow) -> Result<ListedVisit, StoreError> {
    let visit = visit(row)?;
    let cells = Cells { row, table: VISIT, of: visit.id.to_string() };
    let place = crate::desk::resident::Place {
        estate: String::new(),
        building: cells.get("m_building")?,
        unit: cells.get("m_unit")?,
        room: cells.get("m_room")?,
    };
    Ok(ListedVisit {
        name: cells.get("m_name")?,
        number: cells.get::<Option<String>>("m_number")?.map(Number::new),
        summary: cells.get("m_summary")?,
        place: place.label(),
        visit,
    })
}

/// Plans the visit that a completed matter asks for, unless one waits already.
pub(super) async fn plan(
    tx: &mut SqliteConnection,
    matter: &Matter,
    office: &Office,
) -> Result<(), StoreError> {
    let Some(completed) = matter.completed else { return Ok(()) };
    let project: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM work_order WHERE matter = ? AND extent = 'project' AND cancelled_at IS NULL LIMIT 1",
    )
    .bind(key(matter.id))
    .fetch_optional(&mut *tx)
    .await?;
    let extent = if project.is_some() { Extent::Project } else { Extent::InHome };
    let Some(plan) = return_visit::plan(matter, extent, completed, &office.visits, &office.calendar) else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO visit (matter, kind, visitor, completed_at, from_day, until_day, state, next_utc, tries, by) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?7, 0, '' \
         WHERE NOT EXISTS (SELECT 1 FROM visit WHERE matter = ?1 AND state = 'waiting')",
    )
    .bind(key(matter.id))
    .bind(plan.of.word())
    .bind(plan.visitor.word())
    .bind(local(completed))
    .bind(plan.from.to_string())
    .bind(plan.until.to_string())
    .bind(utc(plan.next))
    .execute(tx)
    .await?;
    Ok(())
}

/// What was completed goes on: its visit waits no longer, and is planned anew with the next completion.
pub(super) async fn withdraw(
    tx: &mut SqliteConnection,
    id: TicketId,
    at: LocalTime,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE visit SET state = 'withdrawn', ended_at = ? WHERE matter = ? AND state = 'waiting'")
        .bind(local(at))
        .bind(key(id))
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn of_matter(tx: &mut SqliteConnection, id: TicketId) -> Result<Vec<Visit>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM visit WHERE matter = ? ORDER BY key").bind(key(id)).fetch_all(tx).await?;
    rows.iter().map(visit).collect()
}

pub(super) fn visit(row: &SqliteRow) -> Result<Visit, StoreError> {
    let id: i64 = row.try_get("key")?;
    let cells = Cells { row, table: VISIT, of: id.to_string() };
    let day = |column| cells.named(column, |text: &str| text.parse::<NaiveDate>().ok());
    let answers = match cells.get::<Option<i64>>("satisfied")? {
        Some(satisfied) => Some(Answers {
            finished: cells.get::<Option<bool>>("finished")?.unwrap_or(false),
            quality: cells.get::<Option<String>>("quality")?.unwrap_or_default(),
            effect: cells.get::<Option<String>>("effect")?.unwrap_or_default(),
            satisfied: u8::try_from(satisfied).map_err(|_| cells.bad("satisfied"))?,
            shortcomings: cells.get::<Option<String>>("shortcomings")?.unwrap_or_default(),
            suggestions: cells.get::<Option<String>>("suggestions")?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Visit {
        id,
        matter: id_of(cells.get("matter")?).ok_or_else(|| cells.bad("matter"))?,
        of: cells.named("kind", VisitOf::from_word)?,
        visitor: cells.named("visitor", Visitor::from_word)?,
        completed: cells.time("completed_at")?,
        from: day("from_day")?,
        until: day("until_day")?,
        state: cells.named("state", VisitState::from_word)?,
        next: cells.utc("next_utc")?,
        tries: cells.number("tries")?,
        answers,
        ended: cells.time_or_null("ended_at")?,
        by: cells.get("by")?,
    })
}

async fn save(tx: &mut SqliteConnection, visit: &Visit) -> Result<(), StoreError> {
    let answers = visit.answers.as_ref();
    sqlx::query(
        "UPDATE visit SET state = ?, next_utc = ?, tries = ?, finished = ?, quality = ?, effect = ?, \
         satisfied = ?, shortcomings = ?, suggestions = ?, ended_at = ?, by = ? WHERE key = ?",
    )
    .bind(visit.state.word())
    .bind(utc(visit.next))
    .bind(i64::from(visit.tries))
    .bind(answers.map(|a| a.finished))
    .bind(answers.map(|a| a.quality.clone()))
    .bind(answers.map(|a| a.effect.clone()))
    .bind(answers.map(|a| i64::from(a.satisfied)))
    .bind(answers.map(|a| a.shortcomings.clone()))
    .bind(answers.map(|a| a.suggestions.clone()))
    .bind(visit.ended.map(local))
    .bind(visit.by.clone())
    .bind(visit.id)
    .execute(tx)
    .await?;
    Ok(())
}
