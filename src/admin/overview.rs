//! The daemon at a glance.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Admin;
use super::reply::{self, Reply};
use crate::config::Mode;
use crate::model::Time;

/// What runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Overview {
    /// Of the program.
    pub version: &'static str,
    /// The environment's name.
    pub environment: String,
    /// Since when it runs, in seconds since 1970.
    pub started_at: f64,
    /// Counts configurations that were put in force.
    pub config_generation: u64,
    /// What holds for routes that say nothing else.
    pub mode: Mode,
    /// How the controller fares.
    pub controller: ControllerState,
    /// Problems of the files as they are now; 0 if they are in force.
    pub problems: usize,
    /// Operators' orders that hold.
    pub steering: usize,
    /// Whether the kill switch is off.
    pub switch_off: bool,
    /// Alerts that are open.
    pub alerts: usize,
    /// The routes.
    pub routes: Vec<String>,
    /// Whether the dashboard's demo can be steered here.
    pub demo: bool,
}

/// How the controller fares.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ControllerState {
    /// Seconds since it last decided.
    pub age_seconds: f64,
    /// Ticks that brought no decision because something went wrong in them.
    pub ticks_lost: u64,
}

/// `GET /api/v1/overview`.
pub(super) fn overview(admin: &Admin) -> Reply {
    let snapshot = admin.published.read();
    let now = admin.clock.now();
    let overview = Overview {
        version: env!("CARGO_PKG_VERSION"),
        environment: admin.environment.clone(),
        started_at: admin.started.secs_since(Time::ZERO),
        config_generation: snapshot.generation,
        mode: snapshot.config.mode,
        controller: ControllerState {
            age_seconds: now.secs_since(admin.board.decided_at()),
            ticks_lost: admin.board.ticks_lost(),
        },
        problems: admin.board.refusal().map_or(0, |it| it.problems.len()),
        steering: admin.board.steering().len(),
        switch_off: snapshot.switch.is_off(),
        alerts: admin.alerts.list(true).len(),
        routes: snapshot
            .routes
            .iter()
            .map(|it| it.label.to_string())
            .collect(),
        demo: admin.stage.get().is_some(),
    };
    reply::json(StatusCode::OK, &overview)
}
