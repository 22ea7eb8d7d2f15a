//! What people write and what traffic gets.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A configured weight: relative, as people write it. 70/30, 0.7/0.3 and 7/3 say the same.
///
/// # Invariants
/// Finite and at least 0; 0 drains.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Weight(f64);

/// Why a number is not a weight.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum WeightError {
    /// Less than nothing.
    #[error("expected a weight of at least 0, found {0}")]
    Negative(f64),
    /// Infinite or not a number.
    #[error("expected a finite weight, found {0}")]
    NotFinite(f64),
}

impl Weight {
    /// The weight that drains.
    pub const ZERO: Self = Self(0.0);
    /// What an entry without a weight has, as in the API that request lists come from.
    pub const DEFAULT: Self = Self(0.5);
    /// Largest weight: sums of 1,024 of them stay exact enough to share out.
    const MAX: f64 = 1e12;

    /// Checks `value`.
    pub fn new(value: f64) -> Result<Self, WeightError> {
        if !value.is_finite() || value > Self::MAX {
            Err(WeightError::NotFinite(value))
        } else if value < 0.0 {
            Err(WeightError::Negative(value))
        } else {
            Ok(Self(value))
        }
    }

    /// The number as written.
    pub const fn value(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Share of traffic for one target, in parts per million.
///
/// Integers, so that replicas agree to the bit and a table can sum exactly.
///
/// # Invariants
/// At most [`Share::WHOLE`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Share(u32);

impl Share {
    /// All of the traffic.
    pub const WHOLE: Self = Self(1_000_000);
    /// None of it.
    pub const ZERO: Self = Self(0);

    /// `ppm` parts per million; more than the whole is the whole.
    pub const fn from_ppm(ppm: u32) -> Self {
        Self(if ppm > 1_000_000 { 1_000_000 } else { ppm })
    }

    /// The nearest share to `fraction`; outside 0 to 1 it saturates, NaN is nothing.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 ..= 1 before, and a float cast saturates"
    )]
    pub fn from_fraction(fraction: f64) -> Self {
        Self((fraction.clamp(0.0, 1.0) * 1e6).round() as u32)
    }

    /// Parts per million.
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// The share as a fraction of 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", f64::from(self.0) / 1e4)
    }
}
