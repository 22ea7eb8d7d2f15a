//! Several replicas that decide as one: what they tell each other, and what of it goes into a tick.
//!
//! Problem: each of ten replicas sees a tenth of the evidence, finds out each outage and each limit for itself, and moves
//! without knowing that nine others move too. A leader that decides for all has to be elected, and is missed when it is gone;
//! a database on the request path is one more thing that can be slow. So there is no leader, and nobody waits:
//!
//! 1. Each replica adds up what it measured since it began, per upstream and route ([`Evidence`], [`Own`]), and publishes
//!    the sums with a number ([`Report`]); at each tick what has changed in them ([`Deltas`], [`Pace`]).
//! 2. Of each replica the newest report counts ([`Gathering`]), so lost, doubled and reordered ones do no harm: sums of
//!    before are part of sums of later.
//! 3. At a tick, the difference between a replica's newest sums and those that were taken in last goes into this replica's own
//!    batch ([`Folding`]), and [`crate::balance::step()`] decides as if all of it had been measured here.
//! 4. Evidence that the others contradict in the same seconds is left out: a replica with a broken network sheds a target for
//!    itself alone.
//! 5. What should be done once in the fleet, such as a probe, falls to one replica by a hash ([`duty()`]).
//!
//! Rejected: to publish differences (a lost message is lost evidence), and means with their weights (they cannot be taken
//! apart again).
//!
//! How it fails: evidence of others is a quarter of a second late, so a fleet settles that much later than one replica would; and
//! where as many replicas are cut off from a target as are not, nobody can tell whose network it is.

mod cells;
mod delta;
mod duty;
mod evidence;
mod folding;
mod gathering;
mod own;
mod pace;
mod report;
mod trust;

pub use cells::Cells;
pub use delta::{Delta, Deltas};
pub use duty::{SLOT, duty};
pub use evidence::{Evidence, Sum};
pub use folding::{Counted, Folding};
pub use gathering::{Gathering, Heard, LIVE};
pub use own::Own;
pub use pace::{LEAST_BETWEEN_TICKS, Pace, telling};
pub use report::{
    Condition, Out, ReplicaId, ReplicaIdError, Report, RouteSums, UpstreamReport, Waiting,
};
