//! Virtual worlds: the same `step`, `admit` and `react` as in the daemon, around targets that follow laws.
//!
//! Deterministic: time is virtual, and the noise of a request at a target is a function of the seed, the request's number
//! and the target's name, so that two runs differ only by what they choose.

mod engine;
mod policy;
mod seen;
mod target;
mod world;

pub use engine::{Run, run};
pub use policy::{Asked, Attempt, Picked, Policy, Score};
pub use world::{Load, Reload, Scenario, SimTarget};

#[cfg(test)]
mod tests;
