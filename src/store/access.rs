//! The access log: who heard, saw or took away what. Each line is sealed in the chain of proof.

use super::{
    chain,
    edit::Editor,
    error::StoreError,
    group::{id_of, key, utc},
    reader::Reader,
    rows::Cells,
    words,
};
use crate::desk::{access::Access, chain::Kind, ticket::TicketId};

impl Reader {
    /// The access log, newest first, at most `limit` lines; of one ticket, or of all.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn accesses(&self, ticket: Option<TicketId>, limit: u32) -> Result<Vec<Access>, StoreError> {
        let mut connection = self.acquire().await?;
        let rows = sqlx::query(
            "SELECT at_utc, who, what, ticket, words FROM access_log WHERE ?1 IS NULL OR ticket = ?1 \
             ORDER BY key DESC LIMIT ?2",
        )
        .bind(ticket.map(key))
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
        let lines = rows.iter().map(|row| {
            let cells = Cells { row, table: "access_log", of: "-".into() };
            Ok(Access {
                at: cells.utc("at_utc")?,
                who: cells.get("who")?,
                what: words::deed_from(cells.get("what")?).ok_or_else(|| cells.bad("what"))?,
                ticket: cells.get::<Option<i64>>("ticket")?.and_then(id_of),
                words: cells.get("words")?,
            })
        });
        lines.collect()
    }
}

impl Editor {
    /// Puts a line into the access log. Whoever hands something confidential out asks for it only after
    /// this has answered: it is on disk then.
    ///
    /// # Errors
    /// The database did not take it; nothing was written.
    pub async fn log_access(&self, access: Access) -> Result<(), StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                let row = sqlx::query_scalar(
                    "INSERT INTO access_log (at_utc, who, what, ticket, words) VALUES (?, ?, ?, ?, ?) \
                     RETURNING key",
                )
                .bind(utc(access.at))
                .bind(access.who)
                .bind(words::deed(access.what))
                .bind(access.ticket.map(key))
                .bind(access.words)
                .fetch_one(&mut *connection)
                .await?;
                chain::seal(connection, Kind::Access, &[row], None).await
            })
        })
        .await
    }
}
