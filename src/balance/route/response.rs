//! How a target's slowness answers to what is sent to it.
//!
//! Problem: shares follow times, and where times follow shares (answers queue, or a server slows down with what it works on)
//! the two chase each other: everybody leaves the full target for the empty one, which is full ten seconds later. A steep tilt
//! makes that worse, and a flat one everywhere would leave real differences to themselves. So the response is measured, by the
//! regression of a target's slowness on the rate that was sent to it shortly before, and its share goes only as far as that
//! lets it: a step of the implicit equation w = proposal(slowness(w)), linear in ln w. A brownout has the opposite sign
//! (what is slow gets less), so it is shed as fast as ever.

use serde::{Deserialize, Serialize};

use super::super::health::Health;
use super::super::possible::{MOST_NORMALISED, MOST_RATE, MOST_SECONDS, Odd, number};
use super::super::rails::Limits;
use super::super::signal::Signal;
use super::super::strategy::{BETA, Candidate, Proposal};
use super::{RouteMemory, Scene};

/// What was sent shows after so many typical answers' times, within these bounds in seconds.
const LAG: f64 = 2.0;
const LAG_BOUNDS: (f64, f64) = (2.0, 60.0);
/// Time constant of the regression, in seconds.
const MEMORY: f64 = 120.0;
/// Deviation of the rate, as a part of it, that counts for as much as what is seen: small chance variations prove nothing.
const PRIOR_DEVIATION: f64 = 0.1;

/// The regression of one target's slowness on its rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Response {
    /// The share lately.
    share: Option<f64>,
    rate: f64,
    slowness: f64,
    covariance: f64,
    variance: f64,
    age: f64,
}

impl Response {
    /// The target had this share of `demand` requests per second, and this slowness; `lag` are seconds that answers take to show
    /// what was sent.
    pub(super) fn observe(
        &mut self,
        share: f64,
        demand: f64,
        slowness: f64,
        lag: f64,
        elapsed: f64,
    ) {
        let before = self.share.unwrap_or(share);
        let lately = before + (elapsed / lag).min(1.0) * (share - before);
        self.share = Some(lately);
        let rate = demand * lately;
        self.age += elapsed;
        let gain = (elapsed / self.age.clamp(1e-3, MEMORY)).min(1.0);
        let (off_rate, off_slowness) = (rate - self.rate, slowness - self.slowness);
        self.rate += gain * off_rate;
        self.slowness += gain * off_slowness;
        self.covariance += gain * (off_rate * off_slowness - self.covariance);
        self.variance += gain * (off_rate * off_rate - self.variance);
    }

    /// Says the same in units of slowness that are `factor` times smaller.
    pub(super) fn rescale(&mut self, factor: f64) {
        self.slowness *= factor;
        self.covariance *= factor;
    }

    /// Where a share that should be `proposed` goes; `gain` is what ln(share) loses for one more of slowness, times the demand.
    pub(super) fn damped(&self, proposed: f64, gain: f64) -> f64 {
        let Some(lately) = self.share.filter(|share| *share > 0.0 && proposed > 0.0) else {
            return proposed;
        };
        let unknown = (PRIOR_DEVIATION * self.rate).powi(2);
        let slope = self.covariance.max(0.0) / (self.variance + unknown).max(1e-12);

        let response = gain * slope * lately;
        lately * (proposed / lately).powf(1.0 / (1.0 + response))
    }
}

impl Response {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        let whole = 1.0 + 1e-6;
        if let Some(share) = self.share {
            number("share", share, (0.0, whole))?;
        }
        // Of all routes that name an upstream together.
        let rate = MOST_RATE * whole;
        number("rate", self.rate, (0.0, rate))?;
        number("slowness", self.slowness, (0.0, MOST_NORMALISED))?;
        let both = rate * MOST_NORMALISED;
        number("covariance", self.covariance, (-both, both))?;
        number("variance", self.variance, (0.0, rate * rate))?;
        number("age", self.age, (0.0, MOST_SECONDS))
    }
}

impl RouteMemory {
    /// Takes in how losses answered to shares.
    pub(super) fn respond(
        &mut self,
        scene: &Scene<'_>,
        signals: &[Signal],
        healths: &[(Health, f64)],
    ) {
        let demand = self.demand();
        let lag = (LAG * scene.cohort.typical_seconds()).clamp(LAG_BOUNDS.0, LAG_BOUNDS.1);
        // Losses are relative to the route's mean, which falls as shares move to who is better: that is no response.
        let mean = self.mean_slowness.unwrap_or(1.0);
        for ((memory, signal), (health, _)) in self.targets.iter_mut().zip(signals).zip(healths) {
            if *health == Health::Serving {
                let slowness = signal.terms.latency * mean;
                memory
                    .response
                    .observe(memory.share, demand, slowness, lag, scene.elapsed);
            }
        }
    }

    /// Lets shares go only as far as the response of losses to them allows.
    pub(super) fn steady(
        &self,
        candidates: &[Candidate<'_>],
        limits: &[Limits],
        (members, take): (&[usize], f64),
        proposal: &mut Proposal,
    ) {
        let sum: f64 = members.iter().map(|i| proposal.parts[*i]).sum();
        if sum <= 0.0 {
            return;
        }
        let demand = self.demand();
        let gain = BETA / self.mean_slowness.unwrap_or(1.0).max(1e-6);
        for i in members {
            if candidates[*i].ramp < 1.0 || limits[*i].room_cap.is_infinite() {
                continue;
            }
            let wanted = proposal.parts[*i] / sum * take;
            proposal.parts[*i] =
                self.targets[*i].response.damped(wanted, gain * demand) / take * sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty minutes of a share that goes to and fro, and a slowness that is what `slow` makes of it.
    fn watched(slow: impl Fn(f64, f64) -> f64) -> Response {
        let mut response = Response::default();
        for tick in 0..4_800 {
            let seconds = f64::from(tick) * 0.25;
            let wave = (seconds / 13.0).sin();
            response.observe(0.5 + 0.2 * wave, 10.0, slow(wave, seconds), 2.0, 0.25);
        }
        response
    }

    #[test]
    fn a_share_goes_less_far_where_slowness_follows_it() {
        let full = watched(|wave, _| 1.0 + wave.max(0.0));
        let (lately, gain) = (full.share.unwrap(), 16.0 * 10.0);
        let goes = full.damped(2.0 * lately, gain);
        assert!(goes > lately && goes < 1.3 * lately, "{lately} to {goes}");
    }

    #[test]
    fn who_is_slow_by_itself_is_left_at_once() {
        let steady = watched(|_, _| 1.0);
        let browned = watched(|wave, _| 2.0 - wave);
        for response in [steady, browned] {
            let goes = response.damped(0.01, 160.0);
            assert!((goes - 0.01).abs() < 1e-4, "found {goes}");
        }
    }

    #[test]
    fn nothing_known_changes_nothing() {
        let goes = Response::default().damped(0.3, 160.0);
        assert!((goes - 0.3).abs() < 1e-12);
    }
}
