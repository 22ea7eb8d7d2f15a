//! Means over blocks of time, as they were and as they would have been, with intervals.
//!
//! Both are sums over blocks of ten minutes, divided by the sum of what they count. A block's residual is how far its sum is
//! from what the mean says; the residuals' variance is that of their successive differences, in which what changes slowly
//! cancels: the question is about this stretch of time, not about one like it. Sources: von Neumann, Kent, Bellinson, Hart,
//! *The mean square successive difference*, Ann. Math. Stat. 12 (1941); for ratios of sums Cochran, *Sampling Techniques*,
//! 1977, section 6.3.
//! How it fails: luck that lasts longer than a block, such as a target that is slow by chance for an hour, counts as the
//! target's nature.

use crate::journal::{Estimate, Interval};

/// Fewest blocks of which a spread can be told: two hours.
pub(super) const FEWEST: usize = 12;

/// What sums of floats are right to, as a part: what differs by less does not differ.
const ROUNDING: f64 = 1e-9;

/// The sums of one block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Block {
    /// What was counted: requests, or streams.
    pub(super) count: f64,
    /// What they brought.
    pub(super) then: f64,
    /// What they would have brought.
    pub(super) other: f64,
}

fn mean_of(blocks: &[Block], of: fn(&Block) -> f64) -> f64 {
    let sum = |of: fn(&Block) -> f64| blocks.iter().map(of).sum::<f64>();
    sum(of) / sum(|block| block.count)
}

/// The means; `None` where too little was counted.
pub(super) fn estimate(blocks: &[Block]) -> Option<Estimate> {
    let blocks: Vec<Block> = blocks.iter().copied().filter(|it| it.count > 0.0).collect();
    let count: f64 = blocks.iter().map(|block| block.count).sum();
    if blocks.len() < FEWEST {
        return None;
    }
    let interval = |of: fn(&Block) -> f64| {
        let mean = mean_of(&blocks, of);
        let residual = |block: &Block| of(block) - mean * block.count;
        let squares = blocks.windows(2).map(|pair| match pair {
            [a, b] => (residual(b) - residual(a)).powi(2) / 2.0,
            _ => 0.0,
        });
        let pairs = blocks.len() as f64 - 1.0;
        let variance = squares.sum::<f64>() / pairs * blocks.len() as f64 / count.powi(2);
        let variance = variance.max((ROUNDING * mean_of(&blocks, |block| block.then)).powi(2));
        Interval::of_blocks(mean, variance, blocks.len())
    };
    Some(Estimate {
        then: interval(|block| block.then).value,
        other: interval(|block| block.other),
        change: interval(|block| block.other - block.then),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(i: u32, then: f64, other: f64) -> Block {
        let count = f64::from(10 + i % 3);
        Block {
            count,
            then: then * count,
            other: other * count,
        }
    }

    #[test]
    fn means_are_those_of_what_was_counted_not_of_blocks() {
        let blocks: Vec<Block> = (0..30).map(|i| block(i, 2.0, 1.0)).collect();
        let found = estimate(&blocks).unwrap();
        assert!((found.then - 2.0).abs() < 1e-9, "{found:?}");
        assert!((found.other.value - 1.0).abs() < 1e-9, "{found:?}");
        assert!(
            (found.change.high + 1.0).abs() < 1e-6,
            "no luck, no width: {found:?}"
        );
    }

    #[test]
    fn luck_of_blocks_widens_and_a_step_hardly_does() {
        let noisy: Vec<Block> = (0..60)
            .map(|i| block(i, 2.0, 2.0 + f64::from(i % 2) - 0.5))
            .collect();
        let found = estimate(&noisy).unwrap();
        assert!(
            found.change.low < 0.0 && found.change.high > 0.0,
            "{found:?}"
        );
        let step: Vec<Block> = (0..60)
            .map(|i| block(i, 2.0, if i < 30 { 2.0 } else { 1.0 }))
            .collect();
        let found = estimate(&step).unwrap();
        assert!(
            found.change.high < -0.3,
            "an hour's fault is no luck: {found:?}"
        );
    }

    #[test]
    fn too_few_blocks_and_empty_ones_give_nothing() {
        let blocks: Vec<Block> = (0..11).map(|i| block(i, 2.0, 1.0)).collect();
        assert_eq!(estimate(&blocks), None);
        assert_eq!(estimate(&[Block::default(); 40]), None);
    }
}
