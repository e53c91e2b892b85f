//! The words that enums have in the database, in views, tables and JSON. They never change: reports
//! are written against them (`docs/database.md`).

use crate::desk::{
    access::Deed,
    outage::Subject,
    ticket::{Direction, Outcome, Side, Unanswered, Verdict},
};

const DIRECTIONS: [Direction; 3] = [Direction::Hotline, Direction::Out, Direction::Internal];
const OUTCOMES: [Outcome; 8] = [
    Outcome::AnsweredByDesk,
    Outcome::AnsweredByMobile,
    Outcome::AnsweredByOther,
    Outcome::Abandoned,
    Outcome::Message,
    Outcome::Missed,
    Outcome::Refused,
    Outcome::Interrupted,
];
const SIDES: [Side; 3] = [Side::Caller, Side::Callee, Side::House];
const UNANSWERED: [Unanswered; 8] = [
    Unanswered::Busy,
    Unanswered::Declined,
    Unanswered::Unreachable,
    Unanswered::NoAnswer,
    Unanswered::NotConfirmed,
    Unanswered::RefusedByKey,
    Unanswered::Fault,
    Unanswered::NotNeeded,
];

const DEEDS: [Deed; 6] =
    [Deed::Listened, Deed::Exported, Deed::LookedUp, Deed::Changed, Deed::Erased, Deed::SignedIn];

/// `hotline`, `out`, `internal`.
pub fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Hotline => "hotline",
        Direction::Out => "out",
        Direction::Internal => "internal",
    }
}

/// The direction that has this word.
pub fn direction_from(word: &str) -> Option<Direction> {
    DIRECTIONS.into_iter().find(|d| direction(*d) == word)
}

/// `answered by desk`, `abandoned`, `missed`, …
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::AnsweredByDesk => "answered by desk",
        Outcome::AnsweredByMobile => "answered by mobile",
        Outcome::AnsweredByOther => "answered by other",
        Outcome::Abandoned => "abandoned",
        Outcome::Message => "message",
        Outcome::Missed => "missed",
        Outcome::Refused => "refused",
        Outcome::Interrupted => "interrupted",
    }
}

/// The outcome that has this word.
pub fn outcome_from(word: &str) -> Option<Outcome> {
    OUTCOMES.into_iter().find(|o| outcome(*o) == word)
}

/// `caller`, `callee`, `house`.
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Caller => "caller",
        Side::Callee => "callee",
        Side::House => "house",
    }
}

/// The side that has this word.
pub fn side_from(word: &str) -> Option<Side> {
    SIDES.into_iter().find(|s| side(*s) == word)
}

/// `busy`, `declined`, `no answer`, …
pub fn unanswered(why: &Unanswered) -> &'static str {
    match why {
        Unanswered::Busy => "busy",
        Unanswered::Declined => "declined",
        Unanswered::Unreachable => "unreachable",
        Unanswered::NoAnswer => "no answer",
        Unanswered::NotConfirmed => "not confirmed",
        Unanswered::RefusedByKey => "refused by key",
        Unanswered::Fault => "fault",
        Unanswered::NotNeeded => "not needed",
    }
}

/// The reason that has this word.
pub fn unanswered_from(word: &str) -> Option<Unanswered> {
    UNANSWERED.into_iter().find(|u| unanswered(u) == word)
}

/// A verdict's word and, where it has them, its own words.
pub fn verdict(verdict: &Verdict) -> (&'static str, Option<&str>) {
    match verdict {
        Verdict::Good => ("good", None),
        Verdict::Degraded(words) => ("degraded", Some(words)),
        Verdict::OneSided(words) => ("one-sided", Some(words)),
        Verdict::Failed(words) => ("failed", Some(words)),
        Verdict::Interrupted => ("interrupted", None),
        Verdict::Refused => ("refused by caller", None),
        Verdict::None(words) => ("none", Some(words)),
    }
}

/// The verdict that has this word.
pub fn verdict_from(word: &str, words: Option<String>) -> Option<Verdict> {
    match (word, words) {
        ("good", _) => Some(Verdict::Good),
        ("degraded", words) => Some(Verdict::Degraded(words.unwrap_or_default())),
        ("one-sided", words) => Some(Verdict::OneSided(words.unwrap_or_default())),
        ("failed", words) => Some(Verdict::Failed(words.unwrap_or_default())),
        ("interrupted", _) => Some(Verdict::Interrupted),
        ("refused by caller", _) => Some(Verdict::Refused),
        ("none", words) => Some(Verdict::None(words.unwrap_or_default())),
        (_, _) => None,
    }
}

/// `listened`, `exported`, `looked up`, …
pub fn deed(deed: Deed) -> &'static str {
    match deed {
        Deed::Listened => "listened",
        Deed::Exported => "exported",
        Deed::LookedUp => "looked up",
        Deed::Changed => "changed",
        Deed::Erased => "erased",
        Deed::SignedIn => "signed in",
    }
}

/// The deed that has this word.
pub fn deed_from(word: &str) -> Option<Deed> {
    DEEDS.into_iter().find(|d| deed(*d) == word)
}

/// A subject's kind and name: `("trunk", "carrier")`, `("disk", "")`.
pub fn subject(subject: &Subject) -> (&'static str, &str) {
    match subject {
        Subject::Trunk(name) => ("trunk", name),
        Subject::Phone(name) => ("phone", name),
        Subject::Disk => ("disk", ""),
        Subject::Recordings => ("recordings", ""),
        Subject::Database => ("database", ""),
        Subject::Daemon => ("daemon", ""),
    }
}

/// The subject that has this kind and name.
pub fn subject_from(kind: &str, name: &str) -> Option<Subject> {
    match kind {
        "trunk" => Some(Subject::Trunk(name.to_owned())),
        "phone" => Some(Subject::Phone(name.to_owned())),
        "disk" => Some(Subject::Disk),
        "recordings" => Some(Subject::Recordings),
        "database" => Some(Subject::Database),
        "daemon" => Some(Subject::Daemon),
        _ => None,
    }
}
