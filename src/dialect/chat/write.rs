//! A neutral request as a chat server gets it.

use serde_json::{Map, Value, json};

use super::super::neutral::{
    Function, Output, Request, Thinking, Tool, ToolChoice, Unfit, Written,
};
use super::fit::fit;
use super::options::{ChatOptions, MaxTokensKey, ThinkingKey};
use super::write_message::MessageWriter;

/// OpenAI's members that have no place in the neutral form.
const KNOWN: [&str; 12] = [
    "audio",
    "modalities",
    "moderation",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "verbosity",
    "web_search_options",
];

/// Writes `request` for a server that calls its model `model` and knows what `options` say.
///
/// # Errors
/// What cannot be said there and is not harmless to leave out; see [`fit`].
pub fn write_request(
    request: &Request,
    model: &str,
    options: &ChatOptions,
) -> Result<Written, Unfit> {
    fit(request, options)?;
    let mut messages = MessageWriter::new(options);
    for message in &request.messages {
        messages.write(message);
    }
    let (messages, dropped) = messages.finish();
    let mut body = Body {
        options,
        members: Map::new(),
        dropped,
    };
    body.put("model", model);
    body.put("messages", messages);
    body.put_stream(request);
    body.put_tools(request);
    body.put_output(&request.output);
    body.put_sampling(request);
    if let Some(thinking) = &request.reasoning {
        body.put_thinking(thinking);
    }
    body.put_some("user", request.user.as_deref());
    body.put_metadata(request);
    body.put_extra(request);
    Ok(body.finish())
}

/// A body in the making.
struct Body<'a> {
    options: &'a ChatOptions,
    members: Map<String, Value>,
    dropped: Vec<String>,
}

impl Body<'_> {
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

    fn put_stream(&mut self, request: &Request) {
        if request.stream {
            self.put("stream", true);
            if self.options.stream_usage {
                self.put("stream_options", json!({"include_usage": true}));
            }
        }
    }

    fn put_tools(&mut self, request: &Request) {
        if request.tools.is_empty() {
            // A choice without tools is refused by OpenAI, and says nothing.
            return;
        }
        let tools: Vec<Value> = request.tools.iter().map(|tool| self.tool(tool)).collect();
        self.put("tools", tools);
        let choice = request.tool_choice.as_ref().map(|choice| match choice {
            ToolChoice::Auto => json!("auto"),
            ToolChoice::None => json!("none"),
            ToolChoice::Required => json!("required"),
            ToolChoice::Function(name) => json!({"type": "function", "function": {"name": name}}),
        });
        self.put_some("tool_choice", choice);
        self.put_some("parallel_tool_calls", request.parallel_tool_calls);
    }

    fn tool(&mut self, tool: &Tool) -> Value {
        let function = match tool {
            Tool::Function(function) => function,
            Tool::Other(_, value) => return value.clone(),
        };
        let mut written = json!({"type": "function", "function": self.function(function)});
        if let (true, Some(cache), Some(members)) = (
            self.options.cache_control,
            &function.cache,
            written.as_object_mut(),
        ) {
            members.insert("cache_control".to_owned(), cache.clone());
        }
        written
    }

    fn function(&mut self, function: &Function) -> Value {
        let mut written = Map::new();
        written.insert("name".to_owned(), json!(function.name));
        if let Some(description) = &function.description {
            written.insert("description".to_owned(), json!(description));
        }
        if let Some(parameters) = &function.parameters {
            written.insert("parameters".to_owned(), parameters.clone());
        }
        match function.strict {
            Some(strict) if self.options.strict => {
                written.insert("strict".to_owned(), json!(strict));
            }
            // `false` is what it is without the member.
            Some(true) => self.leave_out("tools[].function.strict"),
            Some(false) | None => {}
        }
        Value::Object(written)
    }

    /// What [`fit`] let pass.
    fn put_output(&mut self, output: &Output) {
        match output {
            Output::Text => {}
            Output::Json => {
                self.put("response_format", json!({"type": "json_object"}));
            }
            Output::Schema {
                name,
                description,
                schema,
                strict,
            } => {
                let mut written = Map::new();
                written.insert("name".to_owned(), json!(name));
                if let Some(description) = description {
                    written.insert("description".to_owned(), json!(description));
                }
                written.insert("schema".to_owned(), schema.clone());
                match strict {
                    Some(strict) if self.options.strict => {
                        written.insert("strict".to_owned(), json!(strict));
                    }
                    Some(true) => self.leave_out("response_format.json_schema.strict"),
                    Some(false) | None => {}
                }
                let format = json!({"type": "json_schema", "json_schema": written});
                self.put("response_format", format);
            }
        }
    }

    fn put_sampling(&mut self, request: &Request) {
        let sampling = &request.sampling;
        let most = match self.options.max_tokens {
            MaxTokensKey::MaxTokens => "max_tokens",
            MaxTokensKey::MaxCompletionTokens => "max_completion_tokens",
        };
        self.put_some(most, sampling.max_tokens);
        self.put_some("temperature", sampling.temperature);
        self.put_some("top_p", sampling.top_p);
        if self.options.top_k {
            self.put_some("top_k", sampling.top_k);
        } else if sampling.top_k.is_some() {
            self.leave_out("top_k");
        }
        self.put_some("seed", sampling.seed);
        if !sampling.stop.is_empty() {
            self.put("stop", sampling.stop.clone());
        }
        self.put_some("n", sampling.n);
        self.put_some("frequency_penalty", sampling.frequency_penalty);
        self.put_some("presence_penalty", sampling.presence_penalty);
        if sampling.logprobs {
            self.put("logprobs", true);
            self.put_some("top_logprobs", sampling.top_logprobs);
        }
        self.put_some("logit_bias", sampling.logit_bias.clone());
    }

    fn put_thinking(&mut self, thinking: &Thinking) {
        match self.options.thinking {
            ThinkingKey::Drop => self.leave_out("reasoning_effort"),
            ThinkingKey::Effort => {
                let word = thinking.effort.clone();
                let word = word.or_else(|| thinking.budget.map(|budget| effort_of(budget).into()));
                self.put_some("reasoning_effort", word);
                // A wish for a summary of thoughts; chat has none.
                if thinking.summary.is_some() {
                    self.leave_out("reasoning.summary");
                }
            }
            ThinkingKey::Object => {
                let mut written = Map::new();
                // The server takes one of the two, and 0 tokens only as "not at all".
                match (&thinking.effort, thinking.budget) {
                    (_, Some(0)) => drop(written.insert("enabled".to_owned(), json!(false))),
                    (_, Some(budget)) => {
                        drop(written.insert("max_tokens".to_owned(), json!(budget)));
                    }
                    (Some(effort), None) => {
                        drop(written.insert("effort".to_owned(), json!(effort)));
                    }
                    (None, None) => drop(written.insert("enabled".to_owned(), json!(true))),
                }
                if thinking.summary.as_deref() == Some("none") {
                    written.insert("exclude".to_owned(), json!(true));
                }
                self.put("reasoning", written);
            }
        }
    }

    /// OpenAI refuses metadata without `store` ("The 'metadata' parameter is only allowed when 'store' is enabled").
    fn put_metadata(&mut self, request: &Request) {
        let Some(metadata) = &request.metadata else {
            return;
        };
        let is_stored = request.extra.get("store") == Some(&Value::Bool(true));
        if is_stored || self.options.any_extra {
            self.put("metadata", metadata.clone());
        } else {
            self.leave_out("metadata");
        }
    }

    fn put_extra(&mut self, request: &Request) {
        for (key, value) in &request.extra {
            // A place within the request is nobody's member: what stood there has none here.
            let is_place = key.contains(['[', '.']);
            let is_known = self.options.any_extra || KNOWN.contains(&key.as_str());
            // Anthropic's word under OpenAI's name.
            let is_foreign = key == "service_tier" && value == "standard_only";
            if is_place || !is_known || is_foreign {
                self.leave_out(key);
            } else if !self.members.contains_key(key) {
                self.put(key, value.clone());
            }
        }
    }

    fn finish(mut self) -> Written {
        for key in &self.options.drop {
            if self.members.shift_remove(key).is_some() && !self.dropped.contains(key) {
                self.dropped.push(key.clone());
            }
        }
        Written {
            body: Value::Object(self.members).to_string().into_bytes(),
            dropped: self.dropped,
        }
    }
}

/// A budget of thoughts as a word. The bounds are those that gateways use who go the other way (1024, 4096, 16384 tokens
/// for low, medium and high), taken at their middle.
pub(in crate::dialect) const fn effort_of(budget: u64) -> &'static str {
    match budget {
        0 => "none",
        1..=2048 => "low",
        2049..=8192 => "medium",
        _ => "high",
    }
}
