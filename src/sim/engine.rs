//! The event loop over virtual time, around one route on one replica.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::seen::events;
use super::target::Target;
use super::world::Scenario;
use crate::balance::gate::{Ask, GateState, Gates, Reason, Row, Standing, admit};
use crate::balance::{
    Decision, Draw, FlightKey, Input, Mask, Memory, Objective, Plan, RouteInput, RouteSpec, Share,
    Strategy, TargetSpec, WeightTable, step,
};
use crate::law::{Draws, Generator, fate};
use crate::model::{
    AnswerKind, Event, NameError, Outcome, RouteName, TargetIndex, TargetName, Time, Tokens,
    UpstreamName,
};

/// Time between two ticks.
const TICK: Duration = Duration::from_millis(250);
/// 2³² / φ, the step of the even draws.
const GOLDEN: u32 = 0x9E37_79B9;

/// What a run brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Target names, in the order of the figures below.
    pub names: Vec<String>,
    /// Configured shares.
    pub configured: Vec<Share>,
    /// First picks per bucket of [`Run::BUCKET`] and target.
    pub picked: Vec<Vec<u64>>,
    /// The shares that came into force, each with its moment, by all of `names`.
    pub shares: Vec<(Time, Vec<Share>)>,
    /// Requests in all.
    pub requests: u64,
    /// Requests that failed, the client's own mistakes apart.
    pub failures: u64,
    /// Times that a serving target was ejected.
    pub ejections: u64,
    /// The last decision.
    pub last: Option<Decision>,
    /// The largest distance (half the sum of absolute differences) of a granted table from the configured one.
    pub farthest: f64,
}

impl Run {
    /// Seconds of a bucket in which picks are counted.
    pub const BUCKET: f64 = 0.5;

    /// Distance between the shares of all picks and the configured ones: half the sum of absolute differences.
    pub fn departure(&self) -> f64 {
        let total: u64 = self.picked.iter().flatten().sum();
        let share = |i: usize| {
            let own: u64 = self.picked.iter().map(|bucket| bucket[i]).sum();
            own as f64 / (total as f64).max(1.0)
        };
        let distances = self
            .configured
            .iter()
            .enumerate()
            .map(|(i, c)| (share(i) - c.fraction()).abs());
        distances.sum::<f64>() / 2.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Arrival(u64),
    Happens {
        target: usize,
        key: FlightKey,
        event: Event,
    },
    Tick,
    Reload,
}

#[derive(Debug)]
struct Due(Time, u64, What);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

struct Engine<'a> {
    scenario: &'a Scenario,
    seed: u64,
    strategy: Strategy,
    plan: Plan,
    memory: Memory,
    granted: WeightTable,
    configured: WeightTable,
    targets: Vec<Target>,
    /// The targets of the route, as places among `targets`.
    members: Vec<usize>,
    /// The plan's upstreams, as places among `targets`.
    upstreams: Vec<usize>,
    due: BinaryHeap<Reverse<Due>>,
    sequence: u64,
    draw: u32,
    arrivals: u32,
    last_tick: Time,
    run: Run,
}

/// Runs `scenario` under a strategy; the same arguments give the same run.
///
/// # Errors
/// A target's name that is no name.
pub fn run(scenario: &Scenario, seed: u64, strategy: Strategy) -> Result<Run, NameError> {
    let mut engine = Engine::new(scenario, seed, strategy)?;
    engine.push(engine.next_arrival(Time::ZERO, 0), What::Arrival(0));
    engine.push(Time::ZERO.after(TICK), What::Tick);
    for at in scenario.changes() {
        engine.push(Time::from_secs_f64(at), What::Reload);
    }
    while let Some(Reverse(Due(now, _, what))) = engine.due.pop() {
        match what {
            What::Arrival(number) => engine.arrive(now, number),
            What::Happens { target, key, event } => engine.happen(now, target, key, &event),
            What::Tick => engine.tick(now),
            What::Reload => engine.reload(now)?,
        }
    }
    engine.run.ejections = engine.targets.iter().map(|target| target.ejections).sum();
    Ok(engine.run)
}

struct SimGates<'a>(&'a [Target], &'a [usize]);

impl Gates for SimGates<'_> {
    fn gate(&self, target: TargetIndex) -> GateState {
        self.0[self.1[target.get()]].gate
    }
    fn standing(&self, target: TargetIndex) -> Standing {
        self.0[self.1[target.get()]].standing
    }
}

impl<'a> Engine<'a> {
    fn new(scenario: &'a Scenario, seed: u64, strategy: Strategy) -> Result<Self, NameError> {
        let targets = scenario.targets.iter();
        let targets = targets.map(|(name, target)| Target::new(name, target.law.clone()));
        let draw = Generator::of(seed, 0, 1).bits();
        let plan = plan(scenario, strategy, 0.0)?;
        let memory = Memory::new(&plan);
        let table = first_table(&memory);
        let run = Run {
            names: scenario.targets.keys().cloned().collect(),
            configured: Vec::new(),
            picked: Vec::new(),
            shares: Vec::new(),
            requests: 0,
            failures: 0,
            ejections: 0,
            last: None,
            farthest: 0.0,
        };
        let mut engine = Self {
            scenario,
            seed,
            strategy,
            plan,
            memory,
            granted: table.clone(),
            configured: table,
            targets: targets.collect(),
            members: Vec::new(),
            upstreams: Vec::new(),
            due: BinaryHeap::new(),
            sequence: 0,
            draw: u32::try_from(draw >> 32).unwrap_or_default(),
            arrivals: 0,
            last_tick: Time::ZERO,
            run,
        };
        engine.place(Time::ZERO);
        engine.run.configured = engine.by_name(&engine.configured);
        Ok(engine)
    }

    /// Finds the plan's targets and upstreams among all, and notes the shares in force.
    fn place(&mut self, now: Time) {
        let names: Vec<&String> = self.scenario.targets.keys().collect();
        let place = |name: &str| names.iter().position(|known| *known == name);
        let upstreams = self.plan.upstreams().iter();
        self.upstreams = upstreams
            .filter_map(|upstream| place(upstream.provider().as_str()))
            .collect();
        let targets = self.plan.routes().flat_map(|route| &route.targets);
        self.members = targets
            .filter_map(|target| place(target.name.as_str()))
            .collect();
        self.run.shares.push((now, self.by_name(&self.granted)));
    }

    /// The shares of a table of the route, by all targets of the scenario.
    fn by_name(&self, table: &WeightTable) -> Vec<Share> {
        let mut shares = vec![Share::ZERO; self.targets.len()];
        for (place, share) in self.members.iter().zip(table.shares()) {
            shares[*place] = *share;
        }
        shares
    }

    /// The configuration changes as the scenario says.
    fn reload(&mut self, now: Time) -> Result<(), NameError> {
        let plan = plan(self.scenario, self.strategy, now.as_secs_f64())?;
        self.memory = self.memory.carried(&self.plan, &plan);
        self.configured = first_table(&Memory::new(&plan));
        self.granted = first_table(&self.memory);
        self.plan = plan;
        self.place(now);
        Ok(())
    }

    fn push(&mut self, at: Time, what: What) {
        self.sequence += 1;
        self.due.push(Reverse(Due(at, self.sequence, what)));
    }

    /// The time of arrival `number`, an exponential gap after `after`.
    fn next_arrival(&self, after: Time, number: u64) -> Time {
        let gap = -Generator::of(self.seed, number, 2)
            .uniform()
            .max(1e-12)
            .ln();
        let rate = self.scenario.load.rps.at(after.as_secs_f64()).max(1e-6);
        after.after_secs(gap / rate)
    }

    fn arrive(&mut self, now: Time, number: u64) {
        if now.as_secs_f64() >= self.scenario.seconds {
            return;
        }
        self.push(
            self.next_arrival(now, number + 1),
            What::Arrival(number + 1),
        );
        self.arrivals += 1;
        self.run.requests += 1;
        self.draw = self.draw.wrapping_add(GOLDEN);
        let row = Row {
            granted: &self.granted,
            configured: &self.configured,
            guarded: true,
        };
        let ask = Ask {
            eligible: &Mask::ALL,
            draw: Draw(self.draw),
            now,
            may_probe: true,
        };
        let Some(admitted) = admit(row, &SimGates(&self.targets, &self.members), &ask) else {
            return;
        };
        let index = self.members[admitted.target.get()];
        let probe = admitted.reason == Reason::Probe;
        if probe {
            self.targets[index].gate.probe_wanted = false;
        }
        self.count_pick(now, index);
        self.send(now, number, index, probe);
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "virtual time is at least 0 and a run is finite"
    )]
    fn count_pick(&mut self, now: Time, index: usize) {
        let bucket = (now.as_secs_f64() / Run::BUCKET) as usize;
        while self.run.picked.len() <= bucket {
            self.run.picked.push(vec![0; self.targets.len()]);
        }
        self.run.picked[bucket][index] += 1;
    }

    /// Draws the request's fate at the target and schedules its events.
    fn send(&mut self, now: Time, number: u64, index: usize, probe: bool) {
        let load = &self.scenario.load;
        let mut generator = Generator::of(self.seed, number, 3);
        let (streamed, faulty) = (generator.uniform(), generator.uniform());
        let tokens = load
            .tokens_out
            .tokens(generator.normal(), now.as_secs_f64());
        let kind = if streamed < load.streamed {
            AnswerKind::Streamed
        } else {
            AnswerKind::Unary
        };
        let timeout = Duration::from_secs_f64(load.timeout);
        let asked = crate::law::Ask {
            tokens_out: Some(tokens),
            at_most: None,
            client_fault: faulty < load.client_fault,
            patience: Some(timeout),
        };
        let target = &mut self.targets[index];
        let draws = Draws::of(self.seed, number, target.salt);
        let fate = fate(&target.law, &mut target.state, &asked, &draws, now);
        let key = target.begin(now, kind, probe);
        let tokens = Tokens {
            input: load.tokens_in,
            output: tokens,
            ..Tokens::default()
        };
        let client_fault = asked.client_fault;
        for (after, event) in events(&fate, kind, timeout, tokens, client_fault) {
            self.push(
                now.after(after),
                What::Happens {
                    target: index,
                    key,
                    event,
                },
            );
        }
    }

    fn happen(&mut self, now: Time, target: usize, key: FlightKey, event: &Event) {
        if let Event::Finished(end) = event
            && !matches!(end.outcome, Outcome::Ok | Outcome::ClientFault)
        {
            self.run.failures += 1;
        }
        self.targets[target].record(now, key, event);
    }

    fn tick(&mut self, now: Time) {
        let targets = &mut self.targets;
        let upstreams = self.upstreams.iter();
        let input = Input {
            now,
            elapsed: now.secs_since(self.last_tick),
            upstreams: upstreams.map(|i| targets[*i].collect(now)).collect(),
            routes: vec![RouteInput {
                arrivals: std::mem::take(&mut self.arrivals),
                picked: Vec::new(),
            }],
        };
        self.last_tick = now;
        let stepped = step(&self.plan, &mut self.memory, &input);
        for (i, order) in self.upstreams.iter().zip(&stepped.orders) {
            self.targets[*i].obey(order);
        }
        if let Some(decision) = stepped.decisions.into_iter().next() {
            self.granted = decision.table.clone();
            if decision.moved {
                self.run.shares.push((now, self.by_name(&self.granted)));
            }
            let pairs = self.granted.shares().iter().zip(self.configured.shares());
            let distance: f64 = pairs
                .map(|(a, b)| (a.fraction() - b.fraction()).abs())
                .sum();
            self.run.farthest = self.run.farthest.max(distance / 2.0);
            self.run.last = Some(decision);
        }
        if now.as_secs_f64() < self.scenario.seconds {
            self.push(now.after(TICK), What::Tick);
        }
    }
}

/// What is configured at `seconds`: the targets that have joined by then, with the weights of the last reload.
fn plan(scenario: &Scenario, strategy: Strategy, seconds: f64) -> Result<Plan, NameError> {
    let mut targets = Vec::new();
    for (name, target) in &scenario.targets {
        if target.joins > seconds {
            continue;
        }
        targets.push(TargetSpec {
            name: TargetName::new(name)?,
            upstream: UpstreamName::new(&format!("{name}/{}", target.model))?,
            weight: scenario.weight(name, target, seconds),
            min_share: Share::ZERO,
            max_share: Share::WHOLE,
            price: None,
        });
    }
    let spec = RouteSpec {
        name: RouteName::new("route")?,
        strategy,
        objective: Objective::default(),
        mix_models: scenario.mix_models,
        targets,
    };
    Ok(Plan::new(vec![spec], []))
}

/// The shares in force on the one route.
fn first_table(memory: &Memory) -> WeightTable {
    memory
        .tables()
        .next()
        .cloned()
        .expect("a scenario has one route, and a memory one table a route")
}
