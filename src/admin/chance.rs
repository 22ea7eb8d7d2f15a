//! Whether a part of requests differs from a share by more than chance.

use super::report::percent;
use crate::model;

/// Requests of a route below which nothing is said about chance: at a hundred, a share of a tenth is known to six points.
const ENOUGH: u64 = 100;
/// Deviations of a normal distribution that hold 95 %.
const DEVIATIONS: f64 = 1.959_964;

/// The interval of 95 % for the probability behind `hits` of `all`; `None` of none.
pub(super) fn wilson(hits: u64, all: u64) -> Option<[f64; 2]> {
    model::wilson(hits, all, DEVIATIONS)
}

/// In a sentence, whether `hits` of `all` first picks fit the mean `share` that was in force meanwhile.
pub(super) fn verdict(hits: u64, all: u64, share: Option<f64>) -> String {
    let (Some([low, high]), Some(share)) = (wilson(hits, all), share) else {
        return "no requests in the last minute".to_owned();
    };
    if all < ENOUGH {
        return format!("fewer than {ENOUGH} requests in the last minute: too few to tell");
    }
    let fact = format!("{} of {all} requests", percent(hits as f64 / all as f64));
    let interval = format!("the 95 % interval, {} to {}", percent(low), percent(high));
    let grant = format!("its mean grant in that minute, {}", percent(share));
    if (low..=high).contains(&share) {
        return format!("as granted, within chance: {fact}; {grant}, lies in {interval}");
    }
    format!(
        "not as granted: {fact}; {grant}, lies outside {interval}. Failures, limits, kept conversations and requests \
         that only some targets can serve move requests"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_says_when_it_cannot_tell() {
        assert!(verdict(3, 10, Some(0.9)).contains("fewer than 100"));
        assert!(verdict(0, 0, None).contains("no requests"));
        assert!(verdict(290, 1000, Some(0.3)).starts_with("as granted"));
        assert!(verdict(200, 1000, Some(0.3)).starts_with("not as granted"));
    }
}
