//! What one request costs of the controller, and what one tick costs.
//!
//! Each group has a yardstick beside it, a loop of known work, so that a figure from a busy machine can be read as a ratio.
//! `cargo bench --bench core` measures; with `--test` each piece runs once.

#![expect(
    clippy::unwrap_used,
    reason = "names and weights here are right, and a bench may stop where it stands"
)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use weighbridge::balance::gate::{Ask, GateState, Gates, Row, Standing, admit};
use weighbridge::balance::{
    Batch, Draw, Goal, Input, Mask, Memory, Moments, Objective, Plan, RouteInput, RouteSpec, Share,
    Strategy, Tally, TargetSpec, UpstreamInput, Weight, WeightTable, step,
};
use weighbridge::model::{
    AnswerKind, Class, Event, Finished, Outcome, Price, RouteName, TargetIndex, TargetName, Time,
    Tokens, UpstreamName,
};

/// A fixed chain of 64 multiplications: about the price of a cache-warm hash.
fn yardstick(seed: u64) -> u64 {
    (0..64).fold(seed, |state: u64, i| {
        (state ^ i)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29)
    })
}

fn table(targets: usize) -> WeightTable {
    let weights: Vec<f64> = (0..targets).map(|i| 1.0 + (i % 7) as f64).collect();
    WeightTable::from_fractions(&weights).unwrap()
}

struct Open;

impl Gates for Open {
    fn gate(&self, _: TargetIndex) -> GateState {
        GateState::default()
    }
    fn standing(&self, _: TargetIndex) -> Standing {
        Standing::default()
    }
}

fn picks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pick");
    group.bench_function("yardstick", |b| b.iter(|| yardstick(black_box(7))));
    for targets in [2, 8, 64] {
        let table = table(targets);
        let mut draw = 0u32;
        group.bench_function(format!("pick of {targets}"), |b| {
            b.iter(|| {
                draw = draw.wrapping_add(0x9E37_79B9);
                table.pick(Draw(draw), black_box(&Mask::ALL))
            });
        });
        let mut mask = Mask::ALL;
        mask.remove(TargetIndex::at(1));
        group.bench_function(format!("masked pick of {targets}"), |b| {
            b.iter(|| {
                draw = draw.wrapping_add(0x9E37_79B9);
                table.pick(Draw(draw), black_box(&mask))
            });
        });
        group.bench_function(format!("admit to {targets}"), |b| {
            b.iter(|| {
                draw = draw.wrapping_add(0x9E37_79B9);
                let row = Row {
                    granted: &table,
                    configured: &table,
                    guarded: true,
                };
                let ask = Ask {
                    eligible: &Mask::ALL,
                    draw: Draw(draw),
                    now: Time::ZERO,
                    may_probe: true,
                    sticky: None,
                };
                admit(row, &Open, black_box(&ask))
            });
        });
    }
    group.finish();
}

fn end() -> Event {
    Event::Finished(Finished {
        outcome: Outcome::Ok,
        total: Duration::from_millis(2_750),
        first_content: Some(Duration::from_millis(500)),
        tokens: Some(Tokens {
            input: 400,
            output: 150,
            ..Tokens::default()
        }),
        estimated: false,
        cost: None,
        wait: None,
    })
}

fn records(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    group.bench_function("yardstick", |b| b.iter(|| yardstick(black_box(7))));
    let mut tally = Tally::default();
    let (now, first) = (
        Time::from_secs_f64(1.0),
        Event::FirstContent(Duration::from_millis(500)),
    );
    let last = end();
    group.bench_function("one request through a tally", |b| {
        b.iter(|| {
            let key = tally.begin(now, AnswerKind::Streamed, false);
            tally.record(now, key, black_box(&first));
            tally.record(now, key, black_box(&last))
        });
    });
    #[cfg(feature = "daemon")]
    live::attempts(&mut group);
    group.finish();
}

#[cfg(feature = "daemon")]
mod live {
    use std::sync::Arc;

    use criterion::BenchmarkGroup;
    use criterion::measurement::WallTime;
    use weighbridge::live::{Account, Asked, Attempt, Clock, Upstream, Witness};
    use weighbridge::model::{AnswerKind, Finished, Outcome, Tokens, UpstreamName};

    #[derive(Debug)]
    struct Nobody;

    impl Witness for Nobody {
        fn attempt_ended(&self, _: &str, _: &Upstream, _: Asked, _: &Finished) {}
    }

    pub(super) fn attempts(group: &mut BenchmarkGroup<'_, WallTime>) {
        let upstream = Arc::new(Upstream::new(UpstreamName::new("a/m").unwrap()));
        let (route, witness, clock): (Arc<str>, Arc<dyn Witness>, _) =
            ("chat".into(), Arc::new(Nobody), Clock::start());
        let account = Account {
            tokens: Some(Tokens {
                input: 400,
                output: 150,
                ..Tokens::default()
            }),
            ..Account::default()
        };
        let kind = AnswerKind::Streamed;
        group.bench_function("one request through an attempt", |b| {
            b.iter(|| {
                let (route, witness) = (Arc::clone(&route), Arc::clone(&witness));
                let mut attempt =
                    Attempt::begin(Arc::clone(&upstream), route, witness, clock, kind, false);
                attempt.first_content();
                attempt.finish(Outcome::Ok, account)
            });
        });
    }
}

fn plan(targets: usize) -> Plan {
    let target = |i: usize| TargetSpec {
        name: TargetName::new(&format!("t{i}")).unwrap(),
        upstream: UpstreamName::new(&format!("p{i}/m")).unwrap(),
        weight: Weight::new(1.0 + (i % 7) as f64).unwrap(),
        tier: 1,
        min_share: Share::ZERO,
        max_share: Share::WHOLE,
        price: None,
        overruled: None,
        as_filed: None,
    };
    let spec = RouteSpec {
        name: RouteName::new("chat").unwrap(),
        strategy: Strategy::Adaptive,
        objective: Objective::default(),
        goal: Goal::default(),
        min_quality: None,
        mix_models: true,
        sticky: false,
        targets: (0..targets).map(target).collect(),
    };
    Plan::new(vec![spec], [])
}

/// A tick in which each target answered twice, some slower than others.
fn input(targets: usize, tick: u32) -> Input {
    let upstream = |i: usize| {
        let mut batch = Batch {
            dispatched: [2, 0],
            counted: 2,
            tokens_in: 800,
            tokens_out: 300,
            ..Batch::default()
        };
        batch.classes[Class::Ok.index()] = 2;
        let slowness = 1.0 + 0.1 * ((i + tick as usize) % 5) as f64;
        let mut moments = Moments::default();
        moments.add(slowness);
        moments.add(slowness);
        batch.first_token = moments;
        batch.per_token = moments;
        UpstreamInput {
            batch,
            price: Some(Price {
                cached_input: 75_000,
                ..Price::flat(150_000, 600_000)
            }),
            ..UpstreamInput::default()
        }
    };
    Input {
        now: Time::from_secs_f64(0.25 * f64::from(tick)),
        elapsed: 0.25,
        upstreams: (0..targets).map(upstream).collect(),
        routes: vec![RouteInput {
            arrivals: u32::try_from(2 * targets).unwrap(),
            picked: Vec::new(),
            scores: Vec::new(),
        }],
    }
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    let copied: Vec<u64> = (0..8_192).collect();
    group.bench_function("yardstick: a copy of 64 KiB", |b| {
        b.iter_batched(
            || (),
            |()| black_box(&copied).clone(),
            BatchSize::SmallInput,
        );
    });
    for targets in [8, 64] {
        let plan = plan(targets);
        let mut memory = Memory::new(&plan);
        let mut tick = 0;
        let mut inputs = Vec::new();
        for _ in 0..40 {
            tick += 1;
            inputs.push(input(targets, tick));
        }
        for input in &inputs {
            step(&plan, &mut memory, input);
        }
        let mut next = 0;
        group.bench_function(format!("step of {targets}"), |b| {
            b.iter(|| {
                next = (next + 1) % inputs.len();
                step(&plan, &mut memory, black_box(&inputs[next]))
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = core;
    config = Criterion::default().measurement_time(Duration::from_secs(3));
    targets = picks, records, steps
}
criterion_main!(core);
