//! Where the two planes meet: the data plane reads one snapshot and writes measurements, the control plane reads
//! measurements and publishes snapshots.

mod attempt;
mod board;
mod clock;
mod journal;
mod keys;
mod meter;
mod published;
mod record;
mod snapshot;
mod strangers;
mod tallies;
mod upstream;
mod window;

pub use attempt::{Account, Asked, Attempt, Note, Witness};
pub use board::{Board, Refusal};
pub use clock::Clock;
pub use journal::{Entry, Heading, Journal, Lost, Ticked};
pub use keys::{Keys, Turn};
pub use meter::{Recently, Totals};
pub use published::{Published, Publisher};
pub use record::{CLIENT_CLOSED, Recorder, RequestEnd, Served, Stuck};
pub use snapshot::{Member, MemberGates, Provider, Route, RouteCells, Snapshot};
pub use strangers::Strangers;
pub use tallies::{Decided, Tallies};
pub use upstream::{RateGroup, Upstream};
