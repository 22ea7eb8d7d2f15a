//! What chance makes of a proportion.

/// Wilson's interval for the probability behind `hits` of `all`, of so many standard `deviations` (1.96 hold 95 %, 3.29
/// hold 99.9 %); `None` of none. (E. B. Wilson, Journal of the American Statistical Association 22, 1927.) Unlike the plain
/// one it stays within 0 and 1 and has a width at 0 hits.
pub fn wilson(hits: u64, all: u64, deviations: f64) -> Option<[f64; 2]> {
    if all == 0 {
        return None;
    }
    let (n, z2) = (all as f64, deviations * deviations);
    let part = hits as f64 / n;
    let middle = (part + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = deviations / (1.0 + z2 / n) * (part * (1.0 - part) / n + z2 / (4.0 * n * n)).sqrt();
    Some([(middle - half).max(0.0), (middle + half).min(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // 81 of 263, from Newcombe, Statistics in Medicine 17 (1998), table I: 0.2553 to 0.3662.
        let [low, high] = wilson(81, 263, 1.959_964).unwrap();
        assert!(
            (low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5,
            "{low} {high}"
        );
        let [low, high] = wilson(0, 20, 1.959_964).unwrap();
        assert!(
            low.abs() < 1e-12 && (high - 0.1611).abs() < 5e-5,
            "{low} {high}"
        );
        assert_eq!(wilson(0, 0, 1.959_964), None);
    }
}
