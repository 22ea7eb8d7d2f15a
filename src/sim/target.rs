//! One simulated target: its law, and the gate as plain values.

use crate::balance::gate::{GateOrder, GateState, Standing};
use crate::balance::{FlightKey, Tally, UpstreamInput};
use crate::law::{Law, State, salt};
use crate::model::{AnswerKind, Event, Price, Time};

/// A simulated target as the data plane would hold it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) law: Law,
    pub(super) state: State,
    pub(super) salt: u64,
    pub(super) gate: GateState,
    pub(super) standing: Standing,
    tally: Tally,
    pub(super) ejections: u64,
}

impl Target {
    pub(super) fn new(name: &str, law: Law) -> Self {
        Self {
            law,
            state: State::default(),
            salt: salt(name),
            gate: GateState::default(),
            standing: Standing::default(),
            tally: Tally::default(),
            ejections: 0,
        }
    }

    pub(super) fn begin(&mut self, now: Time, kind: AnswerKind, probe: bool) -> FlightKey {
        self.gate.in_flight += 1;
        self.gate.pending[kind.index()] += 1;
        self.tally.begin(now, kind, probe)
    }

    pub(super) fn record(&mut self, now: Time, key: FlightKey, event: &Event) {
        let recorded = self.tally.record(now, key, event);
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

    pub(super) fn collect(&mut self, now: Time) -> UpstreamInput {
        let collected = self.tally.collect(now);
        UpstreamInput {
            batch: collected.batch,
            reference: collected.reference,
            in_flight: self.gate.in_flight,
            flights: collected.flights,
            fault_sum: collected.fault_sum,
            blocked_until: self.gate.blocked_until,
            news: collected.news,
            price: Some(self.price(now)),
            headroom: None,
        }
    }

    /// Relative prices of scenarios may be below one micro-dollar: a million times as much says the same.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "prices are checked to be non-negative, and a float cast saturates"
    )]
    fn price(&self, now: Time) -> Price {
        let at = |number: &crate::law::Number| (number.at(now.as_secs_f64()) * 1e6) as u64;
        Price::flat(at(&self.law.price_in), at(&self.law.price_out))
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
