//! The figures of one run, by which policies are compared.
//!
//! Times of requests are those of callers; shares are of attempts, since a target is met by attempts. What has no meaning
//! in a scenario (the recovery of a world without a fault) is `None`, never 0.

use super::loss;
use super::record::{End, Run, Served};
use super::scenario::{Fault, Scenario};

mod course;
mod fault;
mod shares;

pub use course::{Course, Span};
pub(super) use shares::is_indifferent;

/// A good answer takes at most so many times what a middling model takes.
const GOOD: f64 = 2.0;
/// Below this many requests a second, shares are taken over windows that are longer by [`LONGER`]: ten seconds of three
/// requests have no share.
const FEW: f64 = 2.0;
/// See [`FEW`].
const LONGER: f64 = 6.0;

/// What one run showed; means of it over seeds and scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Mean loss minus the oracle's on the same requests.
    pub regret: Option<f64>,
    /// Failed or past their deadline, of all but the client's own mistakes.
    pub error_rate: Option<f64>,
    /// Seconds from arrival to end, of answers and of requests that were waited for until a deadline: the median.
    pub p50_s: Option<f64>,
    /// The 95th percentile of the same.
    pub p95_s: Option<f64>,
    /// The 99th percentile of the same.
    pub p99_s: Option<f64>,
    /// Answered within twice what a middling model takes.
    pub goodput: Option<f64>,
    /// Mean price of answers, relative to a usual one.
    pub cost_index: Option<f64>,
    /// Seconds until the sick target's share over ten seconds is a tenth of what it was; the fault's length if never.
    pub shed90_s: Option<f64>,
    /// Attempts that met the sick target until then.
    pub exposed: Option<f64>,
    /// Seconds from the fault's end until the target has four fifths of its share again.
    pub recover_s: Option<f64>,
    /// Mean distance between the shares of ten seconds and of the ten before.
    pub churn: Option<f64>,
    /// Distance between the shares of the whole run and the configured ones, where nothing differs.
    pub unfairness: Option<f64>,
    /// Part of the prompts' tokens that came from caches, where there are conversations.
    pub cached_ratio: Option<f64>,
    /// Dollars per 1,000 answers.
    pub dollars_per_1000: Option<f64>,
}

impl Figures {
    /// The figures of a run, all but the regret.
    pub fn of(scenario: &Scenario, run: &Run) -> Self {
        let counted: Vec<&Served> = run.counted().collect();
        let answered = || counted.iter().filter(|served| served.end == End::Answered);
        let part = |count: usize| ratio(count as f64, counted.len() as f64);
        let good = answered().filter(|served| {
            served.took <= GOOD * loss::typical_seconds(u64::from(served.tokens_out))
        });
        let answers = answered().count();
        let mean = |of: fn(&Served) -> f64| {
            ratio(answered().map(|served| of(served)).sum(), answers as f64)
        };
        let [p50_s, p95_s, p99_s] = percentiles(&counted, [0.50, 0.95, 0.99]);
        let window = Window::of(scenario, counted.len());
        let fault = scenario.fault.as_ref();
        let seen = fault.map(|fault| fault::Seen::of(scenario, run, fault, window));
        Self {
            regret: None,
            error_rate: part(counted.len() - answers),
            p50_s,
            p95_s,
            p99_s,
            goodput: part(good.count()),
            cost_index: mean(|served| served.price),
            shed90_s: seen.as_ref().and_then(fault::Seen::shed),
            exposed: seen.as_ref().and_then(fault::Seen::exposed),
            recover_s: seen.as_ref().and_then(fault::Seen::recovered),
            churn: shares::churn(scenario, run, window),
            unfairness: shares::unfairness(scenario, run),
            cached_ratio: cached(&counted),
            dollars_per_1000: mean(|served| served.dollars).map(|each| each * 1e3),
        }
    }
}

/// How many times longer than usual windows are.
#[derive(Clone, Copy, Debug)]
struct Window(f64);

impl Window {
    fn of(scenario: &Scenario, requests: usize) -> Self {
        Self(if (requests as f64) / scenario.seconds < FEW {
            LONGER
        } else {
            1.0
        })
    }

    /// Seconds over which a share is taken.
    fn seconds(self) -> f64 {
        10.0 * self.0
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Nearest-rank percentiles of the times of all that were waited for.
fn percentiles<const N: usize>(counted: &[&Served], ranks: [f64; N]) -> [Option<f64>; N] {
    let waited = counted.iter().filter(|served| served.end != End::Failed);
    let mut times: Vec<f64> = waited.map(|served| served.took).collect();
    times.sort_by(f64::total_cmp);
    ranks.map(|rank| {
        let last = times.len().checked_sub(1)?;
        let place = crate::law::whole(last as f64 * rank);
        times.get(usize::try_from(place).ok()?).copied()
    })
}

fn cached(counted: &[&Served]) -> Option<f64> {
    let sum = |of: fn(&Served) -> u32| -> f64 {
        let answered = counted.iter().filter(|served| served.end == End::Answered);
        answered.map(|served| f64::from(of(served))).sum()
    };
    let cached = sum(|served| served.cached_in);
    ratio(cached, sum(|served| served.tokens_in)).filter(|_| cached > 0.0)
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
