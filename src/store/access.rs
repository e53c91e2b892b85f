//! The access log: who heard, saw or took away what. Each line is sealed in the chain of proof.

use super::{
    chain,
    edit::Editor,
    error::StoreError,
    group::{key, utc},
    words,
};
use crate::desk::{access::Access, chain::Kind};

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
