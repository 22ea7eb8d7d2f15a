//! A request as Cohere takes it.

use serde_json::{Map, Value, json};

use super::message::{self, MessageWriter};
use super::unfit;
use crate::dialect::neutral::{
    Dialect, Function, Output, Request, Sampling, Thinking, Tool, ToolChoice, Unfit, Written,
};

/// Members of Cohere's own that clients may send along.
const OWN: [&str; 7] = [
    "citation_options",
    "documents",
    "priority",
    "raw_prompting",
    "safety_mode",
    "strict_tools",
    "thinking",
];

/// Most texts that end an answer.
const MOST_STOPS: usize = 5;

/// Models that do not think and refuse to be told how much: those before August 2025, by the start of their names. Source,
/// read 2026-11-23: <https://docs.cohere.com/docs/models>.
const WITHOUT_THOUGHTS: [&str; 8] = [
    "c4ai-",
    "command-a-03-2025",
    "command-a-translate",
    "command-a-vision",
    "command-light",
    "command-r-",
    "command-r7b",
    "tiny-aya",
];

/// Whether the request can be said in Cohere's chat.
///
/// # Errors
/// What it lacks.
pub fn fit(request: &Request) -> Result<(), Unfit> {
    let sampling = &request.sampling;
    if sampling.n.is_some_and(|n| n > 1) {
        return Err(unfit("several answers to one request (n above 1)"));
    }
    if sampling.top_logprobs.is_some_and(|top| top > 0) {
        return Err(unfit("probabilities of other tokens (top_logprobs)"));
    }
    if sampling.stop.len() > MOST_STOPS {
        return Err(unfit(format!(
            "more than {MOST_STOPS} texts that end an answer"
        )));
    }
    if request.output != Output::Text && !request.tools.is_empty() {
        return Err(unfit("answers of JSON together with tools"));
    }
    if request.output != Output::Text && request.extra.contains_key("documents") {
        return Err(unfit("answers of JSON together with documents"));
    }
    for tool in &request.tools {
        if let Tool::Other(dialect, _) = tool
            && *dialect != Dialect::Cohere
        {
            return Err(unfit("tools that run at another provider"));
        }
    }
    if let (Some(ToolChoice::Function(name)), false) =
        (&request.tool_choice, request.tools.is_empty())
    {
        let is_only = matches!(&*request.tools,
            [Tool::Function(function)] if function.name == *name);
        if !is_only {
            return Err(unfit("a choice of one tool among several"));
        }
    }
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    parts.try_for_each(message::fit_part)
}

/// The request for the model `model`. Values out of Cohere's range are taken to its nearest end (`top_p` to 0.01…0.99,
/// penalties above 1 to 1); negative penalties and seeds, which turn into their opposite there, are left out and named.
///
/// # Errors
/// As [`fit`].
pub fn write_request(request: &Request, model: &str) -> Result<Written, Unfit> {
    fit(request)?;
    let mut messages = MessageWriter::default();
    for message in &request.messages {
        messages.write(message);
    }
    let (messages, dropped) = messages.finish();
    let mut body = Body {
        members: Map::new(),
        dropped,
    };
    body.put("model", model);
    body.put("messages", messages);
    if request.stream {
        body.put("stream", true);
    }
    body.put_tools(request);
    match &request.output {
        Output::Text => {}
        Output::Json => body.put("response_format", json!({"type": "json_object"})),
        Output::Schema { schema, .. } => {
            let format = json!({"type": "json_object", "json_schema": schema});
            body.put("response_format", format);
        }
    }
    body.put_sampling(&request.sampling);
    body.put_own(request);
    if let Some(thinking) = &request.reasoning {
        body.put_thinking(thinking, model);
    }
    body.name_dropped(request);
    Ok(Written {
        body: Value::Object(body.members).to_string().into_bytes(),
        dropped: body.dropped,
    })
}

/// A body in the making.
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

    fn leave_out(&mut self, name: &str) {
        if !self.dropped.iter().any(|other| other == name) {
            self.dropped.push(name.to_owned());
        }
    }

    fn put_tools(&mut self, request: &Request) {
        if request.tools.is_empty() {
            return;
        }
        let tools = request.tools.iter();
        self.put("tools", tools.map(write_tool).collect::<Vec<_>>());
        match &request.tool_choice {
            Some(ToolChoice::Required | ToolChoice::Function(_)) => {
                self.put("tool_choice", "REQUIRED");
            }
            Some(ToolChoice::None) => self.put("tool_choice", "NONE"),
            Some(ToolChoice::Auto) | None => {}
        }
        // Cohere is strict with all of the tools or with none.
        let is_strict = |tool: &Tool| {
            matches!(
                tool,
                Tool::Function(Function {
                    strict: Some(true),
                    ..
                })
            )
        };
        if request.tools.iter().all(is_strict) {
            self.put("strict_tools", true);
        } else if request.tools.iter().any(is_strict) {
            self.leave_out("tools[].function.strict");
        }
    }

    fn put_sampling(&mut self, sampling: &Sampling) {
        self.put_some("max_tokens", sampling.max_tokens);
        self.put_some("temperature", sampling.temperature);
        self.put_some("p", sampling.top_p.map(|share| share.clamp(0.01, 0.99)));
        self.put_some("k", sampling.top_k.map(|most| most.min(500)));
        match sampling.seed {
            Some(seed) if seed < 0 => self.leave_out("seed"),
            seed => self.put_some("seed", seed),
        }
        let stops = sampling.stop.iter().filter(|text| !text.is_empty());
        let stops: Vec<Value> = stops.map(|text| json!(text)).collect();
        if !stops.is_empty() {
            self.put("stop_sequences", stops);
        }
        let penalties = [
            ("frequency_penalty", sampling.frequency_penalty),
            ("presence_penalty", sampling.presence_penalty),
        ];
        for (key, penalty) in penalties {
            match penalty {
                Some(penalty) if penalty < 0.0 => self.leave_out(key),
                penalty => self.put_some(key, penalty.map(|penalty| penalty.min(1.0))),
            }
        }
        if sampling.logprobs {
            self.put("logprobs", true);
        }
    }

    /// Members of Cohere's own as they came; all others are named.
    fn put_own(&mut self, request: &Request) {
        for (key, value) in &request.extra {
            // Other providers use the same word in another form.
            let is_foreign = key == "thinking"
                && (value.get("type").is_none() || value.get("budget_tokens").is_some());
            if OWN.contains(&key.as_str()) && !is_foreign {
                self.put(key, value.clone());
            } else {
                self.leave_out(key);
            }
        }
    }

    fn put_thinking(&mut self, thinking: &Thinking, model: &str) {
        if thinking.summary.is_some() {
            self.leave_out("reasoning.summary");
        }
        let budget = match (thinking.budget, thinking.effort.as_deref()) {
            (Some(budget), _) => Some(budget),
            (None, Some("none")) => Some(0),
            // The bounds that are in use for the same words elsewhere; the highest is the model's own.
            (None, Some("minimal" | "low")) => Some(1024),
            (None, Some("medium")) => Some(4096),
            (None, Some(_)) => None,
            (None, None) => return,
        };
        let is_without = model == "command-r"
            || WITHOUT_THOUGHTS
                .iter()
                .any(|start| model.starts_with(start));
        if self.members.contains_key("thinking") || (is_without && budget == Some(0)) {
            return;
        }
        match budget {
            _ if is_without => self.leave_out("reasoning_effort"),
            Some(0) => self.put("thinking", json!({"type": "disabled"})),
            Some(budget) => {
                self.put(
                    "thinking",
                    json!({"type": "enabled", "token_budget": budget}),
                );
            }
            None => self.put("thinking", json!({"type": "enabled"})),
        }
    }

    /// Names what Cohere has no word for and the answer can do without.
    fn name_dropped(&mut self, request: &Request) {
        let told = [
            ("logit_bias", request.sampling.logit_bias.is_some()),
            // Cohere may call several at once, which is what `true` asks for.
            (
                "parallel_tool_calls",
                request.parallel_tool_calls == Some(false),
            ),
            ("user", request.user.is_some()),
            ("metadata", request.metadata.is_some()),
        ];
        for (name, _) in told.into_iter().filter(|(_, is_told)| *is_told) {
            self.leave_out(name);
        }
    }
}

fn write_tool(tool: &Tool) -> Value {
    let function = match tool {
        Tool::Function(function) => function,
        Tool::Other(_, value) => return value.clone(),
    };
    let mut written = Map::new();
    written.insert("name".to_owned(), json!(function.name));
    if let Some(description) = &function.description {
        written.insert("description".to_owned(), json!(description));
    }
    // Cohere refuses a function without parameters.
    let parameters = function.parameters.clone();
    let parameters = parameters.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    written.insert("parameters".to_owned(), parameters);
    json!({"type": "function", "function": written})
}
