//! What an operator was warned of.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operations::Ask;
use super::reply::{self, Reply};
use crate::alert::Alert;
use crate::model::Time;

/// What an operator was warned of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertReports {
    /// Those that are open, the newest first, then those that are over.
    pub alerts: Vec<AlertReport>,
    /// Messages to webhooks that could not be delivered since the start.
    pub undelivered: u64,
}

/// A warning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertReport {
    /// Unique.
    pub id: String,
    /// `budget`, `error_rate`, `ejected`, `at_rail`, `share_off`, `config_refused`, `quota_exhausted`, `key_rejected`,
    /// `controller_stale`, `store_failing` or `cluster`.
    pub kind: String,
    /// About whom or what.
    pub subject: String,
    /// Since when, in seconds since 1970.
    pub since: f64,
    /// Since when no more, in seconds since 1970; `None` while it holds.
    pub resolved: Option<f64>,
    /// What is wrong and what to do.
    pub message: String,
}

/// `GET /api/v1/alerts`.
pub(super) fn list(ask: &Ask<'_>) -> Reply {
    let alerts = &ask.admin.alerts;
    let reports = AlertReports {
        alerts: alerts
            .list(ask.query.flag("open"))
            .iter()
            .map(report)
            .collect(),
        undelivered: alerts.undelivered(),
    };
    reply::json(StatusCode::OK, &reports)
}

pub(super) fn report(alert: &Alert) -> AlertReport {
    AlertReport {
        id: alert.id.clone(),
        kind: alert.kind.label().to_owned(),
        subject: alert.subject.clone(),
        since: alert.since.as_secs_f64(),
        resolved: alert.resolved.map(Time::as_secs_f64),
        message: alert.message.clone(),
    }
}
