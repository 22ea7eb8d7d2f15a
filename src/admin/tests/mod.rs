//! The admin listener over a real socket, on a configuration from files.

mod api;
mod conventions;
mod dashboard;
mod keys;
mod looking;
mod metrics;
mod reload;
mod steering;
mod usage;
mod world;
