//! What tells one conversation, and one user, from the others.
//!
//! Problem: the turns of a conversation are requests of their own, and clients name what they belong to in a dozen ways or
//! not at all. The choice: on the walk that reads the envelope anyway, the places of the members that may say it are noted;
//! a route that keeps conversations together then reads only those few slices. What names the conversation wins; without a
//! name its opening is hashed, which is the same in every turn: the system prompt and everything up to the first message of
//! the user. Texts count, marks for the cache do not, since clients move these from turn to turn.
//!
//! It errs in these ways: two conversations with the same opening and the same user are one; an opening that changes (a
//! clock in the system prompt) is another conversation each time, but then the provider's cache is of no use either; a
//! request that goes on from `previous_response_id` has only its newest message, and finds its provider by the id's mark of
//! origin.

use std::ops::{ControlFlow, Range};

use serde_json::value::RawValue;

use super::envelope::Envelope;
use super::raw::{Member, each_element, members};
use super::shape::Shape;
use crate::balance::{Key, KeyHasher};

/// Headers by which clients name the conversation that a request belongs to, in the order in which they count, in lower case.
///
/// Sources, all read 2026-11-28: `x-session-id`, `session_id`, `session-id` (Codex), `x-claude-code-session-id` and
/// `x-session-affinity`: <https://docs.merge.dev/merge-gateway/routing/cache-aware-routing>; the first and the last together
/// (`OpenCode`): <https://github.com/anomalyco/opencode/pull/31511>; `conversation_id` (older Codex), `x-amp-thread-id`:
/// <https://github.com/router-for-me/CLIProxyAPI>, `config.example.yaml`; `x-opencode-session`:
/// <https://github.com/nousresearch/hermes-agent>, `agent/opencode_affinity.py`; `x-grok-conv-id`: xAI, "Maximizing cache
/// hits"; `x-litellm-session-id`: `LiteLLM`, "Agent iteration budgets"; `helicone-session-id`: Helicone, "Sessions".
pub const SESSION_HEADERS: [&str; 11] = [
    "x-session-id",
    "x-claude-code-session-id",
    "session_id",
    "session-id",
    "conversation_id",
    "x-session-affinity",
    "x-opencode-session",
    "x-amp-thread-id",
    "x-grok-conv-id",
    "x-litellm-session-id",
    "helicone-session-id",
];

/// Members of a body that are noted.
const NOTED: [&str; 14] = [
    "prompt_cache_key",
    "thread",
    "conversation",
    "session_id",
    "safety_identifier",
    "user",
    "identity",
    "contact",
    "metadata",
    "orq",
    "instructions",
    "system",
    "messages",
    "input",
];

/// Most messages that are looked at before the first of the user.
const MOST_BEFORE: usize = 64;

/// Where the noted members' values are: start and end; both 0 where there is none. The first of a name counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted([(u32, u32); NOTED.len()]);

impl Noted {
    /// Notes that the value of `key` is at `range`.
    pub(super) fn note(&mut self, key: &str, range: &Range<usize>) {
        let place = NOTED.iter().position(|name| *name == key);
        let place = place.and_then(|place| self.0.get_mut(place));
        // A body of four gibibytes is refused long before.
        if let (Some(place @ (0, 0)), Ok(start), Ok(end)) =
            (place, u32::try_from(range.start), u32::try_from(range.end))
        {
            *place = (start, end);
        }
    }

    /// The value of `name` in `body`, unless it is null.
    fn value<'b>(&self, body: &'b [u8], name: &str) -> Option<&'b str> {
        let place = NOTED.iter().position(|noted| *noted == name)?;
        let (start, end) = *self.0.get(place)?;
        let bytes = body.get(start as usize..end as usize)?;
        let text = std::str::from_utf8(bytes).ok()?;
        (!text.is_empty() && text != "null").then_some(text)
    }
}

impl Envelope {
    /// The conversation that the request names: `prompt_cache_key`, `thread`, `conversation`, `session_id`, the `session`
    /// of a header (see [`SESSION_HEADERS`]), or what `metadata` has of a session. `body` must be the one that the envelope
    /// was read from.
    pub fn conversation(&self, body: &[u8], session: Option<&[u8]>) -> Option<Key> {
        let value = |name| self.noted.value(body, name);
        let named = named(value("prompt_cache_key"))
            .or_else(|| named(value("thread")))
            .or_else(|| named(member(value("orq")?, "thread")))
            .or_else(|| named(value("conversation")))
            .or_else(|| named(value("session_id")));
        let key = |text: &[u8]| Key::of("conversation", text);
        if let Some(text) = named {
            return Some(key(text.as_bytes()));
        }
        if let Some(session) = session.filter(|session| !session.is_empty()) {
            return Some(key(session));
        }
        let metadata = value("metadata")?;
        if let Some(text) = named_at(metadata, "session_id") {
            return Some(key(text.as_bytes()));
        }
        let session = UserId::read(named_at(metadata, "user_id")?).session?;
        Some(key(session.as_bytes()))
    }

    /// The conversation by how it begins: the system prompt, what follows up to the first message of the user, and the user
    /// if one is named. `None` without a message of the user.
    pub fn opening(&self, body: &[u8]) -> Option<Key> {
        let value = |name| self.noted.value(body, name);
        let mut hasher = KeyHasher::new("opening");
        for name in ["instructions", "system"] {
            if let Some(text) = value(name) {
                add_content(&mut hasher, text);
            }
        }
        let messages = value("messages").or_else(|| value("input"))?;
        if !add_messages(&mut hasher, messages) {
            return None;
        }
        if let Some(user) = self.user_text(body) {
            hasher.add(user.as_bytes());
        }
        Some(hasher.key())
    }

    /// The user that the request names: `safety_identifier`, `user`, `metadata.user_id` without its session, or `identity`.
    pub fn user(&self, body: &[u8]) -> Option<Key> {
        let text = self.user_text(body)?;
        Some(Key::of("user", text.as_bytes()))
    }

    /// What `metadata` has under `names`, where that is a text. `body` must be the one that the envelope was read from.
    pub fn metadata<const N: usize>(&self, body: &[u8], names: [&str; N]) -> [Option<String>; N] {
        let mut found = [const { None }; N];
        let Some(metadata) = self.noted.value(body, "metadata") else {
            return found;
        };
        let walked = members(metadata, |member| {
            let place = names.iter().position(|name| *name == member.key);
            if let Some(place) = place.and_then(|place| found.get_mut(place)) {
                *place = serde_json::from_str(member.value.get()).ok();
            }
            Ok(())
        });
        // It is the provider's to refuse.
        walked.map_or([const { None }; N], |()| found)
    }

    fn user_text(&self, body: &[u8]) -> Option<String> {
        let value = |name| self.noted.value(body, name);
        let own = named(value("safety_identifier"))
            .or_else(|| named(value("user")))
            .or_else(|| named(value("identity")))
            .or_else(|| named(value("contact")))
            .or_else(|| named(member(value("orq")?, "identity")));
        own.map(str::to_owned).or_else(|| {
            let id = named_at(value("metadata")?, "user_id")?;
            UserId::read(id).user
        })
    }
}

/// A name: a text or a number, or the `id` of an object. Escapes stay as they are written, since a client writes the same
/// name in the same way.
fn named(value: Option<&str>) -> Option<&str> {
    let value = value?.trim_ascii();
    let first = value.bytes().next()?;
    match Shape::starting_with(first)? {
        Shape::Text => value
            .get(1..value.len().checked_sub(1)?)
            .filter(|inner| !inner.is_empty()),
        Shape::Number => Some(value),
        Shape::Object => named(member(value, "id").filter(|id| !id.starts_with('{'))),
        Shape::Array | Shape::Boolean | Shape::Null => None,
    }
}

fn named_at<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    named(member(object, key))
}

/// The value of `key` in `object`; the first, if there are several.
fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let mut found = None;
    let walked = members(object, |member: Member<'a>| {
        if member.key == key && found.is_none() {
            found = Some(member.value.get());
        }
        Ok(())
    });
    walked.ok()?;
    found.filter(|value| *value != "null")
}

/// What Anthropic's `metadata.user_id` holds. `Claude Code` writes its session behind the user, as
/// `user_…_account_…_session_…`, later as JSON with `device_id`, `account_uuid` and `session_id`.
/// Source: <https://github.com/router-for-me/CLIProxyAPI> (session affinity), 2026-11-28.
#[derive(Debug, Default)]
struct UserId {
    user: Option<String>,
    session: Option<String>,
}

impl UserId {
    fn read(written: &str) -> Self {
        let text: String = serde_json::from_str(&format!("\"{written}\"")).unwrap_or_default();
        if text.starts_with('{') {
            let part = |key| named_at(&text, key).unwrap_or_default();
            let user = format!("{}/{}", part("account_uuid"), part("device_id"));
            return Self {
                user: Some(user).filter(|user| user != "/"),
                session: named_at(&text, "session_id").map(str::to_owned),
            };
        }
        let (user, session) = match text.rsplit_once("_session_") {
            Some((user, session)) => (user.to_owned(), Some(session.to_owned())),
            None => (text, None),
        };
        Self {
            user: Some(user).filter(|user| !user.is_empty()),
            session: session.filter(|session| !session.is_empty()),
        }
    }
}

/// Takes messages in up to the first of the user; tells whether there was one.
fn add_messages(hasher: &mut KeyHasher, messages: &str) -> bool {
    if messages.starts_with('"') {
        add_content(hasher, messages);
        return true;
    }
    let (mut found, mut seen) = (false, 0);
    each_element(messages, |message| {
        seen += 1;
        found = add_message(hasher, message);
        if found || seen == MOST_BEFORE {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    found
}

/// Takes a message in; tells whether it is the user's.
fn add_message(hasher: &mut KeyHasher, message: &RawValue) -> bool {
    let (mut role, mut content) = ("", None);
    let walked = members(message.get(), |member| {
        match member.key.as_ref() {
            "role" => role = member.value.get(),
            "content" => content = Some(member.value.get()),
            _ => {}
        }
        Ok(())
    });
    if walked.is_err() || role.is_empty() {
        return false;
    }
    hasher.add(role.as_bytes());
    if let Some(content) = content {
        add_content(hasher, content);
    }
    role == "\"user\""
}

/// Takes a text or a list of parts in: a text is the same as a list of it alone.
fn add_content(hasher: &mut KeyHasher, content: &str) {
    if let Some(text) = inner(content) {
        hasher.add(text.as_bytes());
        return;
    }
    each_element(content, |part| {
        match member(part.get(), "text").and_then(inner) {
            Some(text) => hasher.add(text.as_bytes()),
            None => add_part(hasher, part.get()),
        }
        ControlFlow::Continue(())
    });
}

/// Takes a part in that is no text: all but its mark for the cache.
fn add_part(hasher: &mut KeyHasher, part: &str) {
    let walked = members(part, |member| {
        if member.key != "cache_control" {
            hasher.add(member.key.as_bytes());
            hasher.add(member.value.get().as_bytes());
        }
        Ok(())
    });
    if walked.is_err() {
        hasher.add(part.as_bytes());
    }
}

/// What is between the quotes of a text.
fn inner(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
#[path = "sticky_tests.rs"]
mod tests;
