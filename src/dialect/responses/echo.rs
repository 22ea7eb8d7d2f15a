//! The `response` object around the items, which repeats much of the request.

use serde_json::{Map, Value, json};

use super::super::chat::{answer_id, is_service_tier};
use super::super::neutral::{
    Answer, Extra, Finish, Message, Output, Part, Request, Role, Tool, ToolChoice,
};
use crate::model::Tokens;

/// Longest id of a provider's that is kept in ours, in bytes.
const MAX_STEM: usize = 96;

/// The members that repeat the request, in the schema's spelling, with OpenAI's defaults where the client said nothing.
///
/// Instructions are told from a first system message by nothing: either is repeated. Nothing is kept here, so that `store`
/// is false whatever the client wrote.
pub(super) fn echo(request: &Request) -> Map<String, Value> {
    let extra = |key: &str| request.extra.get(key).cloned().unwrap_or(Value::Null);
    let sampling = &request.sampling;
    let thinking = request.reasoning.clone().unwrap_or_default();
    let tools: Vec<Value> = request.tools.iter().map(write_tool).collect();
    let members = json!({
        "background": false,
        "instructions": instructions(&request.messages),
        "max_output_tokens": sampling.max_tokens,
        "max_tool_calls": extra("max_tool_calls"),
        "parallel_tool_calls": request.parallel_tool_calls.unwrap_or(true),
        "previous_response_id": extra("previous_response_id"),
        "prompt_cache_key": extra("prompt_cache_key"),
        "reasoning": {"effort": thinking.effort, "summary": thinking.summary},
        "safety_identifier": extra("safety_identifier"),
        "store": false,
        "temperature": sampling.temperature.unwrap_or(1.0),
        "text": {
            "format": write_format(&request.output),
            "verbosity": request.extra.get("verbosity").cloned().unwrap_or(json!("medium")),
        },
        "tool_choice": request
            .tool_choice
            .as_ref()
            .map_or_else(|| json!("auto"), write_choice),
        "tools": tools,
        "top_logprobs": sampling.top_logprobs.unwrap_or(0),
        "top_p": sampling.top_p.unwrap_or(1.0),
        "truncation": request.extra.get("truncation").cloned().unwrap_or(json!("disabled")),
        "user": request.user,
        "metadata": request.metadata.clone().unwrap_or_else(|| json!({})),
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The leading system message, if it is text.
fn instructions(messages: &[Message]) -> Option<String> {
    let first = messages.first().filter(|one| one.role == Role::System)?;
    let texts = first.parts.iter().map(|part| match part {
        Part::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// A tool, flat.
pub(super) fn write_tool(tool: &Tool) -> Value {
    match tool {
        Tool::Function(function) => json!({
            "type": "function",
            "name": function.name,
            "description": function.description,
            "parameters": function.parameters,
            "strict": function.strict,
        }),
        Tool::Other(_, value) => value.clone(),
    }
}

/// A choice of tools.
pub(super) fn write_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Function(name) => json!({"type": "function", "name": name}),
    }
}

/// `text.format`.
pub(super) fn write_format(output: &Output) -> Value {
    match output {
        Output::Text => json!({"type": "text"}),
        Output::Json => json!({"type": "json_object"}),
        Output::Schema {
            name,
            description,
            schema,
            strict,
        } => {
            let mut format = json!({"type": "json_schema", "name": name});
            // The one member of these that may be absent and not null.
            if let Some(description) = description {
                format["description"] = json!(description);
            }
            format["schema"] = schema.clone();
            format["strict"] = json!(strict);
            format
        }
    }
}

/// How a response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// More is to come.
    InProgress,
    /// All was said.
    Completed,
    /// It was cut off, for this reason in OpenAI's words.
    Incomplete(&'static str),
    /// The provider ended it as failed.
    Failed,
}

impl Status {
    /// How an answer stands that ended with `finish`. A refusal that was said is an answer; one without words is what
    /// OpenAI calls a filter.
    pub(super) fn of(finish: Option<&Finish>, has_refusal: bool) -> Self {
        match finish {
            Some(Finish::Length) => Self::Incomplete("max_output_tokens"),
            Some(Finish::ContentFilter) => Self::Incomplete("content_filter"),
            Some(Finish::Refusal) if !has_refusal => Self::Incomplete("content_filter"),
            Some(Finish::Other(word)) if word == "error" => Self::Failed,
            None
            | Some(
                Finish::Stop
                | Finish::StopSequence(_)
                | Finish::ToolCalls
                | Finish::Refusal
                | Finish::Pause
                | Finish::Other(_),
            ) => Self::Completed,
        }
    }

    /// As `status` of the response.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed => "failed",
        }
    }

    /// As `status` of the item that was being written when the answer ended.
    pub(super) const fn item_word(self) -> &'static str {
        match self {
            Self::InProgress | Self::Completed => "completed",
            Self::Incomplete(_) | Self::Failed => "incomplete",
        }
    }
}

/// What of a `response` is its own.
#[derive(Debug)]
pub(super) struct Shell<'a> {
    pub(super) id: &'a str,
    pub(super) created: u64,
    pub(super) model: &'a str,
    pub(super) status: Status,
    pub(super) output: Vec<Value>,
    pub(super) usage: Option<&'a Tokens>,
}

impl Shell<'_> {
    /// The whole object, around what `echo` repeats of the request.
    pub(super) fn write(self, echo: &Map<String, Value>) -> Map<String, Value> {
        let mut body = Map::new();
        let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
        let (mut reason, mut error) = (Value::Null, Value::Null);
        match self.status {
            Status::Incomplete(word) => reason = json!({ "reason": word }),
            Status::Failed => {
                let words = "the provider ended the answer with an error";
                error = json!({"code": "server_error", "message": words});
            }
            Status::InProgress | Status::Completed => {}
        }
        put("id", json!(self.id));
        put("object", json!("response"));
        put("created_at", json!(self.created));
        put("status", json!(self.status.word()));
        put("error", error);
        put("incomplete_details", reason);
        put("model", json!(self.model));
        put("output", Value::Array(self.output));
        put("usage", self.usage.map_or(Value::Null, usage_json));
        body.extend(echo.clone());
        body
    }
}

/// Token counts.
fn usage_json(tokens: &Tokens) -> Value {
    json!({
        "input_tokens": tokens.input,
        "input_tokens_details": {
            "cached_tokens": tokens.cached_input,
            "cache_write_tokens": tokens.cache_write,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input.saturating_add(tokens.output),
    })
}

/// The id of a whole answer.
pub(super) fn whole_id(answer: &Answer) -> String {
    response_id(&answer_id(answer, "resp_"))
}

/// A provider's id as a response has it: with its prefix, and of letters that are safe everywhere.
pub(super) fn response_id(id: &str) -> String {
    let stem = id.strip_prefix("resp_").unwrap_or(id);
    let safe = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let stem: String = stem.chars().filter(safe).take(MAX_STEM).collect();
    format!("resp_{stem}")
}

/// The id of the item at `index` of the response `response`.
pub(super) fn item_id(prefix: &str, response: &str, index: usize) -> String {
    let stem = response.strip_prefix("resp_").unwrap_or(response);
    format!("{prefix}_{stem}_{index}")
}

/// Members of a response that say something else in other dialects' answers (Together's `prompt` is a list of tokens).
const OWN: [&str; 7] = [
    "completed_at",
    "conversation",
    "moderation",
    "output_text",
    "prompt",
    "prompt_cache_options",
    "prompt_cache_retention",
];

/// Adds members of an answer that have no place here and no other meaning.
pub(super) fn add_extra(body: &mut Map<String, Value>, extra: &Extra) {
    for (key, value) in extra {
        let means_another = OWN.contains(&key.as_str());
        if !means_another && (key != "service_tier" || is_service_tier(value)) {
            body.entry(key.as_str()).or_insert_with(|| value.clone());
        }
    }
}
