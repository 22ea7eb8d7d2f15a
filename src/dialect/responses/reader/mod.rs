//! A server's Responses stream, in any chunking, to pieces.
//!
//! Events say everything several times: as deltas, as a whole text, as a whole part, as a whole item and in the last event.
//! What came as deltas counts, and what did not is taken from the first event that has it whole: some servers send a call's
//! arguments only at its end. Capsules of such a proxy stay closed, since they are for that proxy.

mod open;

use serde_json::{Value, json};

use super::super::chat::read_usage;
use super::super::neutral::Piece;
use super::answer::read_finish;
use crate::wire::Reported;
use crate::wire::sse::{Item, Splitter};
use open::{Blocks, Said};

/// Reads one stream. Linear in its bytes; keeps at most one event and the state of the open items.
#[derive(Debug, Default)]
pub struct Reader {
    splitter: Splitter,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    over: bool,
    /// An event was too long to be looked into while no item was open: it may have been the last one, which repeats all.
    lost: bool,
    blocks: Blocks,
}

impl Reader {
    /// Before the first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next chunk; what it says goes to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Piece>) {
        let state = &mut self.state;
        self.splitter.push(chunk, |item| state.note(item, out));
    }

    /// The stream is over.
    pub fn finish(&mut self, out: &mut Vec<Piece>) {
        let state = &mut self.state;
        self.splitter.finish(|item| state.note(item, out));
        if state.lost && !state.over && state.blocks.are_closed() {
            state.end("completed", &Value::Null, out);
        }
    }
}

// === impl State ===

impl State {
    fn note(&mut self, item: Item<'_>, out: &mut Vec<Piece>) {
        if self.over {
            return;
        }
        match item {
            Item::TooLong if self.blocks.are_closed() => self.lost = true,
            Item::TooLong => self.fail("an event that is too long", out),
            // Not OpenAI's, but some servers end with it.
            Item::Event {
                data: b"[DONE]" | b"",
                ..
            } => {}
            Item::Event { name, data } => {
                let Ok(event @ Value::Object(_)) = serde_json::from_slice(data) else {
                    return self.fail("an event that is no JSON object", out);
                };
                let named = std::str::from_utf8(name).unwrap_or_default();
                let kind = event.get("type").and_then(Value::as_str);
                let kind = kind.unwrap_or(named);
                let error = event.get("error");
                let has_error = error.is_some_and(|error| !error.is_null() && *error != false);
                if kind == "error" || named == "error" || has_error {
                    self.report(Reported::read(data), out);
                    return;
                }
                self.read(kind, &event, out);
            }
        }
    }

    fn report(&mut self, reported: Option<Reported>, out: &mut Vec<Piece>) {
        let mut reported = reported.unwrap_or_else(|| Reported {
            message: "an error without a message".to_owned(),
            ..Reported::default()
        });
        // The event's own type.
        reported.kind = reported.kind.filter(|kind| kind != "error");
        self.over = true;
        out.push(Piece::Error(reported));
    }

    fn fail(&mut self, found: &str, out: &mut Vec<Piece>) {
        self.over = true;
        out.push(Piece::Error(Reported {
            message: format!("expected an event of a response, found {found}"),
            ..Reported::default()
        }));
    }

    fn read(&mut self, kind: &str, event: &Value, out: &mut Vec<Piece>) {
        let Some(name) = kind.strip_prefix("response.") else {
            // Events of other names keep connections open, or come next year.
            return;
        };
        let response = &event["response"];
        match name {
            "created" | "in_progress" | "queued" => self.start(response, out),
            "completed" | "incomplete" | "cancelled" => {
                self.start(response, out);
                let status = response["status"].as_str().unwrap_or(name);
                self.end(status, response, out);
            }
            "failed" => {
                let error = json!({ "error": response["error"] });
                self.report(Reported::read(error.to_string().as_bytes()), out);
            }
            _ => {
                let Some(said) = Said::of(name, event) else {
                    return;
                };
                self.start(&Value::Null, out);
                if let Err(found) = self.blocks.note(said, event, out) {
                    self.fail(found, out);
                }
            }
        }
    }

    fn start(&mut self, response: &Value, out: &mut Vec<Piece>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let text = |key: &str| response[key].as_str().unwrap_or_default().to_owned();
        let created = &response["created_at"];
        let whole = || {
            let text = format!("{:.0}", created.as_f64().filter(|at| *at >= 0.0)?);
            text.parse().ok()
        };
        out.push(Piece::Start {
            id: text("id"),
            model: text("model"),
            created: created.as_u64().or_else(whole),
            usage: None,
        });
    }

    /// The response is complete and stands at `status`.
    fn end(&mut self, status: &str, response: &Value, out: &mut Vec<Piece>) {
        self.over = true;
        if let Err(found) = self.blocks.end(&response["output"], out) {
            return self.fail(found, out);
        }
        if let Some(usage) = read_usage(&response["usage"]) {
            out.push(Piece::Usage(usage));
        }
        let details = response.get("incomplete_details");
        let finish = read_finish(status, details, self.blocks.has_calls());
        out.push(Piece::Finish { choice: 0, finish });
        out.push(Piece::Done);
    }
}
