//! What becomes of a tick's decisions: orders go to the gates, moved tables into one new snapshot, and what was decided is
//! shown as it is obeyed.
//!
//! In `shadow` and `off`, and while the kill switch is off, decisions are made all the same; here is where they end.

use std::sync::Arc;

use super::controller::Controller;
use crate::balance::gate::GateOrder;
use crate::balance::{Decision, Rail, Stepped, WeightTable};
use crate::config::Mode;
use crate::live::{Route, Snapshot, Upstream};
use crate::model::Time;

impl Controller {
    /// Puts the remembered shares in force where they are obeyed.
    pub(super) fn put_tables(&self, next: &mut Snapshot) {
        for (route, table) in next.routes.iter_mut().zip(self.memory.tables()) {
            if route.config.mode == Mode::Auto {
                *route = Arc::new(with_table(route, table));
            }
        }
    }

    /// Hands the orders to the gates and the tables to the data plane.
    pub(super) fn obey(&mut self, snapshot: &Snapshot, stepped: Stepped, now: Time) {
        for (member, order) in self.upstreams.iter().zip(&stepped.orders) {
            hand_over(&member.upstream, order);
        }
        let mut next: Option<Snapshot> = None;
        let mut shown = Vec::with_capacity(stepped.decisions.len());
        for (i, (route, decision)) in snapshot.routes.iter().zip(stepped.decisions).enumerate() {
            let mode = obeyed(route);
            if let Some(keepsake) = &mut self.keepsake {
                keepsake.proposed(&decision, mode, now);
            }
            let is_moved = mode == Mode::Auto && decision.table != route.granted;
            let table_version = route.table_version + u64::from(is_moved);
            if is_moved {
                log_move(route, &decision);
                let moved = Route {
                    granted: decision.table.clone(),
                    table_version,
                    ..(**route).clone()
                };
                next.get_or_insert_with(|| snapshot.clone()).routes[i] = Arc::new(moved);
            }
            route.cells.found(&decision.rows);
            let mut decision = as_obeyed(decision, route);
            route.note_spent(&mut decision, self.clock);
            if let Some(keepsake) = &mut self.keepsake {
                let versions = (snapshot.generation, table_version);
                keepsake.decided(&decision, is_moved, now, versions);
            }
            shown.push(Arc::new(decision));
        }
        if let Some(next) = next {
            self.publisher.publish(next);
        }
        for (route, halvings) in snapshot.routes.iter().zip(self.memory.halvings()) {
            route.cells.aged(halvings);
        }
        self.board.decided(now, shown);
    }
}

fn hand_over(upstream: &Upstream, order: &GateOrder) {
    let was = upstream.gate().serving;
    upstream.obey(order);
    let is = upstream.gate().serving;
    if was && !is {
        tracing::warn!(target = %upstream.name(), "ejected: its requests are overdue");
    } else if !was && is {
        tracing::info!(target = %upstream.name(), "takes traffic again");
    }
}

fn with_table(route: &Route, table: &WeightTable) -> Route {
    Route {
        granted: table.clone(),
        ..route.clone()
    }
}

/// The mode that a route's requests see.
fn obeyed(route: &Route) -> Mode {
    if route.switch.is_off() {
        Mode::Off
    } else {
        route.config.mode
    }
}

/// The decision as it is obeyed: in `shadow` the configured shares are in force, in `off` nothing is proposed either.
fn as_obeyed(mut decision: Decision, route: &Route) -> Decision {
    let rail = match obeyed(route) {
        Mode::Auto => return decision,
        Mode::Shadow => Rail::Shadow,
        Mode::Off => Rail::Off,
    };
    decision.moved = false;
    decision.table = route.configured.clone();
    for row in &mut decision.rows {
        row.if_obeyed = (rail == Rail::Shadow).then_some(row.granted);
        row.granted = row.configured;
        if rail == Rail::Off {
            row.proposed = row.configured;
            row.rails.clear();
        }
        row.rails.insert(rail);
    }
    decision
}

fn log_move(route: &Route, decision: &Decision) {
    let moves = decision.rows.iter().zip(route.granted.shares());
    let moves: Vec<String> = moves
        .filter(|(row, before)| row.granted != **before)
        .map(|(row, before)| format!("{} {before} -> {}", row.name, row.granted))
        .collect();
    tracing::debug!(route = %route.label, version = route.table_version + 1, moves = ?moves, "shares moved");
}
