//! What the controller has decided and how it fares, as gauges and counters that are made when somebody asks.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::labels::{Bound, Build, Decided, Held, OTHER, Place, Read, Serving, Sidelined};
use super::metrics::{add, add_seconds};
use super::names;
use super::prometheus::{Fraction, places, whole};
use crate::config::ClientKey;
use crate::live::{Board, Snapshot, Upstream};
use crate::model::Time;

/// The configuration and the controller.
pub(super) fn control(gauges: &mut Registry, snapshot: &Snapshot, board: &Board, now: Time) {
    let generation = i64::try_from(snapshot.generation).unwrap_or(i64::MAX);
    add(gauges, names::GENERATION, whole(generation));
    add(
        gauges,
        names::SWITCH,
        whole(i64::from(snapshot.switch.is_off())),
    );
    let orders = i64::try_from(board.steering().len()).unwrap_or(i64::MAX);
    add(gauges, names::STEERING, whole(orders));
    let good = i64::from(board.refusal().is_none());
    add(gauges, names::LAST_RELOAD, whole(good));
    let reloads = Family::<Read, Counter>::default();
    let (accepted, refused) = board.reloads();
    for (result, times) in [("accepted", accepted), ("refused", refused)] {
        reloads.get_or_create(&Read { result }).inc_by(times);
    }
    add(gauges, names::RELOADS, reloads);
    let age = Fraction::default();
    age.set(now.secs_since(board.decided_at()));
    add_seconds(gauges, names::CONTROLLER_AGE, age);
    for (name, value) in [
        (names::TICKS, board.ticks()),
        (names::TICKS_LOST, board.ticks_lost()),
    ] {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        add(gauges, name, counter);
    }
    let busy = Counter::<f64, std::sync::atomic::AtomicU64>::default();
    busy.inc_by(board.busy().as_secs_f64());
    add_seconds(gauges, names::CONTROLLER_BUSY, busy);
    let version = env!("CARGO_PKG_VERSION");
    add(gauges, names::BUILD, Info::new(Build { version }));
}

/// Client keys: how many there are, not which.
pub(super) fn keys(gauges: &mut Registry, snapshot: &Snapshot, now: Time) {
    let family = Family::<Held, Gauge>::default();
    for from in ["files", "books"] {
        for state in ["active", "expired", "revoked"] {
            drop(family.get_or_create(&Held { from, state }));
        }
    }
    let (config, clients) = (&snapshot.config, &snapshot.clients);
    let add_one = |from, key: &ClientKey, is_revoked: bool| {
        let state = match key.expires {
            _ if is_revoked => "revoked",
            Some(expires) if now >= expires => "expired",
            Some(_) | None => "active",
        };
        family.get_or_create(&Held { from, state }).inc();
    };
    for key in config.keys.values() {
        let client = clients.named(&key.name);
        add_one("files", key, client.is_some_and(|it| it.is_revoked()));
    }
    for made in config.issued.all.values() {
        if let Some(of) = &made.made {
            add_one("books", &of.key, made.revoked.is_some());
        }
    }
    add(gauges, names::KEYS, family);
    let missing = i64::from(clients.missing().is_some());
    add(gauges, names::KEYS_MISSING, whole(missing));
}

/// What was decided about each route, and which rails held whom.
pub(super) fn decided(gauges: &mut Registry, snapshot: &Snapshot, board: &Board) {
    let decisions = Family::<Decided, Counter>::default();
    let rails = Family::<Bound, Counter>::default();
    let tallies = board.tallies();
    for (name, told) in tallies.routes() {
        // A route that has just gone has no labels any more.
        let Some(route) = snapshot.route(name.as_str()) else {
            continue;
        };
        for (result, times) in [("moved", told.moved), ("held", told.held)] {
            let route = route.label.clone();
            decisions
                .get_or_create(&Decided { route, result })
                .inc_by(times);
        }
        for (target, place) in route.config.targets.iter().zip(places(route)) {
            for (rail, times) in told.rails.get(&target.name).into_iter().flatten() {
                let rail = rail.label();
                let place: Place = place.clone();
                rails.get_or_create(&Bound { place, rail }).inc_by(*times);
            }
        }
    }
    add(gauges, names::DECISIONS, decisions);
    add(gauges, names::RAILS, rails);
}

/// How often each upstream was ejected and why; models that only requests name are one for each provider.
pub(super) fn ejections(gauges: &mut Registry, snapshot: &Snapshot) {
    let family = Family::<Sidelined, Counter>::default();
    let count = |upstream: &Upstream, model: &str| {
        for (cause, times) in upstream.ejections().filter(|(_, times)| *times > 0) {
            let serving = Serving {
                provider: upstream.name().provider().as_str().into(),
                model: model.into(),
            };
            let cause = cause.label();
            family
                .get_or_create(&Sidelined { serving, cause })
                .inc_by(times);
        }
    };
    for member in snapshot.upstreams.values() {
        count(&member.upstream, member.upstream.name().model());
    }
    for stranger in snapshot.strangers.all() {
        if !snapshot.upstreams.contains_key(stranger.name().as_str()) {
            count(&stranger, OTHER);
        }
    }
    add(gauges, names::EJECTIONS, family);
}
