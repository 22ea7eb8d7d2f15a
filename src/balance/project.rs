//! The nearest shares inside the bounds.
//!
//! `clip(λ · proposal, low, high)` with the one λ that makes the sum right is the exact Kullback-Leibler projection of a
//! proposal on a box. One projection serves all rails, so no order among them can matter.

/// Bounds of one target's share, as fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Rounding that the sums of bounds may show.
const TOLERANCE: f64 = 1e-12;
/// Most bisections: the interval shrinks below the precision of f64.
const ROUNDS: usize = 64;

/// The projection of `proposal` (at least 0) on the bounds with sum `total`; `None` if the box has no such point.
///
/// A proposal of 0 gets its lower bound.
pub(super) fn project(proposal: &[f64], bounds: &[Bounds], total: f64) -> Option<Vec<f64>> {
    let pairs = || proposal.iter().zip(bounds);
    let clip = |factor: f64, (part, bound): (&f64, &Bounds)| {
        (factor * part).clamp(bound.low, bound.high.max(bound.low))
    };
    let sum = |factor: f64| pairs().map(|pair| clip(factor, pair)).sum::<f64>();
    let low: f64 = bounds.iter().map(|bound| bound.low).sum();
    let reach = |(part, bound): (&f64, &Bounds)| {
        if *part > 0.0 {
            bound.high.max(bound.low)
        } else {
            bound.low
        }
    };
    let high: f64 = pairs().map(reach).sum();
    if low > total + TOLERANCE || high < total - TOLERANCE {
        return None;
    }
    let (mut below, mut above) = (0.0, 1.0);
    while sum(above) < total && above < 1e15 {
        above *= 4.0;
    }
    for _ in 0..ROUNDS {
        let middle = 0.5 * (below + above);
        if middle <= below || middle >= above {
            break;
        }
        if sum(middle) < total {
            below = middle;
        } else {
            above = middle;
        }
    }
    let mut shares: Vec<f64> = pairs().map(|pair| clip(above, pair)).collect();
    let found: f64 = shares.iter().sum();
    if found > 0.0 {
        for share in &mut shares {
            *share *= total / found;
        }
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn case() -> impl Strategy<Value = (Vec<f64>, Vec<Bounds>)> {
        prop::collection::vec(
            (0.001f64..1.0, 0.0f64..1.0, 0.0f64..0.6, 0.0f64..0.6),
            1..12,
        )
        .prop_map(|rows| {
            let weights: f64 = rows.iter().map(|row| row.1 + 0.01).sum();
            let proposal = rows.iter().map(|row| row.0).collect();
            // Bounds around a table that sums to 1, so that the box is never empty.
            let bound = |row: &(f64, f64, f64, f64)| {
                let before = (row.1 + 0.01) / weights;
                Bounds {
                    low: before * (1.0 - row.2),
                    high: before * (1.0 + row.3),
                }
            };
            let bounds = rows.iter().map(bound).collect();
            (proposal, bounds)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, rng_seed: RngSeed::Fixed(11), ..ProptestConfig::default() })]

        #[test]
        fn sums_and_bounds_hold((proposal, bounds) in case()) {
            let shares = project(&proposal, &bounds, 1.0).unwrap();
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for (share, bound) in shares.iter().zip(&bounds) {
                prop_assert!(*share >= bound.low - 1e-9 && *share <= bound.high + 1e-9);
            }
        }

        #[test]
        fn projecting_again_changes_nothing((proposal, bounds) in case()) {
            let once = project(&proposal, &bounds, 1.0).unwrap();
            let twice = project(&once, &bounds, 1.0).unwrap();
            for (x, y) in once.iter().zip(&twice) {
                prop_assert!((x - y).abs() < 1e-9, "{once:?} {twice:?}");
            }
        }

        #[test]
        fn scale_does_not_matter((proposal, bounds) in case()) {
            let scaled: Vec<f64> = proposal.iter().map(|part| part * 1_000.0).collect();
            let (a, b) = (project(&proposal, &bounds, 1.0), project(&scaled, &bounds, 1.0));
            for (x, y) in a.unwrap().iter().zip(&b.unwrap()) {
                prop_assert!((x - y).abs() < 1e-9);
            }
        }

        #[test]
        fn a_smaller_part_never_gets_more((proposal, bounds) in case(), factor in 0.0f64..1.0) {
            let mut less = proposal.clone();
            less[0] *= factor;
            let (a, b) = (project(&proposal, &bounds, 1.0), project(&less, &bounds, 1.0));
            if let (Some(a), Some(b)) = (a, b) {
                prop_assert!(b[0] <= a[0] + 1e-9);
            }
        }
    }

    #[test]
    fn an_empty_box_is_told() {
        let tight = [
            Bounds {
                low: 0.0,
                high: 0.3,
            },
            Bounds {
                low: 0.0,
                high: 0.3,
            },
        ];
        assert!(project(&[1.0, 1.0], &tight, 1.0).is_none());
    }
}
