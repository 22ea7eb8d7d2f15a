//! Extra requests for sick targets, so that a recovery is seen at once.

use super::super::health::Health;
use super::super::plan::Route;
use super::super::signal::Signal;
use super::{Outcome, RouteMemory, Scene};
use crate::model::Time;

/// Extra requests that show a recovery: their part of the demand, most saved up, least seconds between two.
const BURST_PART: f64 = 0.02;
pub(super) const BURST_MOST: f64 = 6.0;
const BURST_EVERY: f64 = 0.5;
/// A falling sum of the change detector from which the last values were surprisingly good.
const BURST_IMPROVING: f64 = 1.2;
/// How long a sudden improvement earns extra requests, whatever the estimate says: one answer does not move all of it.
const BURST_IMPROVED: f64 = 5.0;
/// How long after a return or an improvement an unsure estimate earns extra requests.
const BURST_AFTER: f64 = 15.0;

impl RouteMemory {
    /// Sick targets that should get an extra request, so that a recovery is seen at once: those whose last answers were
    /// surprisingly good, and those that came back moments ago and are not yet known well.
    pub(super) fn bursts(
        &mut self,
        route: &Route,
        scene: &Scene<'_>,
        signals: &[Signal],
        outcome: &Outcome,
    ) -> Vec<usize> {
        let earned = BURST_PART * self.demand() * scene.elapsed;
        self.bursts = (self.bursts + earned).min(BURST_MOST);
        let mut chosen = Vec::new();
        for (i, target) in route.targets.iter().enumerate() {
            let (memory, upstream) = (&mut self.targets[i], &scene.upstreams[target.upstream]);
            let best = outcome.best.iter().find(|best| {
                route
                    .groups
                    .iter()
                    .any(|g| g.contains(&i) && g.contains(best))
            });
            let Some(best) = best else { continue };
            let suppressed = outcome.proposed[i] < 0.5 * target.anchor;
            let fits = upstream.health.state == Health::Serving
                && i != *best
                && suppressed
                && !memory.scores.is_away()
                && upstream.blocked_until <= scene.now
                && upstream.in_flight < 2;
            if !fits || memory.sick.is_none() || self.bursts < 1.0 {
                continue;
            }
            let difference = signals[i].loss() - signals[*best].loss();
            let unsure = difference < 2.0 * (signals[i].variance + signals[*best].variance).sqrt();
            let fresh =
                |at: Option<Time>, span: f64| at.is_some_and(|at| scene.now.secs_since(at) < span);
            let improved = upstream.improved_at;
            let hopeful = fresh(memory.returned_at, BURST_AFTER) || fresh(improved, BURST_AFTER);
            let worth = upstream.improving() > BURST_IMPROVING
                || fresh(improved, BURST_IMPROVED)
                || (unsure && hopeful)
                || (signals[i].violation.excess > 0.0 && upstream.times.quickens());
            if worth && !fresh(memory.burst_at, BURST_EVERY) {
                memory.burst_at = Some(scene.now);
                self.bursts -= 1.0;
                chosen.push(target.upstream);
            }
        }
        chosen
    }
}
