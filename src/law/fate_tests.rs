use proptest::prelude::*;

use super::*;
use crate::law::{Number, RateLimit, Tail, WindowLimit, salt};

/// Fates of requests 0, 1, 2, … that arrive `gap` seconds apart.
fn run(law: &Law, gap: f64, count: u64) -> Vec<Fate> {
    let mut state = State::default();
    (0..count)
        .map(|number| {
            let now = Time::from_secs_f64(gap * number as f64);
            let draws = Draws::of(law.seed, number, salt("a"));
            fate(law, &mut state, &Ask::default(), &draws, now)
        })
        .collect()
}

fn share(fates: &[Fate], of: impl Fn(&Fate) -> bool) -> f64 {
    fates.iter().filter(|fate| of(fate)).count() as f64 / fates.len() as f64
}

#[track_caller]
fn near(found: f64, expected: f64, within: f64, what: &str) {
    assert!(
        (found - expected).abs() <= within,
        "{what}: expected {expected} ± {within}, found {found}"
    );
}

#[test]
fn times_have_the_means_of_the_law() {
    let law = Law {
        error_rate: Number::ZERO,
        ..Law::default()
    };
    let mut state = State::default();
    let (mut first, mut stream) = (0.0, 0.0);
    let many = 50_000;
    for number in 0..many {
        let ask = Ask {
            tokens_out: Some(100),
            ..Ask::default()
        };
        let draws = Draws::of(3, number, salt("a"));
        match fate(&law, &mut state, &ask, &draws, Time::ZERO) {
            Fate::Answer(answer) => {
                first += answer.first_token.as_secs_f64();
                stream += answer.total.as_secs_f64() - answer.first_token.as_secs_f64();
            }
            other => panic!("expected an answer, found {other:?}"),
        }
    }
    near(first / many as f64, 0.5, 0.005, "mean time to first token");
    near(stream / many as f64, 1.5, 0.01, "mean time of 100 tokens");
}

#[test]
fn shares_of_fates_are_those_of_the_law() {
    let law = Law {
        error_rate: Number::known(0.3),
        error_status: Some(503),
        black_hole: Number::known(0.1),
        hang_body: Number::known(0.05),
        stall: Number::known(0.2),
        cut: Number::known(0.5),
        ..Law::default()
    };
    let fates = run(&law, 0.1, 40_000);
    let silent = share(&fates, |fate| matches!(fate, Fate::Hang(Hang::Header)));
    near(silent, 0.1, 0.01, "black holes");
    let headed = share(&fates, |fate| matches!(fate, Fate::Hang(Hang::Body)));
    near(headed, 0.05, 0.01, "headers without a body");
    let errors = share(&fates, |fate| {
        matches!(fate, Fate::Error { kind: ErrorKind::Overloaded, status: Some(503), retry_after: None, after }
            if (50..=151).contains(&after.as_millis()))
    });
    near(
        errors,
        0.85 * 0.3,
        0.01,
        "errors of those that are not swallowed",
    );
    let ends = |wanted: fn(&Ending) -> bool| {
        share(
            &fates,
            |fate| matches!(fate, Fate::Answer(answer) if wanted(&answer.ending)),
        )
    };
    near(
        ends(|end| matches!(end, Ending::Stall { .. })),
        0.85 * 0.7 * 0.2,
        0.01,
        "stalls",
    );
    near(
        ends(|end| matches!(end, Ending::Cut { .. })),
        0.85 * 0.7 * 0.8 * 0.5,
        0.01,
        "cuts",
    );
}

#[test]
fn limits_come_before_everything_else() {
    let law = Law {
        rate_limit: RateLimit {
            rps: Number::known(2.0),
            burst: 1.0,
        },
        black_hole: Number::known(1.0),
        ..Law::default()
    };
    let fates = run(&law, 0.0, 2);
    assert_eq!(fates[0], Fate::Hang(Hang::Header), "the first is let in");
    assert_eq!(
        fates[1],
        Fate::Error {
            kind: ErrorKind::RateLimit,
            status: None,
            after: Duration::from_millis(80),
            retry_after: Some(Duration::from_millis(500)),
        },
        "the second is over quota before it could vanish"
    );
}

#[test]
fn a_refusal_says_when_the_window_ends_only_if_the_law_does() {
    let mut law = Law {
        window_limit: WindowLimit {
            requests: 1,
            seconds: 60.0,
        },
        ..Law::default()
    };
    let wait = |law: &Law| match run(law, 0.5, 2).pop() {
        Some(Fate::Error { retry_after, .. }) => retry_after,
        other => panic!("expected a refusal, found {other:?}"),
    };
    assert_eq!(wait(&law), Some(Duration::from_millis(59_500)));
    law.retry_after = false;
    assert_eq!(wait(&law), None, "the law keeps it to itself");
}

#[test]
fn an_absent_target_swallows_everything_until_it_is_there() {
    let law: Law = toml::from_str("present = [[0, 0], [2, 1]]\nerror_rate = 0").unwrap();
    let fates = run(&law, 1.0, 4);
    assert!(
        fates[..2]
            .iter()
            .all(|fate| *fate == Fate::Hang(Hang::Header)),
        "before it exists: {fates:?}"
    );
    assert!(
        fates[2..]
            .iter()
            .all(|fate| matches!(fate, Fate::Answer(_))),
        "after: {fates:?}"
    );
}

#[test]
fn the_tail_is_slow_in_both_parts() {
    let plain = Law {
        spread: Number::ZERO,
        error_rate: Number::ZERO,
        ..Law::default()
    };
    let slow = Law {
        tail: Tail {
            p: Number::known(1.0),
            factor: Number::known(6.0),
        },
        ..plain.clone()
    };
    let (Fate::Answer(plain), Fate::Answer(slow)) =
        (run(&plain, 0.0, 1).remove(0), run(&slow, 0.0, 1).remove(0))
    else {
        panic!("both should be answered");
    };
    assert_eq!(slow.first_token, plain.first_token * 6);
    assert_eq!(slow.total, plain.total * 6);
}

#[test]
fn a_queue_delays_the_second_by_the_first() {
    let law: Law =
        toml::from_str("servers = 1\nspread = 0\nerror_rate = 0\nttft_ms = 100\ntpot_ms = 1")
            .unwrap();
    let fates = run(&law, 0.05, 2);
    let (Fate::Answer(first), Fate::Answer(second)) = (&fates[0], &fates[1]) else {
        panic!("both should be answered: {fates:?}");
    };
    assert_eq!(first.wait, Duration::ZERO);
    assert_eq!(second.wait + Duration::from_millis(50), first.total);
    assert_eq!(second.first_token, second.wait + Duration::from_millis(100));
}

#[test]
fn a_clients_fault_is_its_own_unless_the_target_is_worse() {
    let ask = Ask {
        client_fault: true,
        ..Ask::default()
    };
    let draws = Draws::of(0, 0, 0);
    let kind = |law: &Law| match fate(law, &mut State::default(), &ask, &draws, Time::ZERO) {
        Fate::Error { kind, .. } => kind,
        other => panic!("expected an error, found {other:?}"),
    };
    assert_eq!(kind(&Law::instant()), ErrorKind::Client);
    let failing = Law {
        error_rate: Number::known(1.0),
        ..Law::instant()
    };
    assert_eq!(
        kind(&failing),
        ErrorKind::Server,
        "who fails can't judge a request"
    );
}

#[test]
fn absurd_laws_and_requests_saturate() {
    let law: Law = toml::from_str(
        "ttft_ms = 1e300\ntpot_ms = 1e300\nspread = 1e6\nservers = 1e300\nerror_rate = 0",
    )
    .unwrap();
    let ask = Ask {
        tokens_out: Some(u64::MAX),
        ..Ask::default()
    };
    let mut state = State::default();
    for number in 0..50 {
        let draws = Draws::of(0, number, 0);
        match fate(
            &law,
            &mut state,
            &ask,
            &draws,
            Time::from_micros(u64::MAX - 5),
        ) {
            Fate::Answer(answer) => {
                assert_eq!(answer.tokens_out, MAX_TOKENS);
                assert!(answer.token_at(MAX_TOKENS - 1) >= answer.first_token);
            }
            other => panic!("expected an answer, found {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        rng_seed: proptest::test_runner::RngSeed::Fixed(12),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_same_request_has_the_same_fate(seed in any::<u64>(), number in any::<u64>(), at in 0_u64..1_000_000_000) {
        let law = Law { seed, ..Law::default() };
        let once = || {
            let draws = Draws::of(seed, number, salt("a"));
            fate(&law, &mut State::default(), &Ask::default(), &draws, Time::from_micros(at))
        };
        prop_assert_eq!(once(), once());
    }

    #[test]
    fn tokens_come_in_order_and_within_the_answer(number in any::<u64>(), tokens in 1_u64..500) {
        let law = Law {
            error_rate: Number::ZERO, stall: Number::known(0.5), cut: Number::known(1.0), ..Law::default()
        };
        let ask = Ask { tokens_out: Some(tokens), ..Ask::default() };
        let draws = Draws::of(1, number, 0);
        match fate(&law, &mut State::default(), &ask, &draws, Time::ZERO) {
            Fate::Answer(answer) => {
                prop_assert_eq!(answer.token_at(0), answer.first_token);
                prop_assert!(answer.token_at(tokens) <= answer.total, "the last byte is the last");
                for index in 0..tokens {
                    prop_assert!(answer.token_at(index) <= answer.token_at(index + 1));
                }
                match answer.ending {
                    Ending::Stall { tokens: after } | Ending::Cut { tokens: after } => {
                        prop_assert!(after >= 1 && after <= tokens.saturating_sub(1).max(1), "{}", after);
                    }
                    other => prop_assert!(false, "half stall, the rest is cut: {:?}", other),
                }
            }
            other => prop_assert!(false, "expected an answer, found {:?}", other),
        }
    }
}

#[test]
fn what_is_not_cached_is_read_before_the_first_token() {
    let law = Law {
        ttft_ms: Number::known(400.0),
        prefill_ms: Number::known(50.0),
        ..Law::instant()
    };
    let first = |uncached| {
        let ask = Ask {
            uncached,
            ..Ask::default()
        };
        let draws = Draws::of(1, 1, 1);
        match fate(&law, &mut State::default(), &ask, &draws, Time::ZERO) {
            Fate::Answer(answer) => answer.first_token.as_secs_f64(),
            other => panic!("expected an answer, found {other:?}"),
        }
    };
    assert!((first(0) - 0.4).abs() < 1e-6);
    assert!(
        (first(3_000) - 0.55).abs() < 1e-6,
        "50 ms for each thousand"
    );
}
