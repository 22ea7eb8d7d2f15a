//! Requests to write.

use serde_json::Value;

use super::super::super::neutral::*;
use super::super::{MessagesOptions, write_request};

/// What Anthropic gets for `request`, and what was left out.
pub(super) fn write(request: &Request) -> (Value, Vec<String>) {
    let written = write_request(request, "claude-x", &MessagesOptions::default()).unwrap();
    (
        serde_json::from_slice(&written.body).unwrap(),
        written.dropped,
    )
}

/// A message.
pub(super) fn says(role: Role, parts: Vec<Part>) -> Message {
    Message {
        role,
        parts,
        name: None,
        extra: Extra::new(),
    }
}

/// A request in which the user says `parts`.
pub(super) fn user(parts: Vec<Part>) -> Request {
    Request {
        messages: vec![says(Role::User, parts)],
        ..Request::default()
    }
}

/// The least request.
pub(super) fn hi() -> Request {
    user(vec![Part::Text(Text::plain("hi"))])
}

/// A medium with nothing on it.
pub(super) fn media(source: Source, media_type: Option<&str>) -> Media {
    Media {
        source,
        media_type: media_type.map(str::to_owned),
        name: None,
        detail: None,
        cache: None,
    }
}
