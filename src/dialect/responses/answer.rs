//! Whole answers, both ways.

use serde_json::{Value, json};

use super::super::chat::{read_usage, without_nulls};
use super::super::json::Object;
use super::super::neutral::{
    Answer, Choice, Dialect, Finish, Misread, NotRead, Part, Request, Source,
};
use super::echo::{Shell, Status, add_extra, echo, item_id, whole_id};
use super::input::Input;
use super::{capsule, item};
use crate::wire::Reported;

/// Members of a response that repeat the request or say how it stands.
const REPEATED: [&str; 27] = [
    "background",
    "completed_at",
    "conversation",
    "error",
    "frequency_penalty",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "object",
    "output_text",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
];

/// Reads the whole answer of a server.
///
/// # Errors
/// An error under a status of success, a response that failed, and what is no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, NotRead> {
    let mut object = Object::read(body).map_err(NotRead::Other)?;
    let has_error = object.peek("error").is_some_and(|error| *error != false);
    let has_output = object.peek("output").is_some_and(Value::is_array);
    if (has_error || !has_output)
        && let Some(reported) = Reported::read(body)
    {
        return Err(NotRead::Reported(reported));
    }
    read_object(&mut object, has_output)
        .map(|answer| {
            let mut extra = without_nulls(object.rest());
            extra.retain(|key, _| !REPEATED.contains(&key.as_str()));
            Answer { extra, ..answer }
        })
        .map_err(NotRead::Other)
}

fn read_object(object: &mut Object, has_output: bool) -> Result<Answer, Misread> {
    if !has_output {
        return Err(object.missing("output", "a list of items"));
    }
    let output = object.take("output").unwrap_or_default();
    let logprobs = read_logprobs(&output);
    let mut input = Input::of_answer();
    input.read(output)?;
    // Members without a place say how the items are stored.
    let (messages, _) = input.finish();
    let parts: Vec<Part> = messages
        .into_iter()
        .flat_map(|message| message.parts)
        .collect();
    let has_calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let status = object.text("status")?.unwrap_or_default();
    object.take("user");
    let choice = Choice {
        parts,
        finish: Some(read_finish(
            &status,
            object.peek("incomplete_details"),
            has_calls,
        )),
        logprobs,
    };
    Ok(Answer {
        id: object.text("id")?.unwrap_or_default(),
        model: object.text("model")?.unwrap_or_default(),
        created: object.count("created_at").unwrap_or_default(),
        choices: vec![choice],
        usage: object.take("usage").as_ref().and_then(read_usage),
        ..Answer::default()
    })
}

/// The probabilities of all texts, in chat's form.
fn read_logprobs(output: &Value) -> Option<Value> {
    let items = output.as_array()?.iter();
    let parts = items.filter_map(|item| item.get("content")?.as_array());
    let list: Vec<Value> = parts
        .flatten()
        .filter_map(|part| part.get("logprobs")?.as_array())
        .flatten()
        .cloned()
        .collect();
    (!list.is_empty()).then(|| json!({ "content": list }))
}

/// Why a response ended that stands at `status`.
pub(super) fn read_finish(status: &str, details: Option<&Value>, has_calls: bool) -> Finish {
    let reason = details
        .and_then(|details| details.get("reason"))
        .and_then(Value::as_str);
    match (status, reason) {
        ("incomplete", Some("max_output_tokens" | "max_tokens")) => Finish::Length,
        ("incomplete", Some("content_filter")) => Finish::ContentFilter,
        ("incomplete", reason) => Finish::Other(reason.unwrap_or(status).to_owned()),
        ("completed" | "", _) if has_calls => Finish::ToolCalls,
        ("completed" | "", _) => Finish::Stop,
        (other, _) => Finish::Other(other.to_owned()),
    }
}

/// Writes `answer` as Responses has it, for the client of `request`. Responses has one choice: the first.
pub fn write_answer(answer: &Answer, request: &Request) -> Vec<u8> {
    let id = whole_id(answer);
    let none = Choice::default();
    let choice = answer.choices.first().unwrap_or(&none);
    let status = status_of(choice);
    let mut items = Items {
        id: &id,
        list: Vec::new(),
        content: Vec::new(),
        logprobs: choice.logprobs.as_ref().map(item::logprobs),
    };
    for part in &choice.parts {
        items.add(part);
    }
    let model = if answer.model.is_empty() {
        &request.model
    } else {
        &answer.model
    };
    let shell = Shell {
        id: &id,
        created: answer.created.unwrap_or(0),
        model,
        status,
        output: items.finish(status),
        usage: answer.usage.as_ref(),
    };
    let mut body = shell.write(&echo(request));
    add_extra(&mut body, &answer.extra);
    Value::Object(body).to_string().into_bytes()
}

fn status_of(choice: &Choice) -> Status {
    let mut parts = choice.parts.iter();
    let has_refusal = parts.any(|part| matches!(part, Part::Refusal(_)));
    let finish: Option<&Finish> = choice.finish.as_ref();
    Status::of(finish, has_refusal)
}

/// Items in the making.
struct Items<'a> {
    /// The response's id.
    id: &'a str,
    list: Vec<Value>,
    /// Of the message that is open.
    content: Vec<Value>,
    /// Probabilities of the whole answer, until its first text takes them.
    logprobs: Option<Vec<Value>>,
}

impl Items<'_> {
    fn add(&mut self, part: &Part) {
        match part {
            Part::Text(text) => {
                let annotations = text.annotations.as_ref().map(item::own_annotations);
                let logprobs = self.logprobs.take().unwrap_or_default();
                let annotations = annotations.unwrap_or_default();
                self.content
                    .push(item::text(&text.text, &annotations, &logprobs));
            }
            Part::Refusal(text) => self.content.push(item::refusal(text)),
            Part::Reasoning(thought) => {
                self.push("rs", |id| item::reasoning(id, thought));
            }
            Part::ToolCall(call) => {
                self.push("fc", |id| item::call(id, "completed", call));
                if let Some(signature) = &call.signature {
                    let held = capsule::of_call(&call.id, signature);
                    self.push("rs", |id| item::carrier(id, held));
                }
            }
            Part::Image(media) => match &media.source {
                Source::Base64(data) => self.push("ig", |id| item::image(id, data)),
                Source::Url(address) | Source::Id(address) | Source::Text(address) => {
                    self.content.push(item::shown(address));
                }
            },
            Part::Other(Dialect::Responses, value) => self.push("", |_| value.clone()),
            Part::Other(dialect, value) => {
                let held = capsule::of_part(*dialect, value);
                self.push("rs", |id| item::carrier(id, held));
            }
            // No answer has these.
            Part::Audio(_) | Part::File(_) | Part::ToolResult(_) => {}
        }
    }

    /// Adds an item, after the message that is open.
    fn push(&mut self, prefix: &str, write: impl FnOnce(&str) -> Value) {
        self.close();
        let id = item_id(prefix, self.id, self.list.len());
        self.list.push(write(&id));
    }

    fn close(&mut self) {
        if !self.content.is_empty() {
            let content = std::mem::take(&mut self.content);
            let id = item_id("msg", self.id, self.list.len());
            self.list.push(item::message(&id, "completed", &content));
        }
    }

    /// The items; the last one bears the mark that the answer was cut off.
    fn finish(mut self, status: Status) -> Vec<Value> {
        self.close();
        let last = self.list.last_mut().and_then(Value::as_object_mut);
        if let Some(stands) = last.and_then(|item| item.get_mut("status")) {
            *stands = json!(status.item_word());
        }
        self.list
    }
}
