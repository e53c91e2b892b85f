//! The access log, read: newest first.

use sqlx::{QueryBuilder, Sqlite};

use super::{
    error::StoreError,
    group::{id_of, key},
    reader::Reader,
    rows::Cells,
    words,
};
use crate::desk::{access::Access, ticket::TicketId};

/// Which lines of the access log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessFilter {
    /// Exactly this name.
    pub who: Option<String>,
    pub ticket: Option<TicketId>,
    /// Only lines before this one: the last of the page before.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

impl Reader {
    /// Lines of the access log with their keys, newest first.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn access_log(&self, filter: &AccessFilter) -> Result<Vec<(i64, Access)>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM access_log WHERE 1");
        if let Some(who) = &filter.who {
            query.push(" AND who = ").push_bind(who.clone());
        }
        if let Some(ticket) = filter.ticket {
            query.push(" AND ticket = ").push_bind(key(ticket));
        }
        if let Some(before) = filter.before {
            query.push(" AND key < ").push_bind(before);
        }
        query.push(" ORDER BY key DESC LIMIT ").push_bind(filter.limit);
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let key: i64 = Cells { row, table: "access_log", of: "?".into() }.get("key")?;
                let cells = Cells { row, table: "access_log", of: key.to_string() };
                let ticket: Option<i64> = cells.get("ticket")?;
                let access = Access {
                    at: cells.utc("at_utc")?,
                    who: cells.get("who")?,
                    what: words::deed_from(cells.get("what")?).ok_or_else(|| cells.bad("what"))?,
                    ticket: ticket.map(|key| id_of(key).ok_or_else(|| cells.bad("ticket"))).transpose()?,
                    words: cells.get("words")?,
                };
                Ok((key, access))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        desk::access::Deed,
        store::{
            edit::Editor,
            fixture::{id, utc_at},
        },
    };

    #[tokio::test]
    async fn the_log_is_read_newest_first_by_who_by_ticket_and_by_page() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let editor = Editor::open(&path).await.unwrap();
        let line = |who: &str, number| Access {
            at: utc_at("16:15:00.000"),
            who: who.into(),
            what: Deed::Listened,
            ticket: Some(id(number)),
            words: String::new(),
        };
        for access in [line("li", 7), line("wang", 7), line("li", 8)] {
            editor.log_access(access).await.unwrap();
        }
        let reader = Reader::open(&path).await.unwrap();
        let read = async |filter| {
            reader.access_log(&filter).await.unwrap().into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        let all = AccessFilter { limit: 10, ..AccessFilter::default() };
        assert_eq!(read(all.clone()).await, [3, 2, 1]);
        assert_eq!(read(AccessFilter { who: Some("li".into()), ..all.clone() }).await, [3, 1]);
        assert_eq!(read(AccessFilter { ticket: Some(id(7)), ..all.clone() }).await, [2, 1]);
        assert_eq!(read(AccessFilter { before: Some(3), limit: 1, ..all.clone() }).await, [2]);
        assert_eq!(reader.access_log(&all).await.unwrap()[2].1, line("li", 7));
    }
}
