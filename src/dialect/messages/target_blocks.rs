//! Parts of messages as Anthropic's content blocks.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::super::neutral::{Dialect, Media, Part, Reasoning, Text, ToolCall, ToolResult};
use super::target_dropped::Dropped;
use super::target_fit::is_word;
use super::target_media::{document, image};

/// Writes `part` as blocks: one, or none where it has no contents, or two for thoughts that are partly sealed.
pub(super) fn write(part: &Part, dropped: &mut Dropped, out: &mut Vec<Value>) {
    let (block, cache) = match part {
        Part::Text(part) => (text(part, dropped), &part.cache),
        Part::Refusal(words) => (text(&Text::plain(words.as_str()), dropped), &None),
        Part::Image(media) => {
            name_detail(media, dropped);
            (image(media), &media.cache)
        }
        Part::File(media) => (document(media), &media.cache),
        Part::ToolCall(call) => (Some(tool_use(call, dropped)), &call.cache),
        Part::ToolResult(result) => (Some(tool_result(result, dropped)), &result.cache),
        Part::Reasoning(thought) => return thinking(thought, dropped, out),
        Part::Other(Dialect::Messages, value) => (Some(value.clone()), &None),
        // A request with these does not fit.
        Part::Audio(_) | Part::Other(..) => (None, &None),
    };
    match block {
        Some(mut block) => {
            mark(&mut block, cache.as_ref(), dropped);
            out.push(block);
        }
        None => dropped.name_if("messages[].content[].cache_control", cache.is_some()),
    }
}

/// Puts the mark that the prompt up to here is to be cached on `block`.
pub(super) fn mark(block: &mut Value, cache: Option<&Value>, dropped: &mut Dropped) {
    match (cache, block.as_object_mut()) {
        (Some(cache @ Value::Object(_)), Some(members)) => {
            members.insert("cache_control".to_owned(), cache.clone());
        }
        (Some(_), _) => dropped.name("cache_control"),
        (None, _) => {}
    }
}

/// A text; Anthropic refuses those without a visible sign ("text content blocks must contain non-whitespace text",
/// <https://github.com/home-assistant/core/issues/175637>).
fn text(text: &Text, dropped: &mut Dropped) -> Option<Value> {
    if text.text.trim().is_empty() {
        return None;
    }
    let mut block = json!({"type": "text", "text": text.text});
    match &text.annotations {
        Some(list) if are_citations(list) => {
            if let Some(members) = block.as_object_mut() {
                members.insert("citations".to_owned(), list.clone());
            }
        }
        Some(Value::Array(list)) if list.is_empty() => {}
        Some(_) => dropped.name("messages[].annotations"),
        None => {}
    }
    Some(block)
}

/// Whether annotations are Anthropic's own: the types of its citations all end alike.
fn are_citations(list: &Value) -> bool {
    let is_one = |one: &Value| {
        let kind = one.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| kind.ends_with("_location"))
    };
    list.as_array()
        .is_some_and(|list| !list.is_empty() && list.iter().all(is_one))
}

fn name_detail(media: &Media, dropped: &mut Dropped) {
    let asks = media.detail.as_deref().is_some_and(|word| word != "auto");
    dropped.name_if("messages[].content[].image_url.detail", asks);
}

fn tool_use(call: &ToolCall, dropped: &mut Dropped) -> Value {
    dropped.name_if(
        "messages[].tool_calls[].signature",
        call.signature.is_some(),
    );
    let input = match serde_json::from_str::<Value>(&call.arguments) {
        Ok(input @ Value::Object(_)) => input,
        Err(_) if call.arguments.trim().is_empty() => Value::Object(Map::new()),
        // A model may have said what is no object; Anthropic takes nothing else.
        Ok(_) | Err(_) => {
            dropped.name("messages[].tool_calls[].function.arguments");
            Value::Object(Map::new())
        }
    };
    json!({"type": "tool_use", "id": clean_id(&call.id), "name": call.name, "input": input})
}

fn tool_result(result: &ToolResult, dropped: &mut Dropped) -> Value {
    let mut content = Vec::new();
    for part in &result.content {
        write(part, dropped, &mut content);
    }
    if result.is_error && content.is_empty() {
        // A failure without words would tell the model nothing.
        content.push(json!({"type": "text", "text": "error"}));
    }
    let mut block = Map::new();
    block.insert("type".to_owned(), json!("tool_result"));
    block.insert("tool_use_id".to_owned(), json!(clean_id(&result.id)));
    if !content.is_empty() {
        block.insert("content".to_owned(), Value::Array(content));
    }
    if result.is_error {
        block.insert("is_error".to_owned(), json!(true));
    }
    Value::Object(block)
}

/// Past thoughts. Anthropic takes back only what it signed or sealed itself; thoughts with an id and summaries are another
/// provider's, whatever their seal.
fn thinking(thought: &Reasoning, dropped: &mut Dropped, out: &mut Vec<Value>) {
    let is_own = thought.id.is_none() && !thought.is_summary;
    let filled = |text: &&String| is_own && !text.is_empty();
    let signature = thought.signature.as_ref().filter(filled);
    let sealed = thought.sealed.as_ref().filter(filled);
    if let Some(signature) = signature {
        out.push(json!({"type": "thinking", "thinking": thought.text, "signature": signature}));
    }
    if let Some(data) = sealed {
        out.push(json!({"type": "redacted_thinking", "data": data}));
    }
    let is_lost = signature.is_none() && (sealed.is_none() || !thought.text.is_empty());
    dropped.name_if("messages[].reasoning", is_lost);
}

/// `id` as Anthropic takes it. Other signs become `_`, and a digest of the whole keeps two ids apart that differ only
/// there; the same id always becomes the same, so that calls and results still meet.
pub(super) fn clean_id(id: &str) -> Cow<'_, str> {
    if is_word(id) {
        return Cow::Borrowed(id);
    }
    // FNV-1a: ids need be apart, not safe.
    let digest = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let signs = id.chars().map(|sign| {
        let is_taken = sign.is_ascii_alphanumeric() || sign == '_' || sign == '-';
        if is_taken { sign } else { '_' }
    });
    Cow::Owned(format!("{}_{digest:016x}", signs.collect::<String>()))
}
