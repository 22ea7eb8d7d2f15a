//! How long a provider asks to be left alone, in all the ways it may say so.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;

/// Longest wait that is believed. Whoever obeys it has tighter bounds; this one keeps sums sane.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// From `retry-after-ms` or `retry-after`: seconds, also fractions, or a date; `now` in seconds since 1970. A negative wait
/// or a date that is past is none at all; what is not a number or a date says nothing.
pub(super) fn from_retry_after(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let millis = text(headers, "retry-after-ms").and_then(|text| text.parse().ok());
    if let Some(wait) = millis.and_then(|millis: f64| seconds(millis / 1e3)) {
        return Some(wait);
    }
    let text = text(headers, "retry-after")?;
    if let Ok(number) = text.parse() {
        return seconds(number);
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let at = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(at.saturating_sub(Duration::from_secs(now)).min(LONGEST))
}

/// From `x-ratelimit-reset-requests` and `-tokens`. They say when a bucket is full again, which is later than when it has
/// room, so they are asked last. Of the buckets said to be empty the last to fill counts; if none is, the first.
pub(super) fn from_limits(headers: &HeaderMap) -> Option<Duration> {
    let buckets = [
        (
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ),
        ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ];
    let resets = || {
        buckets.iter().filter_map(|(remaining, reset)| {
            let wait = span(text(headers, reset)?)?;
            Some((text(headers, remaining) == Some("0"), wait))
        })
    };
    let empty = resets().filter(|(is_empty, _)| *is_empty);
    empty
        .map(|(_, wait)| wait)
        .max()
        .or_else(|| resets().map(|(_, wait)| wait).min())
}

/// From a message such as "Please try again in 174ms." or "… in 1m2.5s".
pub(super) fn from_message(message: &str) -> Option<Duration> {
    let (_, after) = message.split_once("try again in ")?;
    let end = after
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
        .unwrap_or(after.len());
    let (word, rest) = after.split_at_checked(end)?;
    let word = word.trim_end_matches('.');
    match word.parse() {
        // "20 seconds", or a bare number; minutes and milliseconds in words are nobody's form.
        Ok(number) => (!rest.trim_start().starts_with('m')).then(|| seconds(number))?,
        Err(_) => span(word),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

/// `number` of seconds: negative is none at all, not a number is no wait.
fn seconds(number: f64) -> Option<Duration> {
    if number.is_nan() {
        return None;
    }
    let bounded = number.clamp(0.0, LONGEST.as_secs_f64());
    Duration::try_from_secs_f64(bounded).ok()
}

/// A span as `6m0s`, `174ms`, `1h2m3.5s`, or bare seconds.
fn span(text: &str) -> Option<Duration> {
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

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "d" => 86_400.0,
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" | "μs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &str)], expected_ms: Option<u64>) {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        // 1994-11-06 08:49:37 UTC, the date of RFC 9110's examples.
        let now = 784_111_777;
        let wait = from_retry_after(&headers, now).or_else(|| from_limits(&headers));
        assert_eq!(wait, expected_ms.map(Duration::from_millis), "{pairs:?}");
    }

    #[test]
    fn headers_are_read_in_every_form() {
        check(&[("retry-after", "3")], Some(3000));
        check(&[("retry-after", "0.25")], Some(250));
        check(
            &[("retry-after", "9"), ("retry-after-ms", "174")],
            Some(174),
        );
        check(
            &[("retry-after", "9"), ("retry-after-ms", "soon")],
            Some(9000),
        );
        check(
            &[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")],
            Some(30_000),
        );
        check(&[("x-ratelimit-reset-requests", "6m0s")], Some(360_000));
        check(&[("x-ratelimit-reset-tokens", "2m59.56s")], Some(179_560));
        check(&[("x-ratelimit-reset-tokens", "58")], Some(58_000));
    }

    #[test]
    fn absurd_headers_are_bounded_or_say_nothing() {
        check(&[("retry-after", "-5")], Some(0));
        check(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0));
        check(&[("retry-after", "1e300")], Some(86_400_000));
        check(&[("retry-after", "inf")], Some(86_400_000));
        check(
            &[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")],
            Some(86_400_000),
        );
        for silent in ["NaN", "", " ", "soon", "3 s", "5m", "\u{e9}"] {
            check(&[("retry-after", silent)], None);
        }
        for silent in ["", "s", "5", "1x", "..s", "-3s", "ms174"] {
            let expected = (silent == "5").then_some(5000);
            check(&[("x-ratelimit-reset-requests", silent)], expected);
        }
    }

    #[test]
    fn the_empty_bucket_counts() {
        let resets = [
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-reset-tokens", "20s"),
        ];
        check(&resets, Some(1000));
        let tokens = [resets[0], resets[1], ("x-ratelimit-remaining-tokens", "0")];
        check(&tokens, Some(20_000));
    }

    #[test]
    fn messages_tell_the_wait() {
        let check = |message: &str, expected: Option<u64>| {
            let wait = from_message(message);
            assert_eq!(wait, expected.map(Duration::from_millis), "{message}");
        };
        check(
            "Limit 3, Used 3. Please try again in 20s. Visit https://x",
            Some(20_000),
        );
        check("Please try again in 174ms.", Some(174));
        check("Please try again in 1m2.5s.", Some(62_500));
        check("try again in 7 seconds", Some(7000));
        check("try again in 20", Some(20_000));
        check("try again in 5 minutes", None);
        check("try again in a while", None);
        check("try again in ", None);
        check("try again later", None);
    }
}
