use sqlx::ConnectOptions;

use super::*;
use crate::{
    desk::{
        number::Private,
        ticket::{Direction, Party, Recording, Side, Unanswered, Verdict},
    },
    store::{
        fixture::{at, change, ended, id, leg, line, opened, report, utc_at},
        writer::{StoreSettings, Writer, prepare},
    },
};

/// A database with these tickets, written by the real writer.
pub(crate) async fn database(tickets: Vec<Ticket>) -> (tempfile::TempDir, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hotlined.db");
    let (sender, mut facts) = tokio::sync::mpsc::unbounded_channel();
    let writer = Writer::start(StoreSettings::new(&path), sender, utc_at("16:00:00.000")).unwrap();
    for ticket in tickets {
        writer.save(change(ticket, vec![line(0, "16:15:02.123", "received")]));
    }
    writer.close(utc_at("23:00:00.000"));
    while !matches!(facts.recv().await, Some(crate::store::facts::StoreFact::Closed { unsaved: 0 })) {}
    let reader = Reader::open(&path).await.unwrap();
    (folder, reader)
}

#[tokio::test]
async fn a_ticket_read_back_equals_the_one_saved_whatever_it_holds() {
    let number = || Private::new("+8613900000000".to_owned());
    let parties = [
        Party::Phone("801".into()),
        Party::Mobile { name: "duty".into(), number: number() },
        Party::Outside(number()),
    ];
    let outcomes = [
        Outcome::AnsweredByDesk,
        Outcome::AnsweredByMobile,
        Outcome::AnsweredByOther,
        Outcome::Abandoned,
        Outcome::Message,
        Outcome::Missed,
        Outcome::Refused,
        Outcome::Interrupted,
    ];
    let unanswered = [
        Unanswered::Busy,
        Unanswered::Declined,
        Unanswered::Unreachable,
        Unanswered::NoAnswer,
        Unanswered::NotConfirmed,
        Unanswered::RefusedByKey,
        Unanswered::Fault,
        Unanswered::NotNeeded,
    ];
    let verdicts = [
        Verdict::Good,
        Verdict::Degraded("2 s missing".into()),
        Verdict::OneSided("操作员一侧无声".into()),
        Verdict::Failed("disk full".into()),
        Verdict::Interrupted,
        Verdict::Refused,
        Verdict::None("abandoned".into()),
    ];
    let directions = [Direction::Hotline, Direction::Out, Direction::Internal];
    let sides = [Side::Caller, Side::Callee, Side::House];
    let mut tickets = vec![opened(1, 1), ended(2, u32::MAX)];
    for (n, place) in (3_u32..43).zip(0_usize..) {
        let mut ticket = ended(n, 1);
        ticket.direction = directions[place % 3];
        ticket.answered_by = Some(parties[place % 3].clone());
        ticket.outcome = Some(outcomes[place % 8]);
        ticket.hung_up_first = Some(sides[place % 3]);
        let with_file = place % 2 == 0;
        ticket.recording =
            Some(Recording { report: with_file.then(|| report(n)), verdict: verdicts[place % 7].clone() });
        ticket.legs = (0..8)
            .map(|l| {
                let mut leg = leg(l, parties[usize::from(l) % 3].clone());
                leg.unanswered = Some(unanswered[usize::from(l)].clone());
                leg.status = Some(400 + l);
                leg
            })
            .collect();
        tickets.push(ticket);
    }
    let mut bare = opened(43, 1);
    bare.caller = None;
    bare.caller_name = None;
    bare.trunk = None;
    bare.shift = None;
    bare.legs.clear();
    tickets.push(bare);
    let (_folder, reader) = database(tickets.clone()).await;
    let listed = reader.tickets(&TicketFilter::default()).await.unwrap();
    tickets.reverse();
    assert_eq!(listed, tickets);
    let offset = |t: &Ticket| t.received.to_string();
    assert_eq!(offset(&listed[0]), "2026-11-23 16:15:02.123 +08:00", "the local clock is kept, too");
}

#[tokio::test]
async fn a_list_holds_what_its_filter_asks_newest_first_and_page_by_page() {
    let mut tickets: Vec<Ticket> = (1..=9_u32).map(|n| ended(n, 1)).collect();
    for ticket in &mut tickets {
        ticket.flagged = None;
        ticket.received = at(&format!("16:0{}:00.000", ticket.id.number));
    }
    tickets[1].flagged = Some(at("16:02:15.000"));
    tickets[2].caller = Some(Private::new("400".into()));
    tickets[3].outcome = Some(Outcome::Abandoned);
    tickets[4].ended = None;
    let (_folder, reader) = database(tickets).await;
    let list = async |filter: TicketFilter| -> Vec<u32> {
        reader.tickets(&filter).await.unwrap().iter().map(|t| t.id.number).collect()
    };
    let all = TicketFilter::default;
    assert_eq!(list(all()).await, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(list(TicketFilter { flagged: true, ..all() }).await, [2]);
    assert_eq!(list(TicketFilter { caller: Some(Private::new("400".into())), ..all() }).await, [3]);
    assert_eq!(list(TicketFilter { outcome: Some(Outcome::Abandoned), ..all() }).await, [4]);
    assert_eq!(list(TicketFilter { open: true, ..all() }).await, [5]);
    assert_eq!(list(TicketFilter { since: Some(utc_at("16:08:00.000")), ..all() }).await, [9, 8]);
    assert_eq!(list(TicketFilter { until: Some(utc_at("16:03:00.000")), ..all() }).await, [2, 1]);
    assert_eq!(list(TicketFilter { limit: 2, after: Some(id(7)), ..all() }).await, [6, 5]);
    let day = reader.day(id(1).day).await.unwrap();
    assert_eq!(day, DayCounts { received: 9, answered: 9, flagged: 1, abandoned: 1, missed: 0, open: 1 });
    assert_eq!(reader.day(id(1).day.succ_opt().unwrap()).await.unwrap(), DayCounts::default());
}

#[tokio::test]
async fn a_number_past_9999_is_the_newest_of_its_day() {
    let (_folder, reader) = database(vec![opened(10_000, 1), opened(9_999, 1)]).await;
    let listed = reader.tickets(&TicketFilter::default()).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|t| t.id.to_string()).collect();
    assert_eq!(ids, ["20261123-10000", "20261123-9999"]);
}

#[tokio::test]
async fn no_database_and_an_unknown_ticket_are_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hotlined.db");
    assert!(matches!(Reader::open(&path).await, Err(StoreError::NotThere(_))));
    prepare(&StoreSettings::new(&path)).await.unwrap();
    let reader = Reader::open(&path).await.unwrap();
    assert_eq!(reader.ticket(id(1)).await.unwrap(), None);
    assert_eq!(reader.away().await.unwrap(), None);
}

#[tokio::test]
async fn a_spoilt_row_is_an_error_with_its_place() {
    let (folder, reader) = database(vec![ended(1, 1)]).await;
    let mut stranger = options(&folder.path().join("hotlined.db"), Duration::ZERO).connect().await.unwrap();
    sqlx::query("UPDATE ticket SET outcome = 'delighted'").execute(&mut stranger).await.unwrap();
    let error = reader.tickets(&TicketFilter::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "ticket of 20261123-0001: column outcome cannot be read");
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let (_folder, reader) = database(vec![ended(1, 1)]).await;
    assert!(sqlx::query("DELETE FROM ticket").execute(&reader.pool).await.is_err());
}

/// `docs/database.md` has a heading per view and a table row per column; both must be complete.
#[tokio::test]
async fn every_view_and_column_is_documented_and_nothing_else_is() {
    let (_folder, reader) = database(vec![ended(1, 1)]).await;
    let views: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name")
            .fetch_all(&reader.pool)
            .await
            .unwrap();
    let mut made = BTreeMap::new();
    for view in views {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
            .bind(view.clone())
            .fetch_all(&reader.pool)
            .await
            .unwrap();
        made.insert(view, columns);
    }
    assert!(made.contains_key("v_ticket"));
    let mut documented = BTreeMap::<String, Vec<String>>::new();
    let mut view = None;
    for line in include_str!("../../../docs/database.md").lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            view = heading.strip_prefix('`').and_then(|h| h.split('`').next()).map(str::to_owned);
        } else if let (Some(view), Some(row)) = (&view, line.strip_prefix("| `")) {
            let column = row.split('`').next().unwrap().to_owned();
            documented.entry(view.clone()).or_default().push(column);
        }
    }
    assert_eq!(documented, made);
}

#[tokio::test]
async fn views_show_times_in_utc_and_local_and_what_they_are_worth() {
    let (_folder, reader) = database(vec![ended(1, 1)]).await;
    let row = sqlx::query("SELECT * FROM v_ticket").fetch_one(&reader.pool).await.unwrap();
    let cells = Cells { row: &row, table: "v_ticket", of: "1".into() };
    for (column, expected) in [
        ("id", "20261123-0001"),
        ("matter", "20261123-0001"),
        ("day", "2026-11-23"),
        ("received_utc", "2026-11-23T08:15:02.123Z"),
        ("received_local", "2026-11-23T16:15:02.123"),
        ("flagged_utc", "2026-11-23T08:15:17.900Z"),
        ("ended_local", "2026-11-23T16:17:20.999"),
        ("outcome", "answered by desk"),
    ] {
        assert_eq!(cells.get::<&str>(column).unwrap(), expected, "{column}");
    }
    assert_eq!(cells.get::<i64>("flagged").unwrap(), 1);
    assert_eq!(cells.get::<f64>("wait_seconds").unwrap(), 17.878);
    assert_eq!(cells.get::<f64>("talk_seconds").unwrap(), 120.998);
}
