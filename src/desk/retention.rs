//! How long a recording stays: by what the matter is about and how far it is. Pure: today is an argument.
//! Deleting is somebody else's; here it is only said what is due, and why.

use chrono::{Days, NaiveDate};

/// The rules, as `house.toml` states them. Days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Enquiries, suggestions, and calls that nobody gave a kind: after the call; 183.
    pub enquiry_days: u32,
    /// Repairs and special services: after the matter was closed; 365.
    pub repair_days: u32,
    /// Complaints: after the matter was closed; 1095.
    pub complaint_days: u32,
    /// When the disk is at its floor, the oldest recordings may go early: those that are no complaint, belong to no
    /// open matter, are not held, and are older than this; 30.
    pub early_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { enquiry_days: 183, repair_days: 365, complaint_days: 1095, early_days: 30 }
    }
}

/// What decides about one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case<'a> {
    /// As the matter has it: `complaint`, `repair`, …
    pub kind: Option<&'a str>,
    /// The local day of the call.
    pub received: NaiveDate,
    pub state: State,
    /// Somebody said that it must stay.
    pub is_held: bool,
}

/// How far the matter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Closed { on: NaiveDate },
}

/// What is to become of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It stays, for now.
    Stays,
    /// Its time is over; in words why, for the certificate.
    Due(String),
}

/// How a kind of matter is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// The time runs from the call: it is answered and done with.
    FromCall,
    /// The time runs from the end of the matter.
    FromClosing,
    /// The same, and it never goes early.
    Complaint,
}

fn class(kind: Option<&str>) -> Class {
    match kind {
        Some("complaint") => Class::Complaint,
        Some("repair" | "special service" | "special_service" | "special") => Class::FromClosing,
        Some(_) | None => Class::FromCall,
    }
}

impl Retention {
    /// What is to become of the recording today.
    pub fn fate(&self, case: &Case<'_>, today: NaiveDate) -> Fate {
        if case.is_held {
            return Fate::Stays;
        }
        let (name, days, from) = match (class(case.kind), case.state) {
            // An enquiry that is still followed stays with what is done about it.
            (Class::FromCall, State::Open) if case.kind.is_some() => return Fate::Stays,
            (Class::FromClosing | Class::Complaint, State::Open) => return Fate::Stays,
            (Class::FromCall, State::Open | State::Closed { .. }) => {
                (case.kind.unwrap_or("no kind"), self.enquiry_days, case.received)
            }
            (Class::FromClosing, State::Closed { on }) => {
                (case.kind.unwrap_or_default(), self.repair_days, on.max(case.received))
            }
            (Class::Complaint, State::Closed { on }) => {
                ("complaint", self.complaint_days, on.max(case.received))
            }
        };
        if older(from, days, today) {
            Fate::Due(format!("retention: {name}, {days} days"))
        } else {
            Fate::Stays
        }
    }

    /// Whether the recording may go early because the disk is full.
    pub fn may_go_early(&self, case: &Case<'_>, today: NaiveDate) -> bool {
        let followed = case.kind.is_some() && case.state == State::Open;
        !case.is_held
            && !followed
            && class(case.kind) != Class::Complaint
            && older(case.received, self.early_days, today)
    }

    /// The last day on which a call can have come whose recording is due or may go early today: what is
    /// younger need not be looked at.
    pub fn youngest(&self, today: NaiveDate) -> NaiveDate {
        let least = self.enquiry_days.min(self.repair_days).min(self.complaint_days).min(self.early_days);
        today.checked_sub_days(Days::new(least.into())).unwrap_or(NaiveDate::MIN)
    }
}

/// Whether that many whole days lie behind `from`.
fn older(from: NaiveDate, days: u32, today: NaiveDate) -> bool {
    from.checked_add_days(Days::new(days.into())).is_some_and(|end| today >= end)
}

/// How many whole days the disk lasts at this rate: `free` bytes above the floor, `bytes` recorded within
/// `days`. `None`: nothing was recorded, so nothing can be said.
pub fn disk_lasts(free: u64, floor: u64, bytes: u64, days: u32) -> Option<u64> {
    let room = u128::from(free.saturating_sub(floor));
    let lasts = (room * u128::from(days)).checked_div(u128::from(bytes))?;
    Some(u64::try_from(lasts).unwrap_or(u64::MAX))
}

/// The ways in which a carrier may have written this number: with and without the country's code and the
/// trunk's zero. Exactly these are meant by an erase request, nothing alike.
pub fn ways_to_write(number: &str) -> Vec<String> {
    let plain: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let home = plain.strip_prefix("+86").or_else(|| plain.strip_prefix("0086")).unwrap_or(&plain);
    let bare = home.trim_start_matches('0');
    if plain.starts_with('+') && !plain.starts_with("+86") || bare.is_empty() {
        return vec![number.to_owned()];
    }
    let mut ways = vec![number.to_owned(), plain.clone()];
    for prefix in ["", "0", "+86", "0086", "86"] {
        ways.push(format!("{prefix}{bare}"));
    }
    ways.sort();
    ways.dedup();
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const RULES: Retention =
        Retention { enquiry_days: 183, repair_days: 365, complaint_days: 1095, early_days: 30 };

    fn case(kind: Option<&'static str>, state: State) -> Case<'static> {
        Case { kind, received: day("2026-01-10"), state, is_held: false }
    }

    #[test]
    fn each_kind_has_its_time_and_its_start() {
        let closed = State::Closed { on: day("2026-02-01") };
        // kind, state, the last day on which it stays
        let table = [
            (None, State::Open, Some("2026-07-11")),
            (Some("enquiry"), closed, Some("2026-07-11")),
            (Some("enquiry"), State::Open, None),
            (Some("repair"), closed, Some("2027-01-31")),
            (Some("repair"), State::Open, None),
            (Some("complaint"), closed, Some("2029-01-30")),
            (Some("complaint"), State::Open, None),
        ];
        for (kind, state, last) in table {
            let case = case(kind, state);
            let Some(last) = last.map(day) else {
                assert_eq!(RULES.fate(&case, day("2050-01-01")), Fate::Stays, "{kind:?}");
                continue;
            };
            assert_eq!(RULES.fate(&case, last), Fate::Stays, "{kind:?}");
            assert!(matches!(RULES.fate(&case, last.succ_opt().unwrap()), Fate::Due(_)), "{kind:?}");
        }
    }

    #[test]
    fn what_is_held_stays_whatever_its_age() {
        let case = Case { is_held: true, ..case(None, State::Open) };
        assert_eq!(RULES.fate(&case, day("2050-01-01")), Fate::Stays);
        assert!(!RULES.may_go_early(&case, day("2050-01-01")));
    }

    #[test]
    fn a_full_disk_takes_old_calls_that_nobody_follows_and_never_a_complaint() {
        let closed = State::Closed { on: day("2026-02-01") };
        let today = day("2026-02-10");
        assert!(RULES.may_go_early(&case(None, State::Open), today));
        assert!(RULES.may_go_early(&case(Some("repair"), closed), today));
        assert!(!RULES.may_go_early(&case(Some("repair"), State::Open), today));
        assert!(!RULES.may_go_early(&case(Some("complaint"), closed), today));
        assert!(!RULES.may_go_early(&case(None, State::Open), day("2026-02-08")));
        assert_eq!(RULES.youngest(today), day("2026-01-11"));
    }

    #[test]
    fn the_disk_lasts_as_long_as_its_room_at_the_rate_of_the_last_weeks() {
        let gb = 1_000_000_000;
        assert_eq!(disk_lasts(83 * gb, gb, 56 * gb, 28), Some(41));
        assert_eq!(disk_lasts(gb, 2 * gb, gb, 28), Some(0));
        assert_eq!(disk_lasts(gb, 0, 0, 28), None);
    }

    #[test]
    fn a_number_is_meant_however_the_carrier_wrote_it() {
        let ways = ways_to_write("138 0000 0000");
        for way in ["13800000000", "+8613800000000", "008613800000000", "013800000000"] {
            assert!(ways.iter().any(|known| known == way), "{way}");
        }
        assert_eq!(ways_to_write("+4930123"), ["+4930123"]);
        assert_eq!(ways_to_write("0"), ["0"]);
    }
}
