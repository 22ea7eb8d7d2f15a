//! Amounts out of decimal texts, exact: `3e-06`, `0.15`, `12`. Never by way of a float.

/// Dearest rate that is believed, in pico-dollars a token: a million dollars for a million tokens.
const DEAREST: u64 = 1_000_000_000_000;

/// Powers of ten from dollars a token to pico-dollars a token.
pub(super) const A_TOKEN: i32 = 12;
/// From dollars a million tokens.
pub(super) const A_MILLION: i32 = 6;
/// From dollars a thousand requests to pico-dollars a request.
pub(super) const A_THOUSAND: i32 = 9;

/// The number that `text` spells times ten to the `power`, rounded to a whole one, halves up. `None` for what is no
/// number, is negative, or is beyond belief.
pub(super) fn scaled(text: &str, power: i32) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{}", part.trim_end_matches('0'));
    let decimals = i32::try_from(part.trim_end_matches('0').len()).ok()?;
    if digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: u128 = digits.parse().ok()?;
    let shift = power.checked_add(exponent)?.checked_sub(decimals)?;
    let factor = 10_u128.checked_pow(shift.unsigned_abs());
    let amount = match (shift >= 0, factor) {
        _ if digits == 0 => 0,
        (true, factor) => digits.checked_mul(factor?)?,
        (false, Some(divisor)) => (digits + divisor / 2) / divisor,
        (false, None) => 0,
    };
    u64::try_from(amount)
        .ok()
        .filter(|amount| *amount <= DEAREST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_texts_are_read_to_the_pico_dollar() {
        for (text, power, expected) in [
            ("3e-06", A_TOKEN, Some(3_000_000)),
            ("1.25E-6", A_TOKEN, Some(1_250_000)),
            ("0.00000015", A_TOKEN, Some(150_000)),
            ("0.15", A_MILLION, Some(150_000)),
            ("15", A_MILLION, Some(15_000_000)),
            ("0", A_MILLION, Some(0)),
            ("0.0", A_TOKEN, Some(0)),
            ("5", A_THOUSAND, Some(5_000_000_000)),
            ("1.8799999999999998e-06", A_TOKEN, Some(1_880_000)),
            ("2.5e-13", A_TOKEN, Some(0)),
            ("5e-13", A_TOKEN, Some(1)),
            ("1e-300", A_TOKEN, Some(0)),
            ("0e300", A_TOKEN, Some(0)),
            ("1e300", A_TOKEN, None),
            ("1e99999999999", A_TOKEN, None),
            ("2", A_TOKEN, None),
            ("-1", A_MILLION, None),
            ("NaN", A_MILLION, None),
            ("", A_MILLION, None),
            ("1.2.3", A_MILLION, None),
        ] {
            assert_eq!(scaled(text, power), expected, "of {text:?}");
        }
    }
}
