//! Where samples are missing on one channel: few stretches, however many packets were lost.

/// Stretches that are kept. Beyond, those nearest to each other become one. Doubled, a recording whose
/// network fails all the time takes 1.5 KB more.
const MOST: usize = 64;

/// A stretch in which samples are missing, in samples since the Join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from: u64,
    pub to: u64,
    /// How many; fewer than the stretch is long where stretches became one.
    pub lost: u64,
}

/// The stretches of one channel, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps(Vec<Gap>);

impl Gaps {
    /// Notes that `lost` samples from `from` on are missing. They come in order.
    pub fn note(&mut self, from: u64, lost: u64) {
        if lost == 0 {
            return;
        }
        let to = from.saturating_add(lost);
        match self.0.last_mut() {
            Some(last) if from <= last.to => {
                last.to = last.to.max(to);
                last.lost = last.lost.saturating_add(lost);
            }
            Some(_) | None => self.0.push(Gap { from, to, lost }),
        }
        if self.0.len() > MOST {
            self.join_nearest();
        }
    }

    /// What was noted.
    pub fn into_inner(self) -> Vec<Gap> {
        self.0
    }

    fn join_nearest(&mut self) {
        let distances = self.0.windows(2).enumerate().filter_map(|(at, pair)| match pair {
            [before, after] => Some((after.from.saturating_sub(before.to), at)),
            _ => None,
        });
        let Some((_, at)) = distances.min() else { return };
        let after = self.0.remove(at + 1);
        if let Some(before) = self.0.get_mut(at) {
            before.to = after.to;
            before.lost = before.lost.saturating_add(after.lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_and_what_is_too_much_joins_the_nearest() {
        let mut gaps = Gaps::default();
        gaps.note(1_000, 160);
        gaps.note(1_160, 160);
        gaps.note(5_000, 0);
        assert_eq!(gaps.clone().into_inner(), [Gap { from: 1_000, to: 1_320, lost: 320 }]);
        for n in 1..=64 {
            gaps.note(10_000 * n + if n == 10 { 9_000 } else { 0 }, 160);
        }
        let found = gaps.into_inner();
        assert_eq!(found.len(), 64);
        assert_eq!(found.iter().map(|gap| gap.lost).sum::<u64>(), 320 + 64 * 160);
        assert!(found.contains(&Gap { from: 109_000, to: 110_160, lost: 320 }), "{found:?}");
    }
}
