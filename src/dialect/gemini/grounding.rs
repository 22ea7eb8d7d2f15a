//! Where an answer's claims come from, as OpenAI's `url_citation` annotations.
//!
//! Google tells it in two places: `groundingMetadata` (what a search found, and which bytes of the text rest on it) and
//! `citationMetadata` (texts that were recited). Places are bytes there and characters in OpenAI's form.

use serde_json::{Value, json};

/// Most annotations of one answer, and most bytes of an address and of a title: a few bytes of a support may name the same
/// long address again and again.
const MOST: usize = 256;
const MOST_ADDRESS: usize = 2048;
const MOST_TITLE: usize = 512;

/// Bytes between two known counts of characters.
const STEP: usize = 1024;

/// The annotations of a text that stands here as the `said` parts of it; `None` if there are none.
pub(super) fn annotations(
    grounding: Option<&Value>,
    citations: Option<&Value>,
    said: &Said,
) -> Option<Value> {
    let mut list = Vec::new();
    if let Some(grounding) = grounding {
        grounded(grounding, said, &mut list);
    }
    let cited =
        citations.and_then(|one| one.get("citations").or_else(|| one.get("citationSources")));
    for citation in elements(cited) {
        push(citation, said.place(citation), &mut list);
    }
    (!list.is_empty()).then_some(Value::Array(list))
}

fn grounded(grounding: &Value, said: &Said, list: &mut Vec<Value>) {
    let chunks = grounding.get("groundingChunks").and_then(Value::as_array);
    let Some(chunks) = chunks else {
        return;
    };
    let supports = grounding.get("groundingSupports").and_then(Value::as_array);
    let Some(supports) = supports.filter(|supports| !supports.is_empty()) else {
        // What was found, with nothing said of where it was used.
        for chunk in chunks {
            push(source(chunk), (0, 0), list);
        }
        return;
    };
    for support in supports {
        let place = support.get("segment").map_or((0, 0), |one| said.place(one));
        for index in elements(support.get("groundingChunkIndices")) {
            if list.len() >= MOST {
                return;
            }
            let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
            if let Some(chunk) = index.and_then(|index| chunks.get(index)) {
                push(source(chunk), place, list);
            }
        }
    }
}

fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// What has the address of a chunk: of the web, of a store of documents, or of a map.
fn source(chunk: &Value) -> &Value {
    let kinds = ["web", "retrievedContext", "maps"];
    let source = kinds.into_iter().find_map(|kind| chunk.get(kind));
    source.unwrap_or(chunk)
}

fn push(source: &Value, (start, end): (usize, usize), list: &mut Vec<Value>) {
    let text = |key: &str| source.get(key).and_then(Value::as_str);
    let address = text("uri").filter(|uri| !uri.is_empty() && uri.len() <= MOST_ADDRESS);
    if let (Some(address), true) = (address, list.len() < MOST) {
        let title = text("title").filter(|title| title.len() <= MOST_TITLE);
        list.push(json!({"type": "url_citation", "url_citation": {
            "url": address, "title": title.unwrap_or_default(),
            "start_index": start, "end_index": end,
        }}));
    }
}

/// The text of an answer so far, as far as places in it are looked for.
#[derive(Debug, Default)]
pub(super) struct Said {
    bytes: Vec<u8>,
    /// Characters before each [`STEP`]th byte.
    steps: Vec<usize>,
    /// Characters of what is counted into `steps`.
    counted: usize,
    /// Where each of the host's parts begins.
    parts: Vec<usize>,
}

impl Said {
    /// Longest text that is kept, in bytes. Models answer with at most 65 536 tokens, some 300 KB. Places behind it are its
    /// end.
    const MOST: usize = 512 * 1024;

    /// More of the text; what is too much is not kept.
    pub(super) fn push(&mut self, text: &str) {
        let room = Self::MOST - self.bytes.len();
        let kept = text.as_bytes();
        self.bytes
            .extend_from_slice(kept.get(..room).unwrap_or(kept));
        while let Some(step) = self
            .bytes
            .get(self.steps.len() * STEP..)
            .and_then(|rest| rest.get(..STEP))
        {
            self.steps.push(self.counted);
            self.counted += characters(step);
        }
    }

    /// A part of the host's begins here. In a stream there are none: places count from the beginning of all of it.
    pub(super) fn begin_part(&mut self) {
        self.parts.push(self.bytes.len());
    }

    /// The place of a `segment` or of a citation, in characters.
    fn place(&self, segment: &Value) -> (usize, usize) {
        let number = |key: &str| {
            let number = segment.get(key).and_then(Value::as_u64);
            number
                .and_then(|number| usize::try_from(number).ok())
                .unwrap_or(0)
        };
        let part = self.parts.get(number("partIndex")).copied().unwrap_or(0);
        let at = |key: &str| self.characters_before(part.saturating_add(number(key)));
        (at("startIndex"), at("endIndex"))
    }

    fn characters_before(&self, byte: usize) -> usize {
        let byte = byte.min(self.bytes.len());
        let known = (byte / STEP).min(self.steps.len());
        let before = self.steps.get(known).copied().unwrap_or(self.counted);
        let rest = self.bytes.get(known * STEP..byte);
        before + characters(rest.unwrap_or_default())
    }
}

/// Characters that begin in a piece of a text.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xC0) != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_characters_however_long_the_text_is() {
        let text = "aß€😀".repeat(700);
        let mut said = Said::default();
        for piece in text.split_inclusive('€') {
            said.push(piece);
        }
        for (characters, (bytes, _)) in text.char_indices().enumerate() {
            assert_eq!(said.characters_before(bytes), characters, "byte {bytes}");
        }
        let behind = said.characters_before(usize::MAX);
        assert_eq!(behind, text.chars().count(), "what lies behind is the end");
    }

    #[test]
    fn a_text_that_is_too_long_is_not_kept() {
        let mut said = Said::default();
        for _ in 0..20 {
            said.push(&"x".repeat(100_000));
        }
        assert_eq!(said.bytes.len(), Said::MOST);
        assert_eq!(said.characters_before(1 << 30), Said::MOST);
    }

    #[test]
    fn few_bytes_never_become_many_annotations() {
        let indices = vec![0; 10_000];
        let grounding = json!({
            "groundingChunks": [{"web": {"uri": "https://a.example"}}],
            "groundingSupports": [{"groundingChunkIndices": indices}],
        });
        let list = annotations(Some(&grounding), None, &Said::default()).unwrap();
        assert_eq!(list.as_array().unwrap().len(), MOST);
    }
}
