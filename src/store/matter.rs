//! What a star code changes of a matter.

use sqlx::Row;

use super::{edit::Editor, error::StoreError, group::key};
use crate::desk::ticket::TicketId;

impl Editor {
    /// The matter of that ticket becomes more urgent; false where there is no such ticket.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn mark_urgent(&self, ticket: TicketId) -> Result<bool, StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                let marked = sqlx::query(
                    "UPDATE matter SET urgency = urgency + 1 \
                     WHERE key = (SELECT matter FROM ticket WHERE key = ?)",
                )
                .bind(key(ticket))
                .execute(connection)
                .await?;
                Ok(marked.rows_affected() == 1)
            })
        })
        .await
    }

    /// That ticket joins the matter of its caller's ticket before it; false where there is none.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn tie_to_the_call_before(&self, ticket: TicketId) -> Result<bool, StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                let before = sqlx::query(
                    "SELECT b.matter AS matter FROM ticket t JOIN ticket b ON b.caller = t.caller AND b.key < t.key \
                     WHERE t.key = ? ORDER BY b.key DESC LIMIT 1",
                )
                .bind(key(ticket))
                .fetch_optional(&mut *connection)
                .await?;
                let Some(before) = before else { return Ok(false) };
                let matter: i64 = before.try_get("matter")?;
                sqlx::query("UPDATE ticket SET matter = ? WHERE key = ?")
                    .bind(matter)
                    .bind(key(ticket))
                    .execute(connection)
                    .await?;
                Ok(true)
            })
        })
        .await
    }
}
