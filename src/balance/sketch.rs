//! How times are distributed: counts in cells of equal ratio, old ones fading.
//!
//! Problem: a percentile has to reach the tick, the journal and the simulator as plain data, at a few numbers a tick, and
//! what is known has to be comparable with a level that a reload may change at any time. Windows of histograms are too big
//! for a journal line and cost a merge; sketches that keep one percentile (P²) cannot be asked about another. So a batch
//! has the cells that something fell into, and the memory is one decayed histogram: any percentile with an error of half a
//! cell, and how many requests say so.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::possible::{MOST_COUNT, Odd, number, numbers};

/// Times from 10 µs in steps of 8 %: the last cell begins at 970 s. With 16 % a p95 is told to within 8 %, and levels are
/// set closer than that; with 4 % a batch has twice as many cells.
const LEAST: f64 = 1e-5;
const STEP: f64 = 1.08;
const LAST: u8 = 239;
/// A memory with less than this weight is empty.
const EMPTY: f64 = 1e-3;
/// Times in a row that are all among the quickest or slowest quarter of what is known: by chance one run in sixteen
/// thousand. With 5 identical targets are begun anew every minute; with 14 a target at the exploration floor is well again
/// for a minute more before that is seen.
const RUN: f64 = 7.0;
/// A run of slow times that says that everything is slower now: by chance no target has so long a one.
const LONG_RUN: f64 = 30.0;
/// Excess of one time over a level counts at most this much: a hung request is no worse than a very late one.
pub(super) const MOST_EXCESS: f64 = 3.0;

/// Times of one tick.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Cells that something fell into, with how often.
    cells: Vec<(u8, u32)>,
    /// Requests that failed before they had such a time.
    missing: u32,
}

/// The times of one tick, by what they are of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// To the first token.
    pub first_token: Counts,
    /// Per token.
    pub per_token: Counts,
    /// Of whole answers.
    pub total: Counts,
}

/// Times of the recent past.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sketch {
    /// The cell that `cells` begin with.
    first: u8,
    cells: Vec<f64>,
    missing: f64,
}

/// Times of the recent past, that are begun anew when they suddenly are others.
///
/// Fading alone would keep a target that is quick again late for minutes: where one in twenty may be late, each late one
/// that is remembered takes twenty good ones. So after a run of times that are all among the quickest quarter what was known
/// before it is dropped. A run of slow ones is looked at in its own right, and when it is long, what was known before it is
/// taken to be slower by as much: dropped, the few late ones among it would be forgotten because of slow answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Followed {
    /// The times before the run that is under way.
    known: Sketch,
    /// The times of that run.
    run: Sketch,
    side: Option<Side>,
}

/// Where a run of times is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Quick,
    Slow,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the logarithm of a ratio of at least 1 is at least 0, and float casts saturate"
)]
fn cell(seconds: f64) -> u8 {
    let steps = (seconds.max(LEAST) / LEAST).ln() / STEP.ln();
    (steps as u8).min(LAST)
}

/// The cell that a time in seconds falls into.
pub fn cell_of(seconds: f64) -> u8 {
    cell(seconds)
}

/// The time in the middle of a cell, in seconds (the geometric mean of its ends).
pub fn middle_of(cell: u8) -> f64 {
    let cell = usize::from(cell.min(LAST));
    (begin(cell) * begin(cell + 1)).sqrt()
}

/// Where cells begin, in seconds; looked up, since a tick asks for some hundreds of them.
static BEGINS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let cells = 0..=u16::from(LAST) + 1;
    cells
        .map(|cell| LEAST * STEP.powi(i32::from(cell)))
        .collect()
});

/// Where a cell begins, in seconds.
fn begin(cell: usize) -> f64 {
    BEGINS.get(cell).copied().unwrap_or(f64::INFINITY)
}

// === impl Counts ===

impl Counts {
    /// Adds a time in seconds.
    pub fn add(&mut self, seconds: f64) {
        let cell = cell(seconds);
        match self.cells.iter_mut().find(|(known, _)| *known == cell) {
            Some((_, count)) => *count += 1,
            None => self.cells.push((cell, 1)),
        }
    }

    /// Adds `count` times of a cell; see [`cell_of`].
    pub fn add_cell(&mut self, cell: u8, more: u32) {
        let cell = cell.min(LAST);
        match self.cells.iter_mut().find(|(known, _)| *known == cell) {
            Some((_, count)) => *count = count.saturating_add(more),
            None => self.cells.push((cell, more)),
        }
    }

    /// Cells that something fell into, with how often.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = (u8, u32)> + '_ {
        self.cells.iter().copied()
    }

    /// A request failed before it had such a time.
    pub fn miss(&mut self) {
        self.missing += 1;
    }

    /// So many requests failed before they had such a time.
    pub fn miss_many(&mut self, more: u32) {
        self.missing = self.missing.saturating_add(more);
    }

    /// Requests that failed before they had such a time.
    pub fn missing(&self) -> u32 {
        self.missing
    }

    /// Where all of them are: at least at `high` (those that are missing are), or below `low`; `None` if neither.
    fn side(&self, low: f64, high: f64) -> Option<Side> {
        let begins = || self.cells.iter().map(|(cell, _)| begin(usize::from(*cell)));
        if begins().all(|time| time >= high) {
            Some(Side::Slow)
        } else if self.missing == 0 && begins().all(|time| time < low) {
            Some(Side::Quick)
        } else {
            None
        }
    }

    fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.missing == 0
    }
}

impl Times {
    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.first_token.is_empty() && self.per_token.is_empty() && self.total.is_empty()
    }
}

// === impl Sketch ===

impl Sketch {
    /// Takes a tick's times in.
    pub(super) fn take(&mut self, counts: &Counts) {
        for (cell, count) in &counts.cells {
            *self.at((*cell).min(LAST)) += f64::from(*count);
        }
        self.missing += f64::from(counts.missing);
    }

    /// Adds so many times of `seconds`.
    pub(super) fn add(&mut self, seconds: f64, count: f64) {
        *self.at(cell(seconds)) += count;
    }

    fn at(&mut self, cell: u8) -> &mut f64 {
        if self.cells.is_empty() {
            self.first = cell;
        }
        if cell < self.first {
            let more = usize::from(self.first - cell);
            self.cells.splice(0..0, std::iter::repeat_n(0.0, more));
            self.first = cell;
        }
        let place = usize::from(cell - self.first);
        if place >= self.cells.len() {
            self.cells.resize(place + 1, 0.0);
        }
        &mut self.cells[place]
    }

    /// This part of it is kept.
    pub(super) fn fade(&mut self, keep: f64) {
        for cell in &mut self.cells {
            *cell *= keep;
        }
        self.missing *= keep;
        if self.weight() < EMPTY {
            *self = Self::default();
        }
    }

    /// Requests that it speaks of, old ones counting less.
    pub(super) fn weight(&self) -> f64 {
        self.missing + self.cells.iter().sum::<f64>()
    }

    /// Cells as (begin, end, weight), slowest first.
    fn slowest_first(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let first = usize::from(self.first);
        let cells = self.cells.iter().enumerate().rev();
        cells.map(move |(i, weight)| (begin(first + i), begin(first + i + 1), *weight))
    }

    /// The time that requests of this `weight` exceed; `None` if so many have no time at all, or there are no times.
    pub(super) fn exceeded_by(&self, weight: f64) -> Option<f64> {
        let mut above = self.missing;
        if weight < above {
            return None;
        }
        for (low, high, own) in self.slowest_first() {
            if own > 0.0 && above + own >= weight {
                let part = (weight - above) / own;
                return Some(high * (low / high).powf(part));
            }
            above += own;
        }
        None
    }

    /// The time that a part `above` of those that have one exceed, as a multiple of their mean.
    pub(super) fn stretch(&self, above: f64) -> Option<f64> {
        let sums = self
            .slowest_first()
            .fold((0.0, 0.0), |(n, sum), (low, high, own)| {
                (n + own, sum + own * (low * high).sqrt())
            });
        let time = self.exceeded_by(self.missing + above * sums.0)?;
        (sums.1 > 0.0).then(|| time * sums.0 / sums.1)
    }

    /// Mean excess over `limit`, as a part of it, of those requests that `from` to `to` others are slower than. Beyond the
    /// last request there are only quick ones; before the first, where nobody has been yet, only such that never end.
    pub(super) fn excess(&self, limit: f64, (from, to): (f64, f64)) -> f64 {
        let over = |time: f64| (time / limit - 1.0).clamp(0.0, MOST_EXCESS);
        let missing = (from.min(0.0), self.missing, MOST_EXCESS);
        let mut above = self.missing;
        let cells = self.slowest_first().map(|(low, high, own)| {
            above += own;
            (above - own, above, 0.5 * (over(low) + over(high)))
        });
        let sum: f64 = std::iter::once(missing)
            .chain(cells)
            .map(|(begin, end, excess)| (end.min(to) - begin.max(from)).max(0.0) * excess)
            .sum();
        sum / (to - from).max(f64::MIN_POSITIVE)
    }

    /// Makes all times slower by one ratio, so that half of them are as slow as half of `run`; none gets quicker.
    fn slow_to(&mut self, run: &Self) {
        let middle = |times: &Self| {
            let timed: f64 = times.cells.iter().sum();
            times.exceeded_by(times.missing + 0.5 * timed)
        };
        let (Some(own), Some(other)) = (middle(self), middle(run)) else {
            return;
        };
        let later = cell(other).saturating_sub(cell(own));
        self.first = self.first.saturating_add(later).min(LAST);
        let room = usize::from(LAST - self.first) + 1;
        if self.cells.len() > room {
            let beyond: f64 = self.cells.drain(room..).sum();
            self.cells[room - 1] += beyond;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.missing += other.missing;
        self.merge_from(other, 0.0);
    }

    /// Adds those times of `other` that are at least `limit`.
    fn merge_from(&mut self, other: &Self, limit: f64) {
        for (cell, weight) in (other.first..=LAST).zip(&other.cells) {
            if begin(usize::from(cell)) >= limit {
                *self.at(cell) += weight;
            }
        }
    }

    /// This with those of `waiting` that have waited for longer than `limit` already.
    pub(super) fn with_late(&self, waiting: &Self, limit: f64) -> Self {
        let mut all = self.clone();
        all.merge_from(waiting, limit);
        all
    }
}

// === impl Followed ===

impl Followed {
    /// Takes a tick's times in.
    pub(super) fn take(&mut self, counts: &Counts) {
        if counts.is_empty() {
            return;
        }
        let weight = self.known.weight();
        if weight < RUN {
            self.known.take(counts);
            return;
        }
        let quarter = |part: f64| self.known.exceeded_by(part * weight);
        let (low, high) = (quarter(0.75), quarter(0.25));
        let side = counts.side(low.unwrap_or(f64::INFINITY), high.unwrap_or(f64::INFINITY));
        if side != self.side {
            self.known.merge(&std::mem::take(&mut self.run));
            self.side = side;
        }
        let Some(side) = side else {
            self.known.take(counts);
            return;
        };
        self.run.take(counts);
        let run = self.run.weight();
        match side {
            Side::Quick if run >= RUN => self.known = std::mem::take(&mut self.run),
            Side::Slow if run >= LONG_RUN => {
                self.known.slow_to(&self.run);
                self.known.merge(&std::mem::take(&mut self.run));
            }
            Side::Quick | Side::Slow => return,
        }
        self.side = None;
    }

    /// This part of it is kept.
    pub(super) fn fade(&mut self, keep: f64) {
        self.known.fade(keep);
        self.run.fade(keep);
    }

    /// Requests that it speaks of, old ones counting less.
    pub(super) fn weight(&self) -> f64 {
        self.known.weight() + self.run.weight()
    }

    /// All times.
    pub(super) fn all(&self) -> Sketch {
        let mut all = self.known.clone();
        all.merge(&self.run);
        all
    }

    /// Whether the last times were among the quickest quarter.
    pub(super) fn quickens(&self) -> bool {
        self.side == Some(Side::Quick)
    }

    /// All times if the run of slow ones that is under way weighs as much as all before it; `None` if there is none.
    ///
    /// A second opinion beside what is known, and not in its place: a run that is slow for the most part may be quicker
    /// than the few times that miss a level.
    pub(super) fn slowing(&self) -> Option<Sketch> {
        let weight = self.run.weight();
        if self.side != Some(Side::Slow) || weight < RUN {
            return None;
        }
        let mut times = self.known.clone();
        times.fade((weight / times.weight()).min(1.0));
        times.merge(&self.run);
        Some(times)
    }
}

impl Followed {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        for times in [&self.known, &self.run] {
            let cells = usize::from(times.first) + times.cells.len();
            number(
                "number of times",
                cells as f64,
                (0.0, f64::from(LAST) + 1.0),
            )?;
            numbers("times", &times.cells, (0.0, MOST_COUNT))?;
            number("missing", times.missing, (0.0, MOST_COUNT))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "sketch_tests.rs"]
mod tests;
