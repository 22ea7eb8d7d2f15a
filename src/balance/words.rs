//! Numbers as somebody would say them aloud.

use crate::model::{Time, calendar};

/// Two or three digits that mean something: 0.034, 3.2, 41.
pub(super) fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        v if v < 0.1 => 3,
        v if v < 1.0 => 2,
        v if v < 10.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

pub(super) fn percent(fraction: f64) -> String {
    let value = 100.0 * fraction;
    if value == 0.0 {
        "0 %".into()
    } else if value < 0.1 {
        format!("{value:.2} %")
    } else if value < 10.0 {
        format!("{value:.1} %")
    } else {
        format!("{value:.0} %")
    }
}

pub(super) fn seconds(value: f64) -> String {
    if value < 1.0 {
        format!("{} ms", number(value * 1e3))
    } else {
        format!("{} s", number(value))
    }
}

pub(super) fn dollars(value: f64) -> String {
    if value < 0.01 {
        format!("${} per thousand", number(value * 1e3))
    } else {
        format!("${value:.3}")
    }
}

/// An amount of dollars in itself.
pub(super) fn amount(value: f64) -> String {
    let digits = match value {
        v if v < 0.001 => 5,
        v if v < 0.1 => 3,
        _ => 2,
    };
    format!("${value:.digits$}")
}

/// A moment, seen from `now`: `14:05 UTC`, with its date if that is another day.
pub(super) fn clock(at: Time, now: Time) -> String {
    let (at, now) = (calendar(at), calendar(now));
    if at.0 == now.0 {
        format!("{} UTC", at.1)
    } else {
        format!("{} {} UTC", at.0, at.1)
    }
}
