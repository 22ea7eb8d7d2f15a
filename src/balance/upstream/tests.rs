use super::super::gate::{Cause, GateOrder, ProbeResult};
use super::super::input::Flight;
use super::*;
use crate::model::AnswerKind;

fn at(seconds: f64) -> Time {
    Time::from_secs_f64(seconds)
}

fn flight(age: f64, probe: bool) -> Flight {
    Flight {
        age,
        kind: AnswerKind::Streamed,
        probe,
    }
}

/// Judges `upstream` at `now` seconds with these requests out.
fn judge(upstream: &mut UpstreamMemory, now: f64, flights: Vec<Flight>) -> GateOrder {
    let cohort = CohortMemory::default();
    let peers = [UpstreamMemory::new(false), UpstreamMemory::new(false)];
    let pool = Pool::of(peers.iter());
    let around = Around {
        now: at(now),
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
        flights,
        ..UpstreamInput::default()
    };
    upstream.judge(&cohort, &input, &around);
    let estimate = upstream.estimate(&cohort, &pool, around.now);
    upstream.order(&cohort, &around, &estimate, None, false)
}

/// One that was ejected at 100 s because its requests hung.
fn ejected() -> UpstreamMemory {
    let mut upstream = UpstreamMemory::new(false);
    upstream.health.eject(at(100.0), Cause::Overdue, 10.0);
    upstream
}

#[test]
fn a_probe_that_hung_until_it_failed_does_not_fail_the_next_one() {
    let mut upstream = ejected();
    judge(&mut upstream, 102.0, Vec::new());
    assert!(upstream.health.wants_probe(), "the back-off is over");
    let before = upstream.health.ejections;
    // Its first probe, sent at 102.5 s, hangs.
    judge(&mut upstream, 110.0, vec![flight(7.5, true)]);
    assert_eq!(
        upstream.health.ejections,
        before + 1,
        "overdue, so it failed"
    );
    let order = judge(&mut upstream, 150.0, vec![flight(47.5, true)]);
    assert!(order.probe_wanted, "the next one may be sent");
    let order = judge(
        &mut upstream,
        150.25,
        vec![flight(47.75, true), flight(0.1, true)],
    );
    assert_eq!(
        upstream.health.ejections,
        before + 1,
        "and the old one is no news"
    );
    assert!(!order.watch.serving, "while nothing came back");
}

#[test]
fn requests_of_before_an_ejection_neither_eject_again_nor_take_places() {
    let mut upstream = ejected();
    upstream.health.state = Health::Returning {
        part: 0.1,
        on_probation: true,
    };
    let hung = || (0..50).map(|i| flight(21.0 + f64::from(i), false));
    upstream.born = Some(at(1.0));
    let order = judge(&mut upstream, 120.0, hung().collect());
    assert!(order.watch.serving, "they were counted when it was ejected");
    assert!(
        upstream.waiting.late.abs() < f64::EPSILON,
        "and are not late again"
    );
    let free = judge(&mut upstream, 120.25, Vec::new()).pending_cap[0];
    let order = judge(&mut upstream, 120.25, hung().collect());
    assert_eq!(
        order.pending_cap[0],
        free.saturating_add(50),
        "there is room beside them"
    );
    let order = judge(
        &mut upstream,
        130.0,
        (0..50).map(|_| flight(9.0, false)).collect(),
    );
    assert!(!order.watch.serving, "those that were sent since do count");
}

/// A tick with these answers and faults, and what a probe showed.
fn hear(upstream: &mut UpstreamMemory, now: f64, counts: (u32, u32), probe: Option<ProbeResult>) {
    let pool = Pool::of([UpstreamMemory::new(false)].iter());
    let around = Around {
        now: at(now),
        elapsed: 0.25,
        pool: &pool,
        rates: Rates::default(),
        is_timed: false,
    };
    let mut input = UpstreamInput::default();
    input.batch.classes[Class::Ok.index()] = counts.0;
    input.batch.classes[Class::Fault.index()] = counts.1;
    input.news.probe = probe;
    let mut cohort = CohortMemory::default();
    upstream.hear(&mut cohort, &input, &around);
    upstream.judge(&cohort, &input, &around);
}

#[test]
fn who_comes_back_is_not_known_by_what_it_showed_while_it_was_out() {
    let mut upstream = UpstreamMemory::new(false);
    hear(&mut upstream, 99.0, (100, 0), None);
    upstream.health.eject(at(99.1), Cause::Faults, 10.0);
    // All are out, so it is asked all the same.
    for tick in 0..40 {
        hear(&mut upstream, 99.25 + 0.25 * f64::from(tick), (0, 20), None);
    }
    assert!(upstream.faults > 600.0, "they count while it is out");
    upstream.health.probe_now();
    hear(&mut upstream, 110.0, (1, 0), Some(ProbeResult::Passed));
    assert!(upstream.health.is_serving());
    assert!(
        upstream.faults < 1e-9,
        "{} faults are left",
        upstream.faults
    );
    assert!(
        (3.0..10.0).contains(&upstream.ok),
        "a tenth of the answers of before, found {}",
        upstream.ok
    );
}
