//! Claims about the trace that a request is part of.

use super::*;

const CLIENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// Draws that are different each time.
fn luck() -> impl FnMut() -> u64 {
    let mut state = 7_u64;
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(state)
    }
}

fn of(parent: &str) -> Trace {
    Trace::begin(&headers(&[(TRACEPARENT, parent)]), 1.0, luck())
}

#[test]
fn a_clients_trace_goes_on_under_a_span_of_ours() {
    let state = [
        (TRACEPARENT, CLIENT),
        (TRACESTATE, "a=1"),
        (TRACESTATE, "b=2"),
    ];
    let trace = Trace::begin(&headers(&state), 0.0, luck());
    assert!(trace.is_sampled(), "as the client's part of it is");
    assert_eq!(trace.state(), "a=1,b=2");
    assert_eq!(trace.parent(), read_hex(b"b7ad6b7169203331"));
    let header = trace.header(1);
    let header = header.to_str().unwrap();
    assert_eq!(header.len(), LENGTH);
    assert!(header.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
    assert!(header.ends_with("-01"), "{header}");
    assert!(!header.contains("b7ad6b7169203331"), "the parent is ours");
}

#[test]
fn a_trace_that_its_client_does_not_record_is_passed_on_and_not_recorded() {
    let trace = of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02");
    assert!(!trace.is_sampled());
    assert!(trace.header(1).to_str().unwrap().ends_with("-02"));
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-09-more";
    assert_eq!(of(later).id(), of(CLIENT).id());
    assert_eq!(
        of(later).flags(),
        SAMPLED,
        "flags that nobody knows are left out"
    );
}

#[test]
fn what_cannot_be_read_begins_a_trace() {
    let known = of(CLIENT).id();
    for broken in [
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-001",
    ] {
        let trace = of(broken);
        assert_eq!(trace.parent(), None, "{broken}");
        assert_ne!(trace.id(), known, "{broken}");
        assert_ne!(trace.id(), TraceId::default(), "{broken}");
        assert!(trace.is_sampled(), "all are: {broken}");
    }
    let twice = headers(&[(TRACEPARENT, CLIENT), (TRACEPARENT, CLIENT)]);
    assert_eq!(Trace::begin(&twice, 1.0, luck()).parent(), None);
    assert_eq!(
        Trace::begin(&headers(&[(TRACESTATE, "a=1")]), 1.0, luck()).state(),
        "",
        "a state without its trace is nobody's"
    );
}

#[test]
fn each_call_has_a_name_of_its_own() {
    let trace = of(CLIENT);
    let mut names: Vec<SpanId> = (1..=100).map(|n| trace.attempt(n)).collect();
    names.push(trace.span());
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 101);
    assert!(!names.contains(&SpanId::default()));
    assert_eq!(named(0), [0, 0, 0, 0, 0, 0, 0, 1], "nor by bad luck");
}

#[test]
fn as_many_are_sampled_as_was_asked_for() {
    for (sample, least, most) in [(0.0, 0, 0), (0.25, 2_300, 2_700), (1.0, 10_000, 10_000)] {
        let mut luck = luck();
        let none = HeaderMap::new();
        let begun = (0..10_000).map(|_| Trace::begin(&none, sample, &mut luck));
        let sampled = begun.filter(Trace::is_sampled).count();
        assert!((least..=most).contains(&sampled), "{sample}: {sampled}");
    }
}
