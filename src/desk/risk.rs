//! Which calls are worth hearing: points for what a supervisor listens for (`domain.md`, etiquette), each
//! with its reason in words. How much each weighs is the house's to say (`house.toml`, `[risk]`).

use std::time::Duration;

use super::{
    facts::{CallFacts, Circumstances, SideFacts},
    ticket::Side,
};

/// Points, and from where on they are given. Zero points: it does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// Each second in which the operator talks over the caller; 3, at most `talk_over_most` (15).
    pub talk_over: u32,
    pub talk_over_most: u32,
    /// The operator hung up first (the caller does); 8.
    pub hung_up_first: u32,
    /// Not answered within three rings; 5.
    pub flagged: u32,
    /// No greeting within `greeting_within` (3 s) of the answer; 5.
    pub greeting: u32,
    pub greeting_within: Duration,
    /// Silence above `silence_above` (10 s) that is no hold; 4.
    pub silence: u32,
    pub silence_above: Duration,
    /// Held above `hold_above` (60 s); 4.
    pub hold: u32,
    pub hold_above: Duration,
    /// The operator has more than `operator_share_above` percent (75) of the talk; 3.
    pub operator_share: u32,
    pub operator_share_above: u32,
    /// The operator softer than −`soft_below` LUFS (36) or louder than −`loud_above` LUFS (12), or clipped; 3.
    pub loudness: u32,
    pub soft_below: u32,
    pub loud_above: u32,
    /// One side never speaks in a talk of 5 s and more; 8.
    pub one_sided: u32,
    /// The recording's verdict is not good; 6.
    pub recording: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            talk_over: 3,
            talk_over_most: 15,
            hung_up_first: 8,
            flagged: 5,
            greeting: 5,
            greeting_within: Duration::from_secs(3),
            silence: 4,
            silence_above: Duration::from_secs(10),
            hold: 4,
            hold_above: Duration::from_secs(60),
            operator_share: 3,
            operator_share_above: 75,
            loudness: 3,
            soft_below: 36,
            loud_above: 12,
            one_sided: 8,
            recording: 6,
        }
    }
}

/// A talk shorter than this may have a silent side.
const TALK: Duration = Duration::from_secs(5);

/// What speaks for hearing a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Risk {
    pub points: u32,
    /// Heaviest first: `operator cut in for 2.4 s (7)`.
    pub reasons: Vec<String>,
}

/// The points of one call. `facts`: `None` where there is no recording, or nobody has read it yet.
pub fn risk(weights: &Weights, facts: Option<&CallFacts>, circumstances: &Circumstances) -> Risk {
    let mut found: Vec<(u32, String)> = Vec::new();
    if circumstances.flagged {
        found.push((weights.flagged, "answered late".to_owned()));
    }
    if circumstances.answered {
        if circumstances.hung_up_first == Some(Side::Callee) {
            found.push((weights.hung_up_first, "the operator hung up first".to_owned()));
        }
        if !circumstances.sound_recording {
            found.push((weights.recording, "the recording is not whole".to_owned()));
        }
        if circumstances.held > weights.hold_above {
            found.push((weights.hold, format!("held for {}", seconds(circumstances.held))));
        }
    }
    if let Some(facts) = facts {
        of_facts(weights, facts, circumstances.held, &mut found);
    }
    found.retain(|(points, _)| *points > 0);
    found.sort_by_key(|(points, _)| std::cmp::Reverse(*points));
    Risk {
        points: found.iter().fold(0, |sum, (points, _)| sum.saturating_add(*points)),
        reasons: found.into_iter().map(|(points, why)| format!("{why} ({points})")).collect(),
    }
}

fn of_facts(weights: &Weights, facts: &CallFacts, held: Duration, found: &mut Vec<(u32, String)>) {
    let over = facts.operator.talk_over;
    let points = whole_tenths(over).saturating_mul(weights.talk_over).div_ceil(10);
    found.push((points.min(weights.talk_over_most), format!("operator cut in for {}", seconds(over))));
    if facts.length >= TALK {
        match (facts.caller.spoke.is_zero(), facts.operator.spoke.is_zero()) {
            (true, true) => found.push((weights.one_sided, "nobody speaks".to_owned())),
            (true, false) => found.push((weights.one_sided, "the caller never speaks".to_owned())),
            (false, true) => found.push((weights.one_sided, "the operator never speaks".to_owned())),
            (false, false) => {}
        }
        if let Some(greeting) = facts.greeting().filter(|delay| *delay > weights.greeting_within) {
            found.push((weights.greeting, format!("first word after {}", seconds(greeting))));
        }
    }
    // A hold is silence with a reason; it has points of its own.
    if let Some((from, to)) = facts.longest_silence
        && to.saturating_sub(from).saturating_sub(held) > weights.silence_above
    {
        let long = seconds(to.saturating_sub(from));
        found.push((weights.silence, format!("silence of {long} at {}", seconds(from))));
    }
    if let Some(share) = facts.operator_share().filter(|_| !facts.caller.spoke.is_zero())
        && share * 100.0 > f64::from(weights.operator_share_above)
    {
        found.push((weights.operator_share, format!("the operator has {:.0} % of the talk", share * 100.0)));
    }
    if let Some(how) = loudness(weights, &facts.operator) {
        found.push((weights.loudness, format!("the operator is {how}")));
    }
}

fn loudness(weights: &Weights, side: &SideFacts) -> Option<String> {
    let lufs = side.loudness_lufs.filter(|_| !side.spoke.is_zero())?;
    if lufs < -f64::from(weights.soft_below) {
        Some(format!("too soft, {lufs:.0} LUFS"))
    } else if lufs > -f64::from(weights.loud_above) {
        Some(format!("too loud, {lufs:.0} LUFS"))
    } else if side.clipped_samples > 0 {
        Some("clipped".to_owned())
    } else {
        None
    }
}

fn whole_tenths(time: Duration) -> u32 {
    u32::try_from(time.as_millis() / 100).unwrap_or(u32::MAX)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn calm() -> (CallFacts, Circumstances) {
        let side = |from: f64, to: f64| SideFacts {
            speech: vec![(s(from), s(to))],
            spoke: s(to - from),
            loudness_lufs: Some(-23.0),
            ..SideFacts::default()
        };
        let facts = CallFacts {
            length: s(40.0),
            caller: side(4.0, 20.0),
            operator: side(1.0, 4.0),
            longest_silence: Some((s(20.0), s(24.0))),
        };
        let circumstances = Circumstances {
            hung_up_first: Some(Side::Caller),
            sound_recording: true,
            answered: true,
            ..Circumstances::default()
        };
        (facts, circumstances)
    }

    #[test]
    fn a_call_by_the_book_has_no_points() {
        let (facts, circumstances) = calm();
        assert_eq!(risk(&Weights::default(), Some(&facts), &circumstances), Risk::default());
    }

    #[test]
    fn each_fault_has_its_points_and_the_heaviest_comes_first() {
        let (mut facts, mut circumstances) = calm();
        facts.operator.talk_over = s(2.4);
        facts.operator.speech = vec![(s(4.5), s(30.0))];
        facts.operator.spoke = s(60.0);
        facts.operator.loudness_lufs = Some(-38.2);
        facts.longest_silence = Some((s(12.0), s(90.0)));
        circumstances.hung_up_first = Some(Side::Callee);
        circumstances.flagged = true;
        circumstances.held = s(61.0);
        circumstances.sound_recording = false;
        let risk = risk(&Weights::default(), Some(&facts), &circumstances);
        assert_eq!(
            risk.reasons,
            [
                "the operator hung up first (8)",
                "operator cut in for 2.4 s (8)",
                "the recording is not whole (6)",
                "answered late (5)",
                "first word after 4.5 s (5)",
                "held for 61.0 s (4)",
                "silence of 78.0 s at 12.0 s (4)",
                "the operator has 79 % of the talk (3)",
                "the operator is too soft, -38 LUFS (3)",
            ]
        );
        assert_eq!(risk.points, 46);
    }

    #[test]
    fn a_weight_of_zero_takes_a_reason_away_and_talk_over_is_capped() {
        let (mut facts, mut circumstances) = calm();
        facts.operator.talk_over = s(100.0);
        circumstances.flagged = true;
        let weights = Weights { flagged: 0, ..Weights::default() };
        assert_eq!(
            risk(&weights, Some(&facts), &circumstances).reasons,
            ["operator cut in for 100.0 s (15)"]
        );
    }

    #[test]
    fn nobody_heard_from_is_worth_a_look_and_an_abandoned_call_has_nothing_to_hear() {
        let (mut facts, circumstances) = calm();
        facts.caller = SideFacts::default();
        let mute = risk(&Weights::default(), Some(&facts), &circumstances);
        assert_eq!(mute.reasons, ["the caller never speaks (8)"]);
        let abandoned = Circumstances { flagged: true, ..Circumstances::default() };
        assert_eq!(risk(&Weights::default(), None, &abandoned).reasons, ["answered late (5)"]);
    }
}
