//! Several replicas that decide as one: what they tell each other by way of a Redis or Valkey.
//!
//! Nothing that serves a request waits for any of it. A task of its own makes a round a second under a time
//! limit; what it brings and takes lies in cells of `live`. Whatever becomes of the engine, each replica goes on by itself.

#[cfg(feature = "redis")]
mod changes;
#[cfg(feature = "redis")]
mod comings;
#[cfg(test)]
#[cfg(feature = "redis")]
#[path = "engine_tests.rs"]
pub(crate) mod engine;
#[cfg(feature = "redis")]
mod exchange;
#[cfg(feature = "redis")]
mod hdr;
#[cfg(feature = "redis")]
mod inherit;
mod keys;
#[cfg(feature = "redis")]
mod leases;
#[cfg(feature = "redis")]
mod link;
#[cfg(feature = "redis")]
mod moments;
#[cfg(feature = "redis")]
mod pace;
#[cfg(feature = "redis")]
mod pack;
#[cfg(feature = "redis")]
mod part;
#[cfg(feature = "redis")]
mod refusal;
#[cfg(feature = "redis")]
mod rights;
#[cfg(feature = "redis")]
mod schema;
#[cfg(feature = "redis")]
mod shared;
#[cfg(feature = "redis")]
mod spreads;
#[cfg(feature = "redis")]
mod stranger;
#[cfg(feature = "redis")]
mod talk;
#[cfg(feature = "redis")]
mod twins;

#[cfg(feature = "redis")]
pub use exchange::Exchange;
#[cfg(feature = "redis")]
pub use inherit::{Inheritance, inherit};
pub use keys::Keys;
#[cfg(feature = "redis")]
pub use leases::Leases;
#[cfg(feature = "redis")]
pub use link::{Address, Link};
#[cfg(feature = "redis")]
pub use part::{Exchanging, Part, Round, Versions};
#[cfg(feature = "redis")]
pub use rights::Rights;
#[cfg(feature = "redis")]
pub use shared::Shared;
#[cfg(feature = "redis")]
pub use spreads::Histograms;
