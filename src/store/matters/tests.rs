use super::{read::*, *};
use crate::{
    desk::{
        deadline::StopReason,
        matter::{Kind, Severity, clock::ClockName, field::Field},
        number::Private,
        return_visit::{Answers, VisitChange, VisitState},
        work_order::{Extent, OrderChange},
    },
    store::{fixture, reader::Reader, work_orders::NewOrder},
};

struct Desk {
    _folder: tempfile::TempDir,
    editor: Editor,
    reader: Reader,
    office: Office,
}

fn hand(time: &str) -> Hand {
    Hand { by: "王芳".into(), at: fixture::at(time) }
}

impl Desk {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let (editor, reader) = (Editor::open(&path).await.unwrap(), Reader::open(&path).await.unwrap());
        Self { _folder: folder, editor, reader, office: Office::default() }
    }

    async fn repair(&self, summary: &str) -> TicketId {
        let fields = [(Field::Part, "厨房水管".to_owned())].into();
        let description = Description { kind: Some(Kind::Repair), fields, ..Description::default() };
        let contact = NewContact {
            way: Way::Counter,
            received: fixture::at("08:50:00.000"),
            name: "王建国".into(),
            number: Some(Private::new("13800000001".into())),
            words: summary.into(),
            matter: None,
            description,
        };
        self.editor.log_contact(contact, self.office.clone(), hand("09:00:00.000")).await.unwrap()
    }

    async fn change(&self, id: TicketId, change: Change, time: &str) -> Result<Matter, EditError> {
        self.editor.change_matter(id, change, self.office.clone(), hand(time)).await
    }

    async fn page(&self, id: TicketId) -> MatterPage {
        self.reader.matter(id).await.unwrap().unwrap()
    }

    async fn order(&self, matter: TicketId, change: OrderChange, id: OrderId, time: &str) {
        let done = self.editor.change_order(id, change, self.office.clone(), hand(time)).await.unwrap();
        assert_eq!(done.matter, matter);
    }
}

use crate::desk::work_order::OrderId;

fn closed() -> Change {
    Change::Closed { answer: "已修好".into() }
}

#[tokio::test]
async fn a_visit_to_the_counter_is_a_ticket_and_a_matter_with_its_owner_and_a_record() {
    let desk = Desk::open().await;
    let id = desk.repair("厨房漏水").await;
    let page = desk.page(id).await;
    let m = &page.matter;
    assert_eq!(
        (m.owner.as_str(), m.kind, m.way, m.summary.as_str()),
        ("王芳", Some(Kind::Repair), Way::Counter, "厨房漏水")
    );
    assert_eq!((page.tickets.len(), page.tickets[0].id), (1, id));
    let whats: Vec<&str> = page.changes.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(whats, ["kind", "name", "number", "summary", "part", "ticket"]);
    let second = desk.repair("卧室漏水").await;
    assert_eq!(second.number, id.number + 1, "a number is never given twice");
    let nothing = desk.change("20260101-0001".parse().unwrap(), closed(), "10:00:00.000").await.unwrap_err();
    assert_eq!(nothing.to_string(), "there is no matter 20260101-0001");
}

#[tokio::test]
async fn what_a_person_wrote_is_kept_to_the_letter_and_a_refused_change_leaves_nothing() {
    let desk = Desk::open().await;
    let id = desk.repair("厨房漏水").await;
    let mut expected = desk.page(id).await.matter;
    for (change, time) in [
        (
            Change::PassOn { department: "工程部".into(), person: "李工".into(), why: "水电".into() },
            "09:10:00.000",
        ),
        (Change::Promise { what: "上门".into(), due: fixture::at("15:00:00.000") }, "09:11:00.000"),
        (Change::PromiseKept { index: 0 }, "09:12:00.000"),
        (Change::Stopped { reason: StopReason::Parts }, "09:13:00.000"),
        (Change::Resumed, "09:14:00.000"),
        (Change::Answered { words: "下午到".into() }, "09:15:00.000"),
        (Change::PassReturned { result: "换阀门".into() }, "09:16:00.000"),
    ] {
        expected.change(change.clone(), "王芳", fixture::at(time), &desk.office).unwrap();
        desk.change(id, change, time).await.unwrap();
    }
    let before = desk.page(id).await;
    assert_eq!(before.matter, expected);
    let refused = desk.change(id, Change::Resumed, "09:20:00.000").await.unwrap_err();
    assert_eq!(refused.to_string(), "its clocks do not stand still");
    assert_eq!(desk.page(id).await, before);
}

#[tokio::test]
async fn a_repair_goes_from_order_to_visit_and_a_bad_visit_opens_it_again() {
    let desk = Desk::open().await;
    let id = desk.repair("厨房漏水").await;
    let new = NewOrder { matter: id, extent: Extent::InHome, crew: "水电班".into(), second_of: None };
    let order = desk.editor.make_order(new, desk.office.clone(), hand("09:30:00.000")).await.unwrap();
    let refused = desk.change(id, closed(), "09:31:00.000").await.unwrap_err();
    assert_eq!(refused.to_string(), "order P000001 is not finished");
    let (from, to) = (fixture::at("14:00:00.000"), fixture::at("15:00:00.000"));
    desk.order(id, OrderChange::Appoint { from, to, why: String::new() }, order, "09:40:00.000").await;
    let soon = fixture::utc_at("14:00:00.000");
    assert_eq!(
        desk.reader.expected_orders(soon, 10).await.unwrap()[0].number.as_ref().unwrap().reveal(),
        "13800000001"
    );
    desk.order(id, OrderChange::CrewAgrees, order, "09:41:00.000").await;
    desk.order(id, OrderChange::ResidentAgrees, order, "09:42:00.000").await;
    desk.order(id, OrderChange::Dispatch, order, "13:00:00.000").await;
    desk.order(id, OrderChange::Arrive, order, "14:05:00.000").await;
    assert_eq!(desk.reader.expected_orders(soon, 10).await.unwrap(), []);
    let parts =
        vec![crate::desk::work_order::Part { name: "阀门".into(), quantity: "1".into(), price_fen: 3500 }];
    desk.order(
        id,
        OrderChange::Finish { work: "换阀门".into(), parts, labour_fen: 2000 },
        order,
        "14:50:00.000",
    )
    .await;
    let clock = |page: &MatterPage| {
        page.matter.clocks.iter().any(|c| c.name == ClockName::OrderBack && c.end.is_none())
    };
    assert!(clock(&desk.page(id).await), "the paper is due back");
    desk.order(
        id,
        OrderChange::Accept { by: "王建国".into(), opinion: "满意".into() },
        order,
        "14:55:00.000",
    )
    .await;
    desk.order(id, OrderChange::Return, order, "16:00:00.000").await;
    assert!(!clock(&desk.page(id).await));
    assert_eq!(desk.reader.order(order).await.unwrap().unwrap().charge_fen(), 5500);
    desk.change(id, closed(), "16:10:00.000").await.unwrap();

    let visits = desk.page(id).await.visits;
    assert_eq!((visits.len(), visits[0].from.to_string().as_str()), (1, "2026-11-26"));
    let answers = Answers {
        finished: false,
        quality: "还在漏".into(),
        effect: String::new(),
        satisfied: 2,
        shortcomings: String::new(),
        suggestions: String::new(),
    };
    let call = Hand { by: "王芳".into(), at: "2026-11-26T10:30:00+08:00".parse().unwrap() };
    let today = call.at.date_naive();
    let listed = desk.reader.visits_to_call(call.at.to_utc(), today, None, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, "王建国"));
    let office = desk.office.clone();
    desk.editor
        .change_visit(visits[0].id, VisitChange::Done(answers.clone()), office, call.clone())
        .await
        .unwrap();
    let page = desk.page(id).await;
    assert_eq!((page.matter.state, page.matter.reopened), (State::Open, 1));
    assert_eq!((page.visits[0].state, page.visits[0].answers.as_ref()), (VisitState::Done, Some(&answers)));
    let second =
        NewOrder { matter: id, extent: Extent::InHome, crew: "水电班".into(), second_of: Some(order) };
    assert!(desk.editor.make_order(second, desk.office.clone(), call).await.is_ok());
}

#[tokio::test]
async fn a_matter_that_goes_on_is_not_visited_and_the_builder_is_reminded() {
    let desk = Desk::open().await;
    let id = desk.repair("外墙渗水").await;
    desk.change(id, closed(), "10:00:00.000").await.unwrap();
    desk.change(id, Change::Reopened { why: "又渗".into() }, "11:00:00.000").await.unwrap();
    assert_eq!(desk.page(id).await.visits[0].state, VisitState::Withdrawn);
    let (office, builder) = (desk.office.clone(), "建设公司".to_owned());
    let notice = desk
        .editor
        .notify_builder(id, builder, "外墙渗水".into(), office.clone(), hand("11:10:00.000"))
        .await
        .unwrap();
    desk.editor.follow_builder(notice, None, office.clone(), hand("12:00:00.000")).await.unwrap();
    let running = |page: &MatterPage| {
        page.matter.clocks.iter().filter(|c| c.name == ClockName::BuilderReply && c.end.is_none()).count()
    };
    let page = desk.page(id).await;
    assert_eq!((running(&page), page.notices[0].reminded.len()), (1, 1));
    desk.editor
        .follow_builder(notice, Some("周五来修".into()), office.clone(), hand("13:00:00.000"))
        .await
        .unwrap();
    assert_eq!(running(&desk.page(id).await), 0);
    assert!(desk.editor.follow_builder(notice, None, office, hand("14:00:00.000")).await.is_err());
}

#[tokio::test]
async fn merged_matters_are_one_and_their_tickets_hang_on_it() {
    let desk = Desk::open().await;
    let (a, b, c) = (desk.repair("漏水").await, desk.repair("又是漏水").await, desk.repair("还是漏水").await);
    let merge = |from, into| desk.editor.merge_matters(from, into, desk.office.clone(), hand("10:00:00.000"));
    merge(c, b).await.unwrap();
    merge(b, a).await.unwrap();
    let page = desk.page(a).await;
    assert_eq!(page.tickets.iter().map(|t| t.id).collect::<Vec<_>>(), [a, b, c]);
    assert_eq!(desk.page(c).await.matter.merged_into, Some(a));
    assert_eq!(merge(a, c).await.unwrap_err().to_string(), format!("{c} is part of {a}"));
    assert_eq!(merge(a, a).await.unwrap_err().to_string(), format!("{a} cannot be part of itself"));
}

#[tokio::test]
async fn matters_are_listed_by_what_they_are_and_found_by_any_word() {
    let desk = Desk::open().await;
    let (a, b) = (desk.repair("厨房漏水, 阀门坏了").await, desk.repair("电梯停了").await);
    desk.change(b, closed(), "10:00:00.000").await.unwrap();
    let found = async |filter: MatterFilter| -> Vec<TicketId> {
        desk.reader.matters(&filter).await.unwrap().iter().map(|m| m.id).collect()
    };
    let text = |text: &str| MatterFilter { text: text.into(), ..MatterFilter::default() };
    for (asked, expected) in [
        ("漏水", vec![a]),
        ("阀门", vec![a]),
        ("电梯", vec![b]),
        ("王建国", vec![b, a]),
        ("修好", vec![b]),
        ("1380000", vec![b, a]),
        ("漏水 电梯", vec![]),
        ("\" OR 1", vec![]),
    ] {
        assert_eq!(found(text(asked)).await, expected, "{asked}");
    }
    assert_eq!(found(MatterFilter { which: Which::ToDo, ..MatterFilter::default() }).await, [a]);
    assert_eq!(found(MatterFilter { which: Which::Closed, ..MatterFilter::default() }).await, [b]);
    assert_eq!(found(MatterFilter { kind: Some(Kind::Complaint), ..MatterFilter::default() }).await, []);
    assert_eq!(found(MatterFilter { after: Some(b), ..MatterFilter::default() }).await, [a]);
    assert_eq!(found(MatterFilter { owner: "李强".into(), ..MatterFilter::default() }).await, []);
}

#[tokio::test]
async fn what_is_late_and_what_was_promised_is_listed() {
    let desk = Desk::open().await;
    let id = desk.repair("漏水").await;
    let description = Description {
        kind: Some(Kind::Complaint),
        severity: Some(Severity::Serious),
        ..Description::default()
    };
    desk.change(id, Change::Describe(Box::new(description)), "09:00:00.000").await.unwrap();
    desk.change(
        id,
        Change::Promise { what: "回电".into(), due: fixture::at("12:00:00.000") },
        "09:01:00.000",
    )
    .await
    .unwrap();
    let late = desk.reader.clocks_due(fixture::utc_at("09:30:00.000"), 10).await.unwrap();
    assert_eq!(
        late.iter().map(|clock| (clock.matter, clock.name)).collect::<Vec<_>>(),
        [(id, ClockName::Told)]
    );
    let promises = desk.reader.open_promises(10).await.unwrap();
    assert_eq!((promises.len(), promises[0].promise.what.as_str()), (1, "回电"));
    desk.change(id, Change::Told { whom: "队长".into() }, "09:31:00.000").await.unwrap();
    assert_eq!(desk.reader.clocks_due(fixture::utc_at("09:40:00.000"), 10).await.unwrap(), []);
}

#[tokio::test]
async fn the_matter_of_a_call_is_owned_from_its_first_second() {
    let (folder, reader) =
        crate::store::reader::tests::database(vec![fixture::ended(1, 1), fixture::opened(2, 1)]).await;
    let page = reader.matter(fixture::id(1)).await.unwrap().unwrap();
    assert_eq!(
        (page.matter.owner.as_str(), page.matter.kind, page.tickets[0].recorded),
        ("小李", None, true)
    );
    let unwritten = MatterFilter { which: Which::Unwritten, ..MatterFilter::default() };
    assert_eq!(reader.matters(&unwritten).await.unwrap().len(), 2);
    // Nobody named: the shift has it.
    assert_eq!(reader.matter(fixture::id(2)).await.unwrap().unwrap().matter.owner, "early");
    drop(folder);
}
