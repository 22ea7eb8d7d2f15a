//! Strategies propose shares; rails and projection come after them, for each alike.

use super::attain::Violation;
use super::plan::Strategy;
use super::signal::Signal;
use super::sketch::MOST_EXCESS;
use super::trial;

/// Gain of the shares: how strongly a gap tilts them. Set by fairness, not by stability: at 64 identical targets stray
/// seven times further from their configured shares than at 16, and nothing else gets better.
pub(super) const BETA: f64 = 16.0;
/// Loss that never counts as a difference, and how many deviations chance may explain. With 0.7 identical targets stray
/// nearly twice as far (0.020 against 0.012 over ten minutes at 10 requests/s); with 1.5 and more small differences are
/// left to chance for minutes (0.005 of regret in the mean of the base scenarios).
const LEAST_GAP: f64 = 0.05;
const DEVIATIONS: f64 = 1.15;
/// Logarithm of the least tilt: bounds of others must be able to raise a share that is all but nothing.
const LEAST_TILT: f64 = -25.0;
/// The best is the target that is best with this much of its deviation added: a lucky newcomer is not it.
const CAUTION: f64 = 0.3;

/// How much being over a level counts where somebody meets them, and how much of it hides what else speaks for a target.
/// At 3 a target whose p95 is a tenth over gets a fiftieth of what it would; halved, a seventh. The second is as steep as
/// it can be without making the reference jump: a cheap target stops being what the others are compared with between 3 and
/// 7 per cent over.
const LEVEL_WEIGHT: f64 = 3.0;
const LEVELS_FIRST: f64 = 100.0;
/// Excess of the least violation at which half of that first weight is gone, down to 1: where nobody meets the levels, they
/// are a quantity like latency, and at three times its gain identical targets that are all late would stray by chance.
const NOBODY_MEETS: f64 = 0.07;

/// What a strategy is told about one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) anchor: f64,
    pub(super) signal: &'a Signal,
    /// Part of its share that it may get: 0 while ejected, below 1 while it returns.
    pub(super) ramp: f64,
}

impl Candidate<'_> {
    fn takes_part(&self) -> bool {
        self.ramp > 0.0 && self.anchor > 0.0
    }
}

/// A proposal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Proposal {
    /// Relative shares, at least 0.
    pub(super) parts: Vec<f64>,
    /// Each target's gap to those that are better, after what chance explains.
    pub(super) gaps: Vec<f64>,
    /// The best, if anybody takes part: with some caution, since a lucky newcomer is not it.
    pub(super) best: Option<usize>,
}

/// How far a loss is above another, with what chance explains taken off smoothly: about 0 below the noise, about the
/// difference above it.
pub(super) fn gap(difference: f64, variances: f64) -> f64 {
    let noise = LEAST_GAP + DEVIATIONS * variances.max(0.0).sqrt();
    beyond(difference, noise)
}

/// What is left of a difference beyond so much noise.
pub(super) fn beyond(difference: f64, noise: f64) -> f64 {
    let difference = difference.max(0.0);
    let (cube, noise) = (difference.powi(3), noise.powi(3));
    difference * cube / (cube + noise)
}

/// What a gap leaves of a share, before rails.
pub(super) fn tilt(gap: f64) -> f64 {
    (-BETA * gap).max(LEAST_TILT).exp()
}

/// How far targets are over the route's levels.
#[derive(Clone, Debug)]
struct Over {
    /// Each of them, beyond the least.
    each: Vec<f64>,
    /// How much that counts.
    weight: f64,
}

/// How far each of `members` is over the route's levels, beyond those that are less so, with what chance explains taken off.
///
/// Whoever meets them all has nothing here, so the objective alone decides among them; where nobody does, the least
/// violation wins.
fn over_levels(candidates: &[Candidate<'_>], members: &[usize]) -> Over {
    let mut each = vec![0.0; candidates.len()];
    let violation = |i: usize| candidates[i].signal.violation;
    let excess = |i: &usize| violation(*i).excess;
    if members.iter().all(|i| excess(i) <= 0.0) {
        return Over {
            each,
            weight: LEVEL_WEIGHT,
        };
    }
    // How well a target is known that meets its levels does not matter to the others: they are compared with the levels.
    let doubt = |it: Violation| it.doubt.min(it.excess * it.excess);
    let others = || members.iter().filter(|i| candidates[**i].takes_part());
    let least = others().map(excess).fold(f64::INFINITY, f64::min);
    // Where nobody meets the levels, times are compared with each other rather than with a level that is far below them.
    let scale = 1.0 / (1.0 + least.min(MOST_EXCESS));
    for i in members {
        let own = violation(*i);
        each[*i] = worst_gap(others().map(|j| {
            let other = violation(*j);
            let variances = own.variance + doubt(other);
            (
                scale * (own.excess - other.excess),
                scale * scale * variances,
            )
        }));
    }
    Over {
        each,
        weight: 1.0 + (LEVEL_WEIGHT - 1.0) * (-least / NOBODY_MEETS).exp2(),
    }
}

/// The largest of the gaps behind several others, told as differences with the sums of the variances.
///
/// Behind each of them and not behind the best alone: who that is changes with a single answer, and with it what chance
/// explains, so a target that is hardly known could gain by handing the lead to one that is known well.
fn worst_gap(others: impl Iterator<Item = (f64, f64)>) -> f64 {
    others.fold(0.0, |worst, (difference, variances)| {
        // A gap is less than its difference.
        if difference > worst {
            gap(difference, variances).max(worst)
        } else {
            worst
        }
    })
}

/// Proposes shares among `members`; the others get 0.
pub(super) fn propose(
    strategy: Strategy,
    candidates: &[Candidate<'_>],
    members: &[usize],
) -> Proposal {
    let mut parts = vec![0.0; candidates.len()];
    let mut gaps = vec![0.0; candidates.len()];
    let takes_part = |i: &&usize| candidates[**i].takes_part();
    let over = over_levels(candidates, members);
    let cautious = |i: usize| {
        let signal = candidates[i].signal;
        signal.loss() + CAUTION * signal.variance.sqrt() + LEVELS_FIRST * over.each[i]
    };
    let best = members
        .iter()
        .filter(takes_part)
        .copied()
        .min_by(|a, b| cautious(*a).total_cmp(&cautious(*b)));
    let Some(best) = best else {
        return Proposal { parts, gaps, best };
    };
    let tried = match strategy {
        Strategy::Fixed | Strategy::Adaptive => Vec::new(),
        Strategy::Trial(core) => trial::parts(core, candidates, members),
    };
    for i in members {
        let candidate = &candidates[*i];
        let own = candidate.signal;
        let behind = worst_gap(members.iter().filter(takes_part).map(|j| {
            let other = candidates[*j].signal;
            let difference = own.loss() - other.loss() - LEVELS_FIRST * over.each[*j];
            (difference, own.variance + other.variance)
        }));
        gaps[*i] = behind + over.weight * over.each[*i];
        let part = match strategy {
            Strategy::Fixed => candidate.anchor,
            Strategy::Adaptive => candidate.anchor * tilt(gaps[*i]),
            Strategy::Trial(_) => tried[*i],
        };
        parts[*i] = candidate.ramp * part;
    }
    Proposal {
        parts,
        gaps,
        best: Some(best),
    }
}

#[cfg(test)]
#[path = "strategy_tests.rs"]
mod tests;
