//! The weight table: who is drawn.

use serde::{Deserialize, Serialize};

use super::{Share, Weight};
use crate::model::TargetIndex;

/// Most targets that one table may hold.
pub const MAX_TARGETS: usize = 1024;

/// A place in the shares: uniform over all `u32`, made by the caller (a sequence, a generator, a test).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(pub u32);

/// A set of targets of one table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mask {
    words: [u64; MAX_TARGETS / 64],
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members = (0..MAX_TARGETS).filter(|i| self.contains(TargetIndex::at(*i)));
        f.debug_set().entries(members).finish()
    }
}

impl Mask {
    /// Nobody.
    pub const NONE: Self = Self {
        words: [0; MAX_TARGETS / 64],
    };
    /// Everybody, however large the table.
    pub const ALL: Self = Self {
        words: [u64::MAX; MAX_TARGETS / 64],
    };

    /// Whether `target` is in the set; beyond the largest table nobody is.
    pub fn contains(&self, target: TargetIndex) -> bool {
        self.words
            .get(target.get() / 64)
            .is_some_and(|word| word >> (target.get() % 64) & 1 == 1)
    }

    /// Adds `target`.
    pub fn insert(&mut self, target: TargetIndex) {
        if let Some(word) = self.words.get_mut(target.get() / 64) {
            *word |= 1 << (target.get() % 64);
        }
    }

    /// Takes `target` out.
    pub fn remove(&mut self, target: TargetIndex) {
        if let Some(word) = self.words.get_mut(target.get() / 64) {
            *word &= !(1 << (target.get() % 64));
        }
    }

    /// Whether everybody is in it.
    pub fn is_all(&self) -> bool {
        self == &Self::ALL
    }
}

impl FromIterator<TargetIndex> for Mask {
    fn from_iter<I: IntoIterator<Item = TargetIndex>>(targets: I) -> Self {
        let mut mask = Self::NONE;
        for target in targets {
            mask.insert(target);
        }
        mask
    }
}

/// Why shares or weights are not a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// No targets.
    #[error("expected at least one target, found none")]
    Empty,
    /// More targets than a table may hold.
    #[error("expected at most {MAX_TARGETS} targets, found {0}")]
    TooMany(usize),
    /// No target gets anything.
    #[error("expected at least one weight above 0, found only zeros")]
    AllZero,
    /// Shares that do not make a whole.
    #[error("expected shares that sum to 1,000,000 ppm, found {0}")]
    NotWhole(u64),
}

/// The shares of all targets of a route, in the route's order.
///
/// # Invariants
/// Not empty; the shares sum exactly to [`Share::WHOLE`]; hence at least one is above 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Share>", into = "Vec<Share>")]
pub struct WeightTable {
    shares: Vec<Share>,
    /// `ends[i]` is the sum of the shares up to and including `i`.
    ends: Vec<u32>,
}

impl WeightTable {
    /// The table of `shares`, which must make a whole.
    pub fn from_shares(shares: Vec<Share>) -> Result<Self, TableError> {
        if shares.is_empty() {
            return Err(TableError::Empty);
        }
        if shares.len() > MAX_TARGETS {
            return Err(TableError::TooMany(shares.len()));
        }
        let total: u64 = shares.iter().map(|share| u64::from(share.ppm())).sum();
        if total != u64::from(Share::WHOLE.ppm()) {
            return Err(TableError::NotWhole(total));
        }
        let ends = shares
            .iter()
            .scan(0, |sum, share| {
                *sum += share.ppm();
                Some(*sum)
            })
            .collect();
        Ok(Self { shares, ends })
    }

    /// The table that configured weights ask for: normalised, exact to a part per million.
    pub fn from_weights(weights: &[Weight]) -> Result<Self, TableError> {
        let fractions: Vec<f64> = weights.iter().map(|weight| weight.value()).collect();
        Self::from_fractions(&fractions)
    }

    /// The same with tiers: see [`in_tiers`]. Weights are relative within a tier, lower tiers come first.
    ///
    /// # Errors
    /// As for [`Self::from_fractions`].
    pub fn from_tiers(targets: &[(Weight, u8)]) -> Result<Self, TableError> {
        Self::from_fractions(&in_tiers(targets))
    }

    /// The table nearest to `fractions`, which are relative and at least 0: largest remainders get what rounding leaves,
    /// in the order of the targets where remainders are equal.
    ///
    /// A positive fraction may round to nothing only below half a part per million.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "each quota is between 0 and 1,000,000"
    )]
    pub fn from_fractions(fractions: &[f64]) -> Result<Self, TableError> {
        let sum: f64 = fractions.iter().sum();
        if fractions.is_empty() {
            return Err(TableError::Empty);
        }
        if !(sum.is_finite() && sum > 0.0) {
            return Err(TableError::AllZero);
        }
        let whole = f64::from(Share::WHOLE.ppm());
        let quotas: Vec<f64> = fractions
            .iter()
            .map(|part| part.max(0.0) / sum * whole)
            .collect();
        let mut ppm: Vec<u32> = quotas.iter().map(|quota| quota.floor() as u32).collect();
        let given: u64 = ppm.iter().map(|share| u64::from(*share)).sum();
        let left = u64::from(Share::WHOLE.ppm()).saturating_sub(given) as usize;
        let mut order: Vec<usize> = (0..quotas.len()).filter(|i| quotas[*i] > 0.0).collect();
        let by_remainder = |a: &usize, b: &usize| {
            let (one, other) = (quotas[*a].fract(), quotas[*b].fract());
            other.total_cmp(&one).then(a.cmp(b))
        };
        // Who is among the first is all that counts, and no two are equal.
        if left < order.len() {
            order.select_nth_unstable_by(left, by_remainder);
        } else {
            order.sort_unstable_by(by_remainder);
        }
        for index in order.iter().cycle().take(left) {
            ppm[*index] += 1;
        }
        Self::from_shares(ppm.into_iter().map(Share::from_ppm).collect())
    }

    /// The table nearest to `shares`, or to `fallback` where they are no shares at all (all zero, not a number).
    pub(super) fn nearest(shares: &[f64], fallback: &[f64]) -> Self {
        Self::from_fractions(shares)
            .or_else(|_| Self::from_fractions(fallback))
            .unwrap_or_else(|_| Self::whole_to_first(shares.len()))
    }

    /// A route always has a target of weight > 0, so this is never needed; but no input may panic.
    fn whole_to_first(count: usize) -> Self {
        let mut shares = vec![Share::ZERO; count.max(1)];
        shares[0] = Share::WHOLE;
        Self::from_shares(shares).unwrap_or_else(|_| unreachable!("one share is the whole"))
    }

    /// The shares, in the route's order.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// The share of `target`; nothing beyond the table.
    pub fn share(&self, target: TargetIndex) -> Share {
        self.shares.get(target.get()).copied().unwrap_or_default()
    }

    /// How many targets the table holds.
    pub fn len(&self) -> usize {
        self.shares.len()
    }

    /// Never true: a table cannot be made empty.
    pub fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    /// The target at `draw` among `mask`, by share; `None` if nobody of `mask` has a share.
    ///
    /// Takes no lock and allocates nothing.
    pub fn pick(&self, draw: Draw, mask: &Mask) -> Option<TargetIndex> {
        if mask.is_all() {
            let place = scale(draw, Share::WHOLE.ppm());
            let index = self.ends.partition_point(|end| *end <= place);
            return Some(TargetIndex::at(index));
        }
        let members = || {
            self.shares
                .iter()
                .enumerate()
                .filter(|(i, _)| mask.contains(TargetIndex::at(*i)))
        };
        let total: u32 = members().map(|(_, share)| share.ppm()).sum();
        if total == 0 {
            return None;
        }
        let place = scale(draw, total);
        let mut end = 0;
        members()
            .find(|(_, share)| {
                end += share.ppm();
                end > place
            })
            .map(|(index, _)| TargetIndex::at(index))
    }
}

/// Part of a route that each upper tier is configured to have: next to nothing, since it gets what the tiers below have no
/// room for, but not nothing, since who has nothing is drained.
const UPPER_TIER: f64 = 1e-4;
/// Least part of a target there: a part per million, which a table can hold.
const LEAST_UPPER: f64 = 1e-6;

/// What targets with these weights and tiers are configured to have of their route: the lowest tier with a weight has it
/// all, but for next to nothing.
pub(super) fn in_tiers(targets: &[(Weight, u8)]) -> Vec<f64> {
    let sum = |tier: u8| -> f64 {
        let own = targets.iter().filter(|(_, own)| *own == tier);
        own.map(|(weight, _)| weight.value()).sum()
    };
    let used = |weight: &Weight| weight.value() > 0.0;
    let tiers = targets.iter().filter(|(weight, _)| used(weight));
    let lowest = tiers.map(|(_, tier)| *tier).min().unwrap_or_default();
    let upper = targets.iter().map(|(weight, tier)| {
        let part = UPPER_TIER * weight.value() / sum(*tier).max(f64::MIN_POSITIVE);
        let counts = *tier != lowest && used(weight);
        if counts { part.max(LEAST_UPPER) } else { 0.0 }
    });
    let upper: Vec<f64> = upper.collect();
    let left = 1.0 - upper.iter().sum::<f64>();
    let whole = sum(lowest);
    let parts = targets.iter().zip(&upper).map(|((weight, tier), upper)| {
        if *tier == lowest && whole > 0.0 {
            weight.value() / whole * left
        } else {
            *upper
        }
    });
    parts.collect()
}

/// `draw` as a place in `0..total`.
fn scale(draw: Draw, total: u32) -> u32 {
    ((u64::from(draw.0) * u64::from(total)) >> 32) as u32
}

impl TryFrom<Vec<Share>> for WeightTable {
    type Error = TableError;
    fn try_from(shares: Vec<Share>) -> Result<Self, TableError> {
        Self::from_shares(shares)
    }
}

impl From<WeightTable> for Vec<Share> {
    fn from(table: WeightTable) -> Self {
        table.shares
    }
}
