use super::super::cohort::Pool;
use super::super::input::{Moments, Recent};
use super::*;
use crate::balance::upstream::Rates;
use crate::model::Class;

/// A target with `servers`, each request of which takes `service` seconds to its first token and holds a server that long;
/// `sent` a second arrive, what does not fit waits. Plays ticks until `until`, with the limit obeyed by the arrivals.
struct Queue {
    servers: f64,
    waiting: f64,
    busy: f64,
    now: f64,
    limit: InFlight,
}

const SERVICE: f64 = 1.0;

impl Queue {
    fn new(servers: f64) -> Self {
        Self {
            servers,
            waiting: 0.0,
            busy: 0.0,
            now: 0.0,
            limit: InFlight::default(),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of a short run, none below zero"
    )]
    fn play(&mut self, sent: f64, seconds: f64) -> &mut Self {
        let pool = Pool::of(std::iter::empty());
        for _ in 0..(seconds * 4.0).round() as u32 {
            self.now += 0.25;
            let room = self.limit.limit.map_or(f64::INFINITY, |limit| {
                (limit - self.busy - self.waiting).max(0.0)
            });
            let answered = 0.25 * self.busy / SERVICE;
            self.busy -= answered;
            self.waiting += (0.25 * sent).min(room);
            let begins = self.waiting.min(self.servers - self.busy);
            self.waiting -= begins;
            self.busy += begins;
            let first = 0.3 + self.waiting * SERVICE / self.servers;
            let recent = Recent {
                at: Time::from_secs_f64(self.now),
                class: Class::Ok,
                first_token: Some(first),
            };
            let input = UpstreamInput {
                in_flight: (self.busy + self.waiting).round() as u32,
                batch: super::super::Batch {
                    recent: vec![recent; answered.round() as usize],
                    ..super::super::Batch::default()
                },
                ..UpstreamInput::default()
            };
            let around = Around {
                now: Time::from_secs_f64(self.now),
                elapsed: 0.25,
                pool: &pool,
                rates: Rates {
                    demand: sent,
                    expected: sent,
                    even: sent,
                },
                is_timed: false,
            };
            self.limit.observe(&input, &around);
        }
        self
    }
}

#[test]
fn without_a_queue_there_is_no_limit() {
    let mut queue = Queue::new(20.0);
    assert_eq!(queue.play(15.0, 120.0).limit.limit, None);
    assert_eq!(queue.limit.limit(), None);
}

#[test]
fn a_queue_brings_the_limit_near_the_servers() {
    let mut queue = Queue::new(20.0);
    queue.play(15.0, 30.0).play(25.0, 30.0);
    let limit = queue.limit.limit.expect("it queued");
    assert!((12.0..=24.0).contains(&limit), "found {limit}");
    assert!(queue.waiting < 6.0, "{} wait", queue.waiting);
}

#[test]
fn the_limit_goes_when_load_does_not_meet_it() {
    let mut queue = Queue::new(20.0);
    queue.play(15.0, 30.0).play(25.0, 20.0).play(5.0, 60.0);
    let held = queue.limit.limit.expect("it queued");
    queue.servers = 60.0;
    queue.play(40.0, 120.0);
    let grown = queue.limit.limit.unwrap_or(f64::INFINITY);
    assert!(grown > 1.8 * held, "new room is found: {held} to {grown}");
}

#[test]
fn slowness_without_load_is_no_queue() {
    let mut limit = InFlight {
        usual: 40.0,
        limit: Some(3.0),
        ..InFlight::default()
    };
    let pool = Pool::of(std::iter::empty());
    let around = Around {
        now: Time::from_secs_f64(100.0),
        elapsed: 0.25,
        pool: &pool,
        rates: Rates {
            demand: 10.0,
            expected: 1.0,
            even: 1.0,
        },
        is_timed: false,
    };
    let input = UpstreamInput {
        in_flight: 4,
        ..UpstreamInput::default()
    };
    limit.observe(&input, &around);
    let raised = limit.limit.expect("it stays");
    assert!(raised > 19.0, "half of what it usually holds, not {raised}");
}

/// Sixteen answers, each ten times as late as forty before them.
fn sick() -> InFlight {
    let mut limit = InFlight {
        usual: 40.0,
        limit: Some(9.0),
        ..InFlight::default()
    };
    for i in 0..56 {
        let (now, late) = (Time::from_secs_f64(f64::from(i)), i >= 40);
        let seconds = if late { 5.0 } else { 0.5 };
        limit.streamed.add(STREAMED, seconds, now, late);
        limit.unary.add(UNARY, 4.0 * seconds, now, late);
    }
    limit
}

fn shows_queue(limit: &InFlight) -> bool {
    let now = Time::from_secs_f64(56.0);
    limit.streamed.shows_queue(STREAMED, now) || limit.unary.shows_queue(UNARY, now)
}

#[test]
fn who_comes_back_may_hold_what_it_held_and_its_old_times_are_no_queue() {
    let mut limit = sick();
    assert!(shows_queue(&limit));
    limit.come_back();
    assert!(!shows_queue(&limit));
    assert_eq!(limit.limit, Some(40.0));
}

#[test]
fn times_of_before_an_improvement_are_no_queue_unless_load_made_them() {
    let mut limit = sick();
    limit.improved(30);
    assert!(shows_queue(&limit), "with so many out it may be a queue");
    limit.improved(10);
    assert!(!shows_queue(&limit));
    assert_eq!(limit.limit, Some(9.0), "growth and cuts go on from there");
}

#[test]
fn a_limit_is_a_rate_by_the_time_that_answers_take() {
    let limit = InFlight {
        limit: Some(20.0),
        ..InFlight::default()
    };
    assert_eq!(limit.rate(4.0), Some(RATE_ROOM * 5.0));
    assert_eq!(InFlight::default().rate(4.0), None);
}

#[test]
fn a_tick_that_claims_any_number_of_answers_is_taken_in() {
    let mut limit = InFlight::default();
    let mut input = UpstreamInput::default();
    input.batch.unary = Moments {
        n: 1e300,
        sum: 1e300,
        ..Moments::default()
    };
    limit.hear(&input, Time::from_secs_f64(1.0));
    assert!(limit.unary.is_full(UNARY));
}
