//! Weighbridge's own controller as a policy: the daemon's `step`, `admit` and `react`, one of each a replica.
//!
//! What the daemon keeps in atomics is plain here, and what its meters measure comes as events; the functions are the same.
//! It hears of prices as the daemon does, from the configuration and not from answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::engine::{Failover, run};
use super::loss::PRICE;
use super::policy::{Asked, Attempt, Picked, Policy, Score};
use super::scenario::Scenario;
use crate::balance;
use crate::balance::gate::{Ask, GateState, Gates, Reason, Row, Standing, admit, propensity};
use crate::balance::{
    Decision, Draw, FlightKey, Goal, Input, Key, Mask, Memory, Objective, Plan, RouteInput,
    RouteSpec, Seed, Share, Sticky, Strategy, TargetSpec, Weight, WeightTable, step,
};
use crate::fleet::Report;
use crate::journal::{Chosen, Line};
use crate::law::Generator;
use crate::model::{Event, NameError, RouteName, TargetIndex, TargetName, Time, UpstreamName};

mod member;
mod pen;
mod upstream;

use member::Member;
use pen::Pen;
use upstream::Upstream;

/// 2³² / φ, the step of the even draws.
const GOLDEN: u32 = 0x9E37_79B9;
/// The part of a replica's phases in the noise.
const SALT: u64 = 1;

/// One replica of Weighbridge.
#[derive(Debug)]
pub struct Ours {
    /// The shares that came into force, each with its moment, by the scenario's targets; kept if asked for.
    pub history: Option<Vec<(Time, Vec<Share>)>>,
    /// The last decision.
    pub last: Option<Decision>,
    prices: Scenario,
    strategy: Strategy,
    /// What the operator asks for; `None` is what the bench's loss says.
    objective: Option<Objective>,
    /// The objective in force.
    aim: Objective,
    goal: Goal,
    tiers: Vec<u8>,
    /// Whether conversations are kept at their target.
    sticky: bool,
    specs: Vec<TargetSpec>,
    present: Vec<bool>,
    /// The configuration has changed, and what is in force is still that of before.
    stale: bool,
    force: Option<Force>,
    upstreams: Vec<Upstream>,
    flights: BTreeMap<u64, FlightKey>,
    /// First attempts and retries draw from sequences of their own.
    draws: [u32; 2],
    arrivals: u32,
    picked: Vec<u32>,
    last_tick: Time,
    /// Writes a journal, if one is asked for.
    pen: Option<Pen>,
    /// Its part in a fleet, if it has one.
    member: Option<Member>,
    /// Its number, and when it ends and begins anew, if it does.
    number: u64,
    renewed_at: Option<Time>,
}

/// What is in force: made anew when the configuration changes.
#[derive(Debug)]
struct Force {
    plan: Plan,
    memory: Memory,
    granted: WeightTable,
    configured: WeightTable,
    /// The targets of the route, as places among the scenario's.
    members: Vec<usize>,
    /// The plan's upstreams, likewise.
    upstreams: Vec<usize>,
    /// What the members' scores for a conversation are made with.
    seeds: Vec<Seed>,
}

struct SimGates<'a> {
    upstreams: &'a [Upstream],
    members: &'a [usize],
    /// By the scenario's targets.
    tiers: &'a [u8],
    /// The last tick's decision.
    last: Option<&'a Decision>,
}

impl Gates for SimGates<'_> {
    fn gate(&self, target: TargetIndex) -> GateState {
        self.upstreams[self.members[target.get()]].gate
    }
    fn standing(&self, target: TargetIndex) -> Standing {
        self.upstreams[self.members[target.get()]].standing
    }
    fn tier(&self, target: TargetIndex) -> u8 {
        self.tiers[self.members[target.get()]]
    }
    fn over(&self, target: TargetIndex) -> f64 {
        let row = self.last.and_then(|last| last.rows.get(target.get()));
        row.map_or(0.0, balance::Row::over)
    }
}

impl Ours {
    /// Replica number `replica` in a run of `scenario`.
    ///
    /// # Errors
    /// A target's name that is no name.
    pub fn new(
        scenario: &Scenario,
        strategy: Strategy,
        seed: u64,
        replica: u64,
    ) -> Result<Self, NameError> {
        let mut specs = Vec::new();
        for ((name, target), weight) in scenario.targets.iter().zip(scenario.weights(0.0)) {
            specs.push(TargetSpec {
                name: TargetName::new(name)?,
                upstream: UpstreamName::new(&format!("{name}/{}", target.model))?,
                weight,
                tier: target.tier,
                min_share: target.terms.bounds.least,
                max_share: target.terms.bounds.most,
                price: None,
                overruled: None,
                as_filed: None,
            });
        }
        let mut phases = Generator::of(seed, replica, SALT);
        let mut phase = || u32::try_from(phases.bits() >> 32).unwrap_or_default();
        let count = specs.len();
        Ok(Self {
            history: None,
            last: None,
            prices: scenario.clone(),
            strategy,
            objective: scenario.terms.as_ref().map(|terms| terms.objective),
            aim: Objective::default(),
            goal: scenario
                .terms
                .as_ref()
                .map_or_else(Goal::default, |terms| terms.goal.clone()),
            tiers: specs.iter().map(|spec| spec.tier).collect(),
            sticky: scenario.sticky,
            specs,
            present: vec![false; count],
            stale: true,
            force: None,
            upstreams: (0..count).map(|_| Upstream::default()).collect(),
            flights: BTreeMap::new(),
            draws: [phase(), phase()],
            arrivals: 0,
            picked: Vec::new(),
            last_tick: Time::ZERO,
            pen: None,
            member: None,
            number: replica,
            renewed_at: None,
        })
    }

    /// Keeps all shares that come into force.
    pub fn remembering(self) -> Self {
        Self {
            history: Some(Vec::new()),
            ..self
        }
    }

    /// Works for a goal and an objective of its own.
    #[must_use]
    pub fn aiming_at(self, goal: Goal, objective: Objective) -> Self {
        Self {
            objective: Some(objective),
            goal,
            ..self
        }
    }

    /// Writes a journal, as the daemon does.
    #[must_use]
    pub fn writing(self) -> Self {
        Self {
            pen: Some(Pen::default()),
            ..self
        }
    }

    /// Tells others what it measures, and hears what they do.
    #[must_use]
    pub fn sharing(self) -> Self {
        Self {
            member: Some(Member::new(self.number, Time::ZERO)),
            ..self
        }
    }

    /// Ends at that moment, and begins anew with what another of its fleet remembers.
    #[must_use]
    pub fn renewed(self, at: Time) -> Self {
        Self {
            renewed_at: Some(at),
            ..self
        }
    }

    pub(super) const fn renewed_at(&self) -> Option<Time> {
        self.renewed_at
    }

    /// What it remembers.
    pub(super) fn memory(&self) -> Option<Memory> {
        self.force.as_ref().map(|force| force.memory.clone())
    }

    /// Begins anew at `now` with another's memory.
    pub(super) fn renew(&mut self, memory: Option<Memory>, now: Time) {
        if let (Some(force), Some(memory)) = (&mut self.force, memory) {
            if let Some(granted) = first_table(&memory) {
                force.granted = granted;
            }
            force.memory = memory;
        }
        self.member = Some(Member::new(self.number, now));
        self.remember(now);
    }

    /// Whether it tells others what it measures.
    pub(super) const fn shares(&self) -> bool {
        self.member.is_some()
    }

    /// What it tells the others.
    pub(super) fn report(&mut self, now: Time) -> Option<Report> {
        let force = self.force.as_ref()?;
        let member = self.member.as_mut()?;
        Some(member.report(&force.plan, &force.memory, now))
    }

    /// Whether it has something to tell that should not wait.
    pub(super) fn is_urgent(&self) -> bool {
        let force = self.force.as_ref();
        let both = self.member.as_ref().zip(force);
        both.is_some_and(|(member, force)| member.is_urgent(&force.plan, &force.memory))
    }

    /// Whether something happened since this was asked last that the others should know at once.
    pub(super) fn takes_pressing(&mut self) -> bool {
        let upstreams = self.upstreams.iter_mut();
        upstreams.fold(false, |sum, it| std::mem::take(&mut it.presses) | sum)
    }

    /// What another told, known since `at`.
    pub(super) fn learn(&mut self, report: &Arc<Report>, at: Time) {
        if let Some(member) = &mut self.member {
            member.learn(report, at);
        }
    }

    /// What the others told until `now` is learned.
    pub(super) fn exchanged(&mut self, now: Time) {
        if let Some(member) = &mut self.member {
            member.exchanged(now);
        }
    }

    /// The lines of the journal since the last call; none where none is written.
    pub fn lines(&mut self) -> Vec<Line> {
        self.pen.as_mut().map(Pen::lines).unwrap_or_default()
    }

    /// Times that a serving target was ejected.
    pub fn ejections(&self) -> u64 {
        self.upstreams
            .iter()
            .map(|upstream| upstream.ejections)
            .sum()
    }

    /// The objective that says what the bench's loss says. A loss counts a price as it is, an objective relative to the
    /// configured mean: so its weight follows that mean where prices are per answer.
    fn objective(&self, now: Time) -> Objective {
        let usual = Objective::default();
        if let Some(asked) = self.objective {
            return asked;
        }
        let mean = self.prices.mean_price(&self.present, now);
        Objective {
            cost: mean.map_or(usual.cost, |mean| PRICE * mean),
            ..usual
        }
    }

    /// Puts the configuration of now in force, if it has changed: what was learned is carried over as by a reload.
    fn reload(&mut self, now: Time) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let members: Vec<usize> = (0..self.specs.len()).filter(|i| self.present[*i]).collect();
        if members.is_empty() {
            self.force = None;
            return;
        }
        let plan = self.plan(&members);
        let fresh = Memory::new(&plan);
        let Some(configured) = first_table(&fresh) else {
            self.force = None;
            return;
        };
        let memory = match &self.force {
            Some(before) => before.memory.carried(&before.plan, &plan),
            None => fresh,
        };
        let place = |name: &UpstreamName| self.specs.iter().position(|spec| spec.upstream == *name);
        let force = Force {
            granted: first_table(&memory).unwrap_or_else(|| configured.clone()),
            configured,
            upstreams: plan.upstreams().iter().filter_map(place).collect(),
            seeds: members
                .iter()
                .map(|i| Seed::of(self.specs[*i].name.as_str()))
                .collect(),
            plan,
            memory,
            members,
        };
        self.picked = vec![0; force.members.len()];
        if let Some(pen) = &mut self.pen {
            pen.begin_anew();
        }
        self.force = Some(force);
        self.remember(now);
    }

    fn plan(&self, members: &[usize]) -> Plan {
        let targets = members.iter().map(|i| self.specs[*i].clone()).collect();
        let name = RouteName::new("route").expect("letters are a name");
        let spec = RouteSpec {
            name,
            strategy: self.strategy,
            objective: self.aim,
            goal: self.goal.clone(),
            min_quality: None,
            mix_models: self.prices.mix_models,
            sticky: self.sticky,
            targets,
        };
        Plan::new(vec![spec], [])
    }

    /// Notes the shares in force, by all targets of the scenario.
    fn remember(&mut self, now: Time) {
        if let (Some(history), Some(force)) = (&mut self.history, &self.force) {
            let mut shares = vec![Share::ZERO; self.specs.len()];
            for (place, share) in force.members.iter().zip(force.granted.shares()) {
                shares[*place] = *share;
            }
            history.push((now, shares));
        }
    }

    fn draw(&mut self, first: bool) -> Draw {
        let draw = &mut self.draws[usize::from(!first)];
        *draw = draw.wrapping_add(GOLDEN);
        Draw(*draw)
    }
}

impl Policy for Ours {
    fn set_present(&mut self, target: usize, present: bool, _now: Time) {
        self.present[target] = present;
        self.stale = true;
    }

    fn reloaded(&mut self, weights: &[Weight], _now: Time) {
        for (spec, weight) in self.specs.iter_mut().zip(weights) {
            spec.weight = *weight;
        }
        self.stale = true;
    }

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        self.reload(asked.now);
        let first = asked.attempts == 0;
        self.arrivals += u32::from(first);
        let conversation = asked.conversation.filter(|_| self.sticky);
        let key = conversation.map(|number| Key::of("conversation", &number.to_le_bytes()));
        let draw = self.draw(first);
        let force = self.force.as_ref()?;
        // A first attempt may go to everybody who is configured.
        let eligible = if first {
            Mask::ALL
        } else {
            let open = |place: &usize| asked.eligible.contains(TargetIndex::at(*place));
            let places = force.members.iter().enumerate();
            let open = places.filter(|(_, place)| open(place));
            open.map(|(i, _)| TargetIndex::at(i)).collect()
        };
        let row = Row {
            granted: &force.granted,
            configured: &force.configured,
            guarded: true,
        };
        let ask = Ask {
            eligible: &eligible,
            draw,
            now: asked.now,
            may_probe: first,
            sticky: key.map(|key| Sticky {
                key,
                seeds: &force.seeds,
            }),
        };
        let gates = SimGates {
            upstreams: &self.upstreams,
            members: &force.members,
            tiers: &self.tiers,
            last: self.last.as_ref(),
        };
        let admitted = admit(row, &gates, &ask)?;
        let target = force.members[admitted.target.get()];
        let probe = admitted.reason == Reason::Probe;
        if let Some(pen) = &mut self.pen {
            let known = (first && !probe).then(|| propensity(row, &gates, &ask, admitted.target));
            pen.picked(Chosen {
                target: Some(self.specs[target].name.clone()),
                reason: admitted.reason,
                propensity: known.flatten(),
                attempt: asked.attempts + 1,
            });
        }
        if probe {
            self.upstreams[target].gate.probe_wanted = false;
        }
        if let (true, Some(count)) = (first, self.picked.get_mut(admitted.target.get())) {
            *count += 1;
        }
        Some(Picked {
            probe,
            ..Picked::of(target)
        })
    }

    fn began(&mut self, attempt: &Attempt, now: Time) {
        let key = self.upstreams[attempt.target].begin(now, attempt.kind, attempt.probe);
        self.flights.insert(attempt.id, key);
        if let Some(pen) = &mut self.pen {
            pen.began(attempt.id);
        }
    }

    fn happened(&mut self, attempt: &Attempt, event: &Event, _: Option<&Score>, now: Time) {
        let key = if matches!(event, Event::Finished(_)) {
            self.flights.remove(&attempt.id)
        } else {
            self.flights.get(&attempt.id).copied()
        };
        if let Some(key) = key {
            self.upstreams[attempt.target].record(now, key, event);
        }
        if let (Some(pen), Event::Finished(end)) = (&mut self.pen, event) {
            pen.ended(attempt, &self.specs[attempt.target].upstream, end);
        }
    }

    fn tick(&mut self, now: Time) {
        let aim = self.objective(now);
        self.stale |= aim != std::mem::replace(&mut self.aim, aim);
        self.reload(now);
        let Some(force) = &mut self.force else {
            return;
        };
        let (upstreams, prices) = (&mut self.upstreams, &self.prices);
        let laws: Vec<_> = prices.targets.values().collect();
        let collect = |i: &usize| upstreams[*i].collect(now, prices.price(laws[*i], now));
        let mut input = Input {
            now,
            elapsed: now.secs_since(self.last_tick),
            upstreams: force.upstreams.iter().map(collect).collect(),
            routes: vec![RouteInput {
                arrivals: std::mem::take(&mut self.arrivals),
                picked: std::mem::replace(&mut self.picked, vec![0; force.members.len()]),
                scores: Vec::new(),
            }],
        };
        self.last_tick = now;
        if let Some(member) = &mut self.member {
            member.fold(&force.plan, &mut input);
            for (i, told) in force.upstreams.iter().zip(&input.upstreams) {
                upstreams[*i].block(told.blocked_until);
            }
        }
        if let Some(pen) = &mut self.pen {
            pen.before(now, &force.plan, &force.memory);
        }
        let stepped = step(&force.plan, &mut force.memory, &input);
        if let Some(pen) = &mut self.pen {
            pen.ticked(input, &stepped);
        }
        for (i, order) in force.upstreams.iter().zip(&stepped.orders) {
            upstreams[*i].obey(order);
        }
        if let Some(decision) = stepped.decisions.into_iter().next() {
            force.granted.clone_from(&decision.table);
            let moved = decision.moved;
            self.last = Some(decision);
            if moved {
                self.remember(now);
            }
        }
    }
}

/// The journal of one replica's run through `scenario`, as the daemon would have written it.
///
/// # Errors
/// A target's name that is no name.
pub fn journal(
    scenario: &Scenario,
    strategy: Strategy,
    seed: u64,
    failover: Failover,
) -> Result<Vec<Line>, NameError> {
    let mut replicas = [Ours::new(scenario, strategy, seed, 0)?.writing()];
    run(scenario, seed, failover, &mut replicas);
    let [mut ours] = replicas;
    Ok(ours.lines())
}

/// The shares in force on the one route, if it has targets.
fn first_table(memory: &Memory) -> Option<WeightTable> {
    memory.tables().next().cloned()
}
