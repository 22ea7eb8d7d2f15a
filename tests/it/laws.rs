//! The laws of the controller, over generated histories.
//!
//! A history is what a few targets did tick by tick: answers with their slowness, faults, refusals, requests that hang,
//! ejections by the gate, probes. It is played through `step` as the daemon would, and the laws hold for each decision.
//! Seeds are fixed; a counter-example that was found becomes a named test beside its law.

#![expect(
    clippy::unwrap_used,
    reason = "names and weights of tests are right, and a test may fail where it stands"
)]

mod draws;
mod extremes;
mod goals;
mod moves;
mod rated;
mod shares;
mod world;
mod worse;
