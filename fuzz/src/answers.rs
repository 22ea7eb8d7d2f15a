//! Providers' answers: whatever comes is, to every client, JSON or a stream of events, whatever the chunks, and not much
//! more than came.

use weighbridge::dialect::Front;
use weighbridge::dialect::any::{Ask, Reader, Target, Writer};
use weighbridge::dialect::chat::ChatOptions;
use weighbridge::dialect::gemini::GeminiOptions;
use weighbridge::dialect::messages::MessagesOptions;
use weighbridge::dialect::neutral::Piece;
use weighbridge::wire::eventstream;
use weighbridge::wire::sse::{Item, Splitter};

/// What is asked, in each language.
const QUESTIONS: [(Front, &str); 4] = [
    (
        Front::Chat,
        r#"{"model":"m","stream_options":{"include_usage":true},"logprobs":true,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"q"}]}"#,
    ),
    (
        Front::Completions,
        r#"{"model":"m","prompt":"q","logprobs":1}"#,
    ),
    (
        Front::Responses,
        r#"{"model":"m","input":"q","include":["reasoning.encrypted_content"],"tools":[{"type":"function","name":"f","parameters":{}}]}"#,
    ),
    (
        Front::Messages,
        r#"{"model":"m","max_tokens":9,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"q"}]}"#,
    ),
];
const VECTORS: &str = r#"{"model":"m","input":["a","b"],"encoding_format":"base64"}"#;

/// Bytes that a client gets at most for each that came: a text of one letter becomes an event, and Responses says a text
/// four times.
const TIMES: usize = 512;
/// And beside them: what begins and ends an answer, the question that Responses repeats.
const FRAME: usize = 16 << 10;

/// Every language of targets, by a letter.
pub fn target(letter: u8) -> Target {
    match letter.to_ascii_lowercase() {
        b'm' => Target::Messages(MessagesOptions::default()),
        b'b' => Target::Converse,
        b'g' | b'v' => Target::Gemini(GeminiOptions::default()),
        b'k' | b'w' => Target::Cohere,
        _ => Target::Chat(ChatOptions::default()),
    }
}

/// What is asked in the language of `front`.
fn asked(front: Front, question: &str) -> Ask {
    let ask = Ask::read(front, question.as_bytes()).expect("the front has a language");
    ask.unwrap_or_else(|error| panic!("expected a request in {question}: {error:?}"))
}

fn is_json(body: &[u8], what: &str) {
    let read = serde_json::from_slice::<serde::de::IgnoredAny>(body);
    let shown = || String::from_utf8_lossy(body);
    assert!(read.is_ok(), "{what}: expected JSON, found {}", shown());
}

fn is_bounded(out: &[u8], from: &[u8]) {
    let (out, from) = (out.len(), from.len());
    assert!(out <= FRAME + TIMES * from, "{from} bytes became {out}");
}

/// A whole answer of `target`, to everybody.
fn unary(target: &Target, body: &[u8]) {
    for (front, question) in QUESTIONS {
        if let Ok(said) = asked(front, question).answer(target, body, 1) {
            is_json(&said.body, question);
            is_bounded(&said.body, body);
        }
    }
}

/// Vectors of `target`.
fn vectors(target: &Target, body: &[u8]) {
    if let Ok(said) = asked(Front::Embeddings, VECTORS).answer(target, body, 1) {
        is_json(&said.body, VECTORS);
        is_bounded(&said.body, body);
    }
}

fn read(mut reader: Reader, chunks: &[&[u8]]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for chunk in chunks {
        reader.push(chunk, &mut pieces);
    }
    reader.finish(&mut pieces);
    pieces
}

/// A stream of `target`, to everybody.
fn stream(target: &Target, body: &[u8]) {
    let whole = read(target.reader(), &[body]);
    for cut in super::cuts(body) {
        assert_eq!(
            read(target.reader(), &cut),
            whole,
            "the chunks do not matter"
        );
    }
    for (front, question) in QUESTIONS {
        let streams = asked(front, question).stream(target, 1, 1);
        let (_, mut writer) = streams.expect("conversations stream");
        let out = written(&mut writer, &whole);
        is_bounded(&out, body);
        is_stream(&out, question);
    }
}

fn written(writer: &mut Writer, pieces: &[Piece]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        writer.piece(piece, &mut out);
    }
    out
}

fn is_stream(out: &[u8], what: &str) {
    assert!(
        out.is_empty() || out.ends_with(b"\n\n"),
        "{what}: expected whole events"
    );
    let mut splitter = Splitter::new();
    let mut check = |item: Item<'_>| match item {
        Item::Event { data, .. } if data != b"[DONE]" => is_json(data, what),
        Item::Event { .. } | Item::TooLong => {}
    };
    splitter.push(out, &mut check);
    splitter.finish(&mut check);
}

/// Events as Amazon frames them; their names are the events' types.
fn framed(events: &[u8]) -> Vec<u8> {
    let (mut splitter, mut out) = (Splitter::new(), Vec::new());
    let mut frame = |item: Item<'_>| {
        if let Item::Event { name, data } = item {
            let name = String::from_utf8_lossy(name);
            let name: String = name.chars().take(32).collect();
            let headers = [(":event-type", name.as_str()), (":message-type", "event")];
            out.extend_from_slice(&eventstream::write(&headers, data));
        }
    };
    splitter.push(events, &mut frame);
    splitter.finish(&mut frame);
    out
}

/// What the target claims. The first byte says whose answer it is, a capital that it is a stream; the rest is the answer,
/// Amazon's stream as server-sent events.
///
/// # Panics
/// A claim does not hold.
pub fn run(data: &[u8]) {
    let Some((letter, body)) = data.split_first() else {
        return;
    };
    let target = target(*letter);
    match (letter, &target) {
        (b'e' | b'v' | b'w', target) => vectors(target, body),
        (b'A'..=b'Z', Target::Converse) => stream(&target, &framed(body)),
        (b'A'..=b'Z', target) => stream(target, body),
        (_, target) => unary(target, body),
    }
}
