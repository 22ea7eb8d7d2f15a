//! Pieces as the chunks of a chat stream.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::neutral::{Block, Delta, Dialect, Finish, Piece, Reasoning, Request};
use super::answer::{finish_word, split_annotations, usage_json};
use super::part::write_foreign;
use super::{calls, reasoning};
use crate::model::Tokens;
use crate::wire::{Code, ErrorBody};

/// Writes one stream. `[DONE]` comes only after [`Piece::Done`], and never after an error.
#[derive(Debug)]
pub struct Writer {
    id: String,
    model: String,
    created: u64,
    include_usage: bool,
    usage: Option<Tokens>,
    choices: BTreeMap<u32, ChoiceState>,
    over: bool,
}

#[derive(Debug, Default)]
struct ChoiceState {
    begun: bool,
    blocks: BTreeMap<u32, Kind>,
    /// Ordinals of the next call and of the next thought.
    calls: u32,
    thoughts: u64,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Refusal,
    Reasoning(u64),
    Call { index: u32, has_arguments: bool },
    Other,
}

impl Writer {
    /// Before the first piece. `id_seed` makes the id where the provider gives none; `now_unix` is in seconds.
    pub fn new(request: &Request, id_seed: u64, now_unix: u64) -> Self {
        Self {
            id: format!("chatcmpl-{id_seed:016x}"),
            model: request.model.clone(),
            created: now_unix,
            include_usage: request.include_usage,
            usage: None,
            choices: BTreeMap::new(),
            over: false,
        }
    }

    /// Writes `piece`: whole events.
    pub fn piece(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match piece {
            Piece::Start {
                id,
                model,
                created,
                usage,
            } => self.start(id, model, *created, *usage),
            Piece::Begin {
                choice,
                block,
                kind,
            } => self.begin(*choice, *block, kind, out),
            Piece::Delta {
                choice,
                block,
                delta,
            } => self.delta(*choice, *block, delta, out),
            Piece::End { choice, block } => self.end(*choice, *block, out),
            Piece::Finish { choice, finish } => self.finish(*choice, finish, out),
            Piece::Usage(tokens) => self.usage = Some(*tokens),
            Piece::Error(_) => {
                // The provider's words may quote a credential: they stay here.
                let words = "the provider reported an error inside its stream";
                self.error(&ErrorBody::new(Code::UpstreamError, words), out);
            }
            Piece::Done => self.done(out),
        }
    }

    /// Writes `error` as the stream's last event.
    pub fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.over, true) {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(&error.json());
            out.extend_from_slice(b"\n\n");
        }
    }

    fn start(&mut self, id: &str, model: &str, created: Option<u64>, usage: Option<Tokens>) {
        if !id.is_empty() {
            id.clone_into(&mut self.id);
        }
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
        self.created = created.unwrap_or(self.created);
        self.usage = usage.or(self.usage);
    }

    fn begin(&mut self, choice: u32, block: u32, kind: &Block, out: &mut Vec<u8>) {
        let state = self.choices.entry(choice).or_default();
        let (noted, delta) = match kind {
            Block::Text => (Kind::Text, None),
            Block::Refusal => (Kind::Refusal, None),
            Block::Reasoning => {
                state.thoughts += 1;
                (Kind::Reasoning(state.thoughts - 1), None)
            }
            Block::ToolCall { id, name } => {
                let index = state.calls;
                state.calls += 1;
                let call = json!({"index": index, "id": id, "type": "function",
                    "function": {"name": name, "arguments": ""}});
                let noted = Kind::Call {
                    index,
                    has_arguments: false,
                };
                (noted, Some(json!({ "tool_calls": [call] })))
            }
            Block::Other(Dialect::Chat, Value::Object(members)) => {
                (Kind::Other, Some(Value::Object(members.clone())))
            }
            Block::Other(dialect, part) => {
                let part = write_foreign(*dialect, part);
                (Kind::Other, Some(json!({ "provider_parts": [part] })))
            }
        };
        state.blocks.insert(block, noted);
        if let Some(delta) = delta {
            self.say(choice, &delta, None, out);
        }
    }

    fn delta(&mut self, choice: u32, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let state = self.choices.entry(choice).or_default();
        let kind = state.blocks.entry(block).or_insert(Kind::Text);
        if let (Kind::Call { has_arguments, .. }, Delta::Arguments(text)) = (&mut *kind, delta) {
            *has_arguments |= !text.is_empty();
        }
        let (kind, mut logprobs) = (*kind, None);
        let said = match (kind, delta) {
            (Kind::Reasoning(index), Delta::Text(text) | Delta::TextWithLogprobs(text, _)) => {
                let thought = Reasoning {
                    text: text.clone(),
                    ..Reasoning::default()
                };
                json!({"reasoning_content": text,
                    "reasoning_details": reasoning::details(&thought, index)})
            }
            (Kind::Refusal, Delta::Text(text)) => json!({ "refusal": text }),
            (_, Delta::Text(text)) => json!({ "content": text }),
            (_, Delta::TextWithLogprobs(text, probable)) => {
                logprobs = Some(probable);
                json!({ "content": text })
            }
            (Kind::Call { index, .. }, Delta::Arguments(text)) => {
                json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]})
            }
            (Kind::Call { index, .. }, Delta::Signature(signature)) => {
                let extra = calls::signature_json(signature);
                json!({"tool_calls": [{"index": index, "extra_content": extra}]})
            }
            (Kind::Reasoning(index), Delta::Signature(signature)) => {
                let thought = Reasoning {
                    signature: Some(signature.clone()),
                    ..Reasoning::default()
                };
                json!({ "reasoning_details": reasoning::details(&thought, index) })
            }
            (Kind::Reasoning(index), Delta::Sealed(data)) => {
                let thought = Reasoning {
                    sealed: Some(data.clone()),
                    ..Reasoning::default()
                };
                json!({ "reasoning_details": reasoning::details(&thought, index) })
            }
            // Gemini signs texts too; chat has that place on the message.
            (_, Delta::Signature(signature)) => {
                json!({ "extra_content": calls::signature_json(signature) })
            }
            (_, Delta::Annotations(value)) => {
                let (annotations, citations) = split_annotations(value);
                let mut said = Map::new();
                for (key, list) in [("annotations", annotations), ("citations", citations)] {
                    if !list.is_empty() {
                        said.insert(key.to_owned(), Value::Array(list));
                    }
                }
                Value::Object(said)
            }
            // Blocks of other kinds have neither.
            (_, Delta::Arguments(_) | Delta::Sealed(_)) => return,
        };
        self.say(choice, &said, logprobs, out);
    }

    fn end(&mut self, choice: u32, block: u32, out: &mut Vec<u8>) {
        let state = self.choices.entry(choice).or_default();
        if let Some(Kind::Call {
            index,
            has_arguments: false,
        }) = state.blocks.remove(&block)
        {
            // Clients parse the arguments as JSON; an empty text is none.
            let delta = json!({"tool_calls": [{"index": index, "function": {"arguments": "{}"}}]});
            self.say(choice, &delta, None, out);
        }
    }

    fn finish(&mut self, choice: u32, finish: &Finish, out: &mut Vec<u8>) {
        self.begin_choice(choice, out);
        let (word, native) = finish_word(finish);
        let mut written = json!({"index": choice, "delta": {}, "logprobs": null,
            "finish_reason": word});
        if let Some(members) = written.as_object_mut() {
            if let Some(native) = native {
                members.insert("native_finish_reason".to_owned(), json!(native));
            }
            if let Finish::StopSequence(Some(text)) = finish {
                members.insert("stop_reason".to_owned(), json!(text));
            }
        }
        self.chunk(vec![written], None, out);
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        if self.include_usage
            && let Some(tokens) = self.usage
        {
            self.chunk(Vec::new(), Some(usage_json(&tokens)), out);
        }
        self.over = true;
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// The first chunk of a choice says who speaks.
    fn begin_choice(&mut self, choice: u32, out: &mut Vec<u8>) {
        let state = self.choices.entry(choice).or_default();
        if !std::mem::replace(&mut state.begun, true) {
            let delta = json!({"role": "assistant", "content": "", "refusal": null});
            self.put(choice, &delta, None, out);
        }
    }

    fn say(&mut self, choice: u32, delta: &Value, logprobs: Option<&Value>, out: &mut Vec<u8>) {
        self.begin_choice(choice, out);
        self.put(choice, delta, logprobs, out);
    }

    fn put(&self, choice: u32, delta: &Value, logprobs: Option<&Value>, out: &mut Vec<u8>) {
        let written = json!({"index": choice, "delta": delta, "logprobs": logprobs,
            "finish_reason": null});
        self.chunk(vec![written], None, out);
    }

    fn chunk(&self, choices: Vec<Value>, usage: Option<Value>, out: &mut Vec<u8>) {
        let mut chunk = Map::new();
        chunk.insert("id".to_owned(), json!(self.id));
        chunk.insert("object".to_owned(), json!("chat.completion.chunk"));
        chunk.insert("created".to_owned(), json!(self.created));
        chunk.insert("model".to_owned(), json!(self.model));
        chunk.insert("choices".to_owned(), Value::Array(choices));
        // OpenAI has a null here in all chunks but the last.
        if self.include_usage {
            chunk.insert("usage".to_owned(), usage.unwrap_or(Value::Null));
        }
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(Value::Object(chunk).to_string().as_bytes());
        out.extend_from_slice(b"\n\n");
    }
}
