//! Who hears of attempts and requests that ended.

use std::sync::Arc;

use crate::live::{Asked, Ledger, Recorder, RequestEnd, Upstream, Witness};
use crate::model::Finished;
use crate::telemetry::Metrics;

/// The metrics, and the records of requests.
#[derive(Debug)]
pub(super) struct Recorders {
    pub(super) metrics: Arc<Metrics>,
    pub(super) ledger: Arc<Ledger>,
}

impl Witness for Recorders {
    fn attempt_ended(&self, route: &str, upstream: &Upstream, asked: Asked, end: &Finished) {
        self.metrics.attempt_ended(route, upstream, asked, end);
    }
}

impl Recorder for Recorders {
    fn request_ended(&self, end: &Arc<RequestEnd>) {
        self.metrics.request_ended(end);
        self.ledger.ended(end);
    }
}
