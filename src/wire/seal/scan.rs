//! Where in a document opaque state stands.
//!
//! One pass over the bytes, with the keys on the way down and no copy of anything. A value is state by its key and by the
//! kind of the object around it, which may be written after it: so an object's candidates are settled where it closes.

/// Where state stands in an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Answers of chat and of Anthropic's Messages: signatures, unreadable thoughts, containers.
    Thoughts,
    /// Responses: ids of the response and of its items too.
    Items,
}

/// What a tool, a model or a client wrote, or what is the client's own: nothing below is state.
const FREE: [&[u8]; 8] = [
    b"input",
    b"arguments",
    b"audio",
    b"metadata",
    b"tools",
    b"parameters",
    b"prompt",
    b"error",
];

/// Deepest level that is looked at; providers use about ten.
const DEEPEST: usize = 64;

/// What is around a value.
#[derive(Debug, Default)]
struct Level<'a> {
    is_object: bool,
    /// Whether the next text is a key.
    key_next: bool,
    /// The key that is being read.
    key: &'a [u8],
    /// The key that the object stands under; an array's elements stand under the array's.
    under: &'a [u8],
    /// Its `type`.
    kind: &'a [u8],
    /// Its `object`.
    object: &'a [u8],
    /// Keys and places of texts that may be state.
    found: Vec<(&'a [u8], usize)>,
}

/// Where the values of state begin in the JSON `text`, ascending; none if it is not JSON as far as this can see.
pub(super) fn places(text: &[u8], shape: Shape) -> Vec<usize> {
    let mut places = Vec::new();
    let mut levels: Vec<Level<'_>> = Vec::new();
    // Levels below what is free.
    let (mut muted, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let Some(end) = end_of_text(text, at) else {
                    return Vec::new();
                };
                if let (0, Some(level)) = (muted, levels.last_mut()) {
                    level.text(text.get(at..end).unwrap_or_default(), at);
                }
                at = end + 1;
            }
            b'{' | b'[' if muted > 0 || levels.len() >= DEEPEST => muted += 1,
            b'{' | b'[' => match levels.last() {
                Some(level) if level.is_object && FREE.contains(&level.key) => muted = 1,
                above => levels.push(Level::below(above, *byte == b'{')),
            },
            b'}' | b']' if muted > 0 => muted -= 1,
            b'}' | b']' => match levels.pop() {
                Some(level) => level.settle(shape, &mut places),
                None => return Vec::new(),
            },
            b',' if muted == 0 => {
                if let Some(level) = levels.last_mut() {
                    level.key_next = level.is_object;
                }
            }
            _ => {}
        }
    }
    places.sort_unstable();
    places
}

/// Where the text that begins at `from`, behind its quote, ends: the place of its closing quote.
pub(super) fn end_of_text(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

impl<'a> Level<'a> {
    fn below(above: Option<&Self>, is_object: bool) -> Self {
        Self {
            is_object,
            key_next: is_object,
            under: match above {
                Some(above) if above.is_object => above.key,
                Some(above) => above.under,
                None => b"",
            },
            ..Self::default()
        }
    }

    /// A text at `at`: a key or a value.
    fn text(&mut self, text: &'a [u8], at: usize) {
        if !self.is_object {
            return;
        }
        if std::mem::take(&mut self.key_next) {
            self.key = text;
            return;
        }
        match std::mem::take(&mut self.key) {
            b"type" => self.kind = text,
            b"object" => self.object = text,
            // An echo of what a client sent has its mark already.
            key if !text.is_empty() && super::Origin::at_start(text).is_none() => {
                self.found.push((key, at));
            }
            _ => {}
        }
    }

    /// The object is closed: which of its texts are state.
    fn settle(self, shape: Shape, places: &mut Vec<usize>) {
        let state = self.found.iter().filter(|(key, _)| self.holds(shape, key));
        places.extend(state.map(|(_, at)| *at));
    }

    fn holds(&self, shape: Shape, key: &[u8]) -> bool {
        let items = shape == Shape::Items;
        match key {
            b"signature" => {
                let kinds: [&[u8]; 3] = [b"thinking", b"signature_delta", b"reasoning.text"];
                kinds.contains(&self.kind) || self.under == b"reasoning_details"
            }
            b"data" => {
                [b"redacted_thinking".as_slice(), b"reasoning.encrypted"].contains(&self.kind)
            }
            b"thought_signature" | b"thoughtSignature" | b"encrypted_content"
            | b"encrypted_index" | b"encrypted_stdout" | b"container_id" => true,
            // Files that a model made; those that a client put there are known to it by their own ids.
            b"file_id" => {
                let made: [&[u8]; 3] = [
                    b"container_file_citation",
                    b"code_execution_output",
                    b"bash_code_execution_output",
                ];
                made.contains(&self.kind)
            }
            b"id" => match self.under {
                b"container" => true,
                b"conversation" | b"output" | b"item" => items,
                b"" | b"response" => items && self.object == b"response",
                _ => false,
            },
            b"item_id" => items && self.under.is_empty(),
            b"previous_response_id" | b"response_id" => items,
            _ => false,
        }
    }
}
