//! Dispatch orders and notices to the builder.

use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    audit::{EditError, Hand},
    edit::Editor,
    error::StoreError,
    group::{id_of, key, local, utc},
    matters,
    reader::Reader,
    rows::{Cells, parse_local},
};
use crate::desk::{
    matter::{Kind, Line},
    number::Number,
    office::Office,
    ticket::{LocalTime, TicketId},
    work_order::{Acceptance, Appointment, BuilderNotice, Extent, OrderChange, OrderId, Part, WorkOrder},
};

const ORDER: &str = "order";

/// A dispatch order to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    pub matter: TicketId,
    pub extent: Extent,
    pub crew: String,
    /// The order whose repair did not hold.
    pub second_of: Option<OrderId>,
}

/// An order that the crew is expected at, or late for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedOrder {
    pub order: WorkOrder,
    /// Whom to call before the time.
    pub name: String,
    pub number: Option<Number>,
    pub place: String,
}

impl Editor {
    /// Makes a dispatch order for a repair.
    ///
    /// # Errors
    /// [`EditError::NotThere`]; [`EditError::Refused`] where the matter is no open repair, or nobody is
    /// named to go.
    pub async fn make_order(&self, new: NewOrder, office: Office, hand: Hand) -> Result<OrderId, EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let matter = matters::load(tx, new.matter).await?;
                if matter.kind != Some(Kind::Repair) && matter.kind != Some(Kind::Special) {
                    return Err(EditError::Refused(
                        "only a repair or a special service has orders".to_owned(),
                    ));
                }
                if matter.closed.is_some() || matter.merged_into.is_some() {
                    return Err(EditError::Refused(format!("{} is closed: reopen it first", matter.id)));
                }
                let crew = new.crew.trim().to_owned();
                if crew.is_empty() {
                    return Err(EditError::Refused("say who goes".to_owned()));
                }
                if let Some(first) = new.second_of {
                    one(tx, first).await?;
                }
                let number: i64 = sqlx::query_scalar(
                    "INSERT INTO work_order (matter, extent, rush, crew, made_at, made_by, work, labour_fen, \
                     second_of) VALUES (?, ?, ?, ?, ?, ?, '', 0, ?) RETURNING key",
                )
                .bind(key(matter.id))
                .bind(new.extent.word())
                .bind(matter.rush)
                .bind(crew.clone())
                .bind(local(hand.at))
                .bind(hand.by.clone())
                .bind(new.second_of.map(|id| id.0))
                .fetch_one(&mut *tx)
                .await?;
                let id = OrderId(number);
                let line = Line { what: "order made", before: None, after: Some(format!("{id} {crew}")) };
                matters::record(tx, &hand, matter.id, vec![line]).await?;
                matters::store(tx, &matter, &office).await?;
                Ok(id)
            })
        })
        .await
    }

    /// Does something to an order; answers with how it stands then.
    ///
    /// # Errors
    /// [`EditError::NotThere`]; [`EditError::Refused`] with the rule's words.
    pub async fn change_order(
        &self,
        id: OrderId,
        change: OrderChange,
        office: Office,
        hand: Hand,
    ) -> Result<WorkOrder, EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let mut order = one(tx, id).await?;
                let finishes = matches!(&change, OrderChange::Finish { .. });
                let returns = matches!(&change, OrderChange::Return);
                let mut line = order.change(change, hand.at).map_err(matters::refused)?;
                save(tx, &order).await?;
                line.after = line.after.map(|after| format!("{id}: {after}"));
                matters::record(tx, &hand, order.matter, vec![line]).await?;
                if finishes || returns {
                    let mut matter = matters::load(tx, order.matter).await?;
                    if finishes && order.extent == Extent::InHome {
                        matter.order_finished(hand.at, &office.limits);
                    }
                    if returns {
                        matter.order_returned(hand.at);
                    }
                    matters::store(tx, &matter, &office).await?;
                }
                Ok(order)
            })
        })
        .await
    }

    /// Sends a house-repair notice to the builder.
    ///
    /// # Errors
    /// [`EditError::NotThere`]; [`EditError::Refused`] where builder or defect are not named.
    pub async fn notify_builder(
        &self,
        matter: TicketId,
        builder: String,
        what: String,
        office: Office,
        hand: Hand,
    ) -> Result<i64, EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let (builder, what) = (builder.trim().to_owned(), what.trim().to_owned());
                if builder.is_empty() || what.is_empty() {
                    return Err(EditError::Refused("name the builder and the defect".to_owned()));
                }
                let mut of = matters::load(tx, matter).await?;
                of.builder_asked(hand.at, &office.limits);
                let id: i64 = sqlx::query_scalar(
                    "INSERT INTO builder_notice (matter, builder, what, sent_at, reminded_at) \
                     VALUES (?, ?, ?, ?, '') RETURNING key",
                )
                .bind(key(matter))
                .bind(builder.clone())
                .bind(what.clone())
                .bind(local(hand.at))
                .fetch_one(&mut *tx)
                .await?;
                let line = Line {
                    what: "builder notified",
                    before: None,
                    after: Some(format!("{builder}: {what}")),
                };
                matters::record(tx, &hand, matter, vec![line]).await?;
                matters::store(tx, &of, &office).await?;
                Ok(id)
            })
        })
        .await
    }

    /// The builder was reminded, or (with `answer`) answered.
    ///
    /// # Errors
    /// [`EditError::NotThere`]; [`EditError::Refused`] where it was answered already.
    pub async fn follow_builder(
        &self,
        notice: i64,
        answer: Option<String>,
        office: Office,
        hand: Hand,
    ) -> Result<(), EditError> {
        self.edit(move |tx| {
            Box::pin(async move {
                let row = sqlx::query("SELECT * FROM builder_notice WHERE key = ?")
                    .bind(notice)
                    .fetch_optional(&mut *tx)
                    .await?
                    .ok_or_else(|| EditError::NotThere { what: "notice", id: notice.to_string() })?;
                let mut known = notice_of(&row)?;
                if known.answered.is_some() {
                    return Err(EditError::Refused(format!("notice {notice} is answered")));
                }
                let mut matter = matters::load(tx, known.matter).await?;
                let line = match answer {
                    Some(answer) => {
                        matter.builder_answered(hand.at);
                        known.answered = Some((hand.at, answer.clone()));
                        Line { what: "builder answered", before: None, after: Some(answer) }
                    }
                    None => {
                        matter.builder_asked(hand.at, &office.limits);
                        known.reminded.push(hand.at);
                        let after = format!("{} time", known.reminded.len());
                        Line { what: "builder reminded", before: None, after: Some(after) }
                    }
                };
                let reminded: Vec<String> = known.reminded.iter().map(|at| local(*at)).collect();
                sqlx::query(
                    "UPDATE builder_notice SET reminded_at = ?, answered_at = ?, answer = ? WHERE key = ?",
                )
                .bind(reminded.join("\n"))
                .bind(known.answered.as_ref().map(|(at, _)| local(*at)))
                .bind(known.answered.as_ref().map(|(_, words)| words.clone()))
                .bind(notice)
                .execute(&mut *tx)
                .await?;
                matters::record(tx, &hand, known.matter, vec![line]).await?;
                matters::store(tx, &matter, &office).await?;
                Ok(())
            })
        })
        .await
    }
}

impl Reader {
    /// One order.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn order(&self, id: OrderId) -> Result<Option<WorkOrder>, StoreError> {
        let mut tx = self.begin().await?;
        let found = find(&mut tx, id).await?;
        tx.rollback().await?;
        Ok(found)
    }

    /// Orders whose paper is not back yet, newest first.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn open_orders(&self, limit: u32) -> Result<Vec<WorkOrder>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query(
            "SELECT * FROM work_order WHERE returned_at IS NULL AND cancelled_at IS NULL \
             ORDER BY key DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&mut *tx)
        .await?;
        let orders = with_parts(&mut tx, &rows).await?;
        tx.rollback().await?;
        Ok(orders)
    }

    /// Orders whose appointment begins before `until` and at which nobody has arrived: with `until` a
    /// warning time ahead of now, those that the resident must be called about *before* the time.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn expected_orders(
        &self,
        until: chrono::DateTime<chrono::Utc>,
        limit: u32,
    ) -> Result<Vec<ExpectedOrder>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query(
            "SELECT w.*, m.name AS m_name, m.number AS m_number, m.building AS m_building, m.unit AS m_unit, \
             m.room AS m_room FROM work_order w JOIN matter m ON m.key = w.matter \
             WHERE w.from_utc IS NOT NULL AND w.arrived_at IS NULL AND w.finished_at IS NULL \
             AND w.cancelled_at IS NULL AND w.from_utc <= ? ORDER BY w.from_utc LIMIT ?",
        )
        .bind(utc(until))
        .bind(limit)
        .fetch_all(&mut *tx)
        .await?;
        let orders = with_parts(&mut tx, &rows).await?;
        tx.rollback().await?;
        orders
            .into_iter()
            .zip(&rows)
            .map(|(order, row)| {
                let cells = Cells { row, table: ORDER, of: order.id.to_string() };
                let place = crate::desk::resident::Place {
                    estate: String::new(),
                    building: cells.get("m_building")?,
                    unit: cells.get("m_unit")?,
                    room: cells.get("m_room")?,
                };
                Ok(ExpectedOrder {
                    order,
                    name: cells.get("m_name")?,
                    number: cells.get::<Option<String>>("m_number")?.map(Number::new),
                    place: place.label(),
                })
            })
            .collect()
    }
}

async fn find(tx: &mut SqliteConnection, id: OrderId) -> Result<Option<WorkOrder>, StoreError> {
    let rows = sqlx::query("SELECT * FROM work_order WHERE key = ?").bind(id.0).fetch_all(&mut *tx).await?;
    Ok(with_parts(tx, &rows).await?.pop())
}

async fn one(tx: &mut SqliteConnection, id: OrderId) -> Result<WorkOrder, EditError> {
    find(tx, id).await?.ok_or_else(|| EditError::NotThere { what: ORDER, id: id.to_string() })
}

pub(super) async fn of_matter(tx: &mut SqliteConnection, id: TicketId) -> Result<Vec<WorkOrder>, StoreError> {
    let rows = sqlx::query("SELECT * FROM work_order WHERE matter = ? ORDER BY key")
        .bind(key(id))
        .fetch_all(&mut *tx)
        .await?;
    with_parts(tx, &rows).await
}

pub(super) async fn notices_of(
    tx: &mut SqliteConnection,
    id: TicketId,
) -> Result<Vec<BuilderNotice>, StoreError> {
    let rows = sqlx::query("SELECT * FROM builder_notice WHERE matter = ? ORDER BY key")
        .bind(key(id))
        .fetch_all(tx)
        .await?;
    rows.iter().map(notice_of).collect()
}

async fn with_parts(tx: &mut SqliteConnection, rows: &[SqliteRow]) -> Result<Vec<WorkOrder>, StoreError> {
    let mut orders = Vec::new();
    for row in rows {
        let mut order = order(row)?;
        let parts = sqlx::query("SELECT * FROM work_order_part WHERE work_order = ? ORDER BY idx")
            .bind(order.id.0)
            .fetch_all(&mut *tx)
            .await?;
        for row in &parts {
            let cells = Cells { row, table: "work_order_part", of: order.id.to_string() };
            let (name, quantity) = (cells.get("name")?, cells.get("quantity")?);
            order.parts.push(Part { name, quantity, price_fen: cells.get("price_fen")? });
        }
        orders.push(order);
    }
    Ok(orders)
}

fn order(row: &SqliteRow) -> Result<WorkOrder, StoreError> {
    let cells = Cells { row, table: ORDER, of: "?".into() };
    let id = OrderId(cells.get("key")?);
    let cells = Cells { row, table: ORDER, of: id.to_string() };
    let time = |column| cells.time_or_null(column);
    let appointment = match (time("from_at")?, time("to_at")?) {
        (Some(from), Some(to)) => Some(Appointment {
            from,
            to,
            crew_agreed: time("crew_agreed_at")?,
            resident_agreed: time("resident_agreed_at")?,
        }),
        (Some(_) | None, None) | (None, Some(_)) => None,
    };
    let accepted = match time("accepted_at")? {
        Some(at) => Some(Acceptance {
            at,
            by: cells.get::<Option<String>>("accepted_by")?.unwrap_or_default(),
            opinion: cells.get::<Option<String>>("opinion")?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(WorkOrder {
        id,
        matter: id_of(cells.get("matter")?).ok_or_else(|| cells.bad("matter"))?,
        extent: cells.named("extent", Extent::from_word)?,
        rush: cells.get("rush")?,
        crew: cells.get("crew")?,
        made: cells.time("made_at")?,
        made_by: cells.get("made_by")?,
        appointment,
        dispatched: time("dispatched_at")?,
        arrived: time("arrived_at")?,
        finished: time("finished_at")?,
        work: cells.get("work")?,
        parts: Vec::new(),
        labour_fen: cells.get("labour_fen")?,
        accepted,
        returned: time("returned_at")?,
        second_of: cells.get::<Option<i64>>("second_of")?.map(OrderId),
        cancelled: time("cancelled_at")?,
    })
}

async fn save(tx: &mut SqliteConnection, order: &WorkOrder) -> Result<(), StoreError> {
    let appointment = order.appointment.as_ref();
    let accepted = order.accepted.as_ref();
    sqlx::query(
        "UPDATE work_order SET from_at = ?, from_utc = ?, to_at = ?, crew_agreed_at = ?, \
         resident_agreed_at = ?, dispatched_at = ?, arrived_at = ?, finished_at = ?, work = ?, \
         labour_fen = ?, accepted_at = ?, accepted_by = ?, opinion = ?, returned_at = ?, \
         cancelled_at = ? WHERE key = ?",
    )
    .bind(appointment.map(|a| local(a.from)))
    .bind(appointment.map(|a| utc(a.from.to_utc())))
    .bind(appointment.map(|a| local(a.to)))
    .bind(appointment.and_then(|a| a.crew_agreed).map(local))
    .bind(appointment.and_then(|a| a.resident_agreed).map(local))
    .bind(order.dispatched.map(local))
    .bind(order.arrived.map(local))
    .bind(order.finished.map(local))
    .bind(order.work.clone())
    .bind(order.labour_fen)
    .bind(accepted.map(|a| local(a.at)))
    .bind(accepted.map(|a| a.by.clone()))
    .bind(accepted.map(|a| a.opinion.clone()))
    .bind(order.returned.map(local))
    .bind(order.cancelled.map(local))
    .bind(order.id.0)
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM work_order_part WHERE work_order = ?")
        .bind(order.id.0)
        .execute(&mut *tx)
        .await?;
    for (part, idx) in order.parts.iter().zip(0_i64..) {
        sqlx::query(
            "INSERT INTO work_order_part (work_order, idx, name, quantity, price_fen) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(order.id.0)
        .bind(idx)
        .bind(part.name.clone())
        .bind(part.quantity.clone())
        .bind(part.price_fen)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

fn notice_of(row: &SqliteRow) -> Result<BuilderNotice, StoreError> {
    let cells = Cells { row, table: "builder_notice", of: "?".into() };
    let reminded: &str = cells.get("reminded_at")?;
    let reminded: Option<Vec<LocalTime>> = reminded.lines().map(parse_local).collect();
    let answered = cells.time_or_null("answered_at")?;
    Ok(BuilderNotice {
        id: cells.get("key")?,
        matter: id_of(cells.get("matter")?).ok_or_else(|| cells.bad("matter"))?,
        builder: cells.get("builder")?,
        what: cells.get("what")?,
        sent: cells.time("sent_at")?,
        reminded: reminded.ok_or_else(|| cells.bad("reminded_at"))?,
        answered: answered.zip(cells.get::<Option<String>>("answer")?),
    })
}
