//! A run over time: whose share, how long, how many failed.
//!
//! Time is cut into windows that are long enough for some twenty requests each and as many as a picture can show.

use super::record::{End, Run, Served};
use super::scenario::Scenario;
use crate::law::whole;
use crate::model::Time;

/// Windows of a run, at most.
const MOST: f64 = 120.0;
/// Requests that a window should have: with fewer, shares are steps and a 95th percentile is the slowest.
const REQUESTS: f64 = 20.0;
/// The shortest window, in seconds: a day in such windows is some millions of them.
pub const LEAST_WINDOW: f64 = 0.1;

/// A run over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Seconds of a window.
    pub window: f64,
    /// By window, from 0.
    pub moments: Vec<Moment>,
}

/// One window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moment {
    /// Requests that came in it and were no mistake of the client's.
    pub requests: u64,
    /// Parts of the attempts that began in it, by target; all 0 if none did.
    pub shares: Vec<f64>,
    /// Seconds that the requests which came in it took, of those that were not refused or failed at once: the median.
    pub p50_s: Option<f64>,
    /// The 95th percentile of the same.
    pub p95_s: Option<f64>,
    /// Seconds until the first content, of the streams among its requests that had any: the median.
    pub first_p50_s: Option<f64>,
    /// The 95th percentile of the same.
    pub first_p95_s: Option<f64>,
    /// Part of its requests that failed or passed their deadline.
    pub failed: Option<f64>,
}

/// What is collected of one window.
#[derive(Clone, Debug, Default)]
struct Collected {
    attempts: Vec<f64>,
    times: Vec<f64>,
    firsts: Vec<f64>,
    failed: u64,
    requests: u64,
}

impl Timeline {
    /// The timeline of a run of `scenario`, in windows that a picture can show.
    pub fn of(scenario: &Scenario, run: &Run) -> Self {
        let requests = run.served.len().max(1) as f64;
        let least = (scenario.seconds / MOST).max(REQUESTS * scenario.seconds / requests);
        Self::with_windows(scenario, run, round(least).min(scenario.seconds))
    }

    /// The same in windows of `window` seconds, from [`LEAST_WINDOW`] up; the last one ends with the scenario.
    pub fn with_windows(scenario: &Scenario, run: &Run, window: f64) -> Self {
        let window = window.max(LEAST_WINDOW);
        let count = (scenario.seconds / window).ceil();
        let count = usize::try_from(whole(count)).unwrap_or(1).max(1);
        let empty = Collected {
            attempts: vec![0.0; scenario.targets.len()],
            ..Collected::default()
        };
        let mut windows = vec![empty; count];
        let place = |at: Time| usize::try_from(whole((at.as_secs_f64() / window).floor())).ok();
        for tried in &run.tried {
            if let Some(window) = place(tried.at).and_then(|at| windows.get_mut(at)) {
                window.attempts[tried.target] += 1.0;
            }
        }
        for served in run.counted() {
            if let Some(window) = place(served.at).and_then(|at| windows.get_mut(at)) {
                window.add(served);
            }
        }
        Self {
            window,
            moments: windows.into_iter().map(Collected::moment).collect(),
        }
    }
}

impl Collected {
    fn add(&mut self, served: &Served) {
        self.requests += 1;
        self.failed += u64::from(served.end != End::Answered);
        self.firsts.extend(served.first);
        if served.end != End::Failed {
            self.times.push(served.took);
        }
    }

    fn moment(mut self) -> Moment {
        self.times.sort_by(f64::total_cmp);
        self.firsts.sort_by(f64::total_cmp);
        let sum: f64 = self.attempts.iter().sum();
        let share = |count| count / sum.max(1.0);
        Moment {
            requests: self.requests,
            shares: self.attempts.into_iter().map(share).collect(),
            p50_s: percentile(&self.times, 0.5),
            p95_s: percentile(&self.times, 0.95),
            first_p50_s: percentile(&self.firsts, 0.5),
            first_p95_s: percentile(&self.firsts, 0.95),
            failed: (self.requests > 0).then(|| self.failed as f64 / self.requests as f64),
        }
    }
}

/// The nearest rank of sorted times.
fn percentile(times: &[f64], rank: f64) -> Option<f64> {
    let last = times.len().checked_sub(1)?;
    let place = usize::try_from(whole(last as f64 * rank)).ok()?;
    times.get(place).copied()
}

/// The next of 1, 2, 5, 10, 20, 50, … that is not less.
fn round(least: f64) -> f64 {
    let power = 10.0_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0];
    let fits = steps.into_iter().map(|step| step * power);
    fits.into_iter()
        .find(|window| *window >= least - 1e-9)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Candidate, Failover};

    #[test]
    fn a_brownout_is_seen_in_its_window_and_shares_make_a_whole() {
        let text = "name = \"a\"\nseconds = 400\n[load]\nrps = 20\n\
                    [target.a]\nweight = 1\nttft_ms = [[0, 500], [100, 4000], [300, 500]]\n\
                    error_rate = [[0, 0], [100, 0.5], [300, 0]]\n\
                    [target.b]\nweight = 3\nerror_rate = 0";
        let scenario = Scenario::read(text).unwrap();
        let run = Candidate::named("static").unwrap();
        let run = run.run(&scenario, 1, Failover::Off).unwrap();
        let line = Timeline::of(&scenario, &run);
        assert!((line.window - 5.0).abs() < 1e-9, "400 s in at most 120");
        assert_eq!(line.moments.len(), 80);
        for (i, moment) in line.moments.iter().enumerate() {
            let sum: f64 = moment.shares.iter().sum();
            assert!((sum - 1.0).abs() < 1e-9, "shares of window {i} make {sum}");
            let sick = (20..60).contains(&i);
            assert_eq!(moment.failed.unwrap() > 0.02, sick, "failures in {i}");
            assert!(moment.p95_s.unwrap() > moment.p50_s.unwrap(), "window {i}");
        }
    }

    #[test]
    fn windows_of_a_length_hold_each_request_once_and_first_content_of_streams() {
        let text = "name = \"a\"\nseconds = 100\n[load]\nrps = 20\nstreamed = [[0, 1], [60, 0]]\n\
                    [target.a]\nweight = 1\nspread = 0\nerror_rate = 0\nttft_ms = [[0, 500], [30, 900]]";
        let scenario = Scenario::read(text).unwrap();
        let run = Candidate::named("static").unwrap();
        let run = run.run(&scenario, 1, Failover::Off).unwrap();
        let line = Timeline::with_windows(&scenario, &run, 30.0);
        let requests: u64 = line.moments.iter().map(|moment| moment.requests).sum();
        assert_eq!(requests, run.served.len() as u64, "each is in one window");
        let firsts: Vec<_> = line
            .moments
            .iter()
            .map(|moment| moment.first_p95_s)
            .collect();
        assert_eq!(
            firsts,
            [Some(0.5), Some(0.9), None, None],
            "none of whole answers"
        );
    }

    #[test]
    fn windows_have_round_lengths() {
        for (least, window) in [
            (0.9, 1.0),
            (1.0, 1.0),
            (3.0, 5.0),
            (60.0, 100.0),
            (0.03, 0.05),
        ] {
            assert!((round(least) - window).abs() < 1e-9, "{least}: {window}");
        }
    }
}
