use proptest::prelude::*;

use super::*;

/// What was found: name and data, or nothing for an event that was too long.
type Found = Vec<Option<(Vec<u8>, Vec<u8>)>>;

fn owned(item: Item<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    match item {
        Item::Event { name, data } => Some((name.to_vec(), data.to_vec())),
        Item::TooLong => None,
    }
}

fn split<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Found {
    let mut splitter = Splitter::new();
    let mut found = Vec::new();
    for chunk in chunks {
        splitter.push(chunk, |item| found.push(owned(item)));
        assert!(
            splitter.held() <= MAX_EVENT + 1,
            "{} bytes are kept",
            splitter.held()
        );
    }
    splitter.finish(|item| found.push(owned(item)));
    found
}

#[track_caller]
fn check(stream: &str, expected: &[(&str, &str)]) {
    let expected: Found = expected
        .iter()
        .map(|(name, data)| Some((name.as_bytes().to_vec(), data.as_bytes().to_vec())))
        .collect();
    assert_eq!(split([stream.as_bytes()]), expected, "{stream:?} at once");
    assert_eq!(
        split(stream.as_bytes().chunks(1)),
        expected,
        "{stream:?} byte by byte"
    );
    for at in 0..stream.len() {
        let (first, second) = stream.as_bytes().split_at(at);
        assert_eq!(split([first, second]), expected, "{stream:?} cut at {at}");
    }
}

#[test]
fn every_line_end_ends_a_line_however_it_is_cut() {
    let two = [("", "a"), ("", "b")];
    check("data: a\n\ndata: b\n\n", &two);
    check("data: a\r\n\r\ndata: b\r\n\r\n", &two);
    check("data: a\r\rdata: b\r\r", &two);
    check("data: a\r\n\ndata: b\n\r\n", &two);
    check("\n\n\r\n\rdata: a\n\n\n\ndata: b\n\n", &two);
}

#[test]
fn fields_are_read_as_the_standard_says() {
    check(
        "event: error\ndata:{\"x\":1}\n\n",
        &[("error", "{\"x\":1}")],
    );
    check(
        "data: a\ndata:  b\ndata\ndata: c\n\n",
        &[("", "a\n b\n\nc")],
    );
    check(
        ": ping\n\n: data: x\nid: 7\nretry: 3\nfoo: bar\ndata: a\n\n",
        &[("", "a")],
    );
    check("event: x\n\ndata: a\n\n", &[("", "a")]);
    check("data:\n\n", &[("", "")]);
    check("data: a:b\n\n", &[("", "a:b")]);
    check("datax: a\n\n data: a\n\n", &[]);
}

#[test]
fn a_mark_of_byte_order_is_skipped_once_and_at_the_start_only() {
    check("\u{feff}data: a\n\n", &[("", "a")]);
    check("\u{feff}\u{feff}data: a\n\n", &[]);
    check("data: a\n\n\u{feff}data: b\n\n", &[("", "a")]);
}

#[test]
fn an_event_without_its_blank_line_counts_at_the_end() {
    check("data: [DONE]", &[("", "[DONE]")]);
    check("data: [DONE]\n", &[("", "[DONE]")]);
    check("data: [DONE]\r", &[("", "[DONE]")]);
    check("event: x\n", &[]);
    check("", &[]);
}

#[test]
fn an_event_beyond_the_bound_is_skipped_and_said() {
    let fits = MAX_EVENT - "data: ".len();
    for (padding, is_kept) in [(fits, true), (fits + 1, false), (5 * MAX_EVENT, false)] {
        for size in [977, 65_536, 20 * MAX_EVENT] {
            let stream = format!("data: {}\n\ndata: b\n\n", "x".repeat(padding));
            let found = split(stream.as_bytes().chunks(size));
            assert_eq!(found.len(), 2, "{padding} bytes in chunks of {size}");
            assert_eq!(
                found[0].is_some(),
                is_kept,
                "{padding} bytes in chunks of {size}"
            );
            assert_eq!(
                found[1],
                Some((vec![], b"b".to_vec())),
                "the stream goes on"
            );
        }
    }
}

#[test]
fn many_short_lines_are_bounded_too() {
    let stream = "data: 0123456789\n".repeat(200_000);
    let found = split(stream.as_bytes().chunks(1000));
    assert_eq!(found, [None], "one event of two megabytes");
    let full = format!("data: {}\n\ndata: b\n\n", "x".repeat(MAX_EVENT - 6));
    assert_eq!(
        split([full.as_bytes()]).iter().flatten().count(),
        2,
        "just full is not too long"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    #[test]
    fn chunks_do_not_matter(
        pieces in proptest::collection::vec(
            proptest::sample::select(&["data", "event", ":", " ", "\r", "\n", "\r\n", "x", "\u{feff}", "[DONE]"][..]), 0..60),
        cuts in proptest::collection::vec(1usize..9, 1..20),
    ) {
        let stream = pieces.concat();
        let mut rest = stream.as_bytes();
        let mut chunks = Vec::new();
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, tail) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk);
            rest = tail;
        }
        prop_assert_eq!(split(chunks), split([stream.as_bytes()]));
    }

    #[test]
    fn random_bytes_never_panic(stream in proptest::collection::vec(any::<u8>(), 0..400), size in 1usize..50) {
        prop_assert_eq!(split(stream.chunks(size)), split([&stream[..]]));
    }
}
