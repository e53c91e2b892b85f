//! What people typed about a ticket.

use chrono::{DateTime, Utc};

use super::{
    edit::Editor,
    error::StoreError,
    group::{key, utc},
};
use crate::desk::ticket::TicketId;

impl Editor {
    /// Keeps what a person typed about a ticket, in place of what was there; an empty remark takes it
    /// away. `false`: there is no such ticket.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn set_remark(
        &self,
        ticket: TicketId,
        remark: String,
        by: String,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                if remark.trim().is_empty() {
                    sqlx::query("DELETE FROM ticket_remark WHERE ticket = ?")
                        .bind(key(ticket))
                        .execute(&mut *connection)
                        .await?;
                    let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM ticket WHERE key = ?")
                        .bind(key(ticket))
                        .fetch_optional(connection)
                        .await?;
                    return Ok(known.is_some());
                }
                let kept = sqlx::query(
                    "INSERT INTO ticket_remark (ticket, remark, edited_by, edited_utc) \
                     SELECT key, ?2, ?3, ?4 FROM ticket WHERE key = ?1 \
                     ON CONFLICT (ticket) DO UPDATE SET remark = excluded.remark, \
                     edited_by = excluded.edited_by, edited_utc = excluded.edited_utc",
                )
                .bind(key(ticket))
                .bind(remark)
                .bind(by)
                .bind(utc(at))
                .execute(connection)
                .await?;
                Ok(kept.rows_affected() > 0)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        facts::StoreFact,
        fixture::{change, id, opened, utc_at},
        reader::Reader,
        writer::{StoreSettings, Writer},
    };

    #[tokio::test]
    async fn a_remark_is_kept_replaced_and_taken_away_and_no_save_of_the_call_touches_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
        let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
        let editor = Editor::through(writer.clone());
        let now = utc_at("16:20:00.000");
        let set =
            async |remark: &str| editor.set_remark(id(7), remark.into(), "王芳".into(), now).await.unwrap();
        assert!(!set("too early").await, "a remark on no ticket");
        let saved = async |facts: &mut tokio::sync::mpsc::UnboundedReceiver<StoreFact>, wanted: u32| {
            while !matches!(facts.recv().await, Some(StoreFact::Saved { revision, .. }) if revision == wanted)
            {
            }
        };
        writer.save(change(opened(7, 1), Vec::new()));
        saved(&mut facts, 1).await;
        let reader = Reader::open(&path).await.unwrap();
        let read = async || reader.ticket(id(7)).await.unwrap().unwrap().remark;
        assert!(set("水管漏水").await);
        assert!(set("水管漏水, 已派工").await);
        writer.save(change(opened(7, 2), Vec::new()));
        saved(&mut facts, 2).await;
        assert_eq!(read().await.as_deref(), Some("水管漏水, 已派工"));
        assert!(set(" ").await);
        assert_eq!(read().await, None);
        writer.close(utc_at("23:00:00.000"));
    }
}
