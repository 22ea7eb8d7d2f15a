//! Whole tool calls in messages and answers.

use serde_json::{Value, json};

use super::super::json::Object;
use super::super::neutral::{Extra, Misread, ToolCall};

/// Reads `tool_calls` and the older `function_call` of a message or an answer. A call without an id gets one of `prefix` and
/// its place; members without a place go to `extra`.
pub(super) fn take(
    message: &mut Object,
    prefix: &str,
    extra: &mut Extra,
) -> Result<Vec<ToolCall>, Misread> {
    let at = message.at("tool_calls");
    let mut calls = Vec::new();
    for (index, value) in message.list("tool_calls")?.into_iter().enumerate() {
        let at = format!("{at}[{index}]");
        let object = Object::of(value, at.clone())?;
        calls.push(read_call(object, &format!("{prefix}{index}"), &at, extra)?);
    }
    if let Some(mut function) = message.object("function_call")? {
        calls.push(ToolCall {
            id: format!("{prefix}{}", calls.len()),
            name: function.need_text("name")?,
            arguments: read_arguments(&mut function)?,
            ..ToolCall::default()
        });
    }
    Ok(calls)
}

fn read_call(
    mut object: Object,
    own_id: &str,
    at: &str,
    extra: &mut Extra,
) -> Result<ToolCall, Misread> {
    let id = object.text("id")?.filter(|id| !id.is_empty());
    object.take("type");
    object.take("index");
    let Some(mut function) = object.object("function")? else {
        // A custom tool: its input is a text and not JSON, so it is carried as one argument of that name.
        return read_custom(object, id, own_id);
    };
    let call = ToolCall {
        id: id.unwrap_or_else(|| own_id.to_owned()),
        name: function.need_text("name")?,
        arguments: read_arguments(&mut function)?,
        signature: take_signature(&mut object),
        cache: object.take("cache_control"),
    };
    for (key, value) in object.rest() {
        if !value.is_null() {
            extra.insert(format!("{at}.{key}"), value);
        }
    }
    Ok(call)
}

fn read_custom(mut object: Object, id: Option<String>, own_id: &str) -> Result<ToolCall, Misread> {
    let Some(mut custom) = object.object("custom")? else {
        return Err(object.missing("function", "an object with `name` and `arguments`"));
    };
    let input = custom.text("input")?.unwrap_or_default();
    Ok(ToolCall {
        id: id.unwrap_or_else(|| own_id.to_owned()),
        name: custom.need_text("name")?,
        arguments: json!({ "input": input }).to_string(),
        ..ToolCall::default()
    })
}

/// Arguments: JSON as text, or, from some servers, the JSON itself.
pub(super) fn read_arguments(function: &mut Object) -> Result<String, Misread> {
    let is_json = matches!(
        function.peek("arguments"),
        Some(Value::Object(_) | Value::Array(_))
    );
    let text = if is_json {
        function.take("arguments").map(|value| value.to_string())
    } else {
        function.text("arguments")?
    };
    let text = text.filter(|text| !text.trim_ascii().is_empty());
    Ok(text.unwrap_or_else(|| "{}".to_owned()))
}

/// Gemini's thought signature, where its chat endpoint has it: `extra_content.google.thought_signature`. Source, read
/// 2026-11-23: <https://ai.google.dev/gemini-api/docs/thought-signatures>.
pub(super) fn take_signature(object: &mut Object) -> Option<String> {
    let signature = object
        .peek("extra_content")?
        .get("google")?
        .get("thought_signature")?
        .as_str()?
        .to_owned();
    object.take("extra_content");
    Some(signature)
}

/// A signature where [`take_signature`] finds it.
pub(super) fn signature_json(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}

/// A call as it stands in `tool_calls`.
pub(super) fn write_call(call: &ToolCall, with_signature: bool) -> Value {
    let mut value = json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments_or_empty(&call.arguments)},
    });
    if let (true, Some(signature), Some(members)) =
        (with_signature, &call.signature, value.as_object_mut())
    {
        members.insert("extra_content".to_owned(), signature_json(signature));
    }
    value
}

fn arguments_or_empty(arguments: &str) -> &str {
    if arguments.is_empty() {
        "{}"
    } else {
        arguments
    }
}
