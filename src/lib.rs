//! Weighbridge: an adaptive load balancer for language-model traffic.
//!
//! The daemon is a pure function with a proxy around it. ARCHITECTURE.md has the bird's eye view and the table of who may
//! import whom.

pub mod balance;
pub mod catalogue;
pub mod config;
pub mod dialect;
pub mod files;
pub mod fleet;
pub mod journal;
pub mod law;
pub mod limit;
pub mod model;
pub mod provider;
pub mod sim;
pub mod wire;

#[cfg(feature = "daemon")]
pub mod admin;
#[cfg(feature = "daemon")]
pub mod alert;
#[cfg(feature = "daemon")]
pub mod app;
#[cfg(feature = "daemon")]
pub mod cli;
#[cfg(feature = "daemon")]
pub mod cluster;
#[cfg(feature = "daemon")]
pub mod control;
#[cfg(feature = "daemon")]
pub mod demo;
#[cfg(feature = "daemon")]
pub mod identity;
#[cfg(feature = "daemon")]
pub mod live;
#[cfg(feature = "daemon")]
pub mod login;
#[cfg(feature = "daemon")]
pub mod mock;
#[cfg(feature = "daemon")]
pub mod proxy;
#[cfg(feature = "daemon")]
pub mod store;
#[cfg(feature = "daemon")]
pub mod telemetry;
