//! Estimates of what would have been, in words and units.

use crate::journal::Estimate;

/// What the difference's interval allows to say.
pub(super) fn verdict(found: &Estimate) -> &'static str {
    if found.change.high < 0.0 {
        "less"
    } else if found.change.low > 0.0 {
        "more"
    } else {
        "not enough evidence for a difference"
    }
}

/// What an estimate is measured in.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Dollars,
    Seconds,
    Percent,
}

impl Unit {
    /// `value` with its unit; dollars are those of a thousand requests.
    pub(super) fn of(self, value: f64) -> String {
        match self {
            Self::Dollars => format!("${:.3}", 1e3 * value),
            Self::Seconds => format!("{value:.3} s"),
            Self::Percent => format!("{:.2} %", 100.0 * value),
        }
    }

    /// The same of a difference, with its sign.
    pub(super) fn change(self, value: f64) -> String {
        match self {
            Self::Dollars => format!("{}${:.3}", sign(value), 1e3 * value.abs()),
            Self::Seconds => format!("{}{:.3} s", sign(value), value.abs()),
            Self::Percent => format!("{}{:.2} points", sign(value), 100.0 * value.abs()),
        }
    }
}

fn sign(value: f64) -> &'static str {
    if value < 0.0 { "-" } else { "+" }
}
