//! A matter into its rows. What belongs to it is written anew: a matter has a handful of each.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::findable;
use crate::{
    desk::{
        matter::{Matter, clock::ClockEnd},
        office::Office,
    },
    store::{
        error::StoreError,
        group::{key, local, utc},
    },
};

pub(super) async fn matter(
    tx: &mut SqliteConnection,
    matter: &Matter,
    office: &Office,
) -> Result<(), StoreError> {
    let of = key(matter.id);
    sqlx::query(
        "UPDATE matter SET owner = ?, kind = ?, state = ?, resident = ?, way = ?, rush = ?, severity = ?, \
         parties = ?, complex = ?, estate = ?, building = ?, unit = ?, room = ?, name = ?, number = ?, \
         department = ?, summary = ?, completed_at = ?, answered_at = ?, answer = ?, closed_at = ?, \
         closed_by = ?, reopened = ?, merged_into = ? WHERE key = ?",
    )
    .bind(matter.owner.clone())
    .bind(matter.kind.map(|kind| kind.word()))
    .bind(matter.state.word())
    .bind(matter.resident.map(|id| id.0))
    .bind(matter.way.word())
    .bind(matter.rush)
    .bind(matter.severity.map(|severity| severity.word()))
    .bind(matter.parties.word())
    .bind(matter.complex)
    .bind(matter.place.estate.clone())
    .bind(matter.place.building.clone())
    .bind(matter.place.unit.clone())
    .bind(matter.place.room.clone())
    .bind(matter.name.clone())
    .bind(matter.number.as_ref().map(|number| number.reveal().clone()))
    .bind(matter.department.clone())
    .bind(matter.summary.clone())
    .bind(matter.completed.map(local))
    .bind(matter.answered.map(local))
    .bind(matter.answer.clone())
    .bind(matter.closed.map(local))
    .bind(matter.closed_by.clone())
    .bind(i64::from(matter.reopened))
    .bind(matter.merged_into.map(key))
    .bind(of)
    .execute(&mut *tx)
    .await?;
    for sql in [
        "DELETE FROM matter_field WHERE matter = ?",
        "DELETE FROM promise WHERE matter = ?",
        "DELETE FROM pass WHERE matter = ?",
        "DELETE FROM clock WHERE matter = ?",
        "DELETE FROM stop WHERE matter = ?",
        "DELETE FROM matter_text WHERE rowid = ?",
    ] {
        sqlx::query(sql).bind(of).execute(&mut *tx).await?;
    }
    sqlx::query("INSERT INTO matter_text (rowid, words) VALUES (?, ?)")
        .bind(of)
        .bind(findable(matter))
        .execute(&mut *tx)
        .await?;
    for (field, value) in &matter.fields {
        sqlx::query("INSERT INTO matter_field (matter, field, value) VALUES (?, ?, ?)")
            .bind(of)
            .bind(field.word())
            .bind(value.clone())
            .execute(&mut *tx)
            .await?;
    }
    promises(tx, matter, of).await?;
    passes(tx, matter, of).await?;
    clocks(tx, matter, of, office).await
}

async fn promises(tx: &mut SqliteConnection, matter: &Matter, of: i64) -> Result<(), StoreError> {
    for (promise, idx) in matter.promises.iter().zip(0_i64..) {
        sqlx::query(
            "INSERT INTO promise (matter, idx, what, by, made_at, due_at, due_utc, kept_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(of)
        .bind(idx)
        .bind(promise.what.clone())
        .bind(promise.by.clone())
        .bind(local(promise.made))
        .bind(local(promise.due))
        .bind(utc(promise.due.to_utc()))
        .bind(promise.kept.map(local))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn passes(tx: &mut SqliteConnection, matter: &Matter, of: i64) -> Result<(), StoreError> {
    for (pass, idx) in matter.passes.iter().zip(0_i64..) {
        sqlx::query(
            "INSERT INTO pass (matter, idx, department, person, by, at, why, returned_at, result) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(of)
        .bind(idx)
        .bind(pass.department.clone())
        .bind(pass.person.clone())
        .bind(pass.by.clone())
        .bind(local(pass.at))
        .bind(pass.why.clone())
        .bind(pass.returned.as_ref().map(|(at, _)| local(*at)))
        .bind(pass.returned.as_ref().map(|(_, result)| result.clone()))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn clocks(
    tx: &mut SqliteConnection,
    matter: &Matter,
    of: i64,
    office: &Office,
) -> Result<(), StoreError> {
    for (clock, idx) in matter.clocks.iter().zip(0_i64..) {
        let due: Option<DateTime<Utc>> = clock.due(&matter.stops, &office.calendar).at();
        let (ended, void) = match clock.end {
            None => (None, false),
            Some(ClockEnd::Met(at)) => (Some(local(at)), false),
            Some(ClockEnd::Void(at)) => (Some(local(at)), true),
        };
        sqlx::query(
            "INSERT INTO clock (matter, idx, name, started_at, time_limit, agreed_at, ended_at, void, due_utc) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(of)
        .bind(idx)
        .bind(clock.name.word())
        .bind(local(clock.started))
        .bind(clock.limit.to_string())
        .bind(clock.agreed.map(local))
        .bind(ended)
        .bind(void)
        .bind(due.map(utc))
        .execute(&mut *tx)
        .await?;
    }
    for (stop, idx) in matter.stops.iter().zip(0_i64..) {
        sqlx::query("INSERT INTO stop (matter, idx, from_utc, until_utc, reason) VALUES (?, ?, ?, ?, ?)")
            .bind(of)
            .bind(idx)
            .bind(utc(stop.from))
            .bind(stop.until.map(utc))
            .bind(stop.reason.word())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
