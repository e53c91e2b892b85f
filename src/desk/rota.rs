//! Who is on duty when: shifts with days and times, over midnight and over DST.

use chrono::{NaiveTime, Weekday};

/// All shifts of the house, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rota {
    pub zone: Option<chrono_tz::Tz>,
    pub shifts: Vec<Shift>,
}

/// One shift: from `from` to `to` local time on these weekdays (the day on which it starts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// `early`, `late`, `night`.
    pub name: String,
    pub days: Vec<Weekday>,
    pub from: NaiveTime,
    /// At or before `from`: the shift ends on the next day.
    pub to: NaiveTime,
    /// Who sits at the desk, for the ticket.
    pub operator: Option<String>,
    /// Names of the phones that ring; empty: all phones.
    pub phones: Vec<String>,
    /// Mobiles of this shift, in order; empty: the house's list.
    pub mobiles: Vec<String>,
}
