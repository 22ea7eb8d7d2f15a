//! Where the two planes meet: the data plane reads one snapshot and writes measurements, the control plane reads
//! measurements and publishes snapshots.

mod allowance;
mod attempt;
mod bell;
mod board;
mod budgets;
mod client;
mod clients;
mod clock;
mod direct;
mod journal;
mod keys;
mod ledger;
mod map;
mod meter;
mod post;
mod published;
mod ratings;
pub(crate) mod record;
mod sharing;
mod snapshot;
mod spread;
mod strangers;
mod switch;
mod sync;
mod tallies;
mod told;
mod trace;
mod trust;
mod upstream;
mod window;

pub use allowance::{Allowance, UnderWay, WindowAsk};
pub use attempt::{Account, Asked, Attempt, Note, Witness};
pub use bell::{Bell, Topic, Topics};
pub use board::{Board, Change, Refusal};
pub use budgets::{Budgets, Scope};
pub use client::{Client, LastUse, Rate, RateKind};
pub use clients::{Clients, Holder, digest_of_client, key_digest, new_key};
pub use clock::Clock;
pub use direct::{NoClient, Patience, direct_client};
pub use journal::{Entry, Heading, Journal, Lost, Ticked};
pub use keys::{Keys, Turn};
pub use ledger::{Ledger, Taken};
pub use map::Map;
pub use meter::{COST_UNIT_USD, Distributions, Recently, Totals};
pub use post::{Membership, OthersSpreads, Post};
pub use published::{Published, Publisher};
pub use ratings::{Given, Rated, Rating, Ratings, Unrated};
pub use record::{
    CLIENT_CLOSED, Call, EndedBy, MOST_CALLS, Recorder, RequestEnd, Served, Stuck, Tags,
};
pub use sharing::Sharing;
pub use snapshot::{Member, MemberGates, Provider, Route, RouteCells, Snapshot};
pub use spread::{DIGITS, LEAST, MOST, Spread, Spreads, empty_histogram};
pub use strangers::Strangers;
pub use switch::{Switch, Thrown, ToldSwitch};
pub use tallies::{Decided, Tallies};
pub use told::{TellCell, Told, ToldKey, ToldOrder};
pub use trace::{SpanId, TRACEPARENT, TRACESTATE, Trace, TraceId};
pub use trust::trusted;
pub use upstream::{RateGroup, Upstream};
