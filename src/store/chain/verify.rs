//! Reads the chain of proof from its first entry and says where it breaks: a link that does not follow,
//! a row that is not what was sealed, a file that is gone or has another SHA-256, something closed that
//! was never sealed. It repairs nothing.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{Connection, Row, Sqlite, SqliteConnection, Type, sqlite::SqliteRow};

use super::{
    content::{Contents, PAGE, list},
    head,
};
use crate::{
    desk::{
        chain::{Anchor, BEGINNING, Hash, Kind, digest, link},
        ticket::TicketId,
    },
    store::{
        error::StoreError,
        group::{id_of, key, utc},
        reader::Reader,
    },
};

/// Breaks that are told; the first says where to look, more of them only how much.
const MOST_BREAKS: usize = 100;

/// How much of the chain is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only entries from this time on; the link before them is taken on trust.
    pub since: Option<DateTime<Utc>>,
    /// Only what is sealed of this ticket, and logged about it.
    pub ticket: Option<TicketId>,
    /// Ends of the chain that were kept elsewhere.
    pub anchors: Vec<Anchor>,
}

/// Where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The entry; `None`: what should have one has none.
    pub seq: Option<i64>,
    pub ticket: Option<TicketId>,
    /// In words.
    pub what: String,
}

/// What a reading of the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub entries: u64,
    /// Files that were read.
    pub files: u64,
    /// Closed recordings whose file nobody has read yet: they are not sealed.
    pub waiting: u64,
    /// Contents that were erased, with a certificate.
    pub erased: u64,
    /// In the order of the chain; at most 100.
    pub breaks: Vec<Break>,
}

/// One entry as it stands in the table.
struct Entry {
    /// The link of the entry before; `None`: there is none of that number.
    before: Option<Vec<u8>>,
    seq: i64,
    at_utc: String,
    kind: String,
    subject: i64,
    salt: Option<Vec<u8>>,
    digest: Vec<u8>,
    link: Vec<u8>,
    /// No later entry has the same subject.
    newest: bool,
    /// A later certificate covers it.
    certified: bool,
}

/// A file that an entry speaks of.
struct Sealed {
    seq: i64,
    ticket: i64,
    path: PathBuf,
    sha256: String,
}

/// The end of the chain now.
///
/// # Errors
/// The database cannot be read.
pub async fn anchor(reader: &Reader, at: DateTime<Utc>) -> Result<Anchor, StoreError> {
    let mut connection = reader.acquire().await?;
    let head = head(&mut connection).await?;
    Ok(Anchor { at, seq: head.seq, link: head.link })
}

/// Reads the chain within `scope`. `sha256_of` reads one file (a path below the recordings folder) and
/// says its SHA-256, or in words why it can't.
///
/// # Errors
/// The database cannot be read at all; what it holds wrongly is a [`Break`].
pub async fn verify(
    reader: &Reader,
    scope: &Scope,
    sha256_of: impl FnMut(&Path) -> Result<Hash, String>,
) -> Result<Verified, StoreError> {
    let mut connection = reader.acquire().await?;
    verify_on(&mut connection, scope, sha256_of).await
}

pub(super) async fn verify_on(
    connection: &mut SqliteConnection,
    scope: &Scope,
    mut sha256_of: impl FnMut(&Path) -> Result<Hash, String>,
) -> Result<Verified, StoreError> {
    let mut check = Check::new(scope);
    check.find_start(&mut *connection).await?;
    loop {
        // One transaction a page: its entries and their rows are of the same moment.
        let mut tx = connection.begin().await?;
        let rows = check.page(&mut tx).await?;
        if rows.is_empty() {
            check.unsealed(&mut tx).await?;
            tx.rollback().await?;
            break;
        }
        let files = check.entries(&mut tx, &rows).await?;
        tx.rollback().await?;
        for sealed in files {
            check.file(&mut *connection, &sealed, &mut sha256_of).await?;
        }
    }
    check.anchors_beyond();
    // What has no entry comes last.
    check.found.breaks.sort_by_key(|found| found.seq.unwrap_or(i64::MAX));
    Ok(check.found)
}

struct Check<'a> {
    scope: &'a Scope,
    /// The last entry that was read.
    last: i64,
    found: Verified,
}

impl<'a> Check<'a> {
    fn new(scope: &'a Scope) -> Self {
        let found = Verified { entries: 0, files: 0, waiting: 0, erased: 0, breaks: Vec::new() };
        // A number below 1 is no entry's, and must be seen.
        Self { scope, last: i64::MIN, found }
    }

    fn broken(&mut self, seq: Option<i64>, ticket: Option<i64>, what: impl Into<String>) {
        if self.found.breaks.len() < MOST_BREAKS {
            self.found.breaks.push(Break { seq, ticket: ticket.and_then(id_of), what: what.into() });
        }
    }

    async fn find_start(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let Some(since) = self.scope.since else { return Ok(()) };
        let first: Option<i64> = sqlx::query_scalar("SELECT min(seq) FROM chain WHERE at_utc >= ?")
            .bind(utc(since))
            .fetch_one(&mut *connection)
            .await?;
        self.last = match first {
            Some(first) => first - 1,
            None => head(connection).await?.seq,
        };
        Ok(())
    }

    /// The next entries.
    async fn page(&self, tx: &mut SqliteConnection) -> Result<Vec<SqliteRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.seq, c.at_utc, c.kind, c.subject, c.salt, c.digest, c.link, \
             (SELECT p.link FROM chain p WHERE p.seq = c.seq - 1) AS before, \
             NOT EXISTS (SELECT 1 FROM chain l WHERE l.subject = c.subject AND l.kind = c.kind AND l.seq > c.seq) \
             AS newest, \
             EXISTS (SELECT 1 FROM certificate f JOIN chain l ON l.subject = f.key AND l.kind = 'certificate' \
                     WHERE f.ticket = c.subject AND l.seq > c.seq AND l.salt IS NOT NULL \
                     AND c.kind IN ('ticket', 'recording') AND f.erased IN ('ticket', c.kind)) AS certified \
             FROM chain c WHERE c.seq > ?1 AND (?2 IS NULL OR (c.subject = ?2 AND c.kind IN ('ticket', 'recording')) \
             OR (c.kind = 'access' AND c.subject IN (SELECT key FROM access_log WHERE ticket = ?2)) \
             OR (c.kind = 'certificate' AND c.subject IN (SELECT key FROM certificate WHERE ticket = ?2))) \
             ORDER BY c.seq LIMIT ?3",
        )
        .bind(self.last)
        .bind(self.scope.ticket.map(key))
        .bind(i64::try_from(PAGE).unwrap_or(i64::MAX))
        .fetch_all(&mut *tx)
        .await?;
        Ok(rows)
    }

    /// Checks a page's links and contents; the files that are to be read.
    async fn entries(
        &mut self,
        tx: &mut SqliteConnection,
        rows: &[SqliteRow],
    ) -> Result<Vec<Sealed>, StoreError> {
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let seq: i64 = row.try_get_unchecked("seq")?;
            self.found.entries += 1;
            self.last = seq;
            match entry(row) {
                Some(entry) => entries.push(entry),
                None => self.broken(Some(seq), None, "the entry can't be read"),
            }
        }
        let mut contents = Vec::new();
        for kind in Kind::ALL {
            let of_kind = entries.iter().filter(|entry| entry.kind == kind.word() && entry.newest);
            let subjects: Vec<i64> = of_kind.map(|entry| entry.subject).collect();
            contents.push((kind, Contents::read(tx, kind, &subjects).await?));
        }
        let mut recordings = Vec::new();
        for entry in &entries {
            self.chained(entry);
            let Some((kind, contents)) = contents.iter().find(|(kind, _)| kind.word() == entry.kind) else {
                self.broken(Some(entry.seq), None, format!("no entry is of the kind {:?}", entry.kind));
                continue;
            };
            if self.sealed(entry, *kind, contents) && *kind == Kind::Recording {
                recordings.push((entry.subject, entry.seq));
            }
        }
        files(tx, &recordings).await
    }

    /// Whether the entry follows from the one before, and is the one that an anchor speaks of.
    fn chained(&mut self, entry: &Entry) {
        let seq = Some(entry.seq);
        let before = match &entry.before {
            None if entry.seq == 1 => Some(BEGINNING.as_slice()),
            before => before.as_deref(),
        };
        match before.map(Hash::try_from) {
            None => self.broken(seq, None, "the entry before it is missing"),
            Some(Ok(before)) => {
                let Entry { at_utc, kind, subject, digest, .. } = entry;
                if link(&before, entry.seq, at_utc, kind, *subject, digest).as_slice() != entry.link {
                    let what =
                        "the entry is not what was written, or its link does not follow from the one before";
                    self.broken(seq, subject_ticket(entry), what);
                }
            }
            // Told where it stands.
            Some(Err(_)) => {}
        }
        let mut anchors = self.scope.anchors.iter().filter(|anchor| anchor.seq == entry.seq);
        if anchors.any(|anchor| anchor.link.as_slice() != entry.link) {
            self.broken(
                seq,
                None,
                "it is not the entry that an anchor speaks of: the chain was written anew",
            );
        }
    }

    /// Whether the rows are what the entry sealed. Of an older entry of the same subject nothing but the
    /// link is left, and of an erased one the certificate.
    fn sealed(&mut self, entry: &Entry, kind: Kind, contents: &Contents) -> bool {
        let (seq, ticket) = (Some(entry.seq), subject_ticket(entry));
        let thing = match kind {
            Kind::Ticket => "the ticket's rows",
            Kind::Recording => "the recording's row",
            Kind::Access => "a line of the access log",
            Kind::Certificate => "a certificate of erasure",
        };
        match (&entry.salt, contents.get(entry.subject)) {
            (None, _) if !entry.newest => false,
            (Some(_), _) if !entry.newest => {
                self.broken(seq, ticket, "a newer entry replaces it, but its salt is still there");
                false
            }
            (None, _) if entry.certified => {
                self.found.erased += 1;
                false
            }
            (None, _) => {
                self.broken(seq, ticket, format!("{thing}: the salt is gone, and no certificate says why"));
                false
            }
            (Some(_), None) => {
                self.broken(seq, ticket, format!("{thing}: gone, and no certificate says why"));
                false
            }
            (Some(salt), Some(content)) if digest(salt, &content.bytes).as_slice() == entry.digest => true,
            (Some(_), Some(_)) => {
                self.broken(seq, ticket, format!("{thing}: not what was sealed"));
                false
            }
        }
    }

    async fn file(
        &mut self,
        connection: &mut SqliteConnection,
        sealed: &Sealed,
        sha256_of: &mut impl FnMut(&Path) -> Result<Hash, String>,
    ) -> Result<(), StoreError> {
        self.found.files += 1;
        let what = match sha256_of(&sealed.path) {
            Ok(hash) if hex::encode(hash) == sealed.sha256 => return Ok(()),
            Ok(_) => format!("the file {}: not what was sealed", sealed.path.display()),
            Err(why) => format!("the file {}: {why}", sealed.path.display()),
        };
        // It may have been erased in order since the page was read.
        let still: bool = sqlx::query_scalar("SELECT salt IS NOT NULL FROM chain WHERE seq = ?")
            .bind(sealed.seq)
            .fetch_optional(connection)
            .await?
            .unwrap_or(true);
        if still {
            self.broken(Some(sealed.seq), Some(sealed.ticket), what);
        }
        Ok(())
    }

    /// What is closed and has no entry: put there from outside, or its entry was cut off.
    async fn unsealed(&mut self, tx: &mut SqliteConnection) -> Result<(), StoreError> {
        let ticket = self.scope.ticket.map(key);
        let since = self.scope.since.map(utc);
        for (kind, what, sql) in [
            (
                Kind::Ticket,
                "the ticket is closed, and the chain does not know it",
                "SELECT t.key FROM ticket t JOIN recording r ON r.ticket = t.key WHERE t.ended_at IS NOT NULL \
                 AND (?1 IS NULL OR t.key = ?1) AND (?2 IS NULL OR t.received_utc >= ?2) AND NOT EXISTS \
                 (SELECT 1 FROM chain c WHERE c.kind = 'ticket' AND c.subject = t.key) ORDER BY t.key LIMIT 100",
            ),
            (
                Kind::Recording,
                "there is a recording, and the chain does not know it",
                "SELECT t.key FROM ticket t JOIN recording r ON r.ticket = t.key WHERE t.ended_at IS NOT NULL \
                 AND (?1 IS NULL OR t.key = ?1) AND (?2 IS NULL OR t.received_utc >= ?2) \
                 AND (r.path IS NULL OR r.sha256 IS NOT NULL) AND NOT EXISTS \
                 (SELECT 1 FROM chain c WHERE c.kind = 'recording' AND c.subject = t.key) ORDER BY t.key LIMIT 100",
            ),
            (
                Kind::Access,
                "a line of the access log that the chain does not know",
                "SELECT a.key FROM access_log a WHERE (?1 IS NULL OR a.ticket = ?1) AND (?2 IS NULL OR a.at_utc >= ?2) \
                 AND NOT EXISTS (SELECT 1 FROM chain c WHERE c.kind = 'access' AND c.subject = a.key) LIMIT 100",
            ),
            (
                Kind::Certificate,
                "a certificate of erasure that the chain does not know",
                "SELECT f.key FROM certificate f WHERE (?1 IS NULL OR f.ticket = ?1) AND (?2 IS NULL OR f.at_utc >= ?2) \
                 AND NOT EXISTS (SELECT 1 FROM chain c WHERE c.kind = 'certificate' AND c.subject = f.key) LIMIT 100",
            ),
        ] {
            let keys: Vec<i64> =
                sqlx::query_scalar(sql).bind(ticket).bind(since.clone()).fetch_all(&mut *tx).await?;
            for key in keys {
                let ticket = matches!(kind, Kind::Ticket | Kind::Recording).then_some(key);
                self.broken(None, ticket, what);
            }
        }
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM recording WHERE path IS NOT NULL AND sha256 IS NULL AND (?1 IS NULL OR ticket = ?1)",
        )
        .bind(ticket)
        .fetch_one(tx)
        .await?;
        self.found.waiting = u64::try_from(waiting).unwrap_or(0);
        Ok(())
    }

    /// An anchor that speaks of an entry after the last one: the end of the chain was cut off.
    fn anchors_beyond(&mut self) {
        if self.scope.ticket.is_some() {
            return;
        }
        let last = self.last.max(0);
        let beyond =
            self.scope.anchors.iter().filter(|anchor| anchor.seq > last).map(|anchor| anchor.seq).max();
        if let Some(seq) = beyond {
            self.broken(
                None,
                None,
                format!("the chain ends at entry {last}, but an anchor knows entry {seq}"),
            );
        }
    }
}

fn subject_ticket(entry: &Entry) -> Option<i64> {
    matches!(entry.kind.as_str(), "ticket" | "recording").then_some(entry.subject)
}

/// `None`: the row holds what this program never writes.
fn entry(row: &SqliteRow) -> Option<Entry> {
    fn cell<'r, T: sqlx::Decode<'r, Sqlite> + Type<Sqlite>>(row: &'r SqliteRow, column: &str) -> Option<T> {
        row.try_get(column).ok()
    }
    Some(Entry {
        before: cell(row, "before")?,
        seq: cell(row, "seq")?,
        at_utc: cell(row, "at_utc")?,
        kind: cell(row, "kind")?,
        subject: cell(row, "subject")?,
        salt: cell(row, "salt")?,
        digest: cell(row, "digest")?,
        link: cell(row, "link")?,
        newest: cell(row, "newest")?,
        certified: cell(row, "certified")?,
    })
}

/// The files of these recordings, by ticket and entry.
async fn files(tx: &mut SqliteConnection, of: &[(i64, i64)]) -> Result<Vec<Sealed>, StoreError> {
    let tickets: Vec<i64> = of.iter().map(|(ticket, _)| *ticket).collect();
    let rows = sqlx::query(
        "SELECT ticket, path, sha256 FROM recording WHERE path IS NOT NULL AND sha256 IS NOT NULL \
         AND ticket IN (SELECT value FROM json_each(?)) ORDER BY ticket",
    )
    .bind(list(&tickets))
    .fetch_all(tx)
    .await?;
    let mut sealed = Vec::new();
    for row in rows {
        let ticket: i64 = row.try_get(0)?;
        let path: String = row.try_get(1)?;
        let Some((_, seq)) = of.iter().find(|(key, _)| *key == ticket) else { continue };
        sealed.push(Sealed { seq: *seq, ticket, path: path.into(), sha256: row.try_get(2)? });
    }
    Ok(sealed)
}
