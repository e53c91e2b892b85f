use super::*;
use crate::{
    desk::ticket::{Direction, Party, Verdict},
    store::{
        chain::verify::{Scope, verify},
        facts::StoreFact,
        fixture::{change, ended, id, leg, line, utc_at},
        writer::{StoreSettings, Writer},
    },
};

struct House {
    _folder: tempfile::TempDir,
    path: PathBuf,
    editor: Editor,
    reader: Reader,
}

/// A database with these tickets, each ended and recorded.
async fn house(numbers: &[u32]) -> House {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hotlined.db");
    let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
    let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
    for number in numbers {
        let words = vec![line(0, "16:15:02.123", "received")];
        writer.save(change(ended(*number, 3), words));
    }
    writer.close(utc_at("23:00:00.000"));
    while !matches!(facts.recv().await, Some(StoreFact::Closed { unsaved: 0 })) {}
    let editor = Editor::open(&path).await.unwrap();
    let reader = Reader::open(&path).await.unwrap();
    House { _folder: folder, path, editor, reader }
}

/// The chain of proof follows, and has a certificate for whatever is gone.
async fn intact(reader: &Reader) {
    let verified = verify(reader, &Scope::default(), |_| Err("no file here".to_owned())).await.unwrap();
    assert_eq!(verified.breaks, []);
    let certificates: i64 =
        sqlx::query_scalar("SELECT count(*) FROM v_certificate").fetch_one(reader.pool()).await.unwrap();
    assert!(certificates > 0);
}

fn erasure(number: u32) -> Erasure {
    Erasure {
        at: utc_at("23:30:00.000"),
        ticket: id(number),
        what: Erased::Recording,
        reason: "retention: no kind, 183 days".to_owned(),
        ordered_by: "the house rules".to_owned(),
    }
}

#[tokio::test]
async fn a_deleted_recording_keeps_its_verdict_and_its_ticket_and_is_deleted_once() {
    let house = house(&[7]).await;
    let path = house.editor.delete_recording(erasure(7)).await.unwrap();
    assert_eq!(path, Some("2026/11/23/20261123-0007.wav".into()));
    assert_eq!(house.editor.delete_recording(erasure(7)).await.unwrap(), None);
    let filed = house.reader.filed(&[id(7)]).await.unwrap().remove(&id(7)).unwrap();
    assert_eq!(filed, Filed { ended: true, path: None, deleted: true });
    let recording = house.reader.ticket(id(7)).await.unwrap().unwrap().ticket.recording.unwrap();
    assert_eq!((recording.report, recording.verdict), (None, Verdict::Good));
    intact(&house.reader).await;
    // A file that a crash left behind is not tied again.
    let path = PathBuf::from("2026/11/23/20261123-0007.wav");
    let left = RepairedRecording { ticket: id(7), path, samples: 8, sample_rate: 8000 };
    house.editor.tie_recording(left).await.unwrap();
    assert_eq!(house.reader.filed(&[id(7)]).await.unwrap()[&id(7)].path, None);
}

#[tokio::test]
async fn what_is_held_is_not_deleted_until_it_is_released() {
    let house = house(&[7]).await;
    let hold = |number| house.editor.hold(id(number), "court".into(), "王芳".into(), utc_at("17:00:00.000"));
    assert!(!hold(8).await.unwrap(), "a hold on no ticket");
    assert!(hold(7).await.unwrap());
    let day = id(7).day;
    assert!(house.reader.candidates(day, None, 10).await.unwrap()[0].is_held);
    assert_eq!(house.editor.delete_recording(erasure(7)).await.unwrap(), None);
    assert!(house.editor.release(id(7)).await.unwrap());
    assert!(!house.editor.release(id(7)).await.unwrap());
    assert!(house.editor.delete_recording(erasure(7)).await.unwrap().is_some());
    assert_eq!(house.reader.candidates(day, None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_recording_goes_by_the_matter_that_its_ticket_became_part_of() {
    let house = house(&[7, 8]).await;
    let day = id(7).day;
    for statement in [
        "UPDATE matter SET kind = 'complaint', state = 'closed', closed_at = '2026-12-01T09:00:00.000+08:00' \
         WHERE key = 202611230000000007",
        "UPDATE matter SET kind = 'enquiry', state = 'merged', merged_into = 202611230000000007 \
         WHERE key = 202611230000000008",
    ] {
        change_rows(&house.editor, statement).await;
    }
    let candidates = house.reader.candidates(day, None, 10).await.unwrap();
    let seen: Vec<_> = candidates.iter().map(|one| (one.kind.as_deref(), one.closed)).collect();
    let closed = Some("2026-12-01".parse().unwrap());
    assert_eq!(seen, [(Some("complaint"), closed), (Some("complaint"), closed)]);
    house.editor.hold(id(7), "court".into(), "desk".into(), utc_at("17:00:00.000")).await.unwrap();
    assert!(house.reader.candidates(day, None, 10).await.unwrap().iter().all(|one| one.is_held));
    assert_eq!(house.editor.delete_recording(erasure(8)).await.unwrap(), None);
}

/// As another hand of the house would.
async fn change_rows(editor: &Editor, statement: &'static str) {
    let done: Result<u64, StoreError> = editor
        .edit(move |tx| {
            Box::pin(async move { Ok(sqlx::query(statement).execute(tx).await?.rows_affected()) })
        })
        .await;
    assert_eq!(done.unwrap(), 1, "{statement}");
}

#[tokio::test]
async fn candidates_and_files_come_in_order_page_by_page() {
    let house = house(&[7, 9, 8]).await;
    let day = id(7).day;
    let first = house.reader.candidates(day, None, 2).await.unwrap();
    assert_eq!(first.iter().map(|one| one.ticket).collect::<Vec<_>>(), [id(7), id(8)]);
    let rest = house.reader.candidates(day, Some(id(8)), 2).await.unwrap();
    assert_eq!(rest.iter().map(|one| one.ticket).collect::<Vec<_>>(), [id(9)]);
    assert_eq!(house.reader.candidates(day.pred_opt().unwrap(), None, 2).await.unwrap(), []);
    assert_eq!(house.reader.files_after(Some(id(7)), 10).await.unwrap().len(), 2);
    let recorded = house.reader.recorded_since(day).await.unwrap();
    assert_eq!(recorded, Recorded { bytes: 3 * (967_984 * 4 + 44), since: Some(day) });
    let later = house.reader.recorded_since(day.succ_opt().unwrap()).await.unwrap();
    assert_eq!(later, Recorded { bytes: 0, since: None });
}

#[tokio::test]
async fn an_erased_person_stands_nowhere_in_the_file_and_the_call_still_counts() {
    let house = house(&[7]).await;
    // A call of ours to the same person, and one of somebody else.
    let mut out = ended(8, 3);
    out.direction = Direction::Out;
    out.caller_name = None;
    out.caller = Some(crate::desk::number::Number::new("801".into()));
    out.dialled = crate::desk::number::Number::new("+8613800000000".into());
    out.legs = vec![leg(1, Party::Outside(crate::desk::number::Number::new("+8613800000000".into())))];
    let mut other = ended(9, 3);
    other.caller = Some(crate::desk::number::Number::new("13900001111".into()));
    other.legs.clear();
    let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
    let writer = Writer::start(StoreSettings::new(&house.path), sender, utc_at("23:10:00.000")).unwrap();
    let mut words = line(1, "16:15:02.200", "dialled");
    words.words = "dialling +8613800000000".into();
    writer.save(change(out, vec![words]));
    writer.save(change(other, Vec::new()));
    writer.close(utc_at("23:20:00.000"));
    while !matches!(facts.recv().await, Some(StoreFact::Closed { unsaved: 0 })) {}

    for statement in [
        "INSERT INTO resident (key, estate, building, unit, room, label, name, initials, premises, notes) \
         VALUES (5, '东湖', '3', '2', '101', '3-2-101', '王建国', 'wjg', 'flat', '')",
        "INSERT INTO resident_number (resident, idx, number, canonical) VALUES (5, 0, '138 0000 0000', '13800000000')",
        "INSERT INTO audit (at_utc, by, subject, id, what, after) VALUES ('', '', 'resident', 5, 'added', '王建国')",
        "UPDATE matter SET name = '王建国', room = '101', number = '13800000000', summary = '厨房漏水' \
         WHERE key = 202611230000000007",
    ] {
        change_rows(&house.editor, statement).await;
    }
    let ways = crate::desk::retention::ways_to_write("13800000000");
    let erase =
        || house.editor.erase_number(ways.clone(), "asked".into(), "desk".into(), utc_at("23:30:00.000"));
    house.editor.hold(id(8), "court".into(), "desk".into(), utc_at("23:25:00.000")).await.unwrap();
    let erased = erase().await.unwrap();
    assert_eq!((erased.tickets, erased.files.len(), erased.held), (vec![id(7)], 1, vec![id(8)]));
    assert_eq!(erased.residents, 1);
    let (name, room, number): (String, String, Option<String>) =
        sqlx::query_as("SELECT name, room, number FROM matter WHERE key = 202611230000000007")
            .fetch_one(house.reader.pool())
            .await
            .unwrap();
    assert_eq!((name.as_str(), room.as_str(), number), ("", "", None));
    for table in ["resident", "resident_number", "audit"] {
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(house.reader.pool())
            .await
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    house.editor.release(id(8)).await.unwrap();
    assert_eq!(erase().await.unwrap().tickets, [id(8)]);
    assert_eq!(erase().await.unwrap(), ErasedNumber::default());

    let tickets = house.reader.tickets(&Default::default()).await.unwrap();
    assert_eq!(tickets.len(), 3);
    intact(&house.reader).await;
    for number in [7, 8] {
        let page = house.reader.ticket(id(number)).await.unwrap().unwrap();
        let text = format!("{:?} {:?}", page.timeline, page.ticket.caller_name);
        assert!(!text.contains("13800000000") && !text.contains('王'), "{text}");
        let shown = [page.ticket.caller.as_ref(), Some(&page.ticket.dialled)];
        assert!(shown.into_iter().flatten().any(|number| number.reveal() == ERASED), "{number}");
        assert!(page.ticket.answered.is_some());
    }
    let other = house.reader.ticket(id(9)).await.unwrap().unwrap().ticket;
    assert_eq!(other.caller.unwrap().reveal(), "13900001111");
    assert!(other.recording.unwrap().report.is_some());
}
