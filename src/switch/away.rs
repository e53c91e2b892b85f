//! Away and back: the operator leaves the desk, and the hotline goes to the mobiles until the end of the
//! shift, a given time, or the word that somebody is back.

use super::{Moment, Output, Switch};
use crate::{call::staffing::Away, desk::ticket::LocalTime};

impl Switch {
    /// The desk is empty from now on. Without an end: until the shift on duty is over, where the house
    /// says so and there is one.
    pub(super) fn go_away(&mut self, by: String, until: Option<LocalTime>, now: Moment) {
        let shift_ends = || {
            let duty = self.house.rota.on_duty(now.wall.to_utc())?;
            Some(duty.ends.with_timezone(now.wall.offset()))
        };
        let until = match until {
            Some(until) => Some(until),
            None if self.house.away.until_end_of_shift => shift_ends(),
            None => None,
        };
        self.set_away(Some(Away { since: now.wall, until, by }), now);
    }

    /// Somebody sits at the desk again.
    pub(super) fn come_back(&mut self, now: Moment) {
        self.set_away(None, now);
    }

    /// Whether the hotline goes to the mobiles because somebody said so.
    pub(super) fn is_away(&self, now: Moment) -> bool {
        self.away.as_ref().is_some_and(|away| away.until.is_none_or(|until| now.wall < until))
    }

    fn set_away(&mut self, away: Option<Away>, now: Moment) {
        self.away = away;
        self.watch_away(now);
        self.out.push(Output::SaveAway(self.away.clone()));
        self.lamps.touch();
    }

    /// Notes when it ends by itself.
    pub(super) fn watch_away(&mut self, now: Moment) {
        let until = self.away.as_ref().and_then(|away| away.until);
        self.away_ends = until.map(|until| now.instant_of(until.to_utc()));
    }

    /// Its time may be up.
    pub(super) fn away_deadline(&mut self, now: Moment) {
        if self.away_ends.is_none_or(|at| at > now.mono) {
            return;
        }
        if self.is_away(now) {
            // The wall clock was set back meanwhile.
            return self.watch_away(now);
        }
        self.set_away(None, now);
    }
}
