//! The start-up sweep: what an earlier daemon left open is closed, so that nothing looks alive that
//! is not.

use chrono::{DateTime, Utc};
use sqlx::{Row, SqliteConnection};

use super::{
    chain,
    error::StoreError,
    facts::Sweep,
    group::{id_of, key, local, utc, write_life},
    inbox::SignOfLife,
    rows::parse_local,
};

/// Closes every open ticket as interrupted, ends every open outage, and records the time since the
/// earlier daemon's last sign of life as an outage of the daemon. To be done before the first call is
/// written: all that is open then belongs to the past.
pub(super) async fn sweep(tx: &mut SqliteConnection, at: DateTime<Utc>) -> Result<Sweep, StoreError> {
    let life = sqlx::query("SELECT at_utc, ended FROM sign_of_life").fetch_optional(&mut *tx).await?;
    let last: Option<(String, bool)> = match life {
        Some(row) => Some((row.try_get(0)?, row.try_get(1)?)),
        None => None,
    };
    chain::begin(tx).await?;
    let interrupted = interrupt_open_tickets(tx, at).await?;
    chain::seal_closed(tx, &interrupted.iter().map(|ticket| key(*ticket)).collect::<Vec<_>>()).await?;
    let now = utc(at);
    let outages_ended = sqlx::query(
        "UPDATE outage SET ended_utc = max(began_utc, ?), end_words = 'the daemon ended' \
         WHERE ended_utc IS NULL",
    )
    .bind(last.as_ref().map_or(&now, |(last, _)| last).clone())
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if let Some((last, in_order)) = last {
        sqlx::query(
            "INSERT INTO outage (kind, name, began_utc, ended_utc, reason, end_words) \
             VALUES ('daemon', '', ?1, max(?1, ?2), ?3, 'started again') ON CONFLICT DO NOTHING",
        )
        .bind(last)
        .bind(now)
        .bind(if in_order { "stopped" } else { "ended without a farewell" })
        .execute(&mut *tx)
        .await?;
    }
    write_life(tx, SignOfLife { at, ended: false }).await?;
    Ok(Sweep { interrupted, outages_ended })
}

/// A ticket without an end gets the outcome `interrupted`, also where a call was answered and talked;
/// by whom and when stays. Only a call that was over for its caller, and lacked but its last word, keeps
/// the outcome it had. The end is the last time that the timeline knows.
async fn interrupt_open_tickets(
    tx: &mut SqliteConnection,
    at: DateTime<Utc>,
) -> Result<Vec<crate::desk::ticket::TicketId>, StoreError> {
    let open = sqlx::query(
        "SELECT key, received_at, answered_at IS NOT NULL, \
         (SELECT at FROM timeline WHERE ticket = key ORDER BY idx DESC LIMIT 1), \
         (SELECT ifnull(max(idx) + 1, 0) FROM timeline WHERE ticket = key) \
         FROM ticket WHERE ended_at IS NULL",
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut interrupted = Vec::new();
    for row in open {
        let key: i64 = row.try_get(0)?;
        let received: String = row.try_get(1)?;
        let answered: bool = row.try_get(2)?;
        let last: Option<String> = row.try_get(3)?;
        let next_entry: i64 = row.try_get(4)?;
        let zone = parse_local(&received).map_or(at.fixed_offset(), |r| at.with_timezone(r.offset()));
        let end = last.unwrap_or(received);
        sqlx::query(
            "UPDATE ticket SET revision = revision + 1, ended_at = ?, outcome = CASE \
             WHEN outcome IS NOT NULL AND (answered_at IS NULL OR hung_up_first IS NOT NULL) THEN outcome \
             ELSE 'interrupted' END WHERE key = ?",
        )
        .bind(end.clone())
        .bind(key)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE leg SET ended_at = ? WHERE ticket = ? AND ended_at IS NULL")
            .bind(end)
            .bind(key)
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO timeline (ticket, idx, at, what, words) VALUES (?, ?, ?, 'interrupted', ?)")
            .bind(key)
            .bind(next_entry)
            .bind(local(zone))
            .bind("the daemon ended during this call; found when it started again")
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO recording (ticket, verdict, verdict_words) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(key)
        .bind(if answered { "interrupted" } else { "none" })
        .bind((!answered).then_some("nobody had answered"))
        .execute(&mut *tx)
        .await?;
        interrupted.extend(id_of(key));
    }
    Ok(interrupted)
}
