//! No input is too strange: no panic, no NaN, and always a table that is whole.

use proptest::prelude::*;
use weighbridge::balance::gate::{Cause, ProbeResult};
use weighbridge::balance::{
    Batch, Flight, Headroom, Input, Moments, News, Recent, Reference, Room, RouteInput,
    Strategy as Shares, UpstreamInput,
};
use weighbridge::model::{AnswerKind, Class, Price, Time};

use super::world::{Configured, Played, cases, is_sound};

fn seconds() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(1e-9),
        Just(0.25),
        Just(60.0),
        Just(1e9),
        0.0f64..10.0
    ]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(1),
        0u32..20,
        Just(1_000_000),
        Just(u32::MAX / 8)
    ]
}

fn moments() -> impl Strategy<Value = Moments> {
    (
        count(),
        prop_oneof![Just(0.0), Just(1e-12), Just(20.0), Just(1e9), 0.0f64..20.0],
    )
        .prop_map(|(n, value)| {
            let n = f64::from(n);
            Moments {
                n,
                sum: n * value,
                squares: n * value * value,
            }
        })
}

fn batch() -> impl Strategy<Value = Batch> {
    let counts = (
        prop::array::uniform2(count()),
        prop::array::uniform6(count()),
        count(),
        count(),
    );
    let times = (moments(), moments(), moments());
    let totals =
        prop::collection::vec(prop_oneof![Just(0.0f32), Just(1e9f32), 0.0f32..60.0], 0..20);
    (counts, times, totals, any::<u32>()).prop_map(|(counts, times, unary_totals, tokens)| Batch {
        dispatched: counts.0,
        classes: counts.1,
        gaps: counts.2,
        first_token: times.0,
        per_token: times.1,
        unary: times.2,
        unary_totals,
        counted: counts.3,
        tokens_in: u64::from(tokens) * 1_000,
        tokens_out: u64::from(tokens),
        recent: vec![Recent {
            at: Time::ZERO,
            class: Class::Ok,
            first_token: Some(1e9),
        }],
        ..Batch::default()
    })
}

fn news() -> impl Strategy<Value = News> {
    let cause = prop_oneof![
        Just(Cause::Faults),
        Just(Cause::Overdue),
        Just(Cause::Stalls),
        Just(Cause::OurFault),
        Just(Cause::Quota),
        Just(Cause::AbsurdWait)
    ];
    let probe = prop_oneof![
        Just(None),
        Just(Some(ProbeResult::Passed)),
        Just(Some(ProbeResult::Void)),
        Just(Some(ProbeResult::Failed(Cause::Faults)))
    ];
    (
        prop::option::weighted(0.2, cause),
        probe,
        any::<bool>(),
        any::<u32>(),
    )
        .prop_map(|(cause, probe, probe_sent, at)| News {
            ejected: cause.map(|cause| (Time::from_micros(u64::from(at)), cause)),
            probe_sent,
            probe,
        })
}

fn upstream() -> impl Strategy<Value = UpstreamInput> {
    let flight =
        (seconds(), any::<bool>(), any::<bool>()).prop_map(|(age, streamed, probe)| Flight {
            age,
            kind: if streamed {
                AnswerKind::Streamed
            } else {
                AnswerKind::Unary
            },
            probe,
        });
    let times = (1e-6f64..100.0, 1e-9f64..10.0);
    let gate = (
        prop_oneof![Just(0.0), Just(1e12), 0.0f64..20.0],
        any::<u32>(),
        count(),
    );
    let price = prop::option::of(prop_oneof![
        Just(0u64),
        Just(1),
        Just(1_000_000_000_000),
        0u64..10_000_000
    ]);
    (
        batch(),
        times,
        prop::collection::vec(flight, 0..12),
        gate,
        news(),
        price,
        prop::option::of(room()),
    )
        .prop_map(
            |(batch, times, flights, gate, news, price, room)| UpstreamInput {
                batch,
                reference: Reference {
                    first_token: times.0,
                    per_token: times.1,
                },
                in_flight: gate.2,
                flights,
                fault_sum: gate.0,
                blocked_until: Time::from_micros(u64::from(gate.1)),
                news,
                price: price.map(|price| Price::flat(price, price)),
                headroom: room.map(|room| Headroom {
                    at: Time::ZERO,
                    requests: Some(room),
                    tokens: Some(room),
                }),
                peers: None,
            },
        )
}

fn room() -> impl Strategy<Value = Room> {
    let number = || prop_oneof![Just(0.0), 0.0..1e3, Just(1.8e19)];
    let maybe = || prop::option::of(number());
    (number(), maybe(), maybe()).prop_map(|(remaining, limit, resets_in)| Room {
        remaining,
        limit,
        resets_in,
    })
}

type Tick = (Vec<UpstreamInput>, f64, u32, Option<u64>);

fn tick() -> impl Strategy<Value = Tick> {
    (
        prop::collection::vec(upstream(), 3),
        seconds(),
        count(),
        prop::option::weighted(0.05, Just(u64::MAX)),
    )
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn no_input_makes_a_table_that_is_not_whole(
        ticks in prop::collection::vec(tick(), 1..25),
        weights in prop::array::uniform3(prop_oneof![Just(0.0), Just(1e-9), Just(1e12), 0.0f64..10.0]),
        mixed in any::<bool>(),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0.0));
        let mut targets: Vec<Configured> = weights.iter().enumerate().map(|(i, w)| Configured::new(i, *w)).collect();
        targets[0].least = 0.3;
        targets[1].most = 0.0;
        targets[2].model = "other".into();
        let mut played = Played::new(&targets, Shares::Adaptive);
        let mut spec = super::world::spec(&targets, Shares::Adaptive);
        spec.mix_models = mixed;
        played.plan = weighbridge::balance::Plan::new(vec![spec], []);
        for (upstreams, elapsed, arrivals, end) in ticks {
            played.now = end.map_or_else(|| played.now.after_secs(elapsed), Time::from_micros);
            let routes = vec![RouteInput { arrivals, ..RouteInput::default() }];
            let input = Input { now: played.now, elapsed, upstreams, routes };
            let stepped = played.step(&input);
            is_sound(&stepped.decisions[0])?;
            for (row, weight) in stepped.decisions[0].rows.iter().zip(weights) {
                prop_assert!(weight > 0.0 || row.granted.ppm() == 0, "a drained target gets nothing: {row:?}");
            }
            for order in &stepped.orders {
                let watch = order.watch;
                let standing = order.standing;
                let numbers = [
                    watch.fault_step, watch.ok_step, watch.eject_above,
                    standing.seconds.unwrap_or(0.0), standing.variance, standing.faults,
                    standing.cost.unwrap_or(0.0), standing.ramp,
                    order.reference.first_token, order.reference.per_token,
                ];
                prop_assert!(numbers.iter().all(|number| number.is_finite()), "{order:?}");
                prop_assert!(order.reference.first_token > 0.0 && order.reference.per_token > 0.0, "{order:?}");
            }
            let text = serde_json::to_string(&played.memory).unwrap();
            let again: weighbridge::balance::Memory = serde_json::from_str(&text)
                .map_err(|error| TestCaseError::fail(format!("a memory that cannot be read again: {error}")))?;
            prop_assert_eq!(&again, &played.memory, "and it is the same");
        }
    }
}
