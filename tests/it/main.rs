//! One test binary for everything that needs more than one module.
//!
//! What runs the program itself goes through `daemon`: the real binary, real sockets on free ports, files in a folder of
//! the test's own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "what fails in a test is told by its panic, figures by its output"
)]

pub mod corpora;
mod costs;
mod image;
#[cfg(feature = "daemon")]
mod journal;
mod laws;
mod layers;
mod linear;
mod recordings;
mod source;
mod threats;
mod worlds;

#[cfg(feature = "daemon")]
mod alerts;
#[cfg(feature = "daemon")]
mod books;
#[cfg(feature = "daemon")]
mod budgets;
#[cfg(feature = "daemon")]
mod canaries;
#[cfg(feature = "daemon")]
mod cli;
#[cfg(feature = "daemon")]
mod client;
#[cfg(feature = "redis")]
mod clients;
#[cfg(feature = "daemon")]
mod commands;
#[cfg(feature = "daemon")]
mod credentials;
#[cfg(feature = "daemon")]
mod crowd;
#[cfg(feature = "daemon")]
mod daemon;
#[cfg(feature = "daemon")]
mod demo;
#[cfg(feature = "daemon")]
mod deployed;
#[cfg(feature = "daemon")]
mod drain;
#[cfg(feature = "daemon")]
mod egress;
#[cfg(feature = "daemon")]
mod encrypted;
#[cfg(feature = "redis")]
mod engines;
#[cfg(feature = "daemon")]
mod feedback;
#[cfg(feature = "daemon")]
mod files;
#[cfg(feature = "redis")]
mod fleet;
#[cfg(feature = "redis")]
mod fleet_alerts;
#[cfg(feature = "redis")]
mod fleet_books;
#[cfg(feature = "redis")]
mod fleet_commands;
#[cfg(feature = "redis")]
mod fleet_engine;
#[cfg(feature = "redis")]
mod fleet_leaving;
#[cfg(feature = "redis")]
mod fleet_network;
#[cfg(feature = "redis")]
mod fleet_newcomer;
#[cfg(feature = "redis")]
mod fleet_twins;
#[cfg(feature = "daemon")]
mod import;
#[cfg(feature = "daemon")]
mod incidents;
#[cfg(feature = "daemon")]
mod init;
#[cfg(feature = "daemon")]
mod keys;
#[cfg(feature = "daemon")]
mod mounted;
#[cfg(feature = "daemon")]
mod prices;
#[cfg(feature = "daemon")]
mod process;
#[cfg(feature = "daemon")]
mod provider_tls;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "daemon")]
mod reload;
#[cfg(feature = "redis")]
mod replicas;
#[cfg(feature = "daemon")]
mod rolling;
#[cfg(feature = "daemon")]
mod service;
#[cfg(feature = "daemon")]
mod shares;
#[cfg(feature = "daemon")]
mod simulated;
#[cfg(feature = "daemon")]
mod steering;
#[cfg(feature = "daemon")]
mod upstream;
