use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::super::evidence::Evidence;
use super::super::gathering::Gathering;
use super::super::report::{ReplicaId, UpstreamReport};
use super::*;
use crate::model::{Class, Time, UpstreamName};

fn report(sequence: u64, answers: &[u64]) -> Report {
    let upstreams = (0_u32..).zip(answers).map(|(i, count)| {
        let mut evidence = Evidence::default();
        evidence.ends[Class::Ok.index()] = *count;
        let name = UpstreamName::new(&format!("p/m{i}")).unwrap();
        let known = UpstreamReport {
            evidence,
            ..UpstreamReport::default()
        };
        (name, known)
    });
    Report {
        replica: ReplicaId::new("a").unwrap(),
        epoch: 1,
        sequence,
        at: Time::ZERO,
        version: String::new(),
        plan: 0,
        orders: 0,
        groups: BTreeMap::new(),
        upstreams: upstreams.collect(),
        routes: BTreeMap::new(),
    }
}

#[test]
fn a_delta_names_what_changed_and_no_more() {
    let (first, third) = (report(1, &[5, 6, 7]), report(3, &[5, 9, 7, 1]));
    let delta = Delta::between(&first, &third).unwrap();
    let named: Vec<_> = delta
        .changed
        .upstreams
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(named, ["p/m1", "p/m3"]);
    assert_eq!(delta.over(&first).unwrap(), third);
    let second = report(2, &[5, 8, 7]);
    assert_eq!(delta.over(&second).unwrap(), third, "laid over a later one");
    assert!(Delta::between(&third, &third).unwrap().is_empty());
}

#[test]
fn what_is_too_old_too_new_or_of_another_time_stays_as_it_is() {
    let delta = Delta::between(&report(2, &[1]), &report(4, &[3])).unwrap();
    assert_eq!(delta.over(&report(1, &[0])), None, "too old");
    assert_eq!(delta.over(&report(4, &[3])), None, "known already");
    assert_eq!(delta.over(&report(5, &[4])), None, "newer");
    let again = Report {
        epoch: 2,
        ..report(3, &[0])
    };
    assert_eq!(delta.over(&again), None, "it began again");
    assert_eq!(Delta::between(&again, &report(4, &[3])), None);
    let other = Report {
        replica: ReplicaId::new("b").unwrap(),
        ..report(3, &[2])
    };
    assert_eq!(delta.over(&other), None, "another replica's");
}

#[test]
fn names_that_are_made_up_again_and_again_do_not_add_up() {
    let mut gathering = Gathering::default();
    gathering.hear(report(1, &[]), Time::ZERO);
    for round in 1..=4_u64 {
        let mut changed = report(round + 1, &[]);
        changed.upstreams.extend((0..3_000).map(|i| {
            let name = UpstreamName::new(&format!("p/{round}-{i}")).unwrap();
            (name, UpstreamReport::default())
        }));
        let delta = Delta {
            base: round,
            presses: false,
            leaves: false,
            drains: false,
            changed,
        };
        assert_eq!(gathering.hear_change(&delta, Time::ZERO), round <= 2);
    }
    let known = gathering.replicas().next().unwrap();
    assert_eq!(known.report.upstreams.len(), 6_000);
}

/// Whole reports come every third time, deltas in between; some are lost, and what they say may be as it was before.
fn step() -> impl Strategy<Value = ([u64; 3], bool)> {
    (prop::array::uniform3(0_u64..2), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn whatever_becomes_of_messages_what_is_known_was_once_so(
        steps in prop::collection::vec(step(), 1..40),
        again in prop::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        let (mut gathering, mut deltas) = (Gathering::default(), Deltas::default());
        let (mut reports, mut sent): (Vec<Arc<Report>>, Vec<Delta>) = (Vec::new(), Vec::new());
        let mut newest = 0;
        for (i, ((values, arrives), old)) in steps.iter().zip(again).enumerate() {
            let now = Arc::new(report(i as u64 + 1, values));
            reports.push(now.clone());
            if i.is_multiple_of(3) {
                deltas.put(now.clone());
                // The first is read, later ones may not be.
                if *arrives || i == 0 { gathering.hear(now, Time::ZERO); }
            } else if let Some(delta) = deltas.next(&now) {
                deltas.told(&now);
                if *arrives { gathering.hear_change(&delta, Time::ZERO); }
                sent.push(delta);
            }
            // An older message comes late, or twice.
            if !sent.is_empty() { gathering.hear_change(&sent[old.index(sent.len())], Time::ZERO); }
            let known = &gathering.of(&reports[0].replica).unwrap().report;
            let place = usize::try_from(known.sequence).unwrap() - 1;
            prop_assert_eq!(known, &reports[place]);
            prop_assert!(place >= newest);
            newest = place;
        }
    }
}

#[test]
fn who_heard_of_what_passed_hears_that_it_is_over() {
    let (mut deltas, mut gathering) = (Deltas::default(), Gathering::default());
    let first = Arc::new(report(1, &[0]));
    deltas.put(first.clone());
    gathering.hear(first, Time::ZERO);
    for (sequence, value) in [(2, 7), (3, 0)] {
        let now = report(sequence, &[value]);
        let delta = deltas.next(&now).unwrap();
        deltas.told(&now);
        assert!(gathering.hear_change(&delta, Time::ZERO));
        assert_eq!(*gathering.replicas().next().unwrap().report, now);
    }
}
