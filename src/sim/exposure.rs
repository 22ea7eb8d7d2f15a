//! How many requests meet a dead target before it is left, from one request in twenty seconds to fifty a second.
//!
//! Seconds to shed say little where requests are rare: at 0.05 a second, one that is left after three requests was used for
//! a minute. So here requests are counted, until ten in a row went elsewhere.

use super::engine::Failover;
use super::record::{End, Run};
use super::roster::Candidate;
use super::scenario::{Scenario, ScenarioError};
use crate::model::NameError;

/// How a target is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// It answers 503 at once.
    Errors,
    /// It never answers.
    Silence,
}

impl Death {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Errors, Self::Silence];

    /// As the report says it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Errors => "503 at once",
            Self::Silence => "black hole",
        }
    }
}

/// The rates that are looked at, in requests per second.
pub const RATES: [f64; 4] = [0.05, 0.5, 5.0, 50.0];

/// The target is left when so many in a row went elsewhere.
const IN_A_ROW: u32 = 10;

/// What a dead target met; means over seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exposure {
    /// Attempts that met it before it was left.
    pub before: f64,
    /// Attempts that met it in all, probes included.
    pub whole: f64,
    /// Requests that failed while it was dead.
    pub failed: f64,
}

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum ExposureError {
    /// The world cannot be made.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A name in it is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// When the largest of the three targets dies, and when the look ends, in seconds.
fn span(rate: f64) -> (f64, f64) {
    let from = (100.0 / rate).max(200.0);
    (from, from + (30.0 / rate).max(120.0))
}

/// Requests that would meet the dead target if nobody left it.
pub fn by_share(rate: f64) -> f64 {
    let (from, to) = span(rate);
    0.6 * rate * (to - from)
}

fn world(rate: f64, death: Death) -> Result<Scenario, ScenarioError> {
    let (from, to) = span(rate);
    let law = match death {
        Death::Errors => format!("error_status = 503\nerror_rate = [[0, 0.003], [{from}, 1]]"),
        Death::Silence => format!("black_hole = [[0, 0], [{from}, 1]]"),
    };
    Scenario::read(&format!(
        "name = \"exposure\"\nseconds = {}\nprices = \"per_answer\"\n[load]\nrps = {rate}\n\
         [target.a]\nweight = 0.6\n{law}\n\
         [target.b]\nweight = 0.3\nttft_ms = 650\ntpot_ms = 19.5\n\
         [target.c]\nweight = 0.1\nttft_ms = 900\ntpot_ms = 27\n",
        to + 1.0
    ))
}

/// What `candidate` sends to a target that dies, at so many requests a second; the mean over these seeds.
pub fn exposure(
    candidate: &Candidate,
    rate: f64,
    death: Death,
    seeds: std::ops::RangeInclusive<u64>,
    failover: Failover,
) -> Result<Exposure, ExposureError> {
    let world = world(rate, death)?;
    let (from, _) = span(rate);
    let mut mean = Exposure::default();
    let mut runs = 0.0;
    for seed in seeds {
        let one = counted(&candidate.run(&world, seed, failover)?, from);
        mean.before += one.before;
        mean.whole += one.whole;
        mean.failed += one.failed;
        runs += 1.0;
    }
    if runs > 0.0 {
        mean.before /= runs;
        mean.whole /= runs;
        mean.failed /= runs;
    }
    Ok(mean)
}

/// What met the first target from `from` on.
fn counted(run: &Run, from: f64) -> Exposure {
    let (mut elsewhere, mut met, mut before) = (0_u32, 0.0, None);
    for tried in run
        .tried
        .iter()
        .filter(|tried| tried.at.as_secs_f64() >= from)
    {
        if tried.target == 0 {
            met += 1.0;
            elsewhere = 0;
        } else {
            elsewhere += 1;
            if elsewhere == IN_A_ROW {
                before.get_or_insert(met);
            }
        }
    }
    let failed = run
        .counted()
        .filter(|served| served.at.as_secs_f64() >= from && served.end != End::Answered);
    Exposure {
        before: before.unwrap_or(met),
        whole: met,
        failed: failed.count() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;
    use crate::sim::record::Tried;

    #[test]
    fn a_target_is_left_when_ten_in_a_row_went_elsewhere() {
        let mut run = Run::default();
        let targets = [
            vec![0, 0, 1, 0],
            vec![1; 9],
            vec![0],
            vec![1; 10],
            vec![0, 0],
        ]
        .concat();
        for (second, target) in targets.into_iter().enumerate() {
            let at = Time::from_secs_f64(second as f64);
            run.tried.push(Tried { at, target });
        }
        let found = counted(&run, 1.0);
        assert_eq!(
            (found.before, found.whole),
            (3.0, 5.0),
            "nine in a row are not enough"
        );
    }

    #[test]
    fn who_never_leaves_meets_all_of_it() {
        let fixed = Candidate::named("static").unwrap();
        let found = exposure(&fixed, 5.0, Death::Errors, 1..=3, Failover::Off).unwrap();
        let expected = by_share(5.0);
        assert!(
            (found.whole / expected - 1.0).abs() < 0.1,
            "{found:?} of {expected}"
        );
        assert!(
            found.failed >= found.whole,
            "each of them failed: {found:?}"
        );
        let ours = Candidate::named("adaptive").unwrap();
        let found = exposure(&ours, 5.0, Death::Errors, 1..=3, Failover::Off).unwrap();
        assert!(found.before < 0.1 * expected, "{found:?} of {expected}");
    }
}
