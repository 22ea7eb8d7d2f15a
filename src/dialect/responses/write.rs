//! A neutral request as a server of Responses gets it.

use serde_json::{Map, Value, json};

use super::super::neutral::{Output, Part, Request, Thinking, Tool, Unfit, Written};
use super::echo::{write_choice, write_format};
use super::fit::fit;
use super::request::{ALWAYS_INCLUDED, LOGPROBS};
use super::write_input::InputWriter;
use crate::dialect::chat::effort_of;

/// OpenAI's members that have no place in the neutral form.
const KNOWN: [&str; 17] = [
    "background",
    "context_management",
    "conversation",
    "include",
    "max_tool_calls",
    "moderation",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "tool_choice",
    "truncation",
    "verbosity",
];

/// Writes `request` for a server that calls its model `model`.
///
/// Nothing is stored unless the client says so. Sealed thoughts are asked for where the client asks for thinking or sends
/// some back: models that do not think refuse the question.
///
/// # Errors
/// What cannot be said there and is not harmless to leave out; see [`fit`].
pub fn write_request(request: &Request, model: &str) -> Result<Written, Unfit> {
    fit(request)?;
    let mut body = Body {
        members: Map::new(),
        dropped: Vec::new(),
    };
    body.put("model", model);
    let mut input = InputWriter::default();
    let rest = match input.instructions(&request.messages) {
        Some((text, rest)) => {
            body.put("instructions", text);
            rest
        }
        None => &request.messages[..],
    };
    for message in rest {
        input.write(message);
    }
    let (items, dropped) = input.finish();
    body.dropped = dropped;
    body.put("input", items);
    if request.stream {
        body.put("stream", true);
    }
    body.put("store", false);
    body.put_include(request);
    body.put_tools(request);
    body.put_text(request);
    body.put_sampling(request);
    if let Some(thinking) = &request.reasoning {
        body.put_thinking(thinking);
    }
    body.put_some("user", request.user.as_deref());
    body.put_some("metadata", request.metadata.clone());
    body.put_extra(request);
    Ok(Written {
        body: Value::Object(body.members).to_string().into_bytes(),
        dropped: body.dropped,
    })
}

/// A body in the making.
#[derive(Debug)]
struct Body {
    members: Map<String, Value>,
    dropped: Vec<String>,
}

impl Body {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.members.insert(key.to_owned(), value.into());
    }

    fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn leave_out(&mut self, key: &str) {
        if !self.dropped.iter().any(|name| name == key) {
            self.dropped.push(key.to_owned());
        }
    }

    fn put_include(&mut self, request: &Request) {
        let mut include = match request.extra.get("include") {
            Some(Value::Array(list)) => list.clone(),
            _ => Vec::new(),
        };
        let mut parts = request.messages.iter().flat_map(|message| &message.parts);
        let has_sealed =
            parts.any(|part| matches!(part, Part::Reasoning(one) if one.sealed.is_some()));
        if request.reasoning.is_some() || has_sealed {
            include.push(json!(ALWAYS_INCLUDED));
        }
        if request.sampling.logprobs {
            include.push(json!(LOGPROBS));
        }
        if !include.is_empty() {
            self.put("include", include);
        }
    }

    fn put_tools(&mut self, request: &Request) {
        if request.tools.is_empty() {
            // A choice without tools says nothing.
            return;
        }
        let mut tools = Vec::with_capacity(request.tools.len());
        for tool in &request.tools {
            if matches!(tool, Tool::Function(function) if function.cache.is_some()) {
                self.leave_out("cache_control");
            }
            tools.push(write_tool(tool));
        }
        self.put("tools", tools);
        self.put_some(
            "tool_choice",
            request.tool_choice.as_ref().map(write_choice),
        );
        self.put_some("parallel_tool_calls", request.parallel_tool_calls);
    }

    fn put_text(&mut self, request: &Request) {
        let mut text = Map::new();
        if request.output != Output::Text {
            let mut format = write_format(&request.output);
            if let Some(members) = format.as_object_mut() {
                members.retain(|_, value| !value.is_null());
            }
            text.insert("format".to_owned(), format);
        }
        if let Some(verbosity) = request.extra.get("verbosity") {
            text.insert("verbosity".to_owned(), verbosity.clone());
        }
        if !text.is_empty() {
            self.put("text", text);
        }
    }

    fn put_sampling(&mut self, request: &Request) {
        let sampling = &request.sampling;
        self.put_some("max_output_tokens", sampling.max_tokens);
        self.put_some("temperature", sampling.temperature);
        self.put_some("top_p", sampling.top_p);
        if sampling.logprobs {
            self.put_some("top_logprobs", sampling.top_logprobs);
        }
        let without_place = [
            ("top_k", sampling.top_k.is_some()),
            ("seed", sampling.seed.is_some()),
            ("frequency_penalty", sampling.frequency_penalty.is_some()),
            ("presence_penalty", sampling.presence_penalty.is_some()),
            ("logit_bias", sampling.logit_bias.is_some()),
        ];
        for (key, _) in without_place.into_iter().filter(|(_, is_set)| *is_set) {
            self.leave_out(key);
        }
    }

    fn put_thinking(&mut self, thinking: &Thinking) {
        let mut written = Map::new();
        let effort = thinking.effort.as_deref();
        let effort = effort.or_else(|| thinking.budget.map(effort_of));
        if let Some(effort) = effort {
            written.insert("effort".to_owned(), json!(effort));
        }
        // `none` is the word of clients who want none.
        let summary = thinking.summary.as_deref().filter(|word| *word != "none");
        if let Some(summary) = summary {
            written.insert("summary".to_owned(), json!(summary));
        }
        if !written.is_empty() {
            self.put("reasoning", written);
        }
    }

    fn put_extra(&mut self, request: &Request) {
        for (key, value) in &request.extra {
            let inner = key.strip_prefix("reasoning.");
            // Anthropic's word under OpenAI's name.
            let is_foreign = key == "service_tier" && value == "standard_only";
            if let (Some(inner), Some(Value::Object(members))) =
                (inner, self.members.get_mut("reasoning"))
            {
                members.insert(inner.to_owned(), value.clone());
            } else if is_foreign || !KNOWN.contains(&key.as_str()) {
                self.leave_out(key);
            } else if key != "include" && key != "verbosity" {
                self.put(key, value.clone());
            }
        }
    }
}

/// A tool, flat. Without `strict` OpenAI holds the schema for strict here and for lax in chat; lax is what every other
/// dialect means.
fn write_tool(tool: &Tool) -> Value {
    let function = match tool {
        Tool::Function(function) => function,
        Tool::Other(_, value) => return value.clone(),
    };
    let mut written = Map::new();
    written.insert("type".to_owned(), json!("function"));
    written.insert("name".to_owned(), json!(function.name));
    if let Some(description) = &function.description {
        written.insert("description".to_owned(), json!(description));
    }
    let none = json!({"type": "object", "properties": {}});
    let parameters = function.parameters.clone().unwrap_or(none);
    written.insert("parameters".to_owned(), parameters);
    let strict = function.strict.unwrap_or(false);
    written.insert("strict".to_owned(), json!(strict));
    Value::Object(written)
}
