use super::*;
use crate::fleet::{Delta, Report};

fn at(seconds: f64) -> Time {
    Time::from_secs_f64(seconds)
}

fn id(name: &str) -> ReplicaId {
    ReplicaId::new(name).unwrap()
}

fn report(name: &str, number: (u64, u64)) -> Report {
    Report {
        replica: id(name),
        epoch: number.0,
        sequence: number.1,
        at: Time::ZERO,
        version: String::new(),
        plan: 0,
        orders: 0,
        groups: BTreeMap::new(),
        upstreams: BTreeMap::new(),
        routes: BTreeMap::new(),
    }
}

fn leaves(name: &str, number: (u64, u64)) -> Delta {
    Delta {
        base: number.1,
        presses: true,
        leaves: true,
        drains: true,
        changed: report(name, number),
    }
}

/// Looks each second until `to`; what was noticed, with the second.
fn looked(
    comings: &mut Comings,
    gathering: &Gathering,
    (from, to): (u32, u32),
) -> Vec<(u32, Coming)> {
    let look = |second: u32| {
        let found = comings.look(gathering, &id("me"), at(f64::from(second)));
        found.into_iter().map(move |(_, what)| (second, what))
    };
    (from..to).flat_map(look).collect()
}

#[test]
fn who_comes_and_who_falls_silent_is_noticed_once() {
    let (mut comings, mut gathering) = (Comings::default(), Gathering::default());
    gathering.hear(report("a", (1, 1)), at(1.0));
    gathering.hear(report("me", (1, 1)), at(1.0));
    let found = looked(&mut comings, &gathering, (1, 20));
    let silent = Coming::Silent(Duration::from_secs(5));
    assert_eq!(found, [(1, Coming::Came), (6, silent)]);
    gathering.hear(report("a", (1, 2)), at(20.0));
    let found = looked(&mut comings, &gathering, (20, 23));
    assert_eq!(found, [(20, Coming::Came)], "it was away and is back");
}

#[test]
fn who_says_that_it_leaves_has_gone_at_once_and_may_begin_again() {
    let (mut comings, mut gathering) = (Comings::default(), Gathering::default());
    gathering.hear(report("a", (1, 1)), at(1.0));
    looked(&mut comings, &gathering, (1, 2));
    gathering.hear_change(&leaves("a", (1, 1)), at(2.0));
    let found = looked(&mut comings, &gathering, (2, 4));
    assert_eq!(found, [(2, Coming::Left)]);
    gathering.hear(report("a", (2, 1)), at(4.0));
    let found = looked(&mut comings, &gathering, (4, 6));
    assert_eq!(found, [(4, Coming::Came)]);
    gathering.hear(report("a", (3, 1)), at(6.0));
    gathering.hear_change(&leaves("a", (2, 9)), at(6.0));
    let found = looked(&mut comings, &gathering, (6, 8));
    assert_eq!(found, [(6, Coming::Again)], "a takeover is no end");
}

#[test]
fn an_engine_that_was_away_is_no_end_of_the_others() {
    let (mut comings, mut gathering) = (Comings::default(), Gathering::default());
    for name in ["a", "b"] {
        gathering.hear(report(name, (1, 1)), at(1.0));
    }
    assert_eq!(looked(&mut comings, &gathering, (1, 3)).len(), 2);
    // No look for half a minute; then one of them is heard again, and the other is not.
    gathering.hear(report("a", (1, 90)), at(32.0));
    assert_eq!(looked(&mut comings, &gathering, (31, 36)), []);
    gathering.hear(report("a", (1, 91)), at(35.5));
    let found = looked(&mut comings, &gathering, (36, 40));
    let silent = Coming::Silent(Duration::from_secs(35));
    assert_eq!(
        found,
        [(36, silent)],
        "five seconds of listening are enough"
    );
}
