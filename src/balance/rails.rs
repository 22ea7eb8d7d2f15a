//! Bounds on shares, and the nearest shares inside them.
//!
//! Ceilings, floors and the largest step are one box per target; what does not fit is relaxed in a fixed order: the step,
//! the exploration floors, room in flight, the ceilings, the rate caps, the configured floors. The sum is never relaxed.
//! Before the step is left out it is tried without the exploration floors (they wait where no time has passed), and before
//! room in flight goes, without that alone: where all are full, haste does not help. The same holds where all rates together
//! are too little.

use std::collections::BTreeSet;

use super::decision::Rail;
use super::health::Health;
use super::project::{Bounds, project};

/// Largest growth and shrinkage of a share, per second, as exponents: +22 % and −46 % in a tick of 250 ms.
const UP: f64 = 0.8;
const DOWN: f64 = 2.5;
/// A share grows from at least this part of the configured one: from 0 no factor leads away.
const FOOTHOLD: f64 = 0.02;
/// Exploration keeps a working target above this part of its configured share, if that is cheap.
const EXPLORE_PART: f64 = 0.1;
/// Requests per second that exploration costs at most, for a target that was well until ten minutes ago, and otherwise.
const EXPLORE_SICK: f64 = 0.07;
const EXPLORE_SLOW: f64 = 0.02;
/// Demand that the rates above are of, in requests per second; they go with its root, and below it with the fourth root for
/// who was well lately.
const EXPLORE_DEMAND: f64 = 10.0;

/// What bounds one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) anchor: f64,
    /// The share before this tick.
    pub(super) before: f64,
    /// The share that it had when it was ejected.
    pub(super) before_ejection: f64,
    pub(super) health: Health,
    pub(super) ramp: f64,
    pub(super) min_share: f64,
    pub(super) max_share: f64,
    /// Largest share by the rate that refusals taught, or that the provider announced.
    pub(super) rate_cap: f64,
    /// Whether it was announced.
    pub(super) is_announced: bool,
    /// Largest share by what it can have in flight before its answers queue.
    pub(super) room_cap: f64,
    /// Whether it fell sick within ten minutes.
    pub(super) lately_sick: bool,
}

/// One target's box, with what each side comes from.
#[derive(Clone, Copy, Debug)]
struct Sides {
    floor: f64,
    explore: f64,
    cap: f64,
    /// Largest share by refusals, and by what it can have in flight before its answers queue.
    rate_cap: f64,
    room_cap: f64,
    step: Bounds,
    /// Takes no traffic at all.
    shut: bool,
}

/// Shares inside the bounds, and the rails that each target met.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bounded {
    pub(super) shares: Vec<f64>,
    pub(super) rails: Vec<BTreeSet<Rail>>,
}

/// The nearest shares to `proposal` for one group that gets `total` of the route.
pub(super) fn bound(
    proposal: &[f64],
    limits: &[Limits],
    demand: f64,
    elapsed: f64,
    total: f64,
) -> Bounded {
    let sum: f64 = proposal.iter().sum();
    let wanted: Vec<f64> = proposal
        .iter()
        .map(|part| if sum > 0.0 { part / sum * total } else { 0.0 })
        .collect();
    let explore = exploration(&wanted, limits, demand);
    let sides: Vec<Sides> = limits
        .iter()
        .zip(&wanted)
        .zip(explore)
        .map(|((limit, wanted), explore)| sides(limit, *wanted, explore, elapsed))
        .collect();
    let shares = relaxed(&wanted, &sides, total);
    let rails = wanted.iter().zip(&shares).zip(&sides).zip(limits);
    let rails = rails.map(|(((wanted, share), sides), limit)| met(*wanted, *share, sides, limit));
    Bounded {
        rails: rails.collect(),
        shares,
    }
}

/// Exploration floors: rates rather than shares, since what exploring costs is the floor times the gap while the delay
/// until a recovery is seen is one over the rate.
fn exploration(wanted: &[f64], limits: &[Limits], demand: f64) -> Vec<f64> {
    let demand = demand.max(1e-3);
    let serving = limits.iter().filter(|limit| limit.ramp > 0.0).count() as f64;
    let growth = (demand / EXPLORE_DEMAND).sqrt();
    let growth_sick = growth.max(growth.sqrt());
    let budget = (serving * EXPLORE_SICK / demand)
        .min(0.10)
        .min((serving * 0.02 / demand).clamp(0.03, 0.10));
    let floors = wanted.iter().zip(limits).map(|(wanted, limit)| {
        let part = EXPLORE_PART * limit.anchor;
        if limit.health != Health::Serving || *wanted >= part {
            return 0.0;
        }
        let rate = if limit.lately_sick {
            growth_sick * EXPLORE_SICK
        } else {
            growth * EXPLORE_SLOW
        };
        part.min(rate / demand)
            .min(limit.rate_cap.min(limit.room_cap))
            .min(limit.max_share)
    });
    let floors: Vec<f64> = floors.collect();
    let sum: f64 = floors.iter().sum();
    let fit = if sum > budget { budget / sum } else { 1.0 };
    floors.into_iter().map(|floor| floor * fit).collect()
}

fn sides(limit: &Limits, wanted: f64, explore: f64, elapsed: f64) -> Sides {
    // Bounds that people set hold against queueing, which is soft and only estimated, but not against refusals.
    let cap = limit.rate_cap.min(limit.max_share).min(1.0);
    let floor = (limit.min_share * limit.ramp).min(cap);
    let mut from = limit
        .before
        .max(FOOTHOLD * limit.anchor)
        .max(explore)
        .max(floor);
    if matches!(limit.health, Health::Returning { .. }) {
        from = from.max(limit.ramp * limit.before_ejection.max(limit.anchor * FOOTHOLD));
    }
    let step = Bounds {
        low: (limit.before * (-DOWN * elapsed).exp()).min(cap),
        high: from * (UP * elapsed).exp(),
    };
    Sides {
        floor,
        explore,
        cap,
        rate_cap: limit.rate_cap.min(1.0),
        room_cap: limit.room_cap,
        step,
        shut: limit.ramp <= 0.0 || (wanted <= 0.0 && explore <= 0.0),
    }
}

/// Projects on the whole box, then on ever fewer sides of it.
fn relaxed(wanted: &[f64], sides: &[Sides], total: f64) -> Vec<f64> {
    let in_room = |side: &Sides| side.cap.min(side.room_cap).max(side.floor);
    let stepped = |side: &Sides, explore: f64, most: f64| {
        let low = side.floor.max(explore).max(side.step.low).min(most);
        Bounds {
            low,
            high: most.min(side.step.high).max(low),
        }
    };
    let all = |side: &Sides| stepped(side, side.explore, in_room(side));
    let unexplored = |side: &Sides| stepped(side, 0.0, in_room(side));
    let crowded = |side: &Sides| stepped(side, side.explore, side.cap);
    let overrun = |side: &Sides| stepped(side, 0.0, 1.0);
    let without_step = |side: &Sides| Bounds {
        low: side.floor.max(side.explore),
        high: in_room(side),
    };
    let without_exploration = |side: &Sides| Bounds {
        low: side.floor,
        high: in_room(side),
    };
    let without_room = |side: &Sides| Bounds {
        low: side.floor,
        high: side.cap,
    };
    let without_ceiling = |side: &Sides| Bounds {
        low: side.floor,
        high: side.rate_cap.max(side.floor),
    };
    let only_floor = |side: &Sides| Bounds {
        low: side.floor,
        high: 1.0,
    };
    let free = |_: &Sides| Bounds {
        low: 0.0,
        high: 1.0,
    };
    let boxes: [&dyn Fn(&Sides) -> Bounds; 10] = [
        &all,
        &unexplored,
        &without_step,
        &without_exploration,
        &crowded,
        &without_room,
        &without_ceiling,
        &overrun,
        &only_floor,
        &free,
    ];
    let shut = Bounds {
        low: 0.0,
        high: 0.0,
    };
    boxes
        .iter()
        .find_map(|make| {
            let bounds: Vec<Bounds> = sides
                .iter()
                .map(|side| if side.shut { shut } else { make(side) })
                .collect();
            project(wanted, &bounds, total)
        })
        .unwrap_or_else(|| vec![0.0; wanted.len()])
}

/// Which rails explain the difference between what was wanted and what was granted.
fn met(wanted: f64, share: f64, sides: &Sides, limit: &Limits) -> BTreeSet<Rail> {
    const NEAR: f64 = 1e-7;
    let mut rails = BTreeSet::new();
    match limit.health {
        Health::Ejected { .. } | Health::Probing { .. } => {
            rails.insert(Rail::Ejected);
            return rails;
        }
        Health::Returning { .. } => {
            rails.insert(Rail::Ramp);
        }
        Health::Serving => {}
    }
    let at = |side: f64| (share - side).abs() < NEAR;
    let rate = if limit.is_announced {
        Rail::Announced
    } else {
        Rail::RateCap
    };
    if share < wanted - NEAR {
        for (side, rail) in [
            (limit.max_share, Rail::Ceiling),
            (limit.rate_cap, rate),
            (limit.room_cap, Rail::InFlightLimit),
            (sides.step.high, Rail::Step),
        ] {
            if at(side) {
                rails.insert(rail);
            }
        }
    } else if share > wanted + NEAR {
        for (side, rail) in [
            (sides.floor, Rail::Floor),
            (sides.explore, Rail::Exploration),
            (sides.step.low, Rail::Step),
        ] {
            if at(side) && side > 0.0 {
                rails.insert(rail);
            }
        }
    }
    rails
}

/// The proposal itself, for strategies whose shares hold exactly; only health shows as rails.
pub(super) fn unbounded(proposal: &[f64], limits: &[Limits], total: f64) -> Bounded {
    let sum: f64 = proposal.iter().sum();
    let shares: Vec<f64> = proposal
        .iter()
        .map(|part| if sum > 0.0 { part / sum * total } else { 0.0 })
        .collect();
    let rails = shares.iter().zip(limits).map(|(share, limit)| {
        let none = Bounds {
            low: 0.0,
            high: 1.0,
        };
        let sides = Sides {
            floor: 0.0,
            explore: 0.0,
            cap: 1.0,
            rate_cap: 1.0,
            room_cap: 1.0,
            step: none,
            shut: false,
        };
        met(*share, *share, &sides, limit)
    });
    Bounded {
        rails: rails.collect(),
        shares,
    }
}

#[cfg(test)]
#[path = "rails_tests.rs"]
mod tests;
