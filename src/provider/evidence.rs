//! What an error says of itself, gathered from every place where providers put it.
//!
//! OpenAI has `error.{message, type, code}`, Google `error.{code, status, message, details}`, Amazon a header with the name
//! and a bare `message`, Cohere `error_type` or nothing but a `message`, xAI a sentence in each of `code` and `error`, and
//! gateways pack the answer of another server as text into a field of theirs. All of it is reduced to a status, names and
//! words in lower case: what the fault table compares.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::span::{seconds, until};
use crate::wire::Reported;

/// Longest body that is read: what is longer is no error message.
const MAX_BODY: usize = 256 * 1024;

/// Most names that are kept, and the longest of them, in bytes.
const MAX_NAMES: usize = 24;
const MAX_NAME: usize = 100;

/// Most words that are kept, in bytes. The messages that are known are below 1 KiB.
const MAX_WORDS: usize = 4096;

/// Most elements of a list that are looked at.
const MAX_ELEMENTS: usize = 16;

/// Where the error came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// As the answer, with its status.
    AsAnswer,
    /// Inside an answer of status 200: an event of a stream, or a document.
    Inside,
}

/// What an error says of itself.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// Where it came.
    pub(super) came: Came,
    /// The answer's status; inside an answer the one that the error's code names, if it names one.
    pub(super) status: Option<u16>,
    /// Codes, types, statuses and reasons, in lower case.
    pub(super) names: Vec<String>,
    /// Messages, in lower case, each on a line.
    pub(super) words: String,
    /// How long a field of the body asks to wait.
    pub(super) wait: Option<Duration>,
    /// Whether `retry-after` or `retry-after-ms` was there and could be read.
    pub(super) asks_to_wait: bool,
    /// Since 1970, for fields that are moments.
    now: Duration,
}

impl Evidence {
    fn new(came: Came, now: Duration) -> Self {
        Self {
            came,
            status: None,
            names: Vec::new(),
            words: String::new(),
            wait: None,
            asks_to_wait: false,
            now,
        }
    }

    /// Of an answer; `now` since 1970.
    pub(super) fn of_answer(status: u16, headers: &HeaderMap, body: &[u8], now: Duration) -> Self {
        let mut evidence = Self::new(Came::AsAnswer, now);
        evidence.status = Some(status);
        let kind = headers.get("x-amzn-errortype");
        if let Some(kind) = kind.and_then(|kind| kind.to_str().ok()) {
            evidence.name(kind);
        }
        evidence.read_body(body);
        evidence
    }

    /// Of a document that came inside an answer: an event's data or a whole body; `now` since 1970.
    pub(super) fn of_document(document: &[u8], now: Duration) -> Self {
        let mut evidence = Self::new(Came::Inside, now);
        evidence.read_body(document);
        evidence.status = evidence.named_status();
        evidence
    }

    /// Of what was read of an error inside an answer.
    pub(super) fn of_reported(reported: &Reported) -> Self {
        let mut evidence = Self::new(Came::Inside, Duration::ZERO);
        for name in [&reported.code, &reported.kind].into_iter().flatten() {
            evidence.name(name);
        }
        evidence.say(&reported.message);
        evidence.status = evidence.named_status();
        evidence
    }

    /// Whether a name is `name`, which is in lower case.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// The status that a name is, of an error.
    fn named_status(&self) -> Option<u16> {
        let mut numbers = self.names.iter().filter_map(|name| name.parse().ok());
        numbers.find(|status| (400..600).contains(status))
    }

    fn read_body(&mut self, body: &[u8]) {
        if body.len() > MAX_BODY {
            return;
        }
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            // Some servers answer in plain text; a page says nothing.
            if let Ok(text) = std::str::from_utf8(body)
                && !text.trim_start().starts_with(['<', '{', '['])
            {
                self.say(text);
            }
            return;
        };
        self.read_document(&value);
    }

    /// Google wraps the error of a stream into a list, the Responses API into a `response`; xAI may send a bare sentence.
    fn read_document(&mut self, document: &Value) {
        if let Value::String(sentence) = document {
            return self.say(sentence);
        }
        let document = match document {
            Value::Array(elements) => elements.first().unwrap_or(&Value::Null),
            _ => document,
        };
        let document = document.get("response").unwrap_or(document);
        self.read_fields(document);
        if let Some(detail) = document.get("detail") {
            self.read_detail(detail);
        }
        self.read_error(document.get("error").unwrap_or(&Value::Null));
    }

    /// `error`: an object, or a sentence.
    fn read_error(&mut self, error: &Value) {
        match error {
            Value::String(sentence) => self.read_sentence(sentence),
            Value::Object(_) => {
                self.read_fields(error);
                if let Some(inner) = error.get("innererror") {
                    self.read_fields(inner);
                }
                self.read_details(error);
                self.read_metadata(error);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
        }
    }

    /// What a gateway repeats of another server's error: its document as text, or a sentence. Documents in documents end
    /// soon: each level doubles the escapes of the next.
    fn read_sentence(&mut self, sentence: &str) {
        let document = sentence
            .trim_start()
            .starts_with('{')
            .then(|| serde_json::from_str::<Value>(sentence).ok());
        match document.flatten() {
            Some(document) => {
                self.read_fields(&document);
                if let Some(error) = document.get("error") {
                    self.read_fields(error);
                    self.read_details(error);
                }
            }
            None => self.say(sentence),
        }
    }

    /// The fields that are the same everywhere.
    fn read_fields(&mut self, object: &Value) {
        for key in ["code", "type", "status", "error_type", "__type", "reason"] {
            match object.get(key) {
                Some(Value::String(name)) => self.name(name),
                Some(Value::Number(number)) => self.name(&number.to_string()),
                _ => {}
            }
        }
        match object.get("message") {
            Some(Value::String(message)) if message.starts_with('{') => self.read_sentence(message),
            Some(Value::String(message)) => self.say(message),
            _ => {}
        }
        // Seconds until a model is loaded, or until a limit has room.
        for key in ["estimated_time", "retry_after", "retry_after_seconds"] {
            let number = object.get(key).and_then(Value::as_f64);
            self.wait = self.wait.or(number.and_then(seconds));
        }
    }

    /// A sentence, or what a validator found.
    fn read_detail(&mut self, detail: &Value) {
        match detail {
            Value::String(sentence) => self.say(sentence),
            Value::Array(_) | Value::Object(_) => self.read_fields(detail),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Google's details: the reason, the quotas that were exceeded, how long to wait.
    fn read_details(&mut self, error: &Value) {
        for key in ["details", "errors"] {
            let details = error.get(key).and_then(Value::as_array);
            for detail in details.into_iter().flatten().take(MAX_ELEMENTS) {
                if let Some(reason) = detail.get("reason").and_then(Value::as_str) {
                    self.name(reason);
                }
                let delay = detail.get("retryDelay").and_then(Value::as_str);
                let delay = delay.and_then(|delay| until(delay, self.now));
                self.wait = self.wait.or(delay);
                let violations = detail.get("violations").and_then(Value::as_array);
                for violation in violations.into_iter().flatten().take(MAX_ELEMENTS) {
                    if let Some(quota) = violation.get("quotaId").and_then(Value::as_str) {
                        self.name(quota);
                    }
                }
            }
        }
    }

    /// `OpenRouter`'s metadata: another server's answer, which limit it was, its headers, and that the input was flagged.
    fn read_metadata(&mut self, error: &Value) {
        let Some(metadata) = error.get("metadata") else {
            return;
        };
        self.read_fields(metadata);
        for key in ["raw", "limit_source"] {
            match metadata.get(key).and_then(Value::as_str) {
                Some(text) if key == "raw" => self.read_sentence(text),
                Some(name) => self.name(name),
                None => {}
            }
        }
        if metadata.get("flagged_input").is_some() {
            self.name("flagged_input");
        }
        let headers = metadata.get("headers").and_then(Value::as_object);
        let reset = headers.and_then(|headers| {
            let mut all = headers.iter();
            let reset = all.find(|(name, _)| name.eq_ignore_ascii_case("x-ratelimit-reset"))?;
            until(reset.1.as_str()?, self.now)
        });
        self.wait = self.wait.or(reset);
    }

    /// Keeps a name without what Amazon puts around it (`namespace#Name:http://…`).
    fn name(&mut self, name: &str) {
        let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
        let name = name.split_once(":http").map_or(name, |(name, _)| name);
        if name.is_empty() {
            return;
        }
        if name.contains(' ') {
            // xAI puts a sentence where others have a code.
            return self.say(name);
        }
        if name.len() <= MAX_NAME && self.names.len() < MAX_NAMES {
            self.names.push(name.to_ascii_lowercase());
        }
    }

    fn say(&mut self, words: &str) {
        let room = MAX_WORDS.saturating_sub(self.words.len());
        let kept = (0..=room.min(words.len()))
            .rev()
            .find_map(|end| words.get(..end));
        self.words.extend(
            kept.into_iter()
                .flat_map(str::chars)
                .map(|c| c.to_ascii_lowercase()),
        );
        self.words.push('\n');
    }
}
