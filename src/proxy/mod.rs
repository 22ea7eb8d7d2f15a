//! The data plane: requests in, one target each, answers out.
//!
//! Everything a request needs it reads once, from one snapshot; everything it leaves behind are measurements. It never
//! waits for the control plane and never writes what the control plane decides.

mod dial;
mod record;
mod upstream;

pub use record::{Recorder, RequestEnd};
pub use upstream::Caller;
