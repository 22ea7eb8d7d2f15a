//! Quantities as people write them: `"250ms"`, `"32MiB"`, `"$0.60 / 1M tokens"`. Exact: decimals, never floats.

use std::time::Duration;

/// Why a text is not the quantity that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum QuantityError {
    #[error("expected a time such as \"250ms\", \"15s\" or \"2m\"")]
    Time,
    #[error("expected a size such as \"512KiB\" or \"32MiB\"")]
    Size,
    #[error("expected a price such as \"$0.60 / 1M tokens\"")]
    Price,
    #[error("expected a price of at most 6 decimals for a million tokens")]
    TooFine,
    #[error("expected a price such as \"$0.005 / request\" or \"$5 / 1K requests\"")]
    Request,
    #[error("expected an amount such as \"$0.002\"")]
    Dollars,
    #[error("the number is too large")]
    TooLarge,
}

/// A non-negative decimal number: `digits · 10^-scale`.
struct Decimal {
    digits: u128,
    scale: u32,
}

impl Decimal {
    /// Reads `12`, `0.60`, `.5`; nothing else, no sign, no exponent.
    fn new(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let part = part.trim_end_matches('0');
        let all = format!("{whole}{part}");
        let written = text.chars().any(|c| c.is_ascii_digit());
        if !written || all.len() > 30 || !all.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            digits: if all.is_empty() { 0 } else { all.parse().ok()? },
            scale: u32::try_from(part.len()).ok()?,
        })
    }

    /// The number times `factor`, if that is whole.
    fn times(&self, factor: u128) -> Option<u128> {
        let divisor = 10_u128.checked_pow(self.scale)?;
        let product = self.digits.checked_mul(factor)?;
        product.is_multiple_of(divisor).then(|| product / divisor)
    }
}

/// Number and unit of a text such as `1.5 s`.
fn parts(text: &str) -> Option<(Decimal, &str)> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at_checked(at)?;
    Some((Decimal::new(number)?, unit.trim()))
}

/// A time with its unit: `us`, `ms`, `s`, `m`, `h`, `d`.
pub(super) fn duration(text: &str) -> Result<Duration, QuantityError> {
    let (number, unit) = parts(text).ok_or(QuantityError::Time)?;
    let nanos: u128 = match unit {
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return Err(QuantityError::Time),
    };
    let nanos = number.times(nanos).ok_or(QuantityError::Time)?;
    u64::try_from(nanos)
        .map(Duration::from_nanos)
        .map_err(|_| QuantityError::TooLarge)
}

/// A size with its unit, in bytes: `B`, `KiB`, `MiB`, `GiB` (powers of 1,024) and `kB`, `MB`, `GB` (of 1,000).
pub(super) fn size(text: &str) -> Result<u64, QuantityError> {
    let (number, unit) = parts(text).ok_or(QuantityError::Size)?;
    let bytes: u128 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(QuantityError::Size),
    };
    let bytes = number.times(bytes).ok_or(QuantityError::Size)?;
    u64::try_from(bytes).map_err(|_| QuantityError::TooLarge)
}

/// Dearest price that is believed, in pico-dollars a token: a million dollars for a million tokens.
const DEAREST: u128 = 1_000_000_000_000;

/// A price in pico-dollars a token, which are micro-dollars a million tokens. Without `/ …` it is for a million tokens.
pub(super) fn price(text: &str) -> Result<u64, QuantityError> {
    let (amount, per) = match text.split_once('/') {
        Some((amount, per)) => (amount, per.split_whitespace().collect::<Vec<_>>().join(" ")),
        None => (text, "1M tokens".to_owned()),
    };
    // A dollar for a million tokens is a million pico-dollars a token, and for a thousand a thousand times that.
    let factor: u128 = match per.as_str() {
        "1M tokens" | "1M" | "M tokens" | "M" => 1_000_000,
        "1K tokens" | "1k tokens" | "1K" | "1k" => 1_000_000_000,
        _ => return Err(QuantityError::Price),
    };
    let number = amount.trim().strip_prefix('$').map(str::trim);
    let number = number.and_then(Decimal::new).ok_or(QuantityError::Price)?;
    let pico = number.times(factor).ok_or(QuantityError::TooFine)?;
    if pico > DEAREST {
        return Err(QuantityError::TooLarge);
    }
    u64::try_from(pico).map_err(|_| QuantityError::TooLarge)
}

/// Dearest request that is believed, in pico-dollars: a thousand dollars.
const DEAREST_REQUEST: u128 = 1_000_000_000_000_000;

/// A price of a request in pico-dollars. Without `/ …` it is for one.
pub(super) fn request_price(text: &str) -> Result<u64, QuantityError> {
    let (amount, per) = match text.split_once('/') {
        Some((amount, per)) => (amount, per.split_whitespace().collect::<Vec<_>>().join(" ")),
        None => (text, "request".to_owned()),
    };
    let factor: u128 = match per.as_str() {
        "request" | "1 request" => 1_000_000_000_000,
        "1K requests" | "1k requests" | "K requests" => 1_000_000_000,
        _ => return Err(QuantityError::Request),
    };
    let number = amount.trim().strip_prefix('$').map(str::trim);
    let number = number
        .and_then(Decimal::new)
        .ok_or(QuantityError::Request)?;
    let pico = number.times(factor).ok_or(QuantityError::Request)?;
    if pico > DEAREST_REQUEST {
        return Err(QuantityError::TooLarge);
    }
    u64::try_from(pico).map_err(|_| QuantityError::TooLarge)
}

/// An amount of dollars, in pico-dollars.
pub(super) fn dollars(text: &str) -> Result<u64, QuantityError> {
    let number = text.trim().strip_prefix('$').map(str::trim);
    let number = number
        .and_then(Decimal::new)
        .ok_or(QuantityError::Dollars)?;
    let pico = number
        .times(1_000_000_000_000)
        .ok_or(QuantityError::Dollars)?;
    u64::try_from(pico).map_err(|_| QuantityError::TooLarge)
}

/// A list price after a discount of `discount_ppm` parts per million, rounded to the nearest pico-dollar, halves up.
pub(super) fn discounted(list: u64, discount_ppm: u32) -> u64 {
    let kept = u128::from(1_000_000_u32.saturating_sub(discount_ppm));
    let price = (u128::from(list) * kept + 500_000) / 1_000_000;
    u64::try_from(price).unwrap_or(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_to_the_pico_dollar() {
        let cases = [
            ("$0.60 / 1M tokens", Ok(600_000)),
            ("$0.60", Ok(600_000)),
            ("$ 0.15/1M tokens", Ok(150_000)),
            ("$0.0006 / 1K tokens", Ok(600_000)),
            ("$0.000001", Ok(1)),
            ("$0.075000000", Ok(75_000)),
            ("$15", Ok(15_000_000)),
            ("$.5", Ok(500_000)),
            ("$0", Ok(0)),
            ("$0.0000001", Err(QuantityError::TooFine)),
            ("$1000001", Err(QuantityError::TooLarge)),
            (
                "$99999999999999999999999999999999999",
                Err(QuantityError::Price),
            ),
            ("0.60", Err(QuantityError::Price)),
            ("$-1", Err(QuantityError::Price)),
            ("$1e3", Err(QuantityError::Price)),
            ("$", Err(QuantityError::Price)),
            ("$.", Err(QuantityError::Price)),
            ("$1 / 1B tokens", Err(QuantityError::Price)),
        ];
        for (text, expected) in cases {
            assert_eq!(price(text), expected, "of {text:?}");
        }
    }

    #[test]
    fn requests_have_prices_too() {
        let cases = [
            ("$0.005 / request", Ok(5_000_000_000)),
            ("$0.005", Ok(5_000_000_000)),
            ("$5 / 1K requests", Ok(5_000_000_000)),
            ("$0.000000000001", Ok(1)),
            ("$1001", Err(QuantityError::TooLarge)),
            ("$5 / 1M tokens", Err(QuantityError::Request)),
            ("5", Err(QuantityError::Request)),
        ];
        for (text, expected) in cases {
            assert_eq!(request_price(text), expected, "of {text:?}");
        }
    }

    #[test]
    fn amounts_are_dollars() {
        let cases = [
            ("$0.002", Ok(2_000_000_000)),
            ("$ 7.2", Ok(7_200_000_000_000)),
            ("0.002", Err(QuantityError::Dollars)),
            ("$0.0000000000001", Err(QuantityError::Dollars)),
            ("$99999999", Err(QuantityError::TooLarge)),
        ];
        for (text, expected) in cases {
            assert_eq!(dollars(text), expected, "of {text:?}");
        }
    }

    #[test]
    fn a_discount_leaves_whole_pico_dollars() {
        assert_eq!(discounted(600_000, 180_000), 492_000);
        assert_eq!(discounted(1, 500_000), 1, "a half rounds up");
        assert_eq!(discounted(1_000_000, 1_000_000), 0);
        assert_eq!(discounted(123_457, 0), 123_457);
    }

    #[test]
    fn times_need_a_unit() {
        let cases = [
            ("250ms", Ok(Duration::from_millis(250))),
            ("1.5s", Ok(Duration::from_millis(1500))),
            ("2 m", Ok(Duration::from_secs(120))),
            ("500us", Ok(Duration::from_micros(500))),
            ("1h", Ok(Duration::from_secs(3600))),
            ("15", Err(QuantityError::Time)),
            ("-5s", Err(QuantityError::Time)),
            ("s", Err(QuantityError::Time)),
            ("1e9s", Err(QuantityError::Time)),
            ("1.2.3s", Err(QuantityError::Time)),
            ("99999999999999h", Err(QuantityError::TooLarge)),
            ("", Err(QuantityError::Time)),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text), expected, "of {text:?}");
        }
    }

    #[test]
    fn sizes_need_a_unit() {
        let cases = [
            ("32MiB", Ok(32 << 20)),
            ("0.5KiB", Ok(512)),
            ("10MB", Ok(10_000_000)),
            ("7B", Ok(7)),
            ("32", Err(QuantityError::Size)),
            ("32 megabytes", Err(QuantityError::Size)),
            ("0.3B", Err(QuantityError::Size)),
        ];
        for (text, expected) in cases {
            assert_eq!(size(text), expected, "of {text:?}");
        }
    }
}
