//! The figures as they come: what was wanted, what was measured, whether it is enough.

/// Prints figures and keeps whether one missed its target, or something was wrong.
#[derive(Debug, Default)]
pub(crate) struct Report {
    missed: bool,
    wrong: bool,
}

impl Report {
    /// A figure that should be no larger than its target.
    pub(crate) fn at_most(&mut self, name: &str, measured: f64, target: f64, unit: &str) {
        let ok = measured <= target;
        self.missed |= !ok;
        let word = if ok { "ok" } else { "MISSED" };
        println!("  {name:<44} {measured:>9.3} {unit:<6} (≤ {target}) {word}");
    }

    /// A figure without a target.
    pub(crate) fn note(&self, name: &str, measured: f64, unit: &str) {
        println!("  {name:<44} {measured:>9.3} {unit}");
    }

    /// Something that must hold.
    pub(crate) fn must(&mut self, name: &str, holds: bool, found: impl std::fmt::Display) {
        self.wrong |= !holds;
        println!("  {name:<44} {found} {}", if holds { "ok" } else { "WRONG" });
    }

    pub(crate) fn is_wrong(&self) -> bool {
        self.wrong
    }

    pub(crate) fn has_missed(&self) -> bool {
        self.missed
    }
}

/// The value below which `percent` of the sorted values lie.
pub(crate) fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted.get((last * percent / 100.0).round() as usize).copied().unwrap_or(f64::NAN)
}
