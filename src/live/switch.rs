//! The kill switch: off, every request is drawn by the configured shares and nothing is guarded, at once and whatever the
//! controller does.
//!
//! Problem: the moment in which somebody wants the controller out of the way may be the one in which it hangs. Choice: a
//! flag that each request reads where it reads its shares; who throws it needs no task, no channel and no lock that another
//! one holds. It stays across reloads, since all snapshots share it. How it fails: what is drained by an order stays so,
//! since that is in the configured shares; an order that should end while the controller hangs does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use serde::{Deserialize, Serialize};

/// The switch. Written by whoever throws it, read by every request.
#[derive(Debug, Default)]
pub struct Switch {
    off: AtomicBool,
    thrown: ArcSwapOption<Thrown>,
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
        self.thrown.load_full()
    }

    /// Throws it.
    pub fn throw(&self, thrown: Thrown) {
        self.off.store(thrown.off, Ordering::Relaxed);
        self.thrown.store(Some(Arc::new(thrown)));
    }
}
