//! Money in integers, so that tokens times price never rounds.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// An amount of money in pico-dollars (10⁻¹² USD).
///
/// A price of one micro-dollar per million tokens is exactly one pico-dollar a token, so every product of tokens and
/// price is an integer. A `u128` holds 3 · 10²⁶ dollars.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct PicoUsd(u128);

/// A dollar in pico-dollars.
const DOLLAR: u64 = 1_000_000_000_000;

impl PicoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of `pico` pico-dollars.
    pub const fn new(pico: u128) -> Self {
        Self(pico)
    }

    /// The amount in pico-dollars.
    pub const fn pico(self) -> u128 {
        self.0
    }

    /// The amount in dollars with all its digits, such as `0.00012`.
    pub fn exact(self) -> String {
        // Nearly every amount fits 64 bits, whose division takes a tenth of one of 128.
        let (whole, mut part) = if let Ok(small) = u64::try_from(self.0) {
            (u128::from(small / DOLLAR), small % DOLLAR)
        } else {
            let dollar = u128::from(DOLLAR);
            let part = u64::try_from(self.0 % dollar);
            (self.0 / dollar, part.unwrap_or_default())
        };
        let mut text = whole.to_string();
        if part == 0 {
            return text;
        }
        let mut digits = [b'0'; 12];
        for place in digits.iter_mut().rev() {
            *place = b'0' + u8::try_from(part % 10).unwrap_or_default();
            part /= 10;
        }
        let digits = digits.as_slice();
        let last = digits.iter().rposition(|digit| *digit != b'0');
        let shown = digits.get(..=last.unwrap_or_default()).unwrap_or_default();
        text.push('.');
        text.push_str(std::str::from_utf8(shown).unwrap_or_default());
        text
    }

    /// The amount in dollars, rounded to the nearest f64: for display and for figures, never for the books.
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e12
    }
}

impl Add for PicoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for PicoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for PicoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for PicoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.6}", self.usd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_with_all_its_digits_and_no_more() {
        for (pico, text) in [
            (0, "0"),
            (1, "0.000000000001"),
            (120_000_000, "0.00012"),
            (2_500_000_000_000, "2.5"),
            (3_000_000_000_000, "3"),
        ] {
            assert_eq!(PicoUsd::new(pico).exact(), text);
        }
    }
}
