//! A client's chat request to the neutral form.

use serde_json::Value;

use super::super::json::{Object, misread};
use super::super::neutral::{
    Dialect, Extra, Function, Misread, Output, Request, Sampling, Thinking, Tool, ToolChoice,
};
use super::message::Messages;
use crate::wire::envelope::REMOVED;

/// Reads the body of `POST /v1/chat/completions`. Members that only this proxy understands are taken out first.
///
/// # Errors
/// What is not such a body, with the place.
pub fn read_request(body: &[u8]) -> Result<Request, Misread> {
    let mut object = Object::read(body)?;
    take_own(&mut object);
    let mut messages = Messages::default();
    let mut read = Vec::new();
    if object.peek("messages").is_none() {
        return Err(object.missing("messages", "a list of messages"));
    }
    for (index, value) in object.list("messages")?.into_iter().enumerate() {
        read.push(messages.read(value, index)?);
    }
    let mut extra = messages.extra;
    let stream = object.flag("stream")?.unwrap_or(false);
    let include_usage = read_stream_options(&mut object, &mut extra)?;
    let request = Request {
        model: object.text("model")?.unwrap_or_default(),
        stream,
        include_usage,
        messages: read,
        tools: read_tools(&mut object, &mut extra)?,
        tool_choice: read_choice(&mut object)?,
        parallel_tool_calls: object.flag("parallel_tool_calls")?,
        output: read_output(&mut object)?,
        sampling: read_sampling(&mut object)?,
        reasoning: read_thinking(&mut object)?,
        user: object.text("user")?,
        metadata: read_metadata(&mut object),
        extra: Extra::new(),
    };
    extra.extend(without_nulls(object.rest()));
    Ok(Request { extra, ..request })
}

/// Takes the members out that are this proxy's own.
pub(in crate::dialect) fn take_own(object: &mut Object) {
    for key in REMOVED {
        object.take(key);
    }
}

/// Members without those that are null: a null is an absent member.
pub(in crate::dialect) fn without_nulls(mut members: Extra) -> Extra {
    members.retain(|_, value| !value.is_null());
    members
}

/// Metadata as it came.
pub(in crate::dialect) fn read_metadata(object: &mut Object) -> Option<Value> {
    object.take("metadata")
}

/// Whether token counts are wanted; other options of streams go to `extra`.
pub(in crate::dialect) fn read_stream_options(
    object: &mut Object,
    extra: &mut Extra,
) -> Result<bool, Misread> {
    let Some(mut options) = object.object("stream_options")? else {
        return Ok(false);
    };
    let wanted = options.flag("include_usage")?.unwrap_or(false);
    for (key, value) in without_nulls(options.rest()) {
        extra.insert(format!("stream_options.{key}"), value);
    }
    Ok(wanted)
}

/// Bounds and luck, in the spelling that chat and the older completions share.
pub(in crate::dialect) fn read_sampling(object: &mut Object) -> Result<Sampling, Misread> {
    let newer = object.count("max_completion_tokens")?;
    let older = object.count("max_tokens")?;
    Ok(Sampling {
        max_tokens: newer.or(older),
        temperature: object.number("temperature")?,
        top_p: object.number("top_p")?,
        top_k: match object.peek("top_k").and_then(Value::as_i64) {
            // vLLM's "all of them".
            Some(-1) => object.take("top_k").and(None),
            _ => object.count("top_k")?,
        },
        seed: object.whole("seed")?,
        stop: read_stop(object)?,
        n: object.count("n")?,
        frequency_penalty: object.number("frequency_penalty")?,
        presence_penalty: object.number("presence_penalty")?,
        // The older completions have a number here; their reader takes it before this.
        logprobs: object.flag("logprobs")?.unwrap_or(false),
        top_logprobs: object.count("top_logprobs")?,
        logit_bias: object.take("logit_bias"),
    })
}

/// One text, or a list of them.
fn read_stop(object: &mut Object) -> Result<Vec<String>, Misread> {
    let at = object.at("stop");
    match object.take("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(list)) => {
            let texts = list
                .into_iter()
                .enumerate()
                .map(|(index, value)| match value {
                    Value::String(text) => Ok(text),
                    other => Err(misread(&format!("{at}[{index}]"), "a string", &other)),
                });
            texts.collect()
        }
        Some(other) => Err(misread(&at, "a string or a list of strings", &other)),
    }
}

/// `tools`, and the older `functions`.
fn read_tools(object: &mut Object, extra: &mut Extra) -> Result<Vec<Tool>, Misread> {
    let mut tools = Vec::new();
    for (index, value) in object.list("tools")?.into_iter().enumerate() {
        let at = format!("tools[{index}]");
        let is_function = value.get("type").is_none_or(|kind| kind == "function");
        if !is_function {
            Object::of(value.clone(), at)?.need_text("type")?;
            tools.push(Tool::Other(Dialect::Chat, value));
            continue;
        }
        let mut tool = Object::of(value, at.clone())?;
        tool.take("type");
        let function = tool
            .object("function")?
            .ok_or_else(|| tool.missing("function", "an object with `name`"))?;
        let cache = tool.take("cache_control");
        for (key, value) in without_nulls(tool.rest()) {
            extra.insert(format!("{at}.{key}"), value);
        }
        tools.push(read_function(function, cache, extra)?);
    }
    for (index, value) in object.list("functions")?.into_iter().enumerate() {
        let function = Object::of(value, format!("functions[{index}]"))?;
        tools.push(read_function(function, None, extra)?);
    }
    Ok(tools)
}

fn read_function(
    mut object: Object,
    cache: Option<Value>,
    extra: &mut Extra,
) -> Result<Tool, Misread> {
    let function = Function {
        name: object.need_text("name")?,
        description: object.text("description")?,
        parameters: object.take("parameters"),
        strict: object.flag("strict")?,
        cache: object.take("cache_control").or(cache),
    };
    let at = object.at("");
    for (key, value) in without_nulls(object.rest()) {
        extra.insert(format!("{at}{key}"), value);
    }
    Ok(Tool::Function(function))
}

/// `tool_choice`, or the older `function_call`.
fn read_choice(object: &mut Object) -> Result<Option<ToolChoice>, Misread> {
    let expected = "auto, none, required or an object that names a function";
    let key = if object.peek("tool_choice").is_some() {
        "tool_choice"
    } else {
        "function_call"
    };
    let at = object.at(key);
    let Some(value) = object.take(key) else {
        return Ok(None);
    };
    let unknown = || Misread {
        at: at.clone(),
        expected: expected.to_owned(),
        found: "something else".to_owned(),
    };
    match &value {
        Value::String(word) => match word.as_str() {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            // `any` is Mistral's word.
            "required" | "any" => Ok(Some(ToolChoice::Required)),
            _ => Err(unknown()),
        },
        Value::Object(_) => {
            let named = value.get("function").unwrap_or(&value);
            let name = named.get("name").and_then(Value::as_str);
            let name = name.ok_or_else(unknown)?;
            Ok(Some(ToolChoice::Function(name.to_owned())))
        }
        other => Err(misread(&at, expected, other)),
    }
}

fn read_output(object: &mut Object) -> Result<Output, Misread> {
    let Some(mut format) = object.object("response_format")? else {
        return Ok(Output::Text);
    };
    let kind = format.need_text("type")?;
    match kind.as_str() {
        "text" => Ok(Output::Text),
        "json_object" => Ok(Output::Json),
        "json_schema" => {
            let mut schema = format
                .object("json_schema")?
                .ok_or_else(|| format.missing("json_schema", "an object with `schema`"))?;
            Ok(Output::Schema {
                name: schema.text("name")?.unwrap_or_else(|| "answer".to_owned()),
                description: schema.text("description")?,
                strict: schema.flag("strict")?,
                schema: schema
                    .take("schema")
                    .unwrap_or_else(|| Value::Object(Extra::new())),
            })
        }
        _ => Err(Misread {
            at: format.at("type"),
            expected: "text, json_object or json_schema".to_owned(),
            found: "another word".to_owned(),
        }),
    }
}

/// `reasoning_effort`, or `OpenRouter`'s `reasoning: {effort, max_tokens, enabled, exclude, summary}`.
fn read_thinking(object: &mut Object) -> Result<Option<Thinking>, Misread> {
    let effort = object.text("reasoning_effort")?;
    let Some(mut inner) = object.object("reasoning")? else {
        return Ok(effort.map(|effort| Thinking {
            effort: Some(effort),
            ..Thinking::default()
        }));
    };
    let mut thinking = Thinking {
        effort: effort.or(inner.text("effort")?),
        budget: inner.count("max_tokens")?,
        summary: inner.text("summary")?,
    };
    match inner.flag("enabled")? {
        Some(false) => thinking.budget = Some(0),
        Some(true) if thinking.effort.is_none() && thinking.budget.is_none() => {
            thinking.effort = Some("medium".to_owned());
        }
        Some(true) | None => {}
    }
    if inner.flag("exclude")? == Some(true) {
        thinking.summary = Some("none".to_owned());
    }
    Ok(Some(thinking))
}
