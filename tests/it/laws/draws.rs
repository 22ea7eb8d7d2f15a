//! Laws about draws: frequencies match shares, and nobody is chosen who may not be.

use proptest::prelude::*;
use weighbridge::balance::gate::{Ask, GateState, Gates, Reason, Row, Standing, admit, propensity};
use weighbridge::balance::{Draw, Key, Mask, Seed, Sticky, WeightTable};
use weighbridge::model::{TargetIndex, Time};

use super::world::cases;

/// What χ² with `freedom` degrees exceeds once in 20 million times, by Wilson and Hilferty: of 10,000 cases one in a thousand
/// is beyond its 99.9th percentile by chance.
fn chi_square_limit(freedom: f64) -> f64 {
    let part = 2.0 / (9.0 * freedom);
    freedom * (1.0 - part + 5.33 * part.sqrt()).powi(3)
}

/// A stream of draws without any pattern (`SplitMix64`).
fn draws(seed: u64, count: usize) -> impl Iterator<Item = Draw> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Draw((z >> 32) as u32)
    })
    .take(count)
}

/// So many that a share of a half that is off by two points is seen.
const DRAWS: usize = 25_000;

fn seeds(targets: usize) -> Vec<Seed> {
    (0..targets).map(|i| Seed::of(&format!("t{i}"))).collect()
}

fn sticky(seeds: &[Seed], key: u32) -> Sticky<'_> {
    let key = Key::of("test", &key.to_le_bytes());
    Sticky { key, seeds }
}

/// Holds counts against probabilities.
fn fits(counts: &[f64], expected: &[f64]) -> Result<(), TestCaseError> {
    let total: f64 = counts.iter().sum();
    let (mut statistic, mut cells) = (0.0, 0.0);
    for (count, part) in counts.iter().zip(expected) {
        let mean = part * total;
        prop_assert!(
            *part > 0.0 || *count == 0.0,
            "{count} draws of a share of nothing"
        );
        if mean >= 5.0 {
            statistic += (count - mean) * (count - mean) / mean;
            cells += 1.0;
        }
    }
    let limit = chi_square_limit(f64::max(cells - 1.0, 1.0));
    prop_assert!(
        statistic <= limit,
        "χ² is {statistic}, at most {limit} expected"
    );
    Ok(())
}

#[derive(Debug)]
struct Fixed(Vec<(GateState, Standing)>);

impl Gates for Fixed {
    fn gate(&self, target: TargetIndex) -> GateState {
        self.0[target.get()].0
    }
    fn standing(&self, target: TargetIndex) -> Standing {
        self.0[target.get()].1
    }
}

const NOW: Time = Time::from_micros(5_000_000);

fn gate() -> impl Strategy<Value = (GateState, Standing)> {
    (0u32..4, 0u32..4, 0u32..6, 0u32..6, 0.2f64..3.0, 0.0f64..0.5).prop_map(
        |(serving, blocked, pending, cap, seconds, faults)| {
            let gate = GateState {
                serving: serving > 0,
                blocked_until: if blocked == 0 {
                    NOW.after_secs(seconds)
                } else {
                    Time::ZERO
                },
                pending: [pending, 0],
                pending_cap: [cap.max(1), u32::MAX],
                in_flight: pending,
                ..GateState::default()
            };
            let standing = Standing {
                seconds: Some(seconds),
                faults,
                ..Standing::default()
            };
            (gate, standing)
        },
    )
}

#[derive(Debug)]
struct Case {
    granted: WeightTable,
    configured: WeightTable,
    gates: Fixed,
    eligible: Mask,
}

fn case() -> impl Strategy<Value = Case> {
    let target = (0u32..50, 0u32..50, gate(), any::<bool>());
    prop::collection::vec(target, 2..10).prop_map(|mut targets| {
        targets[0].0 += 1;
        targets[0].1 += 1;
        // Whoever is granted something has a configured share, as in the controller.
        let configured: Vec<f64> = targets.iter().map(|t| f64::from(t.1)).collect();
        let granted = targets
            .iter()
            .map(|t| f64::from(if t.1 > 0 { t.0 } else { 0 }));
        let eligible = targets.iter().enumerate().filter(|(i, t)| t.3 || *i == 0);
        Case {
            eligible: eligible.map(|(i, _)| TargetIndex::at(i)).collect(),
            granted: WeightTable::from_fractions(&granted.collect::<Vec<_>>()).unwrap(),
            configured: WeightTable::from_fractions(&configured).unwrap(),
            gates: Fixed(targets.into_iter().map(|t| t.2).collect()),
        }
    })
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn picks_match_shares_also_under_a_mask(
        weights in prop::collection::vec(0u32..100, 2..20),
        out in prop::collection::vec(any::<bool>(), 20),
        seed in any::<u64>(),
    ) {
        let mut weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
        weights[0] += 1.0;
        let table = WeightTable::from_fractions(&weights).unwrap();
        let member = |i: usize| i == 0 || !out[i];
        let mask: Mask = (0..weights.len()).filter(|i| member(*i)).map(TargetIndex::at).collect();
        for (mask, everybody) in [(Mask::ALL, true), (mask, false)] {
            let part = |i: usize| if everybody || member(i) { table.shares()[i].fraction() } else { 0.0 };
            let sum: f64 = (0..weights.len()).map(part).sum();
            let expected: Vec<f64> = (0..weights.len()).map(|i| part(i) / sum).collect();
            let mut counts = vec![0.0; weights.len()];
            for draw in draws(seed, DRAWS) {
                counts[table.pick(draw, &mask).unwrap().get()] += 1.0;
            }
            fits(&counts, &expected)?;
        }
    }

    #[test]
    fn propensity_is_the_frequency_of_admission(case in case(), seed in any::<u64>(), guarded in any::<bool>()) {
        let row = Row { granted: &case.granted, configured: &case.configured, guarded };
        let ask = |draw| Ask { eligible: &case.eligible, draw, now: NOW, may_probe: false, sticky: None };
        let count = case.configured.len();
        let told: Vec<f64> = (0..count)
            .filter_map(|i| propensity(row, &case.gates, &ask(Draw(0)), TargetIndex::at(i)))
            .collect();
        let mut counts = vec![0.0; count];
        for draw in draws(seed, DRAWS) {
            if let Some(admitted) = admit(row, &case.gates, &ask(draw)) {
                counts[admitted.target.get()] += 1.0;
            }
        }
        let sum: f64 = told.iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-9, "somebody is always chosen here, the sum is {sum}");
        fits(&counts, &told)?;
    }

    #[test]
    fn conversations_are_spread_by_share_over_whoever_is_open(case in case()) {
        let row = Row { granted: &case.granted, configured: &case.configured, guarded: true };
        let count = case.configured.len();
        let open = |i: &usize| {
            let target = TargetIndex::at(*i);
            case.eligible.contains(target) && case.gates.gate(target).is_open(NOW)
        };
        let granted = |i: usize| f64::from(case.granted.share(TargetIndex::at(i)).ppm());
        let sum: f64 = (0..count).filter(open).map(granted).sum();
        prop_assume!(sum > 0.0);
        let part = |i: usize| if open(&i) { granted(i) / sum } else { 0.0 };
        let expected: Vec<f64> = (0..count).map(part).collect();
        let (seeds, mut counts) = (seeds(count), vec![0.0; count]);
        for draw in draws(1, DRAWS) {
            let sticky = Some(sticky(&seeds, draw.0));
            let ask = Ask { eligible: &case.eligible, draw, now: NOW, may_probe: false, sticky };
            let admitted = admit(row, &case.gates, &ask).expect("somebody is open");
            counts[admitted.target.get()] += 1.0;
            prop_assert_eq!(propensity(row, &case.gates, &ask, admitted.target), None);
        }
        fits(&counts, &expected)?;
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn nobody_is_admitted_who_is_ineligible_or_has_no_weight(
        mut case in case(),
        draw in any::<u32>(),
        wanted in 0usize..10,
        guarded in any::<bool>(),
        sticks in any::<bool>(),
    ) {
        if let Some(gate) = case.gates.0.get_mut(wanted) {
            gate.0.probe_wanted = true;
        }
        let row = Row { granted: &case.granted, configured: &case.configured, guarded };
        let seeds = seeds(case.configured.len());
        let sticky = sticks.then(|| sticky(&seeds, draw));
        let ask = Ask { eligible: &case.eligible, draw: Draw(draw), now: NOW, may_probe: true, sticky };
        let admitted = admit(row, &case.gates, &ask);
        let admitted = admitted.expect("target 0 is eligible and has a share");
        prop_assert!(case.eligible.contains(admitted.target), "{admitted:?} is not eligible");
        prop_assert!(case.configured.share(admitted.target).ppm() > 0, "{admitted:?} has no weight");
        let gate = case.gates.gate(admitted.target);
        match admitted.reason {
            Reason::Drawn => prop_assert!(!sticks && (!guarded || gate.is_open(NOW)), "drawn: open"),
            Reason::Kept => prop_assert!(sticks && (!guarded || gate.is_open(NOW)), "kept: open"),
            Reason::Probe => prop_assert!(gate.probe_wanted && gate.blocked_until <= NOW, "wanted"),
            Reason::Redirected => prop_assert!(gate.serving && gate.blocked_until <= NOW, "works"),
            Reason::Waiting => prop_assert!(gate.serving, "waits"),
            Reason::Panic => prop_assert!(!gate.serving, "only when nobody serves"),
        }
    }

    #[test]
    fn nobody_eligible_is_nobody(case in case(), draw in any::<u32>(), guarded in any::<bool>()) {
        let row = Row { granted: &case.granted, configured: &case.configured, guarded };
        let ask = Ask { eligible: &Mask::NONE, draw: Draw(draw), now: NOW, may_probe: true, sticky: None };
        prop_assert!(admit(row, &case.gates, &ask).is_none(), "never widened");
    }
}
