//! Two sides beside each other: who talked over whom, where nobody said anything.

use std::time::Duration;

use super::{
    side::SideSound,
    span::{Span, longest_gap},
};

/// Two voices at once for less than this are a nod (“嗯”), or the detector's own blur.
const OVERLAP: Duration = Duration::from_millis(250);

/// One of the two channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Voice {
    /// The outside party.
    Left,
    /// The desk.
    Right,
}

/// Both talk at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TalkOver {
    pub span: Span,
    /// Who began while the other was speaking.
    pub by: Voice,
}

/// What a recorded call sounds like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversation {
    pub length: Duration,
    pub left: SideSound,
    pub right: SideSound,
    /// In order.
    pub talk_over: Vec<TalkOver>,
    /// Where neither says anything for longest, beginning and end included.
    pub longest_silence: Option<Span>,
}

impl Conversation {
    /// Of two sides of the same recording.
    pub fn of(left: SideSound, right: SideSound, length: Duration) -> Self {
        let talk_over = talk_over(&left, &right);
        let mut both: Vec<Span> = left.speech.iter().chain(&right.speech).copied().collect();
        both.sort_unstable();
        let longest_silence = longest_gap(&both, length);
        Self { length, left, right, talk_over, longest_silence }
    }

    /// Seconds in which both talk, and one of them, `by`, had cut in.
    pub fn talked_over(&self, by: Voice) -> Duration {
        self.talk_over.iter().filter(|over| over.by == by).map(|over| over.span.length()).sum()
    }

    /// How often `by` cut in.
    pub fn cut_ins(&self, by: Voice) -> u32 {
        u32::try_from(self.talk_over.iter().filter(|over| over.by == by).count()).unwrap_or(u32::MAX)
    }

    /// The left side's share of all speech, 0 to 1; `None`: nobody speaks.
    pub fn left_share(&self) -> Option<f64> {
        let (left, right) = (self.left.spoke().as_secs_f64(), self.right.spoke().as_secs_f64());
        (left + right > 0.0).then(|| left / (left + right))
    }
}

/// Where both voices are. Whose sentence began later cut in.
fn talk_over(left: &SideSound, right: &SideSound) -> Vec<TalkOver> {
    let mut found = Vec::new();
    let mut from = 0;
    for ours in &left.speech {
        // Sentences of a side come in order and apart: those that ended before ours never meet a later one.
        while right.speech.get(from).is_some_and(|theirs| theirs.to <= ours.from) {
            from += 1;
        }
        for theirs in right.speech.iter().skip(from).take_while(|theirs| theirs.from < ours.to) {
            let by = if theirs.from >= ours.from { Voice::Right } else { Voice::Left };
            let Some(span) = ours.overlap(theirs) else { continue };
            if voiced(&left.voice, &right.voice, span) >= OVERLAP {
                found.push(TalkOver { span, by });
            }
        }
    }
    found
}

/// How long within `span` both are really heard: what one says in the other's pause is no talk-over.
fn voiced(left: &[Span], right: &[Span], span: Span) -> Duration {
    let within = |voice: &[Span]| -> Vec<Span> {
        let first = voice.partition_point(|one| one.to <= span.from);
        voice.iter().skip(first).map_while(|one| one.overlap(&span)).collect()
    };
    let (left, right) = (within(left), within(right));
    left.iter()
        .flat_map(|ours| right.iter().filter_map(move |theirs| ours.overlap(theirs)))
        .map(|s| s.length())
        .sum()
}

#[cfg(test)]
mod tests;
