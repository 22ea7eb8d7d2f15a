//! Who hears of attempts and requests that ended.

use std::sync::Arc;

use crate::live::{
    Asked, Clock, Ledger, Published, Recorder, RequestEnd, Served, Upstream, Witness,
};
use crate::model::Finished;
use crate::telemetry::Metrics;

/// The metrics, what was spent, and the records of requests.
#[derive(Debug)]
pub(super) struct Recorders {
    pub(super) metrics: Arc<Metrics>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) published: Published,
    pub(super) clock: Clock,
}

impl Witness for Recorders {
    fn attempt_ended(&self, route: &str, upstream: &Upstream, asked: Asked, end: &Finished) {
        self.metrics.attempt_ended(route, upstream, asked, end);
        let budgets = &self.published.read().budgets;
        if !budgets.all().is_empty() {
            budgets.attempt_ended(upstream, end, self.clock.now());
        }
    }
}

impl Recorder for Recorders {
    fn request_ended(&self, end: &Arc<RequestEnd>) {
        self.metrics.request_ended(end);
        let snapshot = self.published.read();
        if !snapshot.budgets.all().is_empty() {
            snapshot.budgets.request_ended(end, self.clock.now());
        }
        if end.key.is_some() {
            snapshot.clients.request_ended(end, self.clock.now());
        }
        snapshot.ratings.ended(end);
        self.ledger.ended(end);
    }

    fn answer_rated(&self, route: &str, served: &Served, score: f64) {
        self.metrics.answer_rated(route, served, score);
    }
}
