//! A matter: what is followed to its end, from the first second with one owner (首问责任制). What a
//! person does to it is a [`change::Change`]; what the rules make of that is decided here, and every
//! change leaves its line before and after. Never reads a clock.
//!
//! Reading starts at [`Matter::change`] (in [`change`]); its clocks are in [`clock`], the typed fields of
//! each kind in [`field`].

use std::collections::BTreeMap;

use super::{
    deadline::Stop,
    number::Number,
    resident::{Place, ResidentId},
    ticket::{LocalTime, TicketId},
};

pub mod change;
pub mod clock;
pub mod field;

use clock::Clock;
use field::Field;

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// 报修
    Repair,
    /// 投诉
    Complaint,
    /// 咨询
    Enquiry,
    /// 意见/建议
    Suggestion,
    /// 特约服务
    Special,
    /// 其他
    Other,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Repair, Self::Complaint, Self::Enquiry, Self::Suggestion, Self::Special, Self::Other];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Complaint => "complaint",
            Self::Enquiry => "enquiry",
            Self::Suggestion => "suggestion",
            Self::Special => "special",
            Self::Other => "other",
        }
    }

    /// What has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// As the desk calls it.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Repair => "报修",
            Self::Complaint => "投诉",
            Self::Enquiry => "咨询",
            Self::Suggestion => "意见建议",
            Self::Special => "特约服务",
            Self::Other => "其他",
        }
    }
}

/// How it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    Hotline,
    /// Taken directly on the duty mobile, logged afterwards.
    Mobile,
    /// 来访
    Counter,
    /// 网络
    Online,
    /// We called.
    Out,
}

impl Way {
    pub const ALL: [Self; 5] = [Self::Hotline, Self::Mobile, Self::Counter, Self::Online, Self::Out];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hotline => "hotline",
            Self::Mobile => "mobile",
            Self::Counter => "counter",
            Self::Online => "online",
            Self::Out => "out",
        }
    }

    /// What has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// How heavy a complaint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    Ordinary,
    Serious,
    /// Outside the company's remit: explained, the right body named.
    Invalid,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Ordinary, Self::Serious, Self::Invalid];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Serious => "serious",
            Self::Invalid => "invalid",
        }
    }

    /// What has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// Who has a hand in it; a serious complaint's limit hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Parties {
    One,
    Several,
    /// Departments of the group (集团部门).
    Group,
}

impl Parties {
    pub const ALL: [Self; 3] = [Self::One, Self::Several, Self::Group];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Several => "several",
            Self::Group => "group",
        }
    }

    /// What has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    Open,
    /// The work is done; the resident has no answer yet.
    Done,
    /// Ended, with the answer given.
    Closed,
    /// It is part of another matter now.
    Merged,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Open, Self::Done, Self::Closed, Self::Merged];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }

    /// What has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// What a resident was told would happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    pub what: String,
    pub by: String,
    pub made: LocalTime,
    pub due: LocalTime,
    pub kept: Option<LocalTime>,
}

/// One handing on. The owner stays; the track is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    pub department: String,
    /// May be empty: whoever is there.
    pub person: String,
    pub by: String,
    pub at: LocalTime,
    pub why: String,
    /// What came back, and when.
    pub returned: Option<(LocalTime, String)>,
}

/// Everything that is known of a matter but its tickets, orders and visits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// Its first ticket's.
    pub id: TicketId,
    pub opened: LocalTime,
    pub way: Way,
    /// Who was asked first; follows it to its end.
    pub owner: String,
    /// `None`: nobody has written down yet what it is about.
    pub kind: Option<Kind>,
    /// 急修: somebody goes at once.
    pub rush: bool,
    pub severity: Option<Severity>,
    pub parties: Parties,
    /// Complex, several departments: general administration has it.
    pub complex: bool,
    pub resident: Option<ResidentId>,
    pub place: Place,
    pub name: String,
    pub number: Option<Number>,
    /// Who works on it now; empty: the desk.
    pub department: String,
    pub summary: String,
    pub fields: BTreeMap<Field, String>,
    pub state: State,
    pub completed: Option<LocalTime>,
    /// The first answer to the resident.
    pub answered: Option<LocalTime>,
    /// The answer with which it was closed.
    pub answer: String,
    pub closed: Option<LocalTime>,
    pub closed_by: String,
    /// How often it was opened again.
    pub reopened: u32,
    pub merged_into: Option<TicketId>,
    pub promises: Vec<Promise>,
    pub passes: Vec<Pass>,
    pub clocks: Vec<Clock>,
    pub stops: Vec<Stop>,
}

impl Matter {
    /// As a ticket opens it.
    pub fn opened(id: TicketId, opened: LocalTime, way: Way, owner: String) -> Self {
        Self {
            id,
            opened,
            way,
            owner,
            kind: None,
            rush: false,
            severity: None,
            parties: Parties::One,
            complex: false,
            resident: None,
            place: Place::default(),
            name: String::new(),
            number: None,
            department: String::new(),
            summary: String::new(),
            fields: BTreeMap::new(),
            state: State::Open,
            completed: None,
            answered: None,
            answer: String::new(),
            closed: None,
            closed_by: String::new(),
            reopened: 0,
            merged_into: None,
            promises: Vec::new(),
            passes: Vec::new(),
            clocks: Vec::new(),
            stops: Vec::new(),
        }
    }

    /// Why nothing can be changed any more, where that is so.
    fn ended(&self) -> Option<String> {
        match (self.state, self.merged_into) {
            (State::Closed, _) => Some(format!("{} is closed: reopen it first", self.id)),
            (State::Merged, Some(into)) => Some(format!("{} is part of {into}", self.id)),
            (State::Merged, None) => Some(format!("{} is part of another matter", self.id)),
            (State::Open | State::Done, _) => None,
        }
    }
}

/// One thing that changed, for the record: what, before, after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub what: &'static str,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Why a change is not made; in words for who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

#[cfg(test)]
mod tests;
