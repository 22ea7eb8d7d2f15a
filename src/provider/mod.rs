//! Providers: how to speak to them, and what their answers mean. Adapters are pure; bytes are moved elsewhere.

pub mod estimate;
pub mod fault;
pub mod headers;
pub mod manner;
mod options;
pub mod surface;
mod wait;

pub use fault::{Fault, classify};
