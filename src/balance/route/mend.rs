//! What of a route's stored memory cannot be, and what takes its place.

use super::super::plan::Route;
use super::super::possible::{MOST_NORMALISED, Mending, Odd, number, past};
use super::{BURST_MOST, Rate, RouteMemory, TargetMemory};
use crate::balance::quality::{Ageing, Best, Scores};
use crate::balance::route::response::Response;
use crate::model::Time;

/// Losses that a gap is a difference of: latency counts up to six times, and no weight of an objective is near the rest.
const MOST_GAP: f64 = 1e9;
/// Shares sum to one but for rounding.
const WHOLE: (f64, f64) = (0.999, 1.001);

impl RouteMemory {
    /// Lets go of what no run can have written.
    pub(in crate::balance) fn mend(&mut self, route: &Route, mending: &mut Mending) {
        mending.part(
            "its rate",
            &mut self.arrivals,
            Rate::possible,
            Rate::default,
        );
        let mean = |mean: &Option<f64>| {
            mean.map_or(Ok(()), |mean| {
                number("mean_slowness", mean, (0.0, MOST_NORMALISED))
            })
        };
        mending.part("its slowness", &mut self.mean_slowness, mean, || None);
        let bursts = |bursts: &f64| number("bursts", *bursts, (0.0, BURST_MOST));
        mending.part("extra requests", &mut self.bursts, bursts, || BURST_MOST);
        let best = |best: &Option<Best>| best.as_ref().map_or(Ok(()), Best::possible);
        mending.part("the best by scores", &mut self.best, best, || None);
        let fresh = Self::new(route);
        mending.part(
            "its shares",
            &mut self.targets,
            |it| shares(it),
            || fresh.targets,
        );
        let aged = mending.part(
            "how old its scores are",
            &mut self.ageing,
            Ageing::possible,
            Ageing::default,
        );
        for target in &mut self.targets {
            target.mend(mending);
            if aged {
                target.scores = Scores::default();
            }
        }
    }
}

/// Whether these can be a route's shares.
fn shares(targets: &[TargetMemory]) -> Result<(), Odd> {
    for target in targets {
        number("share", target.share, (0.0, 1.0 + 1e-6))?;
        number(
            "in_force",
            target.in_force.unwrap_or_default(),
            (0.0, 1.0 + 1e-6),
        )?;
    }
    let sum: f64 = targets.iter().map(|target| target.share).sum();
    number("sum of shares", sum, WHOLE)
}

impl TargetMemory {
    fn mend(&mut self, mending: &mut Mending) {
        let stored = mending.stored;
        // A share in terms of another configured one may be any part of it.
        let before = |before: &f64| number("before_ejection", *before, (0.0, f64::MAX));
        let share = self.share;
        mending.part("share of before", &mut self.before_ejection, before, || {
            share
        });
        let gap = |gap: &f64| number("followed", *gap, (0.0, MOST_GAP));
        mending.part("the gap that it follows", &mut self.followed, gap, || 0.0);
        let scores = &mut self.scores;
        mending.part("its scores", scores, Scores::possible, Scores::default);
        mending.part(
            "how it answers to its share",
            &mut self.response,
            Response::possible,
            Response::default,
        );
        let moments: [(&'static str, &mut Option<Time>); 4] = [
            ("had_share_at", &mut self.had_share_at),
            ("sick", &mut self.sick),
            ("returned_at", &mut self.returned_at),
            ("burst_at", &mut self.burst_at),
        ];
        for (field, at) in moments {
            mending.part(
                "when it changed",
                at,
                |at| past(field, *at, stored),
                || None,
            );
        }
    }
}
