//! What passes in its own words passes byte for byte: documents and streams, as a server may write them and as servers have
//! written them (recorded answers, where `WEIGHBRIDGE_DATA` says where they are).
//!
//! Two things are changed, and nothing else: the chunk of token counts that a client had not asked for is taken out again,
//! and where a pool has several providers opaque state gets its mark, which is the mark in front and nothing behind it.

use std::path::PathBuf;

use serde_json::Value;

use super::faultd::{Act, Faultd};
use super::moves::post_to;
use super::world::{Plan, Spec, World};
use crate::config::Interface;
use crate::model::Outcome;

/// An answer, and who asks for it.
struct Answer {
    name: String,
    path: &'static str,
    stream: bool,
    body: Vec<u8>,
}

/// Where answers of an interface, by its name in the recordings, are asked for; `None` for what is only translated.
fn path_of(interface: &str) -> Option<&'static str> {
    Some(match interface {
        "openai-chat" => "/v1/chat/completions",
        "openai-legacy-completions" => "/v1/completions",
        "openai-responses" => "/v1/responses",
        "anthropic-messages" => "/v1/messages",
        _ => return None,
    })
}

/// Answers as nobody's serialiser would write them: spaces, orders, escapes, numbers and members that are nobody's.
fn written() -> Vec<Answer> {
    let answer = |path, stream, body: &str| Answer {
        name: format!("written for {path}, stream: {stream}"),
        path,
        stream,
        body: body.as_bytes().to_vec(),
    };
    let chat = "\n{ \"zz\": 1.50e+02, \"choices\" :[{\"message\":{\"content\":\"\\u00e9\\/\\ud83d\\ude00 é\",\
        \"role\":\"assistant\"},\"finish_reason\":\"stop\",\"index\":0}],\t\"usage\":{\"prompt_tokens\":1,\
        \"completion_tokens\":18446744073709551616},\"x\":[null,{}],\"zz\":0}\r\n";
    let chunks = ": first\r\n\r\nretry: 10\r\nid: 7\r\ndata:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\u0062\"}}],\
        \"usage\":null}\r\n\r\nevent: x\ndata: {\"choices\": [{\"index\":0,\ndata: \"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
        data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n: last\n\n";
    let completion =
        "{\"choices\":[{\"text\":\" x\",\"index\":0,\"finish_reason\":\"length\"}] ,\"id\":\"c\"}";
    let response = "{\"object\":\"response\",\"status\":\"completed\",\"output\":[ {\"type\":\"message\",\"content\":[]}],\"id\":\"r\"}";
    let message = "{\"type\":\"message\", \"content\":[{\"type\":\"text\",\"text\":\"\\u0061\"}],\"stop_reason\":\"end_turn\",\
        \"usage\":{\"input_tokens\":1,\"output_tokens\":1}}";
    vec![
        answer("/v1/chat/completions", false, chat),
        answer("/v1/chat/completions", true, chunks),
        answer("/v1/completions", false, completion),
        answer("/v1/responses", false, response),
        answer("/v1/messages", false, message),
    ]
}

/// Recorded successes whose words a client may speak.
fn recorded() -> Vec<Answer> {
    let Some(data) = std::env::var_os("WEIGHBRIDGE_DATA").map(PathBuf::from) else {
        return Vec::new();
    };
    let folder = data.join("recordings");
    let index = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let files = index
        .lines()
        .skip(1)
        .map(|row| row.split(',').next().unwrap());
    let read = |file: &str| {
        let text = std::fs::read_to_string(folder.join("responses").join(file)).unwrap();
        let recording: Value = serde_json::from_str(&text).unwrap();
        let path = path_of(recording["api"].as_str().unwrap())?;
        (recording["status"] == 200).then(|| Answer {
            name: file.to_owned(),
            path,
            stream: recording["stream"] == true,
            body: match &recording["body"] {
                Value::String(body) => body.clone().into_bytes(),
                other => other.to_string().into_bytes(),
            },
        })
    };
    files.filter_map(read).collect()
}

/// As it goes over the wire: in chunks of eleven bytes where it streams.
fn sent(answer: &Answer) -> Act {
    let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
    if answer.stream {
        bytes.extend_from_slice(
            b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        );
        for chunk in answer.body.chunks(11) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
    } else {
        let length = answer.body.len();
        let head = format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&answer.body);
    }
    Act::Answer(bytes)
}

/// A request for it.
fn asked(answer: &Answer, counts: bool) -> String {
    let said = match answer.path {
        "/v1/completions" => "\"prompt\":\"q\"",
        "/v1/responses" => "\"input\":\"q\"",
        _ => "\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]",
    };
    let counts = if counts {
        ",\"stream_options\":{\"include_usage\":true}"
    } else {
        ""
    };
    format!(
        "{{\"model\":\"chat\",\"stream\":{},{said}{counts}}}",
        answer.stream
    )
}

/// The events of a stream, each with its blank line.
fn events(body: &str) -> Vec<&str> {
    let mut events = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let ends = ["\n\n", "\r\n\r\n"].map(|blank| rest.find(blank).map(|at| at + blank.len()));
        let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
        let (event, tail) = rest.split_at(end);
        events.push(event);
        rest = tail;
    }
    events
}

/// A stream without the chunks of counts alone, byte for byte.
fn without_counts(body: &str) -> String {
    let is_counts = |event: &str| {
        let data = event.lines().filter_map(|line| line.strip_prefix("data:"));
        let chunk: Value = serde_json::from_str(&data.collect::<String>()).unwrap_or_default();
        chunk["choices"].as_array().is_some_and(Vec::is_empty) && chunk["usage"].is_object()
    };
    events(body)
        .into_iter()
        .filter(|event| !is_counts(event))
        .collect()
}

/// Without marks of origin: `wb1_`, eight digits, `_`.
fn without_marks(body: &str) -> String {
    let mut parts = body.split("wb1_");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        all + part.split_once('_').map_or(part, |(_, rest)| rest)
    })
}

/// A pool that has one target of the path's own interface, or another provider too.
async fn pool(answer: &Answer, providers: usize) -> (Vec<Faultd>, World) {
    let interface = match answer.path {
        "/v1/messages" => Interface::Anthropic,
        _ => Interface::OPENAI,
    };
    let (mut targets, mut specs) = (Vec::new(), Vec::new());
    for _ in 0..providers {
        let target = Faultd::start(sent(answer)).await;
        specs.push(Spec::speaking(target.address, interface.clone()));
        targets.push(target);
    }
    (targets, Plan::new(specs).start().await)
}

async fn check(answer: &Answer, counts: bool, providers: usize) {
    let (_targets, world) = pool(answer, providers).await;
    let got = world
        .send(&post_to(answer.path, &asked(answer, counts)))
        .await;
    let case = format!(
        "{}, counts asked for: {counts}, {providers} providers",
        answer.name
    );
    assert_eq!((got.status, got.whole), (200, true), "{case}: {got:?}");
    let body = std::str::from_utf8(&answer.body).unwrap();
    let are_chunks = matches!(answer.path, "/v1/chat/completions" | "/v1/completions");
    let expected = if answer.stream && are_chunks && !counts {
        without_counts(body)
    } else {
        body.to_owned()
    };
    let found = if providers == 1 {
        got.body
    } else {
        without_marks(&got.body)
    };
    assert_eq!(found, expected, "{case}");
    let outcomes: Vec<Outcome> = world.attempts().await.iter().map(|it| it.1).collect();
    assert_eq!(outcomes, [Outcome::Ok], "{case}");
}

#[tokio::test]
async fn what_passes_in_its_own_words_passes_byte_for_byte() {
    let recorded = recorded();
    let (mut documents, mut streams, mut taken_out) = (0, 0, 0);
    for answer in written().iter().chain(&recorded) {
        for (counts, providers) in [(true, 1), (false, 1), (false, 2)] {
            check(answer, counts, providers).await;
        }
        let body = std::str::from_utf8(&answer.body).unwrap();
        if answer.stream {
            streams += 1;
            taken_out += usize::from(without_counts(body) != body);
        } else {
            documents += 1;
        }
    }
    println!(
        "{documents} documents and {streams} streams, {taken_out} of them with a chunk of counts"
    );
    assert!(
        recorded.is_empty() || (documents >= 70 && streams >= 45 && taken_out >= 10),
        "{documents} documents, {streams} streams, {taken_out} with counts"
    );
}
