//! One test binary for everything that needs more than one module.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what fails in a test is told by its panic"
)]

mod cli;
