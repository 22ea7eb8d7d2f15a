//! Wiring: builds everything, supervises it, shuts it down in order.
//!
//! A task that ends on its own is said loudly; if it was a listener the daemon ends with exit status 1, since a service
//! that looks alive and serves nobody is the worst of both.

mod background;
#[cfg(feature = "redis")]
mod common;
mod descriptors;
mod exporting;
mod fleet;
mod kept;
mod notify;
mod recorders;
mod replicas;
mod run;
mod signals;

pub use run::{App, AppError, Options, Ready, Running};
