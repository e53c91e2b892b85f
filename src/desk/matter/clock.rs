//! The clocks of a matter: which limit runs from when, what ends it, and to whom it goes when it is
//! late. The limits are settings; each clock keeps the limit that it was started with.

use chrono::{DateTime, Utc};

use super::{Kind, Matter, Parties, Severity, Way};
use crate::desk::{
    calendar::Calendar,
    deadline::{self, Due, Limit, Stop},
    office::{Escalation, Limits},
    ticket::LocalTime,
};

/// What a clock measures. One row of the desk's table of deadlines each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClockName {
    /// The complaint form reaches the persons concerned.
    Told,
    /// A serious complaint reaches the manager.
    ManagerTold,
    /// Complex, several departments: handed to general administration.
    HandedOn,
    /// A matter passed on: a first answer to the resident.
    FirstAnswer,
    /// An online matter reaches the general manager.
    OnlineTold,
    /// An online matter is answered.
    OnlineAnswer,
    /// An ordinary complaint is answered.
    OrdinaryAnswer,
    /// A serious complaint is dealt with.
    SeriousDone,
    /// The same, several parties.
    SeveralDone,
    /// The same, departments of the group.
    GroupDone,
    /// The department's result is back at the desk after it is done.
    ResultBack,
    /// A finished in-home repair's order is back at the desk.
    OrderBack,
    /// The builder answers a house-repair notice; then it is reminded.
    BuilderReply,
}

impl ClockName {
    pub const ALL: [Self; 13] = [
        Self::Told,
        Self::ManagerTold,
        Self::HandedOn,
        Self::FirstAnswer,
        Self::OnlineTold,
        Self::OnlineAnswer,
        Self::OrdinaryAnswer,
        Self::SeriousDone,
        Self::SeveralDone,
        Self::GroupDone,
        Self::ResultBack,
        Self::OrderBack,
        Self::BuilderReply,
    ];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Told => "complaint_told",
            Self::ManagerTold => "serious_to_manager",
            Self::HandedOn => "complex_handed_on",
            Self::FirstAnswer => "first_answer",
            Self::OnlineTold => "online_told",
            Self::OnlineAnswer => "online_answer",
            Self::OrdinaryAnswer => "ordinary_answer",
            Self::SeriousDone => "serious_done",
            Self::SeveralDone => "serious_several_done",
            Self::GroupDone => "serious_group_done",
            Self::ResultBack => "result_back",
            Self::OrderBack => "order_back",
            Self::BuilderReply => "builder_reply",
        }
    }

    /// The name that has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// What the house allows.
    pub fn limit(self, limits: &Limits) -> Limit {
        match self {
            Self::Told => limits.complaint_told,
            Self::ManagerTold => limits.serious_to_manager,
            Self::HandedOn => limits.complex_handed_on,
            Self::FirstAnswer => limits.first_answer,
            Self::OnlineTold => limits.online_told,
            Self::OnlineAnswer => limits.online_answer,
            Self::OrdinaryAnswer => limits.ordinary_answer,
            Self::SeriousDone => limits.serious_done,
            Self::SeveralDone => limits.serious_several_done,
            Self::GroupDone => limits.serious_group_done,
            Self::ResultBack => limits.result_back,
            Self::OrderBack => limits.order_back,
            Self::BuilderReply => limits.builder_reply,
        }
    }

    /// Who hears of it when it is late.
    pub fn goes_up_to(self, escalation: &Escalation) -> &str {
        match self {
            Self::Told | Self::FirstAnswer | Self::ResultBack | Self::OrderBack | Self::BuilderReply => {
                &escalation.supervisor
            }
            Self::HandedOn | Self::OrdinaryAnswer => &escalation.manager,
            Self::ManagerTold | Self::SeriousDone | Self::SeveralDone | Self::GroupDone => {
                &escalation.deputy_general_manager
            }
            Self::OnlineTold | Self::OnlineAnswer => &escalation.general_manager,
        }
    }
}

/// How a clock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockEnd {
    /// What it waited for happened.
    Met(LocalTime),
    /// It stopped to matter: another severity, a merge.
    Void(LocalTime),
}

/// One clock of a matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    pub name: ClockName,
    pub started: LocalTime,
    pub limit: Limit,
    /// Agreed with the resident instead of the limit.
    pub agreed: Option<LocalTime>,
    pub end: Option<ClockEnd>,
}

impl Clock {
    /// When it is due, and why then.
    pub fn due(&self, stops: &[Stop], calendar: &Calendar) -> Due {
        if let Some(agreed) = self.agreed {
            let at = agreed.to_utc();
            let because = format!("due {}, because it was agreed so", deadline::short(at, calendar));
            return Due::At { at, because };
        }
        deadline::due(self.started.to_utc(), self.limit, stops, calendar)
    }

    /// Whether it kept its time: `None` where that is not decided yet, or it does not matter any more.
    pub fn kept(&self, stops: &[Stop], calendar: &Calendar, now: DateTime<Utc>) -> Option<bool> {
        let due = self.due(stops, calendar).at();
        match (self.end, due) {
            (Some(ClockEnd::Void(_)), _) => None,
            (Some(ClockEnd::Met(at)), Some(due)) => Some(at.to_utc() <= due),
            // Met while it stood still.
            (Some(ClockEnd::Met(_)), None) => Some(true),
            (None, Some(due)) if due < now => Some(false),
            (None, _) => None,
        }
    }
}

impl Matter {
    /// Starts a clock, unless one of that name runs.
    pub(super) fn start(&mut self, name: ClockName, at: LocalTime, limits: &Limits) {
        if !self.clocks.iter().any(|clock| clock.name == name && clock.end.is_none()) {
            let limit = name.limit(limits);
            self.clocks.push(Clock { name, started: at, limit, agreed: None, end: None });
        }
    }

    /// Ends every running clock of these names.
    pub(super) fn end(&mut self, names: &[ClockName], end: ClockEnd) {
        for clock in self.clocks.iter_mut().filter(|clock| clock.end.is_none()) {
            if names.contains(&clock.name) {
                clock.end = Some(end);
            }
        }
    }

    /// A work order of it was finished: the paper is due back.
    pub fn order_finished(&mut self, at: LocalTime, limits: &Limits) {
        self.start(ClockName::OrderBack, at, limits);
    }

    /// The paper is back.
    pub fn order_returned(&mut self, at: LocalTime) {
        self.end(&[ClockName::OrderBack], ClockEnd::Met(at));
    }

    /// A notice went to the builder, or was reminded: an answer is due.
    pub fn builder_asked(&mut self, at: LocalTime, limits: &Limits) {
        self.end(&[ClockName::BuilderReply], ClockEnd::Met(at));
        self.start(ClockName::BuilderReply, at, limits);
    }

    /// The builder answered.
    pub fn builder_answered(&mut self, at: LocalTime) {
        self.end(&[ClockName::BuilderReply], ClockEnd::Met(at));
    }

    /// The clocks that its kind, severity and way ask for at this moment: what is missing starts, what
    /// is not asked for any more is void.
    pub fn wind(&mut self, at: LocalTime, limits: &Limits) {
        let wanted = self.wanted();
        let by_kind = [
            ClockName::Told,
            ClockName::ManagerTold,
            ClockName::HandedOn,
            ClockName::OrdinaryAnswer,
            ClockName::SeriousDone,
            ClockName::SeveralDone,
            ClockName::GroupDone,
        ];
        let gone: Vec<ClockName> = by_kind.into_iter().filter(|name| !wanted.contains(name)).collect();
        self.end(&gone, ClockEnd::Void(at));
        for name in wanted {
            // A clock that was met once is not asked for again by another word about the same matter.
            if !self
                .clocks
                .iter()
                .any(|clock| clock.name == name && !matches!(clock.end, Some(ClockEnd::Void(_))))
            {
                self.start(name, at, limits);
            }
        }
    }

    /// What kind, severity, parties and way ask for.
    pub(super) fn wanted(&self) -> Vec<ClockName> {
        let mut wanted = Vec::new();
        if self.way == Way::Online {
            wanted.extend([ClockName::OnlineTold, ClockName::OnlineAnswer]);
        }
        if self.complex {
            wanted.push(ClockName::HandedOn);
        }
        match (self.kind, self.severity) {
            (Some(Kind::Complaint), Some(Severity::Serious)) => {
                wanted.extend([ClockName::Told, ClockName::ManagerTold]);
                wanted.push(match self.parties {
                    Parties::One => ClockName::SeriousDone,
                    Parties::Several => ClockName::SeveralDone,
                    Parties::Group => ClockName::GroupDone,
                });
            }
            (Some(Kind::Complaint), Some(Severity::Ordinary) | None) => {
                wanted.extend([ClockName::Told, ClockName::OrdinaryAnswer]);
            }
            (Some(Kind::Complaint), Some(Severity::Invalid))
            | (
                Some(Kind::Repair | Kind::Enquiry | Kind::Suggestion | Kind::Special | Kind::Other) | None,
                _,
            ) => {}
        }
        wanted
    }
}
