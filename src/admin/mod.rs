//! The operators' side: health, metrics, shares with their reasons, the configuration in force, reload.
//!
//! Its own listener, so that it can be reached when the data plane is full and need not be reached from where clients
//! are. It asks for no key, listens on loopback unless told otherwise, shows no credential, and what changes something
//! refuses requests that a web page in an operator's browser sends (see [`origin`]).
//!
//! | request | answer |
//! |---|---|
//! | `GET /`, `/assets/…` | the dashboard, see [`dashboard`] |
//! | `GET /healthz` | 200 while the process works, also when a file was refused: the body says so |
//! | `GET /readyz` | 200, or 503 while the daemon drains |
//! | `GET /metrics` | OpenMetrics text, or the older format to who does not ask for that |
//! | `GET /api/v1/routes`, `/api/v1/routes/{route}` | shares and why, as [`RouteReport`] |
//! | `GET /api/v1/config` | the merged files, credentials masked |
//! | `POST /api/v1/reload` | 200 once the files are in force, 409 with everything that is wrong with them |

use std::sync::Arc;

use crate::control::Handle;
use crate::live::{Board, Clock, Ledger, Published};
use crate::store::Books;
use crate::telemetry::Metrics;

mod dashboard;
mod handler;
mod health;
mod origin;
mod path;
mod reload;
mod reply;
mod report;
mod server;

pub use report::{Reports, RouteReport, TargetReport};
pub use server::serve;

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
    /// Where reloads are asked for.
    pub handle: Handle,
    /// The books.
    pub books: Books,
    /// The daemon's clock.
    pub clock: Clock,
}

#[cfg(test)]
mod tests;
