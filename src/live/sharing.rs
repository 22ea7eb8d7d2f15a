//! What budgets and rates know of the other replicas: how many there are, and whom to wake when an allowance runs low.
//!
//! One for all snapshots of a process. Without `[cluster]` nobody fills it, and each replica counts as alone.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::model::Time;

/// Between two calls for a round. Halved, a replica near a limit asks the engine forty times a second; doubled, it waits a
/// tenth of a second with nothing to spend.
const BETWEEN_US: u64 = 50_000;

/// Whether and with how many limits are shared. Written by whoever exchanges with the others.
#[derive(Default)]
pub struct Sharing {
    /// Live replicas as last heard, this one counted; 0 as long as nobody was met.
    replicas: AtomicU32,
    waker: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// When a round was called for last, in microseconds.
    called_at: AtomicU64,
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replicas = &self.replicas;
        let mut printed = f.debug_struct("Sharing");
        printed.field("replicas", replicas).finish_non_exhaustive()
    }
}

impl Sharing {
    /// Limits are shared from now on; `wake` calls for a round. Only the first call counts.
    pub fn begin(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.waker.get_or_init(|| Box::new(wake));
    }

    /// Whether limits are shared.
    pub fn is_on(&self) -> bool {
        self.waker.get().is_some()
    }

    /// So many replicas live, this one counted.
    pub fn met(&self, replicas: usize) {
        let replicas = u32::try_from(replicas).unwrap_or(u32::MAX).max(1);
        self.replicas.store(replicas, Ordering::Relaxed);
    }

    /// By how many a limit is divided of which nothing was granted: a replica that never met the others counts as alone.
    pub fn replicas(&self) -> u32 {
        self.replicas.load(Ordering::Relaxed).max(1)
    }

    /// Calls for a round at once, unless that was done a moment ago.
    pub(super) fn hurry(&self, now: Time) {
        let now = now.as_micros();
        let before = self.called_at.load(Ordering::Relaxed);
        if now.saturating_sub(before) < BETWEEN_US {
            return;
        }
        let turn =
            self.called_at
                .compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed);
        if let (Ok(_), Some(wake)) = (turn, self.waker.get()) {
            wake();
        }
    }
}
