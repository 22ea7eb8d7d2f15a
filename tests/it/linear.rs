//! Every reader of streams costs linear work, however long an event is and however small its chunks are.
//!
//! A reader that looks at its buffer again at every chunk, or moves it, does work in the square of an event's length: one
//! event costs eight times what eight events of an eighth cost. Nothing in the readers counts work, and an allocator that
//! does would need unsafe code, so time is compared: of the same bytes, in the same chunks, as one event and as eight. Where
//! work is linear both take the same; the bound is half way to the square, and what counts is the least of three runs and
//! the time that the thread had a core, so that a busy machine does not decide.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use weighbridge::dialect::{chat, cohere, converse, gemini, messages, responses};
use weighbridge::wire::seal::{Origin, Shape, StreamSealer};
use weighbridge::wire::{StreamReader, Watched, WholeEvents, eventstream, sse};

/// In how many events the same bytes come the second time.
const PARTS: usize = 8;
/// Small enough that every event comes in thousands of them.
const CHUNK: usize = 100;

/// How long this thread has had a core; `None` where the system does not tell.
fn on_core() -> Option<Duration> {
    // The system's count is as of when the thread left its core last.
    std::thread::sleep(Duration::from_micros(50));
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = told.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// Times `read` over `stream` in chunks, the least of three runs.
fn time(stream: &[u8], read: &dyn Fn(&mut dyn Iterator<Item = &[u8]>)) -> Duration {
    let run = || {
        #[expect(clippy::disallowed_methods, reason = "the module says why")]
        let (start, before) = (Instant::now(), on_core());
        read(&mut stream.chunks(CHUNK));
        match (before, on_core()) {
            (Some(before), Some(after)) => after.saturating_sub(before),
            _ => start.elapsed(),
        }
    };
    (0..3).map(|_| run()).min().unwrap()
}

/// Checks `read` with events of `event`, given how long their text is, within a reader's bound (1 MiB and less) and beyond.
fn check(
    name: &str,
    event: impl Fn(usize) -> Vec<u8>,
    read: impl Fn(&mut dyn Iterator<Item = &[u8]>),
) {
    for size in [900_000, 10 << 20] {
        let one = time(&event(size), &read);
        let several = time(&event(size / PARTS).repeat(PARTS), &read);
        let bound = several * 4 + Duration::from_millis(20);
        assert!(
            one <= bound,
            "{name}: {size} bytes in one event take {one:?}, in {PARTS} events {several:?}"
        );
    }
}

/// An event of an event stream that has `text` bytes of text in its place in `document`.
fn sse(document: &serde_json::Value) -> impl Fn(usize) -> Vec<u8> + use<> {
    let around = document.to_string();
    move |text| {
        let data = around.replace("TEXT", &"x".repeat(text));
        format!("data: {data}\n\n").into_bytes()
    }
}

fn chat_event() -> impl Fn(usize) -> Vec<u8> {
    let delta = json!({"content": "TEXT"});
    sse(&json!({"choices": [{"index": 0, "delta": delta}], "usage": null}))
}

fn messages_event() -> impl Fn(usize) -> Vec<u8> {
    let delta = json!({"type": "text_delta", "text": "TEXT"});
    sse(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))
}

fn responses_event() -> impl Fn(usize) -> Vec<u8> {
    sse(
        &json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0,
        "item_id": "i", "delta": "TEXT"}),
    )
}

fn frame(text: usize) -> Vec<u8> {
    let payload = json!({"contentBlockIndex": 0, "delta": {"text": "x".repeat(text)}});
    let headers = [
        (":event-type", "contentBlockDelta"),
        (":message-type", "event"),
    ];
    eventstream::write(&headers, payload.to_string().as_bytes())
}

#[test]
fn splitters_and_watchers_cost_linear_work() {
    check("Splitter", chat_event(), |chunks| {
        let mut splitter = sse::Splitter::new();
        let mut items = 0;
        for chunk in chunks {
            splitter.push(chunk, |_| items += 1);
        }
        assert!(items > 0, "an event or that it is too long");
    });
    check(
        "Splitter of short lines",
        |size| "data: x\n".repeat(size / 8).into_bytes(),
        |chunks| {
            let mut splitter = sse::Splitter::new();
            for chunk in chunks {
                splitter.push(chunk, |_| {});
            }
        },
    );
    for (watched, event) in [
        (Watched::Chat, &chat_event() as &dyn Fn(usize) -> Vec<u8>),
        (Watched::Responses, &responses_event()),
        (Watched::Messages, &messages_event()),
    ] {
        check(&format!("StreamReader of {watched:?}"), event, |chunks| {
            let mut reader = StreamReader::of(watched);
            for chunk in chunks {
                reader.push(chunk);
            }
            assert!(reader.finish().first_content, "it is content");
        });
    }
    for hides_usage in [false, true] {
        check("WholeEvents", chat_event(), |chunks| {
            let mut events = WholeEvents::new(hides_usage);
            let passed: usize = chunks
                .map(|chunk| events.push(&Bytes::copy_from_slice(chunk)).len())
                .sum();
            assert!(passed > 0, "content passes");
        });
    }
    check("eventstream::Splitter", frame, |chunks| {
        let mut splitter = eventstream::Splitter::new();
        let mut messages = 0;
        for chunk in chunks {
            splitter.push(chunk, |_| messages += 1).unwrap();
        }
        assert!(messages > 0, "whole messages");
    });
}

#[test]
fn marking_state_costs_linear_work() {
    let signature = json!({"type": "signature_delta", "signature": "TEXT"});
    let signed = sse(&json!({"type": "content_block_delta", "index": 0, "delta": signature}));
    let thought = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "TEXT"});
    let item =
        sse(&json!({"type": "response.output_item.done", "output_index": 0, "item": thought}));
    for (shape, event) in [
        (Shape::Thoughts, &signed as &dyn Fn(usize) -> Vec<u8>),
        (Shape::Thoughts, &chat_event()),
        (Shape::Items, &item),
        (Shape::Items, &responses_event()),
    ] {
        check(&format!("StreamSealer of {shape:?}"), event, |chunks| {
            let mut sealer = StreamSealer::new(Origin::of("a"), shape);
            let passed: usize = chunks
                .map(|chunk| sealer.push(&Bytes::copy_from_slice(chunk)).len())
                .sum();
            assert!(passed + sealer.finish().len() > 0, "everything passes");
        });
    }
}

#[test]
fn readers_of_dialects_cost_linear_work() {
    macro_rules! check_reader {
        ($name:literal, $event:expr, $reader:expr) => {
            check($name, $event, |chunks| {
                let (mut reader, mut out) = ($reader, Vec::new());
                for chunk in chunks {
                    reader.push(chunk, &mut out);
                }
                reader.finish(&mut out);
                assert!(!out.is_empty(), "text, or that it is too long");
            });
        };
    }
    let parts = json!({"parts": [{"text": "TEXT"}]});
    let gemini_event = sse(&json!({"candidates": [{"index": 0, "content": parts}]}));
    let content = json!({"content": {"text": "TEXT"}});
    let cohere_event =
        sse(&json!({"type": "content-delta", "index": 0, "delta": {"message": content}}));
    check_reader!("chat", chat_event(), chat::Reader::new());
    check_reader!("messages", messages_event(), messages::Reader::new());
    check_reader!("responses", responses_event(), responses::Reader::new());
    check_reader!("gemini", gemini_event, gemini::Reader::new());
    check_reader!("cohere", cohere_event, cohere::Reader::new());
    check_reader!("converse", frame, converse::Reader::new());
}

#[test]
#[should_panic(expected = "in one event take")]
fn a_reader_that_looks_again_at_what_it_holds_is_noticed() {
    check("again", chat_event(), |chunks| {
        let (mut held, mut events) = (Vec::new(), 0);
        for chunk in chunks {
            held.extend_from_slice(chunk);
            if held.contains(&b'\n') {
                events += 1;
                held.clear();
            }
        }
        assert!(events > 0, "an event ends");
    });
}
