//! The replicas that decide as one.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Replica, Standing};
use super::metrics::{add, add_seconds};
use super::names;
use super::prometheus::{Fraction, whole};
use crate::live::{Board, Membership};
use crate::model::Time;

/// Most replicas that have a series: more than a chart can show.
const MOST: usize = 100;

/// Whether this replica decides with others, and how late it hears of them.
pub(super) fn fleet(gauges: &mut Registry, board: &Board, now: Time) {
    let states = Family::<Standing, Gauge>::default();
    let post = board.post();
    let is = post.map_or("alone", |post| post.membership().label());
    for state in Membership::LABELS {
        let gauge = states.get_or_create(&Standing { state });
        gauge.set(i64::from(state == is));
    }
    add(gauges, names::CLUSTER_STATE, states);
    let Some(post) = post else { return };
    let size = i64::try_from(post.size(now)).unwrap_or(i64::MAX);
    add(gauges, names::CLUSTER_REPLICAS, whole(size));
    let (exchanges, failures) = post.rounds();
    for (name, value) in [
        (names::CLUSTER_EXCHANGES, exchanges),
        (names::CLUSTER_FAILURES, failures),
    ] {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        add(gauges, name, counter);
    }
    let lags = Family::<Replica, Fraction>::default();
    let theirs = post.theirs();
    let live = theirs
        .live(now)
        .filter(|it| it.report.replica != *post.replica());
    for heard in live.take(MOST) {
        let replica: Arc<str> = heard.report.replica.as_str().into();
        let lag = now.secs_since(heard.report.at);
        lags.get_or_create(&Replica { replica }).set(lag);
    }
    add_seconds(gauges, names::CLUSTER_LAG, lags);
}
