use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().expect("a name");
        (name, HeaderValue::from_str(value).expect("a value"))
    });
    pairs.collect()
}

#[track_caller]
fn check(pairs: &[(&str, &str)], requests: Option<Room>, tokens: Option<Room>) {
    let expected = Headroom { requests, tokens };
    assert_eq!(Headroom::read(&headers(pairs), 0), expected, "{pairs:?}");
}

fn room(limit: u64, remaining: u64, resets_in_ms: Option<u64>) -> Room {
    Room {
        limit: Some(limit),
        remaining: Some(remaining),
        resets_in: resets_in_ms.map(Duration::from_millis),
    }
}

#[test]
fn openais_headers_are_read() {
    check(
        &[
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-limit-tokens", "30000000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-remaining-tokens", "29999711"),
            ("x-ratelimit-reset-requests", "6ms"),
            ("x-ratelimit-reset-tokens", "0s"),
            ("x-ratelimit-limit-input-images", "50000"),
            ("x-ratelimit-remaining-input-images", "0"),
        ],
        Some(room(10_000, 9_999, Some(6))),
        Some(room(30_000_000, 29_999_711, Some(0))),
    );
}

#[test]
fn azures_groqs_and_mistrals_headers_are_read() {
    check(
        &[
            ("x-ratelimit-limit-requests", "250"),
            ("x-ratelimit-remaining-requests", "-1"),
            ("x-ratelimit-remaining-tokens", "249991"),
            ("x-ratelimit-renewalperiod-tokens", "60"),
            ("x-ratelimit-key", "gpt-5-nano"),
        ],
        Some(Room {
            limit: Some(250),
            ..Room::default()
        }),
        Some(Room {
            remaining: Some(249_991),
            ..Room::default()
        }),
    );
    check(
        &[
            ("x-ratelimit-limit-requests", "14400"),
            ("x-ratelimit-remaining-requests", "14399"),
            ("x-ratelimit-reset-requests", "6s"),
        ],
        Some(room(14_400, 14_399, Some(6000))),
        None,
    );
    check(
        &[
            ("x-ratelimit-limit-req-minute", "100"),
            ("x-ratelimit-remaining-req-minute", "99"),
            ("x-ratelimit-limit-tokens-minute", "100000"),
            ("x-ratelimit-remaining-tokens-minute", "99475"),
            ("x-ratelimit-tokens-query-cost", "96"),
        ],
        Some(room(100, 99, None)),
        Some(room(100_000, 99_475, None)),
    );
}

#[test]
fn a_header_without_a_kind_counts_requests() {
    check(
        &[
            ("x-ratelimit-limit", "50"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "2"),
            ("x-ratelimit-remaining-tokens", "3000"),
        ],
        Some(room(50, 0, Some(2000))),
        Some(Room {
            remaining: Some(3000),
            ..Room::default()
        }),
    );
}

#[test]
fn the_nearest_of_anthropics_limits_counts_by_the_clock_that_wrote_it() {
    check(
        &[
            ("date", "Tue, 20 Jan 2026 22:25:55 GMT"),
            ("anthropic-ratelimit-requests-limit", "4000"),
            ("anthropic-ratelimit-requests-remaining", "3999"),
            ("anthropic-ratelimit-requests-reset", "2026-01-20T22:25:55Z"),
            ("anthropic-ratelimit-tokens-limit", "2400000"),
            ("anthropic-ratelimit-tokens-remaining", "2300000"),
            ("anthropic-ratelimit-tokens-reset", "2026-01-20T22:25:57Z"),
            ("anthropic-ratelimit-output-tokens-limit", "400000"),
            ("anthropic-ratelimit-output-tokens-remaining", "1000"),
            (
                "anthropic-ratelimit-output-tokens-reset",
                "2026-01-20T22:26:54Z",
            ),
        ],
        Some(room(4000, 3999, Some(0))),
        Some(room(400_000, 1000, Some(59_000))),
    );
}

#[test]
fn of_two_empty_limits_the_last_to_fill_counts() {
    let pairs = [
        ("x-ratelimit-remaining-requests-minute", "0"),
        ("x-ratelimit-reset-requests-minute", "3s"),
        ("x-ratelimit-remaining-requests-day", "0"),
        ("x-ratelimit-reset-requests-day", "2h0m0s"),
        ("x-ratelimit-remaining-requests-hour", "7"),
    ];
    let read = Headroom::read(&headers(&pairs), 0).requests.unwrap();
    assert_eq!(read.resets_in, Some(Duration::from_secs(7200)));
    assert!(read.is_empty());
}

#[test]
fn an_answer_that_says_nothing_has_no_headroom() {
    check(&[], None, None);
    check(
        &[
            ("content-type", "application/json"),
            ("x-ratelimit-limit-requests", "many"),
            ("x-ratelimit-remaining-tokens", "NaN"),
            ("x-ratelimit-reset-tokens", "soon"),
            ("anthropic-ratelimit-unified-remaining", "1"),
        ],
        None,
        None,
    );
}

#[test]
fn the_part_that_is_left_is_between_nothing_and_all() {
    let left = |limit, remaining| {
        let room = Room {
            limit,
            remaining,
            resets_in: None,
        };
        room.left()
    };
    assert_eq!(left(Some(200), Some(50)), Some(0.25));
    assert_eq!(left(Some(10), Some(19)), Some(1.0), "as Together says it");
    assert_eq!(left(Some(0), Some(0)), Some(0.0));
    assert_eq!(left(Some(0), Some(3)), None);
    assert_eq!(left(None, Some(3)), None);
    assert_eq!(left(Some(3), None), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    #[test]
    fn any_headers_are_read(
        pairs in proptest::collection::vec((
            "(x-ratelimit|anthropic-ratelimit)-(limit|remaining|reset|requests|tokens)?-?(limit|remaining|reset|requests|tokens|[a-z-]{0,6})-?[a-z]{0,3}",
            proptest::collection::vec(any::<u8>().prop_filter("a header's", |byte| *byte >= 0x20 && *byte != 0x7f), 0..20),
        ), 0..24),
        now in any::<u64>(),
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in &pairs {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, HeaderValue::from_bytes(value).expect("a value"));
        }
        let read = Headroom::read(&map, now);
        for room in [read.requests, read.tokens].into_iter().flatten() {
            prop_assert!(room != Room::default());
            prop_assert!(room.left().is_none_or(|left| (0.0..=1.0).contains(&left)));
            prop_assert!(room.resets_in.is_none_or(|wait| wait <= super::super::span::LONGEST));
        }
    }
}
