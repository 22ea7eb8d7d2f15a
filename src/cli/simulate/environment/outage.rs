//! `--outage TARGET[=KIND]`: who fails, how, and the laws that make it so.

use std::fmt;

use super::super::super::Failure;
use super::guess::number;
use crate::config::{Route, Target};
use crate::law::{Law, Number};
use crate::sim::{Fault, Scenario};

/// How many times as long a slow target takes: what a brownout of the scenarios that come along is.
const SLOW: f64 = 4.0;
/// Steps in which a figure that changes by itself is written down once a fault is put into it.
const STEPS: u32 = 300;

/// A target that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    /// A target's name, its `provider/model`, or a provider's name.
    pub(super) target: String,
    pub(super) kind: Kind,
}

/// How a target fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It answers 503 at once.
    Down,
    /// It answers 429 at once.
    Refusing,
    /// It answers nothing.
    Hanging,
    /// It takes [`SLOW`] times as long.
    Slow,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => f.write_str("answers 503"),
            Self::Refusing => f.write_str("answers 429"),
            Self::Hanging => f.write_str("answers nothing"),
            Self::Slow => write!(f, "takes {SLOW} times as long"),
        }
    }
}

impl Outage {
    /// Reads `TARGET` or `TARGET=KIND`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (target, kind) = text.rsplit_once('=').unwrap_or((text, "503"));
        let kind = match kind {
            "503" => Kind::Down,
            "429" => Kind::Refusing,
            "hang" => Kind::Hanging,
            "slow" => Kind::Slow,
            _ => return Err(format!("expected 503, 429, hang or slow, found {kind:?}")),
        };
        Ok(Self {
            target: target.to_owned(),
            kind,
        })
    }

    /// The route's targets that fail: the one of this name, else the one that uses it, else all of the provider.
    fn targets<'a>(&self, route: &'a Route) -> Vec<&'a Target> {
        let by = |of: fn(&Target) -> &str| -> Vec<&'a Target> {
            let named = route.targets.iter();
            named.filter(|target| of(target) == self.target).collect()
        };
        let mut found = by(|target| target.name.as_str());
        if found.is_empty() {
            found = by(|target| target.upstream.name.as_str());
        }
        if found.is_empty() {
            found = by(|target| target.upstream.provider.name.as_str());
        }
        found
    }
}

/// Whether each outage meets a target of one of the routes, and none meets the same one as another.
pub(super) fn check(outages: &[Outage], routes: &[&Route]) -> Result<(), Failure> {
    for (i, outage) in outages.iter().enumerate() {
        let meets = |route: &&Route| !outage.targets(route).is_empty();
        if !routes.iter().any(meets) {
            return Err(nobody(outage, routes));
        }
        for route in routes {
            let met = outage.targets(route);
            let before = outages
                .iter()
                .take(i)
                .flat_map(|other| other.targets(route));
            if let Some(twice) = before
                .into_iter()
                .find(|it| met.iter().any(|m| m.name == it.name))
            {
                return Err(Failure::Told(format!(
                    "--outage: target {} of route {} fails in one way, found two",
                    twice.name, route.name
                )));
            }
        }
    }
    Ok(())
}

fn nobody(outage: &Outage, routes: &[&Route]) -> Failure {
    let known = routes.iter().map(|route| {
        let targets = route.targets.iter();
        let targets = targets.map(|it| format!("{} ({})", it.name, it.upstream.name));
        format!(
            "route {}: {}",
            route.name,
            targets.collect::<Vec<_>>().join(", ")
        )
    });
    Failure::Told(format!(
        "--outage: expected a target, its provider/model or a provider of {}; found {:?}",
        known.collect::<Vec<_>>().join("; "),
        outage.target
    ))
}

/// The scenario of `route` with the outages in the middle third of its time.
pub(super) fn put_in(
    mut scenario: Scenario,
    route: &Route,
    outages: &[Outage],
) -> (Scenario, Vec<(Fault, Outage)>) {
    let (from, to) = (scenario.seconds / 3.0, scenario.seconds * 2.0 / 3.0);
    let mut put = Vec::new();
    for outage in outages {
        for target in outage.targets(route) {
            // A target that the route's tags leave out has no requests to lose.
            if let Some(simulated) = scenario.targets.get_mut(target.name.as_str()) {
                fail(&mut simulated.law, outage.kind, (from, to));
                let target = target.name.to_string();
                put.push((Fault { target, from, to }, outage.clone()));
            }
        }
    }
    scenario.fault = put.first().map(|(fault, _)| fault.clone());
    (scenario, put)
}

/// Makes a law fail in `span`, in seconds.
fn fail(law: &mut Law, kind: Kind, span: (f64, f64)) {
    let all = |_| 1.0;
    match kind {
        Kind::Down => {
            law.error_rate = during(&law.error_rate, span, all);
            (law.error_status, law.error_kind) = (Some(503), None);
        }
        Kind::Refusing => {
            // A law has one status for all its errors: those of healthy times would be refusals as well.
            law.error_rate = during(&Number::ZERO, span, all);
            (law.error_status, law.error_kind) = (Some(429), None);
        }
        Kind::Hanging => law.black_hole = during(&law.black_hole, span, all),
        Kind::Slow => {
            law.ttft_ms = during(&law.ttft_ms, span, |value| SLOW * value);
            law.tpot_ms = during(&law.tpot_ms, span, |value| SLOW * value);
        }
    }
}

/// `number`, changed in `span`; what changes by itself goes on in steps.
fn during(number_before: &Number, (from, to): (f64, f64), change: impl Fn(f64) -> f64) -> Number {
    let (low, high) = number_before.bounds();
    let at = |seconds: f64| {
        let value = number_before.at(seconds);
        let changed = (from..to).contains(&seconds);
        (seconds, if changed { change(value) } else { value })
    };
    let points: Vec<(f64, f64)> = if high > low {
        // As many steps in each third, and each third begins with one: the fault begins and ends exactly there.
        let each = STEPS / 3;
        let step = (to - from) / f64::from(each);
        let third = |begin: f64| (0..each).map(move |i| begin + f64::from(i) * step);
        [0.0, from, to]
            .into_iter()
            .flat_map(third)
            .map(at)
            .collect()
    } else {
        vec![at(0.0), at(from), at(to)]
    };
    Number::steps(points).unwrap_or_else(|_| number(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_by_itself_fails_from_the_fault_s_beginning_to_its_end() {
        let wave: Law =
            toml::from_str("ttft_ms = { base = 500, amplitude = 100, period = 60 }").unwrap();
        for seconds in [700.0, 900.0, 1_000.0] {
            let (from, to) = (seconds / 3.0, seconds * 2.0 / 3.0);
            let slow = during(&wave.ttft_ms, (from, to), |value| SLOW * value);
            assert!(
                slow.at(from - 0.01) < 700.0 && slow.at(from) > 1_500.0,
                "{seconds} s"
            );
            assert!(
                slow.at(to - 0.01) > 1_500.0 && slow.at(to) < 700.0,
                "{seconds} s"
            );
        }
    }
}
