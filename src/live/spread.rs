//! How the last minute's times and costs are spread, as histograms that can be added up over replicas.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::model::UpstreamName;

/// How one upstream's last minute is spread; `None` of what there was nothing of. All have the bounds of
/// [`empty_histogram`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// Microseconds to the first token.
    pub first_token: Option<Histogram<u32>>,
    /// Microseconds of whole answers.
    pub total: Option<Histogram<u32>>,
    /// Microseconds per token of the answer.
    pub per_token: Option<Histogram<u32>>,
    /// Cost of 1,000 tokens, in tenths of a micro-dollar.
    pub cost: Option<Histogram<u32>>,
}

/// Those of a replica.
pub type Spreads = BTreeMap<UpstreamName, Spread>;

/// Least value that is told apart, and largest: 10 µs and 10 min in microseconds.
pub const LEAST: u64 = 10;
/// The largest.
pub const MOST: u64 = 600_000_000;
/// Significant digits.
pub const DIGITS: u8 = 2;

/// A histogram of these bounds; `None` never, since they are bounds that a histogram can have.
pub fn empty_histogram() -> Option<Histogram<u32>> {
    Histogram::new_with_bounds(LEAST, MOST, DIGITS).ok()
}

impl Spread {
    /// Adds what another replica has.
    pub fn add(&mut self, other: &Self) {
        add(&mut self.first_token, other.first_token.as_ref());
        add(&mut self.total, other.total.as_ref());
        add(&mut self.per_token, other.per_token.as_ref());
        add(&mut self.cost, other.cost.as_ref());
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn add(sum: &mut Option<Histogram<u32>>, more: Option<&Histogram<u32>>) {
    let Some(more) = more else { return };
    match sum {
        // Equal bounds: adding cannot fail.
        Some(sum) => drop(sum.add(more)),
        None => *sum = Some(more.clone()),
    }
}
