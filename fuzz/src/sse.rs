//! Server-sent events: any cut into chunks gives the same items as the whole.

use bytes::Bytes;
use weighbridge::wire::sse::{Item, Splitter};
use weighbridge::wire::{StreamReader, Watched, WholeEvents};

/// What a splitter found, kept: name and data, or that an event was too long.
type Found = Option<(Vec<u8>, Vec<u8>)>;

fn kept(item: Item<'_>) -> Found {
    match item {
        Item::Event { name, data } => Some((name.to_vec(), data.to_vec())),
        Item::TooLong => None,
    }
}

/// The items of a stream in these chunks, of up to `most` bytes each.
fn split(chunks: &[&[u8]], most: usize) -> Vec<Found> {
    let (mut splitter, mut found) = (Splitter::up_to(most), Vec::new());
    for chunk in chunks {
        splitter.push(chunk, |item| found.push(kept(item)));
    }
    splitter.finish(|item| found.push(kept(item)));
    for (name, data) in found.iter().flatten() {
        assert!(
            name.len() + data.len() <= most,
            "no more is kept than was said"
        );
    }
    found
}

/// What passes to the client of a stream in these chunks.
fn passed(chunks: &[&[u8]], hides_usage: bool) -> Vec<u8> {
    let mut events = WholeEvents::new(hides_usage);
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend_from_slice(&events.push(&Bytes::copy_from_slice(chunk)));
    }
    out.extend_from_slice(&events.finish());
    out
}

/// What the target claims.
///
/// # Panics
/// A claim does not hold.
pub fn run(data: &[u8]) {
    let cuts = super::cuts(data);
    for most in [24, 1 << 20] {
        let whole = split(&[data], most);
        for cut in &cuts {
            assert_eq!(split(cut, most), whole, "items of up to {most} bytes");
        }
    }
    assert_eq!(passed(&[data], false), data, "nothing is taken out unasked");
    let whole = passed(&[data], true);
    for cut in &cuts {
        assert_eq!(passed(cut, false), data, "nothing is taken out unasked");
        assert_eq!(passed(cut, true), whole, "the chunk of counts is taken out");
    }
    for watched in [Watched::Chat, Watched::Responses, Watched::Messages] {
        let seen = |chunks: &[&[u8]]| {
            let mut reader = StreamReader::of(watched);
            for chunk in chunks {
                reader.push(chunk);
            }
            reader.finish().clone()
        };
        let whole = seen(&[data]);
        for cut in &cuts {
            assert_eq!(seen(cut), whole, "what was seen of {watched:?}");
        }
    }
}
