//! Spans and moments as providers write them in headers, bodies and messages.

use std::time::{Duration, UNIX_EPOCH};

/// Longest span that is told. Whoever obeys it has tighter bounds; this one keeps sums sane.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Numbers from here on are moments in seconds since 1970 (this one is in 2001): no span lasts 31 years.
const FIRST_MOMENT: f64 = 1e9;

/// Numbers from here on are moments in milliseconds since 1970 (this one is in 2001 as well).
const FIRST_MOMENT_MS: f64 = 1e12;

/// `number` of seconds, at most a day: negative is none at all, not a number is no span.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    if number.is_nan() {
        return None;
    }
    let bounded = number.clamp(0.0, LONGEST.as_secs_f64());
    Duration::try_from_secs_f64(bounded).ok()
}

/// A span as `6m0s`, `174ms`, `1h2m3.5s`, `48.9s`, or bare seconds.
pub(super) fn span(text: &str) -> Option<Duration> {
    if let Ok(number) = text.parse() {
        return seconds(number);
    }
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let number: f64 = number.parse().ok()?;
        total += number * unit_seconds(unit)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(())?;
    seconds(total)
}

/// The seconds in a unit, as Go prints it or as a word.
pub(super) fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "d" | "day" | "days" => 86_400.0,
        "h" | "hour" | "hours" => 3600.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "ms" | "millisecond" | "milliseconds" => 1e-3,
        "us" | "µs" | "μs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

/// How long it is from `now` (since 1970) to what `text` says: a span, or a moment as an RFC 3339 date, an HTTP date, or
/// seconds or milliseconds since 1970. A moment that is past is no time at all; at most a day.
pub(super) fn until(text: &str, now: Duration) -> Option<Duration> {
    if let Ok(number) = text.parse::<f64>() {
        let moment = match number {
            // Not a moment but a number without measure.
            number if !number.is_finite() => return seconds(number),
            number if number >= FIRST_MOMENT_MS => number / 1e3,
            number if number >= FIRST_MOMENT => number,
            number => return seconds(number),
        };
        return seconds(moment - now.as_secs_f64());
    }
    span(text).or_else(|| Some(moment(text)?.saturating_sub(now).min(LONGEST)))
}

/// A moment since 1970, as an RFC 3339 date or an HTTP date.
fn moment(text: &str) -> Option<Duration> {
    rfc3339(text).or_else(|| http_date(text))
}

/// A moment since 1970, as an HTTP date; before 1970 is 1970.
pub(super) fn http_date(text: &str) -> Option<Duration> {
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// A moment since 1970 as `2026-01-20T22:25:57Z`, also with a fraction or an offset
/// (source: <https://www.rfc-editor.org/rfc/rfc3339#section-5.6>).
fn rfc3339(text: &str) -> Option<Duration> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        are_digits.then(|| digits.parse().ok())?
    };
    let has = |at: usize, marks: &[u8]| {
        let byte = text.as_bytes().get(at)?;
        marks.contains(byte).then_some(())
    };
    for at in [4, 7] {
        has(at, b"-")?;
    }
    has(10, b"Tt ")?;
    for at in [13, 16] {
        has(at, b":")?;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
    // A leap second is second 60.
    let is_time = hour < 24 && minute < 60 && second <= 60;
    (is_date && is_time).then_some(())?;
    let rest = text.get(19..)?;
    let end = rest.find(['Z', 'z', '+', '-'])?;
    let (fraction, offset) = rest.split_at_checked(end)?;
    let fraction: f64 = match fraction {
        "" => 0.0,
        digits if digits.starts_with('.') => digits.parse().ok()?,
        _ => return None,
    };
    let whole = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let whole = u64::try_from(whole - offset_seconds(offset)?).ok()?;
    Some(Duration::from_secs(whole).saturating_add(seconds(fraction)?))
}

/// The seconds by which `Z` or `+01:30` is ahead.
fn offset_seconds(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str| -> Option<i64> {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().ok())?
    };
    let ahead = number(hours)? * 3600 + number(minutes)? * 60;
    Some(if sign == "-" { -ahead } else { ahead })
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; an impossible day of a month counts into the next.
/// (Source: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.)
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(text: &str, now: u64) -> Option<u128> {
        until(text, Duration::from_secs(now)).map(|wait| wait.as_millis())
    }

    #[test]
    fn spans_and_moments_are_told_apart() {
        // 2026-01-20 22:25:00 UTC.
        let now = 1_768_947_900;
        for (text, expected) in [
            ("0s", 0),
            ("120ms", 120),
            ("6m0s", 360_000),
            ("1h2m3.5s", 3_723_500),
            ("48.939935699s", 48_939),
            ("58", 58_000),
            ("0.25", 250),
            ("-5", 0),
            ("1768947930", 30_000),
            ("1768947930.5", 30_500),
            ("1768947930250", 30_250),
            ("2026-01-20T22:25:57Z", 57_000),
            ("2026-01-20t22:25:57.250z", 57_250),
            ("2026-01-20T23:25:57+01:00", 57_000),
            ("2026-01-20T20:55:57-01:30", 57_000),
            ("Tue, 20 Jan 2026 22:25:57 GMT", 57_000),
            ("2024-03-26T20:00:00Z", 0),
            ("1741305600000", 0),
            ("9999-12-31T23:59:59Z", 86_400_000),
            ("inf", 86_400_000),
            ("1e300", 86_400_000),
        ] {
            assert_eq!(millis(text, now), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_neither_says_nothing() {
        for text in [
            "",
            "soon",
            "5x",
            "NaN",
            "..s",
            "2026-13-20T22:25:57Z",
            "2026-01-20T24:25:57Z",
            "2026-01-20T22:25:57",
            "2026-01-20T22:25:57.Z",
            "2026-01-20T22:25:57+1:00",
            "2026-01-20",
            "+026-01-20T22:25:57Z",
            "2026-01-20T22:25:5\u{e9}Z",
        ] {
            assert_eq!(millis(text, 0), None, "{text}");
        }
    }

    #[test]
    fn dates_agree_with_the_calendar_that_http_uses() {
        for days in (0..80_000_u64).step_by(13) {
            let at = UNIX_EPOCH + Duration::from_secs(days * 86_400 + 1);
            let http = httpdate::fmt_http_date(at);
            let fields: Vec<&str> = http.split(' ').collect();
            let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
            let month = months.find(fields[2]).unwrap() / 3 + 1;
            let rfc = format!("{}-{month:02}-{}T00:00:01Z", fields[3], fields[1]);
            assert_eq!(rfc3339(&rfc), http_date(&http), "{rfc}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
        #[test]
        fn any_text_is_bounded(
            text in "\\PC{0,30}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.Z+0-9:]{0,8}|[0-9.e+-]{0,20}|[0-9.dhmsnuµ]{0,12}",
            now in any::<u32>(),
        ) {
            let wait = until(&text, Duration::from_secs(now.into()));
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST));
        }
    }
}
