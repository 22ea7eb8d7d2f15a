//! Shapes of answers that are put together where they are given.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::config::Problem;

/// What is wrong, and what to do about it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Failure {
    error: FailureDetail,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FailureDetail {
    /// What was expected, what came, what to do.
    message: String,
    /// Names that may have been meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nearest: Vec<String>,
}

/// One word.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Status {
    status: String,
}

/// Whether the process works.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    /// `ok`, or what an operator should look at: `config_refused`, or `degraded`.
    status: String,
    /// What does not work, though requests are served, in sentences: books that cannot be written, other replicas that are
    /// out of reach. Why it is so is told to who holds the token.
    degraded: Vec<String>,
    config_generation: u64,
    config: LastRead,
    /// Keys whose value waits for a restart.
    needs_restart: Vec<String>,
    controller: super::overview::ControllerState,
    /// Whether the books are kept, and how that fares.
    store: Value,
    /// The kill switch.
    switch: super::steering::SwitchState,
    version: String,
}

/// What came of the last time that the files were read.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LastRead {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_seconds_ago: Option<f64>,
    problems: Vec<Problem>,
}

/// What there is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Index {
    /// Methods and paths.
    paths: Vec<String>,
}

/// The configuration in force.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct InForce {
    environment: String,
    config_generation: u64,
    /// Since when it is in force, in seconds since 1970.
    loaded_at: f64,
    digest: String,
    /// Merged, credentials masked.
    config: Value,
    /// What changed against the one before, a line each.
    changes: Vec<String>,
    last_read: LastRead,
}

/// A configuration that was put in force.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Applied {
    config_generation: u64,
    changes: Vec<String>,
    needs_restart: Vec<String>,
}

/// A configuration that was not put in force.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Refused {
    /// Of the one that goes on.
    config_generation: u64,
    problems: Vec<Problem>,
}
