//! One upstream as the data plane would hold it: its gate as plain values, and what was counted since the last tick.

use crate::balance::gate::{GateOrder, GateState, Standing};
use crate::balance::{FlightKey, Tally, UpstreamInput};
use crate::model::{AnswerKind, Event, Price, Time};

#[derive(Debug, Default)]
pub(super) struct Upstream {
    pub(super) gate: GateState,
    pub(super) standing: Standing,
    tally: Tally,
    /// Times that it was ejected while it served.
    pub(super) ejections: u64,
    /// Whether something happened that others should know at once.
    pub(super) presses: bool,
}

impl Upstream {
    pub(super) fn begin(&mut self, now: Time, kind: AnswerKind, probe: bool) -> FlightKey {
        self.gate.in_flight += 1;
        self.gate.pending[kind.index()] += 1;
        self.tally.begin(now, kind, probe)
    }

    pub(super) fn record(&mut self, now: Time, key: FlightKey, event: &Event) {
        let recorded = self.tally.record(now, key, event);
        self.presses |= recorded.presses;
        if let Some(until) = recorded.reaction.block_until {
            self.gate.blocked_until = self.gate.blocked_until.max(until);
        }
        if recorded.reaction.eject.is_some() {
            self.ejections += u64::from(self.gate.serving);
            self.gate.serving = false;
        }
        if let Some(kind) = recorded.left_pending {
            self.gate.pending[kind.index()] -= 1;
        }
        if matches!(event, Event::Finished(_)) {
            self.gate.in_flight -= 1;
        }
    }

    pub(super) fn collect(&mut self, now: Time, price: Option<Price>) -> UpstreamInput {
        let collected = self.tally.collect(now);
        UpstreamInput {
            batch: collected.batch,
            reference: collected.reference,
            in_flight: self.gate.in_flight,
            flights: collected.flights,
            fault_sum: collected.fault_sum,
            blocked_until: self.gate.blocked_until,
            news: collected.news,
            price,
            headroom: None,
            peers: None,
        }
    }

    /// It is to be left alone until then, as somebody else was told.
    pub(super) fn block(&mut self, until: Time) {
        self.gate.blocked_until = self.gate.blocked_until.max(until);
    }

    pub(super) fn obey(&mut self, order: &GateOrder) {
        let serving = self.tally.obey(&order.watch, order.reference);
        if self.gate.serving && !order.watch.serving {
            self.ejections += 1;
        }
        self.gate.serving = serving;
        self.gate.probe_wanted = order.probe_wanted;
        self.gate.limit = order.limit;
        self.gate.pending_cap = order.pending_cap;
        self.standing = order.standing;
    }
}
