//! Whether a part of requests differs from a share by more than chance.

use super::report::percent;

/// Requests of a route below which nothing is said about chance: at a hundred, a share of a tenth is known to six points.
const ENOUGH: u64 = 100;
/// Deviations of a normal distribution that hold 95 %.
const DEVIATIONS: f64 = 1.959_964;

/// Wilson's interval of 95 % for the probability behind `hits` of `all`; `None` of none. (E. B. Wilson, Journal of the
/// American Statistical Association 22, 1927.) Unlike the plain one it stays within 0 and 1 and has a width at 0 hits.
pub(super) fn wilson(hits: u64, all: u64) -> Option<[f64; 2]> {
    if all == 0 {
        return None;
    }
    let (n, z2) = (all as f64, DEVIATIONS * DEVIATIONS);
    let part = hits as f64 / n;
    let middle = (part + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = DEVIATIONS / (1.0 + z2 / n) * (part * (1.0 - part) / n + z2 / (4.0 * n * n)).sqrt();
    Some([(middle - half).max(0.0), (middle + half).min(1.0)])
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
    fn the_interval_is_wilsons() {
        // 81 of 263, from Newcombe, Statistics in Medicine 17 (1998), table I: 0.2553 to 0.3662.
        let [low, high] = wilson(81, 263).unwrap();
        assert!(
            (low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5,
            "{low} {high}"
        );
        let [low, high] = wilson(0, 20).unwrap();
        assert!(
            low.abs() < 1e-12 && (high - 0.1611).abs() < 5e-5,
            "{low} {high}"
        );
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn the_verdict_says_when_it_cannot_tell() {
        assert!(verdict(3, 10, Some(0.9)).contains("fewer than 100"));
        assert!(verdict(0, 0, None).contains("no requests"));
        assert!(verdict(290, 1000, Some(0.3)).starts_with("as granted"));
        assert!(verdict(200, 1000, Some(0.3)).starts_with("not as granted"));
    }
}
