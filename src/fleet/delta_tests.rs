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
            changed,
        };
        assert_eq!(gathering.hear_change(&delta, Time::ZERO), round <= 2);
    }
    let known = gathering.replicas().next().unwrap();
    assert_eq!(known.report.upstreams.len(), 6_000);
}

/// What becomes of a message: which report or delta, of all that were sent.
fn message() -> impl Strategy<Value = (usize, bool)> {
    (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(i, whole)| (i.index(20), whole))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    /// Whole reports and deltas come in any order, some twice, some never: what is known is always a report as it once was,
    /// and never an older one than before.
    #[test]
    fn whatever_becomes_of_deltas_what_is_known_was_once_so(
        steps in prop::collection::vec((0_usize..3, 1_u64..4), 20),
        lag in 1_usize..4,
        messages in prop::collection::vec(message(), 0..60),
    ) {
        let mut answers = [0_u64; 3];
        let reports: Vec<Arc<Report>> = (1..).zip(&steps).map(|(sequence, (which, more))| {
            answers[*which] += more;
            Arc::new(report(sequence, &answers))
        }).collect();
        let mut gathering = Gathering::default();
        let mut newest = 0;
        for (i, whole) in messages {
            if whole {
                gathering.hear(reports[i].clone(), Time::ZERO);
            } else if let Some(base) = i.checked_sub(lag) {
                let delta = Delta::between(&reports[base], &reports[i]).unwrap();
                let was = gathering.of(&delta.changed.replica).map(|heard| heard.report.sequence);
                let took = gathering.hear_change(&delta, Time::ZERO);
                let fits = was.is_some_and(|was| (reports[base].sequence..reports[i].sequence).contains(&was));
                prop_assert_eq!(took, fits);
            }
            let known = gathering.of(&reports[0].replica);
            if let Some(known) = known {
                let place = usize::try_from(known.report.sequence).unwrap() - 1;
                prop_assert_eq!(&known.report, &reports[place]);
                prop_assert!(place >= newest);
                newest = place;
            }
        }
    }
}
