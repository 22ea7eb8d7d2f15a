use super::*;

const KEYS: u32 = 100_000;

fn key(number: u32) -> Key {
    Key::of("test", &number.to_le_bytes())
}

fn seeds(names: &[&str]) -> Vec<Seed> {
    names.iter().map(|name| Seed::of(name)).collect()
}

fn table(shares: &[f64]) -> WeightTable {
    WeightTable::from_fractions(shares).unwrap()
}

fn pick(seeds: &[Seed], table: &WeightTable, open: &Mask, key: Key) -> usize {
    let sticky = Sticky { key, seeds };
    sticky.pick(table, open, |_| true).unwrap().get()
}

fn counts(seeds: &[Seed], table: &WeightTable, open: &Mask) -> Vec<f64> {
    let mut counts = vec![0.0; seeds.len()];
    for number in 0..KEYS {
        counts[pick(seeds, table, open, key(number))] += 1.0;
    }
    counts
}

/// χ² of counts against shares of `open`.
fn chi_square(counts: &[f64], table: &WeightTable, open: &Mask) -> f64 {
    let part = |i: usize| {
        let target = TargetIndex::at(i);
        if open.contains(target) {
            table.share(target).fraction()
        } else {
            0.0
        }
    };
    let sum: f64 = (0..counts.len()).map(part).sum();
    let cells = counts.iter().enumerate().filter(|(i, _)| part(*i) > 0.0);
    cells
        .map(|(i, count)| {
            let mean = part(i) / sum * f64::from(KEYS);
            (count - mean).powi(2) / mean
        })
        .sum()
}

#[test]
fn over_many_keys_the_shares_hold_whoever_is_out() {
    let seeds = seeds(&["a", "b", "c", "d", "e"]);
    // 99.9th percentiles of χ² with 4, 3 and 1 degrees of freedom.
    for shares in [[0.2; 5], [0.5, 0.25, 0.15, 0.09, 0.01]] {
        let table = table(&shares);
        let some: Mask = [0, 2, 3, 4].map(TargetIndex::at).into_iter().collect();
        let two: Mask = [1, 4].map(TargetIndex::at).into_iter().collect();
        for (open, limit) in [(Mask::ALL, 18.5), (some, 16.3), (two, 10.8)] {
            let counts = counts(&seeds, &table, &open);
            let statistic = chi_square(&counts, &table, &open);
            assert!(
                statistic < limit,
                "χ² {statistic} of {counts:?} for {shares:?}"
            );
        }
    }
}

#[test]
fn a_move_of_shares_moves_about_its_distance_and_no_more_than_the_bound() {
    for (before, after) in [
        ([0.5, 0.5, 0.0], [0.45, 0.55, 0.0]),
        ([0.34, 0.33, 0.33], [0.29, 0.38, 0.33]),
        ([0.6, 0.3, 0.1], [0.59, 0.305, 0.105]),
        ([0.6, 0.3, 0.1], [0.1, 0.3, 0.6]),
    ] {
        let seeds = seeds(&["a", "b", "c"]);
        let (old, new) = (table(&before), table(&after));
        let at = |table: &WeightTable, number| pick(&seeds, table, &Mask::ALL, key(number));
        let moved = (0..KEYS).filter(|n| at(&old, *n) != at(&new, *n)).count() as f64;
        let moved = moved / f64::from(KEYS);
        let pairs = before.iter().zip(after);
        let distance: f64 = pairs.map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0;
        let most = 2.0 * distance / (1.0 + distance);
        let noise = 4.0 * (most / f64::from(KEYS)).sqrt();
        let range = (distance - noise)..(most + noise);
        assert!(
            range.contains(&moved),
            "{moved} moved, {range:?} expected: {before:?} -> {after:?}"
        );
    }
}

#[test]
fn between_two_targets_exactly_the_distance_moves() {
    let seeds = seeds(&["a", "b"]);
    let (old, new) = (table(&[0.7, 0.3]), table(&[0.6, 0.4]));
    for number in 0..KEYS {
        let (was, is) = (
            pick(&seeds, &old, &Mask::ALL, key(number)),
            pick(&seeds, &new, &Mask::ALL, key(number)),
        );
        assert!(
            was == is || (was, is) == (0, 1),
            "nobody moves to the target that loses share"
        );
    }
}

#[test]
fn the_order_of_targets_does_not_matter() {
    let (forth, back) = (seeds(&["a", "b", "c"]), seeds(&["c", "b", "a"]));
    let (table, mirrored) = (table(&[0.5, 0.3, 0.2]), table(&[0.2, 0.3, 0.5]));
    for number in 0..1_000 {
        let one = pick(&forth, &table, &Mask::ALL, key(number));
        let other = pick(&back, &mirrored, &Mask::ALL, key(number));
        assert_eq!(one, 2 - other, "key {number}");
    }
}

#[test]
fn a_target_that_joins_takes_only_what_it_gets() {
    let (three, four) = (seeds(&["a", "b", "c"]), seeds(&["a", "b", "c", "new"]));
    let (old, new) = (table(&[0.5, 0.3, 0.2]), table(&[0.4, 0.24, 0.16, 0.2]));
    let mut taken = 0;
    for number in 0..KEYS {
        let was = pick(&three, &old, &Mask::ALL, key(number));
        let is = pick(&four, &new, &Mask::ALL, key(number));
        assert!(is == was || is == 3, "key {number} went from {was} to {is}");
        taken += u32::from(is == 3);
    }
    let part = f64::from(taken) / f64::from(KEYS);
    assert!(
        (part - 0.2).abs() < 0.006,
        "it takes its share, found {part}"
    );
}

#[test]
fn whoever_is_out_gives_its_conversations_back_when_it_returns() {
    let seeds = seeds(&["a", "b", "c"]);
    let table = table(&[0.5, 0.3, 0.2]);
    let without: Mask = [0, 2].map(TargetIndex::at).into_iter().collect();
    for number in 0..1_000 {
        let home = pick(&seeds, &table, &Mask::ALL, key(number));
        let away = pick(&seeds, &table, &without, key(number));
        assert!(home == 1 || away == home, "only b's conversations move");
    }
}

#[test]
fn keys_are_the_same_on_every_machine_and_never_shown() {
    let Key(bits) = Key::of("conversation", b"a text of more than eight bytes");
    assert_eq!(
        bits, 11_203_069_518_958_647_554,
        "a change moves every conversation"
    );
    assert_eq!(format!("{:?}", Key::of("user", b"secret")), "Key(..)");
    let mut parts = KeyHasher::new("k");
    parts.add(b"ab");
    parts.add(b"c");
    let mut others = KeyHasher::new("k");
    others.add(b"a");
    others.add(b"bc");
    assert_ne!(
        parts.key(),
        others.key(),
        "parts do not run into each other"
    );
    assert_ne!(
        Key::of("a", b""),
        Key::of("b", b""),
        "a kind is part of the key"
    );
}

#[test]
fn nobody_with_a_share_is_nobody() {
    let seeds = seeds(&["a", "b"]);
    let sticky = Sticky {
        key: key(1),
        seeds: &seeds,
    };
    let table = table(&[1.0, 0.0]);
    let only_b: Mask = [TargetIndex::at(1)].into_iter().collect();
    assert_eq!(sticky.pick(&table, &only_b, |_| true), None);
    assert_eq!(sticky.pick(&table, &Mask::ALL, |_| false), None);
}
