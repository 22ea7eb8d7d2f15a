//! Traces and metrics on their way to a collector, in a program that was built for it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::Admin;

/// How long it may take to end: a little more than it gives itself for what is left.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// What sends them, if anything does. It is no part of what the daemon cannot go on without.
#[derive(Debug)]
pub(super) struct Exporting {
    task: Option<JoinHandle<()>>,
}

impl Exporting {
    /// Waits until what is left has been sent.
    pub(super) async fn end(self) {
        if let Some(task) = self.task
            && !matches!(tokio::time::timeout(LAST_WORDS, task).await, Ok(Ok(())))
        {
            tracing::warn!("the export of traces and metrics could not be finished");
        }
    }
}

/// Begins; whether there is a collector, the configuration says at any moment.
#[cfg(feature = "otel")]
pub(super) fn export(admin: &Admin, ended: watch::Receiver<bool>) -> Exporting {
    use std::sync::Arc;

    use crate::telemetry::{Exported, Exporter};
    let exporter = Exporter::new(Exported {
        published: admin.published.clone(),
        board: Arc::clone(&admin.board),
        metrics: Arc::clone(&admin.metrics),
        ledger: Arc::clone(&admin.ledger),
        clock: admin.clock,
        environment: admin.environment.clone(),
        instance: rand::random(),
    });
    Exporting {
        task: Some(tokio::spawn(exporter.run(ended))),
    }
}

/// Nothing: no configuration of this program names a collector.
#[cfg(not(feature = "otel"))]
pub(super) fn export(_: &Admin, ended: watch::Receiver<bool>) -> Exporting {
    drop(ended);
    Exporting { task: None }
}

#[cfg(test)]
#[cfg(feature = "otel")]
#[path = "exporting_tests.rs"]
mod tests;
