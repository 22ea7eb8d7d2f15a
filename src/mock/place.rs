//! What a path asks for, and of which target.

use super::dialects::Dialect;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Something that a law governs.
    Post(Post),
    Models,
    Law,
    Stats,
    /// Anything else of a target that has a name.
    Other,
}

/// Something that a law governs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Post {
    pub(super) what: What,
    /// The model, where it stands in the path.
    pub(super) model: Option<String>,
    /// Whether the path asks for a stream.
    pub(super) streams: bool,
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// An answer.
    Answer(Dialect),
    /// Vectors.
    Vectors(Vectors),
    /// The number of its tokens.
    Count(Dialect),
}

/// Ways of asking for vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vectors {
    OpenAi,
    Gemini,
    GeminiBatch,
    Cohere,
}

impl Vectors {
    /// In whose shape its errors are.
    pub(super) const fn dialect(self) -> Dialect {
        match self {
            Self::OpenAi => Dialect::Chat,
            Self::Gemini | Self::GeminiBatch => Dialect::Gemini,
            Self::Cohere => Dialect::Cohere,
        }
    }
}

impl What {
    /// In whose shape its errors are.
    pub(super) const fn dialect(self) -> Dialect {
        match self {
            Self::Answer(dialect) | Self::Count(dialect) => dialect,
            Self::Vectors(vectors) => vectors.dialect(),
        }
    }
}

/// A path as the target's name (empty for the one without) and what is asked of it.
pub(super) fn place(path: &str) -> Option<(&str, Place)> {
    let path = path.strip_prefix('/')?;
    if let Some(place) = known(unversioned(path)) {
        return Some(("", place));
    }
    let (target, rest) = path.split_once('/')?;
    if target.is_empty() || VERSIONS.contains(&target) {
        return None;
    }
    Some((target, known(unversioned(rest)).unwrap_or(Place::Other)))
}

/// What stands before a path in one API or another.
const VERSIONS: [&str; 3] = ["v1", "v1beta", "v2"];

fn unversioned(path: &str) -> &str {
    match path.split_once('/') {
        Some((version, rest)) if VERSIONS.contains(&version) => rest,
        _ => path,
    }
}

fn known(rest: &str) -> Option<Place> {
    let what = match rest {
        "_law" => return Some(Place::Law),
        "_stats" => return Some(Place::Stats),
        "models" => return Some(Place::Models),
        "chat/completions" => What::Answer(Dialect::Chat),
        "completions" => What::Answer(Dialect::Completions),
        "responses" => What::Answer(Dialect::Responses),
        "messages" => What::Answer(Dialect::Messages),
        "messages/count_tokens" => What::Count(Dialect::Messages),
        "chat" => What::Answer(Dialect::Cohere),
        "embeddings" => What::Vectors(Vectors::OpenAi),
        "embed" => What::Vectors(Vectors::Cohere),
        _ => return in_path(rest).map(Place::Post),
    };
    Some(Place::Post(Post {
        what,
        model: None,
        streams: false,
    }))
}

/// What names the model in its path.
fn in_path(rest: &str) -> Option<Post> {
    let (folder, rest) = rest.split_once('/')?;
    let (model, what, streams) = match folder {
        "models" => {
            let (model, verb) = rest.rsplit_once(':')?;
            let (what, streams) = match verb {
                "generateContent" => (What::Answer(Dialect::Gemini), false),
                "streamGenerateContent" => (What::Answer(Dialect::Gemini), true),
                "countTokens" => (What::Count(Dialect::Gemini), false),
                "embedContent" => (What::Vectors(Vectors::Gemini), false),
                "batchEmbedContents" => (What::Vectors(Vectors::GeminiBatch), false),
                _ => return None,
            };
            (model, what, streams)
        }
        "model" => {
            let (model, verb) = rest.rsplit_once('/')?;
            let streams = match verb {
                "converse" => false,
                "converse-stream" => true,
                _ => return None,
            };
            (model, What::Answer(Dialect::Converse), streams)
        }
        _ => return None,
    };
    Some(Post {
        what,
        model: Some(unescaped(model)),
        streams,
    })
}

/// A segment of a path with its escaped bytes as they were.
fn unescaped(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
