use super::*;
use crate::balance::Peers;
use crate::fleet::{Delta, Deltas};

/// The last word of a process, whose sums are these by then.
fn last_word(name: &str, number: (u64, u64), ok: u64) -> Delta {
    Delta {
        base: 1,
        presses: true,
        leaves: true,
        drains: true,
        changed: report(name, number, ok, 0),
    }
}

/// Two others that were taken in once, of which `a` has an upstream ejected, requests under way and late ones.
fn two_others() -> (Folding, Gathering) {
    let (mut folding, mut gathering) = (Folding::new(id("me"), at(0.0)), Gathering::default());
    let mut sick = report("a", (1, 1), 5, 0);
    let there = sick.upstreams.values_mut().next().unwrap();
    there.condition.out = Some(Out {
        cause: Cause::Faults,
        probing: true,
    });
    there.condition.in_flight = 40;
    gathering.hear(sick, at(1.0));
    gathering.hear(report("b", (1, 1), 0, 1), at(1.0));
    gathering.exchanged(at(1.0));
    folded(&mut folding, &gathering, at(1.0));
    (folding, gathering)
}

fn peers(input: &Input) -> &Peers {
    input.upstreams[0].peers.as_ref().unwrap()
}

fn live(gathering: &Gathering, now: f64) -> Vec<String> {
    let live = gathering.live(at(now));
    live.map(|it| it.report.replica.to_string()).collect()
}

#[test]
fn who_leaves_counts_no_more_at_the_next_tick_and_its_last_evidence_does() {
    let (mut folding, mut gathering) = two_others();
    let before = folded(&mut folding, &gathering, at(1.25));
    let seen = peers(&before);
    assert_eq!((seen.share_of, seen.ejected, seen.in_flight), (3, 1, 40));
    assert!(!seen.probe_here, "it probes");
    let mut word = last_word("a", (1, 2), 9);
    let known = gathering.of(&id("a")).unwrap().report.upstreams.values();
    let condition = known.map(|it| it.condition.clone()).next().unwrap();
    let told = word.changed.upstreams.values_mut().next().unwrap();
    told.condition = condition;
    assert!(gathering.hear_change(&word, at(1.3)));
    let after = folded(&mut folding, &gathering, at(1.5));
    assert_eq!(answers(&after), (4, 0), "its last answers");
    let seen = peers(&after);
    assert_eq!(
        (seen.share_of, seen.ejected, seen.in_flight, seen.replicas),
        (2, 0, 0, 1)
    );
    let again = folded(&mut folding, &gathering, at(1.75));
    assert_eq!(answers(&again), (0, 0), "once");
}

#[test]
fn duties_and_turns_are_those_of_who_stays() {
    let (_, mut gathering) = two_others();
    gathering.hear(report("me", (1, 1), 0, 0), at(1.0));
    gathering.hear_change(&last_word("a", (1, 2), 5), at(1.0));
    for slot in 0..40 {
        let now = at(1.0 + f64::from(slot) / 20.0);
        let input = |own: &str| folded(&mut Folding::new(id(own), at(0.0)), &gathering, now);
        let [me, b] = ["me", "b"].map(|own| peers(&input(own)).extra_here);
        assert!(me != b, "one of the two has it");
    }
}

#[test]
fn a_last_word_holds_for_its_process_whether_it_comes_before_or_after_the_last_report() {
    let (first, later) = (report("a", (1, 1), 5, 0), report("a", (1, 2), 7, 0));
    let word = last_word("a", (1, 3), 9);
    let mut before = Gathering::default();
    before.hear(first.clone(), at(1.0));
    before.hear_change(&word, at(1.0));
    before.hear(later.clone(), at(1.0));
    let mut after = Gathering::default();
    after.hear(first, at(1.0));
    after.hear(later.clone(), at(1.0));
    after.hear_change(&word, at(1.0));
    assert_eq!(before, after);
    assert!(live(&before, 1.1).is_empty());
    assert_eq!(before.lately(at(1.1)).count(), 1, "what it measured counts");
    // Who never heard of it finds what it wrote, which stays for some seconds.
    let mut newcomer = Gathering::default();
    assert!(newcomer.hear_change(&word, at(1.0)));
    newcomer.hear(later, at(2.0));
    assert!(live(&newcomer, 2.1).is_empty());
}

#[test]
fn a_process_that_begins_under_the_name_is_there_whenever_the_last_word_of_the_one_before_comes() {
    let again = report("a", (7, 1), 1, 0);
    let word = last_word("a", (1, 3), 9);
    let mut gathering = Gathering::default();
    gathering.hear(report("a", (1, 2), 5, 0), at(1.0));
    gathering.hear_change(&word, at(1.0));
    gathering.hear(again.clone(), at(1.1));
    assert_eq!(live(&gathering, 1.2), ["a"]);
    let mut overlapping = Gathering::default();
    overlapping.hear(again, at(1.0));
    overlapping.hear_change(&word, at(1.1));
    assert_eq!(live(&overlapping, 1.2), ["a"], "a takeover");
}

#[test]
fn who_goes_on_after_a_last_word_that_was_not_its_own_is_there_again_soon() {
    let mut gathering = Gathering::default();
    let far = last_word("a", (1_000, 9), 0);
    gathering.hear(report("a", (1, 1), 5, 0), at(1.0));
    for tenth in 10..100_u64 {
        let now = tenth as f64 / 10.0;
        gathering.hear_change(&far, at(now));
        gathering.hear(report("a", (1, tenth), 5 + tenth, 0), at(now));
        let is_there = !live(&gathering, now).is_empty();
        assert_eq!(is_there, now >= 1.0 + LIVE, "{now}");
    }
}

#[test]
fn a_last_word_has_what_has_changed_where_that_can_be_told() {
    let (first, end) = (report("a", (1, 1), 5, 0), report("a", (1, 4), 9, 0));
    let mut deltas = Deltas::default();
    let bare = deltas.last(&end);
    assert!(bare.leaves && bare.presses && bare.is_empty());
    assert_eq!(bare.over(&first), None);
    deltas.put(Arc::new(first.clone()));
    let word = deltas.last(&end);
    assert!(word.leaves && word.presses);
    assert_eq!(word.over(&first), Some(end));
}

/// What is heard of one replica: a report or a last word, by epoch and sequence.
fn messages() -> impl Strategy<Value = Vec<(bool, u64, u64)>> {
    prop::collection::vec((any::<bool>(), 1_u64..4, 1_u64..6), 0..30)
}

fn heard(messages: &[(bool, u64, u64)]) -> Gathering {
    let mut gathering = Gathering::default();
    for (leaves, epoch, sequence) in messages {
        let number = (*epoch, *sequence);
        let said = report("a", number, epoch * 100 + sequence, 0);
        if *leaves {
            // Whole, so that what it tells does not depend on what was heard before.
            gathering.hear(said.clone(), at(0.5));
            let base = u64::MAX;
            let word = Delta {
                base,
                ..last_word("a", number, 0)
            };
            gathering.hear_change(&word, at(0.5));
        } else {
            gathering.hear(said, at(0.5));
        }
    }
    gathering
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(11), ..ProptestConfig::default() })]

    #[test]
    fn last_words_merge_in_any_order_in_any_grouping_and_twice(a in messages(), b in messages(), c in messages()) {
        let all = [a.clone(), b.clone(), c.clone()].concat();
        let [a, b, c] = [a, b, c].map(|it| heard(&it));
        let ab = joined(&[&a, &b]);
        prop_assert_eq!(&ab, &joined(&[&b, &a]), "commutative");
        prop_assert_eq!(joined(&[&ab, &c]), joined(&[&a, &joined(&[&b, &c])]), "associative");
        prop_assert_eq!(&joined(&[&ab, &ab, &a]), &ab, "idempotent");
        prop_assert_eq!(&joined(&[&ab, &c]), &heard(&all), "as if all had been heard at once");
        // It is there if and only if its latest process has not said that it leaves.
        let latest = all.iter().map(|(_, epoch, _)| *epoch).max();
        let has_left = all.iter().any(|(leaves, epoch, _)| *leaves && Some(*epoch) == latest);
        let is_there = latest.is_some() && !has_left;
        prop_assert_eq!(heard(&all).live(at(0.6)).count(), usize::from(is_there));
    }

    #[test]
    fn what_was_measured_counts_once_also_where_its_process_leaves(
        steps in prop::collection::vec((0_u64..40, any::<bool>()), 1..12),
        leaves_at in 0_usize..12,
    ) {
        let mut folding = Folding::new(id("me"), Time::ZERO);
        let mut gathering = Gathering::default();
        let (mut sum, mut taken, mut now) = (0, 0, 0.5);
        let last = steps.len() - 1;
        for (place, (sequence, (more, ticks))) in (1..).zip(&steps).enumerate() {
            sum += more;
            gathering.hear(report("a", (1, sequence), sum, 0), at(now));
            if place >= leaves_at {
                gathering.hear_change(&last_word("a", (1, sequence), sum), at(now));
            }
            gathering.exchanged(at(now));
            if *ticks || place == last {
                taken += u64::from(answers(&folded(&mut folding, &gathering, at(now))).0);
            }
            now += 0.1;
        }
        prop_assert_eq!(taken, sum);
    }
}
