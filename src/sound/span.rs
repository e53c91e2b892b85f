//! Stretches of time within a recording.

use std::time::Duration;

/// From a first moment up to another, counted from the recording's first sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub from: Duration,
    pub to: Duration,
}

impl Span {
    /// From `from` up to `to`; empty where they lie the wrong way round.
    pub fn new(from: Duration, to: Duration) -> Self {
        Self { from, to: to.max(from) }
    }

    pub fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    /// What both have in common, if anything.
    pub fn overlap(&self, other: &Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }
}

/// Together how long.
pub fn total(spans: &[Span]) -> Duration {
    spans.iter().map(Span::length).sum()
}

/// The same spans, those that less than `pause` keeps apart made one. They come in order.
pub fn bridged(spans: &[Span], pause: Duration) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.from.saturating_sub(last.to) < pause => last.to = last.to.max(span.to),
            Some(_) | None => joined.push(*span),
        }
    }
    joined
}

/// The longest stretch of a recording of this `length` that no span touches. `spans` in order of their
/// beginnings.
pub fn longest_gap(spans: &[Span], length: Duration) -> Option<Span> {
    let mut quiet_since = Duration::ZERO;
    let mut longest: Option<Span> = None;
    let end = Span { from: length, to: length };
    for span in spans.iter().chain([&end]) {
        let gap = Span::new(quiet_since, span.from);
        if gap.length() > longest.map_or(Duration::ZERO, |known| known.length()) {
            longest = Some(gap);
        }
        quiet_since = quiet_since.max(span.to);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: u64, to: u64) -> Span {
        Span::new(Duration::from_millis(from), Duration::from_millis(to))
    }

    #[test]
    fn short_pauses_do_not_part_a_sentence() {
        let spans = [span(0, 400), span(500, 900), span(2000, 2100)];
        assert_eq!(bridged(&spans, Duration::from_millis(200)), [span(0, 900), span(2000, 2100)]);
        assert_eq!(bridged(&spans, Duration::from_millis(100)), spans);
    }

    #[test]
    fn the_longest_gap_may_be_at_the_beginning_or_the_end() {
        let length = Duration::from_secs(10);
        assert_eq!(longest_gap(&[], length), Some(span(0, 10_000)));
        assert_eq!(longest_gap(&[span(4000, 9000)], length), Some(span(0, 4000)));
        assert_eq!(longest_gap(&[span(0, 6000), span(1000, 2000)], length), Some(span(6000, 10_000)));
        assert_eq!(longest_gap(&[span(0, 10_000)], length), None);
    }
}
