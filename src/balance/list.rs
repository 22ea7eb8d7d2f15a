//! The shares of a list that a request brought, tilted towards what works best now.
//!
//! A list lives for one request, so there is no table to learn and no state to keep: each member's weight is scaled down by
//! how much worse it stands than the best of the list, as the last tick published it. A difference that is smaller than its
//! own uncertainty counts for almost nothing, a clear one counts in full; so a list of equals keeps the client's weights.
//!
//! A list belongs to no route, so it knows no goal and no objective: what an upstream stands for is the loss by default
//! alone. A level is a route's, and how far an upstream is over it is worked out where the route is decided.

use super::gate::{Scale, Standing};
use super::{TableError, Weight, WeightTable};

/// How fast a share falls with the gap: at 16, a target whose answers cost a tenth more of the mean loss gets a fifth.
const BETA: f64 = 16.0;
/// Difference of losses that counts half even between targets that are known exactly.
const LEAST_GAP: f64 = 0.05;
/// How many standard deviations of a difference count half.
const DEVIATIONS: f64 = 0.7;

/// One member of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListMember {
    /// What the client wrote.
    pub weight: Weight,
    /// What the last tick published about it.
    pub standing: Standing,
    /// Whether it takes ordinary traffic; an ejected one gets nothing.
    pub serving: bool,
}

/// The shares of `members`: weight × ramp · exp(−β · gap).
///
/// With every member ejected, the client's weights: who serves then is the gate's decision.
///
/// # Errors
/// As for [`WeightTable::from_weights`]: no members, too many, or no weight above 0.
pub fn tilted(members: &[ListMember]) -> Result<WeightTable, TableError> {
    let usable = |member: &&ListMember| member.serving && member.weight.value() > 0.0;
    let scale = Scale::of(members.iter().filter(usable).map(|member| member.standing));
    let best = members
        .iter()
        .filter(usable)
        .map(|member| {
            (
                scale.loss(&member.standing),
                scale.variance(&member.standing),
            )
        })
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let parts: Vec<f64> = match best {
        None => members.iter().map(|member| member.weight.value()).collect(),
        Some(best) => members
            .iter()
            .map(|member| part(member, &scale, best))
            .collect(),
    };
    WeightTable::from_fractions(&parts).or_else(|_| {
        // Ramps of 0 on everybody leave nothing to share out: the client's weights do.
        let weights: Vec<Weight> = members.iter().map(|member| member.weight).collect();
        WeightTable::from_weights(&weights)
    })
}

fn part(member: &ListMember, scale: &Scale, (best, best_variance): (f64, f64)) -> f64 {
    if !member.serving {
        return 0.0;
    }
    let variance = scale.variance(&member.standing) + best_variance;
    let gap = gap(scale.loss(&member.standing) - best, variance);
    member.weight.value() * member.standing.ramp.max(0.0) * (-BETA * gap).exp()
}

/// How much of a difference counts: all of it far above δ, its cube far below, δ being its uncertainty.
fn gap(difference: f64, variance: f64) -> f64 {
    let d = difference.max(0.0);
    let delta = LEAST_GAP + DEVIATIONS * variance.max(0.0).sqrt();
    d.powi(3) / (d * d + delta * delta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::Share;

    fn member(weight: f64, seconds: f64) -> ListMember {
        ListMember {
            weight: Weight::new(weight).unwrap(),
            standing: Standing {
                seconds: Some(seconds),
                variance: 0.0001,
                ..Standing::default()
            },
            serving: true,
        }
    }

    fn shares(members: &[ListMember]) -> Vec<f64> {
        let table = tilted(members).unwrap();
        table
            .shares()
            .iter()
            .map(|share| share.fraction())
            .collect()
    }

    #[test]
    fn equals_keep_the_clients_weights() {
        let shares = shares(&[member(0.4, 1.0), member(0.8, 1.0)]);
        assert!(
            (shares[0] - 1.0 / 3.0).abs() < 1e-5,
            "0.4 of 1.2 is a third: {shares:?}"
        );
    }

    #[test]
    fn a_slower_member_gets_less_and_a_much_slower_one_almost_nothing() {
        let little = shares(&[member(1.0, 1.0), member(1.0, 1.2)]);
        let much = shares(&[member(1.0, 1.0), member(1.0, 3.0)]);
        assert!(little[1] < 0.5, "a fifth slower is seen: {little:?}");
        assert!(much[1] < 0.01, "three times slower is avoided: {much:?}");
        assert!(much[1] < little[1], "slower is never better");
    }

    #[test]
    fn an_uncertain_difference_hardly_counts() {
        let mut unsure = [member(1.0, 1.0), member(1.0, 1.1)];
        for member in &mut unsure {
            member.standing.variance = 0.25;
        }
        let (sure, unsure) = (
            shares(&[member(1.0, 1.0), member(1.0, 1.1)]),
            shares(&unsure),
        );
        assert!(
            unsure[1] > 0.47,
            "a tenth within half a mean of noise: {unsure:?}"
        );
        assert!(sure[1] < 0.25, "a tenth that is certain: {sure:?}");
    }

    #[test]
    fn an_ejected_member_gets_nothing_unless_all_are_ejected() {
        let mut members = [member(0.7, 1.0), member(0.3, 1.0)];
        members[0].serving = false;
        let table = tilted(&members).unwrap();
        assert_eq!(
            table.shares(),
            [Share::ZERO, Share::WHOLE],
            "the other takes it all"
        );
        members[1].serving = false;
        let all = shares(&members);
        assert!(
            (all[0] - 0.7).abs() < 1e-5,
            "nobody serves: the client's weights"
        );
    }

    #[test]
    fn a_ramp_scales_the_share_and_ramps_of_zero_do_not_starve_everybody() {
        let mut members = [member(1.0, 1.0), member(1.0, 1.0)];
        members[0].standing.ramp = 0.1;
        let ramped = shares(&members);
        assert!(
            (ramped[0] - 0.1 / 1.1).abs() < 1e-5,
            "a tenth of its weight: {ramped:?}"
        );
        members[0].standing.ramp = 0.0;
        members[1].standing.ramp = 0.0;
        assert_eq!(
            tilted(&members).unwrap().shares()[0].ppm(),
            500_000,
            "back to the weights"
        );
    }

    #[test]
    fn a_weight_of_zero_stays_zero() {
        let shares = shares(&[member(0.0, 0.1), member(1.0, 5.0)]);
        assert_eq!(
            shares[0].to_bits(),
            0.0_f64.to_bits(),
            "drained is drained however fast"
        );
    }
}
