//! Tiers: the lowest with room first, the next takes what is over.
//!
//! Room is what a target's own limits leave: rates that refusals taught, requests in flight before its answers queue, its
//! ceiling, its health. A slow target has room: tiers are for capacity that is paid for already, and only what it cannot
//! take goes elsewhere. Between two ticks the gate does the same request by request.

use super::super::decision::Rail;
use super::super::health::Health;
use super::super::plan::{Route, Strategy};
use super::super::rails::Limits;
use super::Outcome;

/// A part of a route below this is nothing: rounding.
const NOTHING: f64 = 1e-9;

/// What each tier of a group takes of `total`, the lowest first. The last one that works takes what is left, whatever its
/// limits: somebody has to be asked.
pub(super) fn takes(
    route: &Route,
    tiers: &[Vec<usize>],
    limits: &[Limits],
    total: f64,
) -> Vec<f64> {
    if tiers.len() == 1 {
        return vec![total];
    }
    let works = |i: &usize| limits[*i].ramp > 0.0 && route.targets[*i].anchor > 0.0;
    let last = tiers.iter().rposition(|tier| tier.iter().any(works));
    let floors = |tiers: &[Vec<usize>]| -> f64 {
        let members = tiers.iter().flatten().filter(|i| works(i));
        members
            .map(|i| limits[*i].min_share * limits[*i].ramp)
            .sum()
    };
    let mut left = total;
    let mut takes = vec![0.0; tiers.len()];
    for (place, tier) in tiers.iter().enumerate() {
        let anchors: f64 = tier.iter().map(|i| route.targets[*i].anchor).sum();
        let rooms = tier.iter().filter(|i| works(i));
        let room: f64 = rooms
            .map(|i| {
                room(
                    route,
                    &limits[*i],
                    route.targets[*i].anchor / anchors * total,
                )
            })
            .sum();
        takes[place] = if Some(place) == last {
            left
        } else {
            (left - floors(&tiers[place + 1..])).clamp(0.0, room)
        };
        left -= takes[place];
    }
    takes
}

/// The largest share that a target has room for, where it is configured to have `configured` of all that comes.
fn room(route: &Route, limit: &Limits, configured: f64) -> f64 {
    let held = match route.spec.strategy {
        Strategy::Adaptive | Strategy::Trial(_) => {
            limit.rate_cap.min(limit.room_cap).min(limit.max_share)
        }
        // Fixed shares obey health alone; the gate redirects what finds no room.
        Strategy::Fixed => f64::INFINITY,
    };
    // Also below 1 where its scores are what leaves it a part.
    if matches!(limit.health, Health::Returning { .. }) || limit.ramp < 1.0 {
        held.min(limit.ramp * configured)
    } else {
        held
    }
}

/// Marks the targets of tiers that do not take all that comes to them, and those above that have no more than their
/// `min_share`, which is no sign that anybody below is full.
pub(super) fn mark_spills(tiers: &[Vec<usize>], limits: &[Limits], outcome: &mut Outcome) {
    let floor = |i: &usize| limits[*i].min_share * limits[*i].ramp;
    for (place, tier) in tiers.iter().enumerate() {
        let above = || tiers.iter().skip(place + 1).flatten();
        let spilled: f64 = above().map(|i| outcome.proposed[*i]).sum();
        let kept: f64 = above().map(floor).sum();
        if spilled > kept + NOTHING {
            for i in tier {
                outcome.rails[*i].insert(Rail::Spills);
            }
        }
        let floored = |i: &&usize| place > 0 && floor(i) > 0.0;
        for i in tier.iter().filter(floored) {
            if outcome.shares[*i] <= floor(i) + NOTHING {
                outcome.rails[*i].insert(Rail::Floor);
            }
        }
    }
}

/// Gives what blocked targets leave to those of their tier that are below their limits, else to the next tier that has
/// somebody open. If nobody is, nothing is moved.
pub(super) fn spill_blocked(
    route: &Route,
    outcome: &Outcome,
    blocked: &[bool],
    shares: &mut [f64],
) {
    for tiers in &route.tiers {
        let mut over = 0.0;
        for tier in tiers {
            let gone = tier.iter().filter(|i| blocked[**i]);
            over += gone.map(|i| outcome.shares[*i]).sum::<f64>();
            let full = |i: &usize| {
                let rails = &outcome.rails[*i];
                let limited = [
                    Rail::RateCap,
                    Rail::InFlightLimit,
                    Rail::Ceiling,
                    Rail::Spills,
                ];
                limited.iter().any(|rail| rails.contains(rail))
            };
            let ejected = |i: &usize| {
                let rails = &outcome.rails[*i];
                rails.contains(&Rail::Ejected) || rails.contains(&Rail::MinQuality)
            };
            let takers: Vec<usize> = tier
                .iter()
                .copied()
                .filter(|i| !blocked[*i] && !full(i) && !ejected(i))
                .filter(|i| route.targets[*i].anchor > 0.0)
                .collect();
            let weights: f64 = takers.iter().map(|i| route.targets[*i].anchor).sum();
            if weights > 0.0 && over > NOTHING {
                for i in takers {
                    shares[i] += over * route.targets[i].anchor / weights;
                }
                over = 0.0;
            }
        }
        if over > NOTHING {
            for i in tiers.iter().flatten().filter(|i| blocked[**i]) {
                shares[*i] = outcome.shares[*i];
            }
        }
    }
}

#[cfg(test)]
#[path = "tiers_tests.rs"]
mod tests;
