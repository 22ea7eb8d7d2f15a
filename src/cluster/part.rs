//! What takes part in a round: leases, orders, keys.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use redis::RedisResult;

use super::keys::Keys;
use super::link::Link;
use crate::live::Topics;
use crate::model::Time;

/// A round under way, as a part sees it.
#[derive(Debug)]
pub struct Round<'a> {
    /// The connection. It is a `redis::aio::ConnectionLike`; each pipeline is one trip.
    pub link: &'a mut Link,
    /// The names of keys.
    pub keys: &'a Keys,
    /// This replica's name.
    pub replica: &'a str,
    /// What tells this process from an earlier one of the same name: a later one's is greater.
    pub epoch: u64,
    /// The engine's time since 1970, as all replicas see it to a few milliseconds.
    pub now: Time,
    /// Names of the replicas that were seen within five seconds, in order, this one among them.
    pub live: &'a [String],
    /// Versions of the orders and of the keys, as they were when the round began.
    pub versions: &'a Versions,
    /// Whether this is the last round: what is not used any more is given back.
    pub is_last: bool,
}

/// Versions of the orders and of the keys; `None` of what was never written.
pub type Versions = [Option<String>; 2];

/// How a part's round ends.
pub type Exchanging<'a> = Pin<Box<dyn Future<Output = RedisResult<()>> + Send + 'a>>;

/// What takes part in each round, about once a second, and in hurried ones that are for it.
///
/// The whole round has a time limit; a part that is cut off loses its place at any `await` and is asked again when there is
/// a connection, so what it holds must be right at each of them. It must not block.
pub trait Part: fmt::Debug + Send + Sync {
    /// Whether it takes part in a round that is made for this news alone, between the usual ones. No news is what somebody
    /// here waits for.
    fn is_hurried_by(&self, news: Topics) -> bool;

    /// Its part of the round. An error ends the round; a refusal of a script of its own is better told by itself.
    fn exchange<'a>(&'a mut self, round: Round<'a>) -> Exchanging<'a>;
}
