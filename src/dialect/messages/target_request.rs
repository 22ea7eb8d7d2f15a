//! A request as Anthropic takes it.

use serde_json::{Map, Value, json};

use super::super::neutral::{Request, Unfit, Written};
use super::target_dropped::Dropped;
use super::target_fit::fit;
use super::target_options::MessagesOptions;
use super::target_thinking::{Plan, own_wish};
use super::target_tools::{format, tool_choice, tools};
use super::target_turns::Conversation;

/// Most signs of `metadata.user_id`, by the service description of 2024-11.
const MAX_USER: usize = 256;

/// Writes `request` for a server that calls its model `model` and knows what `options` say.
///
/// # Errors
/// What cannot be said there and is not harmless to leave out; see [`fit`].
pub fn write_request(
    request: &Request,
    model: &str,
    options: &MessagesOptions,
) -> Result<Written, Unfit> {
    fit(request, options)?;
    let mut dropped = Dropped::default();
    let conversation = Conversation::of(&request.messages, &mut dropped);
    let plan = Plan::of(request, &conversation, options, &mut dropped);
    let mut body = Body {
        members: Map::new(),
        dropped,
    };
    body.put("model", model);
    body.put("max_tokens", plan.max_tokens);
    if !conversation.system.is_empty() {
        body.put("system", conversation.system);
    }
    body.put("messages", conversation.messages);
    if request.stream {
        body.put("stream", true);
    }
    body.put_tools(request, options);
    body.put_sampling(request, plan.is_on);
    body.put_output(request, &plan, options);
    body.put_user(request);
    body.name_dropped(request);
    body.put_extra(request);
    Ok(Written {
        body: Value::Object(body.members).to_string().into_bytes(),
        dropped: body.dropped.finish(),
    })
}

/// A body in the making.
struct Body {
    members: Map<String, Value>,
    dropped: Dropped,
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

    fn put_tools(&mut self, request: &Request, options: &MessagesOptions) {
        let tools = tools(request, options, &mut self.dropped);
        // A choice without tools is refused, and says nothing.
        if !tools.is_empty() {
            self.put("tools", tools);
            self.put_some("tool_choice", tool_choice(request));
        }
    }

    /// Bounds and luck. A request that thinks may have no luck of its own ("temperature may only be set to 1 when thinking
    /// is enabled or in adaptive mode", <https://github.com/dotCipher/opencode-claude-bridge/pull/1>; so with the others).
    fn put_sampling(&mut self, request: &Request, thinks: bool) {
        let sampling = &request.sampling;
        if let Some(wanted) = sampling.temperature {
            let temperature = wanted.clamp(0.0, 1.0);
            if thinks {
                self.dropped.name_if("temperature", wanted < 1.0);
            } else {
                self.put("temperature", temperature);
            }
            self.dropped.name_if("temperature above 1", wanted > 1.0);
            self.dropped.name_if("temperature below 0", wanted < 0.0);
        }
        if let Some(top_p) = sampling.top_p {
            // Models from Claude Opus 4.1 on refuse both ("`temperature` and `top_p` cannot both be specified",
            // <https://github.com/BerriAI/litellm/issues/15097>); 1 is no bound.
            let is_beside = self.members.contains_key("temperature");
            if is_beside || thinks {
                self.dropped.name_if("top_p", top_p < 1.0);
            } else {
                self.put("top_p", top_p);
            }
        }
        match sampling.top_k {
            Some(_) if thinks => self.dropped.name("top_k"),
            top_k => self.put_some("top_k", top_k),
        }
        let is_visible = |text: &&String| !text.trim().is_empty();
        let stop: Vec<_> = sampling.stop.iter().filter(is_visible).cloned().collect();
        // "each stop sequence must contain non-whitespace", <https://github.com/BerriAI/litellm/issues/3286>.
        self.dropped
            .name_if("stop of whitespace", stop.len() < sampling.stop.len());
        if !stop.is_empty() {
            self.put("stop_sequences", stop);
        }
    }

    /// `thinking` and `output_config`: an effort, a schema, and what the client had there besides.
    fn put_output(&mut self, request: &Request, plan: &Plan, options: &MessagesOptions) {
        self.put_some("thinking", plan.thinking.clone());
        let mut config = match request.extra.get("output_config") {
            Some(Value::Object(own)) if options.structured_outputs => own.clone(),
            Some(_) => {
                self.dropped.name("output_config");
                Map::new()
            }
            None => Map::new(),
        };
        if let Some(effort) = plan.effort {
            config.insert("effort".to_owned(), json!(effort));
        }
        if let Some(format) = format(&request.output, &mut self.dropped) {
            config.insert("format".to_owned(), format);
        }
        if !config.is_empty() {
            self.put("output_config", config);
        }
    }

    fn put_user(&mut self, request: &Request) {
        match &request.user {
            Some(user) if user.chars().count() > MAX_USER => self.dropped.name("user"),
            Some(user) => self.put("metadata", json!({"user_id": user})),
            None => {}
        }
    }

    /// Names what Anthropic has no word for and the answer can do without. A penalty of 0 is none.
    fn name_dropped(&mut self, request: &Request) {
        let sampling = &request.sampling;
        let weighs = |penalty: Option<f64>| penalty.is_some_and(|weight| weight.abs() > 0.0);
        let told = [
            ("seed", sampling.seed.is_some()),
            ("frequency_penalty", weighs(sampling.frequency_penalty)),
            ("presence_penalty", weighs(sampling.presence_penalty)),
            ("logit_bias", sampling.logit_bias.is_some()),
            ("metadata", request.metadata.is_some()),
        ];
        for (name, is_there) in told {
            self.dropped.name_if(name, is_there);
        }
    }

    fn put_extra(&mut self, request: &Request) {
        for (key, value) in &request.extra {
            match key.as_str() {
                "output_config" => {}
                "thinking" if own_wish(request).is_some() => {}
                _ if is_known(key, value) && !self.members.contains_key(key) => {
                    self.put(key, value.clone());
                }
                _ => self.dropped.name(key),
            }
        }
    }
}

/// Whether `key` is Anthropic's, with a value that it may have there: other providers have other values under some of the
/// names.
fn is_known(key: &str, value: &Value) -> bool {
    match key {
        "service_tier" => value == "auto" || value == "standard_only",
        "speed" => value == "standard" || value == "fast",
        "container" => value.is_string() || value.is_object(),
        "inference_geo" => value.is_string(),
        "cache_control" | "context_management" => value.is_object(),
        "mcp_servers" => value.is_array(),
        _ => false,
    }
}
