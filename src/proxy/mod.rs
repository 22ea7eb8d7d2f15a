//! The data plane: requests in, one target each, answers out.
//!
//! Everything a request needs it reads once, from one snapshot; everything it leaves behind are measurements. It never
//! waits for the control plane and never writes what the control plane decides.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::limit::{Grant, RetryBudget};
use crate::live::{Clock, Journal, Published, Recorder};

mod ahead;
mod allowed;
mod asking;
mod away;
mod bell;
mod bill;
mod body;
mod call;
mod chance;
mod credentials;
mod cut;
mod dial;
mod dispatch;
mod door;
mod entrance;
mod exchange;
mod failed;
mod feedback;
mod fitness;
mod flow;
mod guard;
mod handler;
mod idle;
mod intake;
mod last_word;
mod link;
mod listed;
mod named;
mod opening;
mod pace;
mod plain;
mod pool;
mod port;
mod question;
mod record;
mod reply;
mod resolve;
mod room;
mod server;
mod sticky;
mod streams;
mod through;
mod told;
mod unreached;
mod upstream;

pub use body::{Body, BrokenOff};
pub use chance::Chance;
pub use handler::handle;
pub use port::{Sharing, bind};
pub use server::{DrainReport, serve};
pub use upstream::Caller;

/// How long a client may take none of what is ready for it. Halved, phones that change cells are cut; doubled, those who never
/// come back hold places at targets for a minute.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// What all requests share.
#[derive(Debug)]
pub struct Proxy {
    published: Published,
    clock: Clock,
    caller: Caller,
    recorder: Arc<dyn Recorder>,
    chance: Chance,
    /// Who hears of each attempt, if anybody writes it down.
    journal: Option<Arc<Journal>>,
    /// What may be tried again in all.
    budget: Mutex<RetryBudget>,
    shears: cut::Shears,
    open: Arc<AtomicUsize>,
    /// Most connections of clients, whatever the configuration says.
    most_connections: usize,
    room: Arc<room::Room>,
    /// How long a client may take nothing of what is ready for it.
    write_stall: Duration,
    /// Whether connections end with the next answer.
    leaving: AtomicBool,
    labels: Labels,
    /// Seconds since 1970 at the start, for lists of models.
    since: u64,
}

/// What stands for the route's name where there is no route.
#[derive(Debug)]
struct Labels {
    none: Arc<str>,
    inline: Arc<str>,
    direct: Arc<str>,
}

impl Proxy {
    /// A data plane over what is `published`; `caller` reaches the providers, `recorder` hears of every end, `chance` draws.
    pub fn new(
        published: Published,
        clock: Clock,
        caller: Caller,
        recorder: Arc<dyn Recorder>,
        chance: Chance,
    ) -> Self {
        Self {
            published,
            clock,
            caller,
            recorder,
            chance,
            journal: None,
            budget: Mutex::new(RetryBudget::new(clock.now())),
            shears: cut::Shears::new(),
            open: Arc::default(),
            most_connections: usize::MAX,
            room: Arc::default(),
            write_stall: WRITE_STALL,
            leaving: AtomicBool::new(false),
            labels: Labels {
                none: Arc::from(""),
                inline: Arc::from("inline"),
                direct: Arc::from("direct"),
            },
            since: clock.unix_seconds(),
        }
    }

    /// Each attempt is told to `journal`.
    #[must_use]
    pub fn noting(mut self, journal: Option<Arc<Journal>>) -> Self {
        self.journal = journal;
        self
    }

    /// Clients may have no more connections than this, whatever the configuration says.
    #[must_use]
    pub fn at_most(mut self, connections: usize) -> Self {
        self.most_connections = connections;
        self
    }

    /// A request came: what may be tried again grows with it.
    fn deposit(&self) {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        budget.deposit(self.clock.now());
    }

    /// Asks for one retry.
    fn charge(&self) -> Grant {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        budget.spend(self.clock.now())
    }

    /// Requests that have not ended.
    pub fn open_requests(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
