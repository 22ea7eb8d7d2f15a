//! What the controller shows: its last decisions, and how it fares. Read by the admin API and the metrics; written by the
//! controller alone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::post::Post;
use super::tallies::Tallies;
use crate::balance::Decision;
use crate::config::{Problem, Shown, StandingOrder};
use crate::model::Time;

/// The last reload that was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// When, by the daemon's clock.
    pub at: Time,
    /// Since when no read was good.
    pub since: Time,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// The last configuration that was put in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// When, by the daemon's clock.
    pub at: Time,
    /// What changed against the one before, a line each; nothing at the start.
    pub lines: Vec<String>,
}

/// The controller's notice board.
#[derive(Debug, Default)]
pub struct Board {
    decisions: ArcSwap<Vec<Arc<Decision>>>,
    decided_at: AtomicU64,
    ticks: AtomicU64,
    ticks_lost: AtomicU64,
    busy_us: AtomicU64,
    tallies: Mutex<Tallies>,
    reloads: AtomicU64,
    refusals: AtomicU64,
    refusal: ArcSwap<Option<Refusal>>,
    change: ArcSwap<Change>,
    shown: ArcSwapOption<Shown>,
    needs_restart: ArcSwap<Vec<&'static str>>,
    draining: AtomicBool,
    steering: ArcSwap<Vec<StandingOrder>>,
    steered: AtomicU64,
    post: OnceLock<Arc<Post>>,
}

impl Board {
    /// The board of a process that starts under this configuration.
    pub fn starting_with(shown: Shown) -> Self {
        let board = Self::default();
        board.shows(shown);
        board
    }

    /// Where this replica meets the others; `None` if it is alone by its configuration.
    pub fn post(&self) -> Option<&Arc<Post>> {
        self.post.get()
    }

    /// Tells where this replica meets the others. Only the first call counts.
    pub fn meets_at(&self, post: Arc<Post>) {
        self.post.get_or_init(|| post);
    }

    /// The configuration in force as people may see it; `None` before there is one.
    pub fn shown(&self) -> Option<Arc<Shown>> {
        self.shown.load_full()
    }

    /// For the controller: this configuration is in force.
    pub fn shows(&self, shown: Shown) {
        self.shown.store(Some(Arc::new(shown)));
    }

    /// For the controller: it begins. Until it has decided its age counts from here.
    pub fn begins(&self, at: Time) {
        self.decided_at.store(at.as_micros(), Ordering::Relaxed);
    }

    /// The last change of the configuration.
    pub fn change(&self) -> Arc<Change> {
        self.change.load_full()
    }

    /// For the controller: a configuration is in force that was not before.
    pub fn changed(&self, change: Change) {
        self.change.store(Arc::new(change));
    }

    /// Keys whose value in the files is not the one that the process started with.
    pub fn needs_restart(&self) -> Arc<Vec<&'static str>> {
        self.needs_restart.load_full()
    }

    /// For the controller: these keys wait for the next start.
    pub fn waits_for_restart(&self, keys: Vec<&'static str>) {
        self.needs_restart.store(Arc::new(keys));
    }

    /// The last decisions, in the order of the routes' names.
    pub fn decisions(&self) -> Arc<Vec<Arc<Decision>>> {
        self.decisions.load_full()
    }

    /// The last decision about this route.
    pub fn decision(&self, route: &str) -> Option<Arc<Decision>> {
        self.decisions
            .load()
            .iter()
            .find(|decision| decision.route.as_str() == route)
            .cloned()
    }

    /// When the controller last decided.
    pub fn decided_at(&self) -> Time {
        Time::from_micros(self.decided_at.load(Ordering::Relaxed))
    }

    /// Ticks that came to their end, whatever they brought: while this grows, the controller is alive.
    pub fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// Time that the controller spent in ticks.
    pub fn busy(&self) -> Duration {
        Duration::from_micros(self.busy_us.load(Ordering::Relaxed))
    }

    /// What was decided since the start, counted.
    pub fn tallies(&self) -> Tallies {
        let tallies = self.tallies.lock();
        tallies.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ticks that brought no decision because something went wrong in them.
    pub fn ticks_lost(&self) -> u64 {
        self.ticks_lost.load(Ordering::Relaxed)
    }

    /// Configurations read: applied or unchanged, and refused.
    pub fn reloads(&self) -> (u64, u64) {
        (
            self.reloads.load(Ordering::Relaxed),
            self.refusals.load(Ordering::Relaxed),
        )
    }

    /// What is wrong with the files as they are now; `None` if the last read was good.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal.load().as_ref().clone()
    }

    /// Whether the daemon is shutting down: it answers, and asks not to be sent more.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// For the controller: what it decided.
    pub fn decided(&self, at: Time, decisions: Vec<Arc<Decision>>) {
        let tallies = self.tallies.lock();
        let mut tallies = tallies.unwrap_or_else(PoisonError::into_inner);
        tallies.count(decisions.iter().map(|decision| &**decision));
        drop(tallies);
        self.decisions.store(Arc::new(decisions));
        self.decided_at.store(at.as_micros(), Ordering::Relaxed);
    }

    /// For the controller: a tick has come to its end, after so long.
    pub fn ticked(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.busy_us.fetch_add(took, Ordering::Relaxed);
        self.ticks.fetch_add(1, Ordering::Relaxed);
    }

    /// For the controller: a tick went wrong.
    pub fn tick_lost(&self) {
        self.ticks_lost.fetch_add(1, Ordering::Relaxed);
    }

    /// For the controller: the files were read and are good.
    pub fn accepted(&self) {
        self.reloads.fetch_add(1, Ordering::Relaxed);
        self.refusal.store(Arc::new(None));
    }

    /// For the controller: the files were read at this moment and are not good.
    pub fn refused(&self, at: Time, problems: Vec<Problem>) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
        let since = self.refusal().map_or(at, |before| before.since);
        let refusal = Refusal {
            at,
            since,
            problems,
        };
        self.refusal.store(Arc::new(Some(refusal)));
    }

    /// Operators' orders that hold, and what each does.
    pub fn steering(&self) -> Arc<Vec<StandingOrder>> {
        self.steering.load_full()
    }

    /// Counts changes of the orders.
    pub fn times_steered(&self) -> u64 {
        self.steered.load(Ordering::Relaxed)
    }

    /// For the controller: these orders hold.
    pub fn steered(&self, orders: Vec<StandingOrder>) {
        self.steering.store(Arc::new(orders));
        self.steered.fetch_add(1, Ordering::Relaxed);
    }

    /// For the shutdown: no more requests, please.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        if let Some(post) = self.post() {
            post.drain();
        }
    }
}
