//! `weighbridge demo`: the daemon on simulated providers, traffic in the shape of a real trace, one target that falls sick.
//!
//! The same arrivals, with the same tokens and the same noise, go at the same moments to two routes over equal copies of
//! the providers: one adaptive, one with fixed weights. What differs in the end is what the shares did.

mod client;
mod report;
mod shares;
mod stage;
mod story;
mod traffic;

pub use report::{Policy, Report, TargetReport};
pub use shares::LOOK;
pub use stage::Stage;
pub use story::{ENVIRONMENT, Pace, StoryError, Telling, tell};
