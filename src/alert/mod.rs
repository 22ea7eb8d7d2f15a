//! Warnings: what an operator should know, found by looking each second, and told once.
//!
//! Problem: conditions come, flicker and go, an operator wants to hear of each once, and whoever is told may be slow, away
//! or gone. Choice: each second a few pure looks give all conditions that hold now ([`sight`]); a register remembers which of
//! them were raised and tells what is new and what is over ([`register`]); webhooks have a bounded queue and a task each, so
//! none waits for another and nothing waits for them ([`delivery`]). What all replicas find out, that a part of a budget which
//! they share is spent, is told by the one that asks first ([`telling`]). How it fails: what could not be delivered for some
//! minutes is dropped, counted and logged; the list in the API and the books still has it.

mod budgets;
mod delivery;
mod lately;
mod message;
mod register;
mod sight;
mod task;
mod telling;

pub use delivery::Deliveries;
pub use register::{Alert, Condition};
pub use task::{Alerts, Watched, watch};
