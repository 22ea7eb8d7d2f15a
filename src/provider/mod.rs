//! Providers: how to speak to them, and what their answers mean. Adapters are pure; bytes are moved elsewhere.

pub mod access;
#[cfg(feature = "aws")]
pub mod aws;
mod discretion;
pub mod estimate;
mod evidence;
pub mod fault;
mod fault_table;
pub mod headers;
pub mod headroom;
pub mod manner;
mod models;
mod options;
mod span;
pub mod surface;
mod wait;

pub use fault::{Fault, classify};
