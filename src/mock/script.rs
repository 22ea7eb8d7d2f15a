//! What an answer consists of, in pieces, whichever dialect it is told in.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::sample::sample;
use super::wish::{Thinking, Tool, Wish};

/// The vocabulary. Its length is a power of two so that token `i` of request `n` is found by masking.
const WORDS: [&str; 32] = [
    "the", "scale", "weighs", "each", "load", "of", "grain", "and", "sends", "it", "down", "a",
    "road", "where", "carts", "are", "quick", "while", "slow", "ones", "rest", "until", "their",
    "wheels", "turn", "again", "so", "no", "sack", "is", "ever", "lost",
];

/// Characters of one piece of what is not made of words.
const PIECE: usize = 10;

/// Word `index` of the endless text.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only the lowest five bits are used"
)]
const fn word(index: u64) -> &'static str {
    WORDS[index as usize & (WORDS.len() - 1)]
}

/// An answer's parts, in order.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) parts: Vec<Part>,
}

/// One part: a thought, a text or a call.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) matter: Matter,
    pieces: Pieces,
}

/// What a part is.
#[derive(Debug)]
pub(super) enum Matter {
    Thought,
    Text,
    /// A call of the tool with this name; its pieces are its arguments as JSON.
    Call(String),
}

#[derive(Debug)]
enum Pieces {
    /// Words from this one on, so many.
    Words { from: u64, count: u64 },
    /// Parts of a text.
    Cut(Vec<String>),
}

/// One piece of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) part: &'a Part,
    /// Which part it belongs to.
    pub(super) part_index: usize,
    /// Which piece of its part it is.
    pub(super) index: u64,
}

impl Script {
    /// The script of answer `number` with `tokens` tokens, and a call if the law wants one where one may be.
    pub(super) fn new(wish: &Wish, number: u64, tokens: u64, law_calls: bool) -> Self {
        let mut parts = Vec::new();
        let thoughts = match wish.thinking {
            Thinking::No => 0,
            Thinking::Hidden | Thinking::Shown => (tokens / 4).max(1),
        };
        if thoughts > 0 {
            parts.push(Part::words(Matter::Thought, number, thoughts));
        }
        match (wish.calls(law_calls), wish.tools.first(), &wish.schema) {
            (calls @ 1.., Some(tool), _) => {
                parts.extend((0..calls).map(|_| Part::call(tool)));
            }
            (_, _, Some(schema)) => parts.push(Part {
                matter: Matter::Text,
                pieces: cut(&sample(schema)),
            }),
            _ => {
                let left = tokens.saturating_sub(thoughts).max(1);
                let from = number.wrapping_add(thoughts);
                parts.push(Part::words(Matter::Text, from, left));
            }
        }
        Self { parts }
    }

    /// How many pieces it has, at least 1.
    pub(super) fn pieces(&self) -> u64 {
        self.parts.iter().map(Part::len).sum()
    }

    /// Piece `index` of the whole answer.
    pub(super) fn piece(&self, index: u64) -> Option<Piece<'_>> {
        let mut index = index;
        for (part_index, part) in self.parts.iter().enumerate() {
            if index < part.len() {
                return Some(Piece {
                    part,
                    part_index,
                    index,
                });
            }
            index -= part.len();
        }
        None
    }

    /// Tokens of its thoughts.
    pub(super) fn thoughts(&self) -> u64 {
        let thoughts = self.parts.iter().filter(|part| part.is_thought());
        thoughts.map(Part::len).sum()
    }

    /// How many calls stand before part `index`.
    pub(super) fn calls_before(&self, index: usize) -> usize {
        self.parts
            .iter()
            .take(index)
            .filter(|part| part.is_call())
            .count()
    }

    /// Whether it calls a tool.
    pub(super) fn calls(&self) -> bool {
        self.parts.iter().any(Part::is_call)
    }
}

impl Part {
    fn words(matter: Matter, from: u64, count: u64) -> Self {
        let pieces = Pieces::Words { from, count };
        Self { matter, pieces }
    }

    fn call(tool: &Tool) -> Self {
        let arguments = match sample(&tool.schema) {
            Value::Object(members) => Value::Object(members),
            _ => json!({}),
        };
        Self {
            matter: Matter::Call(tool.name.clone()),
            pieces: cut(&arguments),
        }
    }

    pub(super) const fn is_thought(&self) -> bool {
        matches!(self.matter, Matter::Thought)
    }

    pub(super) const fn is_call(&self) -> bool {
        matches!(self.matter, Matter::Call(_))
    }

    fn len(&self) -> u64 {
        match &self.pieces {
            Pieces::Words { count, .. } => *count,
            Pieces::Cut(pieces) => pieces.len() as u64,
        }
    }

    /// Piece `index`.
    pub(super) fn text(&self, index: u64) -> String {
        match &self.pieces {
            Pieces::Words { from, .. } => {
                let space = if index > 0 { " " } else { "" };
                format!("{space}{}", word(from.wrapping_add(index)))
            }
            Pieces::Cut(pieces) => usize::try_from(index)
                .ok()
                .and_then(|index| pieces.get(index).cloned())
                .unwrap_or_default(),
        }
    }

    /// Writes piece `index` as it stands inside a JSON string. No allocation for words: benchmarks measure this.
    pub(super) fn write(&self, out: &mut BytesMut, index: u64) {
        match &self.pieces {
            Pieces::Words { from, .. } => {
                if index > 0 {
                    out.extend_from_slice(b" ");
                }
                out.extend_from_slice(word(from.wrapping_add(index)).as_bytes());
            }
            Pieces::Cut(_) => {
                let text = json!(self.text(index)).to_string();
                let inside = text.get(1..text.len() - 1).unwrap_or_default();
                out.extend_from_slice(inside.as_bytes());
            }
        }
    }

    /// All of it.
    pub(super) fn whole(&self) -> String {
        match &self.pieces {
            Pieces::Words { count, .. } => (0..*count).map(|index| self.text(index)).collect(),
            Pieces::Cut(pieces) => pieces.concat(),
        }
    }

    /// All of it, as JSON: the arguments of a call.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.whole()).unwrap_or_default()
    }
}

impl Piece<'_> {
    pub(super) const fn is_first(&self) -> bool {
        self.index == 0
    }

    pub(super) fn is_last(&self) -> bool {
        self.index + 1 == self.part.len()
    }

    pub(super) fn text(&self) -> String {
        self.part.text(self.index)
    }
}

fn cut(value: &Value) -> Pieces {
    let text: Vec<char> = value.to_string().chars().collect();
    Pieces::Cut(text.chunks(PIECE).map(String::from_iter).collect())
}
