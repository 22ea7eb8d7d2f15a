//! Bifrost's score of one route, as it was published.
//!
//! Source: `docs/enterprise/adaptive-load-balancing.mdx` of Bifrost as of early 2026 (later revisions keep the words and
//! drop the numbers).
//!
//! ```text
//! score  = 0.5 · P_error + 0.2 · P_latency + 0.05 · P_util − momentum
//! weight = 1 + (1 − score) · 999
//! ```
//!
//! What the page leaves open is filled in as follows, each to the rival's advantage: see the constants.

use std::collections::VecDeque;

use super::verdict::{Verdict, averaged};

/// Weights of the penalties.
const ERRORS: f64 = 0.5;
const LATENCY: f64 = 0.2;
const UTILISATION: f64 = 0.05;
/// Bounds of a route's weight.
const LEAST: f64 = 1.0;
const MOST: f64 = 1000.0;
/// Mean life of the error penalty after the last error: "90 % reduction in 30 seconds".
const FORGIVING: f64 = 13.0;
/// Δ: what an answer may take longer than predicted, relative to the prediction. Not published; with a fifth a route that
/// is 26 % slower than the best leaves the band of the best. With half, it leaves at 64 % and costs more; with a twentieth,
/// noise decides who is in the band.
const TOLERANCE: f64 = 0.2;
/// k. Not published.
const STEEPNESS: f64 = 1.0;
/// Part of the latency's moving average that a new round makes up. Not published.
const GAIN: f64 = 0.4;
/// The percentile that a round is judged by.
const PERCENTILE: f64 = 0.8;
/// The largest momentum, and the sigmoid's steepness around a success rate of 97 %. Not published.
const MOMENTUM: f64 = 0.1;
const SHARPNESS: f64 = 300.0;
const GOOD: f64 = 0.97;
/// Seconds of a round, and rounds that are kept: five minutes.
pub(super) const ROUND: f64 = 5.0;
const KEPT: usize = 60;

/// Requests and faults of one round.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    requests: f64,
    faults: f64,
}

/// What is measured of a route.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    /// The newest last; its last entry is the round that is running.
    rounds: VecDeque<Count>,
    ever: Count,
    last_fault: Option<f64>,
    /// Times of this round's answers, relative to typical answers of the same length.
    slowness: Vec<f64>,
    /// The smoothed percentile of earlier rounds.
    pub(super) slow: Option<f64>,
}

impl Measured {
    pub(super) fn note(&mut self, verdict: Verdict, slowness: Option<f64>, seconds: f64) {
        let fault = f64::from(u8::from(verdict.is_fault()));
        if self.rounds.is_empty() {
            self.rounds.push_back(Count::default());
        }
        for count in self.rounds.back_mut().into_iter().chain([&mut self.ever]) {
            count.requests += 1.0;
            count.faults += fault;
        }
        if verdict.is_fault() {
            self.last_fault = Some(seconds);
        }
        self.slowness.extend(slowness);
    }

    /// Ends a round: the percentile enters the average.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position in the list, rounded down"
    )]
    pub(super) fn smooth(&mut self) {
        self.slowness.sort_by(f64::total_cmp);
        let place = (self.slowness.len().saturating_sub(1) as f64 * PERCENTILE) as usize;
        if let Some(found) = self.slowness.get(place) {
            self.slow = Some(averaged(self.slow, *found, GAIN));
        }
        self.slowness.clear();
    }

    /// Begins the next round.
    pub(super) fn turn(&mut self) {
        self.rounds.push_back(Count::default());
        if self.rounds.len() > KEPT {
            self.rounds.pop_front();
        }
    }

    /// Requests of the round that is running.
    pub(super) fn requests(&self) -> f64 {
        self.rounds.back().map_or(0.0, |count| count.requests)
    }

    /// Share of faults in the last rounds, and requests in them.
    pub(super) fn faults(&self, rounds: usize) -> (f64, f64) {
        let last = self.rounds.iter().rev().take(rounds);
        let (faults, requests) = last.fold((0.0, 0.0), |(f, n), count| {
            (f + count.faults, n + count.requests)
        });
        (rate(faults, requests), requests)
    }

    /// Old errors are forgotten: the route starts over.
    pub(super) fn forget_errors(&mut self) {
        self.rounds.clear();
        self.ever = Count::default();
        self.last_fault = None;
    }

    /// min(1, 2.5 · R^0.4) · exp(−t / τ), R from the last minute, five minutes, and ever.
    fn error_penalty(&self, seconds: f64) -> f64 {
        let Some(last) = self.last_fault else {
            return 0.0;
        };
        let mixed = 0.5 * self.faults(12).0
            + 0.3 * self.faults(KEPT).0
            + 0.2 * rate(self.ever.faults, self.ever.requests);
        (2.5 * mixed.powf(0.4)).min(1.0) * (-(seconds - last) / FORGIVING).exp()
    }

    /// 1 − exp(−k · exceed / Δ). The prediction is what the quickest peer takes.
    pub(super) fn latency_penalty(&self, predicted: Option<f64>) -> f64 {
        let (Some(slow), Some(predicted)) = (self.slow, predicted) else {
            return 0.0;
        };
        let tolerance = TOLERANCE * predicted;
        let exceed = (slow - predicted - tolerance).max(0.0);
        -(-STEEPNESS * exceed / tolerance).exp_m1()
    }

    /// A bonus while a route comes back, by the success rate of the last twenty seconds.
    fn momentum(&self) -> f64 {
        let (faults, requests) = self.faults(4);
        if requests < 1.0 {
            return 0.0;
        }
        MOMENTUM / (1.0 + (-SHARPNESS * (1.0 - faults - GOOD)).exp())
    }

    /// The route's weight. `busy` is its share of the traffic times the number of healthy routes.
    pub(super) fn weight(&self, scene: &Scene, busy: f64) -> f64 {
        let errors = if scene.recovering {
            -self.momentum()
        } else {
            ERRORS * self.error_penalty(scene.seconds)
        };
        let utilisation = (busy - 1.0).max(0.0).powf(1.5).min(1.0);
        let latency = LATENCY * self.latency_penalty(scene.predicted);
        let score = (errors + latency + UTILISATION * utilisation).clamp(0.0, 1.0);
        LEAST + (1.0 - score) * (MOST - LEAST)
    }
}

/// What a score is taken against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    /// The time.
    pub(super) seconds: f64,
    /// What the quickest route takes.
    pub(super) predicted: Option<f64>,
    /// Whether the route is on its way back: momentum counts then, and old errors do not.
    pub(super) recovering: bool,
}

fn rate(faults: f64, requests: f64) -> f64 {
    if requests > 0.0 {
        faults / requests
    } else {
        0.0
    }
}
