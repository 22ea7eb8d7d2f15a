//! What an answer's head and an error's body ask for: waits are bounded, and what is left of a limit is a part of it.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use weighbridge::provider::fault::{classify, of_document};
use weighbridge::provider::headroom::Headroom;

/// 1994-11-06 08:49:37 UTC, the date of RFC 9110's examples.
const NOW: u64 = 784_111_777;
/// The longest wait that is believed.
const DAY: Duration = Duration::from_secs(86_400);

fn is_bounded(wait: Option<Duration>) {
    assert!(wait.is_none_or(|wait| wait <= DAY), "{wait:?}");
}

/// What the target claims: a status, lines of headers, an empty line and a body.
///
/// # Panics
/// A claim does not hold.
pub fn run(data: &[u8]) {
    let (status, mut rest) = data.split_at(data.len().min(3));
    let digits = std::str::from_utf8(status).ok();
    let status: u16 = digits.and_then(|it| it.parse().ok()).unwrap_or(429);
    let mut headers = HeaderMap::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, tail) = rest.split_at(end);
        rest = tail.get(1..).unwrap_or_default();
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            if line.is_empty() && !headers.is_empty() {
                break;
            }
            continue;
        };
        let (name, value) = line.split_at(colon);
        let name = HeaderName::from_bytes(name);
        let value = HeaderValue::from_bytes(value.get(1..).unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    for now in [0, NOW, u64::MAX] {
        let fault = classify(status, &headers, rest, now);
        is_bounded(fault.wait);
        let _ = fault.demand();
        let headroom = Headroom::read(&headers, now);
        for room in [headroom.requests, headroom.tokens].into_iter().flatten() {
            is_bounded(room.resets_in);
            assert!(room.left().is_none_or(|left| (0.0..=1.0).contains(&left)));
        }
        is_bounded(of_document(rest, now).wait);
    }
}
