//! A client's Messages request to the neutral form.

use serde_json::Value;

use super::super::chat::{take_own, without_nulls};
use super::super::json::{Object, misread};
use super::super::neutral::{Extra, Message, Misread, Request, Role, Sampling};
use super::blocks::read_content;
use super::turns::Turns;
use super::{output, thinking, tools};

/// Reads the body of `POST /v1/messages`, or of `…/messages/count_tokens`, which has no `max_tokens`. Members that only
/// this proxy understands are taken out first.
///
/// # Errors
/// What is not such a body, with the place.
pub fn read_request(body: &[u8]) -> Result<Request, Misread> {
    let mut object = Object::read(body)?;
    take_own(&mut object);
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    messages.extend(read_system(&mut object, &mut turns.extra)?);
    if object.peek("messages").is_none() {
        return Err(object.missing("messages", "a list of messages"));
    }
    for (index, value) in object.list("messages")?.into_iter().enumerate() {
        turns.read(value, index, &mut messages)?;
    }
    let mut extra = turns.extra;
    let (tool_choice, parallel_tool_calls) = tools::read_choice(&mut object, &mut extra)?;
    let mut config = object.object("output_config")?;
    let output = output::read(&mut object, config.as_mut(), &mut extra)?;
    let reasoning = thinking::read(&mut object, config.as_mut(), &mut extra)?;
    if let Some(rest) = config.map(|config| without_nulls(config.rest()))
        && !rest.is_empty()
    {
        extra.insert("output_config".to_owned(), Value::Object(rest));
    }
    let (user, metadata) = read_metadata(&mut object)?;
    let request = Request {
        model: object.text("model")?.unwrap_or_default(),
        stream: object.flag("stream")?.unwrap_or(false),
        // Messages always tells them.
        include_usage: true,
        messages,
        tools: tools::read_tools(&mut object, &mut extra)?,
        tool_choice,
        parallel_tool_calls,
        output,
        sampling: read_sampling(&mut object)?,
        reasoning,
        user,
        metadata,
        extra: Extra::new(),
    };
    extra.extend(without_nulls(object.rest()));
    Ok(Request { extra, ..request })
}

/// The standing instructions, which stand beside the messages; `None` if there are none.
fn read_system(object: &mut Object, extra: &mut Extra) -> Result<Option<Message>, Misread> {
    let at = object.at("system");
    let parts = match object.take("system") {
        None => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(content) => read_content(content, &at, extra)?,
    };
    Ok((!parts.is_empty()).then(|| Message {
        role: Role::System,
        parts,
        name: None,
        extra: Extra::new(),
    }))
}

fn read_sampling(object: &mut Object) -> Result<Sampling, Misread> {
    Ok(Sampling {
        max_tokens: object.count("max_tokens")?,
        temperature: object.number("temperature")?,
        top_p: object.number("top_p")?,
        top_k: object.count("top_k")?,
        stop: read_stop(object)?,
        ..Sampling::default()
    })
}

fn read_stop(object: &mut Object) -> Result<Vec<String>, Misread> {
    let at = object.at("stop_sequences");
    let list = object.list("stop_sequences")?.into_iter().enumerate();
    let texts = list.map(|(index, value)| match value {
        Value::String(text) => Ok(text),
        other => Err(misread(&format!("{at}[{index}]"), "a string", &other)),
    });
    texts.collect()
}

/// The end user's id, and what else stands in `metadata`.
fn read_metadata(object: &mut Object) -> Result<(Option<String>, Option<Value>), Misread> {
    let Some(mut metadata) = object.object("metadata")? else {
        return Ok((None, None));
    };
    let user = metadata.text("user_id")?;
    let rest = without_nulls(metadata.rest());
    Ok((user, (!rest.is_empty()).then_some(Value::Object(rest))))
}
