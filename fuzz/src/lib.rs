//! What each fuzz target asserts, as plain functions: `fuzz_targets` has libFuzzer call them, and the crate's own tests give
//! them what is kept in `corpus`.
//!
//! A function takes any bytes and panics where a claim does not hold. None keeps anything from call to call.

pub mod answers;
pub mod config;
pub mod envelope;
pub mod eventstream;
pub mod headers;
pub mod journal;
pub mod requests;
pub mod sse;
pub mod state;

/// A target: its name, which is also its folder in `corpus`, and what it claims.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 9] = [
    ("answers", answers::run),
    ("config", config::run),
    ("envelope", envelope::run),
    ("eventstream", eventstream::run),
    ("headers", headers::run),
    ("journal", journal::run),
    ("requests", requests::run),
    ("sse", sse::run),
    ("state", state::run),
];

/// `data` in pieces, in three ways: byte by byte, in pieces of seven, and in pieces whose sizes the data itself decides.
pub fn cuts(data: &[u8]) -> [Vec<&[u8]>; 3] {
    let (mut own, mut rest) = (Vec::new(), data);
    while let Some(first) = rest.first() {
        let (piece, tail) = rest.split_at(rest.len().min(1 + usize::from(*first) % 23));
        own.push(piece);
        rest = tail;
    }
    [data.chunks(1).collect(), data.chunks(7).collect(), own]
}
