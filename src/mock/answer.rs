//! The bytes of answers: chat completions, their chunks, errors.
//!
//! Written by hand into one buffer, since the shape never varies and the mock is also the yardstick of benchmarks.
//!
//! Source for all shapes: <https://platform.openai.com/docs/api-reference/chat>, 2025-11.

use std::fmt::{self, Write};

use bytes::{Bytes, BytesMut};

use super::question::Question;

/// The vocabulary. Its length is a power of two so that token `i` of request `n` is found by masking.
const WORDS: [&str; 32] = [
    "the", "scale", "weighs", "each", "load", "of", "grain", "and", "sends", "it", "down", "a",
    "road", "where", "carts", "are", "quick", "while", "slow", "ones", "rest", "until", "their",
    "wheels", "turn", "again", "so", "no", "sack", "is", "ever", "lost",
];

/// What all pieces of one answer share.
#[derive(Debug)]
pub(super) struct Text {
    number: u64,
    created: u64,
    /// The model's name as a JSON string.
    model: String,
    prompt_tokens: u64,
    completion_tokens: u64,
    finish: &'static str,
}

/// Writing to a buffer in memory can't fail, but for memory itself.
const IN_MEMORY: &str = "a buffer in memory takes what is written";

impl Text {
    /// The answer to request `number` with this many tokens.
    pub(super) fn new(question: Question, number: u64, tokens: u64, created: u64) -> Self {
        Self {
            number,
            created,
            finish: if question.max_tokens.is_some() {
                "length"
            } else {
                "stop"
            },
            model: question.model,
            prompt_tokens: question.prompt_tokens,
            completion_tokens: tokens,
        }
    }

    /// Tokens of the whole answer.
    pub(super) fn tokens(&self) -> u64 {
        self.completion_tokens
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "only the lowest five bits are used"
    )]
    fn word(&self, index: u64) -> &'static str {
        WORDS[self.number.wrapping_add(index) as usize & (WORDS.len() - 1)]
    }

    /// Token `index` (from 0), with the space before it.
    fn token(&self, out: &mut BytesMut, index: u64) {
        if index > 0 {
            out.extend_from_slice(b" ");
        }
        out.extend_from_slice(self.word(index).as_bytes());
    }

    fn head(&self, out: &mut BytesMut, object: &str) -> fmt::Result {
        write!(
            out,
            "{{\"id\":\"chatcmpl-mock-{:016x}\",\"object\":\"{object}\",\"created\":{},\"model\":{},",
            self.number, self.created, self.model
        )
    }

    fn usage(&self, out: &mut BytesMut) -> fmt::Result {
        write!(
            out,
            "\"usage\":{{\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{}}}",
            self.prompt_tokens,
            self.completion_tokens,
            self.prompt_tokens.saturating_add(self.completion_tokens)
        )
    }

    /// The whole answer as one document.
    pub(super) fn document(&self) -> Bytes {
        let words = usize::try_from(self.completion_tokens).unwrap_or(usize::MAX);
        let mut out = BytesMut::with_capacity(words.saturating_mul(7).saturating_add(512));
        self.write_document(&mut out).expect(IN_MEMORY);
        out.freeze()
    }

    fn write_document(&self, out: &mut BytesMut) -> fmt::Result {
        self.head(out, "chat.completion")?;
        out.write_str(
            "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"",
        )?;
        for index in 0..self.completion_tokens {
            self.token(out, index);
        }
        write!(
            out,
            "\",\"refusal\":null}},\"logprobs\":null,\"finish_reason\":\"{}\"}}],",
            self.finish
        )?;
        self.usage(out)?;
        out.write_str("}")
    }

    /// What every chunk of a stream begins with.
    pub(super) fn chunk_head(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(256);
        out.extend_from_slice(b"data: ");
        self.head(&mut out, "chat.completion.chunk")
            .expect(IN_MEMORY);
        out.freeze()
    }

    /// The first chunk's rest: who speaks. Its content is empty.
    pub(super) fn role(out: &mut BytesMut, usage: &str) {
        write!(
            out,
            "\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}},\
             \"logprobs\":null,\"finish_reason\":null}}]{usage}}}\n\n"
        )
        .expect(IN_MEMORY);
    }

    /// The rest of the chunk that carries token `index`.
    pub(super) fn content(&self, out: &mut BytesMut, index: u64, usage: &str) {
        out.extend_from_slice(b"\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");
        self.token(out, index);
        out.extend_from_slice(b"\"},\"logprobs\":null,\"finish_reason\":null}]");
        out.extend_from_slice(usage.as_bytes());
        out.extend_from_slice(b"}\n\n");
    }

    /// The rest of the chunk that says why it is over.
    pub(super) fn finish(&self, out: &mut BytesMut, usage: &str) {
        write!(
            out,
            "\"choices\":[{{\"index\":0,\"delta\":{{}},\"logprobs\":null,\"finish_reason\":\"{}\"}}]{usage}}}\n\n",
            self.finish
        )
        .expect(IN_MEMORY);
    }

    /// The rest of the chunk that counts the tokens.
    pub(super) fn counts(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"\"choices\":[],");
        self.usage(out).expect(IN_MEMORY);
        out.extend_from_slice(b"}\n\n");
    }
}

/// The last event of a stream.
pub(super) const DONE: &[u8] = b"data: [DONE]\n\n";

/// An error inside a stream that began well.
pub(super) const ERROR_EVENT: &[u8] = b"data: {\"error\":{\"message\":\"The server had an error while processing your request. Sorry about that!\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n";

/// The same as a document.
pub(super) const ERROR_DOCUMENT: &str = "{\"error\":{\"message\":\"The server had an error while processing your request. Sorry about that!\",\"type\":\"server_error\",\"param\":null,\"code\":null}}";

/// A page as a captive portal sends it.
pub(super) const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>Please sign in.</body></html>\n";

/// An error's document in OpenAI's shape.
pub(super) fn error(status: u16, message: &str) -> Bytes {
    let (kind, code) = match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        403 => ("permission_error", None),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("requests", Some("rate_limit_exceeded")),
        400..=499 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    let document = serde_json::json!({
        "error": { "message": message, "type": kind, "param": null, "code": code }
    });
    Bytes::from(document.to_string())
}

/// What an error of the law says.
pub(super) const fn message(status: u16) -> &'static str {
    match status {
        401 => "Incorrect API key provided.",
        403 => "You are not allowed to use this model.",
        404 => "The model does not exist or you do not have access to it.",
        429 => "Rate limit reached for requests. Please try again later.",
        400..=499 => "The request is not acceptable here.",
        503 | 529 => "The engine is currently overloaded, please try again later.",
        _ => "The server had an error while processing your request. Sorry about that!",
    }
}
