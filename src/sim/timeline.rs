//! A run over time: whose share, how long, how many failed.
//!
//! Time is cut into windows that are long enough for some twenty requests each and as many as a picture can show.

use super::record::{End, Run};
use super::scenario::Scenario;
use crate::law::whole;

/// Windows of a run, at most.
const MOST: f64 = 120.0;
/// Requests that a window should have: with fewer, shares are steps and a 95th percentile is the slowest.
const REQUESTS: f64 = 20.0;

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
    /// Parts of the attempts that began in it, by target; all 0 if none did.
    pub shares: Vec<f64>,
    /// Seconds that the requests which came in it took, of those that were not refused or failed at once: the median.
    pub p50_s: Option<f64>,
    /// The 95th percentile of the same.
    pub p95_s: Option<f64>,
    /// Part of its requests that failed or passed their deadline.
    pub failed: Option<f64>,
}

impl Timeline {
    /// The timeline of a run of `scenario`.
    pub fn of(scenario: &Scenario, run: &Run) -> Self {
        let requests = run.served.len().max(1) as f64;
        let least = (scenario.seconds / MOST).max(REQUESTS * scenario.seconds / requests);
        let window = round(least).min(scenario.seconds);
        let count = (scenario.seconds / window).ceil();
        let count = usize::try_from(whole(count)).unwrap_or(1).max(1);
        let place = |seconds: f64| usize::try_from(whole((seconds / window).floor())).ok();
        let mut attempts = vec![vec![0.0; scenario.targets.len()]; count];
        for tried in &run.tried {
            if let Some(counts) = place(tried.at.as_secs_f64()).and_then(|at| attempts.get_mut(at))
            {
                counts[tried.target] += 1.0;
            }
        }
        let mut requests = vec![(Vec::new(), 0.0, 0.0); count];
        for served in run.counted() {
            let at = place(served.at.as_secs_f64());
            if let Some((times, failed, all)) = at.and_then(|at| requests.get_mut(at)) {
                *all += 1.0;
                *failed += f64::from(u8::from(served.end != End::Answered));
                if served.end != End::Failed {
                    times.push(served.took);
                }
            }
        }
        let moments = attempts.into_iter().zip(requests);
        let moments = moments.map(|(counts, (mut times, failed, all))| {
            times.sort_by(f64::total_cmp);
            let sum: f64 = counts.iter().sum();
            Moment {
                shares: counts.iter().map(|count| count / sum.max(1.0)).collect(),
                p50_s: percentile(&times, 0.5),
                p95_s: percentile(&times, 0.95),
                failed: (all > 0.0).then(|| failed / all),
            }
        });
        Self {
            window,
            moments: moments.collect(),
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
