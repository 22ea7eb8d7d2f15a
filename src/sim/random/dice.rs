//! Draws for worlds, and numbers as a person would write them.

use crate::law::Generator;

/// The luck that a world is made of.
#[derive(Debug)]
pub(super) struct Dice(Generator);

impl Dice {
    pub(super) const fn of(seed: u64, salt: u64) -> Self {
        Self(Generator::of(seed, 0, salt))
    }

    /// Whether something of this probability happens.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.0.uniform() < probability
    }

    /// Evenly between the two.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.uniform()
    }

    /// Between the two, evenly in the logarithm: each octave is as likely as any other.
    pub(super) fn octaves(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    /// Log-normal: half are above `median`, and `spread` is the deviation of the logarithm.
    pub(super) fn around(&mut self, median: f64, spread: f64) -> f64 {
        median * (spread * self.0.normal()).exp()
    }

    /// A whole number from `low` to `high`, both included.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of targets, far below the largest"
    )]
    pub(super) fn whole(&mut self, low: usize, high: usize) -> usize {
        let count = (high - low + 1) as f64;
        (low + (self.0.uniform() * count) as usize).min(high)
    }

    /// One of them, evenly.
    pub(super) fn one_of<T: Copy>(&mut self, some: &[T]) -> Option<T> {
        let last = some.len().checked_sub(1)?;
        some.get(self.whole(0, last)).copied()
    }
}

/// Three digits of a number, without trailing zeros.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let digits = 2.0 - value.abs().log10().floor();
    let scale = 10.0_f64.powf(digits.max(0.0));
    let text = format!("{:.9}", (value * scale).round() / scale);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
