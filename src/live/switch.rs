//! The kill switch: off, every request is drawn by the configured shares and nothing is guarded, at once and whatever the
//! controller does.
//!
//! Problem: the moment in which somebody wants the controller out of the way may be the one in which it hangs. Choice: a
//! flag that each request reads where it reads its shares; who throws it needs no task, no channel and no lock that another
//! one holds. It stays across reloads, since all snapshots share it. How it fails: what is drained by an order stays so,
//! since that is in the configured shares; an order that should end while the controller hangs does not.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use serde::{Deserialize, Serialize};

/// The switch. Written by whoever throws it, read by every request.
#[derive(Debug, Default)]
pub struct Switch {
    off: AtomicBool,
    thrown: ArcSwapOption<ToldSwitch>,
    waker: Waker,
}

/// Who tells the other replicas.
#[derive(Default)]
struct Waker(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").finish_non_exhaustive()
    }
}

/// How the switch was thrown, and when, as replicas tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldSwitch {
    /// When, in milliseconds since 1970; later than whatever its replica had heard of before.
    pub at_ms: u64,
    /// How.
    pub thrown: Thrown,
}

/// Who threw the switch, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct Thrown {
    /// Whether it is off now.
    pub off: bool,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in seconds since 1970.
    pub since: u64,
}

impl Switch {
    /// Whether configured shares are in force, unguarded.
    pub fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Who last threw it; `None` if nobody has.
    pub fn thrown(&self) -> Option<Arc<Thrown>> {
        let told = self.thrown.load_full()?;
        Some(Arc::new(told.thrown.clone()))
    }

    /// Throws it, and has the other replicas told.
    pub fn throw(&self, thrown: &Thrown) {
        let since_ms = thrown.since.saturating_mul(1_000);
        self.change(|before| {
            let at_ms = before.map_or(since_ms, |before| since_ms.max(before.at_ms + 1));
            let thrown = thrown.clone();
            Some(ToldSwitch { at_ms, thrown })
        });
        if let Some(wake) = self.waker.0.get() {
            wake();
        }
    }

    /// Another replica says how it stands there: if that is later, it stands so here too. Whether it was.
    pub fn hear(&self, theirs: &ToldSwitch) -> bool {
        self.change(|mine| theirs.is_over(mine).then(|| theirs.clone()))
    }

    /// How it stands, for the other replicas.
    pub fn told(&self) -> Option<Arc<ToldSwitch>> {
        self.thrown.load_full()
    }

    /// `wake` is called when it is thrown here. Only the first call counts.
    pub fn watch(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.waker.0.get_or_init(|| Box::new(wake));
    }

    /// Whoever comes last in time, the flag is as the last state says: it is set from what is there, not from what came.
    fn change(&self, next: impl Fn(Option<&ToldSwitch>) -> Option<ToldSwitch>) -> bool {
        let before = self.thrown.rcu(|before| match next(before.as_deref()) {
            Some(next) => Some(Arc::new(next)),
            None => before.clone(),
        });
        let after = self.thrown.load();
        let off = after.as_ref().is_some_and(|it| it.thrown.off);
        self.off.store(off, Ordering::Relaxed);
        match (before, after.as_ref()) {
            (Some(before), Some(after)) => !Arc::ptr_eq(&before, after),
            (before, after) => before.is_some() != after.is_some(),
        }
    }
}

impl ToldSwitch {
    /// Whether it may be taken over from elsewhere: of no later than a day from now, since nobody could throw it after that,
    /// and with a line of text each.
    pub fn is_sound(&self, now: u64) -> bool {
        let most = now.saturating_add(86_400).saturating_mul(1_000);
        let is_short = |text: &str| text.len() <= 2_000 && !text.contains(char::is_control);
        self.at_ms <= most && is_short(&self.thrown.by) && is_short(&self.thrown.reason)
    }

    /// Whether this holds, and not `mine`.
    pub fn is_over(&self, mine: Option<&Self>) -> bool {
        mine.is_none_or(|mine| self.rank() > mine.rank())
    }

    /// Of two, the greater holds: the later one, and of the same moment the one that is off.
    fn rank(&self) -> (u64, bool, &str, &str) {
        let thrown = &self.thrown;
        (self.at_ms, thrown.off, &thrown.by, &thrown.reason)
    }
}
