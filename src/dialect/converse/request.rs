//! A request as Converse takes it.

use serde_json::{Map, Value, json};

use crate::dialect::neutral::{
    Dialect, Media, Message, Output, Part, Request, Role, Source, Thinking, Tool, ToolChoice,
    ToolResult, Unfit, Written,
};

/// Members of Converse's own that clients may send along.
const OWN: [&str; 6] = [
    "guardrailConfig",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "requestMetadata",
    "performanceConfig",
    "promptVariables",
];

fn unfit(what: impl Into<String>) -> Unfit {
    Unfit {
        dialect: Dialect::Converse,
        what: what.into(),
    }
}

/// Whether the request can be said in Converse.
///
/// # Errors
/// What it lacks.
pub fn fit(request: &Request) -> Result<(), Unfit> {
    if request.sampling.n.is_some_and(|n| n > 1) {
        return Err(unfit("several answers to one request (n above 1)"));
    }
    if request.sampling.logprobs {
        return Err(unfit("probabilities of tokens (logprobs)"));
    }
    if request.output == Output::Json {
        return Err(unfit("JSON output without a schema"));
    }
    for tool in &request.tools {
        if let Tool::Other(dialect, _) = tool
            && *dialect != Dialect::Converse
        {
            return Err(unfit("tools that run at another provider"));
        }
    }
    for message in &request.messages {
        message.parts.iter().try_for_each(fit_part)?;
    }
    Ok(())
}

fn fit_part(part: &Part) -> Result<(), Unfit> {
    match part {
        Part::Image(media) => image(media).map(drop),
        Part::File(media) => document(media, 0).map(drop),
        Part::Audio(_) => Err(unfit("sound")),
        Part::ToolResult(result) => result.content.iter().try_for_each(fit_part),
        Part::Text(_)
        | Part::ToolCall(_)
        | Part::Reasoning(_)
        | Part::Refusal(_)
        | Part::Other(Dialect::Converse, _) => Ok(()),
        Part::Other(..) => Err(unfit("parts that only another provider knows")),
    }
}

/// The request for the model `model`, which stands in the path.
///
/// # Errors
/// As [`fit`].
pub fn write_request(request: &Request, model: &str) -> Result<Written, Unfit> {
    fit(request)?;
    let mut body = Map::new();
    let mut dropped = Vec::new();
    let (system, messages) = conversation(&request.messages)?;
    if !system.is_empty() {
        body.insert("system".to_owned(), system.into());
    }
    body.insert("messages".to_owned(), messages.into());
    let inference = inference(request);
    if !inference.is_empty() {
        body.insert("inferenceConfig".to_owned(), inference.into());
    }
    if let Some(tools) = tools(request) {
        body.insert("toolConfig".to_owned(), tools);
    }
    if let Some(output) = output(&request.output) {
        body.insert("outputConfig".to_owned(), output);
    }
    let mut more = Map::new();
    if let Some(thinking) = &request.reasoning {
        match thinking_of(thinking, model) {
            Some((key, value)) => drop(more.insert(key.to_owned(), value)),
            None => dropped.push("reasoning_effort".to_owned()),
        }
    }
    if let Some(top_k) = request.sampling.top_k {
        if model.contains("anthropic.") {
            more.insert("top_k".to_owned(), top_k.into());
        } else {
            dropped.push("top_k".to_owned());
        }
    }
    name_dropped(request, &mut dropped);
    for (key, value) in &request.extra {
        match (key.as_str(), value) {
            ("additionalModelRequestFields", Value::Object(fields)) => more.extend(fields.clone()),
            (own, _) if OWN.contains(&own) => drop(body.insert(key.clone(), value.clone())),
            _ => dropped.push(key.clone()),
        }
    }
    if !more.is_empty() {
        body.insert("additionalModelRequestFields".to_owned(), more.into());
    }
    Ok(Written {
        body: Value::Object(body).to_string().into_bytes(),
        dropped,
    })
}

/// Names what Converse has no word for and the answer can do without.
fn name_dropped(request: &Request, dropped: &mut Vec<String>) {
    let sampling = &request.sampling;
    let told = [
        ("seed", sampling.seed.is_some()),
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
        ("logit_bias", sampling.logit_bias.is_some()),
        ("parallel_tool_calls", request.parallel_tool_calls.is_some()),
        ("user", request.user.is_some()),
        ("metadata", request.metadata.is_some()),
    ];
    let there = told.into_iter().filter(|(_, there)| *there);
    dropped.extend(there.map(|(name, _)| name.to_owned()));
}

fn inference(request: &Request) -> Map<String, Value> {
    let sampling = &request.sampling;
    let mut config = Map::new();
    if let Some(most) = sampling.max_tokens {
        config.insert("maxTokens".to_owned(), most.into());
    }
    if let Some(temperature) = sampling.temperature {
        config.insert("temperature".to_owned(), json!(temperature.min(1.0)));
    }
    if let Some(top_p) = sampling.top_p {
        config.insert("topP".to_owned(), json!(top_p));
    }
    if !sampling.stop.is_empty() {
        config.insert("stopSequences".to_owned(), json!(sampling.stop));
    }
    config
}

fn output(output: &Output) -> Option<Value> {
    let Output::Schema {
        name,
        description,
        schema,
        ..
    } = output
    else {
        return None;
    };
    let mut definition = json!({"schema": schema.to_string(), "name": name});
    if let (Some(text), Some(members)) = (description, definition.as_object_mut()) {
        members.insert("description".to_owned(), text.as_str().into());
    }
    Some(json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}))
}

/// Claude takes its own words for thinking; other models have no common one.
fn thinking_of(thinking: &Thinking, model: &str) -> Option<(&'static str, Value)> {
    if !model.contains("anthropic.") {
        return None;
    }
    let budget = thinking.budget.or(match thinking.effort.as_deref()? {
        "none" => Some(0),
        "minimal" | "low" => Some(1024),
        "medium" => Some(4096),
        _ => Some(16_384),
    })?;
    let value = if budget == 0 {
        json!({"type": "disabled"})
    } else {
        json!({"type": "enabled", "budget_tokens": budget.max(1024)})
    };
    Some(("thinking", value))
}

fn tools(request: &Request) -> Option<Value> {
    let mut list = Vec::new();
    for tool in &request.tools {
        match tool {
            Tool::Function(function) => {
                let schema = function
                    .parameters
                    .clone()
                    .unwrap_or_else(|| json!({"type": "object", "properties": {}}));
                let mut spec = json!({"name": function.name, "inputSchema": {"json": schema}});
                let description = function
                    .description
                    .as_deref()
                    .filter(|text| !text.is_empty());
                if let (Some(text), Some(members)) = (description, spec.as_object_mut()) {
                    members.insert("description".to_owned(), text.into());
                }
                list.push(json!({"toolSpec": spec}));
                if function.cache.is_some() {
                    list.push(cache_point());
                }
            }
            Tool::Other(_, value) => list.push(value.clone()),
        }
    }
    // Converse has no word for "none": without tools there is nothing to call, but a conversation with calls in it needs
    // their definitions, so they stay and the choice is left to the model.
    if list.is_empty() {
        return None;
    }
    let choice = match &request.tool_choice {
        Some(ToolChoice::Auto) => Some(json!({"auto": {}})),
        Some(ToolChoice::Required) => Some(json!({"any": {}})),
        Some(ToolChoice::Function(name)) => Some(json!({"tool": {"name": name}})),
        Some(ToolChoice::None) | None => None,
    };
    let mut config = json!({"tools": list});
    if let (Some(choice), Some(members)) = (choice, config.as_object_mut()) {
        members.insert("toolChoice".to_owned(), choice);
    }
    Some(config)
}

fn cache_point() -> Value {
    json!({"cachePoint": {"type": "default"}})
}

/// System blocks and messages; neighbours of one role become one message, since roles must take turns.
fn conversation(all: &[Message]) -> Result<(Vec<Value>, Vec<Value>), Unfit> {
    let (mut system, mut turns): (Vec<Value>, Vec<(&str, Vec<Value>)>) = (Vec::new(), Vec::new());
    let mut documents = 0;
    for message in all {
        let role = match message.role {
            Role::System | Role::Developer => {
                system_blocks(message, &mut system);
                continue;
            }
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let mut blocks = Vec::new();
        for part in &message.parts {
            blocks_of(part, &mut documents, &mut blocks)?;
        }
        match turns.last_mut() {
            Some((last, held)) if *last == role => held.append(&mut blocks),
            _ if blocks.is_empty() => {}
            _ => turns.push((role, blocks)),
        }
    }
    let turns = turns.into_iter();
    let messages = turns.map(|(role, content)| json!({"role": role, "content": content}));
    Ok((system, messages.collect()))
}

fn system_blocks(message: &Message, system: &mut Vec<Value>) {
    for part in &message.parts {
        if let Part::Text(text) = part
            && !text.text.is_empty()
        {
            system.push(json!({"text": text.text}));
            if text.cache.is_some() {
                system.push(cache_point());
            }
        }
    }
}

/// Writes `part` as blocks, a cache point behind it where it is marked.
fn blocks_of(part: &Part, documents: &mut u32, out: &mut Vec<Value>) -> Result<(), Unfit> {
    let cache = match part {
        Part::Text(text) => {
            if !text.text.is_empty() {
                out.push(json!({"text": text.text}));
            }
            text.cache.is_some()
        }
        Part::Refusal(text) => {
            out.push(json!({"text": text}));
            false
        }
        Part::Image(media) => {
            out.push(image(media)?);
            media.cache.is_some()
        }
        Part::File(media) => {
            *documents += 1;
            out.push(document(media, *documents)?);
            media.cache.is_some()
        }
        Part::ToolCall(call) => {
            let input = serde_json::from_str::<Value>(&call.arguments);
            let input = input
                .ok()
                .filter(Value::is_object)
                .unwrap_or_else(|| json!({}));
            out.push(json!({"toolUse": {"toolUseId": call.id, "name": call.name, "input": input}}));
            call.cache.is_some()
        }
        Part::ToolResult(result) => {
            out.push(tool_result(result, documents)?);
            result.cache.is_some()
        }
        Part::Reasoning(thoughts) => {
            // Thoughts without a signature are refused; with one they are needed.
            match (&thoughts.signature, &thoughts.sealed) {
                (Some(signature), _) => out.push(json!({"reasoningContent": {"reasoningText":
                    {"text": thoughts.text, "signature": signature}}})),
                (None, Some(sealed)) => {
                    out.push(json!({"reasoningContent": {"redactedContent": sealed}}));
                }
                (None, None) => {}
            }
            false
        }
        Part::Other(Dialect::Converse, value) => {
            out.push(value.clone());
            false
        }
        Part::Audio(_) | Part::Other(..) => return Err(unfit("such parts")),
    };
    if cache {
        out.push(cache_point());
    }
    Ok(())
}

fn tool_result(result: &ToolResult, documents: &mut u32) -> Result<Value, Unfit> {
    let mut content = Vec::new();
    for part in &result.content {
        blocks_of(part, documents, &mut content)?;
    }
    if content.is_empty() {
        content.push(json!({"text": ""}));
    }
    let status = if result.is_error { "error" } else { "success" };
    Ok(json!({"toolResult": {"toolUseId": result.id, "content": content, "status": status}}))
}

fn image(media: &Media) -> Result<Value, Unfit> {
    let Source::Base64(bytes) = &media.source else {
        return Err(unfit("images by address or id; send them as data"));
    };
    let format = match media.media_type.as_deref() {
        Some("image/png") => "png",
        Some("image/jpeg" | "image/jpg") => "jpeg",
        Some("image/gif") => "gif",
        Some("image/webp") => "webp",
        _ => return Err(unfit("images other than PNG, JPEG, GIF and WebP")),
    };
    Ok(json!({"image": {"format": format, "source": {"bytes": bytes}}}))
}

fn document(media: &Media, number: u32) -> Result<Value, Unfit> {
    let format = match media.media_type.as_deref() {
        Some("application/pdf") | None => "pdf",
        Some("text/plain") => "txt",
        Some("text/csv") => "csv",
        Some("text/html") => "html",
        Some("text/markdown") => "md",
        Some(_) => {
            return Err(unfit(
                "documents other than PDF, text, CSV, HTML and Markdown",
            ));
        }
    };
    let source = match &media.source {
        Source::Base64(bytes) => json!({"bytes": bytes}),
        Source::Text(text) => json!({"text": text}),
        Source::Url(_) | Source::Id(_) => {
            return Err(unfit("documents by address or id; send them as data"));
        }
    };
    // Names are for the model, of letters, digits, blanks, hyphens and brackets, and differ within a request.
    Ok(
        json!({"document": {"format": format, "name": format!("document {number}"), "source": source}}),
    )
}
