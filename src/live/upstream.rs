//! One upstream as the data plane holds it: the gate in atomics, the meter behind its lock.

use std::sync::{Arc, OnceLock, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use super::meter::{Distributions, Meter, Recently, Totals};
use super::spread::Spread;
use super::sync::{AtomicBool, AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering};
use crate::balance::gate::{Cause, GateOrder, GateState, Reaction, Standing};
use crate::balance::{FlightKey, Headroom, UpstreamInput};
use crate::model::{
    AnswerKind, Class, Event, Finished, Outcome, Price, Time, Tokens, UpstreamName,
};
use crate::provider::estimate::{Bytes, Counted, Ratio};

/// A provider and a model, live: what evidence belongs to. Shared by all routes and request lists that use it, and kept
/// across reloads.
///
/// Owner of the gate's state: attempts tighten it, the controller alone loosens it (by [`Upstream::obey`]).
#[derive(Debug)]
pub struct Upstream {
    name: UpstreamName,
    gate: Gate,
    /// Whom it shares its rate limits with.
    group: ArcSwapOption<RateGroup>,
    /// Whether it stands for all names of its provider that nobody knows yet.
    is_shared: bool,
    meter: Mutex<Meter>,
    /// How often it was ejected, by cause.
    ejections: [AtomicU64; Cause::ALL.len()],
    /// What a token of it is in bytes, for answers without counts.
    ratio: Mutex<Ratio>,
    /// Whom to wake where others should know at once of what happened; set only among several replicas.
    wakes: OnceLock<Arc<Notify>>,
}

/// The part of the gate that providers of one `quota_group` share: a rate limit of one is a rate limit of all.
#[derive(Debug, Default)]
pub struct RateGroup {
    blocked_until: AtomicU64,
}

impl RateGroup {
    /// Until when all of it is left alone.
    pub fn blocked_until(&self) -> Time {
        Time::from_micros(self.blocked_until.load(Ordering::Relaxed))
    }

    /// One of it, here or at another replica, was told to wait until then. It only tightens.
    pub fn block(&self, until: Time) {
        let until = until.as_micros();
        self.blocked_until.fetch_max(until, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Gate {
    blocked_until: AtomicU64,
    serving: AtomicBool,
    probe_wanted: AtomicBool,
    in_flight: AtomicU32,
    pending: [AtomicU32; 2],
    limit: AtomicU32,
    pending_cap: [AtomicU32; 2],
    standing: StandingCell,
}

/// A [`Standing`] in atomics; a reader may see fields of two ticks, which only ranks redirects a little differently.
#[derive(Debug)]
struct StandingCell {
    seconds: AtomicU64,
    variance: AtomicU64,
    faults: AtomicU64,
    cost: AtomicU64,
    ramp: AtomicU64,
}

impl Upstream {
    /// A new upstream that nothing is known of.
    pub fn new(name: UpstreamName) -> Self {
        let free = GateState::default();
        let gate = Gate {
            blocked_until: AtomicU64::new(0),
            serving: AtomicBool::new(true),
            probe_wanted: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            pending: [AtomicU32::new(0), AtomicU32::new(0)],
            limit: AtomicU32::new(free.limit),
            pending_cap: free.pending_cap.map(AtomicU32::new),
            standing: StandingCell::new(Standing::default()),
        };
        Self {
            name,
            gate,
            group: ArcSwapOption::empty(),
            is_shared: false,
            meter: Mutex::default(),
            ejections: std::array::from_fn(|_| AtomicU64::new(0)),
            ratio: Mutex::default(),
            wakes: OnceLock::new(),
        }
    }

    /// One that stands for many names: that one of them is unknown or forbidden says nothing about the others.
    pub(super) fn shared(name: UpstreamName) -> Self {
        Self {
            is_shared: true,
            ..Self::new(name)
        }
    }

    /// From now on `wakes` is notified of what others should know at once; the first to be named is.
    pub fn wakes(&self, wakes: &Arc<Notify>) {
        self.wakes.get_or_init(|| Arc::clone(wakes));
    }

    /// Shares its rate limits with `group` from now on, or with nobody.
    pub fn join(&self, group: Option<&Arc<RateGroup>>) {
        let now = self.group.load();
        let same = match (now.as_ref(), group) {
            (None, None) => true,
            (Some(now), Some(group)) => Arc::ptr_eq(now, group),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !same {
            self.group.store(group.cloned());
        }
    }

    /// The tokens of an exchange of so many `bytes`: as `reported`, from which is learned, else estimated.
    pub fn count(&self, bytes: Bytes, reported: Option<Tokens>) -> Counted {
        let mut ratio = self.ratio.lock().unwrap_or_else(PoisonError::into_inner);
        ratio.count(bytes, reported)
    }

    /// `provider/model`.
    pub fn name(&self) -> &UpstreamName {
        &self.name
    }

    /// The gate now.
    pub fn gate(&self) -> GateState {
        let gate = &self.gate;
        let load = |cell: &AtomicU32| cell.load(Ordering::Relaxed);
        GateState {
            blocked_until: self.blocked_until(),
            serving: gate.serving.load(Ordering::Relaxed),
            probe_wanted: gate.probe_wanted.load(Ordering::Relaxed),
            in_flight: load(&gate.in_flight),
            pending: [load(&gate.pending[0]), load(&gate.pending[1])],
            limit: load(&gate.limit),
            pending_cap: [load(&gate.pending_cap[0]), load(&gate.pending_cap[1])],
        }
    }

    fn blocked_until(&self) -> Time {
        let own = self.gate.blocked_until.load(Ordering::Relaxed);
        let group = self.group.load();
        let group = group.as_ref().map(|group| group.blocked_until());
        Time::from_micros(own).max(group.unwrap_or_default())
    }

    /// What the last tick published.
    pub fn standing(&self) -> Standing {
        self.gate.standing.load()
    }

    /// Takes the wanted probe, if nobody else did.
    pub fn claim_probe(&self) -> bool {
        self.gate.probe_wanted.swap(false, Ordering::AcqRel)
    }

    /// Sums since the start of the process.
    pub fn totals(&self) -> Totals {
        self.meter().totals()
    }

    /// How often it was ejected since the start, by cause.
    pub fn ejections(&self) -> impl Iterator<Item = (Cause, u64)> {
        let count = |cause: Cause| self.ejections[cause.index()].load(Ordering::Relaxed);
        Cause::ALL
            .into_iter()
            .map(move |cause| (cause, count(cause)))
    }

    /// The last minute in figures.
    pub fn recently(&self, now: Time) -> Recently {
        self.meter().recently(now)
    }

    /// The last minute in histograms, which can be added to those of other replicas.
    pub fn spread(&self, now: Time) -> Spread {
        self.meter().spread(now)
    }

    /// How the last minute's times are spread.
    pub fn distributions(&self, now: Time) -> Distributions {
        self.meter().distributions(now)
    }

    /// A request is sent.
    pub(super) fn begin(&self, now: Time, kind: AnswerKind, probe: bool) -> FlightKey {
        self.gate.in_flight.fetch_add(1, Ordering::Relaxed);
        self.gate.pending[kind.index()].fetch_add(1, Ordering::Relaxed);
        self.meter().tally.begin(now, kind, probe)
    }

    /// Something happened to a request in flight.
    pub(super) fn record(&self, now: Time, key: FlightKey, event: &Event) {
        let judged = self.judged(event);
        let mut meter = self.meter();
        let recorded = meter
            .tally
            .record(now, key, judged.as_ref().unwrap_or(event));
        meter.keep(now, event);
        self.tighten(&recorded.reaction, event);
        drop(meter);
        if let Some(kind) = recorded.left_pending {
            self.gate.pending[kind.index()].fetch_sub(1, Ordering::Relaxed);
        }
        if matches!(event, Event::Finished(_)) {
            self.gate.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        if recorded.presses
            && let Some(wakes) = self.wakes.get()
        {
            wakes.notify_one();
        }
    }

    /// What the gate makes of `event`, if it is not what it says.
    fn judged(&self, event: &Event) -> Option<Event> {
        match event {
            Event::Finished(end) if self.is_shared && end.outcome.class() == Class::OurFault => {
                Some(Event::Finished(Finished {
                    outcome: Outcome::ClientFault,
                    ..*end
                }))
            }
            _ => None,
        }
    }

    fn tighten(&self, reaction: &Reaction, event: &Event) {
        if let Some(until) = reaction.block_until {
            self.block(until);
            // Only a rate limit is everybody's: another one's overload is its own.
            if let (Event::Finished(end), Some(group)) = (event, self.group.load().as_ref())
                && end.outcome == Outcome::RateLimited
            {
                group.block(until);
            }
        }
        if let Some(cause) = reaction.eject
            && self.gate.serving.swap(false, Ordering::Relaxed)
        {
            self.ejections[cause.index()].fetch_add(1, Ordering::Relaxed);
            if cause.needs_operator() {
                tracing::error!(
                    upstream = %self.name,
                    "ejected because {cause}; somebody must mend it, probes will say when it is back"
                );
            } else {
                tracing::warn!(
                    upstream = %self.name,
                    "ejected because {cause}; probes will say when it is back"
                );
            }
        }
    }

    /// An answer said what is left of its provider's limits.
    pub(super) fn note_headroom(&self, headroom: Headroom) {
        self.meter().headroom = Some(headroom);
    }

    /// For the controller: what happened since the last tick.
    pub fn collect(&self, now: Time, price: Option<Price>) -> UpstreamInput {
        let (collected, headroom) = {
            let mut meter = self.meter();
            (meter.tally.collect(now), meter.headroom.take())
        };
        let gate = self.gate();
        UpstreamInput {
            batch: collected.batch,
            reference: collected.reference,
            in_flight: gate.in_flight,
            flights: collected.flights,
            fault_sum: collected.fault_sum,
            blocked_until: gate.blocked_until,
            news: collected.news,
            price,
            headroom,
            peers: None,
        }
    }

    /// For the controller: other replicas were told to leave it alone until then. It only tightens.
    pub fn block(&self, until: Time) {
        let until = until.as_micros();
        self.gate.blocked_until.fetch_max(until, Ordering::Relaxed);
    }

    /// For the controller: what the tick decided.
    pub fn obey(&self, order: &GateOrder) {
        let mut meter = self.meter();
        let serving = meter.tally.obey(&order.watch, order.reference);
        // What the tick ejects by itself has been silent for too long; all else was ejected as it happened.
        if self.gate.serving.swap(serving, Ordering::Relaxed) && !serving {
            self.ejections[Cause::Overdue.index()].fetch_add(1, Ordering::Relaxed);
        }
        drop(meter);
        self.gate
            .probe_wanted
            .store(order.probe_wanted, Ordering::Release);
        self.gate.limit.store(order.limit, Ordering::Relaxed);
        for (cell, cap) in self.gate.pending_cap.iter().zip(order.pending_cap) {
            cell.store(cap, Ordering::Relaxed);
        }
        self.gate.standing.store(order.standing);
    }

    /// The meter's state is plain sums: a panic elsewhere while the lock was held leaves it usable.
    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StandingCell {
    fn new(standing: Standing) -> Self {
        let cell = Self {
            seconds: AtomicU64::new(0),
            variance: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            cost: AtomicU64::new(0),
            ramp: AtomicU64::new(0),
        };
        cell.store(standing);
        cell
    }

    fn store(&self, standing: Standing) {
        let put = |cell: &AtomicU64, value: f64| cell.store(value.to_bits(), Ordering::Relaxed);
        put(&self.seconds, standing.seconds.unwrap_or(f64::NAN));
        put(&self.variance, standing.variance);
        put(&self.faults, standing.faults);
        put(&self.cost, standing.cost.unwrap_or(f64::NAN));
        put(&self.ramp, standing.ramp);
    }

    fn load(&self) -> Standing {
        let get = |cell: &AtomicU64| f64::from_bits(cell.load(Ordering::Relaxed));
        let known = |value: f64| (!value.is_nan()).then_some(value);
        Standing {
            seconds: known(get(&self.seconds)),
            variance: get(&self.variance),
            faults: get(&self.faults),
            cost: known(get(&self.cost)),
            ramp: get(&self.ramp),
        }
    }
}

#[cfg(all(test, feature = "shuttle"))]
#[path = "upstream_shuttled_tests.rs"]
mod shuttled;
