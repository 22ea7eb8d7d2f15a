//! The same provider as Bedrock has it: Converse, whole and in binary events.

use serde_json::{Value, json};

use super::super::faultd::response;
use super::target::Says;
use crate::wire::eventstream;

/// Refuses a turn with calls that has lost its thoughts while thinking is on.
pub(super) fn accepts(body: &Value) -> Result<(), String> {
    let thinking = body.pointer("/additionalModelRequestFields/thinking/type");
    if thinking != Some(&json!("enabled")) {
        return Ok(());
    }
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let last = messages.iter().rev().find(|it| it["role"] == "assistant");
    let blocks = last.and_then(|it| it["content"].as_array());
    let blocks = blocks.map_or(&[][..], Vec::as_slice);
    let thinks = blocks
        .first()
        .is_some_and(|block| block.get("reasoningContent").is_some());
    let calls = blocks.iter().any(|block| block.get("toolUse").is_some());
    if calls && !thinks {
        return Err("Expected `thinking`, but found `tool_use`".to_owned());
    }
    Ok(())
}

/// What is said, as a document or as events.
pub(super) fn answer(says: &Says, streams: bool) -> Vec<u8> {
    let reason = if says.calls { "tool_use" } else { "end_turn" };
    let usage = json!({"inputTokens": 3, "outputTokens": 2, "totalTokens": 5});
    if !streams {
        let message = json!({"role": "assistant", "content": content(says)});
        let whole = json!({"output": {"message": message}, "stopReason": reason, "usage": usage});
        return response("200 OK", "application/json", &whole.to_string());
    }
    let mut frames = frame("messageStart", &json!({"role": "assistant"}));
    for (index, block) in content(says).iter().enumerate() {
        for (kind, mut payload) in pieces(block) {
            payload["contentBlockIndex"] = json!(index);
            frames.extend(frame(kind, &payload));
        }
    }
    frames.extend(frame("messageStop", &json!({"stopReason": reason})));
    frames.extend(frame("metadata", &json!({"usage": usage})));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ncontent-length: {}\r\n\r\n",
        frames.len()
    );
    [head.into_bytes(), frames].concat()
}

fn content(says: &Says) -> Vec<Value> {
    let thought = json!({"text": "let me see", "signature": says.signed("t")});
    let mut content = vec![
        json!({"reasoningContent": {"reasoningText": thought}}),
        json!({"reasoningContent": {"redactedContent": says.signed("r")}}),
        json!({"text": "hello"}),
    ];
    if says.calls {
        let id = format!("tooluse_{}", says.turn);
        let input = json!({"signature": "of a letter", "redactedContent": "hello"});
        content.push(json!({"toolUse": {"toolUseId": id, "name": "look", "input": input}}));
    }
    content
}

/// The events of a block, without its number.
fn pieces(block: &Value) -> Vec<(&'static str, Value)> {
    let delta = |delta: Value| ("contentBlockDelta", json!({"delta": delta}));
    let mut events = Vec::new();
    if let Some(thought) = block.pointer("/reasoningContent/reasoningText") {
        for part in ["text", "signature"] {
            let mut piece = json!({"reasoningContent": {}});
            piece["reasoningContent"][part] = thought[part].clone();
            events.push(delta(piece));
        }
    } else if let Some(call) = block.get("toolUse") {
        let start = json!({"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}});
        events.push(("contentBlockStart", json!({"start": start})));
        let input = call["input"].to_string();
        events.push(delta(json!({"toolUse": {"input": input}})));
    } else {
        events.push(delta(block.clone()));
    }
    events.push(("contentBlockStop", json!({})));
    events
}

fn frame(kind: &str, payload: &Value) -> Vec<u8> {
    let headers = [
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    eventstream::write(&headers, payload.to_string().as_bytes())
}
