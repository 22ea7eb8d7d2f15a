use proptest::prelude::*;

use super::*;

const COUNTS: &str =
    r#"data: {"id":"x","choices":[ ],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;

fn filtered(stream: &str, sizes: &[usize]) -> Vec<u8> {
    let (mut filter, mut out) = (WholeEvents::new(true), Vec::new());
    let mut rest = Bytes::copy_from_slice(stream.as_bytes());
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(1).clamp(1, rest.len());
        out.extend_from_slice(&filter.push(&rest.split_to(size)));
    }
    out.extend_from_slice(&filter.finish());
    out
}

/// Streams in pieces: those that stay, and where the counts stand.
fn stream(end: &str) -> (String, String) {
    let kept = [
        ": hello",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}",
        "data: {\"choices\":[],\"prompt_filter_results\":[]}",
        "data: {\"choices\":[],\"usage\":null}",
        "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":3}}",
        "data: {\"choices\":[],\"usage\":{},\"error\":{\"message\":\"m\"}}",
        "data: not JSON \"usage\" \"choices\"",
        "data: [DONE]",
    ];
    let blank = format!("{end}{end}");
    let plain = kept.map(|event| format!("{event}{blank}")).concat();
    let position = kept.len() - 1;
    let mut all: Vec<&str> = kept.to_vec();
    all.insert(position, COUNTS);
    let full = all.into_iter().map(|event| format!("{event}{blank}"));
    (full.collect(), plain)
}

#[test]
fn exactly_the_chunk_of_counts_goes_whatever_the_chunks() {
    for end in ["\n", "\r\n", "\r"] {
        let (full, plain) = stream(end);
        for size in 1..full.len() {
            let out = filtered(&full, &[size]);
            assert_eq!(
                String::from_utf8_lossy(&out),
                plain,
                "chunks of {size}, line ends {end:?}"
            );
        }
    }
}

#[test]
fn an_untouched_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"data: {\"choices\":[{}]}\n\n");
    let out = WholeEvents::new(true).push(&chunk);
    assert_eq!(out.as_ptr(), chunk.as_ptr(), "the same bytes");
}

#[test]
fn counts_without_a_blank_line_go_and_half_an_event_stays() {
    assert_eq!(filtered(COUNTS, &[5]), b"");
    assert_eq!(
        filtered("data: {\"choices\":[], \"us", &[5]),
        b"data: {\"choices\":[], \"us"
    );
}

#[test]
fn an_event_that_is_too_long_passes_while_it_comes() {
    let long = format!("data: {}\n\n", "x".repeat(10 << 20));
    let mut filter = WholeEvents::new(true);
    let mut most = 0;
    let mut passed = 0;
    let bytes = Bytes::from(long.clone());
    for chunk in bytes.chunks(1 << 14) {
        passed += filter.push(&Bytes::copy_from_slice(chunk)).len();
        most = most.max(filter.held.len());
    }
    passed += filter.finish().len();
    assert_eq!(passed, long.len(), "every byte passes");
    assert!(most <= MAX_HELD, "held {most}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn any_chunking_gives_the_same_bytes(
        sizes in proptest::collection::vec(1_usize..80, 1..20),
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
    ) {
        let (full, plain) = stream(end);
        let out = filtered(&full, &sizes);
        prop_assert_eq!(String::from_utf8_lossy(&out), plain);
    }

    #[test]
    fn bytes_without_counts_pass_unchanged(
        text in "[\\r\\n :dat{}\"x]{0,200}",
        sizes in proptest::collection::vec(1_usize..9, 1..9),
    ) {
        let out = filtered(&text, &sizes);
        prop_assert_eq!(String::from_utf8_lossy(&out), text);
    }
}

#[test]
fn an_event_that_has_not_ended_waits_for_its_end() {
    for hides_usage in [false, true] {
        let mut events = WholeEvents::new(hides_usage);
        let first = Bytes::from_static(b"data: {\"choices\":[{}]}\n\ndata: {\"cho");
        assert_eq!(events.push(&first), "data: {\"choices\":[{}]}\n\n");
        let rest = Bytes::from_static(b"ices\":[{}]}\n\n");
        assert_eq!(events.push(&rest), "data: {\"choices\":[{}]}\n\n");
        assert_eq!(events.push(&Bytes::from_static(b"data: {")), "");
        assert_eq!(events.finish(), "data: {", "all of it is there at the end");
    }
}

#[test]
fn where_counts_are_asked_for_nothing_is_taken_out() {
    for end in ["\n", "\r\n", "\r"] {
        let (full, _) = stream(end);
        for size in 1..full.len() {
            let (mut events, mut out) = (WholeEvents::new(false), Vec::new());
            let mut rest = Bytes::copy_from_slice(full.as_bytes());
            while !rest.is_empty() {
                out.extend_from_slice(&events.push(&rest.split_to(size.min(rest.len()))));
            }
            out.extend_from_slice(&events.finish());
            assert_eq!(String::from_utf8_lossy(&out), full, "chunks of {size}");
        }
    }
}
