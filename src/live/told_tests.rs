use proptest::prelude::*;

use super::*;
use crate::config::Act;
use crate::live::{Switch, Thrown};
use crate::model::RouteName;

const NOW: u64 = 1_796_081_400;

fn deed(by: &str, at: u64) -> Deed {
    Deed {
        at,
        by: by.to_owned(),
        reason: "a test".to_owned(),
    }
}

fn order(id: &str, route: &str, since: u64) -> Order {
    Order {
        id: id.to_owned(),
        act: Act::Freeze {
            route: RouteName::new(route).unwrap(),
            shares: BTreeMap::new(),
        },
        reason: "a test".to_owned(),
        by: "ada".to_owned(),
        since,
        until: NOW + 3_600,
    }
}

/// A key of the files about which `revoked` was done.
fn issued(revoked: Option<Deed>) -> Issued {
    let mut issued = Issued::default();
    let issue = Issue {
        name: "app".into(),
        made: None,
        rotated: None,
        replaced: None,
        revoked,
    };
    if issue.revoked.is_some() {
        issued.all.insert([7; 32], Arc::new(issue));
    }
    issued
}

fn is_revoked(told: &Told) -> bool {
    let issue = told.keys[&[7; 32]].issue([7; 32]).unwrap();
    issue.is_some_and(|issue| issue.revoked.is_some())
}

#[test]
fn a_revocation_that_a_restoring_had_not_seen_holds() {
    let mut a = Told::default();
    a.note_keys(&issued(Some(deed("ada", NOW))), NOW * 1_000);
    let mut b = a.clone();
    a.note_keys(&issued(None), NOW * 1_000 + 9_000);
    assert!(!is_revoked(&a), "restored here");
    let mut other = issued(Some(deed("bob", NOW + 1)));
    b.keys.clear();
    b.note_keys(&other, NOW * 1_000 + 1_000);
    b.join(&a);
    a.join(&b);
    assert!(is_revoked(&a) && is_revoked(&b), "bob's was never lifted");
    other = issued(None);
    a.note_keys(&other, NOW * 1_000 + 20_000);
    b.join(&a);
    assert!(!is_revoked(&b), "now it was");
    b.note_keys(&issued(Some(deed("bob", NOW + 1))), NOW * 1_000 + 30_000);
    a.join(&b);
    assert!(
        is_revoked(&a),
        "one more that looks like one that was lifted"
    );
}

#[test]
fn an_order_that_has_ended_stays_so_whoever_remembers_it() {
    let mut a = Told::default();
    a.note_orders(&[order("1-a", "chat", NOW)], NOW);
    let old = a.clone();
    a.note_orders(&[], NOW + 1);
    a.join(&old);
    assert!(a.holding(NOW + 2).is_empty());
    a.note_orders(&[], NOW + 3_600 + ENDED_FOR);
    assert!(
        a.orders.is_empty(),
        "and is forgotten when nobody can give it again"
    );
}

#[test]
fn of_two_orders_about_the_same_the_later_holds_everywhere() {
    let (mut a, mut b) = (Told::default(), Told::default());
    a.note_orders(&[order("1-a", "chat", NOW), order("2-a", "code", NOW)], NOW);
    b.note_orders(&[order("1-b", "chat", NOW + 1)], NOW + 1);
    a.join(&b);
    b.join(&a);
    let ids = |told: &Told| -> Vec<String> {
        told.holding(NOW + 2).into_iter().map(|it| it.id).collect()
    };
    assert_eq!(ids(&a), ["2-a", "1-b"]);
    assert_eq!(ids(&b), ids(&a));
}

#[test]
fn what_was_written_by_somebody_else_is_bounded() {
    let holds = |order: Order| ToldOrder::Holds(Box::new(order));
    assert!(holds(order("1-a", "chat", NOW)).is_sound("1-a", NOW));
    assert!(!holds(order("1-a", "chat", NOW)).is_sound("2-a", NOW));
    let mut long = order("1-a", "chat", NOW);
    long.until = NOW + 400 * 86_400;
    assert!(!holds(long.clone()).is_sound("1-a", NOW));
    long = order("1-a", "chat", NOW);
    long.reason = "x".repeat(10_000);
    assert!(!holds(long).is_sound("1-a", NOW));
    assert!(!ToldOrder::Ended(u64::MAX).is_sound("1-a", NOW));
    let mut key = ToldKey {
        name: "app".to_owned(),
        revoked: [deed("ada", NOW)].into(),
        ..ToldKey::default()
    };
    assert!(key.is_sound());
    key.revoked.insert(deed("\u{1b}[2J", NOW));
    assert!(!key.is_sound(), "a reason is a line");
    key.revoked = (0..2_000).map(|at| deed("ada", at)).collect();
    assert!(!key.is_sound(), "nobody did so much");
    key.revoked.clear();
    for name in ["", "a\nb", &"x".repeat(10_000)] {
        key.name = name.to_owned();
        assert!(!key.is_sound(), "{name:.20}");
    }
}

#[test]
fn the_switch_is_as_it_was_thrown_last_anywhere() {
    let (a, b) = (Switch::default(), Switch::default());
    let thrown = |off, since| Thrown {
        off,
        by: "ada".to_owned(),
        reason: "a test".to_owned(),
        since,
    };
    a.throw(&thrown(true, NOW));
    assert!(b.hear(&a.told().unwrap()));
    assert!(b.is_off());
    // The clock of this one is behind, and it still is the later one.
    b.throw(&thrown(false, NOW - 50));
    assert!(a.hear(&b.told().unwrap()));
    assert!(!a.is_off() && !b.is_off());
    assert!(!a.hear(&b.told().unwrap()), "which is no news");
}

#[tokio::test]
async fn who_waits_is_told_when_the_others_can_read_it() {
    let cell = TellCell::new("0a0a0a0a".to_owned());
    assert!(cell.change(|told| told.note_orders(&[order("1-a", "chat", NOW)], NOW)));
    assert!(!cell.change(|told| told.note_orders(&[order("1-a", "chat", NOW)], NOW)));
    let told = Told::clone(&cell.told());
    let moment = std::time::Duration::from_millis(20);
    let waited = tokio::time::timeout(moment, cell.until_told(&told)).await;
    assert!(waited.is_err());
    cell.is_told(told.clone());
    cell.until_told(&told).await;
}

/// What one of three replicas does.
fn act() -> impl Strategy<Value = (usize, u8, u8)> {
    (0_usize..3, 0_u8..6, 0_u8..4)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: proptest::test_runner::RngSeed::Fixed(73),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Messages that are lost, doubled and reordered: in the end all are the same, and what was revoked and not restored by
    /// somebody who knew of it is revoked.
    #[test]
    fn joining_is_commutative_associative_and_idempotent(
        acts in prop::collection::vec(act(), 1..40),
        order_of in Just([0_usize, 1, 2]).prop_shuffle(),
    ) {
        let mut replicas = vec![Told::default(); 3];
        for (step, (place, what, which)) in acts.into_iter().enumerate() {
            let now = NOW + step as u64;
            let told = &mut replicas[place];
            match what {
                0 => told.note_keys(&issued(Some(deed(&format!("{place}"), now))), now * 1_000),
                1 if told.keys.contains_key(&[7; 32]) => told.note_keys(&issued(None), now * 1_000),
                2 => {
                    let mut holding = told.holding(now);
                    holding.push(order(&format!("{step}-{place}"), "chat", now));
                    told.note_orders(&holding, now);
                }
                3 => told.note_orders(&[], now),
                _ => {
                    let other = replicas[usize::from(which) % 3].clone();
                    replicas[place].join(&other);
                }
            }
        }
        let joined = |order: &[usize]| {
            let mut all = Told::default();
            for place in order {
                all.join(&replicas[*place]);
            }
            all
        };
        let straight = joined(&[0, 1, 2]);
        prop_assert_eq!(&straight, &joined(&order_of), "commutative");
        prop_assert_eq!(&straight, &joined(&[2, 1, 1, 0, 2, 0]), "idempotent");
        let (mut left, mut right) = (replicas[0].clone(), replicas[1].clone());
        left.join(&replicas[1]);
        left.join(&replicas[2]);
        right.join(&replicas[2]);
        let mut nested = replicas[0].clone();
        nested.join(&right);
        prop_assert_eq!(left, nested, "associative");
    }
}

#[tokio::test(start_paused = true)]
async fn who_did_something_is_told_that_all_know_it_also_when_more_was_done_meanwhile() {
    let cell = TellCell::new("aaaaaaaa".to_owned());
    let thrown = |at_ms| ToldSwitch {
        at_ms,
        thrown: Thrown {
            off: true,
            by: "ada".to_owned(),
            reason: "a test".to_owned(),
            since: NOW,
        },
    };
    let mut mine = Told {
        switch: Some(thrown(1)),
        ..Told::default()
    };
    mine.note_keys(&issued(Some(deed("ada", NOW))), NOW * 1_000);
    mine.note_orders(&[order("1-a", "chat", NOW)], NOW);
    let soon = std::time::Duration::from_secs(1);
    let waited = async |told: &Told| tokio::time::timeout(soon, cell.until_told(told)).await;
    assert!(waited(&mine).await.is_err(), "nobody was told");
    let mut later = mine.clone();
    later.note_keys(&issued(None), NOW * 1_000 + 1);
    later.note_orders(&[], NOW + 1);
    later.switch = Some(thrown(2));
    cell.is_told(later.clone());
    assert!(waited(&mine).await.is_ok());
    cell.is_told(mine);
    assert!(waited(&later).await.is_err(), "less was told");
}
