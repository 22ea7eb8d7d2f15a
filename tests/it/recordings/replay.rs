//! One recorded success through its adapter and every front.

use std::collections::BTreeSet;

use serde_json::Value;
use weighbridge::dialect::any::Client;
use weighbridge::dialect::neutral::{Piece, Request};
use weighbridge::model::{Outcome, Tokens};
use weighbridge::wire::{StreamReader, answer};

use super::order;
use super::recording::{Api, Recording};
use super::said::{Call, Choice, End, Said, Usage, events};
use super::schema::Schemas;

const FRONTS: [(Client, Api); 4] = [
    (Client::Chat, Api::Chat),
    (Client::Completions, Api::Completions),
    (Client::Responses, Api::Responses),
    (Client::Messages, Api::Messages),
];

/// What was done with a recording, or everything that is wrong with it.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) fronts: usize,
    /// As the program counts them, passing by and translated.
    pub(super) tokens: Vec<Tokens>,
    /// As the recording counts them.
    pub(super) usage: Option<Usage>,
    pub(super) wrong: Vec<String>,
}

/// What a client asks, in each front's words, wanting everything that can be told.
fn request(client: Client, stream: bool) -> Request {
    let body = match client {
        Client::Chat => {
            r#"{"model":"m","messages":[{"role":"user","content":"q"}],"stream_options":{"include_usage":true},"#
        }
        Client::Completions => {
            r#"{"model":"m","prompt":"q","stream_options":{"include_usage":true},"#
        }
        // Much of it is repeated in the answer.
        Client::Responses => {
            r#"{"model":"m","input":"q","instructions":"i","user":"u","max_output_tokens":9,"metadata":{"a":"b"},
            "tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"f"},
            "text":{"format":{"type":"json_schema","name":"s","schema":{"type":"object"}}},
            "reasoning":{"effort":"low"},"temperature":0.5,"truncation":"auto","#
        }
        Client::Messages => {
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"q"}],"#
        }
    };
    let body = if stream {
        format!("{body}\"stream\":true}}")
    } else {
        format!("{body}\"stream\":false}}")
    };
    client.read_request(body.as_bytes()).unwrap()
}

/// Replays a success that is written in the words of `api`.
pub(super) fn success(recording: &Recording, api: Api, schemas: Option<&Schemas>) -> Replay {
    let mut replay = Replay::default();
    let said = Said::of(api, recording.stream, &recording.body);
    replay.usage = said.usage;
    replay.watch(recording, api, &said);
    if recording.stream {
        replay.stream(recording, api, &said, schemas);
    } else {
        replay.unary(recording, api, &said, schemas);
    }
    replay
}

// === impl Replay ===

impl Replay {
    /// As it passes by to a client of the same words.
    fn watch(&mut self, recording: &Recording, api: Api, said: &Said) {
        let Some(watched) = api.watched() else {
            return;
        };
        let usage = if recording.stream {
            let mut reader = StreamReader::of(watched);
            for chunk in recording.body.chunks(7) {
                reader.push(chunk);
            }
            let seen = reader.finish();
            if seen.outcome() != Some(Outcome::Ok) {
                self.wrong.push(format!("watched: {seen:?}"));
            }
            seen.usage
        } else {
            match answer::read_as(watched, &recording.body) {
                Ok(answer) => answer.usage,
                Err(error) => {
                    self.wrong.push(format!("watched: {error}"));
                    return;
                }
            }
        };
        self.tokens.extend(usage);
        self.compare_usage("watched", said.usage, usage.map(counts));
    }

    fn unary(&mut self, recording: &Recording, api: Api, said: &Said, schemas: Option<&Schemas>) {
        let answer = match api.read_answer(&recording.body) {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => {
                self.wrong.push(format!("not read: {error}"));
                return;
            }
            None => return,
        };
        self.tokens.extend(answer.usage);
        self.compare_usage("read", said.usage, answer.usage.map(counts));
        for (client, front) in fronts_for(said) {
            let written = client.write_answer(&answer, &request(client, false));
            let document: Value = serde_json::from_slice(&written).unwrap();
            let checked = schemas.map(|schemas| schemas.check_answer(client, &document));
            if let Some(Err(wrong)) = checked {
                self.wrong.push(format!("{client:?}: {wrong}"));
            }
            self.compare(client, said, &Said::of(front, false, &written));
        }
    }

    fn stream(&mut self, recording: &Recording, api: Api, said: &Said, schemas: Option<&Schemas>) {
        let Some(pieces) = api.read_stream(recording.body.chunks(7)) else {
            return;
        };
        let whole = api.read_stream([recording.body.as_slice()]);
        if whole.as_ref() != Some(&pieces) {
            self.wrong
                .push("chunks of 7 bytes read otherwise".to_owned());
        }
        if pieces.last() != Some(&Piece::Done) {
            let last = format!("{:?} is the last piece", pieces.last());
            self.wrong.push(last);
        }
        let usage = pieces.iter().rev().find_map(|piece| match piece {
            Piece::Usage(tokens) => Some(*tokens),
            _ => None,
        });
        self.tokens.extend(usage);
        self.compare_usage("read", said.usage, usage.map(counts));
        for (client, front) in fronts_for(said) {
            let mut writer = client.writer(&request(client, true), 7, 1_795_478_400);
            let mut written = Vec::new();
            for piece in &pieces {
                writer.piece(piece, &mut written);
            }
            if let Err(wrong) = order::check(client, &written) {
                self.wrong.push(format!("{client:?}: {wrong}"));
            }
            for event in events(&written) {
                let checked = schemas.map(|schemas| schemas.check_event(client, &event));
                if let Some(Err(wrong)) = checked {
                    self.wrong.push(format!("{client:?}: {wrong}"));
                }
            }
            self.compare(client, said, &Said::of(front, true, &written));
        }
    }

    fn compare(&mut self, client: Client, expected: &Said, found: &Said) {
        self.fronts += 1;
        if expected.choices.len() != found.choices.len() {
            let (wanted, found) = (expected.choices.len(), found.choices.len());
            self.wrong
                .push(format!("{client:?}: {found} choices for {wanted}"));
        }
        for (wanted, found) in expected.choices.iter().zip(&found.choices) {
            let told = end_for(client, wanted);
            let ends = found.finish.is_some() && (told.is_none() || told == found.finish);
            if !(ends && wanted.text == found.text && same_calls(&wanted.calls, &found.calls)) {
                let wrong = format!("{client:?}:\n  wanted {wanted:?}\n  found {found:?}");
                self.wrong.push(wrong);
            }
        }
        // Azure's Grok reports more cached than asked; Messages counts both apart and cannot say so.
        let wanted = expected.usage.map(|usage| match client {
            Client::Messages => Usage {
                input: usage.input.max(usage.cached + usage.written),
                ..usage
            },
            Client::Chat | Client::Completions | Client::Responses => usage,
        });
        self.compare_usage(&format!("{client:?}"), wanted, found.usage);
    }

    /// What a recording counts must be counted; where it does not, Messages must count all the same, and says 0.
    fn compare_usage(&mut self, place: &str, expected: Option<Usage>, found: Option<Usage>) {
        if expected.is_some() && expected != found {
            let wrong = format!("{place}: wanted {expected:?}, found {found:?}");
            self.wrong.push(wrong);
        }
    }
}

/// The fronts that can say all of it: completions have no calls, Responses and Messages one choice.
fn fronts_for(said: &Said) -> impl Iterator<Item = (Client, Api)> {
    let calls = said.choices.iter().any(|choice| !choice.calls.is_empty());
    let several = said.choices.len() > 1;
    FRONTS.into_iter().filter(move |(client, _)| match client {
        Client::Chat => true,
        Client::Completions => !calls,
        Client::Responses | Client::Messages => !several,
    })
}

/// What of it a client of this front is told: Responses say of a complete answer only that it is, so whether there are calls
/// is seen; the others say it in a word.
fn end_for(client: Client, choice: &Choice) -> Option<End> {
    let by_word = client != Client::Responses && !choice.calls.is_empty();
    match &choice.finish {
        // A provider's own word becomes one of the client's; a stream that does not say must still end.
        None | Some(End::Other(_)) => None,
        Some(End::Complete | End::Calls) if by_word => Some(End::Calls),
        Some(End::Complete | End::Calls) => Some(End::Complete),
        Some(known) => Some(known.clone()),
    }
}

/// Whether calls are the same ones: an id that was given is kept, and where none was, each has one of its own.
fn same_calls(wanted: &[Call], found: &[Call]) -> bool {
    let ids: BTreeSet<&str> = found.iter().map(|call| call.id.as_str()).collect();
    let each = wanted.iter().zip(found).all(|(wanted, found)| {
        let id = wanted.id.is_empty() || wanted.id == found.id;
        id && wanted.name == found.name && wanted.arguments == found.arguments
    });
    each && wanted.len() == found.len() && ids.len() == found.len() && !ids.contains("")
}

const fn counts(tokens: Tokens) -> Usage {
    Usage {
        input: tokens.input,
        cached: tokens.cached_input,
        written: tokens.cache_write,
        output: tokens.output,
        reasoning: tokens.reasoning,
    }
}
