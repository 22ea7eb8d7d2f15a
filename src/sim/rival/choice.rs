//! What all choices have in common: who may be chosen, and luck.

use crate::balance::Mask;
use crate::law::Generator;
use crate::model::TargetIndex;

/// The first `count` targets that are in `mask`.
pub(super) fn members(mask: &Mask, count: usize) -> Vec<usize> {
    (0..count)
        .filter(|target| mask.contains(TargetIndex::at(*target)))
        .collect()
}

/// Those of the `eligible` that are `allowed`; all of them where none is, since a request that is sent to a sick target
/// may still be answered and one that is sent nowhere is not.
pub(super) fn allowed_or_all(
    eligible: &Mask,
    count: usize,
    allowed: impl Fn(usize) -> bool,
) -> Mask {
    let eligible: Vec<usize> = members(eligible, count);
    let some = eligible.iter().copied().filter(|target| allowed(*target));
    let some: Mask = some.map(TargetIndex::at).collect();
    if some == Mask::NONE {
        return eligible.into_iter().map(TargetIndex::at).collect();
    }
    some
}

/// The one with the least value; the first of several.
pub(super) fn least(candidates: &[usize], value: impl Fn(usize) -> f64) -> Option<usize> {
    let by_value = |a: &usize, b: &usize| value(*a).total_cmp(&value(*b));
    candidates.iter().copied().min_by(by_value)
}

/// A rival's luck, the same for the same seed, replica and rival.
#[derive(Debug)]
pub(super) struct Luck(Generator);

impl Luck {
    pub(super) const fn of(seed: u64, replica: u64, salt: u64) -> Self {
        Self(Generator::of(seed, replica, salt))
    }

    /// Evenly in [0, 1).
    pub(super) const fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }

    /// Normal with mean 0 and deviation 1.
    pub(super) fn normal(&mut self) -> f64 {
        self.0.normal()
    }

    /// Evenly among 0 .. `count`; 0 for no choice at all.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number in [0, count), rounded down"
    )]
    pub(super) fn below(&mut self, count: usize) -> usize {
        (self.uniform() * count as f64) as usize
    }

    /// One of the candidates, evenly.
    pub(super) fn one_of(&mut self, candidates: &[usize]) -> Option<usize> {
        candidates.get(self.below(candidates.len())).copied()
    }

    /// One of the candidates by `weight`; evenly where no weight is above 0.
    pub(super) fn by_weight(
        &mut self,
        candidates: &[usize],
        weight: impl Fn(usize) -> f64,
    ) -> Option<usize> {
        let total: f64 = candidates.iter().map(|target| weight(*target)).sum();
        if total <= 0.0 {
            return self.one_of(candidates);
        }
        let mut left = self.uniform() * total;
        let positive = candidates.iter().filter(|target| weight(**target) > 0.0);
        let mut last = None;
        for target in positive {
            last = Some(*target);
            left -= weight(*target);
            if left < 0.0 {
                break;
            }
        }
        last
    }
}
