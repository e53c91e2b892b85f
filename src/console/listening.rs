//! What a recording says, as text below a ticket's page: both sides, the gap map, why it is worth
//! hearing. Pure.

use std::time::Duration;

use super::text::printable;
use crate::{
    desk::{
        facts::{CallFacts, SideFacts},
        risk::Risk,
        ticket::RecordingReport,
    },
    store::{call_facts::Heard, gaps::KeptGap},
};

/// Columns of the gap map: a second each in a call of a minute.
const MAP: u32 = 60;

/// Everything that is known of a recording; empty where there is none.
pub fn page(report: Option<&RecordingReport>, heard: &Heard, gaps: &[KeptGap], risk: &Risk) -> String {
    let mut text = String::new();
    let mut line = |name: &str, words: String| text += &format!("  {name:<10} {}\n", printable(&words));
    if let Some(report) = report {
        for (name, side, facts) in [
            ("caller", &report.caller, heard.facts.as_ref().map(|facts| &facts.caller)),
            ("operator", &report.operator, heard.facts.as_ref().map(|facts| &facts.operator)),
        ] {
            let time = |samples: u64| {
                Duration::from_micros(
                    samples.saturating_mul(1_000_000) / u64::from(report.sample_rate.max(1)),
                )
            };
            line(
                name,
                side_words(report.duration(), time(side.lost_samples), time(side.audible_samples), facts),
            );
        }
        for side in ["caller", "operator"] {
            let of_side: Vec<&KeptGap> = gaps.iter().filter(|gap| gap.side == side).collect();
            if let Some(first) = of_side.first() {
                let map = map(report.duration(), &of_side);
                line("gaps", format!("{side:<9}{map} first at {}", seconds(first.from)));
            }
        }
    }
    if let Some(facts) = &heard.facts {
        conversation(facts, &mut line);
    }
    if !heard.circumstances.held.is_zero() {
        line("held", seconds(heard.circumstances.held));
    }
    if risk.points > 0 {
        line("risk", format!("{}: {}", risk.points, risk.reasons.join(", ")));
    }
    if text.is_empty() { text } else { format!("\nsound\n{text}") }
}

fn side_words(length: Duration, lost: Duration, audible: Duration, facts: Option<&SideFacts>) -> String {
    let Some(facts) = facts else {
        let silent = length.saturating_sub(audible).saturating_sub(lost);
        return format!("audible {}, lost {}, silent {}", seconds(audible), seconds(lost), seconds(silent));
    };
    let silent = length.saturating_sub(facts.spoke).saturating_sub(lost);
    let mut words =
        format!("speech {}, lost {}, silent {}", seconds(facts.spoke), seconds(lost), seconds(silent));
    if let Some(lufs) = facts.loudness_lufs {
        words += &format!(", {lufs:.1} LUFS");
    }
    if let Some(noise) = facts.noise_dbfs {
        words += &format!(", noise {noise:.0} dBFS");
    }
    if facts.clipped_samples > 0 {
        words += &format!(", {} samples clipped", facts.clipped_samples);
    }
    words
}

fn conversation(facts: &CallFacts, line: &mut impl FnMut(&str, String)) {
    if let Some(greeting) = facts.greeting() {
        line("greeting", format!("after {}", seconds(greeting)));
    }
    if let Some(share) = facts.operator_share() {
        line("share", format!("operator {:.0} %", share * 100.0));
    }
    for (who, side) in [("operator", &facts.operator), ("caller", &facts.caller)] {
        if side.cut_ins > 0 {
            line(
                "talk over",
                format!("{} by the {who}, who cut in {} times", seconds(side.talk_over), side.cut_ins),
            );
        }
    }
    if let Some((from, to)) = facts.longest_silence {
        line("silence", format!("{} at {}", seconds(to.saturating_sub(from)), seconds(from)));
    }
}

/// `[....#.....]`: each column a part of the recording, `#` where something is missing.
fn map(length: Duration, gaps: &[&KeptGap]) -> String {
    let column = |n: u32| length * n / MAP;
    let missing = |n: u32| gaps.iter().any(|gap| gap.from < column(n + 1) && gap.to > column(n));
    let columns: String = (0..MAP).map(|n| if missing(n) { '#' } else { '.' }).collect();
    format!("[{columns}]")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{desk::facts::Circumstances, store::fixture::report};

    #[test]
    fn a_recording_says_what_it_holds_and_where_it_has_gaps() {
        let s = Duration::from_secs;
        let gap = |from, to| KeptGap { side: "caller".into(), from: s(from), to: s(to), lost: s(1) };
        let side = |from: u64, to: u64| SideFacts {
            speech: vec![(s(from), s(to))],
            spoke: s(to - from),
            loudness_lufs: Some(-23.04),
            noise_dbfs: Some(-61.6),
            ..SideFacts::default()
        };
        let mut operator = side(2, 50);
        (operator.cut_ins, operator.talk_over, operator.clipped_samples) =
            (2, Duration::from_millis(2_400), 9);
        let facts = CallFacts {
            length: s(121),
            caller: side(50, 80),
            operator,
            longest_silence: Some((s(80), s(121))),
        };
        let heard = Heard {
            facts: Some(facts),
            circumstances: Circumstances { held: s(5), ..Circumstances::default() },
        };
        let risk = Risk { points: 8, reasons: vec!["the operator hung up first (8)".into()] };
        expect![[r#"

            sound
              caller     speech 30.0 s, lost 0.0 s, silent 91.0 s, -23.0 LUFS, noise -62 dBFS
              operator   speech 48.0 s, lost 0.0 s, silent 73.0 s, -23.0 LUFS, noise -62 dBFS, 9 samples clipped
              gaps       caller   [....##......................................................] first at 10.0 s
              greeting   after 2.0 s
              share      operator 62 %
              talk over  2.4 s by the operator, who cut in 2 times
              silence    41.0 s at 80.0 s
              held       5.0 s
              risk       8: the operator hung up first (8)
        "#]]
        .assert_eq(&page(Some(&report(7)), &heard, &[gap(10, 11), gap(11, 12)], &risk));
        let unread = page(Some(&report(7)), &Heard::default(), &[], &Risk::default());
        expect![[r#"

            sound
              caller     audible 50.0 s, lost 0.0 s, silent 71.0 s
              operator   audible 37.5 s, lost 0.0 s, silent 83.5 s
        "#]]
        .assert_eq(&unread);
        assert_eq!(page(None, &Heard::default(), &[], &Risk::default()), "");
    }
}
