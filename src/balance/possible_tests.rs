//! Claims about numbers of a stored memory that no run writes: any number in any field, and the start works.

use serde_json::Value;

use super::super::gate::Cause;
use super::super::goal::{Goal, Level, Measure, Statistic, Timing};
use super::super::input::{Flight, Headroom, Input, Room, RouteInput, Scored, UpstreamInput};
use super::super::plan::tests::route;
use super::super::step::{Stepped, step};
use super::*;
use crate::model::{AnswerKind, Class};

/// Numbers that a field can be set to: those that overflow, that are no count, no share, no ratio, and the usual ones.
const NUMBERS: [&str; 16] = [
    "1e308",
    "-1e308",
    "1e200",
    "1e37",
    "1e17",
    "1e9",
    "300",
    "7",
    "1",
    "0.5",
    "0",
    "-1",
    "-1e-9",
    "1e-300",
    "4294967295",
    "18446744073709551615",
];

fn at(seconds: f64) -> Time {
    Time::from_secs_f64(1.8e9 + seconds)
}

/// A sticky route with levels and scores, and one that shares an upstream with it.
fn plan() -> Plan {
    let mut first = route(0, &[0, 1]);
    first.sticky = true;
    first.min_quality = Some(0.2);
    first.objective.quality = 0.5;
    first.goal = Goal {
        levels: vec![Level {
            measure: Measure::Time(Timing::FirstToken, Statistic::P95),
            at_most: 0.4,
        }],
    };
    Plan::new(vec![first, route(1, &[1, 2])], [])
}

/// A quarter of a second in which all kinds of answers come, some late, some refused, some failed.
fn told(n: u32, slow: f64) -> UpstreamInput {
    let mut input = UpstreamInput::default();
    let batch = &mut input.batch;
    for i in 0..4 {
        let off = 1.0 + 0.1 * f64::from((n + i) % 5);
        batch.first_token.add(slow * off);
        batch.per_token.add(slow * off);
        batch.unary.add(2.0 * off);
        batch.unary_totals.push(4.0);
        batch.times.first_token.add(0.3 * slow * off);
        batch.line.add(100.0 * off, 0.3 * slow * off);
        batch.classes[Class::Ok as usize] += 2;
    }
    batch.counted = 8;
    (batch.tokens_in, batch.tokens_out, batch.tokens_cached) = (3_000, 900, 1_000);
    batch.dispatched = [4, 4];
    if n.is_multiple_of(40) {
        batch.classes[Class::Throttle as usize] += 1;
        batch.classes[Class::Fault as usize] += 1;
    }
    input.in_flight = 5;
    let flight = |kind, age| Flight {
        kind,
        age,
        probe: false,
    };
    input.flights = vec![
        flight(AnswerKind::Streamed, 0.5),
        flight(AnswerKind::Unary, 3.0),
    ];
    input
}

fn ticked(plan: &Plan, memory: &mut Memory, n: u32, now: Time) -> Stepped {
    let scores = (0..2).map(|target| Scored {
        target,
        score: 0.6 + 0.3 * f64::from(target),
        instead: None,
    });
    let input = Input {
        now,
        elapsed: 0.25,
        upstreams: [1.0, 1.6, 1.0].map(|slow| told(n, slow)).to_vec(),
        routes: vec![
            RouteInput {
                arrivals: 10,
                picked: vec![5, 5],
                scores: scores.collect(),
            },
            RouteInput {
                arrivals: 4,
                picked: vec![2, 2],
                scores: Vec::new(),
            },
        ],
    };
    step(plan, memory, &input)
}

fn learned() -> (Plan, Value) {
    let plan = plan();
    let mut memory = Memory::new(&plan);
    for n in 0..400 {
        ticked(&plan, &mut memory, n, at(0.25 * f64::from(n)));
    }
    let learned = Learned::of(&plan, &memory, at(100.0));
    (plan, serde_json::to_value(learned).unwrap())
}

/// The places of all numbers in a document.
fn places(value: &Value, before: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) | Value::Null => found.push(before.to_owned()),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                places(item, &format!("{before}/{i}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, &format!("{before}/{name}"), found);
            }
        }
        Value::Bool(_) | Value::String(_) => {}
    }
}

/// A start from this, and some ticks: `None` if it cannot be read, else whether something was let go.
fn starts(plan: &Plan, document: &Value, what: &str) -> Option<Vec<String>> {
    let stored: Learned = serde_json::from_value(document.clone()).ok()?;
    let now = at(103.0);
    let (mut memory, dropped) = match stored.resumed(None, plan, now) {
        Some(mended) => (mended.memory, mended.dropped),
        None => return None,
    };
    for n in 0..4 {
        let stepped = ticked(plan, &mut memory, n, now.after_secs(0.25 * f64::from(n)));
        for decision in &stepped.decisions {
            let shares = decision.table.shares().iter();
            let sum: u64 = shares.map(|share| u64::from(share.ppm())).sum();
            assert_eq!(sum, 1_000_000, "{what}: {}", decision.route);
            for row in &decision.rows {
                let loss = row.terms.loss();
                assert!(loss.is_finite(), "{what}: {} loses {loss}", row.name);
            }
        }
    }
    Some(dropped)
}

#[test]
fn a_memory_that_a_run_wrote_is_kept_whole() {
    let (plan, document) = learned();
    assert_eq!(starts(&plan, &document, "as it was"), Some(Vec::new()));
}

#[test]
fn any_number_in_any_field_starts_and_loses_finitely() {
    let (plan, document) = learned();
    let mut all = Vec::new();
    places(&document, "", &mut all);
    // Cells of one histogram are alike.
    let fields = all.into_iter().filter(|place| {
        let cell = place
            .rsplit('/')
            .next()
            .and_then(|it| it.parse::<u32>().ok());
        cell.is_none_or(|cell| cell < 4)
    });
    let (mut read, mut mended) = (0, 0);
    for place in fields {
        for number in NUMBERS {
            let mut other = document.clone();
            *other.pointer_mut(&place).unwrap() = serde_json::from_str(number).unwrap();
            if let Some(dropped) = starts(&plan, &other, &format!("{place} = {number}")) {
                read += 1;
                mended += u32::from(!dropped.is_empty());
            }
        }
    }
    assert!(
        read > 2_000 && mended > 1_000,
        "{read} were read, {mended} mended"
    );
}

#[test]
fn many_odd_numbers_at_once_start_as_well() {
    let (plan, document) = learned();
    let mut all = Vec::new();
    places(&document["memory"], "/memory", &mut all);
    let mut seed = 7_u64;
    let mut luck = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut read = 0;
    for case in 0..1_500 {
        let mut other = document.clone();
        for _ in 0..=luck(6) {
            let number = NUMBERS[luck(NUMBERS.len())];
            let place = &all[luck(all.len())];
            *other.pointer_mut(place).unwrap() = serde_json::from_str(number).unwrap();
        }
        read += u32::from(starts(&plan, &other, &format!("case {case}")).is_some());
    }
    assert!(read > 500, "{read} were read");
}

#[test]
fn what_is_let_go_is_said_and_the_rest_is_kept() {
    let (plan, document) = learned();
    let mut other = document.clone();
    other["memory"]["upstreams"][1]["first_token"]["mean"] = 1e308.into();
    let stored =
        |document: &Value| -> Learned { serde_json::from_value(document.clone()).unwrap() };
    let mended = stored(&other).resumed(None, &plan, at(100.0)).unwrap();
    let [said] = mended.dropped.as_slice() else {
        panic!("one part: {:?}", mended.dropped);
    };
    let name = plan.upstreams()[1].to_string();
    let expected = format!("{name}: time to first token: mean is 1e308, expected 0e0 to 2e16");
    assert_eq!(*said, expected);
    let whole = stored(&document).resumed(None, &plan, at(100.0)).unwrap();
    let (is, was) = (&mended.memory.upstreams, &whole.memory.upstreams);
    assert_eq!(is[0], was[0]);
    assert_eq!(is[1].health, was[1].health);
    assert_eq!(is[1].capacity, was[1].capacity);
}

#[test]
fn what_requests_told_while_a_tick_ran_is_kept() {
    let plan = plan();
    let mut memory = Memory::new(&plan);
    for n in 0..40 {
        ticked(&plan, &mut memory, n, at(0.25 * f64::from(n)));
    }
    // By the requests' clock, after the tick took its time.
    let (now, later) = (at(10.0), at(10.0).after_secs(400e-6));
    let mut upstreams = [1.0, 1.0, 1.0].map(|slow| told(41, slow));
    upstreams[0].news.ejected = Some((later, Cause::Faults));
    upstreams[1].headroom = Some(Headroom {
        at: later,
        requests: Some(Room {
            remaining: 0.0,
            limit: Some(1_000.0),
            resets_in: Some(1e6),
        }),
        tokens: None,
    });
    let routes = (0..2).map(|_| RouteInput {
        picked: vec![0, 0],
        ..RouteInput::default()
    });
    let input = Input {
        now,
        elapsed: 0.25,
        upstreams: upstreams.to_vec(),
        routes: routes.collect(),
    };
    step(&plan, &mut memory, &input);
    assert_eq!(memory.upstreams[0].health.ejected_at, later);
    assert!(memory.upstreams[1].capacity.is_announced(now));
    let before = memory.upstreams.clone();
    assert_eq!(memory.mend(&plan, now), Vec::<String>::new());
    assert_eq!(memory.upstreams, before);
    let odd = memory.mend(&plan, at(7.0));
    let is_told = |what: &str| odd.iter().any(|said| said.contains(what));
    assert!(
        is_told("its health") && is_told("what it can take"),
        "{odd:?}"
    );
}
