//! Strategies propose shares; rails and projection come after them, for each alike.

use super::plan::Strategy;
use super::signal::Signal;

/// Gain of the shares: how strongly a gap tilts them. Set by fairness, not by stability: at 64 identical targets stray
/// seven times further from their configured shares than at 16, and nothing else gets better.
const BETA: f64 = 16.0;
/// Loss that never counts as a difference, and how many deviations chance may explain. With 0.7 and the square instead of
/// the cube, identical targets stray more than twice as far (0.027 against 0.012 over two minutes at 10 requests/s);
/// with 2 and more a target that is slow from its first request on is left two seconds later.
const LEAST_GAP: f64 = 0.05;
const DEVIATIONS: f64 = 1.5;
/// The reference is the target that is best with this much of its deviation added: a lucky newcomer does not set it.
const CAUTION: f64 = 0.3;

/// What a strategy is told about one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) anchor: f64,
    pub(super) signal: &'a Signal,
    /// Part of its share that it may get: 0 while ejected, below 1 while it returns.
    pub(super) ramp: f64,
}

/// A proposal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Proposal {
    /// Relative shares, at least 0.
    pub(super) parts: Vec<f64>,
    /// Each target's gap to the best, after what chance explains.
    pub(super) gaps: Vec<f64>,
    /// The best, if anybody takes part.
    pub(super) best: Option<usize>,
}

/// How far `loss` is above the best, with what chance explains taken off smoothly: about 0 below the noise, about the
/// difference above it.
pub(super) fn gap(difference: f64, variances: f64) -> f64 {
    let difference = difference.max(0.0);
    let noise = LEAST_GAP + DEVIATIONS * variances.max(0.0).sqrt();
    let (cube, noise) = (difference.powi(3), noise.powi(3));
    difference * cube / (cube + noise)
}

/// Proposes shares among `members`; the others get 0.
pub(super) fn propose(
    strategy: Strategy,
    candidates: &[Candidate<'_>],
    members: &[usize],
) -> Proposal {
    let mut parts = vec![0.0; candidates.len()];
    let mut gaps = vec![0.0; candidates.len()];
    let takes_part = |i: &&usize| candidates[**i].ramp > 0.0 && candidates[**i].anchor > 0.0;
    let cautious =
        |i: usize| candidates[i].signal.loss() + CAUTION * candidates[i].signal.variance.sqrt();
    let best = members
        .iter()
        .filter(takes_part)
        .copied()
        .min_by(|a, b| cautious(*a).total_cmp(&cautious(*b)));
    let Some(best) = best else {
        return Proposal { parts, gaps, best };
    };
    let reference = candidates[best].signal;
    for i in members {
        let candidate = &candidates[*i];
        let difference = candidate.signal.loss() - reference.loss();
        gaps[*i] = gap(difference, candidate.signal.variance + reference.variance);
        parts[*i] = candidate.anchor
            * candidate.ramp
            * match strategy {
                Strategy::Fixed => 1.0,
                Strategy::Adaptive => (-BETA * gaps[*i]).exp(),
            };
    }
    Proposal {
        parts,
        gaps,
        best: Some(best),
    }
}
