//! Does what a request meets at a target depend on how many are there already?
//!
//! Where it does, past answers say nothing about other shares: with more traffic they would have been slower. A queue shows
//! in one thing that an illness does not: within a few seconds, those who come while many are in flight wait longer than
//! those who come while few are. Over longer times the two go together anyway (a slow target has more in flight), so only
//! differences within blocks of ten seconds count: the sum of their covariances, over the root of the sum of their squares.
//! That is a t value which one odd block, such as the one in which a target fell ill, cannot make large: alone it gives 1.

use std::collections::BTreeMap;

/// Fewest requests of a block.
const FEWEST: f64 = 4.0;

/// Requests of one target and kind, by block.
#[derive(Clone, Debug, Default)]
pub(super) struct Load {
    blocks: BTreeMap<u64, Pairs>,
}

/// Sums over pairs of requests in flight and the logarithm of a time.
#[derive(Clone, Copy, Debug, Default)]
struct Pairs {
    count: f64,
    flights: f64,
    times: f64,
    products: f64,
}

impl Load {
    /// A request that met `in_flight` others and took `seconds`.
    pub(super) fn add(&mut self, block: u64, in_flight: u32, seconds: f64) {
        let pairs = self.blocks.entry(block).or_default();
        let (flights, time) = (f64::from(in_flight), seconds.max(1e-6).ln());
        pairs.count += 1.0;
        pairs.flights += flights;
        pairs.times += time;
        pairs.products += flights * time;
    }

    /// How many standard deviations the dependence is away from none; positive where more in flight means slower.
    pub(super) fn dependence(&self) -> f64 {
        let enough = self.blocks.values().filter(|pairs| pairs.count >= FEWEST);
        let (mut sum, mut squares) = (0.0, 0.0);
        for pairs in enough {
            let covariance = pairs.products - pairs.flights * pairs.times / pairs.count;
            sum += covariance;
            squares += covariance * covariance;
        }
        if squares > 0.0 {
            sum / f64::sqrt(squares)
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixty blocks of twenty requests whose time follows from the block and from what is in flight.
    fn dependence(seconds: impl Fn(u64, u32) -> f64) -> f64 {
        let mut load = Load::default();
        let mut state = 1_u32;
        for request in 0..1_200_u64 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (in_flight, noise) = ((state >> 24) % 16, f64::from(state >> 8 & 0xff) / 255.0);
            let block = request / 20;
            load.add(
                block,
                in_flight,
                seconds(block, in_flight) * (0.7 + 0.6 * noise),
            );
        }
        load.dependence()
    }

    #[test]
    fn a_queue_shows() {
        let found = dependence(|_, in_flight| 0.5 + 0.05 * f64::from(in_flight));
        assert!(found > 5.0, "{found}");
    }

    #[test]
    fn an_illness_does_not() {
        let found = dependence(|block, _| if (20..40).contains(&block) { 2.0 } else { 0.5 });
        assert!(found.abs() < 3.0, "{found}");
    }

    #[test]
    fn one_odd_block_does_not() {
        let found = dependence(|block, in_flight| {
            if block == 30 {
                0.1 + f64::from(in_flight)
            } else {
                0.5
            }
        });
        assert!(found < 3.0, "{found}");
    }
}
