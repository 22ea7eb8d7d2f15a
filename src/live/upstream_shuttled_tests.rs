//! The gate and the meter under many orders in which requests and the controller may get at them:
//! `cargo test --lib --features shuttle -- shuttled`. `WEIGHBRIDGE_SHUTTLES` says how many orders of each test.

use std::sync::Arc;
use std::time::Duration;

use shuttle::thread;

use super::{RateGroup, Upstream};
use crate::balance::Reference;
use crate::balance::gate::{GateOrder, GateState, Standing, Watch};
use crate::model::{AnswerKind, Event, Finished, Outcome, Time, UpstreamName};

/// Orders of each test, drawn at random with few changes of thread, which finds most mistakes soonest.
fn orders() -> usize {
    let said = std::env::var("WEIGHBRIDGE_SHUTTLES").ok();
    said.map_or(2_000, |said| said.parse().unwrap())
}

/// Changes of thread in each order.
const CHANGES: usize = 4;

fn check(test: impl Fn() + Send + Sync + 'static) {
    shuttle::check_pct(test, orders(), CHANGES);
}

fn upstream() -> Arc<Upstream> {
    Arc::new(Upstream::new(UpstreamName::new("p/m").unwrap()))
}

const START: Time = Time::from_micros(1_000_000_000);

fn at(seconds: u64) -> Time {
    START.after(Duration::from_secs(seconds))
}

fn ended(outcome: Outcome, wait: Option<Duration>) -> Event {
    Event::Finished(Finished {
        outcome,
        total: Duration::from_secs(1),
        first_content: None,
        tokens: None,
        estimated: false,
        cost: None,
        wait,
    })
}

fn order(probe_wanted: bool) -> GateOrder {
    let free = GateState::default();
    GateOrder {
        watch: Watch::default(),
        probe_wanted,
        limit: free.limit,
        pending_cap: free.pending_cap,
        standing: Standing::default(),
        reference: Reference::default(),
    }
}

/// A whole request.
fn request(upstream: &Upstream, kind: AnswerKind, outcome: Outcome) {
    let flight = upstream.begin(at(0), kind, false);
    if kind == AnswerKind::Streamed {
        let first = Event::FirstContent(Duration::from_millis(100));
        upstream.record(at(1), flight, &first);
    }
    upstream.record(at(2), flight, &ended(outcome, None));
}

#[test]
fn shuttled_requests_and_ticks_leave_nothing_in_flight_and_count_each_once() {
    check(|| {
        let upstream = upstream();
        let requests = [
            (AnswerKind::Streamed, Outcome::Ok),
            (AnswerKind::Unary, Outcome::Ok),
            (AnswerKind::Streamed, Outcome::Cancelled),
        ];
        let requests = requests.map(|(kind, outcome)| {
            let upstream = Arc::clone(&upstream);
            thread::spawn(move || request(&upstream, kind, outcome))
        });
        let ticks = {
            let upstream = Arc::clone(&upstream);
            thread::spawn(move || {
                let seen = [3, 4].map(|second| {
                    let seen = upstream.collect(at(second), None).batch;
                    upstream.obey(&order(false));
                    seen.classes
                });
                seen.iter().flatten().sum::<u32>()
            })
        };
        for request in requests {
            request.join().unwrap();
        }
        let seen = ticks.join().unwrap();
        let last = upstream.collect(at(5), None).batch.classes;
        let gate = upstream.gate();
        assert_eq!((gate.in_flight, gate.pending), (0, [0, 0]));
        assert_eq!(seen + last.iter().sum::<u32>(), 3, "each is in one batch");
        assert_eq!(upstream.totals().outcomes[&Outcome::Ok], 2);
    });
}

#[test]
fn shuttled_a_wanted_probe_is_taken_by_one() {
    check(|| {
        let upstream = upstream();
        upstream.obey(&order(true));
        let claims = [(); 3].map(|()| {
            let upstream = Arc::clone(&upstream);
            thread::spawn(move || upstream.claim_probe())
        });
        let taken = claims.map(|claim| claim.join().unwrap());
        let taken = taken.iter().filter(|taken| **taken).count();
        assert_eq!(taken, 1);
    });
}

#[test]
fn shuttled_a_block_is_never_shortened_by_another() {
    check(|| {
        let group = Arc::new(RateGroup::default());
        let members = [upstream(), upstream()];
        for member in &members {
            member.join(Some(&group));
        }
        let limited = [(0, 20), (0, 40), (1, 30)].map(|(member, seconds)| {
            let upstream = Arc::clone(&members[member]);
            thread::spawn(move || {
                let flight = upstream.begin(at(0), AnswerKind::Unary, false);
                let wait = Some(Duration::from_secs(seconds));
                upstream.record(at(0), flight, &ended(Outcome::RateLimited, wait));
            })
        });
        let ticking = {
            let upstream = Arc::clone(&members[0]);
            thread::spawn(move || {
                upstream.collect(at(0), None);
                upstream.obey(&order(false));
            })
        };
        for limited in limited {
            limited.join().unwrap();
        }
        ticking.join().unwrap();
        for member in members {
            assert!(member.gate().blocked_until >= at(40), "the longest counts");
        }
    });
}
