//! What happens between two ticks: who is let in, and what tightens at once.
//!
//! Problem: a tick comes four times a second, a dead target is hit forty times in between. So every attempt asks
//! [`admit`] before it is sent and tells [`react`] what became of it. Both are pure over plain values; the daemon keeps
//! the values in atomics, the simulator in a struct, and both call these two functions.
//!
//! [`react`] only ever tightens: it blocks, it ejects, it reports what a probe showed. Only the tick loosens. That keeps
//! one writer for everything that lets traffic back in, and a lost race between the two can only be too careful.

use serde::{Deserialize, Serialize};

pub use super::react::{Cause, GateOrder, Happened, ProbeResult, Reaction, Watch, react};
use super::rendezvous::Sticky;
use super::table::{Draw, Mask, WeightTable};
use crate::model::{TargetIndex, Time};

/// How much a target that is at its limit loses against the others when a request is redirected.
const FULL_PENALTY: f64 = 4.0;
/// How much being over a level counts when a request is redirected, and the most that it does: more than any difference of
/// price, or of times up to the double; less than having no room, since a request that waits misses the level as well.
const LEVELS_FIRST: f64 = 100.0;
const MISSING_MOST: f64 = 2.0;
/// Gain of the shares (see [`super::strategy`]): how much a configured weight counts when a request is redirected.
const BETA: f64 = 16.0;

/// What the tick last published about an upstream, for redirects and for adaptive request lists.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Expected seconds of a typical answer; `None` before anything was measured.
    pub seconds: Option<f64>,
    /// Variance of `seconds`, relative to their square.
    pub variance: f64,
    /// Fault probability, 0 to 1.
    pub faults: f64,
    /// Dollars of a typical answer; `None` without a price.
    pub cost: Option<f64>,
    /// Part of its share that it gets while it returns, 0 to 1.
    pub ramp: f64,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            seconds: None,
            variance: 0.25,
            faults: 0.0,
            cost: None,
            ramp: 1.0,
        }
    }
}

/// What [`admit`] reads about one upstream.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateState {
    /// No requests before this moment.
    pub blocked_until: Time,
    /// Whether it takes ordinary traffic; an ejected one does not.
    pub serving: bool,
    /// Whether one request is wanted as a probe.
    pub probe_wanted: bool,
    /// Requests that were sent and have not ended.
    pub in_flight: u32,
    /// Of those, the ones without content yet: streamed, unary.
    pub pending: [u32; 2],
    /// Most requests in flight.
    pub limit: u32,
    /// Most requests without content yet: streamed, unary.
    pub pending_cap: [u32; 2],
}

impl Default for GateState {
    fn default() -> Self {
        Self {
            blocked_until: Time::ZERO,
            serving: true,
            probe_wanted: false,
            in_flight: 0,
            pending: [0; 2],
            limit: u32::MAX,
            pending_cap: [u32::MAX; 2],
        }
    }
}

impl GateState {
    /// Whether an ordinary request is let in now.
    pub fn is_open(&self, now: Time) -> bool {
        self.serving
            && self.blocked_until <= now
            && self.in_flight < self.limit
            && self.pending[0] < self.pending_cap[0]
            && self.pending[1] < self.pending_cap[1]
    }

    /// How far above its limits one more request would put it: 0 is room.
    fn overload(&self) -> f64 {
        let over = |have: u32, most: u32| (f64::from(have) + 1.0) / f64::from(most.max(1)) - 1.0;
        let pending = over(self.pending[0], self.pending_cap[0])
            .max(over(self.pending[1], self.pending_cap[1]));
        over(self.in_flight, self.limit).max(0.0) + pending.max(0.0)
    }
}

/// The gates of one route's targets, read as plain values.
pub trait Gates {
    /// What `target`'s gate holds now.
    fn gate(&self, target: TargetIndex) -> GateState;
    /// What the last tick published about `target`.
    fn standing(&self, target: TargetIndex) -> Standing;
    /// The tier of `target`: lower ones are filled first.
    fn tier(&self, _target: TargetIndex) -> u8 {
        1
    }
    /// How far `target` is over the levels of the route's goal, as the last tick found; 0 where it meets them, where that is
    /// not proven, and where there are none.
    fn over(&self, _target: TargetIndex) -> f64 {
        0.0
    }
    /// Whether the route's `min_quality` keeps `target` away, as the last tick found: nobody is redirected there while
    /// somebody else can be asked.
    fn is_away(&self, _target: TargetIndex) -> bool {
        false
    }
}

/// The shares that a request is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The shares in force.
    pub granted: &'a WeightTable,
    /// The configured shares: what is left when everybody is ejected.
    pub configured: &'a WeightTable,
    /// Whether gates are obeyed; without, only the draw counts.
    pub guarded: bool,
}

/// One request that asks to be admitted somewhere.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Who may serve it and was not tried yet.
    pub eligible: &'a Mask,
    /// Its place in the shares.
    pub draw: Draw,
    /// The time.
    pub now: Time,
    /// Whether it may serve as a probe (a first attempt may, a retry may not).
    pub may_probe: bool,
    /// What it is to stay together with; then its key decides in place of the draw.
    pub sticky: Option<Sticky<'a>>,
}

/// Why a target was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// By share.
    Drawn,
    /// By share and key: where its conversation is.
    Kept,
    /// As the probe that an ejected or sick target waits for.
    Probe,
    /// The drawn target had no room or was blocked; this one was the best of the others.
    Redirected,
    /// All that work are blocked; this one is free first.
    Waiting,
    /// All are ejected: by configured share.
    Panic,
}

impl Reason {
    /// Its name in what is told of a request.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Drawn => "drawn",
            Self::Kept => "kept",
            Self::Probe => "probe",
            Self::Redirected => "redirected",
            Self::Waiting => "waiting",
            Self::Panic => "panic",
        }
    }
}

/// Who serves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The target.
    pub target: TargetIndex,
    /// Why.
    pub reason: Reason,
}

/// Chooses the target of one attempt; `None` if nobody eligible has a configured share.
///
/// A result with [`Reason::Probe`] must be claimed by the caller (one request per wanted probe); who loses that race asks
/// again with `may_probe` off.
pub fn admit(row: Row<'_>, gates: &impl Gates, ask: &Ask<'_>) -> Option<Admitted> {
    if !row.guarded {
        return by_share(row.configured, ask);
    }
    if ask.may_probe
        && let Some(target) = wanted_probe(row, gates, ask)
    {
        return Some(Admitted {
            target,
            reason: Reason::Probe,
        });
    }
    if let Some(admitted) = by_share(row.granted, ask)
        && gates.gate(admitted.target).is_open(ask.now)
    {
        return Some(admitted);
    }
    instead(row, gates, ask)
}

/// Where a request goes whose target is shut: to those whom nothing keeps away while one of them is usable, else to
/// anybody.
fn instead(row: Row<'_>, gates: &impl Gates, ask: &Ask<'_>) -> Option<Admitted> {
    let wanted = wanted(row, gates, ask);
    let ask = &Ask {
        eligible: wanted.as_ref().unwrap_or(ask.eligible),
        ..*ask
    };
    next_best(row, gates, ask).or_else(|| redirect(row, gates, ask))
}

/// Those of the eligible that are not away; `None` if nobody is, or nobody else is usable.
fn wanted(row: Row<'_>, gates: &impl Gates, ask: &Ask<'_>) -> Option<Mask> {
    let mut away = members(row, ask.eligible).filter(|i| gates.is_away(*i));
    let first = away.next()?;
    let mut wanted = *ask.eligible;
    for target in std::iter::once(first).chain(away) {
        wanted.remove(target);
    }
    let is_usable = |i: &TargetIndex| {
        let gate = gates.gate(*i);
        gate.serving && gate.blocked_until <= ask.now
    };
    members(row, &wanted)
        .any(|i| is_usable(&i))
        .then_some(wanted)
}

/// The target that the draw, or the key, falls to.
fn by_share(table: &WeightTable, ask: &Ask<'_>) -> Option<Admitted> {
    let (target, reason) = match ask.sticky {
        Some(sticky) => (sticky.pick(table, ask.eligible, |_| true)?, Reason::Kept),
        None => (table.pick(ask.draw, ask.eligible)?, Reason::Drawn),
    };
    Some(Admitted { target, reason })
}

/// Where a conversation goes whose target is shut: the one that its key falls to among the open ones of the lowest tier that
/// has any, as for every redirected request. All its turns go to the same one for as long as that lasts, so it has to build
/// up its cache once.
fn next_best(row: Row<'_>, gates: &impl Gates, ask: &Ask<'_>) -> Option<Admitted> {
    let sticky = ask.sticky?;
    let is_open = |target: TargetIndex| gates.gate(target).is_open(ask.now);
    let tier = lowest_open(row, gates, ask)?;
    let fits = |target| is_open(target) && gates.tier(target) == tier;
    let by = |table| sticky.pick(table, ask.eligible, fits);
    // A tier that was granted nothing may have room again before the next tick says so.
    let target = by(row.granted).or_else(|| by(row.configured))?;
    Some(Admitted {
        target,
        reason: Reason::Redirected,
    })
}

/// The lowest tier that lets somebody in now.
fn lowest_open(row: Row<'_>, gates: &impl Gates, ask: &Ask<'_>) -> Option<u8> {
    let open = members(row, ask.eligible).filter(|i| gates.gate(*i).is_open(ask.now));
    open.map(|i| gates.tier(i)).min()
}

fn members<'a>(row: Row<'a>, eligible: &'a Mask) -> impl Iterator<Item = TargetIndex> + 'a {
    (0..row.configured.len())
        .map(TargetIndex::at)
        .filter(move |i| eligible.contains(*i) && row.configured.share(*i).ppm() > 0)
}

fn wanted_probe(row: Row<'_>, gates: &impl Gates, ask: &Ask<'_>) -> Option<TargetIndex> {
    members(row, ask.eligible).find(|i| {
        let gate = gates.gate(*i);
        gate.probe_wanted && gate.blocked_until <= ask.now
    })
}

/// The best of the lowest tier that has room, by the route's levels, loss, configured share and room; then who is free first; then by
/// configured share.
fn redirect(row: Row<'_>, gates: &impl Gates, ask: &Ask<'_>) -> Option<Admitted> {
    let scale = Scale::of(members(row, ask.eligible).map(|i| gates.standing(i)));
    let tier = lowest_open(row, gates, ask);
    let best = members(row, ask.eligible)
        .filter(|i| tier.is_none_or(|tier| gates.tier(*i) == tier))
        .filter_map(|i| {
            let gate = gates.gate(i);
            let usable = gate.serving && gate.blocked_until <= ask.now;
            usable.then(|| {
                (
                    i,
                    missing(gates.over(i))
                        + rank(&scale, &gates.standing(i), &gate, row.configured.share(i)),
                )
            })
        })
        .min_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((target, _)) = best {
        return Some(Admitted {
            target,
            reason: Reason::Redirected,
        });
    }
    let free_first = members(row, ask.eligible)
        .filter(|i| gates.gate(*i).serving)
        .min_by_key(|i| gates.gate(*i).blocked_until);
    if let Some(target) = free_first {
        return Some(Admitted {
            target,
            reason: Reason::Waiting,
        });
    }
    let Admitted { target, .. } = by_share(row.configured, ask)?;
    Some(Admitted {
        target,
        reason: Reason::Panic,
    })
}

/// What being over the route's levels adds to a rank: all of it from a few per cent over, since levels come first.
fn missing(over: f64) -> f64 {
    (over * LEVELS_FIRST).clamp(0.0, MISSING_MOST)
}

fn rank(scale: &Scale, standing: &Standing, gate: &GateState, share: super::Share) -> f64 {
    scale.loss(standing) - share.fraction().max(1e-6).ln() / BETA
        + (1.0 - standing.ramp)
        + FULL_PENALTY * gate.overload()
}

/// Means over a group of targets, which make their standings comparable.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    seconds: f64,
    cost: f64,
}

impl Scale {
    /// The plain means of what is known; 1 where nothing is.
    pub fn of(standings: impl Iterator<Item = Standing>) -> Self {
        let (mut seconds, mut timed, mut cost, mut priced) = (0.0, 0.0, 0.0, 0.0);
        for standing in standings {
            if let Some(value) = standing.seconds {
                seconds += value;
                timed += 1.0;
            }
            if let Some(value) = standing.cost {
                cost += value;
                priced += 1.0;
            }
        }
        let mean = |sum: f64, n: f64| if n > 0.0 && sum > 0.0 { sum / n } else { 1.0 };
        Self {
            seconds: mean(seconds, timed),
            cost: mean(cost, priced),
        }
    }

    /// Loss of a typical answer of a target with this standing; what is unknown counts as the mean.
    pub fn loss(&self, standing: &Standing) -> f64 {
        let slowness = (1.1 * standing.seconds.unwrap_or(self.seconds) / self.seconds).min(6.0);
        let cost = standing.cost.unwrap_or(self.cost) / self.cost;
        (1.0 - standing.faults) * (slowness + 0.5 * cost) + standing.faults * 5.3
    }

    /// Variance of that loss, from the uncertainty of the time.
    pub fn variance(&self, standing: &Standing) -> f64 {
        let relative = standing.seconds.unwrap_or(self.seconds) / self.seconds;
        standing.variance * relative * relative
    }
}

/// The probability that [`admit`] chooses `target` for an ordinary draw (no probe), given the gates and the mask; `None` for
/// a request that stays with its conversation.
///
/// Such a request is not drawn: the same key goes to the same target every time, so there is no chance in it that past
/// traffic could be re-weighted by, and its conversation's turns are not independent of each other.
///
/// Needed where past traffic is re-weighted; costs a pass over all targets, so the request path does not compute it.
pub fn propensity(
    row: Row<'_>,
    gates: &impl Gates,
    ask: &Ask<'_>,
    target: TargetIndex,
) -> Option<f64> {
    ask.sticky.is_none().then(|| drawn(row, gates, ask, target))
}

fn drawn(row: Row<'_>, gates: &impl Gates, ask: &Ask<'_>, target: TargetIndex) -> f64 {
    let table = if row.guarded {
        row.granted
    } else {
        row.configured
    };
    if !ask.eligible.contains(target) {
        return 0.0;
    }
    let share_of = |i: TargetIndex| f64::from(table.share(i).ppm());
    let all = || {
        (0..table.len())
            .map(TargetIndex::at)
            .filter(|i| ask.eligible.contains(*i))
    };
    let total: f64 = all().map(share_of).sum();
    if !row.guarded {
        return if total > 0.0 {
            share_of(target) / total
        } else {
            0.0
        };
    }
    let shut = all().filter(|i| !gates.gate(*i).is_open(ask.now));
    // Where nobody eligible is granted anything, every draw is redirected.
    let (total, closed) = if total > 0.0 {
        (total, shut.map(share_of).sum())
    } else {
        (1.0, 1.0)
    };
    let own = if gates.gate(target).is_open(ask.now) {
        share_of(target)
    } else {
        0.0
    };
    // Nearly always: nothing is redirected, so nobody need be found who would get it.
    if closed <= 0.0 {
        return own / total;
    }
    let redirected = match instead(row, gates, ask) {
        Some(admitted) if admitted.reason == Reason::Panic => {
            let configured = |i: TargetIndex| f64::from(row.configured.share(i).ppm());
            let sum: f64 = all().map(configured).sum();
            if sum > 0.0 {
                closed * configured(target) / sum
            } else {
                0.0
            }
        }
        Some(admitted) if admitted.target == target => closed,
        _ => 0.0,
    };
    (own + redirected) / total
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
