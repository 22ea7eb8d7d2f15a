//! One recorded answer, from the data's folder or from a fixture of the project's own.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use weighbridge::dialect::any::{Reader, Target};
use weighbridge::dialect::neutral::{Answer, NotRead, Piece};
use weighbridge::dialect::{chat, gemini, messages, responses};
use weighbridge::wire::{Seen, StreamReader, Watched};

/// The words in which an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Api {
    Chat,
    Completions,
    Responses,
    Messages,
    Gemini,
    Converse,
    Cohere,
}

/// A recorded answer.
pub(super) struct Recording {
    /// Its file, for what is printed.
    pub(super) name: String,
    /// Whose it is, as the index spells it.
    pub(super) provider: String,
    /// Its interface, as the index spells it.
    pub(super) interface: String,
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) stream: bool,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// All recordings, in the order of the index.
pub(super) fn all(data: &Path) -> Vec<Recording> {
    let folder = data.join("recordings");
    let index = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let files = index
        .lines()
        .skip(1)
        .map(|row| row.split(',').next().unwrap());
    let read = |file: &str| {
        let text = std::fs::read_to_string(folder.join("responses").join(file)).unwrap();
        Recording::of(file, &serde_json::from_str(&text).unwrap())
    };
    files.map(read).collect()
}

/// Header fields as a recording has them.
pub(super) fn headers_of(value: &Value) -> HeaderMap {
    let pairs = value.as_object().into_iter().flatten();
    let pairs = pairs.filter_map(|(name, value)| {
        let name: HeaderName = name.parse().ok()?;
        Some((name, HeaderValue::from_str(value.as_str()?).ok()?))
    });
    pairs.collect()
}

// === impl Recording ===

impl Recording {
    fn of(file: &str, value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let body = match (&value["body"], value["body_base64"].as_str()) {
            (_, Some(base64)) => unbase64(base64),
            (Value::String(body), None) => body.as_bytes().to_vec(),
            (other, None) => other.to_string().into_bytes(),
        };
        Self {
            name: file.trim_end_matches(".json").to_owned(),
            provider: text("provider"),
            interface: text("api"),
            path: value["request"]["path"].as_str().unwrap().to_owned(),
            status: u16::try_from(value["status"].as_u64().unwrap()).unwrap(),
            stream: value["stream"] == true,
            headers: headers_of(&value["headers"]),
            body,
        }
    }

    /// The words of a success, or why nothing here reads them.
    pub(super) fn api(&self) -> Result<Api, &'static str> {
        match self.interface.as_str() {
            "openai-chat" => Ok(Api::Chat),
            "openai-legacy-completions" => Ok(Api::Completions),
            "openai-responses" => Ok(Api::Responses),
            "anthropic-messages" => Ok(Api::Messages),
            "gemini-generate" => Ok(Api::Gemini),
            "bedrock-converse" => Ok(Api::Converse),
            // The path is Cohere's older one, the words are OpenAI's.
            "cohere-chat" if self.provider == "writer" => Ok(Api::Chat),
            "cohere-chat" if self.path.starts_with("/v2/") => Ok(Api::Cohere),
            "cohere-chat" => Err("Cohere's chat of version 1 is not spoken, version 2 is"),
            "bedrock-invoke" => Err("Bedrock's InvokeModel is not spoken, Converse is"),
            other => panic!("{}: nobody said what {other} is", self.name),
        }
    }
}

// === impl Api ===

impl Api {
    /// What watches such an answer where it passes as it is; `None` where no client speaks it.
    pub(super) const fn watched(self) -> Option<Watched> {
        match self {
            Self::Chat => Some(Watched::Chat),
            Self::Completions => Some(Watched::Completions),
            Self::Responses => Some(Watched::Responses),
            Self::Messages => Some(Watched::Messages),
            Self::Gemini | Self::Converse | Self::Cohere => None,
        }
    }

    /// The adapter; `None` for completions, which only pass as they are.
    fn target(self) -> Option<Target> {
        match self {
            Self::Chat => Some(Target::Chat(chat::ChatOptions::default())),
            Self::Messages => Some(Target::Messages(messages::MessagesOptions::default())),
            Self::Gemini => Some(Target::Gemini(gemini::GeminiOptions::default())),
            Self::Converse => Some(Target::Converse),
            Self::Cohere => Some(Target::Cohere),
            // Responses are read, but by no target of their own.
            Self::Responses | Self::Completions => None,
        }
    }

    /// The adapter's reading of a whole answer; `None` where there is no adapter.
    pub(super) fn read_answer(self, body: &[u8]) -> Option<Result<Answer, NotRead>> {
        match self.target() {
            Some(target) => Some(target.read_answer(body)),
            None => (self == Self::Responses).then(|| responses::read_answer(body)),
        }
    }

    /// The adapter's reading of a stream that comes in `chunks`; `None` where there is no adapter.
    pub(super) fn read_stream<'a>(
        self,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Vec<Piece>> {
        let mut out = Vec::new();
        if self == Self::Responses {
            let mut reader = responses::Reader::new();
            for chunk in chunks {
                reader.push(chunk, &mut out);
            }
            reader.finish(&mut out);
        } else {
            let mut reader: Reader = self.target()?.reader();
            for chunk in chunks {
                reader.push(chunk, &mut out);
            }
            reader.finish(&mut out);
        }
        Some(out)
    }

    /// What is seen of a stream that passes as it is in `chunks`; `None` where no client speaks it.
    pub(super) fn watch_stream(self, chunks: &[&[u8]]) -> Option<Seen> {
        let mut reader = StreamReader::of(self.watched()?);
        for chunk in chunks {
            reader.push(chunk);
        }
        Some(reader.finish().clone())
    }
}

/// Decodes padded base64.
fn unbase64(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("base64 has no {other}"),
    };
    let letters: Vec<u8> = text
        .bytes()
        .filter(|letter| !matches!(letter, b'=' | b'\n' | b'\r'))
        .map(value)
        .collect();
    let mut out = Vec::new();
    for group in letters.chunks(4) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, value| bits << 6 | u32::from(*value));
        let bits = bits << (6 * (4 - group.len()));
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    out
}
