use std::collections::VecDeque;

use super::*;
use crate::balance::cohort::Pool;
use crate::balance::upstream::Rates;

fn after(room: Room, rate: f64, seconds: f64) -> Option<f64> {
    let (capacity, now) = told(room, rate, seconds);
    capacity.cap(now)
}

/// What is known `seconds` after it was told of this room.
fn told(room: Room, rate: f64, seconds: f64) -> (Capacity, Time) {
    let pool = Pool::of(std::iter::empty());
    let at = |now| Around {
        now: Time::from_secs_f64(now),
        elapsed: 0.25,
        pool: &pool,
        rates: Rates {
            demand: 100.0,
            expected: rate,
            even: rate,
        },
        is_timed: false,
    };
    let told = UpstreamInput {
        headroom: Some(Headroom {
            at: Time::from_secs_f64(10.0),
            requests: Some(room),
            tokens: None,
        }),
        ..UpstreamInput::default()
    };
    let mut capacity = Capacity::default();
    capacity.observe(&told, &at(10.0), 1.0);
    let later = 10.0 + seconds;
    capacity.observe(&UpstreamInput::default(), &at(later), 1.0);
    (capacity, Time::from_secs_f64(later))
}

fn room(remaining: f64, limit: f64, resets_in: f64) -> Room {
    Room {
        remaining,
        limit: Some(limit),
        resets_in: Some(resets_in),
    }
}

#[test]
fn a_near_limit_lowers_the_rate_before_it_refuses() {
    assert_eq!(after(room(500.0, 1000.0, 60.0), 5.0, 1.0), None, "enough");
    let low = after(room(50.0, 1000.0, 60.0), 0.1, 1.0);
    assert_eq!(low, Some(2.5), "below a tenth: (50 + 100) in 60 s");
    let needed = after(room(500.0, 1000.0, 60.0), 20.0, 1.0);
    assert_eq!(needed, Some(10.0), "1,200 are needed: (500 + 100) in 60 s");
    let nothing = after(room(0.0, 1000.0, 60.0), 20.0, 1.0).unwrap();
    assert!(nothing > 1.0, "a trickle shows when there is room again");
}

#[test]
fn what_a_provider_announces_is_told_from_what_its_refusals_taught() {
    let low = room(50.0, 1000.0, 60.0);
    let (mut capacity, now) = told(low, 0.1, 1.0);
    assert!(capacity.is_announced(now), "nothing was refused");
    capacity.cap = Some(1.0);
    assert!(!capacity.is_announced(now), "its refusals taught less");
    capacity.cap = Some(9.0);
    assert!(capacity.is_announced(now), "they taught more");
    let (mut capacity, now) = told(low, 0.1, 61.0);
    capacity.cap = Some(9.0);
    assert!(!capacity.is_announced(now), "it was reset");
}

#[test]
fn headroom_is_forgotten_at_its_reset() {
    assert!(after(room(0.0, 100.0, 30.0), 1.0, 29.0).is_some());
    assert_eq!(after(room(0.0, 100.0, 30.0), 1.0, 31.0), None);
    let endless = Room {
        remaining: 0.0,
        limit: None,
        resets_in: None,
    };
    assert_eq!(after(endless, 1.0, 61.0), None, "a minute if nobody says");
}

/// A target that refuses every second request of `sent` ones, one every `every` seconds, so many ticks after they were sent:
/// what is known at the end, and when that is.
fn refusing_half(sent: u32, every: f64, late: usize) -> (Capacity, Time) {
    let pool = Pool::of(std::iter::empty());
    let mut capacity = Capacity::default();
    let (mut now, rate) = (0.0, 1.0 / every);
    let end = f64::from(sent) * every;
    let (mut number, mut due) = (0u32, every);
    let mut answers = VecDeque::from(vec![None; late]);
    while now < end {
        now += 0.25;
        let mut input = UpstreamInput::default();
        let mut answer = None;
        if now >= due {
            (number, due) = (number + 1, due + every);
            input.batch.dispatched[0] = 1;
            answer = Some(if number.is_multiple_of(2) {
                Class::Throttle
            } else {
                Class::Ok
            });
        }
        answers.push_back(answer);
        if let Some(Some(class)) = answers.pop_front() {
            input.batch.classes[class.index()] = 1;
        }
        let around = Around {
            now: Time::from_secs_f64(now),
            elapsed: 0.25,
            pool: &pool,
            rates: Rates {
                demand: 2.0 * rate,
                expected: rate,
                even: rate,
            },
            is_timed: false,
        };
        capacity.observe(&input, &around, 1.0);
    }
    (capacity, Time::from_secs_f64(now))
}

#[test]
fn a_target_that_refuses_half_gets_a_small_part_of_the_rate_that_it_takes() {
    for every in [0.5, 30.0] {
        let (capacity, now) = refusing_half(60, every, 0);
        let taken = capacity.cap(now).expect("a limit is known");
        let accepted = 0.5 / every;
        assert!(
            taken < 0.3 * accepted,
            "every {every} s: {taken} of {accepted}"
        );
        assert!(taken > 0.0, "every {every} s");
    }
}

#[test]
fn a_request_whose_refusal_comes_a_tick_later_was_not_taken_either() {
    let learned = |late: usize| refusing_half(60, 1.0, late).0.cap.unwrap();
    let (at_once, later) = (learned(0), learned(1));
    assert!(
        (later / at_once - 1.0).abs() < 0.1,
        "every second one is taken: {at_once} told at once, {later} told later"
    );
}

#[test]
fn a_refusal_after_a_quiet_hour_does_not_take_its_rate_for_the_limit() {
    let pool = Pool::of(std::iter::empty());
    let mut capacity = Capacity::default();
    let mut observe = |tick: u32, sent: u32, refused: u32, rate: f64| {
        let mut input = UpstreamInput::default();
        input.batch.dispatched[0] = sent;
        input.batch.classes[Class::Throttle.index()] = refused;
        let around = Around {
            now: Time::from_secs_f64(0.25 * f64::from(tick)),
            elapsed: 0.25,
            pool: &pool,
            rates: Rates {
                demand: rate,
                expected: rate,
                even: rate,
            },
            is_timed: false,
        };
        capacity.observe(&input, &around, 1.0);
    };
    for tick in 1..=14_400 {
        observe(tick, u32::from(tick.is_multiple_of(20)), 0, 0.2);
    }
    for tick in 14_401..=14_408 {
        observe(tick, 5, 0, 15.0);
    }
    observe(14_409, 5, 2, 15.0);
    let learned = capacity.cap.unwrap();
    assert!(learned > 10.0, "it took 20/s for two seconds: {learned}");
}
