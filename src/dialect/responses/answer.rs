//! A whole answer as a `response` object.

use serde_json::{Value, json};

use super::super::neutral::{Answer, Choice, Dialect, Finish, Part, Request, Source};
use super::echo::{Shell, Status, add_extra, echo, item_id, whole_id};
use super::{capsule, item};

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
                let annotations = text.annotations.as_ref().map(item::annotations);
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
