//! Generated histories, and how they are played.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use weighbridge::balance::gate::{Cause, ProbeResult};
use weighbridge::balance::{
    Batch, Decision, Flight, Goal, Health, Input, Memory, Moments, News, Objective, Plan,
    Reference, RouteInput, RouteSpec, Scored, Share, Stepped, Strategy as Shares, TargetSpec,
    Times, UpstreamInput, Weight, step,
};
use weighbridge::model::{AnswerKind, Class, Price, RouteName, TargetName, Time, UpstreamName};

/// Seconds of a tick.
pub(crate) const TICK: f64 = 0.25;

/// Cases of each property in the long form.
const LONG: u32 = 10_000;

/// Cases of one property, or [`LONG`] with `WEIGHBRIDGE_LONG` set; fixed, so that a run is the same everywhere.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let is_long = std::env::var_os("WEIGHBRIDGE_LONG").is_some();
    let cases = if is_long { LONG } else { cases };
    ProptestConfig {
        cases,
        max_global_rejects: 10 * cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_260_101),
        ..ProptestConfig::default()
    }
}

/// A target as a test configures it. Its name decides the order of upstreams, its place the order of the route.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) weight: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Configured {
    pub(crate) fn new(place: usize, weight: f64) -> Self {
        Self {
            name: format!("t{place}"),
            model: "m".into(),
            weight,
            least: 0.0,
            most: 1.0,
        }
    }

    pub(crate) fn upstream(&self) -> UpstreamName {
        UpstreamName::new(&format!("{}/{}", self.name, self.model)).unwrap()
    }
}

pub(crate) fn spec(targets: &[Configured], strategy: Shares) -> RouteSpec {
    let target = |target: &Configured| TargetSpec {
        name: TargetName::new(&target.name).unwrap(),
        upstream: target.upstream(),
        weight: Weight::new(target.weight).unwrap(),
        tier: 1,
        min_share: Share::from_fraction(target.least),
        max_share: Share::from_fraction(target.most),
        price: None,
        overruled: None,
        as_filed: None,
    };
    RouteSpec {
        name: RouteName::new("route").unwrap(),
        strategy,
        objective: Objective::default(),
        goal: Goal::default(),
        min_quality: None,
        mix_models: true,
        sticky: false,
        targets: targets.iter().map(target).collect(),
    }
}

pub(crate) fn plan(targets: &[Configured], strategy: Shares) -> Plan {
    Plan::new(vec![spec(targets, strategy)], [])
}

/// What one target does in one tick.
#[derive(Clone, Debug)]
pub(crate) struct Doing {
    pub(crate) streamed: u32,
    pub(crate) unary: u32,
    /// Normalised time to first token, per token, and of unary answers.
    pub(crate) slowness: f64,
    pub(crate) faults: u32,
    pub(crate) refusals: u32,
    /// Requests out, all of this age in seconds.
    pub(crate) waiting: u32,
    pub(crate) age: f64,
    /// Micro-dollars per million tokens out.
    pub(crate) price: u64,
    pub(crate) ejected: bool,
    pub(crate) probe: Option<ProbeResult>,
    /// What applications say of its answers.
    pub(crate) scores: Vec<f64>,
}

impl Default for Doing {
    /// Five good answers.
    fn default() -> Self {
        Self {
            streamed: 5,
            unary: 0,
            slowness: 1.0,
            faults: 0,
            refusals: 0,
            waiting: 0,
            age: 0.0,
            price: 600_000,
            ejected: false,
            probe: None,
            scores: Vec::new(),
        }
    }
}

fn moments(n: u32, value: f64) -> Moments {
    let mut moments = Moments::default();
    for _ in 0..n {
        moments.add(value);
    }
    moments
}

impl Doing {
    fn batch(&self) -> Batch {
        let ok = self.streamed + self.unary;
        let total = std::time::Duration::from_secs_f64(2.75 * self.slowness).as_secs_f32();
        let mut batch = Batch {
            dispatched: [self.streamed + self.faults + self.refusals, self.unary],
            first_token: moments(self.streamed, self.slowness),
            per_token: moments(self.streamed, self.slowness.min(8.0)),
            unary: moments(self.unary, self.slowness.min(8.0)),
            unary_totals: vec![total; self.unary as usize],
            times: self.times(),
            counted: ok,
            tokens_in: 400 * u64::from(ok),
            tokens_out: 150 * u64::from(ok),
            ..Batch::default()
        };
        batch.classes[Class::Ok.index()] = ok;
        batch.classes[Class::Fault.index()] = self.faults;
        batch.classes[Class::Throttle.index()] = self.refusals;
        batch
    }

    /// The same in seconds; what fails has none.
    fn times(&self) -> Times {
        let mut times = Times::default();
        for _ in 0..self.streamed {
            times.first_token.add(0.5 * self.slowness);
            times.per_token.add(0.015 * self.slowness);
        }
        for _ in 0..self.streamed + self.unary {
            times.total.add(2.75 * self.slowness);
        }
        for _ in 0..self.faults {
            times.first_token.miss();
            times.per_token.miss();
            times.total.miss();
        }
        times
    }

    pub(crate) fn input(&self, now: Time) -> UpstreamInput {
        let flight = Flight {
            age: self.age,
            kind: AnswerKind::Streamed,
            probe: false,
        };
        UpstreamInput {
            batch: self.batch(),
            reference: Reference::default(),
            in_flight: self.waiting,
            flights: vec![flight; self.waiting as usize],
            fault_sum: f64::from(self.faults),
            blocked_until: if self.refusals > 0 {
                now.after_secs(1.0)
            } else {
                Time::ZERO
            },
            news: News {
                ejected: self.ejected.then_some((now, Cause::Faults)),
                probe_sent: self.probe.is_some(),
                probe: self.probe,
            },
            price: Some(Price::flat(0, self.price)),
            headroom: None,
            peers: None,
        }
    }
}

/// A controller being played: inputs by the place of targets in the route.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    pub(crate) plan: Plan,
    pub(crate) memory: Memory,
    pub(crate) now: Time,
    /// The place in the route of each of the plan's upstreams.
    order: Vec<usize>,
}

impl Played {
    pub(crate) fn new(targets: &[Configured], strategy: Shares) -> Self {
        let plan = plan(targets, strategy);
        let memory = Memory::new(&plan);
        Self::resumed(targets, plan, memory, Time::ZERO)
    }

    pub(crate) fn resumed(targets: &[Configured], plan: Plan, memory: Memory, now: Time) -> Self {
        let place = |name: &UpstreamName| {
            let found = targets.iter().position(|target| target.upstream() == *name);
            found.expect("each upstream serves one of the targets")
        };
        let order = plan.upstreams().iter().map(place).collect();
        Self {
            plan,
            memory,
            now,
            order,
        }
    }

    pub(crate) fn input(&self, doings: &[Doing], elapsed: f64) -> Input {
        let arrivals = doings
            .iter()
            .map(|d| d.streamed + d.unary + d.faults + d.refusals);
        let scores = (0..).zip(doings).flat_map(|(target, doing)| {
            let scored = move |score: &f64| Scored {
                target,
                score: *score,
                instead: None,
            };
            doing.scores.iter().map(scored)
        });
        Input {
            now: self.now,
            elapsed,
            upstreams: self
                .order
                .iter()
                .map(|i| doings[*i].input(self.now))
                .collect(),
            routes: vec![RouteInput {
                arrivals: arrivals.sum(),
                picked: Vec::new(),
                scores: scores.collect(),
            }],
        }
    }

    pub(crate) fn tick(&mut self, doings: &[Doing]) -> Decision {
        self.now = self.now.after_secs(TICK);
        let input = self.input(doings, TICK);
        self.step(&input).decisions.remove(0)
    }

    pub(crate) fn step(&mut self, input: &Input) -> Stepped {
        step(&self.plan, &mut self.memory, input)
    }
}

/// A route and what its targets did.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) targets: Vec<Configured>,
    pub(crate) ticks: Vec<Vec<Doing>>,
}

impl History {
    pub(crate) fn played(&self) -> Played {
        Played::new(&self.targets, Shares::Adaptive)
    }
}

/// How wild a history is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    /// Answers, more or less slow, and a fault here and there.
    Calm,
    /// Also refusals, hanging requests, ejections and probes.
    Wild,
}

fn doing(mood: Mood) -> impl Strategy<Value = Doing> {
    let answers = (
        0u32..6,
        0u32..4,
        0.3f64..4.0,
        0u32..30,
        300_000u64..1_500_000,
    );
    let trouble = (0u32..20, 0u32..5, 0.0f64..6.0, 0u32..30, 0u32..8);
    (answers, trouble).prop_map(move |(answers, trouble)| {
        let (streamed, unary, slowness, fault, price) = answers;
        let calm = Doing {
            streamed,
            unary,
            slowness,
            faults: u32::from(fault == 0),
            price: 100_000 * (price / 100_000),
            ..Doing::default()
        };
        let (refusals, waiting, age, ejected, probe) = trouble;
        match mood {
            Mood::Calm => calm,
            Mood::Wild => Doing {
                refusals: u32::from(refusals == 0),
                waiting,
                age,
                ejected: ejected == 0,
                probe: match probe {
                    0 | 1 => Some(ProbeResult::Passed),
                    2 => Some(ProbeResult::Failed(Cause::Faults)),
                    3 => Some(ProbeResult::Void),
                    _ => None,
                },
                ..calm
            },
        }
    })
}

/// Histories of two to five targets, each with a character of its own that its ticks vary around.
pub(crate) fn history(mood: Mood, ticks: usize) -> impl Strategy<Value = History> {
    let one = (
        1u32..100,
        0.5f64..2.5,
        prop::collection::vec(doing(mood), ticks),
    );
    prop::collection::vec(one, 2..6).prop_map(move |targets| {
        let configured = targets.iter().enumerate();
        let configured = configured.map(|(i, (weight, ..))| Configured::new(i, f64::from(*weight)));
        let tick = |k: usize| {
            let doing = |(_, character, doings): &(u32, f64, Vec<Doing>)| Doing {
                slowness: character * (0.7 + 0.2 * doings[k].slowness),
                price: doings[0].price,
                ..doings[k].clone()
            };
            targets.iter().map(doing).collect()
        };
        History {
            targets: configured.collect(),
            ticks: (0..ticks).map(tick).collect(),
        }
    })
}

/// Whether the table is whole and says nothing that is not a number.
pub(crate) fn is_sound(decision: &Decision) -> Result<(), TestCaseError> {
    let sum: u64 = decision
        .table
        .shares()
        .iter()
        .map(|s| u64::from(s.ppm()))
        .sum();
    prop_assert_eq!(sum, 1_000_000, "shares make a whole");
    for row in &decision.rows {
        let finite = [
            row.confidence,
            row.terms.latency,
            row.terms.cost,
            row.terms.error,
            row.terms.quality,
            row.evidence.slowness,
            row.evidence.faults,
            row.evidence.deviation,
            row.evidence.gap,
            row.evidence.first_token.unwrap_or(0.0),
            row.evidence.per_token.unwrap_or(0.0),
            row.evidence.cost.unwrap_or(0.0),
        ];
        prop_assert!(
            finite.iter().all(|v| v.is_finite() && *v >= 0.0),
            "{:?}",
            row
        );
    }
    let proposed: u64 = decision
        .rows
        .iter()
        .map(|row| u64::from(row.proposed.ppm()))
        .sum();
    prop_assert_eq!(proposed, 1_000_000, "proposals make a whole too");
    Ok(())
}

/// Whether any target is anything but serving and unblocked.
pub(crate) fn is_disturbed(decision: &Decision) -> bool {
    decision
        .rows
        .iter()
        .any(|row| row.health != Health::Serving || row.blocked_until > decision.at)
}
