//! A client's request to the neutral form.

use serde_json::Value;

use super::super::chat::{
    read_metadata, read_sampling, read_stream_options, take_own, without_nulls,
};
use super::super::json::{Object, misread};
use super::super::neutral::{
    Dialect, Extra, Function, Misread, Output, Request, Sampling, Thinking, Tool, ToolChoice,
};
use super::content::keep_rest;
use super::input::Input;

/// What a client may ask to be included and what every answer that is written here holds anyway.
pub(super) const ALWAYS_INCLUDED: &str = "reasoning.encrypted_content";
/// What a client writes who wants probabilities.
pub(super) const LOGPROBS: &str = "message.output_text.logprobs";

/// Reads the body of `POST /v1/responses`. Members that only this proxy understands are taken out first.
///
/// # Errors
/// What is not such a body, with the place.
pub fn read_request(body: &[u8]) -> Result<Request, Misread> {
    let mut object = Object::read(body)?;
    take_own(&mut object);
    let mut input = Input::of_request();
    if let Some(text) = object.text("instructions")? {
        input.instructions(text);
    }
    match object.take("input") {
        Some(items) => input.read(items)?,
        // A stored prompt or conversation may hold all that is to be said.
        None if is_held_elsewhere(&object) => {}
        None => return Err(object.missing("input", "a string or a list of items")),
    }
    let (messages, mut extra) = input.finish();
    let stream = object.flag("stream")?.unwrap_or(false);
    read_stream_options(&mut object, &mut extra)?;
    let mut tools = read_tools(&mut object, &mut extra)?;
    let request = Request {
        model: object.text("model")?.unwrap_or_default(),
        stream,
        include_usage: true,
        messages,
        tool_choice: read_choice(&mut object, &mut tools, &mut extra)?,
        tools,
        parallel_tool_calls: object.flag("parallel_tool_calls")?,
        output: read_output(&mut object, &mut extra)?,
        sampling: read_bounds(&mut object)?,
        reasoning: read_thinking(&mut object, &mut extra)?,
        user: match object.text("user")? {
            None => object.text("safety_identifier")?,
            some => some,
        },
        metadata: read_metadata(&mut object),
        extra: Extra::new(),
    };
    let mut rest = without_nulls(object.rest());
    // Not in the background is how every answer comes.
    if rest.get("background") == Some(&Value::Bool(false)) {
        rest.shift_remove("background");
    }
    extra.extend(rest);
    Ok(Request { extra, ..request })
}

fn is_held_elsewhere(object: &Object) -> bool {
    ["prompt", "previous_response_id", "conversation"]
        .into_iter()
        .any(|key| object.peek(key).is_some())
}

/// Bounds and luck. What Responses itself lacks (`seed`, `stop` and so on) servers that speak it take in chat's spelling.
fn read_bounds(object: &mut Object) -> Result<Sampling, Misread> {
    let max_tokens = object.count("max_output_tokens")?;
    let mut sampling = read_sampling(object)?;
    sampling.max_tokens = max_tokens.or(sampling.max_tokens);
    let alternatives = sampling.top_logprobs.is_some_and(|count| count > 0);
    sampling.logprobs |= read_include(object)? || alternatives;
    if !sampling.logprobs {
        sampling.top_logprobs = None;
    }
    Ok(sampling)
}

/// Whether probabilities are to be included. What cannot be served from here stays in `include`.
fn read_include(object: &mut Object) -> Result<bool, Misread> {
    if object.peek("include").is_none() {
        return Ok(false);
    }
    let mut list = object.list("include")?;
    let has_logprobs = list.iter().any(|one| one == LOGPROBS);
    list.retain(|one| one != LOGPROBS && one != ALWAYS_INCLUDED);
    if !list.is_empty() {
        object.put("include", Value::Array(list));
    }
    Ok(has_logprobs)
}

fn read_tools(object: &mut Object, extra: &mut Extra) -> Result<Vec<Tool>, Misread> {
    let mut tools = Vec::new();
    for (index, value) in object.list("tools")?.into_iter().enumerate() {
        let mut tool = Object::of(value.clone(), format!("tools[{index}]"))?;
        if tool.need_text("type")? != "function" {
            tools.push(Tool::Other(Dialect::Responses, value));
            continue;
        }
        let function = Function {
            name: tool.need_text("name")?,
            description: tool.text("description")?,
            parameters: tool.take("parameters"),
            strict: tool.flag("strict")?,
            cache: None,
        };
        keep_rest(tool, extra);
        tools.push(Tool::Function(function));
    }
    Ok(tools)
}

/// `tool_choice`. Of `allowed_tools` those that are not allowed are taken out of `tools`; a choice of a tool of OpenAI's own
/// stays in `extra`.
fn read_choice(
    object: &mut Object,
    tools: &mut Vec<Tool>,
    extra: &mut Extra,
) -> Result<Option<ToolChoice>, Misread> {
    let at = object.at("tool_choice");
    let Some(value) = object.take("tool_choice") else {
        return Ok(None);
    };
    let mut choice = match value {
        Value::String(word) => return read_word(&word, at).map(Some),
        Value::Object(_) => Object::of(value.clone(), at)?,
        other => return Err(misread(&at, "a string or an object", &other)),
    };
    match choice.need_text("type")?.as_str() {
        "function" => Ok(Some(ToolChoice::Function(choice.need_text("name")?))),
        "allowed_tools" => {
            let mode = choice.text("mode")?.unwrap_or_else(|| "auto".to_owned());
            let mode = read_word(&mode, choice.at("mode"))?;
            let allowed = choice.list("tools")?;
            tools.retain(|tool| allowed.iter().any(|one| is_allowed(tool, one)));
            Ok(Some(mode))
        }
        _ => {
            extra.insert("tool_choice".to_owned(), value);
            Ok(None)
        }
    }
}

/// Whether `allowed`, an element of `allowed_tools`, means `tool`.
fn is_allowed(tool: &Tool, allowed: &Value) -> bool {
    match tool {
        Tool::Function(function) => {
            allowed["type"] == "function" && allowed["name"] == function.name.as_str()
        }
        // By type, and by the members that tell two of one type apart.
        Tool::Other(_, value) => ["type", "name", "server_label"]
            .into_iter()
            .all(|key| allowed[key] == value[key]),
    }
}

fn read_word(word: &str, at: String) -> Result<ToolChoice, Misread> {
    match word {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" => Ok(ToolChoice::Required),
        _ => Err(Misread {
            at,
            expected: "auto, none, required or an object that names a tool".to_owned(),
            found: "another word".to_owned(),
        }),
    }
}

/// `text`: the answer's form and its verbosity.
fn read_output(object: &mut Object, extra: &mut Extra) -> Result<Output, Misread> {
    let Some(mut text) = object.object("text")? else {
        return Ok(Output::Text);
    };
    if let Some(verbosity) = text.take("verbosity") {
        extra.insert("verbosity".to_owned(), verbosity);
    }
    let format = text.object("format")?;
    keep_rest(text, extra);
    let Some(mut format) = format else {
        return Ok(Output::Text);
    };
    match format.need_text("type")?.as_str() {
        "text" => Ok(Output::Text),
        "json_object" => Ok(Output::Json),
        "json_schema" => Ok(Output::Schema {
            name: format.text("name")?.unwrap_or_else(|| "answer".to_owned()),
            description: format.text("description")?,
            strict: format.flag("strict")?,
            schema: format
                .take("schema")
                .unwrap_or_else(|| Value::Object(Extra::new())),
        }),
        _ => Err(Misread {
            at: format.at("type"),
            expected: "text, json_object or json_schema".to_owned(),
            found: "another word".to_owned(),
        }),
    }
}

fn read_thinking(object: &mut Object, extra: &mut Extra) -> Result<Option<Thinking>, Misread> {
    let Some(mut inner) = object.object("reasoning")? else {
        return Ok(None);
    };
    let older = inner.text("generate_summary")?;
    let thinking = Thinking {
        effort: inner.text("effort")?,
        // OpenRouter's.
        budget: inner.count("max_tokens")?,
        summary: inner.text("summary")?.or(older),
    };
    keep_rest(inner, extra);
    // Clients that have no wish send the object with nulls.
    Ok((thinking != Thinking::default()).then_some(thinking))
}
