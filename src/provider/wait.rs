//! How long a provider asks to be left alone, in all the ways it may say so.
//!
//! In the order of their exactness: `retry-after-ms` and `retry-after`, a field of the body (Google's `retryDelay`), the
//! words of the message, and the headers that say when a limit is whole again. The last are later than when it has room, so
//! they are asked last; of them counts the one whose limit is said to be empty.

use std::time::Duration;

use http::HeaderMap;

use super::headroom::{Headroom, Room, clock};
use super::span::{seconds, span, unit_seconds, until};

/// What stands before the time in a message: OpenAI's and Groq's, Google's, Azure's, Moonshot's.
const BEFORE: [&str; 4] = [
    "try again in ",
    "retry in ",
    "retry after ",
    "try again after ",
];

/// From `retry-after-ms` or `retry-after`: seconds, also fractions, or a date; `now` in seconds since 1970. A negative wait
/// or a date that is past is none at all; what is not a number or a date says nothing. Azure sends `retry-after-ms: 0` beside
/// `retry-after: 1`: nothing in milliseconds is taken only where nothing else is said.
pub(super) fn from_retry_after(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let millis = text(headers, "retry-after-ms").and_then(|text| text.parse().ok());
    let millis = millis.and_then(|millis: f64| seconds(millis / 1e3));
    if millis.is_some_and(|wait| !wait.is_zero()) {
        return millis;
    }
    let said = text(headers, "retry-after").and_then(|text| until(text, clock(headers, now)));
    said.or(millis)
}

/// From the headers that say what is left of limits; see [`Headroom`]. Of the limits said to be empty the last to fill
/// counts; if none is, the first.
pub(super) fn from_limits(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let headroom = Headroom::read(headers, now);
    let rooms = || [headroom.requests, headroom.tokens].into_iter().flatten();
    let reset = |room: Room| room.resets_in;
    let empty = rooms().filter(|room| room.is_empty()).filter_map(reset);
    empty.max().or_else(|| rooms().filter_map(reset).min())
}

/// From a `message` in lower case such as "please try again in 174ms." or "… retry after 20 seconds".
pub(super) fn from_message(message: &str) -> Option<Duration> {
    BEFORE.iter().find_map(|before| {
        let (_, after) = message.split_once(before)?;
        from_words(after)
    })
}

/// From the beginning of `text`: `174ms`, `1m2.5s`, `20 seconds`, or a bare number of seconds.
fn from_words(text: &str) -> Option<Duration> {
    let (word, rest) = split_word(text, |c| c.is_ascii_alphanumeric() || c == '.')?;
    let word = word.trim_end_matches('.');
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match word.parse::<f64>() {
        Ok(number) => {
            let (unit, _) = split_word(rest.trim_start(), |c| c.is_ascii_alphabetic())?;
            seconds(number * unit_seconds(unit).unwrap_or(1.0))
        }
        Err(_) => span(word),
    }
}

/// `text` as far as `belongs` holds, and the rest.
fn split_word(text: &str, belongs: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at_checked(end)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
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
        let wait = from_retry_after(&headers, now).or_else(|| from_limits(&headers, now));
        assert_eq!(wait, expected_ms.map(Duration::from_millis), "{pairs:?}");
    }

    #[test]
    fn headers_are_read_in_every_form() {
        check(&[("retry-after", "3")], Some(3000));
        check(&[("retry-after", "0.25")], Some(250));
        check(&[("retry-after", "58s")], Some(58_000));
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
        check(
            &[
                ("date", "Sun, 06 Nov 1994 08:50:00 GMT"),
                ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"),
            ],
            Some(7000),
        );
        check(&[("x-ratelimit-reset-requests", "6m0s")], Some(360_000));
        check(&[("x-ratelimit-reset-tokens", "2m59.56s")], Some(179_560));
        check(&[("x-ratelimit-reset-tokens", "58")], Some(58_000));
        check(&[("x-ratelimit-reset-requests", "120ms")], Some(120));
        let date = ("date", "Tue, 20 Jan 2026 22:25:00 GMT");
        check(&[date, ("x-ratelimit-reset", "1768947903")], Some(3000));
        check(&[date, ("x-ratelimit-reset", "1768947903500")], Some(3500));
    }

    #[test]
    fn nothing_in_milliseconds_is_a_rounding() {
        check(&[("retry-after", "1"), ("retry-after-ms", "0")], Some(1000));
        check(&[("retry-after-ms", "0")], Some(0));
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
        for silent in ["NaN", "", " ", "soon", "3 s", "\u{e9}"] {
            check(&[("retry-after", silent)], None);
        }
        for silent in ["", "s", "5", "1x", "..s", "-3s", "ms174"] {
            let expected = (silent == "5").then_some(5000);
            check(&[("x-ratelimit-reset-requests", silent)], expected);
        }
    }

    #[test]
    fn the_empty_limit_counts() {
        let resets = [
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-reset-tokens", "20s"),
        ];
        check(&resets, Some(1000));
        let tokens = [resets[0], resets[1], ("x-ratelimit-remaining-tokens", "0")];
        check(&tokens, Some(20_000));
        check(
            &[
                ("date", "Sun, 06 Nov 1994 08:49:59 GMT"),
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "1994-11-06T08:50:00Z"),
                ("anthropic-ratelimit-tokens-remaining", "16000"),
                ("anthropic-ratelimit-tokens-reset", "1994-11-06T08:49:59Z"),
            ],
            Some(1000),
        );
    }

    #[test]
    fn messages_tell_the_wait() {
        let check = |message: &str, expected: Option<u64>| {
            let wait = from_message(message);
            assert_eq!(wait, expected.map(Duration::from_millis), "{message}");
        };
        check(
            "limit 3, used 3. please try again in 20s. visit https://x",
            Some(20_000),
        );
        check("please try again in 174ms.", Some(174));
        check("please try again in 1m2.5s.", Some(62_500));
        check("try again in 7 seconds", Some(7000));
        check("try again in 20", Some(20_000));
        check("try again in 20. visit", Some(20_000));
        check("try again in 5 minutes", Some(300_000));
        check(
            "please retry after 86400 seconds. please go",
            Some(86_400_000),
        );
        check("please retry in 48.9s.", Some(48_900));
        check("please try again after 1 seconds", Some(1000));
        check("try again in 9e99 days", Some(86_400_000));
        check(
            "please retry after a brief wait, or retry in 2s",
            Some(2000),
        );
        check("try again in a while", None);
        check("try again in inf", None);
        check("try again in ", None);
        check("try again later", None);
    }
}
