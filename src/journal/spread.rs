//! How much luck is in a weighted mean: the variance of a sum over requests that another policy would have sent elsewhere.
//!
//! The question is about *this* stretch of time, not about one like it: that a target was slow from noon to one is no chance.
//! Hence variances are those of successive differences (von Neumann), in which what changes slowly, or seldom, cancels; a
//! plain variance would count it as noise and widen the interval to uselessness. There are two kinds of luck, and their
//! variances add.
//!
//! - **Of requests.** Between a request and the one before it at the same target lies nothing but their own luck.
//! - **Of shares.** The other's decisions wander, since what it is told is noisy: between one block of ten seconds and the
//!   next, its traffic is spread over the targets in another way. What that changes is worked out with the targets' means over
//!   some minutes, so that the luck of requests is not counted twice; draws by chance are in it as well. Shares that went
//!   astray take some blocks to come back, so differences over one, two and three blocks together say how much a sum of
//!   blocks wanders. A fault that begins or ends moves them too, once, and is no luck: of a difference that is more than
//!   four deviations no more is counted.
//!
//! Sources: von Neumann, Kent, Bellinson, Hart, *The mean square successive difference*, Ann. Math. Stat. 12 (1941); Hall,
//! Van Keilegom, *Using difference-based methods for inference in nonparametric regression with time series errors*, J. R.
//! Stat. Soc. B 65 (2003).

use std::collections::BTreeMap;

use crate::model::TargetName;

/// A request: weight × value, weight, value.
pub(super) type Told = [f64; 3];

/// The requests of one target, each beside the one before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours {
    last: Option<Told>,
    pairs: f64,
    /// Σ of the products of their differences, so that the mean which they are looked at from may be found later.
    products: [[f64; 3]; 3],
}

/// The requests of one target in one block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    count: f64,
    sum: f64,
    weight: f64,
}

/// The requests of one block, by target.
pub(super) type Cells = BTreeMap<TargetName, Cell>;

/// Blocks to either side over which a target's mean is taken: two minutes in all. Halved, the luck of requests is counted
/// twice; doubled, so is a fault.
const AROUND: usize = 6;
/// Blocks after which shares that went astray are back: estimates follow within half a minute.
const LAGS: usize = 3;
/// A block with little traffic is raised by at most this: one request is spread over targets as chance will have it.
const MOST_RAISED: f64 = 2.0;
/// A difference of so many deviations is no luck. Of normal ones it is one in 16,000; with 2, luck itself is cut off, and with
/// 8 a fault makes an interval twice as wide.
const MOST_DEVIATIONS: f64 = 4.0;
/// The median of the absolute value of a normal variable, in deviations.
const MEDIAN_DEVIATION: f64 = 0.674_490;

// === impl Neighbours ===

impl Neighbours {
    /// The next request.
    pub(super) fn add(&mut self, told: Told) {
        if let Some(last) = self.last.replace(told) {
            self.pairs += 1.0;
            let differences = [0, 1, 2].map(|i| told[i] - last[i]);
            for (row, a) in self.products.iter_mut().zip(differences) {
                for (product, b) in row.iter_mut().zip(differences) {
                    *product += a * b;
                }
            }
        }
    }

    /// The variance of the sum of `of` · request.
    pub(super) fn variance(&self, of: Told) -> f64 {
        let rows = self.products.iter().zip(of);
        let along = |row: &[f64; 3]| row.iter().zip(of).map(|(it, b)| it * b).sum::<f64>();
        let squares: f64 = rows.map(|(row, a)| a * along(row)).sum();
        // One request more than there are pairs.
        0.5 * squares.max(0.0) * (self.pairs + 1.0) / self.pairs.max(1.0)
    }
}

// === impl Cell ===

impl Cell {
    /// A request with this value, which stands for `weight` requests.
    pub(super) fn add(&mut self, weight: f64, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.weight += weight;
    }
}

/// The variance that wandering shares bring into a sum over `blocks` of weight × (value − mean) / whole weight, where each
/// block has `of` = (a, b, c) for a · weight × value + b · weight + c · value, and c only meets what was sent then. Blocks
/// count alike, whatever traffic they had: how much came is no decision.
pub(super) fn of_shares(blocks: &[&Cells], of: Told) -> f64 {
    let requests = |cells: &Cells| cells.values().map(|cell| cell.count).sum::<f64>();
    let usual = blocks.iter().map(|cells| requests(cells)).sum::<f64>() / blocks.len() as f64;
    let blocks: Vec<f64> = (0..blocks.len())
        .map(|place| {
            let near = blocks
                .iter()
                .take(place + AROUND + 1)
                .skip(place.saturating_sub(AROUND));
            let near: Vec<&&Cells> = near.collect();
            let Some(cells) = blocks.get(place) else {
                return 0.0;
            };
            let apart = cells
                .iter()
                .map(|(target, cell)| cell.apart(mean(&near, target), of));
            let alike = (usual / requests(cells).max(1.0)).min(MOST_RAISED);
            alike * apart.sum::<f64>()
        })
        .collect();
    wandering(&blocks)
}

impl Cell {
    /// What the block's requests of the target would sum up to, had each the target's `mean`.
    fn apart(&self, mean: f64, [weighted, weight, value]: Told) -> f64 {
        weighted * self.weight * mean + weight * self.weight + value * self.count * mean
    }
}

/// The target's mean over some blocks.
fn mean(near: &[&&Cells], target: &TargetName) -> f64 {
    let cells = near.iter().filter_map(|cells| cells.get(target));
    let (count, sum) = cells.fold((0.0, 0.0), |(n, s), cell| (n + cell.count, s + cell.sum));
    sum / f64::max(count, 1.0)
}

/// The variance of the sum of values that follow each other in time, whose level may change.
fn wandering(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let squares = [1, 2, 3].map(|lag| differing(values, lag));
    // Of a series with the variance v and the covariances c, differences over k steps have the mean square 2 (v - c of k);
    // after the last lag there is no covariance left.
    let [first, .., last] = squares;
    let reach = LAGS as f64;
    let long = (1.0 + 2.0 * reach) * last - 2.0 * squares.iter().sum::<f64>();
    count * long.max(first)
}

/// Half the mean square of the differences over `lag` steps, each at most [`MOST_DEVIATIONS`].
fn differing(values: &[f64], lag: usize) -> f64 {
    let pairs = values.iter().zip(values.iter().skip(lag));
    let mut differences: Vec<f64> = pairs.map(|(a, b)| (b - a).abs()).collect();
    differences.sort_by(f64::total_cmp);
    let Some(median) = differences.get(differences.len() / 2) else {
        return 0.0;
    };
    let most = MOST_DEVIATIONS * median / MEDIAN_DEVIATION;
    let squares: f64 = differences.iter().map(|it| it.min(most).powi(2)).sum();
    0.5 * squares / differences.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> TargetName {
        TargetName::new(name).unwrap()
    }

    /// Blocks of ten requests, of which so many stand for the second target: values 1 and 3.
    fn blocks(second: impl Fn(usize) -> f64) -> Vec<Cells> {
        let block = |i: usize| {
            let mut cells = Cells::new();
            for (name, weight, value) in [("a", 10.0 - second(i), 1.0), ("b", second(i), 3.0)] {
                let cell = cells.entry(target(name)).or_default();
                (0..5).for_each(|_| cell.add(weight / 5.0, value));
            }
            cells
        };
        (0..60).map(block).collect()
    }

    fn variance(second: impl Fn(usize) -> f64) -> f64 {
        let blocks = blocks(second);
        let blocks: Vec<&Cells> = blocks.iter().collect();
        of_shares(&blocks, [1.0, -2.0, 0.0])
    }

    #[test]
    fn firm_shares_bring_nothing_in_and_one_move_next_to_nothing() {
        assert!(variance(|_| 4.0) < 1e-9);
        assert!(variance(|i| if i < 30 { 2.0 } else { 8.0 }) < 1e-9);
    }

    #[test]
    fn shares_that_wander_bring_more_in_the_longer_they_stay_away() {
        let noise = |i: usize| f64::from(u8::try_from(i * 7919 % 5).unwrap());
        let at_once = variance(|i| 3.0 + noise(i));
        let for_a_while = variance(|i| 3.0 + noise(i / 3));
        assert!(at_once > 10.0, "{at_once}");
        assert!(for_a_while > 1.5 * at_once, "{for_a_while} after {at_once}");
    }

    #[test]
    fn neighbours_of_one_level_have_the_variance_of_their_noise() {
        let mut neighbours = Neighbours::default();
        for i in 0..1_000_u32 {
            let value = f64::from(i / 500) * 100.0 + f64::from(i * 7919 % 100) / 100.0;
            neighbours.add([value, 1.0, value]);
        }
        // Evenly between 0 and 1: a twelfth each.
        let found = neighbours.variance([1.0, 0.0, 0.0]);
        let jump = 0.5 * 100.0 * 100.0;
        assert!((found - jump - 1_000.0 / 12.0).abs() < 120.0, "{found}");
    }
}
