//! What a request costs its caller, in one number by which policies are compared.
//!
//! ```text
//! answer:  min(t / T(n), 6) + 0.5 · price        T(n) = 0.5 s + 15 ms · n
//! failure: min(t / T(n), 6) + 5
//! ```
//!
//! `t` is the time from the request's arrival to its end, `n` the tokens of its answer, `T(n)` what a middling hosted
//! model takes for as many, and `price` what the answer costs relative to a usual one of its scenario: the written price
//! where prices are per answer, and else its dollars by those of an answer of median length at the targets' mean price.
//! The client's own mistakes have no loss. The weights are those of the controller's preset `balanced`.

use std::time::Duration;

/// Seconds to the first token and per token of a middling hosted model.
const FIRST_TOKEN: f64 = 0.5;
const PER_TOKEN: f64 = 0.015;
/// From here on slower is not worse: the caller does something else. With 12, black holes outweigh all other scenarios.
const SLOWEST: f64 = 6.0;
/// How much a usual price counts.
pub(super) const PRICE: f64 = 0.5;
/// How much a failure counts: about five answers.
pub(super) const FAILURE: f64 = 5.0;

/// `took` by the time that a middling model takes for an answer of so many tokens.
pub(super) fn slowness(took: Duration, tokens: u64) -> f64 {
    took.as_secs_f64() / typical_seconds(tokens)
}

/// What a middling model takes for an answer of so many tokens.
pub(super) fn typical_seconds(tokens: u64) -> f64 {
    FIRST_TOKEN + PER_TOKEN * tokens as f64
}

/// The loss of an answer of this slowness and relative price.
pub(super) fn of_answer(slowness: f64, price: f64) -> f64 {
    slowness.min(SLOWEST) + PRICE * price
}

/// The loss of a failure that was waited for so long.
pub(super) fn of_failure(slowness: f64) -> f64 {
    FAILURE + slowness.min(SLOWEST)
}
