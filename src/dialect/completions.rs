//! OpenAI's older completions as a front over other dialects: one prompt in, one text out.
//!
//! A prompt becomes a user's message. What has no meaning in a conversation (several prompts, token ids, a suffix, an echo)
//! does not fit any other dialect, and [`fit_elsewhere`] says so; servers of this dialect itself are passed the body as it
//! is. Source, read 2026-11-23: <https://platform.openai.com/docs/api-reference/completions>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::chat::{
    answer_id, finish_word, read_metadata, read_sampling, read_stream_options, take_own,
    usage_json, without_nulls,
};
use super::json::{Object, misread};
use super::neutral::{
    Answer, Block, Choice, Delta, Dialect, Extra, Finish, Message, Misread, Part, Piece, Request,
    Role, Text, Unfit,
};
use crate::model::Tokens;
use crate::wire::{Code, ErrorBody};

/// Members that only a server of this dialect can serve, with what they are called in a reason.
const OWN: [(&str, &str); 4] = [
    ("prompt", "several prompts or prompts of token ids"),
    ("suffix", "text after the answer"),
    ("echo", "an echo of the prompt"),
    ("best_of", "the best of several answers"),
];

/// Reads the body of `POST /v1/completions`.
///
/// # Errors
/// What is not such a body, with the place.
pub fn read_request(body: &[u8]) -> Result<Request, Misread> {
    let mut object = Object::read(body)?;
    take_own(&mut object);
    let mut extra = Extra::new();
    let messages = read_prompt(&mut object, &mut extra)?;
    let include_usage = read_stream_options(&mut object, &mut extra)?;
    // A number here: how many alternatives.
    let logprobs = object.count("logprobs")?;
    let mut sampling = read_sampling(&mut object)?;
    sampling.logprobs = logprobs.is_some();
    sampling.top_logprobs = logprobs.filter(|most| *most > 0);
    let best_of = object.count("best_of")?;
    if best_of.is_some_and(|best| best != sampling.n.unwrap_or(1)) {
        extra.insert("best_of".to_owned(), json!(best_of));
    }
    if object.flag("echo")? == Some(true) {
        extra.insert("echo".to_owned(), json!(true));
    }
    if let Some(suffix) = object.text("suffix")?.filter(|text| !text.is_empty()) {
        extra.insert("suffix".to_owned(), json!(suffix));
    }
    let request = Request {
        model: object.text("model")?.unwrap_or_default(),
        stream: object.flag("stream")?.unwrap_or(false),
        include_usage,
        messages,
        sampling,
        user: object.text("user")?,
        metadata: read_metadata(&mut object),
        ..Request::default()
    };
    extra.extend(without_nulls(object.rest()));
    Ok(Request { extra, ..request })
}

/// The prompt as a user's message; one that only this dialect knows goes to `extra`.
fn read_prompt(object: &mut Object, extra: &mut Extra) -> Result<Vec<Message>, Misread> {
    let at = object.at("prompt");
    let text = match object.take("prompt") {
        // The document's own beginning, as if a new one were to be written.
        None => String::new(),
        Some(Value::String(text)) => text,
        Some(Value::Array(list)) => {
            let [Value::String(text)] = list.as_slice() else {
                extra.insert("prompt".to_owned(), Value::Array(list));
                return Ok(Vec::new());
            };
            text.clone()
        }
        Some(other) => return Err(misread(&at, "a string or a list", &other)),
    };
    Ok(vec![Message {
        role: Role::User,
        parts: vec![Part::Text(Text::plain(text))],
        name: None,
        extra: Extra::new(),
    }])
}

/// Whether a request that was read here can be said in the dialect `target`.
///
/// # Errors
/// What only a server of completions can do.
pub fn fit_elsewhere(request: &Request, target: Dialect) -> Result<(), Unfit> {
    if target == Dialect::Completions {
        return Ok(());
    }
    let found = OWN.iter().find(|(key, _)| request.extra.contains_key(*key));
    found.map_or(Ok(()), |(_, what)| {
        Err(Unfit {
            dialect: target,
            what: (*what).to_owned(),
        })
    })
}

/// An error's document: the same as chat's.
pub fn write_error(error: &ErrorBody) -> Vec<u8> {
    error.json().to_vec()
}

/// Writes `answer` as completions have it. Thoughts have no place in them, nor have calls.
pub fn write_answer(answer: &Answer, request: &Request) -> Vec<u8> {
    let choices: Vec<Value> = (0_u32..)
        .zip(&answer.choices)
        .map(|(index, choice)| write_choice(index, choice))
        .collect();
    let model = [&answer.model, &request.model]
        .into_iter()
        .find(|name| !name.is_empty());
    let mut body = Map::new();
    body.insert("id".to_owned(), answer_id(answer, "cmpl-").into());
    body.insert("object".to_owned(), json!("text_completion"));
    body.insert("created".to_owned(), json!(answer.created.unwrap_or(0)));
    body.insert("model".to_owned(), json!(model));
    body.insert("choices".to_owned(), Value::Array(choices));
    if let Some(tokens) = &answer.usage {
        body.insert("usage".to_owned(), usage_json(tokens));
    }
    for (key, value) in &answer.extra {
        body.entry(key.as_str()).or_insert_with(|| value.clone());
    }
    Value::Object(body).to_string().into_bytes()
}

fn write_choice(index: u32, choice: &Choice) -> Value {
    let texts = choice.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.text.as_str()),
        Part::Refusal(text) => Some(text.as_str()),
        _ => None,
    });
    let text: String = texts.collect();
    let finish = choice.finish.as_ref().unwrap_or(&Finish::Stop);
    let logprobs = choice.logprobs.as_ref().and_then(|chat| logprobs(chat, 0));
    json!({
        "text": text,
        "index": index,
        "logprobs": logprobs.map(|(value, _)| value),
        "finish_reason": finish_of(finish),
    })
}

fn finish_of(finish: &Finish) -> &'static str {
    match finish_word(finish).0 {
        "tool_calls" => "stop",
        word => word,
    }
}

/// Chat's probabilities in the older form, and the offset behind their text. `offset` counts characters before it.
fn logprobs(chat: &Value, offset: usize) -> Option<(Value, usize)> {
    let list = chat.get("content")?.as_array()?;
    let (mut tokens, mut probable, mut tops, mut offsets) = (vec![], vec![], vec![], vec![]);
    let mut at = offset;
    for entry in list {
        let token = entry.get("token").and_then(Value::as_str).unwrap_or("");
        tokens.push(json!(token));
        probable.push(entry.get("logprob").cloned().unwrap_or(Value::Null));
        offsets.push(json!(at));
        at += token.chars().count();
        let alternatives = entry.get("top_logprobs").and_then(Value::as_array);
        let alternatives = alternatives.into_iter().flatten().filter_map(|one| {
            let token = one.get("token")?.as_str()?;
            Some((token.to_owned(), one.get("logprob")?.clone()))
        });
        tops.push(Value::Object(alternatives.collect()));
    }
    let value = json!({"tokens": tokens, "token_logprobs": probable,
        "top_logprobs": tops, "text_offset": offsets});
    Some((value, at))
}

/// Writes one stream. `[DONE]` comes only after [`Piece::Done`], and never after an error.
#[derive(Debug)]
pub struct Writer {
    id: String,
    model: String,
    created: u64,
    include_usage: bool,
    usage: Option<Tokens>,
    /// Blocks whose text is shown.
    shown: BTreeSet<(u32, u32)>,
    /// Characters of each choice so far.
    offsets: BTreeMap<u32, usize>,
    over: bool,
}

impl Writer {
    /// Before the first piece. `id_seed` makes the id where the provider gives none; `now_unix` is in seconds.
    pub fn new(request: &Request, id_seed: u64, now_unix: u64) -> Self {
        Self {
            id: format!("cmpl-{id_seed:016x}"),
            model: request.model.clone(),
            created: now_unix,
            include_usage: request.include_usage,
            usage: None,
            shown: BTreeSet::new(),
            offsets: BTreeMap::new(),
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
            } => {
                if !id.is_empty() {
                    id.clone_into(&mut self.id);
                }
                if !model.is_empty() {
                    model.clone_into(&mut self.model);
                }
                self.created = created.unwrap_or(self.created);
                self.usage = usage.or(self.usage);
            }
            Piece::Begin {
                choice,
                block,
                kind: Block::Text | Block::Refusal,
            } => {
                self.shown.insert((*choice, *block));
            }
            Piece::Delta {
                choice,
                block,
                delta,
            } => self.delta(*choice, *block, delta, out),
            Piece::End { choice, block } => {
                self.shown.remove(&(*choice, *block));
            }
            Piece::Finish { choice, finish } => {
                self.chunk(*choice, "", &Value::Null, Some(finish_of(finish)), out);
            }
            Piece::Usage(tokens) => self.usage = Some(*tokens),
            Piece::Error(_) => {
                // The provider's words may quote a credential: they stay here.
                let words = "the provider reported an error inside its stream";
                self.error(&ErrorBody::new(Code::UpstreamError, words), out);
            }
            Piece::Done => self.done(out),
            // Thoughts and calls have no place here.
            Piece::Begin { .. } => {}
        }
    }

    /// Writes `error` as the stream's last event.
    pub fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.over, true) {
            event(&error.json(), out);
        }
    }

    fn delta(&mut self, choice: u32, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        if !self.shown.contains(&(choice, block)) {
            return;
        }
        let (text, probable) = match delta {
            Delta::Text(text) => (text, None),
            Delta::TextWithLogprobs(text, probable) => (text, Some(probable)),
            Delta::Arguments(_)
            | Delta::Signature(_)
            | Delta::Sealed(_)
            | Delta::Annotations(_) => return,
        };
        let offset = self.offsets.entry(choice).or_default();
        let written = probable.and_then(|chat| logprobs(chat, *offset));
        *offset += text.chars().count();
        let written = written.map_or(Value::Null, |(value, _)| value);
        self.chunk(choice, text, &written, None, out);
    }

    fn chunk(
        &self,
        choice: u32,
        text: &str,
        logprobs: &Value,
        finish: Option<&str>,
        out: &mut Vec<u8>,
    ) {
        let choice = json!({"text": text, "index": choice, "logprobs": logprobs,
            "finish_reason": finish});
        self.write(vec![choice], None, out);
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        if self.include_usage
            && let Some(tokens) = self.usage
        {
            self.write(Vec::new(), Some(usage_json(&tokens)), out);
        }
        self.over = true;
        event(b"[DONE]", out);
    }

    fn write(&self, choices: Vec<Value>, usage: Option<Value>, out: &mut Vec<u8>) {
        let mut chunk = Map::new();
        chunk.insert("id".to_owned(), json!(self.id));
        chunk.insert("object".to_owned(), json!("text_completion"));
        chunk.insert("created".to_owned(), json!(self.created));
        chunk.insert("model".to_owned(), json!(self.model));
        chunk.insert("choices".to_owned(), Value::Array(choices));
        if self.include_usage {
            chunk.insert("usage".to_owned(), usage.unwrap_or(Value::Null));
        }
        event(Value::Object(chunk).to_string().as_bytes(), out);
    }
}

fn event(data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
#[path = "completions_tests.rs"]
mod tests;
