use proptest::prelude::*;

use super::*;

fn fixed() -> ProptestConfig {
    ProptestConfig {
        cases: 256,
        rng_seed: proptest::test_runner::RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// When each request starts if servers are simulated one by one: each takes the oldest of those waiting.
fn by_hand(servers: usize, jobs: &[(u64, u64)]) -> Vec<u64> {
    let mut free = vec![0_u64; servers];
    jobs.iter()
        .map(|(arrival, service)| {
            let next = free.iter_mut().min().unwrap();
            let start = (*arrival).max(*next);
            *next = start + service;
            start
        })
        .collect()
}

proptest! {
    #![proptest_config(fixed())]

    #[test]
    fn waits_are_those_of_servers_that_take_the_oldest_first(
        servers in 1_usize..6,
        jobs in prop::collection::vec((0_u64..50, 1_u64..200), 1..60),
    ) {
        let mut queue = Queue::default();
        let mut clock = 0;
        let jobs: Vec<_> = jobs.into_iter().map(|(gap, service)| {
            clock += gap;
            (clock, service)
        }).collect();
        for ((arrival, service), start) in jobs.iter().zip(by_hand(servers, &jobs)) {
            let now = Time::from_micros(*arrival);
            let wait = queue.wait(servers as u64, now);
            prop_assert_eq!(wait, Duration::from_micros(start - arrival), "first in, first out");
            queue.admit(servers as u64, Duration::from_micros(*service), None, now);
        }
    }

    #[test]
    fn a_bucket_never_gives_more_than_burst_and_flow(
        rps in 0.5_f64..50.0,
        burst in 1.0_f64..20.0,
        gaps in prop::collection::vec(0_u64..400_000, 1..200),
    ) {
        let limit = RateLimit { rps: Number::known(rps), burst };
        let mut limits = Limits::default();
        let (mut now, mut passed) = (Time::ZERO, 0.0);
        for gap in gaps {
            now = Time::from_micros(now.as_micros() + gap);
            match limits.admit(&limit, &WindowLimit::default(), now) {
                Ok(()) => passed += 1.0,
                Err(wait) => {
                    let mut later = limits;
                    prop_assert!(
                        later.admit(&limit, &WindowLimit::default(), now.after(wait)).is_ok(),
                        "who waits as long as told is let in"
                    );
                }
            }
            prop_assert!(
                passed <= burst + rps * now.as_secs_f64() + 1e-3,
                "{passed} passed by {now:?}"
            );
        }
    }

    #[test]
    fn a_window_gives_exactly_its_number(
        requests in 1_u64..20,
        gaps in prop::collection::vec(0_u64..400_000, 1..200),
    ) {
        let limit = WindowLimit { requests, seconds: 1.5 };
        let mut limits = Limits::default();
        let mut now = 0;
        let (mut index, mut used) = (0, 0);
        for gap in gaps {
            now += gap;
            if now / 1_500_000 != index {
                (index, used) = (now / 1_500_000, 0);
            }
            let found = limits.admit(&RateLimit::default(), &limit, Time::from_micros(now));
            if used < requests {
                used += 1;
                prop_assert_eq!(found, Ok(()), "there was room");
            } else {
                let rest = Duration::from_micros(1_500_000 - now % 1_500_000);
                prop_assert_eq!(found, Err(rest), "full until the window ends");
            }
        }
    }
}

#[test]
fn a_refusal_by_one_limit_costs_the_other_nothing() {
    let rate = RateLimit {
        rps: Number::known(0.1),
        burst: 2.0,
    };
    let window = WindowLimit {
        requests: 1,
        seconds: 1.0,
    };
    let mut limits = Limits::default();
    assert_eq!(limits.admit(&rate, &window, Time::ZERO), Ok(()));
    assert!(
        limits.admit(&rate, &window, Time::ZERO).is_err(),
        "the window is full"
    );
    assert_eq!(
        limits.admit(&rate, &window, Time::from_secs_f64(1.0)),
        Ok(()),
        "the bucket still holds the second request"
    );
}

#[test]
fn a_place_that_is_left_is_free_unless_somebody_is_behind_it() {
    let second = Duration::from_secs(1);
    let mut queue = Queue::default();
    let first = queue.admit(1, second, None, Time::ZERO).unwrap();
    queue.leave(first, Time::from_secs_f64(0.25));
    assert_eq!(
        queue.wait(1, Time::from_secs_f64(0.25)),
        Duration::ZERO,
        "nobody else is there"
    );
    let holder = queue
        .admit(1, second, None, Time::from_secs_f64(0.25))
        .unwrap();
    queue.admit(1, second, None, Time::from_secs_f64(0.5));
    queue.leave(holder, Time::from_secs_f64(0.5));
    assert_eq!(
        queue.wait(1, Time::from_secs_f64(0.5)),
        Duration::from_millis(1_750),
        "the one behind keeps the start that it was told"
    );
}

#[test]
fn the_impatient_hold_a_server_no_longer_than_they_wait() {
    let mut queue = Queue::default();
    let long = Duration::from_secs(100);
    let patience = Some(Duration::from_secs(3));
    assert!(queue.admit(1, long, patience, Time::ZERO).is_some());
    assert_eq!(queue.wait(1, Time::ZERO), Duration::from_secs(3));
    assert!(
        queue.admit(1, long, patience, Time::ZERO).is_none(),
        "who would not be begun in time holds nothing"
    );
}

#[test]
fn servers_may_come_and_go() {
    let second = Duration::from_secs(1);
    let mut queue = Queue::default();
    queue.admit(1, second, None, Time::ZERO);
    assert_eq!(
        queue.wait(2, Time::ZERO),
        Duration::ZERO,
        "a new server is free"
    );
    queue.admit(2, second * 2, None, Time::ZERO);
    assert_eq!(
        queue.wait(1, Time::ZERO),
        second * 2,
        "with one server left, both are to be finished first"
    );
}
