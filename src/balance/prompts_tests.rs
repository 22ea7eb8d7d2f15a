use super::*;

/// A batch of prompts of `tokens`, of which `cached` are, whose first token takes `base` and 0.1 ms for each other token,
/// with noise from `wobble`.
fn batch(tokens: u64, cached: u64, base: f64, wobble: f64) -> Batch {
    let mut batch = Batch {
        counted: 1,
        tokens_in: tokens,
        tokens_cached: cached,
        ..Batch::default()
    };
    let uncached = (tokens - cached) as f64;
    batch.line.add(uncached, base + 1e-4 * uncached + wobble);
    batch
}

fn prompts(base: f64, lengths: impl Fn(u64) -> u64, noise: f64) -> Prompts {
    let mut prompts = Prompts::default();
    for i in 0..400 {
        let wobble = noise * f64::from(i32::try_from(i % 7).unwrap() - 3) / 3.0;
        prompts.take(&batch(lengths(i), lengths(i) / 2, base, wobble));
    }
    prompts
}

#[test]
fn the_cached_part_is_of_the_tokens_not_of_the_answers() {
    let mut prompts = Prompts::default();
    assert_eq!(prompts.ratio(), None, "nothing is known");
    for _ in 0..500 {
        prompts.take(&batch(1_000, 900, 0.5, 0.0));
        prompts.take(&batch(100, 0, 0.5, 0.0));
    }
    let ratio = prompts.ratio().unwrap();
    assert!((ratio - 900.0 / 1_100.0).abs() < 0.01, "{ratio}");
    assert!((prompts.cached() - 450.0).abs() < 10.0);
}

#[test]
fn a_tokens_time_is_found_whatever_a_target_takes_beside_it() {
    let quick = prompts(0.2, |i| 500 + 37 * (i % 11), 0.02);
    // Slower and with shorter prompts: between the two, longer prompts are quicker.
    let slow = prompts(2.0, |i| 100 + 31 * (i % 13), 0.02);
    let found = seconds_per_token([&quick, &slow].into_iter());
    assert!((0.85e-4..1.05e-4).contains(&found), "{found}");
}

/// Whether a token's time is not known.
fn is_nothing(prompts: &Prompts) -> bool {
    seconds_per_token([prompts].into_iter()).abs() < 1e-15
}

#[test]
fn chance_costs_nothing() {
    let none = Prompts::default();
    assert!(is_nothing(&none), "nothing is known");
    let same = prompts(0.5, |_| 800, 0.3);
    assert!(is_nothing(&same), "one length says nothing");
    let mut falling = Prompts::default();
    for i in 0..100 {
        let mut batch = Batch::default();
        batch.line.add(f64::from(i), 1.0 - f64::from(i) * 1e-3);
        falling.take(&batch);
    }
    assert!(is_nothing(&falling), "never below nothing");
}

#[test]
fn odd_sums_make_no_odd_numbers() {
    let mut prompts = Prompts::default();
    for line in [
        Line {
            n: 100.0,
            tokens: f64::NAN,
            ..Line::default()
        },
        Line {
            n: 100.0,
            seconds: f64::INFINITY,
            product: -1e300,
            ..Line::default()
        },
        Line {
            n: -5.0,
            tokens_squared: 1e300,
            ..Line::default()
        },
    ] {
        let batch = Batch {
            line,
            counted: 1,
            tokens_cached: 9,
            ..Batch::default()
        };
        prompts.take(&batch);
        assert!(seconds_per_token([&prompts].into_iter()).is_finite());
    }
    assert_eq!(prompts.ratio(), None, "a part is never more than its whole");
}

/// An upstream that takes `base` seconds and a tenth of a millisecond a token, with prompts of these lengths in turn.
fn told(base: f64, lengths: [f64; 2]) -> Prompts {
    let mut prompts = Prompts::default();
    for i in 0..100 {
        let mut batch = Batch::default();
        let tokens = lengths[i % 2];
        batch.line.add(tokens, base + 1e-4 * tokens);
        prompts.take(&batch);
    }
    prompts
}

#[test]
fn who_gets_the_long_prompts_is_not_slow_for_it() {
    let (short, long) = (told(0.4, [200.0, 600.0]), told(0.4, [8_000.0, 12_000.0]));
    let usual = Usual::of([&short, &long].into_iter());
    let mean = |prompts: &Prompts| prompts.line.seconds / prompts.line.n - prompts.excess(&usual);
    let difference = mean(&long) - mean(&short);
    assert!(difference.abs() < 0.05, "{difference} s of 0.96 s are left");
}

#[test]
fn who_is_slow_for_prompts_like_all_others_stays_slow() {
    let (quick, slow) = (told(0.4, [200.0, 2_000.0]), told(0.8, [200.0, 2_000.0]));
    let usual = Usual::of([&quick, &slow].into_iter());
    assert!(slow.excess(&usual).abs() < 1e-9);
}

#[test]
fn a_cache_that_is_switched_off_is_forgotten_and_a_single_hit_is_not() {
    let mut prompts = Prompts::default();
    assert!(prompts.caches(), "nothing speaks against it");
    for _ in 0..1_000 {
        prompts.take(&batch(1_000, 900, 0.5, 0.0));
    }
    for _ in 0..1_000 {
        prompts.take(&batch(1_000, 0, 0.5, 0.0));
    }
    assert!(prompts.caches(), "it may come back");
    for _ in 0..1_000 {
        prompts.take(&batch(1_000, 0, 0.5, 0.0));
    }
    assert!(!prompts.caches(), "two thousand answers without any");
    prompts.take(&batch(1_000, 900, 0.5, 0.0));
    for _ in 0..200 {
        prompts.take(&batch(1_000, 0, 0.5, 0.0));
    }
    assert!(prompts.caches(), "one hit in two hundred shows it");
}
