//! Ranges of the plain numbers in a law, checked where they are read, so that a message names its line.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Reads a finite number from 0 up.
pub(crate) fn non_negative<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(from)?;
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    Err(D::Error::custom(format_args!(
        "expected a number from 0 up, found {value}"
    )))
}

/// Reads the status of an error, if there is one: 400 to 599.
pub(super) fn status<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    let Some(status) = Option::<u16>::deserialize(from)? else {
        return Ok(None);
    };
    if (400..=599).contains(&status) {
        return Ok(Some(status));
    }
    Err(D::Error::custom(format_args!(
        "expected an HTTP status from 400 to 599, found {status}"
    )))
}

/// Longer than any run, and far from the end of what a timer can count.
const DAY_MS: f64 = 86_400_000.0;

/// Reads a span in milliseconds as `[least, most]`.
pub(super) fn range<'de, D: Deserializer<'de>>(from: D) -> Result<[f64; 2], D::Error> {
    let [least, most] = <[f64; 2]>::deserialize(from)?;
    if least >= 0.0 && most >= least && most <= DAY_MS {
        return Ok([least, most]);
    }
    Err(D::Error::custom(format_args!(
        "expected [least, most] milliseconds from 0 to a day, least first, found [{least}, {most}]"
    )))
}
