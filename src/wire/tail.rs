//! The end of a document that passes without being held: providers write their token counts behind what they say.

use serde_json::value::RawValue;

/// Bytes that are kept. Counts have some 500; behind them Responses say whose the request was and with which metadata
/// (sixteen pairs of at most 576 bytes). Halved, those may push the counts out; doubled, nothing is gained.
const KEPT: usize = 16 * 1024;

/// The last bytes of a document.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    bytes: Vec<u8>,
    size: u64,
}

impl Tail {
    /// Takes the next bytes. Linear; keeps at most 32 KiB.
    pub fn push(&mut self, chunk: &[u8]) {
        self.size = self.size.saturating_add(chunk.len() as u64);
        let new = chunk.get(chunk.len().saturating_sub(KEPT)..);
        self.bytes.extend_from_slice(new.unwrap_or_default());
        if self.bytes.len() > 2 * KEPT {
            self.bytes.drain(..self.bytes.len() - KEPT);
        }
    }

    /// Bytes of the document so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The values of members named `key` in what is kept, the last one first. A key within a text has escaped quotes, so it
    /// is not taken for one.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &RawValue> {
        let mark = format!("\"{key}\"");
        let places: Vec<usize> = memchr::memmem::find_iter(&self.bytes, &mark).collect();
        places.into_iter().rev().filter_map(move |place| {
            let rest = self.bytes.get(place + mark.len()..)?;
            let value = rest.trim_ascii_start().strip_prefix(b":")?;
            let mut values = serde_json::Deserializer::from_slice(value).into_iter::<&RawValue>();
            values.next()?.ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last<'a>(tail: &'a Tail, key: &str) -> Option<&'a str> {
        tail.values(key).next().map(RawValue::get)
    }

    #[test]
    fn a_member_at_the_end_is_found_however_the_document_was_cut() {
        let text = "x".repeat(100_000);
        let document = format!(
            r#"{{"usage":{{"n":0}},"content":"{text} é \"usage\":{{\"n\":9}}","usage" : {{"n":1}} ,"metadata":{{"k":"é"}}}}"#
        );
        for size in [1, 7, 4_096, 70_000, document.len()] {
            let mut tail = Tail::default();
            for chunk in document.as_bytes().chunks(size) {
                tail.push(chunk);
            }
            assert_eq!(last(&tail, "usage"), Some(r#"{"n":1}"#), "chunks of {size}");
            assert_eq!(last(&tail, "nobody"), None);
            assert_eq!(tail.size(), document.len() as u64);
            assert!(tail.bytes.len() <= 2 * KEPT, "it keeps little");
        }
    }

    #[test]
    fn the_last_of_several_comes_first_and_what_is_cut_is_none() {
        let mut tail = Tail::default();
        tail.push(br#"[{"u":{"n":1}},{"u":{"n":2}},{"u":{"n""#);
        let found: Vec<&str> = tail.values("u").map(RawValue::get).collect();
        assert_eq!(found, [r#"{"n":2}"#, r#"{"n":1}"#]);
    }
}
