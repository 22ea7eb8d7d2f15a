//! The exposition: counters and histograms as they stand, gauges computed now.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::control::{control, decided, ejections, keys};
use super::fleet::fleet;
use super::labels::{About, InState, Limited, OTHER, OfKind, Place, Serving};
use super::metrics::{Metrics, Raised, add};
use super::names::{self, PREFIX};
use super::text::{Exposition, older};
use crate::balance::{Share, State};
use crate::live::{Board, Journal, Route, Scope, Served, Snapshot};
use crate::model::Time;
use crate::store::{Books, BooksCondition, Losses};

/// A gauge of a fraction or of seconds.
pub(super) type Fraction = Gauge<f64, AtomicU64>;

impl Metrics {
    /// Everything, in one of the formats that Prometheus reads.
    ///
    /// # Errors
    /// None in practice: a text can always grow.
    pub fn render(
        &self,
        snapshot: &Snapshot,
        board: &Board,
        now: Time,
        format: Exposition,
    ) -> Result<String, fmt::Error> {
        let mut gauges = Registry::with_prefix(PREFIX);
        targets(&mut gauges, snapshot, board);
        upstreams(&mut gauges, snapshot);
        ejections(&mut gauges, snapshot);
        decided(&mut gauges, snapshot, board);
        control(&mut gauges, snapshot, board, now);
        fleet(&mut gauges, board, now);
        keys(&mut gauges, snapshot, now);
        budgets(&mut gauges, snapshot, now);
        if let Some(raised) = self.alerts.get() {
            alerts(&mut gauges, &raised());
        }
        if let Some(open) = self.open.get() {
            add(&mut gauges, names::OPEN_REQUESTS, count(open()));
        }
        if let Some(written) = self.journal.get() {
            journal(&mut gauges, written);
        }
        if let Some(condition) = self.books.get().and_then(Books::condition) {
            books(&mut gauges, &condition);
        }
        #[cfg(feature = "otel")]
        if snapshot.config.otlp.is_some()
            && let Some(told) = self.exports.get()
        {
            exports(&mut gauges, told);
        }
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &self.conventions)?;
        encode_registry(&mut text, &gauges)?;
        encode_eof(&mut text)?;
        Ok(match format {
            Exposition::OpenMetrics => text,
            Exposition::Text => older(&text),
        })
    }
}

/// Shares and states of all routes' targets.
fn targets(gauges: &mut Registry, snapshot: &Snapshot, board: &Board) {
    let [configured, proposed, granted, actual, confidence, cached]: [Family<Place, Fraction>; 6] =
        Default::default();
    let qualities: [Family<Place, Fraction>; 3] = Default::default();
    let states = Family::<InState, Gauge>::default();
    for route in &snapshot.routes {
        let picked = route.cells.picked_ever();
        let all: u64 = picked.iter().sum();
        let decision = board.decision(&route.label);
        for (i, place) in places(route).enumerate() {
            let fraction = |shares: &[Share]| shares.get(i).map_or(0.0, |share| share.fraction());
            let set = |family: &Family<Place, Fraction>, value| {
                family.get_or_create(&place).set(value);
            };
            set(&configured, fraction(route.configured.shares()));
            set(&granted, fraction(route.in_force().shares()));
            if let (Some(mine), 1..) = (picked.get(i), all) {
                set(&actual, *mine as f64 / all as f64);
            }
            // A decision of before a reload may have other rows.
            let name = &route.config.targets[i].name;
            let Some(decision) = &decision else { continue };
            let mut rows = decision.rows.iter();
            let Some(row) = rows.find(|row| row.name == *name) else {
                continue;
            };
            set(&proposed, row.proposed.fraction());
            set(&confidence, row.confidence);
            if let Some(ratio) = row.evidence.cached {
                set(&cached, ratio);
            }
            if let Some(quality) = row.evidence.quality {
                let values = [quality.mean, quality.deviation, quality.scores];
                for (family, value) in qualities.iter().zip(values) {
                    set(family, value);
                }
            }
            let now_in = State::of(row, decision);
            for state in State::ALL {
                let place = place.clone();
                let gauge = states.get_or_create_owned(&InState {
                    place,
                    state: state.label(),
                });
                gauge.set(i64::from(state == now_in));
            }
        }
    }
    add(gauges, names::CONFIGURED_SHARE, configured);
    add(gauges, names::PROPOSED_SHARE, proposed);
    add(gauges, names::GRANTED_SHARE, granted);
    add(gauges, names::ACTUAL_SHARE, actual);
    add(gauges, names::CONFIDENCE, confidence);
    add(gauges, names::CACHED_RATIO, cached);
    let [mean, deviation, scores] = qualities;
    add(gauges, names::QUALITY, mean);
    add(gauges, names::QUALITY_DEVIATION, deviation);
    add(gauges, names::QUALITY_SCORES, scores);
    add(gauges, names::TARGET_STATE, states);
}

/// The labels of a route's targets, in their order.
pub(super) fn places(route: &Route) -> impl Iterator<Item = Place> + '_ {
    route.config.targets.iter().map(|target| {
        let served = Served {
            name: Some(target.name.clone()),
            upstream: target.upstream.name.clone(),
        };
        Place::new(&route.label, Some(&served))
    })
}

/// Calls under way: by configured upstream, and by provider for models that only requests name.
fn upstreams(gauges: &mut Registry, snapshot: &Snapshot) {
    let in_flight = Family::<Serving, Gauge>::default();
    let configured = snapshot.upstreams.values();
    for member in configured {
        let name = member.upstream.name();
        let serving = Serving {
            provider: name.provider().as_str().into(),
            model: name.model().into(),
        };
        let calls = i64::from(member.upstream.gate().in_flight);
        in_flight.get_or_create(&serving).inc_by(calls);
    }
    for stranger in snapshot.strangers.all() {
        if snapshot.upstreams.contains_key(stranger.name().as_str()) {
            continue;
        }
        let serving = Serving {
            provider: stranger.name().provider().as_str().into(),
            model: OTHER.into(),
        };
        let calls = i64::from(stranger.gate().in_flight);
        in_flight.get_or_create(&serving).inc_by(calls);
    }
    add(gauges, names::IN_FLIGHT, in_flight);
}

/// What an operator is warned of.
fn alerts(gauges: &mut Registry, raised: &Raised) {
    let open = Family::<OfKind, Gauge>::default();
    for (kind, alerts) in &raised.open {
        let alerts = i64::try_from(*alerts).unwrap_or(i64::MAX);
        open.get_or_create(&OfKind { kind }).set(alerts);
    }
    add(gauges, names::ALERTS, open);
    let undelivered = Counter::<u64>::default();
    undelivered.inc_by(raised.undelivered);
    add(gauges, names::ALERTS_UNDELIVERED, undelivered);
}

/// Most client keys whose budgets are exported, those of the files first: six series each. `/api/v1/budgets` has all.
const MOST_KEYS: usize = 500;

/// What was spent of each budget; absent where there is none.
fn budgets(gauges: &mut Registry, snapshot: &Snapshot, now: Time) {
    let all = snapshot.budgets.all();
    if all.is_empty() {
        return;
    }
    let [spent, limit]: [Family<Limited, Fraction>; 2] = Default::default();
    let mut of_keys = 0;
    for allowance in all {
        if matches!(allowance.scope, Scope::Key(_)) {
            of_keys += 1;
            if of_keys > MOST_KEYS {
                continue;
            }
        }
        let subject = Arc::from(allowance.scope.subject());
        for standing in allowance.standings(now) {
            let labels = Limited {
                scope: allowance.scope.kind(),
                subject: Arc::clone(&subject),
                window: standing.window.label(),
            };
            spent.get_or_create(&labels).set(standing.spent.usd());
            limit.get_or_create(&labels).set(standing.limit.usd());
        }
    }
    add(gauges, names::BUDGET_SPENT_USD, spent);
    add(gauges, names::BUDGET_LIMIT, limit);
}

/// How the journal's writing goes.
fn journal(gauges: &mut Registry, journal: &Journal) {
    let family = Family::<About, Counter>::default();
    let lost = journal.lost();
    for (about, lines) in [("tick", lost.ticks), ("request", lost.draws)] {
        family.get_or_create(&About { about }).inc_by(lines);
    }
    add(gauges, names::JOURNAL_LOST, family);
    let bytes = Counter::<u64>::default();
    bytes.inc_by(journal.bytes());
    add(gauges, names::JOURNAL_BYTES, bytes);
    let is_failing = i64::from(journal.is_failing());
    add(gauges, names::JOURNAL_FAILING, whole(is_failing));
}

/// How the books' writing goes.
fn books(gauges: &mut Registry, condition: &BooksCondition) {
    let family = Family::<About, Counter>::default();
    let Losses { requests, rows } = condition.lost;
    for (about, lost) in [("request", requests), ("other", rows)] {
        family.get_or_create(&About { about }).inc_by(lost);
    }
    add(gauges, names::STORE_LOST, family);
    let is_failing = i64::from(condition.failing.is_some());
    add(gauges, names::STORE_FAILING, whole(is_failing));
}

/// How the sending of spans and metrics goes.
#[cfg(feature = "otel")]
fn exports(gauges: &mut Registry, told: &super::otlp::Exports) {
    use std::sync::atomic::Ordering::Relaxed;

    use super::labels::Read;
    let spans = Family::<Read, Counter>::default();
    for (result, many) in [
        ("sent", &told.sent),
        ("refused", &told.refused),
        ("dropped", &told.dropped),
    ] {
        spans
            .get_or_create(&Read { result })
            .inc_by(many.load(Relaxed));
    }
    add(gauges, names::OTLP_SPANS, spans);
    let failing = Family::<About, Gauge>::default();
    for (about, fails) in [
        ("spans", &told.spans_failing),
        ("metrics", &told.metrics_failing),
    ] {
        let fails = i64::from(fails.load(Relaxed));
        failing.get_or_create(&About { about }).set(fails);
    }
    add(gauges, names::OTLP_FAILING, failing);
}

fn count(value: usize) -> Gauge {
    whole(i64::try_from(value).unwrap_or(i64::MAX))
}

pub(super) fn whole(value: i64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(value);
    gauge
}
