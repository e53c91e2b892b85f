use std::{fs, path::PathBuf, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    verify::{Break, Scope, Verified, anchor, verify},
    *,
};
use crate::{
    desk::{
        access::{Access, Deed},
        chain::Anchor,
        facts::CallFacts,
    },
    store::{
        edit::Editor,
        facts::{ExaminedRecording, StoreFact},
        fixture::{change, ended, id, line, opened, utc_at},
        open::options,
        reader::Reader,
        writer::{StoreSettings, Writer},
    },
};

/// A database with its recordings, and whoever tampers with them.
struct House {
    folder: TempDir,
}

impl House {
    /// `calls` closed calls, the first of them with files, each played back once.
    async fn with_calls(calls: u32, files: u32) -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        let (writer, mut facts) = house.writer();
        for number in 1..=calls {
            let mut ticket = ended(number, 3);
            if number > files {
                ticket.recording.as_mut().unwrap().report = None;
            }
            let lines = vec![line(0, "16:15:02.123", "received"), line(1, "16:17:21.100", "recorded")];
            writer.save(change(ticket, lines));
            // One after the other, so that the entries have the same numbers in every run.
            saved(&mut facts, 1).await;
        }
        for number in 1..=files {
            let path = house.file(number);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, vec![u8::try_from(number).unwrap(); 400]).unwrap();
            let sha256 = sha256_of(&path).unwrap();
            writer.examined(ExaminedRecording {
                ticket: id(number),
                at: utc_at("16:17:22.000"),
                sha256,
                facts: CallFacts::default(),
            });
            let access = Access {
                at: utc_at("17:00:00.000"),
                who: "supervisor".into(),
                what: Deed::Listened,
                ticket: Some(id(number)),
                words: "the whole recording".into(),
            };
            Editor::through(writer.clone()).log_access(access).await.unwrap();
        }
        end(writer, facts).await;
        house
    }

    fn writer(&self) -> (Writer, UnboundedReceiver<StoreFact>) {
        let (sender, facts) = unbounded_channel();
        let path = self.folder.path().join("hotlined.db");
        let settings = StoreSettings { group_window: Duration::ZERO, ..StoreSettings::new(path) };
        (Writer::start(settings, sender, utc_at("16:00:00.000")).unwrap(), facts)
    }

    fn file(&self, number: u32) -> PathBuf {
        self.folder.path().join(format!("2026/11/23/{}.wav", id(number)))
    }

    async fn reader(&self) -> Reader {
        Reader::open(&self.folder.path().join("hotlined.db")).await.unwrap()
    }

    async fn verify(&self, scope: &Scope) -> Verified {
        let reader = self.reader().await;
        let verified = self.verify_with(&reader, scope).await;
        reader.close().await;
        verified
    }

    async fn verify_with(&self, reader: &Reader, scope: &Scope) -> Verified {
        verify(reader, scope, |path| sha256_of(&self.folder.path().join(path))).await.unwrap()
    }

    async fn first_break(&self) -> Break {
        self.verify(&Scope::default()).await.breaks.into_iter().next().expect("a break")
    }

    /// Somebody with a database tool, who takes the triggers away first.
    async fn stranger(&self) -> SqliteConnection {
        let path = self.folder.path().join("hotlined.db");
        let mut stranger = options(&path, Duration::from_secs(5)).connect().await.unwrap();
        sqlx::raw_sql("DROP TRIGGER IF EXISTS chain_keeps_entries; DROP TRIGGER IF EXISTS chain_keeps_links; PRAGMA foreign_keys = OFF")
            .execute(&mut stranger)
            .await
            .unwrap();
        stranger
    }

    async fn tamper(&self, sql: &'static str) {
        let changed = sqlx::query(sql).execute(&mut self.stranger().await).await.unwrap().rows_affected();
        assert!(changed > 0, "{sql} changed nothing");
    }
}

async fn saved(facts: &mut UnboundedReceiver<StoreFact>, mut count: u32) {
    while count > 0 {
        if let StoreFact::Saved { .. } = facts.recv().await.unwrap() {
            count -= 1;
        }
    }
}

async fn end(writer: Writer, mut facts: UnboundedReceiver<StoreFact>) {
    writer.close(utc_at("18:00:00.000"));
    while !matches!(facts.recv().await.unwrap(), StoreFact::Closed { unsaved: 0 }) {}
}

fn sha256_of(path: &std::path::Path) -> Result<Hash, String> {
    fs::read(path).map(|bytes| Sha256::digest(bytes).into()).map_err(|error| error.to_string())
}

/// The entry's number only as far as the tickets go: what comes after them comes in any order.
fn words(found: &Break) -> String {
    let seq = found.seq.filter(|seq| *seq <= 9).map_or("-".to_owned(), |seq| seq.to_string());
    let ticket = found.ticket.map_or("-".to_owned(), |ticket| ticket.to_string());
    format!("{seq} {ticket}: {}", found.what)
}

#[tokio::test]
async fn what_nobody_touched_is_whole() {
    let house = House::with_calls(6, 3).await;
    let verified = house.verify(&Scope::default()).await;
    // A ticket and a recording each, and three lines of the access log.
    assert_eq!((verified.entries, verified.files, verified.waiting), (15, 3, 0));
    assert_eq!(verified.breaks, []);
    let one = house.verify(&Scope { ticket: Some(id(2)), ..Scope::default() }).await;
    assert_eq!((one.entries, one.files, one.breaks.len()), (3, 1, 0));
    let late = house.verify(&Scope { since: Some(utc_at("16:59:00.000")), ..Scope::default() }).await;
    assert!((3..6).contains(&late.entries) && late.breaks.is_empty(), "{late:?}");
}

#[tokio::test]
async fn an_open_ticket_is_sealed_when_it_is_closed_and_again_when_it_changes() {
    let house = House::with_calls(0, 0).await;
    let (writer, mut facts) = house.writer();
    writer.save(change(opened(7, 1), vec![line(0, "16:15:02.123", "received")]));
    saved(&mut facts, 1).await;
    assert_eq!(house.verify(&Scope::default()).await.entries, 0);
    writer.save(change(ended(7, 2), vec![line(1, "16:17:20.999", "ended")]));
    saved(&mut facts, 1).await;
    let verified = house.verify(&Scope::default()).await;
    assert_eq!((verified.entries, verified.waiting, verified.breaks.len()), (1, 1, 0));
    // A line that an older revision brings late belongs to the sealed ticket.
    writer.save(change(opened(7, 1), vec![line(2, "16:17:21.000", "late")]));
    saved(&mut facts, 1).await;
    let verified = house.verify(&Scope::default()).await;
    assert_eq!((verified.entries, verified.breaks.len()), (2, 0), "{:?}", verified.breaks);
    end(writer, facts).await;
}

#[tokio::test]
async fn each_way_to_tamper_is_named() {
    for (sql, named) in [
        (
            "UPDATE ticket SET answered_at = '2026-11-23T16:15:09.001+08:00' WHERE id = '20261123-0002'",
            "2 20261123-0002: the ticket's rows: not what was sealed",
        ),
        (
            "DELETE FROM timeline WHERE ticket = 202611230000000003 AND idx = 1",
            "3 20261123-0003: the ticket's rows: not what was sealed",
        ),
        (
            "UPDATE recording SET verdict = 'good ' WHERE ticket = 202611230000000004",
            "5 20261123-0004: the recording's row: not what was sealed",
        ),
        (
            "DELETE FROM access_log WHERE key = 1",
            "- -: a line of the access log: gone, and no certificate says why",
        ),
        (
            "UPDATE access_log SET who = 'nobody' WHERE key = 2",
            "- -: a line of the access log: not what was sealed",
        ),
        ("DELETE FROM chain WHERE seq = 3", "4 -: the entry before it is missing"),
        (
            "UPDATE chain SET at_utc = '2026-11-22T00:00:00.000Z' WHERE seq = 3",
            "3 20261123-0003: the entry is not what was written, or its link does not follow from the one before",
        ),
        (
            "UPDATE chain SET salt = NULL WHERE seq = 3",
            "3 20261123-0003: the ticket's rows: the salt is gone, and no certificate says why",
        ),
        (
            "INSERT INTO access_log (at_utc, who, what, words) VALUES ('2026-11-23T09:00:00.000Z', 'x', 'listened', '')",
            "- -: a line of the access log that the chain does not know",
        ),
    ] {
        let house = House::with_calls(6, 3).await;
        house.tamper(sql).await;
        assert_eq!(words(&house.first_break().await), named, "{sql}");
    }
}

#[tokio::test]
async fn a_file_that_is_gone_or_changed_is_named() {
    let house = House::with_calls(9, 9).await;
    fs::remove_file(house.file(2)).unwrap();
    let gone = words(&house.first_break().await);
    assert!(
        gone.starts_with("- 20261123-0002: the file 2026/11/23/20261123-0002.wav: No such file"),
        "{gone}"
    );
    fs::write(house.file(1), [0; 400]).unwrap();
    let changed = words(&house.first_break().await);
    assert_eq!(changed, "- 20261123-0001: the file 2026/11/23/20261123-0001.wav: not what was sealed");
}

#[tokio::test]
async fn a_chain_cut_off_or_written_anew_is_found_with_an_anchor_and_not_without() {
    let house = House::with_calls(3, 0).await;
    let kept: Anchor = anchor(&house.reader().await, utc_at("18:00:00.000")).await.unwrap();
    assert_eq!(kept.seq, 6);
    house.tamper("DELETE FROM chain WHERE seq > 2").await;
    house.tamper("DELETE FROM recording WHERE ticket > 202611230000000001").await;
    house.tamper("DELETE FROM ticket WHERE id > '20261123-0001'").await;
    assert_eq!(house.verify(&Scope::default()).await.breaks, [], "without an anchor nobody can know");
    let scope = Scope { anchors: vec![kept], ..Scope::default() };
    let verified = house.verify(&scope).await;
    assert_eq!(words(&verified.breaks[0]), "- -: the chain ends at entry 2, but an anchor knows entry 6");
    let other = Anchor { seq: 2, link: [7; 32], ..kept };
    let verified = house.verify(&Scope { anchors: vec![other], ..Scope::default() }).await;
    assert_eq!(
        words(&verified.breaks[0]),
        "2 -: it is not the entry that an anchor speaks of: the chain was written anew"
    );
}

#[tokio::test]
async fn what_is_erased_in_order_leaves_a_certificate_and_no_break() {
    let house = House::with_calls(3, 3).await;
    let mut connection = house.stranger().await;
    let erase = |ticket, what| Erasure {
        at: utc_at("20:00:00.000"),
        ticket,
        what,
        reason: "retention: enquiry, 6 months".into(),
        ordered_by: "house rules".into(),
    };
    let mut tx = connection.begin().await.unwrap();
    certify(&mut tx, &erase(id(1), Erased::Ticket)).await.unwrap();
    certify(&mut tx, &erase(id(2), Erased::Recording)).await.unwrap();
    for table in ["timeline", "leg", "recording"] {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table} WHERE ticket = {}", key(id(1)))))
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    sqlx::query("DELETE FROM ticket WHERE key = ?").bind(key(id(1))).execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE recording SET path = NULL, sha256 = NULL WHERE ticket = ?")
        .bind(key(id(2)))
        .execute(&mut *tx)
        .await
        .unwrap();
    seal(&mut tx, Kind::Recording, &[key(id(2))], Some("2026-11-23T12:00:00.000Z")).await.unwrap();
    tx.commit().await.unwrap();
    fs::remove_file(house.file(1)).unwrap();
    fs::remove_file(house.file(2)).unwrap();
    let verified = house.verify(&Scope::default()).await;
    assert_eq!((verified.breaks, verified.erased, verified.files), (vec![], 2, 1));
    house.tamper("DELETE FROM certificate WHERE ticket = 202611230000000001").await;
    let found = words(&house.first_break().await);
    assert_eq!(found, "1 20261123-0001: the ticket's rows: the salt is gone, and no certificate says why");
}

#[tokio::test]
async fn tickets_that_an_older_version_closed_are_sealed_once() {
    let house = House::with_calls(3, 0).await;
    house.tamper("DELETE FROM chain").await;
    let (writer, facts) = house.writer();
    end(writer, facts).await;
    let verified = house.verify(&Scope::default()).await;
    assert_eq!((verified.entries, verified.breaks.len()), (6, 0));
    house.tamper("DELETE FROM chain WHERE seq > 5").await;
    let (writer, facts) = house.writer();
    end(writer, facts).await;
    let found = words(&house.first_break().await);
    assert_eq!(found, "- 20261123-0003: there is a recording, and the chain does not know it");
}

/// Every table whose rows are sealed, what names a row of it, and the column that no seal covers.
const SEALED: [(&str, &str, &str); 7] = [
    ("ticket", "rowid", "matter"),
    ("leg", "ticket, idx", ""),
    ("timeline", "ticket, idx", ""),
    ("recording", "rowid", ""),
    ("access_log", "rowid", ""),
    ("chain", "rowid", ""),
    ("certificate", "rowid", ""),
];

#[tokio::test]
async fn a_thousand_flipped_bytes_are_each_found() {
    let house = House::with_calls(8, 5).await;
    let mut connection = house.stranger().await;
    let mut tx = connection.begin().await.unwrap();
    let erasure = Erasure {
        at: utc_at("20:00:00.000"),
        ticket: id(5),
        what: Erased::Recording,
        reason: "asked for".into(),
        ordered_by: "manager".into(),
    };
    certify(&mut tx, &erasure).await.unwrap();
    sqlx::query("DELETE FROM recording WHERE ticket = ?").bind(key(id(5))).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    fs::remove_file(house.file(5)).unwrap();
    assert_eq!(house.verify(&Scope::default()).await.breaks, []);

    let mut chance = ChaCha8Rng::seed_from_u64(22);
    let (mut files, mut rows) = (0, 0);
    while files + rows < 1_000 {
        if chance.random_bool(0.3) {
            let path = house.file(chance.random_range(1..=4));
            let before = fs::read(&path).unwrap();
            fs::write(&path, flipped(&before, &mut chance)).unwrap();
            let found = breaks_on(&house, &mut connection).await;
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(found.first().is_some_and(|first| first.what.contains(name)), "{name}: {found:?}");
            fs::write(&path, before).unwrap();
            files += 1;
        } else {
            let mut tx = connection.begin().await.unwrap();
            if let Some(flip) = flip_a_cell(&mut tx, &mut chance).await {
                let found = breaks_on(&house, &mut tx).await;
                assert!(!found.is_empty(), "not found: {flip}");
                rows += 1;
            }
            tx.rollback().await.unwrap();
        }
    }
    assert_eq!(house.verify(&Scope::default()).await.breaks, [], "every flip was taken back");
    assert!(files > 200 && rows > 600, "{files} in files, {rows} in rows");
}

async fn breaks_on(house: &House, connection: &mut SqliteConnection) -> Vec<Break> {
    let sha256_of = |path: &std::path::Path| sha256_of(&house.folder.path().join(path));
    verify::verify_on(connection, &Scope::default(), sha256_of).await.unwrap().breaks
}

fn flipped(bytes: &[u8], chance: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = chance.random_range(0..bytes.len());
    bytes[at] ^= 1 << chance.random_range(0..8);
    bytes
}

/// Flips one bit of one column of one row; in words which. `None`: there was nothing to flip, or the
/// database does not take it (a key that is there already).
async fn flip_a_cell(tx: &mut SqliteConnection, chance: &mut ChaCha8Rng) -> Option<String> {
    let (table, named_by, not_sealed) = SEALED[chance.random_range(0..SEALED.len())];
    let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
        .bind(table)
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    let column = &columns[chance.random_range(0..columns.len())];
    let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    let rows: i64 = sqlx::query_scalar(count).fetch_one(&mut *tx).await.unwrap();
    let place = chance.random_range(0..rows);
    let one = format!("(SELECT {named_by} FROM {table} ORDER BY {named_by} LIMIT 1 OFFSET {place})");
    let sql =
        format!("SELECT typeof({column}), CAST({column} AS BLOB) FROM {table} WHERE ({named_by}) = {one}");
    let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *tx).await.unwrap();
    let (kind, bytes): (String, Option<Vec<u8>>) = (row.try_get(0).unwrap(), row.try_get(1).unwrap());
    let bytes = bytes.filter(|bytes| !bytes.is_empty() && column != not_sealed)?;
    let update = |value: &str| {
        AssertSqlSafe(format!("UPDATE {table} SET {column} = {value} WHERE ({named_by}) = {one}"))
    };
    let query = if kind == "integer" {
        let number: i64 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
        let after = flipped(&number.to_be_bytes(), chance);
        sqlx::query(update("?")).bind(i64::from_be_bytes(after.try_into().unwrap()))
    } else {
        let value = if kind == "text" { "CAST(? AS TEXT)" } else { "?" };
        sqlx::query(update(value)).bind(flipped(&bytes, chance))
    };
    let done = query.execute(tx).await.ok()?;
    assert_eq!(done.rows_affected(), 1);
    Some(format!("{table}.{column}, row {place}"))
}
