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

/// What a model costs, in pico-dollars a token (equal to micro-dollars per million tokens).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Price {
    /// For a token of the prompt.
    pub input: u64,
    /// For a token of the prompt that the provider had in its cache.
    pub cached_input: u64,
    /// For a token of the answer.
    pub output: u64,
}

impl Price {
    /// What these tokens cost at this price. Cached tokens are part of the input tokens, never more than them.
    pub fn of(&self, tokens: super::Tokens) -> PicoUsd {
        let cached = tokens.cached_input.min(tokens.input);
        let fresh = tokens.input - cached;
        PicoUsd(
            u128::from(fresh) * u128::from(self.input)
                + u128::from(cached) * u128::from(self.cached_input)
                + u128::from(tokens.output) * u128::from(self.output),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tokens;

    #[test]
    fn cost_is_tokens_times_price_to_the_pico_dollar() {
        // $0.15 and $0.60 per million tokens, cached input at half price.
        let price = Price {
            input: 150_000,
            cached_input: 75_000,
            output: 600_000,
        };
        let tokens = Tokens {
            input: 1_000,
            cached_input: 400,
            output: 7,
        };
        assert_eq!(
            price.of(tokens).pico(),
            600 * 150_000 + 400 * 75_000 + 7 * 600_000
        );
    }

    #[test]
    fn more_cached_than_input_tokens_never_underflows() {
        let price = Price {
            input: 10,
            cached_input: 1,
            output: 0,
        };
        let tokens = Tokens {
            input: 5,
            cached_input: 9,
            output: 0,
        };
        assert_eq!(price.of(tokens).pico(), 5);
    }
}
