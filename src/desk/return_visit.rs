//! Return visits (回访): created when something is completed, called in the hours that do not disturb, in
//! order, until they are answered, refused or given up. Never reads a clock.
//!
//! Reading starts at [`plan`]; what happens to a visit is [`Visit::change`].

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::{
    calendar::{Calendar, Hours, next},
    matter::{Kind, Line, Matter, Refusal, Severity, field::Field},
    ticket::{LocalTime, TicketId},
    work_order::Extent,
};

/// What is visited. One row of the desk's table of visits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VisitOf {
    Complaint,
    /// 入户维修
    Repair,
    /// 维修工程
    Project,
    /// 特约服务
    Special,
    /// 社区活动
    Event,
    Other,
}

impl VisitOf {
    pub const ALL: [Self; 6] =
        [Self::Complaint, Self::Repair, Self::Project, Self::Special, Self::Event, Self::Other];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Repair => "repair",
            Self::Project => "project",
            Self::Special => "special",
            Self::Event => "event",
            Self::Other => "other",
        }
    }

    /// What has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|of| of.word() == word)
    }
}

/// Who visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Visitor {
    Desk,
    /// The department, with the desk.
    Department,
    Manager,
}

impl Visitor {
    pub const ALL: [Self; 3] = [Self::Desk, Self::Department, Self::Manager];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Department => "department",
            Self::Manager => "manager",
        }
    }

    /// The visitor that has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|visitor| visitor.word() == word)
    }
}

/// When one kind is visited, and how many of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitRule {
    /// Days after completion, the first and the last.
    pub from_days: u32,
    pub until_days: u32,
    /// How many of a hundred are visited.
    pub sample_percent: u32,
    /// The rate that is asked for, least and most; `None`: none is.
    pub goal_percent: Option<(u32, u32)>,
}

/// All rules of visits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitRules {
    pub complaint: VisitRule,
    pub repair: VisitRule,
    pub project: VisitRule,
    pub special: VisitRule,
    pub event: VisitRule,
    pub other: VisitRule,
    /// When people may be called, in order.
    pub windows: Vec<Hours>,
    /// How often nobody may answer before a visit is given up.
    pub tries: u32,
}

impl Default for VisitRules {
    fn default() -> Self {
        let rule = |from_days, until_days, sample_percent, goal_percent| VisitRule {
            from_days,
            until_days,
            sample_percent,
            goal_percent,
        };
        let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap_or(NaiveTime::MIN);
        Self {
            complaint: rule(0, 3, 100, Some((100, 100))),
            repair: rule(3, 7, 100, Some((100, 100))),
            project: rule(30, 60, 100, None),
            special: rule(0, 1, 100, Some((100, 100))),
            event: rule(0, 30, 20, Some((10, 20))),
            other: rule(0, 7, 0, None),
            windows: vec![
                Hours { from: time(10, 0), to: time(11, 30) },
                Hours { from: time(16, 0), to: time(18, 0) },
            ],
            tries: 3,
        }
    }
}

impl VisitRules {
    /// The rule of one kind.
    pub fn of(&self, of: VisitOf) -> VisitRule {
        match of {
            VisitOf::Complaint => self.complaint,
            VisitOf::Repair => self.repair,
            VisitOf::Project => self.project,
            VisitOf::Special => self.special,
            VisitOf::Event => self.event,
            VisitOf::Other => self.other,
        }
    }

    /// The first moment, at or after that one, at which people may be called.
    pub fn slot(&self, from: DateTime<Utc>, calendar: &Calendar) -> DateTime<Utc> {
        let today = calendar.day(from);
        for days in 0..3 {
            let day = next(today, days);
            for window in &self.windows {
                let (begin, end) = (calendar.at(day, window.from), calendar.at(day, window.to));
                if from < end {
                    return begin.max(from);
                }
            }
        }
        from
    }

    /// The beginning of the window after the one that is open, or comes next.
    fn slot_after(&self, at: DateTime<Utc>, calendar: &Calendar) -> DateTime<Utc> {
        let open = self.slot(at, calendar);
        let day = calendar.day(open);
        let end = self
            .windows
            .iter()
            .map(|window| calendar.at(day, window.to))
            .find(|end| open < *end)
            .unwrap_or(open);
        self.slot(end, calendar)
    }
}

/// How far a visit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VisitState {
    Waiting,
    Done,
    Refused,
    /// Nobody answered, as often as it is tried.
    Unreached,
    /// What was to be visited goes on: it was reopened.
    Withdrawn,
}

impl VisitState {
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Done, Self::Refused, Self::Unreached, Self::Withdrawn];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unreached => "unreached",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state that has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What was asked and written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// 是否完成
    pub finished: bool,
    /// 质量, in the resident's words.
    pub quality: String,
    /// 效果, in the resident's words.
    pub effect: String,
    /// 满意度: 1 (not at all) to 5 (very).
    pub satisfied: u8,
    /// 不足
    pub shortcomings: String,
    /// 建议
    pub suggestions: String,
}

/// A visit to be made. It has no key yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub of: VisitOf,
    pub visitor: Visitor,
    /// The days on which it is due, both included.
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// When it is called first.
    pub next: DateTime<Utc>,
}

/// One visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    pub id: i64,
    pub matter: TicketId,
    pub of: VisitOf,
    pub visitor: Visitor,
    pub completed: LocalTime,
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub state: VisitState,
    /// Not called before.
    pub next: DateTime<Utc>,
    /// How often nobody answered.
    pub tries: u32,
    pub answers: Option<Answers>,
    pub ended: Option<LocalTime>,
    pub by: String,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitChange {
    NoAnswer,
    Refused { why: String },
    Done(Answers),
}

/// The visit that a completed matter asks for, if any. Which of a hundred is visited hangs on the
/// matter's number alone, so that nobody picks.
pub fn plan(
    matter: &Matter,
    extent: Extent,
    completed: LocalTime,
    rules: &VisitRules,
    calendar: &Calendar,
) -> Option<Plan> {
    let of = visit_of(matter, extent)?;
    let rule = rules.of(of);
    if matter.id.number % 100 >= rule.sample_percent {
        return None;
    }
    let visitor = match (of, matter.severity) {
        (VisitOf::Complaint, Some(Severity::Serious)) => Visitor::Manager,
        (VisitOf::Complaint, Some(Severity::Ordinary | Severity::Invalid) | None) => Visitor::Department,
        (VisitOf::Repair | VisitOf::Project | VisitOf::Special | VisitOf::Event | VisitOf::Other, _) => {
            Visitor::Desk
        }
    };
    let day = calendar.day(completed.to_utc());
    let (from, until) = (next(day, rule.from_days.into()), next(day, rule.until_days.into()));
    let earliest = calendar.at(from, NaiveTime::MIN).max(completed.to_utc());
    Some(Plan { of, visitor, from, until, next: rules.slot(earliest, calendar) })
}

fn visit_of(matter: &Matter, extent: Extent) -> Option<VisitOf> {
    Some(match (matter.kind?, matter.severity, extent) {
        // Somebody else's remit: there is nothing of ours to ask about.
        (Kind::Complaint, Some(Severity::Invalid), _) => return None,
        (Kind::Complaint, Some(Severity::Ordinary | Severity::Serious) | None, _) => VisitOf::Complaint,
        (Kind::Repair, _, Extent::InHome) => VisitOf::Repair,
        (Kind::Repair, _, Extent::Project) => VisitOf::Project,
        (Kind::Special, _, _) => VisitOf::Special,
        (Kind::Other, _, _) if matter.fields.contains_key(&Field::Event) => VisitOf::Event,
        (Kind::Other | Kind::Enquiry | Kind::Suggestion, _, _) => VisitOf::Other,
    })
}

impl Visit {
    /// Takes in what came of a call.
    ///
    /// # Errors
    /// It is over, or the answers are not what was asked; nothing was changed.
    pub fn change(
        &mut self,
        change: VisitChange,
        by: &str,
        at: LocalTime,
        rules: &VisitRules,
        calendar: &Calendar,
    ) -> Result<Line, Refusal> {
        if self.state != VisitState::Waiting {
            return Err(Refusal(format!("visit {} is {}", self.id, self.state.word())));
        }
        let (state, line) = match change {
            VisitChange::NoAnswer => {
                self.tries = self.tries.saturating_add(1);
                if self.tries < rules.tries {
                    self.next = rules.slot_after(at.to_utc(), calendar);
                    let later = calendar.local(self.next).format("%Y-%m-%d %H:%M");
                    return Ok(line("no answer", format!("try {}, again {later}", self.tries)));
                }
                (VisitState::Unreached, line("given up", format!("no answer, {} tries", self.tries)))
            }
            VisitChange::Refused { why } => (VisitState::Refused, line("visit refused", why)),
            VisitChange::Done(answers) => {
                if !(1..=5).contains(&answers.satisfied) {
                    return Err(Refusal("satisfaction is 1 to 5".to_owned()));
                }
                let said = format!(
                    "{}, satisfied {}",
                    if answers.finished { "finished" } else { "not finished" },
                    answers.satisfied
                );
                self.answers = Some(answers);
                (VisitState::Done, line("visited", said))
            }
        };
        self.state = state;
        self.ended = Some(at);
        by.clone_into(&mut self.by);
        Ok(line)
    }

    /// What the call list is ordered by: what is over its last day first, then what is asked of the
    /// manager, then by last day and by when it was to be called.
    pub fn place(&self, today: NaiveDate) -> impl Ord + use<> {
        let over = self.until < today;
        (!over, self.visitor != Visitor::Manager, self.until, self.next, self.id)
    }
}

fn line(what: &'static str, words: String) -> Line {
    Line { what, before: None, after: Some(words).filter(|words| !words.is_empty()) }
}

#[cfg(test)]
mod tests;
