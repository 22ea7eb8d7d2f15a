//! Means under another policy, from requests that a known policy sent: inverse propensity weighting, with intervals.
//!
//! A request that the other policy would have sent to the same target with probability q, and that was sent there with
//! probability p, stands for q / p requests. The weighted mean is self-normalised: divided by the sum of the weights, not by
//! the number of requests. That costs a bias of the order of 1 / n and saves most of the variance.
//! Source: Owen, *Monte Carlo theory, methods and examples*, 2013, section 9.2, <https://artowen.su.domains/mc/>.
//!
//! How sure the mean is: see [`super::spread`]. The interval is Student's with two thirds of the blocks as degrees of
//! freedom, which is what successive differences are worth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::spread::{Cells, Neighbours, Told, of_shares};
use crate::model::TargetName;

/// A value with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// The interval's ends.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// What a value is worth whose variance was found from the successive differences of so many blocks.
    pub fn of_blocks(value: f64, variance: f64, blocks: usize) -> Self {
        let half = student(2.0 / 3.0 * (blocks as f64 - 1.0)) * variance.sqrt();
        Self {
            value,
            low: value - half,
            high: value + half,
        }
    }
}

/// A mean then, and what it would have been.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct Estimate {
    /// The mean of what happened.
    pub then: f64,
    /// What it would have been.
    pub other: Interval,
    /// The difference; narrower than the two apart, since both have seen the same requests.
    pub change: Interval,
}

/// Sums of one block of ten seconds.
#[derive(Clone, Debug, Default)]
struct Block {
    count: f64,
    sum: f64,
    weight: f64,
    weighted: f64,
    squares: f64,
    cells: Cells,
}

/// What a mean is worked out from.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    blocks: BTreeMap<u64, Block>,
    targets: BTreeMap<TargetName, Neighbours>,
}

/// Fewest blocks of which a spread can be told: two minutes.
pub(super) const FEWEST_BLOCKS: usize = 12;
/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_964;

impl Sums {
    /// A request of `block` to `target` with this value, which stands for `weight` requests.
    pub(super) fn add(&mut self, block: u64, target: &TargetName, weight: f64, value: f64) {
        let told = [weight * value, weight, value];
        match self.targets.get_mut(target) {
            Some(neighbours) => neighbours.add(told),
            None => self.targets.entry(target.clone()).or_default().add(told),
        }
        let sums = self.blocks.entry(block).or_default();
        sums.count += 1.0;
        sums.sum += value;
        sums.weight += weight;
        sums.weighted += weight * value;
        sums.squares += weight * weight;
        match sums.cells.get_mut(target) {
            Some(cell) => cell.add(weight, value),
            None => sums
                .cells
                .entry(target.clone())
                .or_default()
                .add(weight, value),
        }
    }

    /// Blocks with requests.
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The means; `None` where there are too few blocks, or no weight.
    pub(super) fn estimate(&self) -> Option<Estimate> {
        let sum = |of: fn(&Block) -> f64| self.blocks.values().map(of).sum::<f64>();
        let (count, weight) = (sum(|block| block.count), sum(|block| block.weight));
        if self.blocks.len() < FEWEST_BLOCKS || weight <= 0.0 {
            return None;
        }
        let then = sum(|block| block.sum) / count;
        let other = sum(|block| block.weighted) / weight;
        // A mean's deviation is a sum over the requests of what each is apart from it, over their weight.
        let of_other = [1.0 / weight, -other / weight, 0.0];
        let of_then = [0.0, 0.0, 1.0 / count];
        let of_change = [0, 1, 2].map(|i| of_other[i] - of_then[i]);
        let interval = |value: f64, of: Told| {
            let half = self.half_width(of);
            Interval {
                value,
                low: value - half,
                high: value + half,
            }
        };
        Some(Estimate {
            then,
            other: interval(other, of_other),
            change: interval(other - then, of_change),
        })
    }

    /// The same for values that are 0 or 1, of which ones may be few: the interval is Wilson's, which does not shrink to
    /// nothing where none was seen. It takes the requests for worth what the blocks' spread says, but never for more than
    /// their weights allow.
    /// Source: Wilson, *Probable inference*, J. Am. Stat. Assoc. 22 (1927).
    pub(super) fn fraction(&self) -> Option<Estimate> {
        let mut found = self.estimate()?;
        let sum = |of: fn(&Block) -> f64| self.blocks.values().map(of).sum::<f64>();
        let kish = sum(|block| block.weight).powi(2) / sum(|block| block.squares);
        let blocks = self.blocks.len() as f64;
        let z = student(2.0 / 3.0 * (blocks - 1.0));
        let part = found.other.value.clamp(0.0, 1.0);
        let spread = part * (1.0 - part);
        let deviation = (found.other.high - found.other.low) / 2.0 / z;
        let worth = if deviation > 0.0 {
            (spread / deviation.powi(2)).min(kish)
        } else {
            kish
        };
        let square = z * z / worth;
        let middle = (part + square / 2.0) / (1.0 + square);
        let half = z * (spread / worth + square / (4.0 * worth)).sqrt() / (1.0 + square);
        found.other = Interval {
            value: part,
            low: (middle - half).max(0.0),
            high: (middle + half).min(1.0),
        };
        Some(found)
    }

    /// Half of the 95 % interval of the sum of `of` · request.
    fn half_width(&self, of: Told) -> f64 {
        let targets = self.targets.values();
        let requests: f64 = targets.map(|target| target.variance(of)).sum();
        let blocks: Vec<&Cells> = self.blocks.values().map(|block| &block.cells).collect();
        let variance = requests + of_shares(&blocks, of);
        student(2.0 / 3.0 * (blocks.len() as f64 - 1.0)) * variance.sqrt()
    }
}

/// The 97.5th percentile of Student's distribution, from the first terms of its expansion in 1 / freedom; right to 0.01 from
/// four degrees on.
/// Source: Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.5.
fn student(freedom: f64) -> f64 {
    let first = (Z.powi(3) + Z) / 4.0;
    let second = (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0;
    let third = (3.0 * Z.powi(7) + 19.0 * Z.powi(5) + 17.0 * Z.powi(3) - 15.0 * Z) / 384.0;
    Z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> TargetName {
        TargetName::new("a").unwrap()
    }

    #[test]
    fn the_quantile_is_that_of_the_tables() {
        for (freedom, expected) in [(7.0, 2.365), (10.0, 2.228), (30.0, 2.042), (120.0, 1.980)] {
            let found = student(freedom);
            assert!((found - expected).abs() < 0.01, "{freedom}: {found}");
        }
    }

    #[test]
    fn weights_of_one_give_the_plain_mean_and_no_change() {
        let mut sums = Sums::default();
        for i in 0..200_u32 {
            sums.add(u64::from(i / 10), &target(), 1.0, f64::from(i % 7));
        }
        let found = sums.estimate().unwrap();
        assert!((found.then - found.other.value).abs() < 1e-12, "{found:?}");
        assert!(
            found.change.value.abs() < 1e-12 && found.change.high < 1e-9,
            "{found:?}"
        );
        assert!(
            found.other.low < found.then && found.then < found.other.high,
            "{found:?}"
        );
    }

    #[test]
    fn a_step_in_the_middle_is_no_noise() {
        let mut sums = Sums::default();
        for i in 0..400_u32 {
            let level = if i < 200 { 1.0 } else { 100.0 };
            sums.add(u64::from(i / 10), &target(), 1.0, level + f64::from(i % 2));
        }
        let found = sums.estimate().unwrap();
        let width = found.other.high - found.other.low;
        assert!(
            width < 12.0,
            "one step among four hundred requests: {found:?}"
        );
    }

    #[test]
    fn none_of_a_thousand_is_not_never() {
        let mut sums = Sums::default();
        for i in 0..1_000_u32 {
            sums.add(u64::from(i / 10), &target(), 1.0, 0.0);
        }
        let found = sums.fraction().unwrap();
        assert!(found.other.low < 1e-9, "{found:?}");
        assert!(
            (0.003..0.005).contains(&found.other.high),
            "about 3.8 in a thousand: {found:?}"
        );
    }

    #[test]
    fn too_few_blocks_give_nothing() {
        let mut sums = Sums::default();
        for i in 0..11 {
            sums.add(i, &target(), 1.0, 1.0);
        }
        assert_eq!(sums.estimate(), None);
    }
}
