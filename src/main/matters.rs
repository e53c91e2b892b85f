//! The arguments of `hotlined log`, `matter`, `order`, `visits` and `missed`.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{anyhow, bail};
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use hotlined::{
    daemon::matters::Wish,
    desk::{
        deadline::StopReason,
        matter::{
            Kind, Parties, Severity, Way,
            change::{Change, Description},
            field::{self, Field},
        },
        resident::{ResidentId, import},
        return_visit::{Answers, VisitChange, Visitor},
        ticket::{LocalTime, TicketId},
        work_order::{Extent, OrderChange, OrderId, Part},
    },
    store::{
        matters::{
            NewContact,
            read::{MatterFilter, Which},
        },
        work_orders::NewOrder,
    },
};

use super::By;

/// What is written down about a matter.
#[derive(Debug, Args)]
pub(crate) struct Written {
    /// repair, complaint, enquiry, suggestion, special or other.
    #[arg(long)]
    kind: Option<String>,
    /// Somebody goes at once (急修).
    #[arg(long)]
    urgent: bool,
    /// Of a complaint: ordinary, serious or invalid.
    #[arg(long)]
    severity: Option<String>,
    /// Of a serious complaint: one, several or group.
    #[arg(long)]
    parties: Option<String>,
    /// Several departments: general administration has it.
    #[arg(long)]
    complex: bool,
    #[arg(long)]
    owner: Option<String>,
    /// A resident's id, as `hotlined residents find` shows it.
    #[arg(long)]
    resident: Option<i64>,
    #[arg(long)]
    estate: Option<String>,
    /// 3-2-101
    #[arg(long)]
    place: Option<String>,
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    number: Option<String>,
    #[arg(long)]
    summary: Option<String>,
    /// part=厨房水管; with nothing after = the field is taken away. More than once.
    #[arg(long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
}

/// Write down a visit to the counter, a form, or a call taken on the mobile.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// What was said.
    words: String,
    /// counter, online or mobile.
    #[arg(long, default_value = "counter")]
    way: String,
    /// When it was: "2026-11-24 10:00"; now where it is not given.
    #[arg(long)]
    at: Option<String>,
    /// The matter that it belongs to; a new one where it is not given.
    #[arg(long)]
    matter: Option<TicketId>,
    #[command(flatten)]
    written: Written,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Step {
    /// All that is known of a matter.
    Show,
    /// Write down what it is about.
    Set(Box<Written>),
    /// Hand it on; the owner stays.
    Pass {
        department: String,
        #[arg(long, default_value = "")]
        person: String,
        #[arg(long, default_value = "")]
        why: String,
    },
    /// It came back from where it was passed on to.
    Back { result: String },
    /// The persons concerned were told.
    Told { whom: String },
    /// The manager (online: the general manager) was told.
    ManagerTold { whom: String },
    /// The resident got an answer; the matter goes on.
    Answer { words: String },
    /// Another time was agreed with the resident: "2026-11-30 12:00".
    Agree { due: String },
    /// Something was promised until then.
    Promise { what: String, due: String },
    /// A promise was kept, by its number.
    Kept { index: usize },
    /// The clocks stand still: resident, parts, builder, others or weather.
    Stop { reason: String },
    /// The clocks run again.
    Resume,
    /// The work is done.
    Done { result: String },
    /// The department's result is back at the desk.
    Result { result: String },
    /// End it, with the answer that the resident got.
    Close { answer: String },
    /// Open it again.
    Reopen { why: String },
    /// It is part of another matter.
    Merge { into: TicketId },
    /// A house-repair notice to the builder.
    Notice { builder: String, what: String },
}

/// Follow a matter.
#[derive(Debug, Args)]
pub(crate) struct OneMatter {
    /// Such as 20261124-0007.
    id: TicketId,
    #[command(subcommand)]
    step: Option<Step>,
    #[command(flatten)]
    pub(crate) by: By,
}

/// List matters, newest first.
#[derive(Debug, Args)]
pub(crate) struct ManyMatters {
    /// Not closed yet.
    #[arg(long)]
    open: bool,
    #[arg(long, conflicts_with = "open")]
    closed: bool,
    /// Calls about which nobody has written anything yet.
    #[arg(long, conflicts_with_all = ["open", "closed"])]
    unwritten: bool,
    /// Clocks that are late, or will be within so many minutes.
    #[arg(long, value_name = "MINUTES", num_args = 0..=1, default_missing_value = "0")]
    late: Option<u32>,
    #[arg(long)]
    kind: Option<String>,
    #[arg(long, default_value = "")]
    owner: String,
    #[arg(long, default_value = "")]
    department: String,
    /// Every word of it must be there.
    #[arg(long, default_value = "")]
    text: String,
    /// Only older ones than this.
    #[arg(long)]
    after: Option<TicketId>,
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    pub(crate) by: By,
}

/// Dispatch orders (维修派工单).
#[derive(Debug, Subcommand)]
pub(crate) enum Order {
    /// Make one for a repair.
    Make {
        matter: TicketId,
        #[arg(long)]
        crew: String,
        /// 维修工程 instead of 入户维修.
        #[arg(long)]
        project: bool,
        /// The order whose repair did not hold.
        #[arg(long)]
        second_of: Option<OrderId>,
        #[command(flatten)]
        by: By,
    },
    /// A time: "2026-11-24 14:00" "2026-11-24 15:00".
    Appoint {
        id: OrderId,
        from: String,
        to: String,
        /// Why another time than before.
        #[arg(long, default_value = "")]
        why: String,
        #[command(flatten)]
        by: By,
    },
    CrewAgrees {
        id: OrderId,
        #[command(flatten)]
        by: By,
    },
    ResidentAgrees {
        id: OrderId,
        #[command(flatten)]
        by: By,
    },
    Dispatch {
        id: OrderId,
        #[command(flatten)]
        by: By,
    },
    Arrive {
        id: OrderId,
        #[command(flatten)]
        by: By,
    },
    Finish {
        id: OrderId,
        work: String,
        /// Name, quantity and price: 阀门,1,35.00. More than once.
        #[arg(long = "part", value_name = "NAME,QUANTITY,YUAN")]
        parts: Vec<String>,
        /// In yuan.
        #[arg(long, default_value = "0")]
        labour: String,
        #[command(flatten)]
        by: By,
    },
    Accept {
        id: OrderId,
        /// Who signed.
        signed: String,
        #[arg(default_value = "")]
        opinion: String,
        #[command(flatten)]
        by: By,
    },
    Return {
        id: OrderId,
        #[command(flatten)]
        by: By,
    },
    Cancel {
        id: OrderId,
        why: String,
        #[command(flatten)]
        by: By,
    },
    /// The page to print, as HTML.
    Print {
        id: OrderId,
        file: Option<PathBuf>,
        #[command(flatten)]
        by: By,
    },
    /// Those whose paper is not back.
    List {
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        by: By,
    },
    /// Crews that are late, or expected within the warning time: call the resident before the time.
    Expected {
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        by: By,
    },
    /// The builder was reminded (催改函) of a notice.
    Remind {
        notice: i64,
        #[command(flatten)]
        by: By,
    },
    /// The builder answered a notice.
    Replied {
        notice: i64,
        answer: String,
        #[command(flatten)]
        by: By,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Came {
    NoAnswer,
    Refused {
        why: String,
    },
    Done {
        /// 1 (not at all) to 5 (very).
        satisfied: u8,
        /// The work is not finished: the matter is opened again.
        #[arg(long)]
        unfinished: bool,
        #[arg(long, default_value = "")]
        quality: String,
        #[arg(long, default_value = "")]
        effect: String,
        #[arg(long, default_value = "")]
        shortcomings: String,
        #[arg(long, default_value = "")]
        suggestions: String,
    },
}

/// Return visits to call now, in the order to call; with a number, what came of one.
#[derive(Debug, Args)]
pub(crate) struct Visits {
    /// The visit that was called.
    id: Option<i64>,
    #[command(subcommand)]
    came: Option<Came>,
    /// desk, department or manager.
    #[arg(long)]
    visitor: Option<String>,
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    pub(crate) by: By,
}

impl Log {
    pub(crate) fn wish(self, zone: Tz, now: LocalTime) -> anyhow::Result<Wish> {
        let Self { words, way, at, matter, written, by: _ } = self;
        let way = Way::from_word(&way)
            .filter(|way| matches!(way, Way::Counter | Way::Online | Way::Mobile))
            .ok_or_else(|| anyhow!("--way {way}: expected counter, online or mobile"))?;
        let description = written.description()?;
        Ok(Wish::Log(Box::new(NewContact {
            way,
            received: at.map_or(Ok(now), |at| moment(&at, zone))?,
            name: description.name.clone().unwrap_or_default(),
            number: description.number.clone(),
            words,
            matter,
            description,
        })))
    }
}

impl Written {
    fn description(self) -> anyhow::Result<Description> {
        let mut fields = BTreeMap::new();
        for given in &self.fields {
            let (name, value) =
                given.split_once('=').ok_or_else(|| anyhow!("--field {given}: expected NAME=VALUE"))?;
            let field = Field::from_word(name).ok_or_else(|| {
                let known: Vec<&str> = Field::ALL.iter().map(|field| field.word()).collect();
                anyhow!("--field {name}: expected one of {}", known.join(", "))
            })?;
            fields.insert(field, value.to_owned());
        }
        let place = match (&self.place, self.estate) {
            (Some(place), estate) => {
                Some(import::typed_place(&estate.unwrap_or_default(), place).map_err(|why| anyhow!(why))?)
            }
            (None, Some(_)) => bail!("--estate needs --place"),
            (None, None) => None,
        };
        Ok(Description {
            owner: self.owner,
            kind: word(
                "kind",
                self.kind,
                Kind::from_word,
                "repair, complaint, enquiry, suggestion, special or other",
            )?,
            rush: self.urgent.then_some(true),
            severity: word("severity", self.severity, Severity::from_word, "ordinary, serious or invalid")?,
            parties: word("parties", self.parties, Parties::from_word, "one, several or group")?,
            complex: self.complex.then_some(true),
            resident: self.resident.map(ResidentId),
            place,
            name: self.name,
            number: self
                .number
                .map(|number| import::number(&number))
                .transpose()
                .map_err(|why| anyhow!(why))?,
            department: None,
            summary: self.summary,
            fields,
        })
    }
}

impl OneMatter {
    pub(crate) fn wish(self, zone: Tz) -> anyhow::Result<Wish> {
        let id = self.id;
        let change = match self.step.unwrap_or(Step::Show) {
            Step::Show => return Ok(Wish::Show(id)),
            Step::Merge { into } => return Ok(Wish::Merge { from: id, into }),
            Step::Notice { builder, what } => return Ok(Wish::NotifyBuilder { matter: id, builder, what }),
            Step::Set(written) => Change::Describe(Box::new(written.description()?)),
            Step::Pass { department, person, why } => Change::PassOn { department, person, why },
            Step::Back { result } => Change::PassReturned { result },
            Step::Told { whom } => Change::Told { whom },
            Step::ManagerTold { whom } => Change::ManagerTold { whom },
            Step::Answer { words } => Change::Answered { words },
            Step::Agree { due } => Change::Agreed { due: moment(&due, zone)? },
            Step::Promise { what, due } => Change::Promise { what, due: moment(&due, zone)? },
            Step::Kept { index } => Change::PromiseKept { index },
            Step::Stop { reason } => Change::Stopped {
                reason: StopReason::from_word(&reason).ok_or_else(|| {
                    anyhow!("{reason}: expected resident, parts, builder, others or weather")
                })?,
            },
            Step::Resume => Change::Resumed,
            Step::Done { result } => Change::Completed { result },
            Step::Result { result } => Change::ResultBack { result },
            Step::Close { answer } => Change::Closed { answer },
            Step::Reopen { why } => Change::Reopened { why },
        };
        Ok(Wish::Change { id, change })
    }
}

impl ManyMatters {
    pub(crate) fn wish(self) -> anyhow::Result<Wish> {
        if let Some(minutes) = self.late {
            return Ok(Wish::Late { minutes, limit: self.limit });
        }
        let which = match (self.open, self.closed, self.unwritten) {
            (true, _, _) => Which::ToDo,
            (false, true, _) => Which::Closed,
            (false, false, true) => Which::Unwritten,
            (false, false, false) => Which::Written,
        };
        let kind = word(
            "kind",
            self.kind,
            Kind::from_word,
            "repair, complaint, enquiry, suggestion, special or other",
        )?;
        Ok(Wish::List(MatterFilter {
            which,
            kind,
            owner: self.owner,
            department: self.department,
            resident: None,
            text: self.text,
            after: self.after,
            limit: self.limit,
        }))
    }
}

/// What an order's command wants, who wants it.
pub(crate) fn order(command: Order) -> (By, impl FnOnce(Tz) -> anyhow::Result<Wish>) {
    let (by, made): (By, Box<dyn FnOnce(Tz) -> anyhow::Result<Wish>>) = match command {
        Order::Make { matter, crew, project, second_of, by } => {
            let extent = if project { Extent::Project } else { Extent::InHome };
            (by, Box::new(move |_| Ok(Wish::MakeOrder(NewOrder { matter, extent, crew, second_of }))))
        }
        Order::Appoint { id, from, to, why, by } => (
            by,
            Box::new(move |zone| {
                let change = OrderChange::Appoint { from: moment(&from, zone)?, to: moment(&to, zone)?, why };
                Ok(Wish::ChangeOrder { id, change })
            }),
        ),
        Order::CrewAgrees { id, by } => (by, changed(id, OrderChange::CrewAgrees)),
        Order::ResidentAgrees { id, by } => (by, changed(id, OrderChange::ResidentAgrees)),
        Order::Dispatch { id, by } => (by, changed(id, OrderChange::Dispatch)),
        Order::Arrive { id, by } => (by, changed(id, OrderChange::Arrive)),
        Order::Finish { id, work, parts, labour, by } => (
            by,
            Box::new(move |_| {
                let parts = parts.iter().map(|text| part(text)).collect::<anyhow::Result<_>>()?;
                let labour_fen = yuan(&labour)?;
                Ok(Wish::ChangeOrder { id, change: OrderChange::Finish { work, parts, labour_fen } })
            }),
        ),
        Order::Accept { id, signed, opinion, by } => {
            (by, changed(id, OrderChange::Accept { by: signed, opinion }))
        }
        Order::Return { id, by } => (by, changed(id, OrderChange::Return)),
        Order::Cancel { id, why, by } => (by, changed(id, OrderChange::Cancel { why })),
        Order::Print { id, file, by } => (by, Box::new(move |_| Ok(Wish::PrintOrder { id, file }))),
        Order::List { limit, by } => (by, Box::new(move |_| Ok(Wish::Orders { limit }))),
        Order::Expected { limit, by } => (by, Box::new(move |_| Ok(Wish::Expected { limit }))),
        Order::Remind { notice, by } => {
            (by, Box::new(move |_| Ok(Wish::FollowBuilder { notice, answer: None })))
        }
        Order::Replied { notice, answer, by } => {
            (by, Box::new(move |_| Ok(Wish::FollowBuilder { notice, answer: Some(answer) })))
        }
    };
    (by, made)
}

fn changed(id: OrderId, change: OrderChange) -> Box<dyn FnOnce(Tz) -> anyhow::Result<Wish>> {
    Box::new(move |_| Ok(Wish::ChangeOrder { id, change }))
}

impl Visits {
    pub(crate) fn wish(self) -> anyhow::Result<Wish> {
        let visitor = word("visitor", self.visitor, Visitor::from_word, "desk, department or manager")?;
        let (id, came) = match (self.id, self.came) {
            (None, None) => return Ok(Wish::Visits { visitor, limit: self.limit }),
            (Some(id), Some(came)) => (id, came),
            (Some(_), None) => bail!("say what came of it: no-answer, refused or done"),
            (None, Some(_)) => bail!("say which visit it was"),
        };
        let change = match came {
            Came::NoAnswer => VisitChange::NoAnswer,
            Came::Refused { why } => VisitChange::Refused { why },
            Came::Done { satisfied, unfinished, quality, effect, shortcomings, suggestions } => {
                let finished = !unfinished;
                VisitChange::Done(Answers { finished, quality, effect, satisfied, shortcomings, suggestions })
            }
        };
        Ok(Wish::ChangeVisit { id, change })
    }
}

fn word<T>(
    name: &str,
    given: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> anyhow::Result<Option<T>> {
    given.map(|text| parse(&text).ok_or_else(|| anyhow!("--{name} {text}: expected {expected}"))).transpose()
}

fn moment(text: &str, zone: Tz) -> anyhow::Result<LocalTime> {
    field::moment(text, zone).ok_or_else(|| anyhow!("{text:?}: expected a time such as \"2026-11-24 10:00\""))
}

fn yuan(text: &str) -> anyhow::Result<i64> {
    field::fen(text).ok_or_else(|| anyhow!("{text:?}: expected an amount in yuan such as 12.50"))
}

fn part(text: &str) -> anyhow::Result<Part> {
    let words: Vec<&str> = text.split([',', '，']).map(str::trim).collect();
    let [name, quantity, price] = words.as_slice() else {
        bail!("--part {text}: expected name, quantity and price such as 阀门,1,35.00");
    };
    Ok(Part { name: (*name).to_owned(), quantity: (*quantity).to_owned(), price_fen: yuan(price)? })
}
