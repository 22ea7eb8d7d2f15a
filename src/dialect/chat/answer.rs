//! Whole answers, both ways.

use serde_json::{Map, Value, json};

use super::super::json::Object;
use super::super::neutral::{
    Answer, Choice, Dialect, Extra, Finish, Misread, NotRead, Part, Reasoning, Request, Text,
};
use super::part::{read_content, read_image, write_foreign, write_image};
use super::{calls, reasoning, without_nulls};
use crate::model::Tokens;
use crate::wire::{Reported, usage};

/// Reads the whole answer of a server.
///
/// # Errors
/// An error under a status of success, and what is no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, NotRead> {
    let mut object = Object::read(body).map_err(NotRead::Other)?;
    let has_choices = object.peek("choices").is_some_and(Value::is_array);
    let has_error = object.peek("error").is_some_and(|error| *error != false);
    if (has_error || !has_choices)
        && let Some(reported) = Reported::read(body)
    {
        return Err(NotRead::Reported(reported));
    }
    read_object(&mut object, has_choices)
        .map(|answer| Answer {
            extra: without_nulls(object.rest()),
            ..answer
        })
        .map_err(NotRead::Other)
}

fn read_object(object: &mut Object, has_choices: bool) -> Result<Answer, Misread> {
    if !has_choices {
        return Err(object.missing("choices", "a list of choices"));
    }
    object.take("object");
    let cited = object.peek("citations").and_then(citations);
    let mut extra = Extra::new();
    let mut answer = Answer {
        id: object.text("id")?.unwrap_or_default(),
        model: object.text("model")?.unwrap_or_default(),
        created: object.count("created").unwrap_or_default(),
        ..Answer::default()
    };
    let choices = object.list("choices")?;
    answer.usage = object.take("usage").as_ref().and_then(read_usage);
    answer.usage = answer.usage.or_else(|| read_choices_usage(&choices));
    for (index, value) in choices.into_iter().enumerate() {
        let choice = Object::of(value, format!("choices[{index}]"))?;
        answer.choices.push(read_choice(choice, &mut extra)?);
    }
    let first = answer.choices.first_mut().map(|choice| &mut choice.parts);
    let text = first.and_then(|parts| parts.iter_mut().find_map(text_of));
    if let (Some(cited), Some(text)) = (cited, text) {
        text.annotations.get_or_insert(cited);
    }
    Ok(answer)
}

fn text_of(part: &mut Part) -> Option<&mut Text> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}

/// Perplexity's list of addresses in the form of OpenAI's annotations.
pub(super) fn citations(list: &Value) -> Option<Value> {
    let addresses = list.as_array()?.iter().filter_map(Value::as_str);
    let list: Vec<Value> = addresses
        .map(|url| {
            json!({"type": "url_citation",
                "url_citation": {"url": url, "title": "", "start_index": 0, "end_index": 0}})
        })
        .collect();
    (!list.is_empty()).then_some(Value::Array(list))
}

fn read_choice(mut object: Object, extra: &mut Extra) -> Result<Choice, Misread> {
    let mut message = object
        .object("message")?
        .ok_or_else(|| object.missing("message", "an object"))?;
    let thoughts = reasoning::take(&mut message)?.thoughts;
    let mut parts: Vec<Part> = thoughts
        .into_iter()
        .map(|(_, thought)| Part::Reasoning(thought))
        .collect();
    // Gemini's signature of a text hangs on the message.
    if let Some(signature) = calls::take_signature(&mut message) {
        parts.push(Part::Reasoning(Reasoning {
            signature: Some(signature),
            ..Reasoning::default()
        }));
    }
    read_said(&mut message, &mut parts, extra)?;
    let calls = calls::take(&mut message, "call_", extra)?;
    let has_calls = !calls.is_empty();
    parts.extend(calls.into_iter().map(Part::ToolCall));
    if let Some(audio) = message.take("audio") {
        parts.push(Part::Other(Dialect::Chat, json!({ "audio": audio })));
    }
    let stop = object.take("stop_reason");
    let finish = object.text("finish_reason")?;
    Ok(Choice {
        parts,
        finish: finish.map(|word| read_finish(&word, has_calls, stop.as_ref())),
        logprobs: object.take("logprobs"),
    })
}

/// Content, refusal and images of an answer's message.
fn read_said(
    message: &mut Object,
    parts: &mut Vec<Part>,
    extra: &mut Extra,
) -> Result<(), Misread> {
    let at = message.at("content");
    let annotations = message.take("annotations");
    if let Some(content) = message.take("content") {
        let content = read_content(content, &at, extra)?;
        let is_empty = |part: &Part| *part == Part::Text(Text::default());
        parts.extend(content.into_iter().filter(|part| !is_empty(part)));
    }
    let has_any = |list: &Value| list.as_array().is_none_or(|list| !list.is_empty());
    if let (Some(annotations), Some(text)) = (
        annotations.filter(has_any),
        parts.iter_mut().find_map(text_of),
    ) {
        text.annotations = Some(annotations);
    }
    if let Some(refusal) = message.text("refusal")?.filter(|text| !text.is_empty()) {
        parts.push(Part::Refusal(refusal));
    }
    for (index, value) in message.list("images")?.into_iter().enumerate() {
        let mut image = Object::of(value, format!("{}[{index}]", message.at("images")))?;
        parts.push(Part::Image(read_image(&mut image, None)?));
    }
    Ok(())
}

/// Token counts in any spelling.
pub(in crate::dialect) fn read_usage(value: &Value) -> Option<Tokens> {
    if !value.is_object() {
        return None;
    }
    let raw = serde_json::value::to_raw_value(value).ok()?;
    usage::read(&raw)
}

/// Token counts that a choice holds, as Moonshot's do.
pub(super) fn read_choices_usage(choices: &[Value]) -> Option<Tokens> {
    choices
        .iter()
        .find_map(|choice| read_usage(choice.get("usage")?))
}

/// Why an answer ended. `stop` is what vLLM says of the text that stopped it. Some servers say `stop` where they call
/// tools: that they call them decides.
pub(super) fn read_finish(word: &str, has_calls: bool, stop: Option<&Value>) -> Finish {
    match word {
        // `eos` is Together's, the words of other dialects leak through gateways.
        "stop" | "eos" | "end_turn" | "STOP" if has_calls => Finish::ToolCalls,
        "stop" | "eos" | "end_turn" | "STOP" => match stop.and_then(Value::as_str) {
            Some(text) => Finish::StopSequence(Some(text.to_owned())),
            None => Finish::Stop,
        },
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}

/// `finish` as `finish_reason`, and the provider's own word where that says more.
pub(in crate::dialect) fn finish_word(finish: &Finish) -> (&'static str, Option<&str>) {
    match finish {
        Finish::Stop | Finish::StopSequence(_) => ("stop", None),
        Finish::Length => ("length", None),
        Finish::ToolCalls => ("tool_calls", None),
        Finish::ContentFilter => ("content_filter", None),
        Finish::Refusal => ("content_filter", Some("refusal")),
        Finish::Pause => ("stop", Some("pause_turn")),
        Finish::Other(word) => ("stop", Some(word)),
    }
}

/// Token counts in OpenAI's form.
pub(in crate::dialect) fn usage_json(tokens: &Tokens) -> Value {
    json!({
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input.saturating_add(tokens.output),
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached_input,
            "cache_write_tokens": tokens.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    })
}

/// The answer's id, or one made of its content where the provider gave none.
pub(in crate::dialect) fn answer_id(answer: &Answer, prefix: &str) -> String {
    if !answer.id.is_empty() {
        return answer.id.clone();
    }
    // FNV-1a: ids need be apart, not safe.
    let bytes = format!("{:?}", answer.choices);
    let digest = bytes.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{prefix}{digest:016x}")
}

/// Writes `answer` as chat completions have it, for the client of `request`.
pub fn write_answer(answer: &Answer, request: &Request) -> Vec<u8> {
    let choices: Vec<Value> = (0_u32..)
        .zip(&answer.choices)
        .map(|(index, choice)| write_choice(index, choice))
        .collect();
    let model = [&answer.model, &request.model]
        .into_iter()
        .find(|name| !name.is_empty());
    let mut body = Map::new();
    body.insert("id".to_owned(), answer_id(answer, "chatcmpl-").into());
    body.insert("object".to_owned(), json!("chat.completion"));
    body.insert("created".to_owned(), json!(answer.created.unwrap_or(0)));
    body.insert("model".to_owned(), json!(model));
    body.insert("choices".to_owned(), Value::Array(choices));
    if let Some(tokens) = &answer.usage {
        body.insert("usage".to_owned(), usage_json(tokens));
    }
    for (key, value) in &answer.extra {
        if key != "service_tier" || is_service_tier(value) {
            body.entry(key.as_str()).or_insert_with(|| value.clone());
        }
    }
    Value::Object(body).to_string().into_bytes()
}

/// Whether a tier is one of OpenAI's. Others have names of their own (Groq's `on_demand`), and clients whose types are made
/// from OpenAI's schema fail on an answer with one of those.
pub(in crate::dialect) fn is_service_tier(value: &Value) -> bool {
    matches!(
        value.as_str(),
        Some("auto" | "default" | "flex" | "scale" | "priority" | "fast")
    )
}

fn write_choice(index: u32, choice: &Choice) -> Value {
    let has_calls = choice
        .parts
        .iter()
        .any(|part| matches!(part, Part::ToolCall(_)));
    let assumed = if has_calls {
        Finish::ToolCalls
    } else {
        Finish::Stop
    };
    let finish = choice.finish.as_ref().unwrap_or(&assumed);
    let (word, native) = finish_word(finish);
    let mut written = Map::new();
    written.insert("index".to_owned(), json!(index));
    written.insert("message".to_owned(), write_message(choice));
    written.insert("logprobs".to_owned(), json!(choice.logprobs));
    written.insert("finish_reason".to_owned(), json!(word));
    if let Some(native) = native {
        written.insert("native_finish_reason".to_owned(), json!(native));
    }
    if let Finish::StopSequence(Some(text)) = finish {
        written.insert("stop_reason".to_owned(), json!(text));
    }
    Value::Object(written)
}

/// Annotations of OpenAI's kinds, and the rest: other providers' citations, which stand beside them as `citations`.
pub(super) fn split_annotations(value: &Value) -> (Vec<Value>, Vec<Value>) {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter().cloned().partition(is_annotation)
}

/// Whether an annotation is of one of OpenAI's kinds.
pub(in crate::dialect) fn is_annotation(value: &Value) -> bool {
    let kind = value.get("type").and_then(Value::as_str);
    matches!(
        kind,
        Some("url_citation" | "file_citation" | "container_file_citation" | "file_path")
    )
}

fn write_message(choice: &Choice) -> Value {
    let (mut text, mut refusal) = (String::new(), String::new());
    let (mut thoughts, mut calls, mut images, mut foreign) = (vec![], vec![], vec![], vec![]);
    let (mut annotations, mut citations) = (Vec::new(), Vec::new());
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    message.insert("content".to_owned(), Value::Null);
    message.insert("refusal".to_owned(), Value::Null);
    for part in &choice.parts {
        match part {
            Part::Text(part) => {
                text.push_str(&part.text);
                if let Some(cited) = &part.annotations {
                    let (own, others) = split_annotations(cited);
                    annotations.extend(own);
                    citations.extend(others);
                }
            }
            Part::Refusal(part) => refusal.push_str(part),
            Part::Reasoning(thought) => thoughts.push(thought),
            Part::ToolCall(call) => calls.push(calls::write_call(call, true)),
            Part::Image(media) => images.extend(write_image(media)),
            Part::Other(Dialect::Chat, Value::Object(members)) => message.extend(members.clone()),
            Part::Other(dialect, part) => foreign.push(write_foreign(*dialect, part)),
            // No answer has these.
            Part::Audio(_) | Part::File(_) | Part::ToolResult(_) => {}
        }
    }
    let is_said = !text.is_empty() || (calls.is_empty() && refusal.is_empty());
    if is_said {
        message.insert("content".to_owned(), json!(text));
    }
    if !refusal.is_empty() {
        message.insert("refusal".to_owned(), json!(refusal));
    }
    reasoning::put(thoughts, &mut message);
    let lists = [
        ("tool_calls", calls),
        ("annotations", annotations),
        ("citations", citations),
        ("images", images),
        ("provider_parts", foreign),
    ];
    for (key, list) in lists {
        if !list.is_empty() {
            message.insert(key.to_owned(), Value::Array(list));
        }
    }
    Value::Object(message)
}
