//! The controller task: every tick it takes what was measured, decides, and publishes if shares moved.
//!
//! Fail static: a tick that panics or brings something that is no number publishes nothing, and the shares in force stay.
//! After ten seconds of such ticks the configured shares are put in force, with the gates still acting. The data plane
//! never waits for this task, so it serves on whatever becomes of it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior};

use super::assemble::{Simulate, next_snapshot};
use super::command::{Applied, Apply, Command, Outcome, ReloadError, Why};
use super::fleet::Fleet;
use super::keepsake::{Keepsake, resume};
use super::key_ring::KeyRing;
use super::plan::specs;
use super::scribe::{InForce, Scribe};
use super::steering::Orders;
use super::told::Telling;
use crate::balance::gate::GateOrder;
use crate::balance::{Decision, Input, Memory, News, Plan, Rail, Stepped, WeightTable, step};
use crate::config::{Compiled, Config, Mode, Problem, ProviderKind, diff};
use crate::live::{
    Board, Change, Clock, Journal, Member, Post, Publisher, Route, Snapshot, Upstream,
};
use crate::model::{ProviderName, Time, UpstreamName};
use crate::store::{Books, Resumed};

/// How long shares are held when ticks go wrong, before the configured ones are put in force.
const HOLD: Duration = Duration::from_secs(10);
/// A tick never accounts for more time than this: after a suspended machine the filters must not think hours passed
/// in silence.
const LONGEST_TICK: f64 = 5.0;

/// The task's state. It owns the controller's memory and the right to publish.
#[derive(Debug)]
pub struct Controller {
    pub(super) publisher: Publisher,
    pub(super) board: Arc<Board>,
    pub(super) clock: Clock,
    pub(super) simulate: Box<dyn Simulate>,
    pub(super) phase: u32,
    plan: Plan,
    memory: Memory,
    upstreams: Vec<Member>,
    strangers: u64,
    /// What the process started with: some keys hold until it ends.
    started: Arc<Config>,
    last: Time,
    /// Since when ticks go wrong.
    failing: Option<Time>,
    /// What the gates told ticks that went wrong: they tell it once. At most one entry an upstream.
    owed: HashMap<UpstreamName, News>,
    /// What writes ticks down, if anything does.
    scribe: Option<Scribe>,
    /// What stores what was learned, if anything does.
    keepsake: Option<Keepsake>,
    /// The dealings with the other replicas, if there may be any.
    fleet: Option<Fleet>,
    /// From when what the start went on from is.
    resumed_at: Time,
    /// What the files say, without the operators' orders.
    pub(super) files: Arc<Config>,
    /// The operators' orders.
    pub(super) orders: Orders,
    /// Keys that were made and revoked while the daemon ran.
    pub(super) keys: KeyRing,
    /// Whether the kill switch was off at the last tick.
    was_off: bool,
    /// How other replicas hear of orders and keys, if there are any.
    pub(super) telling: Option<Telling>,
    commands: mpsc::Receiver<Command>,
}

impl Controller {
    /// The controller of what is published, and where reloads are sent.
    pub(super) fn new(
        publisher: Publisher,
        board: Arc<Board>,
        clock: Clock,
        phase: u32,
        simulate: Box<dyn Simulate>,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        let snapshot = publisher.read();
        let plan = Plan::new(specs(&snapshot.config), []);
        let started = Arc::clone(&snapshot.config);
        let memory = Memory::new(&plan);
        let mut controller = Self {
            publisher,
            board,
            clock,
            simulate,
            phase,
            upstreams: Vec::new(),
            plan,
            memory,
            strangers: 0,
            started,
            last: clock.now(),
            failing: None,
            owed: HashMap::new(),
            scribe: None,
            keepsake: None,
            fleet: None,
            resumed_at: Time::ZERO,
            files: Arc::clone(&snapshot.config),
            orders: Orders::default(),
            keys: KeyRing::default(),
            was_off: false,
            telling: None,
            commands,
        };
        controller.board.begins(controller.last);
        controller.line_up(&snapshot);
        controller
    }

    /// Ticks are written down.
    #[must_use]
    pub fn noting(mut self, journal: Option<Arc<Journal>>) -> Self {
        self.scribe = journal.map(|journal| Scribe::new(journal, self.clock));
        self
    }

    /// What is learned is kept in these books, and the start goes on from what they `resumed`: as at a reload, shares and
    /// memory are taken over by name.
    #[must_use]
    pub fn keeping(mut self, books: &Books, resumed: Resumed) -> Self {
        if !books.are_kept() {
            return self;
        }
        self.keepsake = Some(Keepsake::new(books.clone(), self.clock.now()));
        self.go_on_from(resumed);
        self.resume_keys(books);
        self.resume_orders(books);
        self
    }

    /// It decides with the replicas that it hears of at this post.
    #[must_use]
    pub fn joining(mut self, post: Arc<Post>) -> Self {
        self.fleet = Some(Fleet::new(post, self.clock.now()));
        self
    }

    /// Goes on from what another replica learned, if that is newer than what this one knows: shares and memory are taken over
    /// by name. Whether it is.
    pub fn inherit(&mut self, resumed: Resumed) -> bool {
        written_at(&resumed) > self.resumed_at && self.go_on_from(resumed)
    }

    fn go_on_from(&mut self, resumed: Resumed) -> bool {
        let at = written_at(&resumed);
        let Some(memory) = resume(resumed, &self.plan, self.clock) else {
            return false;
        };
        self.resumed_at = at;
        self.memory = memory;
        self.begin_anew();
        let mut next = (*self.publisher.read()).clone();
        self.put_tables(&mut next);
        self.publisher.publish(next);
        true
    }

    /// Puts the remembered shares in force where they are obeyed.
    pub(super) fn put_tables(&self, next: &mut Snapshot) {
        for (route, table) in next.routes.iter_mut().zip(self.memory.tables()) {
            if route.config.mode == Mode::Auto {
                *route = Arc::new(with_table(route, table));
            }
        }
    }

    /// Runs until `stop` turns true.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut interval = self.interval();
        loop {
            tokio::select! {
                _ = interval.tick() => self.tick(),
                Some(command) = self.commands.recv() => {
                    let tick = self.publisher.read().config.controller.tick;
                    match command {
                        Command::Apply(apply) => self.answer(*apply),
                        Command::Steer(steer) => self.steer(steer),
                        Command::Keys(ask) => self.do_keys(ask),
                    }
                    self.tell();
                    if self.publisher.read().config.controller.tick != tick {
                        interval = self.interval();
                    }
                }
                told = Telling::next(&mut self.telling) => self.hear(&told),
                changed = stop.changed() => {
                    if changed.is_err() || *stop.borrow() {
                        self.keep_last();
                        return;
                    }
                }
            }
        }
    }

    /// Stores what was learned, once more.
    pub(super) fn keep_last(&mut self) {
        let now = self.clock.now();
        if let Some(keepsake) = &mut self.keepsake {
            keepsake.last(&self.plan, &self.memory, now);
        }
        if let Some(fleet) = &mut self.fleet {
            fleet.remember(&self.plan, &self.memory, now);
        }
    }

    fn interval(&self) -> Interval {
        let mut interval = tokio::time::interval(self.publisher.read().config.controller.tick);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval
    }

    /// Orders the live upstreams as the plan has them.
    pub(super) fn line_up(&mut self, snapshot: &Snapshot) {
        let configured = snapshot
            .upstreams
            .values()
            .map(|m| (m.config.name.clone(), m.clone()));
        self.strangers = snapshot.strangers.version();
        let strangers = snapshot.strangers.all();
        let strange = strangers.into_iter().filter_map(|upstream| {
            Some((upstream.name().clone(), snapshot.member(upstream.name())?))
        });
        let by_name: HashMap<UpstreamName, Member> = configured.chain(strange).collect();
        let plan = Plan::new(specs(&snapshot.config), by_name.keys().cloned());
        self.memory = self.memory.carried(&self.plan, &plan);
        self.upstreams = plan
            .upstreams()
            .iter()
            .filter_map(|name| by_name.get(name).cloned())
            .collect();
        self.plan = plan;
        if let Some(keepsake) = &mut self.keepsake {
            keepsake.forget(&self.plan);
        }
        self.begin_anew();
    }

    /// The plan or the memory was changed by something else than a tick.
    fn begin_anew(&mut self) {
        if let Some(scribe) = &mut self.scribe {
            scribe.begin_anew();
        }
    }

    /// Writes down what is in force before a tick, where that is due.
    fn head(&mut self, snapshot: &Snapshot, now: Time) {
        if let Some(scribe) = &mut self.scribe {
            scribe.before(
                now,
                InForce {
                    snapshot,
                    upstreams: &self.upstreams,
                    memory: &self.memory,
                    board: &self.board,
                },
            );
        }
    }

    /// One tick.
    pub(super) fn tick(&mut self) {
        self.expire(self.clock.unix_seconds());
        self.rewrite();
        let snapshot = self.publisher.read();
        if snapshot.strangers.version() != self.strangers {
            self.line_up(&snapshot);
        }
        let now = self.clock.now();
        if snapshot.switch.is_off() != self.was_off {
            self.was_off = !self.was_off;
            // The heading says whether decisions are obeyed.
            self.begin_anew();
        }
        self.head(&snapshot, now);
        let mut input = self.input(&snapshot, now);
        if let Some(fleet) = &mut self.fleet {
            fleet.fold((&snapshot, &self.plan), &self.upstreams, &mut input);
        }
        let (plan, mut memory) = (&self.plan, self.memory.clone());
        let stepped = catch_unwind(AssertUnwindSafe(|| {
            let stepped = step(plan, &mut memory, &input);
            (stepped, memory)
        }));
        match stepped {
            Ok((stepped, memory)) if is_sound(&stepped) => {
                self.failing = None;
                self.owed.clear();
                self.memory = memory;
                if let Some(scribe) = &mut self.scribe {
                    scribe.ticked(input, Some(stepped.clone()));
                }
                if let Some(keepsake) = &mut self.keepsake {
                    keepsake.ticked(&self.plan, &self.memory, now);
                }
                if let Some(fleet) = &mut self.fleet {
                    fleet.ticked(&self.plan, &self.memory, &snapshot, now);
                }
                self.obey(&snapshot, stepped, now);
            }
            _ => {
                if let Some(scribe) = &mut self.scribe {
                    scribe.ticked(input.clone(), None);
                }
                self.owe(input);
                self.lost(&snapshot, now);
            }
        }
        self.board.ticked(self.clock.now().since(now));
    }

    /// Keeps the news of a tick that went wrong for the next one.
    fn owe(&mut self, input: Input) {
        let told = input.upstreams.into_iter().map(|told| told.news);
        let news = self.plan.upstreams().iter().cloned().zip(told);
        self.owed = news.filter(|(_, news)| *news != News::default()).collect();
    }

    fn input(&mut self, snapshot: &Snapshot, now: Time) -> Input {
        let elapsed = now.secs_since(self.last).min(LONGEST_TICK);
        self.last = now;
        let collect = |member: &Member| {
            let mut told = member.upstream.collect(now, member.config.price);
            if let Some(before) = self.owed.get(member.upstream.name()) {
                told.news = before.followed_by(told.news);
            }
            told
        };
        Input {
            now,
            elapsed,
            upstreams: self.upstreams.iter().map(collect).collect(),
            routes: snapshot
                .routes
                .iter()
                .map(|route| route.cells.collect())
                .collect(),
        }
    }

    /// Hands the orders to the gates and the tables to the data plane.
    fn obey(&mut self, snapshot: &Snapshot, stepped: Stepped, now: Time) {
        for (member, order) in self.upstreams.iter().zip(&stepped.orders) {
            hand_over(&member.upstream, order);
        }
        let mut next: Option<Snapshot> = None;
        let mut shown = Vec::with_capacity(stepped.decisions.len());
        for (i, (route, decision)) in snapshot.routes.iter().zip(stepped.decisions).enumerate() {
            let mode = obeyed(route);
            if let Some(keepsake) = &mut self.keepsake {
                keepsake.proposed(&decision, mode, now);
            }
            let is_moved = mode == Mode::Auto && decision.table != route.granted;
            let table_version = route.table_version + u64::from(is_moved);
            if is_moved {
                log_move(route, &decision);
                let moved = Route {
                    granted: decision.table.clone(),
                    table_version,
                    ..(**route).clone()
                };
                next.get_or_insert_with(|| snapshot.clone()).routes[i] = Arc::new(moved);
            }
            route.cells.found(&decision.rows);
            let mut decision = as_obeyed(decision, route);
            route.note_spent(&mut decision, self.clock);
            if let Some(keepsake) = &mut self.keepsake {
                let versions = (snapshot.generation, table_version);
                keepsake.decided(&decision, is_moved, now, versions);
            }
            shown.push(Arc::new(decision));
        }
        if let Some(next) = next {
            self.publisher.publish(next);
        }
        for (route, halvings) in snapshot.routes.iter().zip(self.memory.halvings()) {
            route.cells.aged(halvings);
        }
        self.board.decided(now, shown);
    }

    /// A tick went wrong: nothing is published, and after a while the configured shares are.
    fn lost(&mut self, snapshot: &Snapshot, now: Time) {
        self.board.tick_lost();
        let since = *self.failing.get_or_insert(now);
        if now.since(since) < HOLD {
            tracing::error!("a control tick went wrong; the shares in force stay");
            return;
        }
        tracing::error!("control ticks keep going wrong; the configured shares are in force");
        self.failing = Some(now);
        self.memory = Memory::new(&self.plan);
        self.begin_anew();
        let mut next = snapshot.clone();
        for route in &mut next.routes {
            let mut fixed = (**route).clone();
            fixed.granted = fixed.configured.clone();
            fixed.table_version += 1;
            *route = Arc::new(fixed);
        }
        self.publisher.publish(next);
    }

    fn answer(&mut self, apply: Apply) {
        let why = apply.why;
        let before = self.publisher.read().generation;
        let outcome = self.apply(*apply.compiled);
        match &outcome {
            // By the generation: a change without words of its own is one all the same.
            Ok(applied) if applied.config_generation == before => {
                if why == Why::Changed {
                    tracing::debug!(%why, "configuration read, nothing changed");
                } else {
                    tracing::info!(%why, "configuration read, nothing changed");
                }
            }
            Ok(applied) => {
                let generation = applied.config_generation;
                tracing::info!(generation, %why, changes = ?applied.changes, "configuration applied");
                if !applied.needs_restart.is_empty() {
                    let keys = applied.needs_restart.join(", ");
                    tracing::warn!(
                        keys,
                        "these take effect with the next start, the old values hold until then"
                    );
                }
            }
            Err(error) => tracing::error!(%why, %error, "configuration not applied"),
        }
        // Nobody may be waiting any more; the configuration is in force all the same.
        drop(apply.reply.send(outcome));
    }

    fn apply(&mut self, compiled: Compiled) -> Outcome {
        let Compiled {
            config,
            warnings,
            shown,
        } = compiled;
        let old = self.publisher.read();
        let files = Arc::new(config);
        let needs_restart = diff(&self.started, &files).needs_restart;
        if self.board.refusal().is_some() {
            tracing::info!("the configuration is good again");
        }
        if files.digest == self.files.digest {
            self.board.accepted();
            // The same values may stand in other lines now.
            self.board.shows(shown);
            return Ok(Applied {
                config_generation: old.generation,
                changes: Vec::new(),
                needs_restart,
            });
        }
        for warning in &warnings {
            tracing::warn!(%warning, "configuration");
        }
        let difference = diff(&self.files, &files);
        let mut difference = difference.scrubbed(self.board.shown().as_deref(), &shown);
        if difference.is_empty() {
            // The digest says so; not every value has words of its own.
            difference.changes.push("other values changed".to_owned());
        }
        let (config, standing) = self.effective(&files);
        let mut next = match next_snapshot(&old, config, self.phase, self.simulate.as_mut()) {
            Ok(next) => next,
            Err(error) => {
                let message = format!("a simulated provider could not be started: {error}");
                let problems = vec![Problem::with_file("the configuration", message)];
                self.board.refused(self.clock.now(), problems.clone());
                return Err(ReloadError::Refused(problems));
            }
        };
        self.files = files;
        self.warn_of_covered();
        self.board.steered(standing);
        self.line_up(&next);
        self.memory.probe_again(&self.plan, |upstream| {
            is_renewed(&old.config, &next.config, upstream.provider())
        });
        self.put_tables(&mut next);
        let generation = next.generation;
        self.simulate.keep_only(&next.config);
        self.publisher.publish(next);
        self.board.accepted();
        self.board.shows(shown);
        self.board.waits_for_restart(needs_restart.clone());
        self.board.changed(Change {
            at: self.clock.now(),
            lines: difference.changes.clone(),
        });
        Ok(Applied {
            config_generation: generation,
            changes: difference.changes,
            needs_restart,
        })
    }
}

/// When what a start may go on from was remembered.
fn written_at(resumed: &Resumed) -> Time {
    let learned = resumed.learned.as_ref().map(|it| it.at);
    let shares = resumed.shares.as_ref().map(|it| it.at);
    learned.max(shares).unwrap_or(Time::ZERO)
}

/// Whether a provider that both know has another key or is called in another way.
fn is_renewed(old: &Config, new: &Config, provider: &ProviderName) -> bool {
    let (Some(was), Some(is)) = (old.providers.get(provider), new.providers.get(provider)) else {
        return false;
    };
    let base = |kind: &ProviderKind| match kind {
        ProviderKind::Api { base, .. } => Some(base.clone()),
        ProviderKind::Simulated { .. } => None,
    };
    was.api_keys != is.api_keys
        || was.headers != is.headers
        || base(&was.kind) != base(&is.kind)
        || was.kind.interface() != is.kind.interface()
}

fn hand_over(upstream: &Upstream, order: &GateOrder) {
    let was = upstream.gate().serving;
    upstream.obey(order);
    let is = upstream.gate().serving;
    if was && !is {
        tracing::warn!(target = %upstream.name(), "ejected: its requests are overdue");
    } else if !was && is {
        tracing::info!(target = %upstream.name(), "takes traffic again");
    }
}

fn with_table(route: &Route, table: &WeightTable) -> Route {
    Route {
        granted: table.clone(),
        ..route.clone()
    }
}

/// The mode that a route's requests see.
fn obeyed(route: &Route) -> Mode {
    if route.switch.is_off() {
        Mode::Off
    } else {
        route.config.mode
    }
}

/// The decision as it is obeyed: in `shadow` the configured shares are in force, in `off` nothing is proposed either.
fn as_obeyed(mut decision: Decision, route: &Route) -> Decision {
    let rail = match obeyed(route) {
        Mode::Auto => return decision,
        Mode::Shadow => Rail::Shadow,
        Mode::Off => Rail::Off,
    };
    decision.moved = false;
    decision.table = route.configured.clone();
    for row in &mut decision.rows {
        row.if_obeyed = (rail == Rail::Shadow).then_some(row.granted);
        row.granted = row.configured;
        if rail == Rail::Off {
            row.proposed = row.configured;
            row.rails.clear();
        }
        row.rails.insert(rail);
    }
    decision
}

/// Whether everything that a tick brought is a number.
fn is_sound(stepped: &Stepped) -> bool {
    let rows = stepped.decisions.iter().flat_map(|decision| &decision.rows);
    let orders = stepped.orders.iter();
    rows.map(|row| row.terms.loss()).all(f64::is_finite)
        && orders
            .map(|order| order.watch.fault_step + order.standing.faults)
            .all(f64::is_finite)
}

fn log_move(route: &Route, decision: &Decision) {
    let moves = decision.rows.iter().zip(route.granted.shares());
    let moves: Vec<String> = moves
        .filter(|(row, before)| row.granted != **before)
        .map(|(row, before)| format!("{} {before} -> {}", row.name, row.granted))
        .collect();
    tracing::debug!(route = %route.label, version = route.table_version + 1, moves = ?moves, "shares moved");
}

#[cfg(test)]
#[path = "controller_tests.rs"]
pub(super) mod tests;

#[cfg(test)]
#[path = "keys_tests.rs"]
mod keys_tests;
#[cfg(test)]
#[path = "rotation_tests.rs"]
mod rotation_tests;

#[cfg(test)]
#[path = "steering_tests.rs"]
mod steering_tests;

#[cfg(test)]
#[path = "told_tests.rs"]
mod told_tests;
