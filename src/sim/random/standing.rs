//! What many worlds say about policies: who won how often, and where each did worst.

use serde::Serialize;

/// Regrets that differ by less are a draw for a reader, though not for the win rate.
const CLOSE: f64 = 0.01;

/// Policies over many worlds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standings {
    /// How many worlds.
    pub worlds: usize,
    /// Number of the first.
    pub first_world: u64,
    /// Runs of each world under different luck, of which regrets are means.
    pub seeds: u64,
    /// By policy; the first one is compared with the others.
    pub policies: Vec<Placing>,
}

/// One policy over many worlds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Placing {
    /// Its name.
    pub name: String,
    /// Mean regret.
    pub regret: f64,
    /// Standard error of that mean.
    pub regret_se: f64,
    /// Median regret.
    pub median: f64,
    /// Largest regret of a world.
    pub worst: f64,
    /// Number of that world.
    pub worst_world: u64,
    /// Part of the worlds in which the first policy's regret is less than this one's; `None` for the first itself.
    pub won_against: Option<f64>,
    /// Part of the worlds in which it is at most 0.01 more.
    pub not_lost_against: Option<f64>,
    /// Number of the world in which the first policy is furthest behind this one.
    pub lost_most_in: Option<u64>,
}

impl Standings {
    /// Standings from regrets, by world and then by policy in the order of `names`.
    pub fn of(names: &[&str], first_world: u64, seeds: u64, regrets: &[Vec<f64>]) -> Self {
        let policies = names.iter().enumerate();
        let policies = policies.map(|(i, name)| standing(name, i, first_world, regrets));
        Self {
            worlds: regrets.len(),
            first_world,
            seeds,
            policies: policies.collect(),
        }
    }
}

fn standing(name: &str, policy: usize, first_world: u64, regrets: &[Vec<f64>]) -> Placing {
    let own: Vec<f64> = regrets.iter().map(|world| world[policy]).collect();
    let count = own.len().max(1) as f64;
    let mean = own.iter().sum::<f64>() / count;
    let squares: f64 = own.iter().map(|regret| (regret - mean).powi(2)).sum();
    let mut sorted = own.clone();
    sorted.sort_by(f64::total_cmp);
    let number = |place: usize| first_world + place as u64;
    let most = |values: &mut dyn Iterator<Item = f64>| {
        let places = values.enumerate();
        places.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    };
    let worst = most(&mut own.iter().copied());
    let leads = || regrets.iter().map(|world| world[policy] - world[0]);
    let part = |of: &dyn Fn(f64) -> bool| {
        let counted = leads().filter(|lead| of(*lead)).count();
        (policy > 0).then_some(counted as f64 / count)
    };
    Placing {
        name: name.to_owned(),
        regret: rounded(mean),
        regret_se: rounded((squares / (count - 1.0).max(1.0) / count).sqrt()),
        median: rounded(sorted.get(sorted.len() / 2).copied().unwrap_or_default()),
        worst: rounded(worst.map_or(0.0, |(_, regret)| regret)),
        worst_world: worst.map_or(first_world, |(place, _)| number(place)),
        won_against: part(&|lead| lead > 0.0),
        not_lost_against: part(&|lead| lead >= -CLOSE),
        lost_most_in: most(&mut leads().map(|lead| -lead))
            .filter(|(_, behind)| *behind > 0.0)
            .map(|(place, _)| number(place)),
    }
}

/// To a millionth: what comes after differs between platforms, and says nothing.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wins_and_worst_worlds_are_counted_for_the_first() {
        let regrets = [
            vec![0.1, 0.3, 0.105],
            vec![0.2, 0.1, 0.195],
            vec![0.9, 0.95, 0.2],
        ];
        let found = Standings::of(&["ours", "a", "b"], 40, 1, &regrets);
        let [ours, a, b] = &found.policies[..] else {
            panic!("three policies, found {found:?}");
        };
        assert!((ours.regret - 0.4).abs() < 1e-9, "the mean: {ours:?}");
        assert_eq!((ours.worst_world, ours.won_against), (42, None));
        assert_eq!(a.won_against, Some(2.0 / 3.0), "all but the second");
        assert_eq!(b.won_against, Some(1.0 / 3.0), "the first only");
        assert_eq!(b.not_lost_against, Some(2.0 / 3.0), "0.005 is a draw");
        assert_eq!(b.lost_most_in, Some(42), "by 0.7");
        assert!((b.median - 0.195).abs() < 1e-9, "of three the middle one");
    }
}
