//! Claims about credentials that are used in turn.

use super::*;
use crate::config::MOST_KEYS;

fn secrets(names: &[&str]) -> Vec<Secret> {
    let names = names.iter();
    names.map(|name| Secret::new((*name).to_owned())).collect()
}

fn keys(names: &[&str]) -> Keys {
    Keys::new(&secrets(names), None)
}

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

/// The turn of the first key.
fn first_of(keys: &Keys, now: Time) -> Turn {
    let mut turns = std::iter::repeat_with(|| keys.first(now));
    turns.find(|turn| turn.place == 0).unwrap()
}

/// How often each of three keys was drawn in twelve attempts.
fn drawn(keys: &Keys, now: Time) -> [usize; 3] {
    let mut drawn = [0; 3];
    for _ in 0..12 {
        drawn[keys.first(now).place] += 1;
    }
    drawn
}

#[test]
fn attempts_are_spread_evenly_over_the_keys_that_are_free() {
    let keys = keys(&["a", "b", "c"]);
    assert_eq!(drawn(&keys, at(1)), [4, 4, 4]);
    let mut turn = keys.first(at(1));
    keys.refused(&mut turn, at(1));
    let mut expected = [6; 3];
    expected[turn.place] = 0;
    assert_eq!(drawn(&keys, at(2)), expected, "the two others, evenly");
}

#[test]
fn a_refused_key_comes_back_later_each_time() {
    let keys = keys(&["a", "b"]);
    let mut now = at(1);
    let mut times = Vec::new();
    for _ in 0..7 {
        let mut turn = first_of(&keys, now);
        let time = keys.refused(&mut turn, now).expect("it is news");
        assert_eq!(
            keys.refused(&mut turn, now),
            None,
            "a second request that was under way does not count again"
        );
        times.push(time.as_secs());
        now = now.after(time);
    }
    assert_eq!(times, [30, 60, 120, 240, 480, 600, 600]);
    let mut turn = first_of(&keys, now);
    keys.taken(turn);
    assert_eq!(
        keys.refused(&mut turn, now),
        Some(FIRST_REFUSAL),
        "once taken, it begins anew"
    );
}

#[test]
fn an_attempt_tries_each_key_once() {
    let keys = keys(&["a", "b", "c"]);
    let first = keys.first(at(1));
    let second = keys.other(first, at(1)).unwrap();
    let third = keys.other(second, at(1)).unwrap();
    let mut places = [first.place, second.place, third.place];
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2]);
    assert_eq!(keys.other(third, at(1)), None);
}

#[test]
fn when_all_are_set_aside_the_one_that_is_used_up_is_tried_before_one_that_is_refused() {
    let keys = keys(&["a", "b"]);
    let mut turn = keys.first(at(1));
    keys.refused(&mut turn, at(1));
    let mut other = keys.other(turn, at(1)).unwrap();
    keys.used_up(other, at(1), Some(Duration::from_secs(300)));
    assert_eq!(keys.free_in(at(1)), Some(Duration::from_secs(300)));
    assert_eq!(keys.first(at(2)).place, other.place, "although it is later");
    keys.refused(&mut other, at(2));
    assert_eq!(keys.free_in(at(2)), None, "nobody works");
    keys.taken(keys.first(at(3)));
    assert_eq!(
        keys.free_in(at(3)),
        Some(Duration::ZERO),
        "a probe shows that one works again"
    );
}

#[test]
fn no_wait_of_a_provider_sets_a_key_aside_for_hours() {
    let keys = keys(&["a", "b"]);
    let turn = keys.first(at(1));
    keys.used_up(turn, at(1), Some(Duration::from_secs(86_400)));
    keys.used_up(keys.other(turn, at(1)).unwrap(), at(1), Some(LONGEST * 2));
    assert_eq!(keys.free_in(at(1)), Some(LONGEST));
}

#[test]
fn a_reload_keeps_what_is_known_of_a_key_that_stays() {
    let (old, new) = (secrets(&["a", "b"]), secrets(&["c", "a"]));
    let before = Keys::new(&old, None);
    before.refused(&mut first_of(&before, at(1)), at(1));
    let after = Keys::new(&new, Some((&old, &before)));
    for _ in 0..4 {
        assert_eq!(after.first(at(2)).place, 0, "a is still set aside");
    }
}

#[test]
fn the_only_key_is_never_set_aside() {
    let keys = keys(&["a"]);
    let mut turn = keys.first(at(1));
    assert_eq!(keys.refused(&mut turn, at(1)), None);
    keys.used_up(turn, at(1), Some(LONGEST));
    assert_eq!(keys.free_in(at(1)), Some(Duration::ZERO));
    let none = Keys::new(&[], None);
    assert_eq!(none.first(at(1)).place, 0, "a provider may have none");
}

#[test]
fn there_is_a_bit_for_each_key() {
    let bits: std::collections::BTreeSet<u64> = (0..MOST_KEYS).map(bit).collect();
    assert_eq!(bits.len(), MOST_KEYS);
    assert!(!bits.contains(&0));
}

#[test]
fn a_key_that_is_used_although_it_is_set_aside_is_refused_once_an_attempt() {
    let keys = keys(&["a", "b"]);
    let mut first = keys.first(at(1));
    keys.refused(&mut first, at(1));
    let mut second = keys.other(first, at(1)).unwrap();
    keys.refused(&mut second, at(1));
    let mut probe = keys.first(at(2));
    assert_eq!(keys.refused(&mut probe, at(2)), Some(FIRST_REFUSAL * 2));
    assert_eq!(keys.refused(&mut probe, at(2)), None);
}
