use super::*;
use crate::balance::Times;

fn batch(scale: f64) -> Batch {
    let mut batch = Batch {
        dispatched: [4, 2],
        counted: 3,
        tokens_in: 1_200,
        tokens_cached: 300,
        tokens_out: 450,
        unary_totals: vec![2.0, 3.5],
        ..Batch::default()
    };
    batch.classes[Class::Ok.index()] = 5;
    batch.classes[Class::Fault.index()] = 1;
    for value in [0.8, 1.1, 1.3] {
        batch.first_token.add(value * scale);
        batch.per_token.add(value);
        batch.unary.add(value);
        batch.line.add(400.0, 0.5 * value);
        batch.times.first_token.add(0.5 * value);
        batch.note(Recent {
            at: Time::ZERO,
            class: Class::Ok,
            first_token: Some(0.5 * value),
        });
    }
    batch
}

#[test]
fn what_is_added_and_taken_apart_is_what_was_measured() {
    let reference = Reference {
        first_token: 1.0,
        per_token: 0.03,
    };
    let mut evidence = Evidence::default();
    evidence.add(&batch(1.0), reference, true);
    let before = evidence.clone();
    evidence.add(&batch(2.0), reference, true);
    let mut folded = Batch::default();
    let gained = evidence.since(&before);
    gained.add_to(&mut folded, reference, Time::ZERO);
    let told = batch(2.0);
    assert_eq!(folded.classes, told.classes);
    assert_eq!(folded.dispatched, told.dispatched);
    assert_eq!(folded.times, told.times);
    assert_eq!(folded.recent, told.recent);
    assert_eq!(
        (
            folded.counted,
            folded.tokens_in,
            folded.tokens_cached,
            folded.tokens_out
        ),
        (3, 1_200, 300, 450)
    );
    for (found, expected) in [
        (folded.first_token, told.first_token),
        (folded.per_token, told.per_token),
        (folded.unary, told.unary),
    ] {
        assert!((found.n - expected.n).abs() < 1e-9);
        assert!((found.sum - expected.sum).abs() < 1e-5, "{found:?}");
    }
    assert!((folded.line.product - told.line.product).abs() < 0.01);
    for (found, expected) in folded.unary_totals.iter().zip(&told.unary_totals) {
        let ratio = found / expected;
        assert!((0.95..1.05).contains(&ratio), "within half a cell: {ratio}");
    }
}

#[test]
fn times_reach_a_replica_with_another_reference_in_its_units() {
    let (slow, quick) = (
        Reference {
            first_token: 1.0,
            per_token: 0.015,
        },
        Reference {
            first_token: 0.25,
            per_token: 0.015,
        },
    );
    let mut evidence = Evidence::default();
    let mut told = Batch::default();
    told.first_token.add(2.0);
    evidence.add(&told, slow, false);
    let mut folded = Batch::default();
    evidence.add_to(&mut folded, quick, Time::ZERO);
    assert!((folded.first_token.sum - 8.0).abs() < 1e-5, "two seconds");
    assert_eq!(folded.times, Times::default(), "nobody asks for them");
}

#[test]
fn only_first_tokens_that_are_new_come_along_one_by_one() {
    let mut evidence = Evidence::default();
    evidence.add(&batch(1.0), Reference::default(), false);
    let before = evidence.clone();
    let mut one = Batch::default();
    one.first_token.add(1.0);
    one.note(Recent {
        at: Time::ZERO,
        class: Class::Ok,
        first_token: Some(0.7),
    });
    evidence.add(&one, Reference::default(), false);
    assert_eq!(evidence.since(&before).recent, [7_000]);
    for _ in 0..20 {
        evidence.add(&one, Reference::default(), false);
    }
    assert_eq!(evidence.since(&before).recent.len(), 8, "the last ones");
}

#[test]
fn numbers_that_nobody_can_have_measured_are_bounded() {
    let wild = Evidence {
        first: Sum {
            n: u64::MAX,
            micros: u64::MAX,
        },
        unary: Sum {
            n: 3,
            micros: u64::MAX,
        },
        ends: [u64::MAX; 6],
        line: [u64::MAX; 6],
        ..Evidence::default()
    };
    let many = Evidence {
        recent: vec![1; 100_000],
        ..wild.clone()
    };
    assert!(many.since(&Evidence::default()).recent.len() <= MOST_RECENT);
    let mut folded = Batch::default();
    wild.add_to(&mut folded, Reference::default(), Time::ZERO);
    let most = MOST_PER_TOKEN * 3.0;
    assert!(folded.unary.sum <= most, "{}", folded.unary.sum);
    assert!(folded.first_token.sum.is_finite() && folded.line.product.is_finite());
    assert_eq!(folded.classes, [MOST_COUNTED; 6]);
    wild.add_to(&mut folded, Reference::default(), Time::ZERO);
    assert!(
        folded
            .classes
            .iter()
            .try_fold(0_u32, |sum, n| sum.checked_add(*n))
            .is_some()
    );
}

#[test]
fn whole_answers_mean_the_same_to_replicas_that_measure_in_other_units_whatever_their_length() {
    let fresh = Reference::default();
    let refitted = Reference {
        first_token: 0.08,
        per_token: 0.001,
    };
    for tokens in [1_u32, 20, 150, 4_000] {
        // An answer that takes twice what the refitted reference expects of it.
        let expected = |it: Reference| it.first_token + it.per_token * f64::from(tokens);
        let seconds = 2.0 * expected(refitted);
        let mut batch = Batch {
            counted: 1,
            tokens_out: u64::from(tokens),
            ..Batch::default()
        };
        batch.unary.add(seconds / expected(fresh));
        let mut evidence = Evidence::default();
        evidence.add(&batch, fresh, false);
        let mut folded = Batch::default();
        evidence.add_to(&mut folded, refitted, Time::ZERO);
        let told = folded.unary.mean().unwrap();
        assert!((told - 2.0).abs() < 1e-3, "{told} with {tokens} tokens");
    }
}
