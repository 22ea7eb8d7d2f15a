//! The operators' side: health, metrics, shares with their reasons, the configuration in force, reload.
//!
//! Its own listener, so that it can be reached when the data plane is full and need not be reached from where clients
//! are. It asks for a token where one is set, listens on loopback unless it has one or is told otherwise, shows no credential, and what changes something
//! refuses requests that a web page in an operator's browser sends (see [`origin`]).
//!
//! What there is stands in one table, `operations`, and `GET /api/v1/openapi.json` describes it.

use std::sync::{Arc, OnceLock};

use crate::alert::Alerts;
use crate::control::Handle;
use crate::live::{Board, Clock, Ledger, Published};
use crate::model::Time;
use crate::store::Books;
use crate::telemetry::Metrics;

mod alerts;
mod budgets;
mod chance;
mod dashboard;
mod feed;
mod fleet;
mod foregone;
mod handler;
mod health;
mod history;
mod index;
mod keys;
mod near;
mod openapi;
mod operations;
mod origin;
mod overview;
mod percentiles;
mod query;
mod reload;
mod reply;
mod report;
mod requests;
mod server;
mod shapes;
mod stage;
mod steering;
mod usage;

pub use alerts::{AlertReport, AlertReports};
pub use budgets::BudgetReport;
pub use feed::{Watch, look};
pub use fleet::{FleetReport, Gone, ReplicaReport, SameName};
pub use keys::{Change, KeyReport, KeyReports, KeyStanding, MadeKey, SecretReport};
pub use near::unknown;
pub use openapi::description;
pub use report::{ClusterState, RefusedFiles, Reports, RouteReport, TargetReport};
pub use server::serve;
pub use stage::{Act, Actor, Count, Scene, Stage};
pub use steering::{Ended, Given, Steering, SwitchState, Throw};

/// What the admin listener shows and asks.
#[derive(Debug)]
pub struct Admin {
    /// What is in force.
    pub published: Published,
    /// What the controller shows.
    pub board: Arc<Board>,
    /// What was counted.
    pub metrics: Arc<Metrics>,
    /// Requests that ended.
    pub ledger: Arc<Ledger>,
    /// What is watched.
    pub watch: Watch,
    /// The demo's stage, in a demo. Holds what holds this listener's parts: both end with the process.
    pub stage: Arc<OnceLock<Arc<dyn Stage>>>,
    /// The environment's name.
    pub environment: String,
    /// When the daemon started.
    pub started: Time,
    /// Where reloads are asked for.
    pub handle: Handle,
    /// The books.
    pub books: Books,
    /// What an operator was warned of.
    pub alerts: Arc<Alerts>,
    /// The daemon's clock.
    pub clock: Clock,
}

#[cfg(test)]
mod tests;
