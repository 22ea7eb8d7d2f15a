//! Moments of the past as people ask for them.

use crate::journal::Moment;
use crate::model::Time;

/// What is understood, for those who did not write it.
pub const MOMENTS: &str = "a span back from now such as 12h, 7d, 2w or 1mo (30 days), or a moment such as 2026-11-28 or 2026-11-28T20:14:45Z";

/// The moment that `text` means: `now`, a span back from it, a day, or a moment.
pub fn moment(text: &str, now: Time) -> Option<Time> {
    let text = text.trim();
    if text == "now" {
        return Some(now);
    }
    if let Some(span) = span(text) {
        return Some(Time::from_micros(now.as_micros().saturating_sub(span)));
    }
    let day;
    let is_day = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    let text = if is_day {
        day = format!("{text}T00:00:00Z");
        &day
    } else {
        text
    };
    Moment::read(text).map(|moment| Time::from_micros(moment.unix_us(now.as_micros())))
}

/// Microseconds.
fn span(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "mo" => 30 * 86_400,
        "y" => 365 * 86_400,
        _ => return None,
    };
    number.checked_mul(seconds)?.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_days_and_moments_are_understood() {
        let now = Time::from_secs_f64(1_800_000_000.0);
        let ago = |text: &str| moment(text, now).map(|at| now.since(at).as_secs());
        for (text, seconds) in [
            ("now", 0),
            ("90s", 90),
            ("12h", 43_200),
            ("7d", 604_800),
            ("1mo", 2_592_000),
            ("2027-01-15", 28_800),
            ("2027-01-15T07:59:00Z", 60),
            ("1799999999", 1),
        ] {
            assert_eq!(ago(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "d",
            "1",
            "7 days",
            "-1d",
            "yesterday",
            "99999999999999999999d",
        ] {
            let found = ago(text);
            let is_second = text == "1" && found == Some(1_799_999_999);
            assert!(found.is_none() || is_second, "{text}: {found:?}");
        }
    }
}
