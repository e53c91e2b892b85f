//! What a person does to a matter, and what the rules make of it. Each change answers with its lines for
//! the record, or is refused whole, with words.

use std::collections::BTreeMap;

use super::{
    Kind, Line, Matter, Parties, Pass, Promise, Refusal, Severity, State,
    clock::{ClockEnd, ClockName},
    field::{self, Field},
};
use crate::desk::{
    deadline::{Stop, StopReason},
    number::Number,
    office::Office,
    resident::{Place, ResidentId},
    ticket::LocalTime,
};

/// What a person writes down about a matter; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    pub owner: Option<String>,
    pub kind: Option<Kind>,
    pub rush: Option<bool>,
    pub severity: Option<Severity>,
    pub parties: Option<Parties>,
    pub complex: Option<bool>,
    pub resident: Option<ResidentId>,
    pub place: Option<Place>,
    pub name: Option<String>,
    pub number: Option<Number>,
    pub department: Option<String>,
    pub summary: Option<String>,
    /// An empty text takes the field away.
    pub fields: BTreeMap<Field, String>,
}

/// What a person does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Describe(Box<Description>),
    Promise {
        what: String,
        due: LocalTime,
    },
    /// The promise at that place, counted from 0, was kept.
    PromiseKept {
        index: usize,
    },
    /// Handed on; the owner stays and tracks it.
    PassOn {
        department: String,
        person: String,
        why: String,
    },
    /// It came back from where it was passed on to last.
    PassReturned {
        result: String,
    },
    /// The persons concerned were told (投诉单送达).
    Told {
        whom: String,
    },
    /// The manager, or for an online matter the general manager, was told.
    ManagerTold {
        whom: String,
    },
    /// The resident got an answer; the matter goes on.
    Answered {
        words: String,
    },
    /// Another day was agreed with the resident for the answer.
    Agreed {
        due: LocalTime,
    },
    /// The work is done.
    Completed {
        result: String,
    },
    /// The department's result is back at the desk.
    ResultBack {
        result: String,
    },
    /// The clocks stand still.
    Stopped {
        reason: StopReason,
    },
    Resumed,
    /// Ended, with the answer that the resident got.
    Closed {
        answer: String,
    },
    Reopened {
        why: String,
    },
}

/// Characters of one text.
const LONGEST: usize = 4000;
/// Promises, and handings on, of one matter; more is a slip.
const MOST: usize = 200;

impl Matter {
    /// Takes in what a person did.
    ///
    /// # Errors
    /// The rules do not allow it; nothing was changed.
    pub fn change(
        &mut self,
        change: Change,
        by: &str,
        at: LocalTime,
        office: &Office,
    ) -> Result<Vec<Line>, Refusal> {
        let mut next = self.clone();
        let lines = next.take(change, by, at, office)?;
        *self = next;
        Ok(lines)
    }

    fn take(
        &mut self,
        change: Change,
        by: &str,
        at: LocalTime,
        office: &Office,
    ) -> Result<Vec<Line>, Refusal> {
        if let (Change::Reopened { why }, State::Closed) = (&change, self.state) {
            return self.reopen(&said(why, "why it is opened again")?, at, office);
        }
        if let Some(why) = self.ended() {
            return Err(Refusal(why));
        }
        match change {
            Change::Describe(description) => self.describe(*description, at, office),
            Change::Promise { what, due } => {
                let what = said(&what, "what was promised")?;
                if due <= at {
                    return Err(Refusal("a promise is for a time to come".to_owned()));
                }
                room(self.promises.len())?;
                let line = line("promised", None, Some(format!("{what}, until {}", clock(due))));
                self.promises.push(Promise { what, by: by.to_owned(), made: at, due, kept: None });
                Ok(vec![line])
            }
            Change::PromiseKept { index } => {
                let promise = self
                    .promises
                    .get_mut(index)
                    .filter(|promise| promise.kept.is_none())
                    .ok_or_else(|| Refusal(format!("there is no open promise {index}")))?;
                promise.kept = Some(at);
                Ok(vec![line("promise kept", None, Some(promise.what.clone()))])
            }
            Change::PassOn { department, person, why } => {
                self.pass_on(department, person, why, by, at, office)
            }
            Change::PassReturned { result } => {
                let result = said(&result, "what came back")?;
                let pass = self
                    .passes
                    .last_mut()
                    .filter(|pass| pass.returned.is_none())
                    .ok_or_else(|| Refusal("it was not passed on".to_owned()))?;
                pass.returned = Some((at, result.clone()));
                let before = std::mem::take(&mut self.department);
                Ok(vec![line("came back", Some(before), Some(result))])
            }
            Change::Told { whom } => {
                let whom = said(&whom, "who was told")?;
                self.end(&[ClockName::Told], ClockEnd::Met(at));
                Ok(vec![line("told", None, Some(whom))])
            }
            Change::ManagerTold { whom } => {
                let whom = said(&whom, "who was told")?;
                self.end(&[ClockName::ManagerTold, ClockName::OnlineTold], ClockEnd::Met(at));
                Ok(vec![line("manager told", None, Some(whom))])
            }
            Change::Answered { words } => {
                let words = said(&words, "the answer")?;
                self.answered_at(at);
                Ok(vec![line("answered", None, Some(words))])
            }
            Change::Agreed { due } => self.agree(due, at),
            Change::Completed { result } => self.complete(&result, at, office),
            Change::ResultBack { result } => {
                let result = said(&result, "the result")?;
                self.end(&[ClockName::ResultBack], ClockEnd::Met(at));
                Ok(vec![line("result back", None, Some(result))])
            }
            Change::Stopped { reason } => {
                if self.standing().is_some() {
                    return Err(Refusal("its clocks stand still already".to_owned()));
                }
                self.stops.push(Stop { from: at.to_utc(), until: None, reason });
                Ok(vec![line("clocks stopped", None, Some(reason.words().to_owned()))])
            }
            Change::Resumed => match self.resume(at) {
                Some(line) => Ok(vec![line]),
                None => Err(Refusal("its clocks do not stand still".to_owned())),
            },
            Change::Closed { answer } => self.close(&answer, by, at),
            Change::Reopened { .. } => Err(Refusal(format!("{} is not closed", self.id))),
        }
    }

    /// Why its clocks stand still, where they do.
    pub fn standing(&self) -> Option<StopReason> {
        self.stops.last().filter(|stop| stop.until.is_none()).map(|stop| stop.reason)
    }

    fn resume(&mut self, at: LocalTime) -> Option<Line> {
        let stop = self.stops.last_mut().filter(|stop| stop.until.is_none())?;
        stop.until = Some(at.to_utc().max(stop.from));
        Some(line("clocks resumed", Some(stop.reason.words().to_owned()), None))
    }

    fn answered_at(&mut self, at: LocalTime) {
        self.answered.get_or_insert(at);
        let answers = [ClockName::FirstAnswer, ClockName::OnlineAnswer, ClockName::OrdinaryAnswer];
        self.end(&answers, ClockEnd::Met(at));
    }

    fn describe(
        &mut self,
        description: Description,
        at: LocalTime,
        office: &Office,
    ) -> Result<Vec<Line>, Refusal> {
        let Description {
            owner,
            kind,
            rush,
            severity,
            parties,
            complex,
            resident,
            place,
            name,
            number,
            department,
            summary,
            fields,
        } = description;
        let mut lines = Vec::new();
        if let Some(owner) = owner {
            text(&mut lines, "owner", &mut self.owner, said(&owner, "whose it is")?);
        }
        if let Some(kind) = kind.filter(|kind| self.kind != Some(*kind)) {
            let before = self.kind.replace(kind);
            lines.push(line("kind", before.map(|k| k.chinese().to_owned()), Some(kind.chinese().to_owned())));
            // What another kind was asked means nothing to this one.
            self.fields.retain(|field, _| field::of(kind).any(|rule| rule.field == *field));
        }
        if severity.is_some() && self.kind != Some(Kind::Complaint) {
            return Err(Refusal("only a complaint is serious, ordinary or invalid".to_owned()));
        }
        if self.kind == Some(Kind::Complaint) {
            let severity = severity.or(self.severity).unwrap_or(Severity::Ordinary);
            value(&mut lines, "severity", &mut self.severity, Some(severity));
        } else {
            value(&mut lines, "severity", &mut self.severity, None);
        }
        if let Some(rush) = rush {
            value(&mut lines, "urgent", &mut self.rush, rush);
        }
        if let Some(parties) = parties {
            value(&mut lines, "parties", &mut self.parties, parties);
        }
        if let Some(complex) = complex {
            value(&mut lines, "complex", &mut self.complex, complex);
        }
        if let Some(resident) = resident.filter(|resident| self.resident != Some(*resident)) {
            let before = self.resident.replace(resident).map(|id| id.0.to_string());
            lines.push(line("resident", before, Some(resident.0.to_string())));
        }
        if let Some(place) = place.filter(|place| self.place != *place) {
            let before = std::mem::replace(&mut self.place, place);
            let words = |place: &Place| format!("{} {}", place.estate, place.label()).trim().to_owned();
            let was = Some(words(&before)).filter(|was| !was.is_empty());
            lines.push(line("place", was, Some(words(&self.place))));
        }
        if let Some(name) = name {
            text(&mut lines, "name", &mut self.name, short(&name)?);
        }
        if let Some(number) = number.filter(|number| self.number.as_ref() != Some(number)) {
            let before = self.number.replace(number.clone()).map(|number| number.reveal().clone());
            lines.push(line("number", before, Some(number.reveal().clone())));
        }
        if let Some(department) = department {
            let department = office.known_department(&short(&department)?)?;
            text(&mut lines, "department", &mut self.department, department);
        }
        if let Some(summary) = summary {
            text(&mut lines, "summary", &mut self.summary, short(&summary)?);
        }
        self.fill(fields, &mut lines, office)?;
        self.wind(at, &office.limits);
        Ok(lines)
    }

    fn fill(
        &mut self,
        fields: BTreeMap<Field, String>,
        lines: &mut Vec<Line>,
        office: &Office,
    ) -> Result<(), Refusal> {
        for (field, words) in fields {
            let Some(kind) = self.kind else {
                return Err(Refusal("say first of what kind it is".to_owned()));
            };
            if words.trim().is_empty() {
                if let Some(before) = self.fields.remove(&field) {
                    lines.push(line(field.word(), Some(before), None));
                }
                continue;
            }
            let kept = field::value(kind, field, &words, office.calendar.zone).map_err(Refusal)?;
            let before = self.fields.insert(field, kept.clone());
            if before.as_ref() != Some(&kept) {
                lines.push(line(field.word(), before, Some(kept)));
            }
        }
        Ok(())
    }

    fn pass_on(
        &mut self,
        department: String,
        person: String,
        why: String,
        by: &str,
        at: LocalTime,
        office: &Office,
    ) -> Result<Vec<Line>, Refusal> {
        let department = office.known_department(&said(&department, "which department")?)?;
        let (person, why) = (short(&person)?, short(&why)?);
        room(self.passes.len())?;
        let to = format!("{department} {person}").trim().to_owned();
        let before = std::mem::replace(&mut self.department, department.clone());
        self.passes.push(Pass { department, person, by: by.to_owned(), at, why, returned: None });
        self.end(&[ClockName::HandedOn], ClockEnd::Met(at));
        if self.answered.is_none() {
            self.start(ClockName::FirstAnswer, at, &office.limits);
        }
        Ok(vec![line("passed on", Some(before).filter(|b| !b.is_empty()), Some(to))])
    }

    fn agree(&mut self, due: LocalTime, at: LocalTime) -> Result<Vec<Line>, Refusal> {
        if due <= at {
            return Err(Refusal("a day is agreed for a time to come".to_owned()));
        }
        // Only the ordinary complaint's answer may be agreed otherwise; a serious one's limit stands.
        let clock = self
            .clocks
            .iter_mut()
            .find(|clock| clock.name == ClockName::OrdinaryAnswer && clock.end.is_none())
            .ok_or_else(|| Refusal("no answer to an ordinary complaint is due".to_owned()))?;
        let before = clock.agreed.replace(due).map(self::clock);
        Ok(vec![line("agreed", before, Some(self::clock(due)))])
    }

    fn complete(&mut self, result: &str, at: LocalTime, office: &Office) -> Result<Vec<Line>, Refusal> {
        let result = said(result, "what was done")?;
        if self.kind.is_none() {
            return Err(Refusal("say first of what kind it is".to_owned()));
        }
        if self.state == State::Done {
            return Err(Refusal(format!("{} is done already", self.id)));
        }
        let mut lines: Vec<Line> = self.resume(at).into_iter().collect();
        self.state = State::Done;
        self.completed = Some(at);
        let done = [ClockName::SeriousDone, ClockName::SeveralDone, ClockName::GroupDone];
        self.end(&done, ClockEnd::Met(at));
        if !self.department.is_empty() {
            self.start(ClockName::ResultBack, at, &office.limits);
        }
        lines.push(line("completed", None, Some(result)));
        Ok(lines)
    }

    fn close(&mut self, answer: &str, by: &str, at: LocalTime) -> Result<Vec<Line>, Refusal> {
        let answer = said(answer, "the answer that the resident got")?;
        let Some(kind) = self.kind else {
            return Err(Refusal("say first of what kind it is".to_owned()));
        };
        let missing: Vec<&str> = field::of(kind)
            .filter(|rule| rule.needed && !self.fields.contains_key(&rule.field))
            .map(|rule| rule.field.word())
            .collect();
        if !missing.is_empty() {
            return Err(Refusal(format!("{} still lacks {}", kind.chinese(), missing.join(", "))));
        }
        let mut lines: Vec<Line> = self.resume(at).into_iter().collect();
        self.completed.get_or_insert(at);
        self.answered_at(at);
        // Whatever still ran ends with it; whether in time, the record says.
        self.end(&ClockName::ALL, ClockEnd::Met(at));
        let before = std::mem::replace(&mut self.answer, answer.clone());
        self.state = State::Closed;
        self.closed = Some(at);
        by.clone_into(&mut self.closed_by);
        lines.push(line("closed", Some(before).filter(|b| !b.is_empty()), Some(answer)));
        Ok(lines)
    }

    fn reopen(&mut self, why: &str, at: LocalTime, office: &Office) -> Result<Vec<Line>, Refusal> {
        let before = self.closed.take().map(|closed| format!("closed {}", clock(closed)));
        self.state = State::Open;
        self.completed = None;
        self.answered = None;
        self.reopened = self.reopened.saturating_add(1);
        // The clocks of the answer and of the work run anew; those of telling people were met.
        let anew = [
            ClockName::OnlineAnswer,
            ClockName::OrdinaryAnswer,
            ClockName::SeriousDone,
            ClockName::SeveralDone,
            ClockName::GroupDone,
        ];
        for name in self.wanted().into_iter().filter(|name| anew.contains(name)) {
            self.start(name, at, &office.limits);
        }
        if !self.department.is_empty() {
            self.start(ClockName::FirstAnswer, at, &office.limits);
        }
        Ok(vec![line("reopened", before, Some(why.to_owned()))])
    }

    /// It becomes part of another matter: its clocks do not matter any more.
    ///
    /// # Errors
    /// Either is ended, or both are the same.
    pub fn merge_into(&mut self, into: &Matter, at: LocalTime) -> Result<Line, Refusal> {
        if self.id == into.id {
            return Err(Refusal(format!("{} cannot be part of itself", self.id)));
        }
        if let Some(why) = self.ended().or_else(|| into.ended()) {
            return Err(Refusal(why));
        }
        self.resume(at);
        self.end(&ClockName::ALL, ClockEnd::Void(at));
        self.state = State::Merged;
        self.merged_into = Some(into.id);
        Ok(line("merged", None, Some(format!("part of {}", into.id))))
    }
}

fn line(what: &'static str, before: Option<String>, after: Option<String>) -> Line {
    Line { what, before, after }
}

/// A text that must not be empty.
fn said(text: &str, what: &str) -> Result<String, Refusal> {
    let text = short(text)?;
    if text.is_empty() { Err(Refusal(format!("say {what}"))) } else { Ok(text) }
}

fn short(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.chars().count() > LONGEST {
        return Err(Refusal(format!("a text of more than {LONGEST} characters")));
    }
    Ok(text.to_owned())
}

fn room(count: usize) -> Result<(), Refusal> {
    if count < MOST { Ok(()) } else { Err(Refusal(format!("more than {MOST} of them"))) }
}

fn text(lines: &mut Vec<Line>, what: &'static str, kept: &mut String, new: String) {
    if *kept != new {
        let before = std::mem::replace(kept, new);
        lines.push(line(what, Some(before).filter(|b| !b.is_empty()), Some(kept.clone())));
    }
}

fn value<T: std::fmt::Debug + PartialEq>(lines: &mut Vec<Line>, what: &'static str, kept: &mut T, new: T) {
    if *kept != new {
        let before = std::mem::replace(kept, new);
        lines.push(line(what, Some(words(&before)), Some(words(kept))));
    }
}

/// `Some(Serious)` and `true` as the record has them: `serious`, `true`.
fn words(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").trim_start_matches("Some(").trim_end_matches(')').to_lowercase()
}

fn clock(at: LocalTime) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}
