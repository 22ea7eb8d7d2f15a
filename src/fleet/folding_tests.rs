use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::balance::{Batch, RouteInput, even_route};
use crate::fleet::{LIVE, Out, Own, UpstreamReport};
use crate::model::{Class, TargetName};

#[path = "leaving_tests.rs"]
mod leaving;

fn id(name: &str) -> ReplicaId {
    ReplicaId::new(name).unwrap()
}

fn at(seconds: f64) -> Time {
    Time::from_secs_f64(seconds)
}

fn plan() -> Plan {
    let upstream = |name: &str| UpstreamName::new(name).unwrap();
    let targets = [("t0", upstream("p/0")), ("t1", upstream("p/1"))];
    Plan::new(vec![even_route("r", &targets)], [])
}

fn quiet(plan: &Plan) -> Input {
    Input {
        elapsed: 0.25,
        upstreams: vec![UpstreamInput::default(); plan.upstreams().len()],
        routes: vec![RouteInput::default(); 1],
        ..Input::default()
    }
}

/// A report of a replica that had so many answers and faults at the plan's first upstream since its epoch.
fn report(name: &str, number: (u64, u64), ok: u64, faults: u64) -> Report {
    let plan = plan();
    let mut there = UpstreamReport::default();
    there.evidence.ends[Class::Ok.index()] = ok;
    there.evidence.ends[Class::Fault.index()] = faults;
    let mut sums = RouteSums {
        arrivals: ok + faults,
        ..RouteSums::default()
    };
    sums.picked
        .insert(TargetName::new("t0").unwrap(), ok + faults);
    let route = plan.routes().next().unwrap().name.clone();
    Report {
        replica: id(name),
        epoch: number.0,
        sequence: number.1,
        at: Time::ZERO,
        version: String::new(),
        plan: 0,
        orders: 0,
        upstreams: [(plan.upstreams()[0].clone(), there)].into(),
        routes: [(route, sums)].into(),
        groups: BTreeMap::new(),
    }
}

fn folded(folding: &mut Folding, gathering: &Gathering, now: Time) -> Input {
    let plan = plan();
    let mut input = quiet(&plan);
    folding.fold(gathering, &plan, now, &mut input);
    input
}

fn answers(input: &Input) -> (u32, u32) {
    let batch: &Batch = &input.upstreams[0].batch;
    (batch.count(Class::Ok), batch.count(Class::Fault))
}

#[test]
fn what_others_measured_is_taken_in_once() {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(0.0)), Gathering::default());
    gathering.hear(report("a", (1, 1), 5, 1), at(1.0));
    gathering.hear(report("b", (1, 1), 7, 2), at(1.0));
    gathering.exchanged(at(1.0));
    let first = folded(&mut folding, &gathering, at(1.0));
    assert_eq!(answers(&first), (12, 3));
    assert_eq!(
        (first.routes[0].arrivals, first.routes[0].picked[0]),
        (15, 15)
    );
    let peers = first.upstreams[0].peers.as_ref().unwrap();
    assert_eq!((peers.replicas, peers.share_of), (2, 3));
    let again = folded(&mut folding, &gathering, at(1.25));
    assert_eq!(answers(&again), (0, 0), "nothing is new");
    gathering.hear(report("a", (1, 3), 9, 1), at(2.0));
    gathering.hear(report("a", (1, 2), 6, 1), at(2.1));
    assert_eq!(answers(&folded(&mut folding, &gathering, at(2.2))), (4, 0));
}

#[test]
fn who_falls_silent_with_the_engine_still_shares_the_room_and_who_does_alone_does_not() {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(0.0)), Gathering::default());
    gathering.hear(report("a", (1, 1), 5, 1), at(0.75));
    gathering.hear(report("b", (1, 1), 5, 1), at(1.0));
    gathering.exchanged(at(1.0));
    let stands = |folding: &mut Folding, gathering: &Gathering, seconds: f64| {
        let input = folded(folding, gathering, at(seconds));
        let peers = input.upstreams[0].peers.clone().unwrap();
        (peers.share_of, peers.apart)
    };
    assert_eq!(stands(&mut folding, &gathering, 5.9), (3, false));
    assert_eq!(stands(&mut folding, &gathering, 6.1), (3, true));
    gathering.hear(report("b", (1, 2), 5, 1), at(7.0));
    gathering.exchanged(at(7.0));
    assert_eq!(stands(&mut folding, &gathering, 7.0), (2, false));
}

#[test]
fn a_replica_that_begins_again_counts_from_nothing() {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(0.0)), Gathering::default());
    gathering.exchanged(at(1.0));
    gathering.hear(report("a", (1, 9), 50, 0), at(1.0));
    folded(&mut folding, &gathering, at(1.0));
    gathering.hear(report("a", (3_000_000, 1), 4, 0), at(4.0));
    gathering.exchanged(at(4.0));
    assert_eq!(answers(&folded(&mut folding, &gathering, at(4.0))), (4, 0));
    gathering.hear(report("a", (1, 10), 51, 0), at(4.5));
    assert_eq!(
        answers(&folded(&mut folding, &gathering, at(4.5))),
        (0, 0),
        "a late message of before it began again is none"
    );
}

#[test]
fn what_was_measured_before_this_replica_began_is_of_the_past() {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(100.0)), Gathering::default());
    gathering.exchanged(at(101.0));
    gathering.hear(report("old", (1, 400), 5_000, 9), at(101.0));
    gathering.hear(report("young", (100_500_000, 1), 3, 0), at(101.0));
    assert_eq!(
        answers(&folded(&mut folding, &gathering, at(101.0))),
        (3, 0)
    );
    gathering.hear(report("old", (1, 401), 5_006, 9), at(102.0));
    assert_eq!(
        answers(&folded(&mut folding, &gathering, at(102.0))),
        (6, 0)
    );
}

#[test]
fn who_was_away_is_taken_in_again_unless_it_was_for_long() {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(0.0)), Gathering::default());
    let mut hear = |sequence, ok, now: f64| {
        gathering.hear(report("a", (1, sequence), ok, 0), at(now));
        gathering.exchanged(at(now));
        answers(&folded(&mut folding, &gathering, at(now))).0
    };
    assert_eq!(hear(1, 10, 1.0), 10);
    assert_eq!(hear(9, 25, 31.0), 15, "half a minute is news");
    assert_eq!(hear(10, 99, 131.0), 0, "a hundred seconds are not");
    assert_eq!(hear(11, 101, 132.0), 2);
}

#[test]
fn a_network_that_is_broken_for_one_says_nothing_to_the_others() {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(0.0)), Gathering::default());
    gathering.exchanged(at(1.0));
    let mut broken = report("broken", (1, 1), 0, 9);
    let there = broken.upstreams.values_mut().next().unwrap();
    there.condition.out = Some(Out {
        cause: Cause::Faults,
        probing: false,
    });
    gathering.hear(broken, at(1.0));
    gathering.hear(report("well", (1, 1), 12, 0), at(1.0));
    let input = folded(&mut folding, &gathering, at(1.0));
    assert_eq!(answers(&input), (12, 0));
    let peers = input.upstreams[0].peers.as_ref().unwrap();
    assert_eq!((peers.ejected, peers.replicas, peers.share_of), (0, 1, 3));
}

#[test]
fn faults_that_all_see_are_heard_and_so_is_the_ejection() {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(0.0)), Gathering::default());
    gathering.exchanged(at(1.0));
    for (name, ok) in [("a", 1), ("b", 2)] {
        let mut sick = report(name, (1, 1), ok, 4);
        let there = sick.upstreams.values_mut().next().unwrap();
        there.condition.out = Some(Out {
            cause: Cause::Overdue,
            probing: name == "a",
        });
        gathering.hear(sick, at(1.0));
    }
    let input = folded(&mut folding, &gathering, at(1.0));
    assert_eq!(answers(&input), (3, 8));
    let peers = input.upstreams[0].peers.as_ref().unwrap();
    assert_eq!((peers.ejected, peers.cause), (2, Some(Cause::Overdue)));
    assert!(!peers.probe_here, "one of them probes already");
}

#[test]
fn one_probes_an_upstream_that_all_have_ejected() {
    let mut gathering = Gathering::default();
    gathering.exchanged(at(0.9));
    for name in ["a", "b", "c"] {
        let mut sick = report(name, (1, 1), 0, 4);
        let there = sick.upstreams.values_mut().next().unwrap();
        there.condition.out = Some(Out {
            cause: Cause::Faults,
            probing: false,
        });
        gathering.hear(sick, at(0.9));
    }
    let probes = ["a", "b", "c"].map(|own| {
        let input = folded(&mut Folding::new(id(own), at(0.0)), &gathering, at(1.0));
        input.upstreams[0].peers.as_ref().unwrap().probe_here
    });
    assert_eq!(probes.iter().filter(|here| **here).count(), 1, "{probes:?}");
}

#[test]
fn a_block_is_the_fleets_and_no_longer_for_being_told_on() {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(0.0)), Gathering::default());
    gathering.exchanged(at(1.0));
    let mut blocked = report("a", (1, 1), 3, 0);
    let there = blocked.upstreams.values_mut().next().unwrap();
    there.condition.blocked_until = at(7.0);
    gathering.hear(blocked, at(1.0));
    let plan = plan();
    let mut own = Own::new(id("me"), 0, "1");
    let input = folded(&mut folding, &gathering, at(1.5));
    assert_eq!(input.upstreams[0].blocked_until, at(7.0));
    own.add(
        &plan,
        &Input {
            now: at(1.75),
            ..input
        },
    );
    let told = own.report(&plan, &crate::balance::Memory::new(&plan), 0, at(1.75));
    let told = &told.upstreams[&plan.upstreams()[0]].condition;
    assert_eq!(told.blocked_until, at(7.0));
}

#[test]
fn without_an_exchange_it_stands_alone_and_knows_of_how_many_it_was() {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(0.0)), Gathering::default());
    gathering.hear(report("a", (1, 1), 5, 0), at(1.0));
    gathering.exchanged(at(1.0));
    folded(&mut folding, &gathering, at(1.0));
    let cut_off = folded(&mut folding, &gathering, at(1.1 + LIVE));
    let peers = cut_off.upstreams[0].peers.clone().unwrap();
    assert_eq!((peers.share_of, peers.apart, peers.replicas), (2, true, 0));
    gathering.exchanged(at(20.0));
    let alone = folded(&mut folding, &gathering, at(20.0));
    let peers = alone.upstreams[0].peers.clone().unwrap();
    assert_eq!(
        (peers.share_of, peers.apart),
        (1, false),
        "the other has left"
    );
}

/// Counters of one replica as they grow, with where it begins again: each entry is what it has more in its next report.
fn history() -> impl Strategy<Value = Vec<(u32, u32, bool)>> {
    let step = (0_u32..40, 0_u32..40, prop::bool::weighted(0.1));
    prop::collection::vec(step, 1..12)
}

/// The reports of one replica, and what it counted in all that it reported.
fn told(name: &str, steps: &[(u32, u32, bool)]) -> (Vec<Arc<Report>>, u64) {
    let (mut epoch, mut sequence, mut sums, mut all) = (1, 0, (0, 0), 0);
    let reports = steps.iter().map(|(ok, faults, again)| {
        if *again {
            (epoch, sequence, sums) = (epoch + 1, 0, (0, 0));
        }
        sequence += 1;
        let more = (u64::from(*ok), u64::from(*faults));
        sums = (sums.0 + more.0, sums.1 + more.1);
        all += more.0 + more.1;
        Arc::new(report(name, (epoch, sequence), sums.0, sums.1))
    });
    let reports = reports.collect();
    (reports, all)
}

fn gathered(reports: &[Arc<Report>]) -> Gathering {
    let mut gathering = Gathering::default();
    for report in reports {
        gathering.hear(report.clone(), at(0.5));
    }
    gathering
}

fn joined(parts: &[&Gathering]) -> Gathering {
    let mut all = Gathering::default();
    for part in parts {
        all.join(part);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn gatherings_merge_in_any_order_in_any_grouping_and_twice(
        histories in prop::collection::vec(history(), 1..4),
        picks in prop::collection::vec((0_usize..64, 0_usize..3), 0..60),
    ) {
        let reports = histories.iter().enumerate().flat_map(|(i, steps)| told(&format!("r{i}"), steps).0);
        let reports: Vec<_> = reports.collect();
        // Lost, doubled and reordered: each part holds some of the reports, in any order, some of them twice.
        let mut parts = vec![Vec::new(); 3];
        for (place, part) in picks {
            parts[part].push(reports[place % reports.len()].clone());
        }
        let [a, b, c] = [0, 1, 2].map(|i: usize| gathered(&parts[i]));
        let ab = joined(&[&a, &b]);
        prop_assert_eq!(&ab, &joined(&[&b, &a]), "commutative");
        prop_assert_eq!(joined(&[&ab, &c]), joined(&[&a, &joined(&[&b, &c])]), "associative");
        prop_assert_eq!(&joined(&[&ab, &ab, &a]), &ab, "idempotent");
        let all: Vec<_> = parts.concat();
        prop_assert_eq!(joined(&[&a, &b, &c]), gathered(&all), "as if all had been heard at once");
    }

    #[test]
    fn every_piece_of_evidence_counts_once_whatever_becomes_of_messages(
        histories in prop::collection::vec(history(), 1..4),
        picks in prop::collection::vec((0_usize..64, any::<bool>()), 0..80),
    ) {
        // A replica tells the others at the latest before it begins again: what it did not is lost with it.
        let told: Vec<_> = histories.iter().enumerate().map(|(i, steps)| told(&format!("r{i}"), steps)).collect();
        let mut folding = Folding::new(id("me"), Time::ZERO);
        let mut gathering = Gathering::default();
        let (mut ok, mut faults, mut now) = (0_u64, 0_u64, 0.5);
        let mut take = |gathering: &Gathering, now: f64| {
            let (more, failed) = answers(&folded(&mut folding, gathering, at(now)));
            ok += u64::from(more);
            faults += u64::from(failed);
        };
        let reports: Vec<_> = told.iter().flat_map(|(reports, _)| reports.clone()).collect();
        let is_last = |report: &Report| {
            let mut others = reports.iter().filter(|other| other.replica == report.replica && other.epoch == report.epoch);
            others.all(|other| other.sequence <= report.sequence)
        };
        let mut waiting: Vec<Arc<Report>> = reports.iter().filter(|report| is_last(report)).cloned().collect();
        // Messages come in any order, some twice, most never; between some of them a tick takes in what is there.
        for (place, ticks) in picks {
            let report = reports[place % reports.len()].clone();
            // The last of an epoch comes before anything of the next one.
            for last in waiting.extract_if(.., |last| last.replica == report.replica && last.epoch < report.epoch) {
                gathering.hear(last, at(now));
                gathering.exchanged(at(now));
                take(&gathering, now);
            }
            gathering.hear(report, at(now));
            gathering.exchanged(at(now));
            if ticks { take(&gathering, now); }
            now += 0.05;
        }
        for last in waiting {
            gathering.hear(last, at(now));
            gathering.exchanged(at(now));
            take(&gathering, now);
        }
        let all: u64 = told.iter().map(|(_, all)| all).sum();
        let counted = folding.counted().fold(Counted::default(), |sums, (_, it)| Counted {
            taken: sums.taken + it.taken,
            left_out: sums.left_out + it.left_out,
        });
        prop_assert_eq!(ok + faults, counted.taken);
        prop_assert_eq!(counted.taken + counted.left_out, all);
    }
}
