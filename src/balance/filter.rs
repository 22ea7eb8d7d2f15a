//! One measured quantity of one upstream with its uncertainty.
//!
//! A scalar Kalman filter whose mean reverts to the mean of the peers (Ornstein-Uhlenbeck), with a two-sided change
//! detector. Its memory adapts to the rate of samples by itself; without samples the uncertainty grows until the prior is
//! back, so that old bad news decays to "average" and is looked at again; and an upstream without data has exactly the
//! peers' mean, which is why its share is exactly the configured one.

use serde::{Deserialize, Serialize};

use super::input::Moments;
use super::possible::{MOST_NORMALISED, Odd, number};

/// How fast an estimate drifts back to the peers' mean, per second. Halved, old news lasts twice as long; doubled, a
/// target with few requests is forgotten between two of them.
const REVERSION: f64 = 1.0 / 300.0;
/// Growth of the uncertainty, per second, in units of the squared mean: how fast a provider's speed wanders. Jumps are the
/// change detector's; with twice as much identical targets stray further and slow drifts are followed no better.
const DRIFT: f64 = 0.000_3;
/// Uncertainty without any data, in units of the squared mean.
const PRIOR: f64 = 0.5;
/// Least squared mean that scales them, so that a quantity near zero keeps some uncertainty.
const LEAST_SQUARE: f64 = 0.5;
/// Least uncertainty: estimates are combined by its inverse.
const LEAST_UNCERTAINTY: f64 = 1e-9;
/// Innovations count at most this many deviations in the change detector.
const CLIP: f64 = 3.0;
/// Allowance of the change detector, and the sums at which it gives the alarm. One clipped value (3 − 0.5) is enough for
/// a fall, since a target that recovers is asked rarely; a rise needs three, or two slow answers would unsettle a healthy
/// one (times have long tails).
const ALLOWANCE: f64 = 0.5;
const RISE_ALARM: f64 = 6.0;
const FALL_ALARM: f64 = 2.4;
/// What is left of the falling sum after its alarm: enough that the recovery goes on being looked at.
const STILL_FALLING: f64 = 1.4;
/// Gain of the own noise.
const OWN_GAIN: f64 = 0.03;
/// Least noise; one residual counts at most this many times the noise so far.
pub(super) const LEAST_NOISE: f64 = 0.01;
/// Largest: 2³² values of 2 · 10⁷ where the least mean that is divided by was expected, squared.
pub(super) const MOST_NOISE: f64 = 2e36;
const MOST_RESIDUAL: f64 = 30.0;
/// A mean below this is not divided by.
const LEAST_MEAN: f64 = 1e-6;

/// Whether a quantity changed all at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shift {
    #[default]
    None,
    Rose,
    Fell,
}

/// What a filter measures; each wanders at its own pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    FirstToken,
    PerToken,
    Unary,
}

impl Quantity {
    /// Position in arrays.
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// Factor on drift and prior.
    const fn pace(self) -> f64 {
        match self {
            Self::FirstToken => 1.0,
            Self::PerToken | Self::Unary => 0.6,
        }
    }

    /// Noise of one value before any was seen: squared deviation relative to the mean.
    pub(super) const fn first_noise(self) -> f64 {
        match self {
            Self::FirstToken => 0.15,
            Self::PerToken | Self::Unary => 0.05,
        }
    }

    /// Uncertainty without data where the peers' mean is `pool`.
    pub(super) fn prior(self, pool: f64) -> f64 {
        PRIOR * self.pace() * (pool * pool).max(LEAST_SQUARE)
    }
}

/// What a batch showed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// Whether the quantity changed all at once.
    pub(super) shift: Shift,
    /// Squared deviation of single values, relative to the mean; `None` without values.
    pub(super) residual: Option<f64>,
}

/// An estimate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Filter {
    /// `None` until the first value.
    mean: Option<f64>,
    /// Squared uncertainty of the mean.
    uncertainty: f64,
    /// Squared deviation of single values, relative to the mean: times are spread in proportion to themselves, so what
    /// was learned while a target was slow must not blur it when it is quick again.
    noise: f64,
    /// Sums of the change detector.
    rising: f64,
    falling: f64,
}

impl Filter {
    pub(super) fn new(quantity: Quantity) -> Self {
        Self {
            mean: None,
            uncertainty: quantity.prior(1.0),
            noise: quantity.first_noise(),
            rising: 0.0,
            falling: 0.0,
        }
    }

    /// Time passes and a batch arrives; `elapsed` are seconds at the usual pace of forgetting.
    pub(super) fn observe(
        &mut self,
        quantity: Quantity,
        batch: &Moments,
        elapsed: f64,
        pool: f64,
        pooled_noise: f64,
    ) -> Seen {
        let prior = quantity.prior(pool);
        self.predict(quantity, elapsed, pool, prior);
        let Some(value) = batch.mean() else {
            return Seen::default();
        };
        if self.mean.is_none() {
            self.uncertainty = prior;
        }
        let mean = self.mean.unwrap_or(pool);
        let noise = 0.5 * (self.noise + pooled_noise) * mean * mean / batch.n;
        let innovation = value - mean;
        let shift = self.detect(innovation, noise, prior);
        let gain = self.uncertainty / (self.uncertainty + noise);
        self.mean = Some(mean + gain * innovation);
        self.uncertainty = (self.uncertainty * (1.0 - gain)).max(LEAST_UNCERTAINTY);
        // Of an innovation only what the estimate's own uncertainty does not explain is noise: else each step inflates it,
        // and then the first good answers of a recovered target count for nothing.
        let relative = innovation / mean.max(LEAST_MEAN);
        let unexplained = relative * relative * (1.0 - gain) * batch.n;
        let residual = unexplained.min(MOST_RESIDUAL * self.noise + 0.05);
        self.noise = (self.noise + OWN_GAIN * (residual - self.noise)).max(LEAST_NOISE);
        Seen {
            shift,
            residual: Some(residual),
        }
    }

    fn predict(&mut self, quantity: Quantity, elapsed: f64, pool: f64, prior: f64) {
        let Some(mean) = self.mean else { return };
        let keep = (-REVERSION * elapsed).exp();
        self.mean = Some(pool + (mean - pool) * keep);
        let drift = DRIFT * quantity.pace() * (pool * pool).max(LEAST_SQUARE) * elapsed;
        let forgotten = 0.5 * prior * (1.0 - keep * keep);
        self.uncertainty = (self.uncertainty * keep * keep + drift + forgotten).min(prior);
    }

    /// `elapsed` seconds, at the usual pace of forgetting, have passed in which nobody looked.
    pub(super) fn rest(&mut self, quantity: Quantity, elapsed: f64, pool: f64) {
        self.predict(quantity, elapsed, pool, quantity.prior(pool));
        // What led up to a change then says nothing of the next values.
        self.rising = 0.0;
        self.falling = 0.0;
    }

    /// Opens the filter after a change.
    fn detect(&mut self, innovation: f64, noise: f64, prior: f64) -> Shift {
        let deviations = (innovation / (self.uncertainty + noise).sqrt()).clamp(-CLIP, CLIP);
        self.rising = (self.rising + deviations - ALLOWANCE).max(0.0);
        self.falling = (self.falling - deviations - ALLOWANCE).max(0.0);
        let shift = match (self.rising > RISE_ALARM, self.falling > FALL_ALARM) {
            (true, _) => Shift::Rose,
            (false, true) => Shift::Fell,
            (false, false) => Shift::None,
        };
        if shift != Shift::None {
            let seen = 0.5 * (innovation * innovation - noise).max(0.0);
            let most = (4.0 * prior).max(self.uncertainty);
            self.uncertainty = (self.uncertainty + seen).min(most);
            self.rising = 0.0;
            self.falling = if shift == Shift::Rose {
                0.0
            } else {
                STILL_FALLING
            };
        }
        shift
    }

    /// The estimate; the peers' mean where there is no data.
    pub(super) fn value(&self, pool: f64) -> f64 {
        self.mean.unwrap_or(pool)
    }

    /// The estimate, if there is data.
    pub(super) const fn known(&self) -> Option<f64> {
        self.mean
    }

    pub(super) const fn uncertainty(&self) -> f64 {
        self.uncertainty
    }

    /// Standard deviation of single values, relative to the mean.
    pub(super) fn spread(&self) -> f64 {
        self.noise.sqrt()
    }

    /// How surprisingly good the last values were: the falling sum of the change detector.
    pub(super) const fn improving(&self) -> f64 {
        self.falling
    }

    /// Forgets a part (0 to 1) of what is known.
    pub(super) fn forget(&mut self, part: f64, quantity: Quantity, pool: f64) {
        let prior = quantity.prior(pool);
        self.uncertainty = (self.uncertainty + part * prior).min(prior);
    }

    /// Says the same in units that are `factor` times smaller.
    pub(super) fn rescale(&mut self, factor: f64) {
        self.mean = self.mean.map(|mean| mean * factor);
        self.uncertainty = (self.uncertainty * factor * factor).max(LEAST_UNCERTAINTY);
    }
}

impl Filter {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        let square = MOST_NORMALISED * MOST_NORMALISED;
        if let Some(mean) = self.mean {
            number("mean", mean, (0.0, MOST_NORMALISED))?;
        }
        // A change opens it to four times the prior; rounding may take the least one a little below itself.
        let uncertainty = (0.5 * LEAST_UNCERTAINTY, 4.0 * PRIOR * square);
        number("uncertainty", self.uncertainty, uncertainty)?;
        number("noise", self.noise, (LEAST_NOISE, MOST_NOISE))?;
        number("rising", self.rising, (0.0, RISE_ALARM + CLIP))?;
        number("falling", self.falling, (0.0, FALL_ALARM + CLIP))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        for value in values {
            moments.add(*value);
        }
        moments
    }

    #[test]
    fn without_data_the_estimate_is_the_peers_mean() {
        let mut filter = Filter::new(Quantity::FirstToken);
        let noise = 0.15;
        filter.observe(Quantity::FirstToken, &batch(&[]), 10.0, 1.7, noise);
        assert_eq!(filter.value(1.7).to_bits(), 1.7f64.to_bits());
        assert!(filter.known().is_none());
    }

    #[test]
    fn data_narrows_the_uncertainty_and_silence_widens_it_again() {
        let mut filter = Filter::new(Quantity::FirstToken);
        let noise = 0.15;
        for _ in 0..100 {
            filter.observe(Quantity::FirstToken, &batch(&[2.0]), 0.25, 1.0, noise);
        }
        let narrow = filter.uncertainty();
        assert!(
            narrow < 0.05 * Quantity::FirstToken.prior(1.0),
            "a hundred values say a lot"
        );
        assert!((filter.value(1.0) - 2.0).abs() < 0.1);
        for _ in 0..4_000 {
            filter.observe(Quantity::FirstToken, &batch(&[]), 0.25, 1.0, noise);
        }
        assert!(
            filter.uncertainty() > 10.0 * narrow,
            "a thousand seconds of silence unsay it"
        );
        assert!(
            (filter.value(1.0) - 1.0).abs() < 0.1,
            "and the estimate is the peers' again"
        );
    }

    #[test]
    fn a_step_is_followed_within_a_few_values() {
        let mut filter = Filter::new(Quantity::FirstToken);
        let noise = 0.15;
        for _ in 0..400 {
            filter.observe(Quantity::FirstToken, &batch(&[1.0]), 0.25, 1.0, noise);
        }
        let mut rose = false;
        for _ in 0..5 {
            let seen = filter.observe(Quantity::FirstToken, &batch(&[5.0]), 0.25, 1.0, noise);
            rose |= seen.shift == Shift::Rose;
        }
        assert!(rose, "the change detector saw it");
        assert!(
            filter.value(1.0) > 4.0,
            "and let the filter follow: {}",
            filter.value(1.0)
        );
    }

    #[test]
    fn rescaling_says_the_same_in_other_units() {
        let mut filter = Filter::new(Quantity::PerToken);
        let noise = 0.05;
        for _ in 0..50 {
            filter.observe(Quantity::PerToken, &batch(&[3.0]), 0.25, 3.0, noise);
        }
        let (mean, uncertainty) = (filter.value(3.0), filter.uncertainty());
        filter.rescale(1.0 / 3.0);
        assert!((filter.value(1.0) - mean / 3.0).abs() < 1e-9);
        assert!((filter.uncertainty() - uncertainty / 9.0).abs() < 1e-9);
    }
}
