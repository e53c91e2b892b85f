//! A repair's dispatch order (维修派工单), from the appointment to the order's return, and the house-repair
//! notice (房屋返修通知单) to the builder. Never reads a clock.
//!
//! Reading starts at [`WorkOrder::change`].

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    matter::{Line, Refusal, field::yuan},
    ticket::{LocalTime, TicketId},
};

/// An order's number, as it is printed: `P000042`. Counts through, gaps are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderId(pub i64);

impl std::fmt::Display for OrderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "P{:06}", self.0)
    }
}

/// Text that is no order number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order number looks like P000042")]
pub struct BadOrderId;

impl std::str::FromStr for OrderId {
    type Err = BadOrderId;

    fn from_str(text: &str) -> Result<Self, BadOrderId> {
        let digits = text.trim_start_matches(['P', 'p']);
        let number = digits.parse().ok().filter(|number| *number > 0).ok_or(BadOrderId)?;
        Ok(Self(number))
    }
}

/// How much work it is; the return visit hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Extent {
    /// 入户维修
    InHome,
    /// 维修工程
    Project,
}

impl Extent {
    pub const ALL: [Self; 2] = [Self::InHome, Self::Project];

    /// As the database and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::InHome => "in_home",
            Self::Project => "project",
        }
    }

    /// What has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// When the crew comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appointment {
    pub from: LocalTime,
    pub to: LocalTime,
    pub crew_agreed: Option<LocalTime>,
    pub resident_agreed: Option<LocalTime>,
}

/// What was built in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// `2`, `1.5 m`.
    pub quantity: String,
    /// For all of it.
    pub price_fen: i64,
}

/// The resident's word on the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    pub at: LocalTime,
    /// Who signed.
    pub by: String,
    pub opinion: String,
}

/// One dispatch order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkOrder {
    pub id: OrderId,
    pub matter: TicketId,
    pub extent: Extent,
    /// Somebody goes at once, without an appointment.
    pub rush: bool,
    pub crew: String,
    pub made: LocalTime,
    pub made_by: String,
    pub appointment: Option<Appointment>,
    pub dispatched: Option<LocalTime>,
    pub arrived: Option<LocalTime>,
    pub finished: Option<LocalTime>,
    pub work: String,
    pub parts: Vec<Part>,
    pub labour_fen: i64,
    pub accepted: Option<Acceptance>,
    /// The paper is back at the desk.
    pub returned: Option<LocalTime>,
    /// The order whose repair did not hold.
    pub second_of: Option<OrderId>,
    pub cancelled: Option<LocalTime>,
}

/// What happens to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderChange {
    /// A time is proposed, or another instead; both sides have to agree anew.
    Appoint {
        from: LocalTime,
        to: LocalTime,
        why: String,
    },
    CrewAgrees,
    ResidentAgrees,
    Dispatch,
    Arrive,
    Finish {
        work: String,
        parts: Vec<Part>,
        labour_fen: i64,
    },
    Accept {
        by: String,
        opinion: String,
    },
    Return,
    Cancel {
        why: String,
    },
}

impl WorkOrder {
    /// What the resident pays.
    pub fn charge_fen(&self) -> i64 {
        self.parts.iter().fold(self.labour_fen, |sum, part| sum.saturating_add(part.price_fen))
    }

    /// Nothing is left to be done for it but bringing the paper back.
    pub fn is_over(&self) -> bool {
        self.finished.is_some() || self.cancelled.is_some()
    }

    /// When the desk is warned that the crew has not arrived: so long *before* the appointment, so that
    /// the resident can still be called before the time.
    pub fn warn_at(&self, minutes: u32) -> Option<DateTime<Utc>> {
        let waits = self.arrived.is_none() && !self.is_over();
        let appointment = self.appointment.filter(|_| waits)?;
        appointment.from.to_utc().checked_sub_signed(TimeDelta::minutes(i64::from(minutes)))
    }

    /// Whether the crew kept its time; `None` without an appointment, or before it is decided.
    pub fn on_time(&self, now: DateTime<Utc>) -> Option<bool> {
        let until = self.appointment.filter(|_| self.cancelled.is_none())?.to.to_utc();
        match self.arrived {
            Some(arrived) => Some(arrived.to_utc() <= until),
            None if now > until => Some(false),
            None => None,
        }
    }

    /// Takes in what happened.
    ///
    /// # Errors
    /// Its turn has not come, or it is over; nothing was changed.
    pub fn change(&mut self, change: OrderChange, at: LocalTime) -> Result<Line, Refusal> {
        if self.cancelled.is_some() {
            return refuse(format!("{} is cancelled", self.id));
        }
        match change {
            OrderChange::Appoint { from, to, why } => self.appoint(from, to, &why),
            OrderChange::CrewAgrees => self.agree("crew agreed", at, |a| &mut a.crew_agreed),
            OrderChange::ResidentAgrees => self.agree("resident agreed", at, |a| &mut a.resident_agreed),
            OrderChange::Dispatch => {
                let agreed =
                    self.appointment.is_some_and(|a| a.crew_agreed.is_some() && a.resident_agreed.is_some());
                if !agreed && !self.rush {
                    return refuse("crew and resident have to agree on a time first".to_owned());
                }
                self.step("dispatched", at, |o| &mut o.dispatched)
            }
            OrderChange::Arrive if self.dispatched.is_none() => refuse("dispatch it first".to_owned()),
            OrderChange::Arrive => self.step("arrived", at, |o| &mut o.arrived),
            OrderChange::Finish { work, parts, labour_fen } => {
                if self.arrived.is_none() {
                    return refuse("nobody has arrived yet".to_owned());
                }
                if labour_fen < 0 || parts.iter().any(|part| part.price_fen < 0) {
                    return refuse("a charge is not negative".to_owned());
                }
                if work.trim().is_empty() {
                    return refuse("say what was done".to_owned());
                }
                let mut line = self.step("finished", at, |o| &mut o.finished)?;
                work.trim().clone_into(&mut self.work);
                self.parts = parts;
                self.labour_fen = labour_fen;
                line.after = Some(format!("{}; charged {}", self.work, yuan(self.charge_fen())));
                Ok(line)
            }
            OrderChange::Accept { by, opinion } => {
                if self.finished.is_none() {
                    return refuse("it is not finished yet".to_owned());
                }
                if self.accepted.is_some() {
                    return refuse("it was accepted already".to_owned());
                }
                let words = format!("{} {}", by.trim(), opinion.trim());
                self.accepted = Some(Acceptance { at, by: by.trim().into(), opinion: opinion.trim().into() });
                Ok(Line { what: "accepted", before: None, after: Some(words.trim().to_owned()) })
            }
            OrderChange::Return if self.finished.is_none() => refuse("it is not finished yet".to_owned()),
            OrderChange::Return => self.step("order returned", at, |o| &mut o.returned),
            OrderChange::Cancel { .. } if self.finished.is_some() => refuse("it is finished".to_owned()),
            OrderChange::Cancel { why } if why.trim().is_empty() => refuse("say why".to_owned()),
            OrderChange::Cancel { why } => {
                self.cancelled = Some(at);
                Ok(Line { what: "cancelled", before: None, after: Some(why.trim().to_owned()) })
            }
        }
    }

    fn appoint(&mut self, from: LocalTime, to: LocalTime, why: &str) -> Result<Line, Refusal> {
        if self.arrived.is_some() {
            return refuse("the crew is there already".to_owned());
        }
        if to <= from {
            return refuse("an appointment ends after it begins".to_owned());
        }
        if self.appointment.is_some() && why.trim().is_empty() {
            return refuse("say why another time".to_owned());
        }
        let words = |a: Appointment| {
            format!("{} to {}", a.from.format("%Y-%m-%d %H:%M"), a.to.format("%Y-%m-%d %H:%M"))
        };
        let appointment = Appointment { from, to, crew_agreed: None, resident_agreed: None };
        let before = self.appointment.replace(appointment).map(words);
        let after = format!("{} {}", words(appointment), why.trim()).trim().to_owned();
        Ok(Line { what: "appointment", before, after: Some(after) })
    }

    fn agree(
        &mut self,
        what: &'static str,
        at: LocalTime,
        side: impl Fn(&mut Appointment) -> &mut Option<LocalTime>,
    ) -> Result<Line, Refusal> {
        let Some(appointment) = self.appointment.as_mut() else {
            return refuse("there is no time to agree on".to_owned());
        };
        let agreed = side(appointment);
        if agreed.is_some() {
            return refuse("it is agreed already".to_owned());
        }
        *agreed = Some(at);
        Ok(Line { what, before: None, after: Some(appointment.from.format("%Y-%m-%d %H:%M").to_string()) })
    }

    fn step(
        &mut self,
        what: &'static str,
        at: LocalTime,
        which: impl Fn(&mut Self) -> &mut Option<LocalTime>,
    ) -> Result<Line, Refusal> {
        let step = which(self);
        if step.is_some() {
            return refuse(format!("it was {what} already"));
        }
        *step = Some(at);
        Ok(Line { what, before: None, after: Some(at.format("%Y-%m-%d %H:%M").to_string()) })
    }
}

fn refuse<T>(why: String) -> Result<T, Refusal> {
    Err(Refusal(why))
}

/// A house-repair notice to the builder, and its reminders (催改函).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuilderNotice {
    pub id: i64,
    pub matter: TicketId,
    pub builder: String,
    pub what: String,
    pub sent: LocalTime,
    pub reminded: Vec<LocalTime>,
    pub answered: Option<(LocalTime, String)>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> LocalTime {
        format!("2026-11-24T{text}:00+08:00").parse().unwrap()
    }

    fn order() -> WorkOrder {
        WorkOrder {
            id: OrderId(42),
            matter: "20261124-0001".parse().unwrap(),
            extent: Extent::InHome,
            rush: false,
            crew: "水电班".into(),
            made: at("09:00"),
            made_by: "王芳".into(),
            appointment: None,
            dispatched: None,
            arrived: None,
            finished: None,
            work: String::new(),
            parts: Vec::new(),
            labour_fen: 0,
            accepted: None,
            returned: None,
            second_of: None,
            cancelled: None,
        }
    }

    fn appoint() -> OrderChange {
        OrderChange::Appoint { from: at("14:00"), to: at("15:00"), why: "call".into() }
    }

    fn finish() -> OrderChange {
        let part = Part { name: "阀门".into(), quantity: "2".into(), price_fen: 3550 };
        OrderChange::Finish { work: "换阀门".into(), parts: vec![part], labour_fen: 5000 }
    }

    fn accept() -> OrderChange {
        OrderChange::Accept { by: "王建国".into(), opinion: "满意".into() }
    }

    #[test]
    fn an_order_goes_its_way_from_appointment_to_return() {
        let mut order = order();
        for (change, line) in [
            (appoint(), "appointment: 2026-11-24 14:00 to 2026-11-24 15:00 call"),
            (OrderChange::CrewAgrees, "crew agreed: 2026-11-24 14:00"),
            (OrderChange::ResidentAgrees, "resident agreed: 2026-11-24 14:00"),
            (OrderChange::Dispatch, "dispatched: 2026-11-24 14:30"),
            (OrderChange::Arrive, "arrived: 2026-11-24 14:30"),
            (finish(), "finished: 换阀门; charged 85.50"),
            (accept(), "accepted: 王建国 满意"),
            (OrderChange::Return, "order returned: 2026-11-24 14:30"),
        ] {
            let kept = order.change(change, at("14:30")).unwrap();
            assert_eq!(format!("{}: {}", kept.what, kept.after.unwrap()), line);
        }
        assert_eq!(order.on_time(at("20:00").to_utc()), Some(true));
    }

    #[test]
    fn no_step_is_left_out_or_done_twice() {
        for (before, change, why) in [
            (vec![], OrderChange::CrewAgrees, "there is no time to agree on"),
            (
                vec![appoint(), OrderChange::CrewAgrees],
                OrderChange::Dispatch,
                "crew and resident have to agree on a time first",
            ),
            (
                vec![appoint()],
                OrderChange::Appoint { from: at("16:00"), to: at("17:00"), why: " ".into() },
                "say why another time",
            ),
            (vec![], OrderChange::Arrive, "dispatch it first"),
            (vec![], finish(), "nobody has arrived yet"),
            (vec![], accept(), "it is not finished yet"),
            (vec![], OrderChange::Return, "it is not finished yet"),
            (vec![OrderChange::Cancel { why: "resident moved".into() }], appoint(), "P000042 is cancelled"),
        ] {
            let mut order = order();
            for done in before {
                order.change(done, at("10:00")).unwrap();
            }
            let unchanged = order.clone();
            assert_eq!(order.change(change, at("10:00")).unwrap_err().to_string(), why);
            assert_eq!(order, unchanged);
        }
    }

    #[test]
    fn the_desk_is_warned_before_the_time_and_no_longer_when_the_crew_is_there() {
        let mut order = WorkOrder { rush: true, ..order() };
        assert_eq!(order.warn_at(30), None);
        order.change(appoint(), at("10:00")).unwrap();
        assert_eq!(order.warn_at(30), Some(at("13:30").to_utc()));
        assert_eq!(order.on_time(at("14:59").to_utc()), None);
        assert_eq!(order.on_time(at("15:01").to_utc()), Some(false));
        order.change(OrderChange::Dispatch, at("13:00")).unwrap();
        order.change(OrderChange::Arrive, at("15:30")).unwrap();
        assert_eq!((order.warn_at(30), order.on_time(at("20:00").to_utc())), (None, Some(false)));
    }

    #[test]
    fn an_order_number_is_read_as_it_is_printed() {
        assert_eq!(OrderId(42).to_string().parse(), Ok(OrderId(42)));
        for text in ["", "P", "P0", "P-1", "42x"] {
            assert_eq!(text.parse::<OrderId>(), Err(BadOrderId), "{text}");
        }
    }

    proptest! {
        /// Whatever is done in whatever order: no step stands without the one before it.
        #[test]
        fn the_life_of_an_order_has_no_holes(steps in prop::collection::vec(0_usize..9, 0..30), rush in any::<bool>()) {
            let changes = [
                appoint(), OrderChange::CrewAgrees, OrderChange::ResidentAgrees, OrderChange::Dispatch, OrderChange::Arrive,
                finish(), accept(), OrderChange::Return, OrderChange::Cancel { why: "x".into() },
            ];
            let mut order = WorkOrder { rush, ..order() };
            for step in steps {
                let before = order.clone();
                if order.change(changes[step].clone(), at("10:00")).is_err() {
                    prop_assert_eq!(&order, &before);
                }
            }
            prop_assert!(order.arrived.is_none() || order.dispatched.is_some());
            prop_assert!(order.finished.is_none() || order.arrived.is_some());
            prop_assert!(order.accepted.is_none() || order.finished.is_some());
            prop_assert!(order.returned.is_none() || order.finished.is_some());
            prop_assert!(order.cancelled.is_none() || order.finished.is_none());
        }
    }
}
