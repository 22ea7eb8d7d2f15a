//! A counter-example to the law that more latency never raises a share, found under goals by `tests/it/laws`.

use super::super::decision::{Evidence, Terms};
use super::*;

/// The parts of targets with these losses and deviations, by equal weights.
fn parts(known: &[(f64, f64)]) -> Vec<f64> {
    let signal = |(latency, deviation): &(f64, f64)| Signal {
        attainments: Vec::new(),
        violation: Violation::default(),
        terms: Terms {
            latency: *latency,
            ..Terms::default()
        },
        variance: deviation * deviation,
        uncached: 0.0,
        evidence: Evidence::default(),
    };
    let signals: Vec<Signal> = known.iter().map(signal).collect();
    let candidate = |signal| Candidate {
        anchor: 1.0,
        signal,
        ramp: 1.0,
    };
    let candidates: Vec<Candidate<'_>> = signals.iter().map(candidate).collect();
    let members: Vec<usize> = (0..known.len()).collect();
    let parts = propose(Strategy::Adaptive, &candidates, &members).parts;
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / sum).collect()
}

#[test]
fn a_target_that_hands_the_lead_to_one_that_is_known_better_gains_nothing() {
    let (known, third) = ((1.393, 0.038), (1.6, 0.039));
    let mut before = f64::INFINITY;
    for k in 0..60 {
        let own = (1.36 + 0.002 * f64::from(k), 0.1);
        let share = parts(&[own, known, third])[0];
        assert!(
            share <= before + 1e-9,
            "{share} at {own:?}, {before} before"
        );
        before = share;
    }
}
