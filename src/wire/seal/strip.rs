//! Takes out of a request what only another provider understands.
//!
//! Thoughts that nobody else can read are dropped whole; ids and signatures are dropped from what is otherwise visible.
//! What is stored elsewhere and not in the request, as a conversation under an id, cannot be left out: the request is bound
//! to its origin.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::Origin;

/// Kinds of objects that are nothing but thoughts.
const THOUGHTS: [&str; 4] = [
    "thinking",
    "redacted_thinking",
    "reasoning",
    "reasoning.encrypted",
];

/// Members that hold opaque state and nothing else.
const OPAQUE: [&str; 6] = [
    "signature",
    "thought_signature",
    "thoughtSignature",
    "encrypted_content",
    "encrypted_index",
    "encrypted_stdout",
];

/// Members that name something which is only at its origin.
const STORED: [&str; 6] = [
    "previous_response_id",
    "conversation",
    "container",
    "container_id",
    "file_id",
    "approval_request_id",
];

/// What a tool, a model or a client wrote; at the top of a Responses body, `input` is the conversation.
const FREE: [&str; 8] = [
    "input",
    "arguments",
    "audio",
    "metadata",
    "tools",
    "parameters",
    "prompt",
    "response_format",
];

/// What a capsule of ours begins with: see `dialect::responses`.
const CAPSULE: &str = r#"{"wb":1"#;

/// What [`stripped`] made.
#[derive(Clone, Debug, PartialEq)]
pub struct Stripped {
    /// The body without the state of others.
    pub body: Bytes,
    /// How many parts were dropped.
    pub dropped: usize,
}

/// State that cannot be left out: what it names is only at its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} names what only its origin has")]
pub struct Bound {
    /// The member, for example `previous_response_id`.
    pub what: &'static str,
    /// Whose it is.
    pub origin: Origin,
}

/// `body` without the state of everybody but `keep`, whose marks are left for [`super::unsealed`]. With nobody to keep,
/// thoughts without a mark go too: whoever made them, it is not known who reads them.
///
/// # Errors
/// The request names something that is stored at another origin.
pub fn stripped(body: &Bytes, keep: Option<Origin>) -> Result<Stripped, Bound> {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return Ok(Stripped {
            body: body.clone(),
            dropped: 0,
        });
    };
    let mut walk = Walk { keep, dropped: 0 };
    walk.value(&mut value, "", true)?;
    let dropped = walk.dropped;
    if dropped == 0 {
        let body = body.clone();
        return Ok(Stripped { body, dropped });
    }
    tidy(&mut value);
    let body = value.to_string().into();
    Ok(Stripped { body, dropped })
}

/// `body` of Responses without the thoughts that other dialects packed into it; a server of Responses would refuse them.
pub fn without_capsules(body: &Bytes) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return body.clone();
    };
    let Some(items) = value.get_mut("input").and_then(Value::as_array_mut) else {
        return body.clone();
    };
    let before = items.len();
    items.retain(|item| {
        let held = item.get("encrypted_content").and_then(Value::as_str);
        !held.is_some_and(|text| text.starts_with(CAPSULE))
    });
    if items.len() == before {
        return body.clone();
    }
    value.to_string().into()
}

/// `body` of Messages without `thinking` where it is switched on and the turn that tools are called in has lost its
/// thoughts: Anthropic refuses such a turn unless thinking is off until it is over
/// (<https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking>, 2026-11-23).
pub fn without_idle_thinking(body: &Bytes) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return body.clone();
    };
    if value.pointer("/thinking/type") != Some(&Value::from("enabled")) || !is_mid_call(&value) {
        return body.clone();
    }
    if let Some(members) = value.as_object_mut() {
        members.shift_remove("thinking");
        // Its edits of thoughts are refused where there are none.
        members.shift_remove("context_management");
    }
    value.to_string().into()
}

/// Whether the last turn of the model calls tools and does not begin with a thought.
fn is_mid_call(body: &Value) -> bool {
    let messages = body.get("messages").and_then(Value::as_array);
    let mut turns = messages.into_iter().flatten().rev();
    let last = turns.find(|turn| turn.get("role").and_then(Value::as_str) == Some("assistant"));
    let Some(blocks) = last.and_then(|turn| turn.get("content")?.as_array()) else {
        return false;
    };
    let thinks = |kind: &str| matches!(kind, "thinking" | "redacted_thinking");
    blocks.iter().any(|block| kind(block) == "tool_use")
        && !blocks.first().is_some_and(|block| thinks(kind(block)))
}

fn kind(value: &Value) -> &str {
    value
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn origin(value: &Value) -> Option<Origin> {
    Origin::at_start(value.as_str()?.as_bytes())
}

/// Messages that nothing is left of, and lists of thoughts without one.
fn tidy(body: &mut Value) {
    let Some(messages) = body.get_mut("messages").and_then(Value::as_array_mut) else {
        return;
    };
    let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    for message in messages.iter_mut() {
        if let Some(members) = message.as_object_mut() {
            for list in ["reasoning_details", "thinking_blocks"] {
                if members.get(list).is_some_and(is_empty) {
                    members.shift_remove(list);
                }
            }
        }
    }
    messages.retain(|message| {
        !message.get("content").is_some_and(is_empty) || message.get("tool_calls").is_some()
    });
}

struct Walk {
    keep: Option<Origin>,
    dropped: usize,
}

impl Walk {
    /// Whose mark `value` has, if it is another one's.
    fn foreign(&self, value: &Value) -> Option<Origin> {
        origin(value).filter(|origin| Some(*origin) != self.keep)
    }

    fn is_foreign(&self, value: &Value) -> bool {
        self.foreign(value).is_some()
    }

    /// Whether `value` is state that cannot be kept.
    fn is_lost(&self, value: &Value) -> bool {
        match origin(value) {
            Some(origin) => Some(origin) != self.keep,
            None => self.keep.is_none() && value.as_str().is_some_and(|text| !text.is_empty()),
        }
    }

    /// Recursion is bounded by the reader's own limit of 128 levels.
    fn value(&mut self, value: &mut Value, under: &str, top: bool) -> Result<(), Bound> {
        match value {
            Value::Array(items) => {
                self.drop_from(items);
                for item in items {
                    self.value(item, under, false)?;
                }
            }
            Value::Object(members) => {
                self.members(members, under)?;
                for (key, member) in members {
                    let free = FREE.contains(&key.as_str()) && !(top && key == "input");
                    if !free {
                        self.value(member, key, false)?;
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(())
    }

    /// Drops what is nothing without its state, and what goes with it.
    fn drop_from(&mut self, items: &mut Vec<Value>) {
        let before = items.len();
        let mut calls: Vec<Value> = Vec::new();
        items.retain(|item| {
            let lost = self.is_nothing(item);
            if lost && let Some(call) = item.get("tool_use_id") {
                calls.push(call.clone());
            }
            !lost
        });
        if !calls.is_empty() {
            let is_answered = |item: &Value| item.get("id").is_some_and(|id| calls.contains(id));
            items.retain(|item| kind(item) != "server_tool_use" || !is_answered(item));
        }
        self.dropped += before - items.len();
    }

    fn is_nothing(&self, item: &Value) -> bool {
        let Some(members) = item.as_object() else {
            return false;
        };
        let foreign = || members.values().any(|member| self.is_foreign(member));
        match kind(item) {
            kind if THOUGHTS.contains(&kind) => self.keep.is_none() || foreign(),
            "reasoning.text" => members
                .get("signature")
                .is_some_and(|text| self.is_lost(text)),
            "web_search_result_location" => members
                .get("encrypted_index")
                .is_some_and(|text| self.is_lost(text)),
            "web_search_tool_result" | "code_execution_tool_result" => self.holds_lost(item),
            _ => false,
        }
    }

    /// Whether an encrypted member stands somewhere in `value` that cannot be kept.
    fn holds_lost(&self, value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| self.holds_lost(item)),
            Value::Object(members) => members.iter().any(|(key, member)| {
                (OPAQUE.contains(&key.as_str()) && self.is_lost(member)) || self.holds_lost(member)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }

    /// The members of one object.
    fn members(&mut self, members: &mut Map<String, Value>, under: &str) -> Result<(), Bound> {
        let kind = members.get("type").and_then(Value::as_str);
        let whole = match kind.unwrap_or_default() {
            "item_reference" => Some("item_reference"),
            "compaction" => Some("compaction"),
            _ => STORED.into_iter().find(|stored| *stored == under),
        };
        if let Some(what) = whole
            && let Some(origin) = members.values().find_map(|member| self.foreign(member))
        {
            return Err(Bound { what, origin });
        }
        let is_compaction = kind == Some("compaction");
        let mut bound = None;
        let before = members.len();
        members.retain(|key, member| {
            let stored = STORED.into_iter().find(|stored| stored == key);
            if let (Some(what), Some(origin)) = (stored, self.foreign(member)) {
                bound = Some(Bound { what, origin });
            }
            let opaque = OPAQUE.contains(&key.as_str()) && !is_compaction && self.is_lost(member);
            let foreign_id = key == "id" && self.is_foreign(member);
            !(opaque || foreign_id)
        });
        self.dropped += before - members.len();
        bound.map_or(Ok(()), Err)
    }
}
