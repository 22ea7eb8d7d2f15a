//! Requests, put together for tests.

use serde_json::Value;

use super::super::super::neutral::*;
use super::super::{GeminiOptions, write_request};

pub(super) const STUDIO: GeminiOptions = GeminiOptions {
    vertex: false,
    thinking_levels: false,
};
pub(super) const VERTEX: GeminiOptions = GeminiOptions {
    vertex: true,
    thinking_levels: false,
};
pub(super) const LEVELS: GeminiOptions = GeminiOptions {
    vertex: false,
    thinking_levels: true,
};

pub(super) fn message(role: Role, parts: Vec<Part>) -> Message {
    Message {
        role,
        parts,
        name: None,
        extra: Extra::new(),
    }
}

pub(super) fn asked(parts: Vec<Part>) -> Request {
    Request {
        messages: vec![message(Role::User, parts)],
        ..Request::default()
    }
}

pub(super) fn result(id: &str, content: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult(ToolResult {
        id: id.to_owned(),
        content,
        is_error,
        ..ToolResult::default()
    })
}

pub(super) fn media(source: Source, media_type: Option<&str>) -> Media {
    Media {
        source,
        media_type: media_type.map(str::to_owned),
        name: None,
        detail: None,
        cache: None,
    }
}

pub(super) fn image() -> Part {
    Part::Image(media(Source::Base64("AA==".to_owned()), Some("image/png")))
}

pub(super) fn function(name: &str) -> Function {
    Function {
        name: name.to_owned(),
        ..Function::default()
    }
}

pub(super) fn written(
    request: &Request,
    model: &str,
    options: GeminiOptions,
) -> (Value, Vec<String>) {
    let written = write_request(request, model, &options).unwrap();
    (
        serde_json::from_slice(&written.body).unwrap(),
        written.dropped,
    )
}

pub(super) fn contents(request: &Request) -> Value {
    written(request, "gemini-2.5-flash", STUDIO).0["contents"].take()
}

pub(super) fn config(request: &Request, model: &str, options: GeminiOptions) -> Value {
    written(request, model, options).0["generationConfig"].take()
}
