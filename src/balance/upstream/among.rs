//! What it means to be one of several: what of the fleet's falls to this replica, and what the others' word is worth.
//!
//! An ejection by one is strong evidence for the others, not an order: they eject at their first own fault. An ejection by
//! most of those who ask the upstream at all ejects everywhere, unless it answered here in the same seconds: it may be the
//! network of the many that is broken.

use serde::{Deserialize, Serialize};

use super::super::health::Change;
use super::super::input::UpstreamInput;
use super::super::peers::Pending;
use super::super::possible::{Odd, number};
use super::fault_sum::{EJECT_ABOVE, fault_step, ok_step};
use super::{Around, UpstreamMemory};
use crate::model::Class;

/// Part of the usual evidence that it takes to eject what a peer has ejected: one own fault. Halved, nothing changes; doubled,
/// it takes two.
const WARY_OF_PEERS: f64 = 1.0 / 3.0;
/// How many times its part of the free room a replica may fill: not all have a request to fill theirs with. Halved, ten replicas
/// at the knee lose a seventh more, since some refuse what others had room for; with all of it each they lose no less, and a
/// fleet whose members hear of each other late would overfill by as many times as it has members.
const FREELY: f64 = 4.0;
/// Seconds after a return for which the word of those who have not heard of it yet counts for nothing: twice as long as a
/// word takes at the most. Halved, what comes back is thrown out again by old news; doubled, a target that fails for all at
/// once again is shed a little later by those who are not asked to serve from it.
const DEAF: f64 = 3.0;

/// What this replica goes by as one of several, from the last tick.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::balance) struct Among {
    /// The part of the fleet's room that is this replica's.
    part: f64,
    turn: f64,
    /// Of the requests in flight, those of this replica.
    own: u32,
    /// Requests without content, streamed and unary: of this replica, and of all.
    pending: [(u32, u32); 2],
    /// Whether a peer has ejected it.
    pub(super) is_doubted: bool,
    pub(super) probe_here: bool,
    pub(super) extra_here: bool,
    /// Of how many the fleet was that this replica has lost sight of; 1 while it sees it.
    apart_of: u32,
}

impl Default for Among {
    fn default() -> Self {
        Self {
            part: 1.0,
            turn: 0.5,
            own: 0,
            pending: [(0, 0); 2],
            is_doubted: false,
            probe_here: true,
            extra_here: true,
            apart_of: 1,
        }
    }
}

impl Among {
    /// Whether it is the only one.
    pub(super) fn is_alone(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        number("part", self.part, (0.0, 1.0))?;
        let apart_of = f64::from(self.apart_of);
        number("apart_of", apart_of, (1.0, f64::from(u32::MAX)))
    }

    /// Most requests in flight here, where the fleet should have at most `limit` and has `all`.
    pub(super) fn most_in_flight(&self, limit: f64, all: u32) -> u32 {
        self.most(limit, (self.own, all))
    }

    /// Most requests without content here, where the fleet should have at most so many.
    pub(super) fn most_pending(&self, caps: [u32; 2]) -> [u32; 2] {
        [0, 1].map(|kind: usize| match caps[kind] {
            u32::MAX => u32::MAX,
            cap => self.most(f64::from(cap), self.pending[kind]),
        })
    }

    /// This replica's part of what the fleet has room for: what it has, and [`FREELY`] times its part of what is free.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float casts saturate"
    )]
    fn most(&self, limit: f64, (own, all): (u32, u32)) -> u32 {
        if self.part >= 1.0 {
            return limit.ceil() as u32;
        }
        let room = limit - f64::from(all);
        let part = if room > 0.0 {
            (FREELY * self.part).min(1.0)
        } else {
            self.part
        };
        let least = (self.part * limit).floor();
        let most = (f64::from(own) + part * room + 1.0 - self.turn).floor();
        most.max(least) as u32
    }
}

impl UpstreamInput {
    /// Requests in flight, those of peers included.
    pub(in crate::balance) fn all_in_flight(&self) -> u32 {
        let peers = self.peers.as_ref().map_or(0, |peers| peers.in_flight);
        self.in_flight.saturating_add(peers)
    }

    /// Good answers and faults of this replica alone.
    pub(in crate::balance) fn own_outcomes(&self) -> (u32, u32) {
        let batch = &self.batch;
        let ok = batch.count(Class::Ok);
        let faults = batch.count(Class::Fault).saturating_add(batch.gaps);
        let faults = faults.saturating_sub(batch.stale);
        let ends = self.peers.iter().flat_map(|peers| &peers.ends);
        ends.fold((ok, faults), |(ok, faults), ends| {
            (
                ok.saturating_sub(ends.ok),
                faults.saturating_sub(ends.faults),
            )
        })
    }

    /// Requests of peers without content.
    pub(in crate::balance) fn pending_elsewhere(&self) -> &[Pending] {
        self.peers.as_ref().map_or(&[], |peers| &peers.pending)
    }
}

impl UpstreamMemory {
    /// A tick, first part: who else is there.
    pub(super) fn look_around(&mut self, input: &UpstreamInput, around: &Around<'_>) {
        let (own_sum, own) = (input.fault_sum, input.in_flight);
        let Some(peers) = &input.peers else {
            self.stand(1);
            self.among = Among::default();
            return;
        };
        self.stand(if peers.apart {
            peers.share_of.max(1)
        } else {
            1
        });
        let (mut here, mut there) = ([0_u32; 2], [0_u32; 2]);
        for flight in self.current(input, around.now) {
            here[flight.kind.index()] += 1;
        }
        for pending in self.current_elsewhere(input, around) {
            let sum = &mut there[pending.kind.index()];
            *sum = sum.saturating_add(pending.count);
        }
        self.own_sum = own_sum;
        self.among = Among {
            part: peers.part(),
            turn: peers.turn,
            own,
            pending: [0, 1].map(|kind: usize| (here[kind], here[kind].saturating_add(there[kind]))),
            is_doubted: peers.ejected > 0,
            probe_here: peers.probe_here,
            extra_here: peers.extra_here,
            apart_of: self.among.apart_of,
        };
    }

    /// What is known of its room is of the whole fleet as long as that is in sight. A replica that loses sight of the others
    /// goes on with its part, and with the whole again when it sees them.
    fn stand(&mut self, apart_of: u32) {
        if apart_of != self.among.apart_of {
            let factor = f64::from(self.among.apart_of) / f64::from(apart_of);
            self.queueing.rescale(factor);
            self.capacity.rescale(factor);
            self.among.apart_of = apart_of;
        }
    }

    /// Counts answers and faults of all, where there are others. Before anything is judged: what an ejection is told of the
    /// trouble that led to it must have the last faults in it.
    pub(super) fn count_all(&mut self, input: &UpstreamInput, around: &Around<'_>) {
        if input.peers.is_none() {
            return;
        }
        if self.health.is_serving() {
            let others = around.pool.peers_fault_rate(self);
            self.fleet_sum
                .take(input, (fault_step(others), ok_step(others)));
            let (ok, faults) = self.fleet_sum.run();
            self.health.suspicion.ran(ok, faults);
        } else {
            self.fleet_sum.clear();
        }
    }

    /// Takes in what probes and ejections of others say.
    pub(super) fn hear_peers(&mut self, input: &UpstreamInput, around: &Around<'_>) -> Change {
        let Some(peers) = &input.peers else {
            return Change::None;
        };
        let (now, demand) = (around.now, around.rates.demand);
        if !self.health.is_serving() {
            return self.health.hear_probes(now, peers, demand);
        }
        let returned = self.health.seconds_since_return(now);
        let why = if self.is_on_trial(around) {
            self.fleet_sum.ejects_at_once()
        } else {
            let enough = EJECT_ABOVE * (1.0 - self.health.wariness(now));
            self.fleet_sum.ejects(enough)
        };
        if let Some(cause) = why {
            self.fleet_sum.clear();
            self.health.eject(now, cause, demand);
            return Change::Ejected;
        }
        let all = peers.replicas + 1;
        let is_quorum = 2 * peers.ejected > all;
        match peers.cause {
            Some(cause) if is_quorum && returned > DEAF && !peers.well_here => {
                self.health.eject(now, cause, demand);
                Change::Ejected
            }
            Some(_) | None => Change::None,
        }
    }

    /// Evidence that it takes to eject it.
    pub(super) fn eject_above(&self, around: &Around<'_>) -> f64 {
        let usual = EJECT_ABOVE * (1.0 - self.health.wariness(around.now));
        let least = EJECT_ABOVE * WARY_OF_PEERS;
        if self.among.is_doubted {
            return usual.min(least);
        }
        let beyond = self.fleet_sum.beyond(self.own_sum);
        if beyond > 0.0 {
            (usual - beyond).max(usual.min(least))
        } else {
            usual
        }
    }

    /// Requests of peers without content that were sent since its last ejection.
    pub(super) fn current_elsewhere<'a>(
        &self,
        input: &'a UpstreamInput,
        around: &Around<'_>,
    ) -> impl Iterator<Item = &'a Pending> + use<'a> {
        let ejected_at = self.health.ejected_at;
        let since = (self.health.ejections > 0).then(|| around.now.secs_since(ejected_at));
        let pending = input.pending_elsewhere().iter();
        pending.filter(move |it| since.is_none_or(|since| it.age + it.behind < since))
    }
}
