//! Amazon's event stream: any cut into chunks gives the same messages and the same end as the whole.
//!
//! Sums are not guessed by chance, so what comes is read twice: as it is, and as the headers and payload of a message whose
//! lengths and sums are right.

use weighbridge::wire::eventstream::{Broken, Message, Splitter, write};

fn split(chunks: &[&[u8]]) -> (Vec<Message>, Option<Broken>, bool) {
    let (mut splitter, mut found, mut end) = (Splitter::new(), Vec::new(), None);
    for chunk in chunks {
        let result = splitter.push(chunk, |message| found.push(message));
        end = end.or(result.err());
    }
    (found, end, splitter.is_inside())
}

fn same_in_any_cut(data: &[u8]) {
    let whole = split(&[data]);
    let bytes: usize = whole
        .0
        .iter()
        .map(|message| message.payload.len() + message.kind.len() + message.name.len())
        .sum();
    // A byte that is no UTF-8 becomes three.
    assert!(bytes <= 3 * data.len(), "no more comes out than went in");
    for cut in super::cuts(data) {
        assert_eq!(split(&cut), whole);
    }
}

/// A message of these raw headers, with lengths and sums that are right.
fn framed(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::new();
    out.extend_from_slice(&length(16 + headers.len() + payload.len()));
    out.extend_from_slice(&length(headers.len()));
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out.extend_from_slice(headers);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out
}

/// What the target claims.
///
/// # Panics
/// A claim does not hold.
pub fn run(data: &[u8]) {
    same_in_any_cut(data);
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let (headers, payload) = rest.split_at(usize::from(*first).min(rest.len()));
    let mut stream = framed(headers, payload);
    stream.extend_from_slice(&write(&[(":message-type", "event")], payload));
    same_in_any_cut(&stream);
    // One byte is lost on the way.
    stream.remove(usize::from(*first) % stream.len());
    same_in_any_cut(&stream);
}
