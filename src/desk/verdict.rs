//! What to think of a recording, from what the recorder counted: decided at hang-up, in words.

use std::time::Duration;

use super::ticket::{Outcome, RecordingReport, SideReport, Verdict};

/// A file may be shorter than the talk by this much: the recorder closes it a moment before or after the
/// call ends. Twice as much would hide a lost word.
const SHORT_BY: Duration = Duration::from_millis(500);

/// Lost audio of one side that nobody hears, in a short recording and in a long one (a share of it);
/// beyond the larger the recording is degraded. Doubled, a lost sentence can pass for good.
const LOST: Duration = Duration::from_millis(500);
const LOST_SHARE: u64 = 100;

/// A talk shorter than this may have a silent side: somebody listened, and hung up.
const TALK: Duration = Duration::from_secs(5);

/// The verdict on a message: nobody speaks on its right side, so that is not looked at.
pub fn message_verdict(report: &RecordingReport, talked: Duration) -> Verdict {
    let nobody = SideReport { packets: 1, audible_samples: 1, ..SideReport::default() };
    verdict(&RecordingReport { operator: nobody, ..report.clone() }, talked)
}

/// The verdict where nothing was asked of the recorder.
pub fn nothing_to_record(outcome: Option<Outcome>) -> Verdict {
    Verdict::None(outcome.map_or("the call came to nothing", Outcome::words).to_owned())
}

/// The verdict on a closed recording of a talk that took so long.
pub fn verdict(report: &RecordingReport, talked: Duration) -> Verdict {
    let time = |samples: u64| {
        Duration::from_micros(samples.saturating_mul(1_000_000) / u64::from(report.sample_rate.max(1)))
    };
    if report.samples == 0 && talked > SHORT_BY {
        return Verdict::Failed("the file is empty".to_owned());
    }
    if talked >= TALK {
        let silent = |side: &SideReport| match (side.packets, side.audible_samples) {
            (0, _) => Some("no RTP"),
            (_, 0) => Some("RTP, but no audio"),
            _ => None,
        };
        match (silent(&report.caller), silent(&report.operator)) {
            (Some(why), Some(_)) => return Verdict::OneSided(format!("both sides silent: {why}")),
            (Some(why), None) => return Verdict::OneSided(format!("caller: {why}")),
            (None, Some(why)) => return Verdict::OneSided(format!("operator: {why}")),
            (None, None) => {}
        }
    }
    let mut missing = Vec::new();
    for (name, side) in [("caller", &report.caller), ("operator", &report.operator)] {
        let lost = time(side.lost_samples);
        if lost > LOST.max(time(report.samples / LOST_SHARE)) {
            missing.push(format!("{name}: {:.1} s lost", lost.as_secs_f64()));
        }
    }
    if report.unwritten_samples > 0 {
        missing.push(format!("{:.1} s not written to disk", time(report.unwritten_samples).as_secs_f64()));
    }
    if report.tap_dropped > 0 {
        missing.push(format!("{} packets dropped by us", report.tap_dropped));
    }
    let short = talked.saturating_sub(report.duration());
    if short > SHORT_BY {
        missing.push(format!("{:.1} s shorter than the talk", short.as_secs_f64()));
    }
    if missing.is_empty() { Verdict::Good } else { Verdict::Degraded(missing.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seconds: u64) -> RecordingReport {
        let side = SideReport { packets: seconds * 50, audible_samples: 8000, ..SideReport::default() };
        RecordingReport {
            path: "a.wav".into(),
            sample_rate: 8000,
            samples: seconds * 8000,
            caller: side.clone(),
            operator: side,
            unwritten_samples: 0,
            tap_dropped: 0,
            late_syncs: 0,
        }
    }

    #[test]
    fn a_whole_recording_is_good() {
        assert_eq!(verdict(&report(30), Duration::from_millis(30_400)), Verdict::Good);
    }

    #[test]
    fn what_is_missing_is_said_in_words() {
        let mut poor = report(30);
        poor.caller.lost_samples = 12_000;
        poor.unwritten_samples = 8000;
        poor.tap_dropped = 3;
        let words = "caller: 1.5 s lost, 1.0 s not written to disk, 3 packets dropped by us, 2.0 s shorter than the talk";
        assert_eq!(verdict(&poor, Duration::from_secs(32)), Verdict::Degraded(words.to_owned()));
    }

    #[test]
    fn one_percent_of_a_long_talk_may_be_lost() {
        let mut long = report(600);
        long.caller.lost_samples = 48_000;
        assert_eq!(verdict(&long, Duration::from_secs(600)), Verdict::Good);
        long.caller.lost_samples = 48_800;
        let words = "caller: 6.1 s lost".to_owned();
        assert_eq!(verdict(&long, Duration::from_secs(600)), Verdict::Degraded(words));
    }

    #[test]
    fn a_silent_side_is_named_unless_the_talk_was_short() {
        let mut deaf = report(30);
        deaf.operator.audible_samples = 0;
        assert_eq!(
            verdict(&deaf, Duration::from_secs(30)),
            Verdict::OneSided("operator: RTP, but no audio".to_owned())
        );
        let mut short = report(3);
        short.operator = SideReport::default();
        assert_eq!(verdict(&short, Duration::from_secs(3)), Verdict::Good);
        assert_eq!(
            verdict(&report(0), Duration::from_secs(9)),
            Verdict::Failed("the file is empty".to_owned())
        );
    }
}
