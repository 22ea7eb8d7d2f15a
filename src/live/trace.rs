//! The trace that a request is part of, as W3C's header names it.
//!
//! Problem: a call's span has to have its name before the call is sent, and what is known of it comes when the request is
//! over. Choice: a request carries its names, and those of its calls follow from its own, so nothing is kept for each call;
//! spans are made from the finished record by whoever sends them away.
//! Source: <https://www.w3.org/TR/trace-context-1/>, 2026-11-29.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that names a trace and the span that is the parent of whatever gets it.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header in which tracing systems pass on what is theirs.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Length of a `traceparent` of version 00: `00-TRACE-SPAN-FLAGS`.
const LENGTH: usize = 55;
/// Most bytes of a `tracestate` that are kept for the span: what every participant has to pass on.
const LONGEST_STATE: usize = 512;
/// The flag of a trace that is recorded.
const SAMPLED: u8 = 1;
/// The flag of a trace whose name is random, which is passed on.
const RANDOM: u8 = 2;

/// The name of a trace.
pub type TraceId = [u8; 16];
/// The name of a span within its trace.
pub type SpanId = [u8; 8];

/// A request's place in a trace.
///
/// # Invariants
/// No name is zero throughout: that is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    id: TraceId,
    span: SpanId,
    parent: Option<SpanId>,
    flags: u8,
    state: Option<Box<str>>,
}

impl Trace {
    /// Goes on with the client's trace as `headers` name it. Where they name none, or what they say cannot be read, a trace
    /// begins, and is sampled with the probability `sample`. `luck` gives 64 random bits each time.
    pub fn begin(headers: &HeaderMap, sample: f64, mut luck: impl FnMut() -> u64) -> Self {
        let span = named(luck());
        if let Some((id, parent, flags)) = parent_of(headers) {
            return Self {
                id,
                span,
                parent: Some(parent),
                flags: flags & (SAMPLED | RANDOM),
                state: state_of(headers),
            };
        }
        let low = luck().max(1);
        let id = u128::from(luck()) << 64 | u128::from(low);
        // The low bits decide, as the tracing systems of others have it. 53 of them fit a float.
        let place = (low >> 11) as f64 / (1_u64 << 53) as f64;
        Self {
            id: id.to_be_bytes(),
            span,
            parent: None,
            flags: if place < sample { SAMPLED } else { 0 },
            state: None,
        }
    }

    /// The trace.
    pub const fn id(&self) -> TraceId {
        self.id
    }

    /// The request's span.
    pub const fn span(&self) -> SpanId {
        self.span
    }

    /// The client's span, if the trace came from there.
    pub const fn parent(&self) -> Option<SpanId> {
        self.parent
    }

    /// Whether spans of it are to be sent.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The trace's flags as they are passed on.
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// What other systems pass along with the trace.
    pub fn state(&self) -> &str {
        self.state.as_deref().unwrap_or_default()
    }

    /// The span of the request's `attempt`th call, counted from 1.
    pub fn attempt(&self, attempt: u32) -> SpanId {
        let own = u64::from_be_bytes(self.span);
        named(mixed(own ^ u64::from(attempt) << 32))
    }

    /// The `traceparent` of the `attempt`th call.
    pub fn header(&self, attempt: u32) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], &self.id);
        write_hex(&mut text[36..52], &self.attempt(attempt));
        write_hex(&mut text[53..], &[self.flags]);
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// A span's name from random bits.
fn named(bits: u64) -> SpanId {
    bits.max(1).to_be_bytes()
}

/// Spreads 64 bits so that those of neighbours have nothing in common: the finaliser of `SplitMix64`.
/// Source: <https://prng.di.unimi.it/splitmix64.c>, 2026-11-29.
const fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Trace, span and flags that the client named; `None` where it named none, two, or something else.
fn parent_of(headers: &HeaderMap) -> Option<(TraceId, SpanId, u8)> {
    let mut all = headers.get_all(TRACEPARENT).iter();
    let (Some(only), None) = (all.next(), all.next()) else {
        return None;
    };
    let text = only.as_bytes();
    let [version]: [u8; 1] = read_hex(text.get(..2)?)?;
    // A later version may have more behind another dash; 255 is none.
    let fits = match version {
        0 => text.len() == LENGTH,
        255 => false,
        _ => text.len() == LENGTH || text.get(LENGTH) == Some(&b'-'),
    };
    let dashes = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
    if !fits || !dashes {
        return None;
    }
    let id: TraceId = read_hex(text.get(3..35)?)?;
    let span: SpanId = read_hex(text.get(36..52)?)?;
    let [flags]: [u8; 1] = read_hex(text.get(53..LENGTH)?)?;
    let are_names = id != TraceId::default() && span != SpanId::default();
    are_names.then_some((id, span, flags))
}

/// All of `tracestate`, if it is short and plain enough to be told.
fn state_of(headers: &HeaderMap) -> Option<Box<str>> {
    let all = headers.get_all(TRACESTATE).iter();
    let parts: Option<Vec<&str>> = all.map(|part| part.to_str().ok()).collect();
    let state = parts?.join(",");
    (!state.is_empty() && state.len() <= LONGEST_STATE).then(|| state.into())
}

/// Bytes from their hexadecimal digits, which are small letters.
fn read_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            *byte = *byte << 4 | value;
        }
    }
    Some(bytes)
}

/// Bytes as hexadecimal digits, written by hand: it is done for each call.
fn write_hex(place: &mut [u8], bytes: &[u8]) {
    for (pair, byte) in place.chunks_exact_mut(2).zip(bytes) {
        for (digit, value) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = b"0123456789abcdef"[usize::from(value)];
        }
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
