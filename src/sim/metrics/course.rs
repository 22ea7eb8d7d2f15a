//! The course of a fault, as it is told in sentences: when its target was left, who met it until then, where its share went,
//! what callers had before, during and after it, and when the target was back.

use super::super::record::{End, Run, Served};
use super::fault::Seen;
use super::{Fault, Scenario, Window, percentiles, ratio};

/// The course of one fault in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The target's share before.
    pub share: f64,
    /// Seconds until it had a tenth of that; `None` if it never had, or if there was nothing to leave.
    pub shed_s: Option<f64>,
    /// Attempts that met it until then, or in the whole of the fault.
    pub exposed: f64,
    /// Attempts that met it in the whole of the fault, those included that asked whether it was well.
    pub met: f64,
    /// Seconds from the fault's end until it had four fifths of its share; `None` if it never had.
    pub recovered_s: Option<f64>,
    /// The shares before, by the scenario's targets.
    pub shares_before: Vec<f64>,
    /// The shares from when it was left, or from the fault's beginning, to the fault's end.
    pub shares_during: Vec<f64>,
    /// What callers had before the fault, during it and after it.
    pub spans: [Span; 3],
}

/// What callers had who came in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    /// How many came, their own mistakes apart.
    pub requests: f64,
    /// The part that failed or passed its deadline.
    pub failed: Option<f64>,
    /// The 95th percentile of the seconds that they took, of those that did not fail at once.
    pub p95_s: Option<f64>,
    /// Dollars per 1,000 answers.
    pub dollars_per_1000: Option<f64>,
}

impl Course {
    /// The course of `fault` in a run of `scenario`.
    pub fn of(scenario: &Scenario, run: &Run, fault: &Fault) -> Self {
        let window = Window::of(scenario, run.counted().count());
        let seen = Seen::of(scenario, run, fault, window);
        let shed_s = seen.shed_after();
        let left = fault.from + shed_s.unwrap_or(0.0);
        Self {
            share: seen.share(),
            shed_s,
            exposed: seen.met(fault.from, shed_s.map_or(fault.to, |_| left)),
            met: seen.met(fault.from, fault.to),
            recovered_s: seen.recovered_after(),
            shares_before: shares(scenario, run, seen.before()),
            shares_during: shares(scenario, run, (left, fault.to)),
            spans: [
                span(run, seen.before()),
                span(run, (fault.from, fault.to)),
                span(run, (fault.to, scenario.seconds)),
            ],
        }
    }
}

/// Parts of the attempts that began between two moments, by target.
fn shares(scenario: &Scenario, run: &Run, (from, to): (f64, f64)) -> Vec<f64> {
    let mut counts = vec![0.0; scenario.targets.len()];
    for tried in &run.tried {
        let at = tried.at.as_secs_f64();
        if (from..to).contains(&at) {
            counts[tried.target] += 1.0;
        }
    }
    let sum: f64 = counts.iter().sum();
    counts.iter().map(|count| count / sum.max(1.0)).collect()
}

/// What callers had who came between two moments.
fn span(run: &Run, (from, to): (f64, f64)) -> Span {
    let came = |served: &&Served| (from..to).contains(&served.at.as_secs_f64());
    let counted: Vec<&Served> = run.counted().filter(came).collect();
    let answered: Vec<&&Served> = counted
        .iter()
        .filter(|it| it.end == End::Answered)
        .collect();
    let dollars: f64 = answered.iter().map(|served| served.dollars).sum();
    let (requests, answers) = (counted.len() as f64, answered.len() as f64);
    let [p95_s] = percentiles(&counted, [0.95]);
    Span {
        requests,
        failed: ratio(requests - answers, requests),
        p95_s,
        dollars_per_1000: ratio(1e3 * dollars, answers),
    }
}
