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

use super::assemble::Simulate;
use super::command::Command;
use super::fleet::Fleet;
use super::keepsake::Keepsake;
use super::key_ring::KeyRing;
use super::plan::specs;
use super::scribe::{InForce, Scribe};
use super::steering::Orders;
use super::told::Telling;
use crate::balance::{Input, Memory, News, Plan, Stepped, step};
use crate::config::Config;
use crate::live::{Board, Clock, Journal, Member, Post, Publisher, Snapshot};
use crate::model::{Time, UpstreamName};

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
    pub(super) plan: Plan,
    pub(super) memory: Memory,
    pub(super) upstreams: Vec<Member>,
    strangers: u64,
    /// What the process started with: some keys hold until it ends.
    pub(super) started: Arc<Config>,
    last: Time,
    /// Since when ticks go wrong.
    failing: Option<Time>,
    /// What the gates told ticks that went wrong: they tell it once. At most one entry an upstream.
    owed: HashMap<UpstreamName, News>,
    /// What writes ticks down, if anything does.
    scribe: Option<Scribe>,
    /// What stores what was learned, if anything does.
    pub(super) keepsake: Option<Keepsake>,
    /// The dealings with the other replicas, if there may be any.
    pub(super) fleet: Option<Fleet>,
    /// From when what the start went on from is.
    pub(super) resumed_at: Time,
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

    /// It decides with the replicas that it hears of at this post.
    #[must_use]
    pub fn joining(mut self, post: Arc<Post>) -> Self {
        let fleet = Fleet::new(post, self.clock.now());
        fleet.watch(&self.upstreams);
        self.fleet = Some(fleet);
        self
    }

    /// Runs until `stop` turns true.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut interval = self.interval();
        loop {
            tokio::select! {
                _ = interval.tick() => self.tick(),
                // One more: those of the interval go on as they are.
                () = Fleet::hurried(self.fleet.as_ref(), self.clock, self.last) => self.tick(),
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
        if let Some(fleet) = &self.fleet {
            fleet.watch(&self.upstreams);
        }
        self.plan = plan;
        if let Some(keepsake) = &mut self.keepsake {
            keepsake.forget(&self.plan);
        }
        self.begin_anew();
    }

    /// The plan or the memory was changed by something else than a tick.
    pub(super) fn begin_anew(&mut self) {
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
        self.take_over();
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
                    let decided = (&self.plan, &self.memory);
                    let asked = (&self.files, self.orders.list.as_slice());
                    fleet.ticked(decided, &snapshot, asked, now);
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
