//! Who could take a hotline call right now: the rota, the away override and the phones, folded into one [`Staffing`].

use chrono::{DateTime, FixedOffset, Utc};

use super::house::{House, Mobile, Phone};
use crate::desk::{
    rota::{Rota, Shift},
    ticket::LocalTime,
};

/// What the switch knows of one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneState {
    pub name: String,
    pub reach: Reach,
    /// Lines in a call, ringing ones included.
    pub lines_taken: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Reachable,
    /// No binding.
    NotRegistered {
        since: Option<LocalTime>,
    },
    /// Registered, but it does not answer OPTIONS, or its connection is gone.
    Unreachable {
        since: LocalTime,
    },
}

/// The operator said that the desk is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    pub since: LocalTime,
    /// `None`: until it is taken back.
    pub until: Option<LocalTime>,
    /// Who said so: `801`, `console`, `command line`.
    pub by: String,
}

/// Who could take a call now, and why not the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staffing {
    /// Name of the shift on duty, and its operator.
    pub shift: Option<String>,
    pub operator: Option<String>,
    /// Phones to ring, in the order of the house rules.
    pub ring: Vec<String>,
    /// Some phone on duty is reachable, but every one of them has all lines taken.
    pub all_busy: bool,
    /// The phones on duty, whatever state they are in.
    pub desk: Vec<String>,
    /// Those of them that have all lines taken.
    pub busy: Vec<String>,
    /// Mobiles to try, in order.
    pub mobiles: Vec<Mobile>,
    /// The state of the desk in words, for ticket and console: `801 not registered since 02:14`.
    pub words: String,
}

/// Folds rota, override and phones into who can take a call at `wall` (any offset; the rota's zone counts).
///
/// An away override counts until its end. Without shifts the desk is always on duty. A phone rings if
/// the house lets the hotline ring it, the shift on duty names it (or names none), it is reachable and
/// has a free line. A phone of the house that `phones` does not mention counts as not registered.
pub fn staffing(
    house: &House,
    wall: DateTime<FixedOffset>,
    away: Option<&Away>,
    phones: &[PhoneState],
) -> Staffing {
    let away = away.filter(|away| away.until.is_none_or(|until| wall < until));
    let duty = duty(&house.rota, wall);
    let shift = match &duty {
        Duty::Shift(shift) => Some(shift.as_ref()),
        Duty::Always | Duty::Nobody => None,
    };
    let seen: Vec<Seen<'_>> = house
        .phones
        .iter()
        .filter(|phone| phone.hotline && shift.is_none_or(|shift| names(&shift.phones, &phone.name)))
        .map(|phone| Seen::of(phone, phones))
        .collect();

    let clock = Clock { rota: &house.rota, wall };
    let words = match (away, &duty) {
        (Some(away), _) => clock.away(away),
        (None, Duty::Nobody) => "nobody on duty".to_owned(),
        (None, Duty::Always | Duty::Shift(_)) if seen.is_empty() => "no desk phone".to_owned(),
        (None, Duty::Always | Duty::Shift(_)) => {
            seen.iter().map(|phone| clock.phone(phone)).collect::<Vec<_>>().join(", ")
        }
    };
    let staffed = away.is_none() && !matches!(duty, Duty::Nobody);
    let ring = names_of(&seen, |phone| staffed && matches!(phone.can, Can::Ring));
    Staffing {
        shift: shift.map(|shift| shift.name.clone()),
        operator: shift.and_then(|shift| shift.operator.clone()),
        desk: names_of(&seen, |_| staffed),
        busy: names_of(&seen, |phone| staffed && matches!(phone.can, Can::NotNow)),
        all_busy: staffed && ring.is_empty() && seen.iter().any(|phone| matches!(phone.can, Can::NotNow)),
        ring,
        mobiles: mobiles(house, shift),
        words,
    }
}

fn names_of(seen: &[Seen<'_>], wanted: impl Fn(&Seen<'_>) -> bool) -> Vec<String> {
    seen.iter().filter(|phone| wanted(phone)).map(|phone| phone.name.to_owned()).collect()
}

enum Duty<'a> {
    /// The rota has no shifts.
    Always,
    Shift(std::borrow::Cow<'a, Shift>),
    Nobody,
}

fn duty(rota: &Rota, wall: LocalTime) -> Duty<'_> {
    match rota.on_duty(wall.with_timezone(&Utc)) {
        Some(on_duty) => Duty::Shift(on_duty.shift),
        None if rota.is_always() => Duty::Always,
        None => Duty::Nobody,
    }
}

/// The shift's mobiles in the shift's order, else the house's. A name that the house does not know is
/// skipped ([`crate::config`] refuses such a file).
fn mobiles(house: &House, shift: Option<&Shift>) -> Vec<Mobile> {
    match shift {
        Some(shift) if !shift.mobiles.is_empty() => shift
            .mobiles
            .iter()
            .filter_map(|name| house.mobiles.iter().find(|mobile| &mobile.name == name))
            .cloned()
            .collect(),
        Some(_) | None => house.mobiles.clone(),
    }
}

/// An empty list names everybody.
fn names(list: &[String], name: &str) -> bool {
    list.is_empty() || list.iter().any(|listed| listed == name)
}

/// One desk phone as a hotline call sees it.
struct Seen<'a> {
    name: &'a str,
    can: Can,
}

enum Can {
    Ring,
    /// All lines taken.
    NotNow,
    NotRegistered {
        since: Option<LocalTime>,
    },
    NotReached {
        since: LocalTime,
    },
}

impl<'a> Seen<'a> {
    fn of(phone: &'a Phone, states: &[PhoneState]) -> Self {
        let can = match states.iter().find(|state| state.name == phone.name) {
            None => Can::NotRegistered { since: None },
            Some(state) => match state.reach {
                Reach::NotRegistered { since } => Can::NotRegistered { since },
                Reach::Unreachable { since } => Can::NotReached { since },
                Reach::Reachable if state.lines_taken >= phone.lines => Can::NotNow,
                Reach::Reachable => Can::Ring,
            },
        };
        Self { name: &phone.name, can }
    }
}

/// Says when things began, as the clock on the desk's wall shows it.
struct Clock<'a> {
    rota: &'a Rota,
    wall: LocalTime,
}

impl Clock<'_> {
    fn phone(&self, phone: &Seen<'_>) -> String {
        let name = phone.name;
        match phone.can {
            Can::Ring => format!("{name} ready"),
            Can::NotNow => format!("{name} busy"),
            Can::NotRegistered { since: None } => format!("{name} not registered"),
            Can::NotRegistered { since: Some(since) } => {
                format!("{name} not registered since {}", self.time(since))
            }
            Can::NotReached { since } => format!("{name} not reachable since {}", self.time(since)),
        }
    }

    fn away(&self, away: &Away) -> String {
        let since = self.time(away.since);
        match away.until {
            None => format!("away since {since} ({})", away.by),
            Some(until) => format!("away since {since} until {} ({})", self.time(until), away.by),
        }
    }

    /// `02:14`, or with its date where that is not today's: `11-22 02:14`.
    fn time(&self, at: LocalTime) -> String {
        let zone = self.rota.zone();
        let (at, now) = (at.with_timezone(&zone), self.wall.with_timezone(&zone));
        let format = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%m-%d %H:%M" };
        at.format(format).to_string()
    }
}

#[cfg(test)]
mod tests;
