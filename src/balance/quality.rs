//! What applications said of a target's answers on a route, and what follows from it.
//!
//! Problem: scores are few, come minutes late, for some answers only, and rise and fall with whoever gives them. Choice:
//! means of a route's targets, compared with each other, with as much trust as there are scores. A target without scores is
//! taken for no worse than anybody, so a route that nobody rates is decided as if there were no scores; and a worse score of
//! a target makes its own loss larger and nobody else's in that tick, because it is held against the best of *before* it.
//!
//! ```text
//! trust = n / (n + 10),   spread = (Σ(s − m)² + 10 · ¼) / (n + 10),   variance = spread / n
//! quality term = a_Q · beyond chance(t_best · t · (m_best − m), (t_best · t)² · (variance_best + variance))
//! ```
//!
//! The significance is taken here and not with the loss as a whole: that a few scores are unsure must not make a difference
//! of latency unsure as well.
//!
//! Scores grow old by how many come: half of their weight is gone when the route got a hundred for each of its targets, but
//! not sooner than after half an hour, and after a day at the latest. So a busy feed is followed within the hour, and one of
//! twenty thumbs a day adds up to something. What is left of a target's scores also says how long `min_quality` keeps it
//! away: while it gets no requests there are no new ones, the old ones fade, and it is tried again with as
//! much of its share as they leave in doubt.
//!
//! How it fails: scores that are given to the bad answers only make whoever is rated more look worse; means of a hundred
//! scores hide that one kind of request suffers.

use serde::{Deserialize, Serialize};

use super::input::{Moments, Scored};
use super::possible::{MOST_SECONDS, Odd, number, numbers};
use super::strategy::beyond;

/// Tenths of the scale that scores are counted in.
pub const SCORE_BINS: usize = 10;

/// Scores from which a target's own mean counts half. With 3, one thumb up against one down moves a tenth of the shares at
/// a weight of 5; with 30, a difference of 0.3 takes fifty scores to count.
const TRUST: f64 = 10.0;
/// Scores of the widest spread there can be, ¼, that every target begins with: the first ones may be alike by chance.
const SPREAD: (f64, f64) = (10.0, 0.25);
/// Difference of means that counts half even between targets that are known exactly, and how many deviations chance may
/// explain: as many as for the loss.
const LEAST_DIFFERENCE: f64 = 0.02;
const DEVIATIONS: f64 = 1.15;
/// Most that a target's scores together weigh, so that a busy feed does not have to be contradicted for hours.
const MOST: f64 = 400.0;
/// Half-life in scores of the route for each of its targets, and its bounds in seconds. Halved, differences of 0.1 drown in
/// chance; doubled, a target that was mended waits twice as long for its way back.
const HALF_LIFE_SCORES: f64 = 100.0;
const HALF_LIFE: (f64, f64) = (1_800.0, 86_400.0);
/// A weight below this is nothing.
const NOTHING: f64 = 0.01;

/// Deviations below `min_quality` from which a target leaves, and the fewest scores that say so. Two thumbs down are three
/// deviations below 0.9; five are no accident.
const LEAVES: f64 = 2.5;
const FEWEST: f64 = 5.0;
/// Deviations from which one that is away is tried with a part of its share, and from which it is whole again. In a closed
/// loop of two targets with means of 0.85 and 0.4 over a floor of 0.7, scores two minutes late, the worse got 0.8 % of 10
/// requests/s of which one in twenty was rated, and was whole within two hours of being as good as the other. At 2.5 it got
/// 1.4 %, and 8 instead of 5 % with a mean of 0.6; at 1 it came back whole now and then by luck.
const TRIED: f64 = 1.25;
const BACK: f64 = 0.25;

/// What is known of a target's answers from their scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct Quality {
    /// The mean score, 0 to 1.
    pub mean: f64,
    /// Standard deviation of that mean by chance.
    pub deviation: f64,
    /// Scores that it is known from; old ones count less.
    pub scores: f64,
    /// Of those, how many are in each tenth of the scale, from 0 up.
    pub histogram: [f64; SCORE_BINS],
}

/// A target's scores; old ones count less.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Scores {
    moments: Moments,
    bins: [f64; SCORE_BINS],
    /// Whether `min_quality` keeps the target away.
    away: bool,
}

/// What the targets of a route are compared with: the best of them, as it was before the tick.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Best {
    mean: f64,
    variance: f64,
    trust: f64,
}

/// How old a route's scores have become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ageing {
    /// Halvings since the beginning: a score of then weighs 2 to the power of minus the difference.
    pub(super) halvings: f64,
    /// Halvings that came scores are worth and that have not been taken yet.
    owed: f64,
}

// === impl Scores ===

impl Scores {
    /// Whether nobody has rated it, or too long ago to count.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes a score in, in place of the one that it replaces.
    pub(super) fn take(&mut self, scored: &Scored) {
        if let Some(before) = scored.instead {
            let left = before.weight.clamp(0.0, 1.0);
            self.add(before.score, -left);
        }
        self.add(scored.score, 1.0);
        if self.moments.n > MOST {
            self.scale(MOST / self.moments.n);
        }
    }

    fn add(&mut self, score: f64, weight: f64) {
        // Whoever writes a journal by hand may write anything.
        if !score.is_finite() {
            return;
        }
        let score = score.clamp(0.0, 1.0);
        let moments = &mut self.moments;
        moments.n = (moments.n + weight).max(0.0);
        moments.sum = (moments.sum + weight * score).clamp(0.0, moments.n);
        moments.squares = (moments.squares + weight * score * score).clamp(0.0, moments.sum);
        let bin = &mut self.bins[bin(score)];
        *bin = (*bin + weight).max(0.0);
    }

    fn scale(&mut self, factor: f64) {
        let moments = &mut self.moments;
        for value in [&mut moments.n, &mut moments.sum, &mut moments.squares] {
            *value *= factor;
        }
        for bin in &mut self.bins {
            *bin *= factor;
        }
    }

    /// This part of every score's weight is kept.
    fn fade(&mut self, keep: f64) {
        self.scale(keep);
        if self.moments.n < NOTHING {
            *self = Self::default();
        }
    }

    fn mean(&self) -> f64 {
        self.moments.mean().unwrap_or_default()
    }

    /// Variance of the mean; as much as can be where there are no scores.
    fn variance(&self) -> f64 {
        let moments = &self.moments;
        let off = (moments.squares - moments.sum * self.mean()).max(0.0);
        let spread = (off + SPREAD.0 * SPREAD.1) / (moments.n + SPREAD.0);
        spread / moments.n.max(NOTHING)
    }

    fn trust(&self) -> f64 {
        self.moments.n / (self.moments.n + TRUST)
    }

    /// As it is shown; `None` without scores.
    pub(super) fn quality(&self) -> Option<Quality> {
        (self.moments.n > 0.0).then(|| Quality {
            mean: self.mean(),
            deviation: self.variance().sqrt(),
            scores: self.moments.n,
            histogram: self.bins,
        })
    }

    /// How far its mean is below that of the `best`, as far as both are known and beyond what chance explains.
    pub(super) fn behind(&self, best: Option<&Best>) -> f64 {
        let Some(best) = best.filter(|_| self.moments.n > 0.0) else {
            return 0.0;
        };
        let trust = self.trust() * best.trust;
        let variance = trust * trust * (self.variance() + best.variance);
        let noise = LEAST_DIFFERENCE + DEVIATIONS * variance.sqrt();
        beyond(trust * (best.mean - self.mean()), noise)
    }

    /// The part of its share that `floor` leaves it: all of it, nothing while its mean is clearly below, and something in
    /// between while it is away and what is known of it fades.
    pub(super) fn part_above(&mut self, floor: Option<f64>) -> f64 {
        let Some(floor) = floor.filter(|_| self.moments.n > 0.0) else {
            self.away = false;
            return 1.0;
        };
        let below = (floor - self.mean()) / self.variance().sqrt();
        if self.away {
            self.away = below > BACK;
        } else {
            self.away = below >= LEAVES && self.moments.n >= FEWEST;
        }
        if self.away {
            (1.0 - below / TRIED).clamp(0.0, 1.0)
        } else {
            1.0
        }
    }

    /// Whether `min_quality` keeps it from its share.
    pub(super) fn is_away(&self) -> bool {
        self.away
    }
}

fn bin(score: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of bins"
    )]
    let place = (score * SCORE_BINS as f64) as usize;
    place.min(SCORE_BINS - 1)
}

/// The best of these: the one whose mean is highest with a deviation taken off, since one lucky score is not it.
pub(super) fn best<'a>(scores: impl Iterator<Item = &'a Scores>) -> Option<Best> {
    let rated = scores.filter(|scores| scores.moments.n > 0.0);
    let sure = |scores: &Scores| scores.mean() - scores.variance().sqrt();
    let best = rated.max_by(|a, b| sure(a).total_cmp(&sure(b)))?;
    Some(Best {
        mean: best.mean(),
        variance: best.variance(),
        trust: best.trust(),
    })
}

// === impl Ageing ===

impl Ageing {
    /// `elapsed` seconds pass in which `came` scores came, for a route of so many targets; tells what is kept of the weights
    /// of those before.
    pub(super) fn pass(&mut self, elapsed: f64, came: usize, targets: usize) -> f64 {
        self.owed = (self.owed + came as f64 / (HALF_LIFE_SCORES * targets.max(1) as f64)).min(1.0);
        let (soonest, latest) = HALF_LIFE;
        let halvings = self.owed.min(elapsed / soonest).max(elapsed / latest);
        self.owed = (self.owed - halvings).max(0.0);
        self.halvings += halvings;
        (-halvings).exp2()
    }
}

/// Lets the scores of a route's targets grow old, and takes in what came.
pub(super) fn take(
    ageing: &mut Ageing,
    targets: &mut [&mut Scores],
    came: &[Scored],
    elapsed: f64,
) {
    // What nobody rates stays as it is, to the bit.
    if came.is_empty() && targets.iter().all(|scores| scores.is_empty()) {
        return;
    }
    let keep = ageing.pass(elapsed, came.len(), targets.len());
    for scores in targets.iter_mut() {
        scores.fade(keep);
    }
    for scored in came {
        let place = usize::try_from(scored.target).unwrap_or(usize::MAX);
        if let Some(scores) = targets.get_mut(place) {
            scores.take(scored);
        }
    }
}

impl Scores {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        // Rounding may leave a sum a little above what it is a sum of.
        let most = (0.0, MOST * (1.0 + 1e-6));
        let Moments { n, sum, squares } = &self.moments;
        numbers("scores", [n, sum, squares], most)?;
        number("sum of scores", *sum, (0.0, n * (1.0 + 1e-6)))?;
        number("sum of squares", *squares, (0.0, sum * (1.0 + 1e-6)))?;
        numbers("scores", &self.bins, (0.0, MOST * 2.0))
    }
}

impl Best {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        let shares = [&self.mean, &self.trust];
        numbers("best score", shares, (0.0, 1.0 + 1e-6))?;
        // The most that scores from 0 to 1 vary by, of the least weight that counts.
        number("variance of the best", self.variance, (0.0, 1.0 / NOTHING))
    }
}

impl Ageing {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        number("halvings", self.halvings, (0.0, MOST_SECONDS / HALF_LIFE.0))?;
        number("owed", self.owed, (0.0, 1.0))
    }
}

#[cfg(test)]
#[path = "quality_tests.rs"]
mod tests;
