//! OpenAI's Responses, as clients and servers speak it.
//!
//! The problem: Responses is a list of items where the other dialects have messages, it can keep the conversation at the
//! provider, and its streams tell every item's life in events. The choice: consecutive items of the model become one
//! message, and an answer's parts become items again, with ids made here. What lives at the provider (an earlier response, a
//! conversation, a stored prompt, work in the background, a reference to an item) only a server of Responses has:
//! [`fit_elsewhere`] says so.
//!
//! What Responses has no place for (the signature of a thought or of a call, a part that only another dialect knows) travels
//! in `encrypted_content` of a reasoning item, which clients send back as they got it; see the module `capsule`.
//!
//! Ids and states of items (`id`, `status`) say how a server stored them; they are read and not carried on.
//!
//! Sources, read 2026-11-23: <https://platform.openai.com/docs/api-reference/responses>,
//! <https://platform.openai.com/docs/api-reference/responses-streaming> and OpenAI's `OpenAPI` document of that day.

mod answer;
mod capsule;
mod content;
mod echo;
mod elsewhere;
mod fit;
mod input;
mod item;
mod reader;
mod request;
mod write;
mod write_input;
mod writer;

pub use answer::{read_answer, write_answer};
pub use capsule::may_hold_capsules;
pub use elsewhere::fit_elsewhere;
pub use fit::fit;
pub use reader::Reader;
pub use request::read_request;
pub use write::write_request;
pub use writer::Writer;

use serde_json::json;

use crate::wire::ErrorBody;

/// An error's document: `{"error": {message, type, param, code}}`, the same as chat's.
pub fn write_error(error: &ErrorBody) -> Vec<u8> {
    error.json().to_vec()
}

/// The data of the event `error`, the last one of a stream; `sequence_number` as the events before it count.
/// Source, read 2026-11-28: <https://platform.openai.com/docs/api-reference/responses-streaming/error>.
pub fn error_event(error: &ErrorBody, sequence_number: u32) -> Vec<u8> {
    let event = json!({"type": "error", "code": error.code.label(), "message": error.message,
        "param": error.param, "sequence_number": sequence_number});
    event.to_string().into_bytes()
}

#[cfg(test)]
mod tests;
