//! How often somebody may fail to sign in: so many times a minute for each address, and for each name.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Names and addresses that are remembered at once. When full, those that failed longest ago are forgotten:
/// whoever can fill it in a minute comes from ten thousand addresses.
const MOST: usize = 10_000;

/// A failure counts for so long.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// Counts failures.
#[derive(Debug)]
pub(super) struct Throttle {
    per_minute: u32,
    failures: Mutex<BTreeMap<String, Vec<DateTime<Utc>>>>,
}

impl Throttle {
    /// 0 per minute: nobody is slowed down.
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute, failures: Mutex::default() }
    }

    /// The seconds to wait, where one of these failed too often.
    pub(super) fn wait(&self, who: &[String], now: DateTime<Utc>) -> Option<u64> {
        if self.per_minute == 0 {
            return None;
        }
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let most = usize::try_from(self.per_minute).unwrap_or(usize::MAX);
        who.iter()
            .filter_map(|one| {
                let recent: Vec<&DateTime<Utc>> =
                    failures.get(one)?.iter().filter(|at| now.signed_duration_since(**at) < WINDOW).collect();
                let first = recent.len().checked_sub(most).and_then(|at| recent.get(at))?;
                let left = WINDOW - now.signed_duration_since(**first);
                u64::try_from(left.num_seconds()).ok().map(|seconds| seconds.saturating_add(1))
            })
            .max()
    }

    pub(super) fn failed(&self, who: &[String], now: DateTime<Utc>) {
        if self.per_minute == 0 {
            return;
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for one in who {
            let times = failures.entry(one.clone()).or_default();
            times.retain(|at| now.signed_duration_since(*at) < WINDOW);
            times.push(now);
        }
        if failures.len() > MOST {
            failures
                .retain(|_, times| times.last().is_some_and(|at| now.signed_duration_since(*at) < WINDOW));
        }
        while failures.len() > MOST {
            failures.pop_first();
        }
    }

    /// Somebody signed in: their earlier slips are forgiven.
    pub(super) fn passed(&self, who: &[String]) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for one in who {
            failures.remove(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn who_fails_too_often_waits_until_the_first_failure_is_a_minute_old() {
        let throttle = Throttle::new(3);
        let who = ["address 127.0.0.1".to_owned(), "user li".to_owned()];
        for second in 0..3 {
            assert_eq!(throttle.wait(&who, at(second)), None);
            throttle.failed(&who, at(second));
        }
        assert_eq!(throttle.wait(&who, at(3)), Some(58));
        assert_eq!(throttle.wait(&who[1..], at(3)), Some(58), "from another address, too");
        assert_eq!(throttle.wait(&["user wang".to_owned()], at(3)), None);
        assert_eq!(throttle.wait(&who, at(60)), None);
        throttle.passed(&who);
        assert_eq!(throttle.wait(&who, at(3)), None);
    }

    #[test]
    fn a_flood_of_names_costs_bounded_memory() {
        let throttle = Throttle::new(3);
        for name in 0..MOST + 100 {
            throttle.failed(&[format!("user {name}")], at(0));
        }
        assert_eq!(throttle.failures.lock().unwrap().len(), MOST);
    }
}
