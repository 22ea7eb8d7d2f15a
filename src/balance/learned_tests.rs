use super::super::filter::Quantity;
use super::super::gate::Cause;
use super::super::health::Health;
use super::super::input::{Input, RouteInput, UpstreamInput};
use super::super::plan::tests::route;
use super::super::step::step;
use super::*;

fn at(seconds: f64) -> Time {
    Time::from_secs_f64(1.8e9 + seconds)
}

/// One tick a quarter of a second later, with answers that take 1 and `slowness` times the usual.
fn tick(plan: &Plan, memory: &mut Memory, now: Time, slowness: Option<f64>) {
    let told = |slow: f64| {
        let mut input = UpstreamInput::default();
        if slowness.is_some() {
            for _ in 0..5 {
                input.batch.first_token.add(slow);
                input.batch.per_token.add(slow);
                input.batch.classes[0] += 1;
            }
        }
        input
    };
    let input = Input {
        now,
        elapsed: 0.25,
        upstreams: vec![told(1.0), told(slowness.unwrap_or(1.0))],
        routes: vec![RouteInput {
            arrivals: if slowness.is_some() { 10 } else { 0 },
            picked: vec![0, 0],
            scores: Vec::new(),
        }],
    };
    step(plan, memory, &input);
}

/// A minute of a route whose second target is four times as slow.
fn learned() -> (Plan, Memory, Time) {
    let plan = Plan::new(vec![route(0, &[0, 1])], []);
    let mut memory = Memory::new(&plan);
    let mut now = at(0.0);
    for n in 0..240 {
        now = at(0.25 * f64::from(n));
        tick(&plan, &mut memory, now, Some(4.0));
    }
    (plan, memory, now)
}

fn shares(memory: &Memory) -> Vec<f64> {
    let table = memory.tables().next().unwrap();
    table
        .shares()
        .iter()
        .map(|share| share.fraction())
        .collect()
}

fn through_text(learned: &Learned) -> Learned {
    serde_json::from_str(&serde_json::to_string(learned).unwrap()).unwrap()
}

#[test]
fn a_start_goes_on_with_the_learned_shares_after_any_time() {
    let (plan, memory, now) = learned();
    let before = shares(&memory);
    assert!(before[1] < 0.2, "the slow one has little: {before:?}");
    for gap in [0.0, 1.0, 3_600.0, 1e7] {
        let stored = through_text(&Learned::of(&plan, &memory, now));
        let resumed = stored
            .resumed(None, &plan, now.after_secs(gap))
            .unwrap()
            .memory;
        let after = shares(&resumed);
        assert!(
            (after[1] - before[1]).abs() < 1e-5,
            "{gap} s later {before:?} became {after:?}"
        );
    }
}

#[test]
fn what_is_long_ago_is_doubted_and_the_shares_find_back_without_news() {
    let (plan, memory, now) = learned();
    let doubt = |memory: &Memory| {
        memory.upstreams[1]
            .filter(Quantity::FirstToken)
            .uncertainty()
    };
    let resumed = |gap: f64| {
        let stored = Learned::of(&plan, &memory, now);
        stored
            .resumed(None, &plan, now.after_secs(gap))
            .unwrap()
            .memory
    };
    let (soon, late) = (resumed(1.0), resumed(36_000.0));
    let (before, soon, long) = (doubt(&memory), doubt(&soon), doubt(&late));
    assert!(
        soon < 0.1 * long,
        "a second changes little: {before}, {soon}"
    );
    assert!(long > 0.1, "ten hours change much: {long}");
    let mut late = late;
    let begin = now.after_secs(36_000.0);
    for n in 1..=120 {
        let now = begin.after_secs(0.25 * f64::from(n));
        tick(&plan, &mut late, now, Some(1.0));
    }
    let after = shares(&late);
    assert!((after[1] - 0.5).abs() < 0.1, "alike again: {after:?}");
}

#[test]
fn shares_that_were_stored_later_than_the_memory_hold() {
    let (plan, memory, now) = learned();
    let mut later = LearnedShares::of(&plan, &memory, now.after_secs(5.0));
    let parts = [300_000, 700_000].map(Share::from_ppm);
    for ((_, share), part) in later.routes[0].1.iter_mut().zip(parts) {
        *share = part;
    }
    let stored = Learned::of(&plan, &memory, now);
    let resumed = stored.resumed(Some(&later), &plan, now.after_secs(6.0));
    assert_eq!(shares(&resumed.unwrap().memory), [0.3, 0.7]);
    assert_eq!(shares(&later.resumed(&plan)), [0.3, 0.7], "also alone");
    let other = Plan::new(vec![route(0, &[0, 1, 2])], []);
    let even = shares(&later.resumed(&other));
    assert!(
        (even[0] - even[2]).abs() < 1e-5,
        "of another route they say nothing: {even:?}"
    );
}

#[test]
fn an_ejection_of_long_ago_is_probed_at_once_and_a_probe_that_was_out_is_sent_again() {
    let (plan, mut memory, now) = learned();
    memory.upstreams[1].health.eject(now, Cause::Faults, 100.0);
    memory.upstreams[1].in_flight = 7;
    let stored = Learned::of(&plan, &memory, now);
    let mut resumed = stored
        .resumed(None, &plan, now.after_secs(60.0))
        .unwrap()
        .memory;
    assert!(resumed.upstreams[1].health.wants_probe());
    assert_eq!(resumed.upstreams[1].in_flight, 0, "nothing is out any more");
    resumed.upstreams[1].health.state = Health::Probing {
        cause: Cause::Faults,
        passed: 1,
        out: true,
    };
    let stored = Learned::of(&plan, &resumed, now);
    let again = stored
        .resumed(None, &plan, now.after_secs(1.0))
        .unwrap()
        .memory;
    assert!(
        again.upstreams[1].health.wants_probe(),
        "the answer never comes"
    );
}

#[test]
fn a_wait_that_is_not_over_holds() {
    let (plan, mut memory, now) = learned();
    memory.upstreams[1].health.eject(now, Cause::Quota, 100.0);
    let stored = Learned::of(&plan, &memory, now);
    let resumed = stored
        .resumed(None, &plan, now.after_secs(2.0))
        .unwrap()
        .memory;
    assert_eq!(
        resumed.upstreams[1].health.state,
        memory.upstreams[1].health.state
    );
}

#[test]
fn a_memory_from_the_future_is_not_believed() {
    let (plan, memory, now) = learned();
    let stored = Learned::of(&plan, &memory, now.after_secs(86_400.0));
    assert_eq!(stored.resumed(None, &plan, now), None);
}

#[test]
fn a_memory_that_does_not_fit_its_own_plan_is_not_believed() {
    let (plan, memory, now) = learned();
    let mut stored = Learned::of(&plan, &memory, now);
    stored.upstreams.clear();
    assert_eq!(stored.resumed(None, &plan, now), None);
}
