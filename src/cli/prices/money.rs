//! Amounts as people read and write them: exact, never by way of a float.

use crate::model::Price;

/// Dollars a million tokens, of pico-dollars a token: `$0.15`, `$2.50`, `$0.000001`.
pub(in crate::cli) fn a_million(pico: u64) -> String {
    decimal(pico, 6)
}

/// Dollars, of pico-dollars: `$0.005`.
pub(in crate::cli) fn dollars(pico: u64) -> String {
    decimal(pico, 12)
}

fn decimal(amount: u64, decimals: u32) -> String {
    let unit = 10_u64.pow(decimals);
    let width = decimals as usize;
    let part = format!("{:0width$}", amount % unit);
    let part = part.trim_end_matches('0');
    format!("${}.{part:0<2}", amount / unit)
}

/// A price as keys and values of `[prices]`, without rates that are what they are by default, and without tiers.
pub(in crate::cli) fn rates(price: &Price) -> Vec<String> {
    let rate = |key: &str, rate: u64| format!("{key} = \"{}\"", a_million(rate));
    let mut lines = vec![rate("input", price.input), rate("output", price.output)];
    for (key, found, plain) in [
        ("cached_input", price.cached_input, price.input),
        ("cache_write", price.cache_write, price.input),
        ("reasoning", price.reasoning, price.output),
    ] {
        if found != plain {
            lines.push(rate(key, found));
        }
    }
    lines
}

/// `+25.0 %` from `old` to `new`.
pub(in crate::cli) fn change(old: u64, new: u64) -> String {
    if old == 0 {
        return "new".to_owned();
    }
    format!("{:+.1} %", (new as f64 / old as f64 - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit() {
        assert_eq!(a_million(150_000), "$0.15");
        assert_eq!(a_million(2_500_000), "$2.50");
        assert_eq!(a_million(15_000_000), "$15.00");
        assert_eq!(a_million(1), "$0.000001");
        assert_eq!(a_million(0), "$0.00");
        assert_eq!(dollars(5_000_000_000), "$0.005");
        assert_eq!(change(100, 125), "+25.0 %");
        assert_eq!(change(0, 1), "new");
    }
}
