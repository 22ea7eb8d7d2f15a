//! Answers that Cohere really gave, where the data's folder is there; see `WEIGHBRIDGE_DATA`.

use std::path::Path;

use serde_json::Value;

use super::super::read_answer;
use super::*;

/// What a recording says, by an independent walk.
fn walk(message: &Value, all: &mut Said) {
    let list = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        Value::Object(_) => vec![value.clone()],
        _ => Vec::new(),
    };
    for part in list(&message["content"]) {
        all.text.push_str(part["text"].as_str().unwrap_or(""));
        all.thoughts
            .push_str(part["thinking"].as_str().unwrap_or(""));
    }
    all.thoughts
        .push_str(message["tool_plan"].as_str().unwrap_or(""));
    for call in list(&message["tool_calls"]) {
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let arguments = text(&call["function"]["arguments"]);
        match call["id"].as_str() {
            Some(id) => {
                let name = text(&call["function"]["name"]);
                all.calls.push((id.to_owned(), name, arguments));
            }
            None => all.calls.last_mut().unwrap().2.push_str(&arguments),
        }
    }
    all.citations += list(&message["citations"]).len();
}

fn expected(body: &str, stream: bool) -> (Said, Value, Value) {
    let (mut all, mut last) = (Said::default(), Value::Null);
    if stream {
        for line in body.lines() {
            let data = line
                .strip_prefix("data: ")
                .filter(|data| data.starts_with('{'));
            if let Some(data) = data {
                let event: Value = serde_json::from_str(data).unwrap();
                walk(&event["delta"]["message"], &mut all);
                last = event["delta"].clone();
            }
        }
    } else {
        last = serde_json::from_str(body).unwrap();
        walk(&last["message"], &mut all);
    }
    (
        all,
        last["finish_reason"].clone(),
        last["usage"]["billed_units"].clone(),
    )
}

fn check(file: &str, body: &str, stream: bool) {
    let (all, finish, usage) = if stream {
        let pieces = read(body.as_bytes(), 4096);
        for size in [1, 7] {
            assert_eq!(read(body.as_bytes(), size), pieces, "{file}");
        }
        assert_eq!(pieces.last(), Some(&Piece::Done), "{file}");
        let finish = pieces.iter().find_map(|piece| match piece {
            Piece::Finish { finish, .. } => Some(finish.clone()),
            _ => None,
        });
        let usage = pieces.iter().find_map(|piece| match piece {
            Piece::Usage(tokens) => Some(*tokens),
            _ => None,
        });
        (said_in(&pieces), finish, usage)
    } else {
        let answer = read_answer(body.as_bytes()).unwrap();
        let choice = &answer.choices[0];
        (said(&choice.parts), choice.finish.clone(), answer.usage)
    };
    let (expected, word, billed) = expected(body, stream);
    assert_eq!(all, expected, "{file}");
    let expected = match word.as_str() {
        Some("COMPLETE") => Finish::Stop,
        Some("TOOL_CALL") => Finish::ToolCalls,
        other => panic!("{file}: {other:?}"),
    };
    assert_eq!(finish, Some(expected), "{file}");
    let usage = usage.unwrap();
    assert_eq!(billed["input_tokens"], usage.input, "{file}");
    assert_eq!(billed["output_tokens"], usage.output, "{file}");
}

#[test]
fn recordings() {
    let Some(data) = std::env::var_os("WEIGHBRIDGE_DATA") else {
        println!("skipped: WEIGHBRIDGE_DATA is not set");
        return;
    };
    let folder = Path::new(&data).join("recordings");
    let index = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let files = index.lines().filter_map(|row| row.split(',').next());
    let (mut used, mut left) = (0, Vec::new());
    for file in files.filter(|file| file.contains("_cohere_cohere-chat_")) {
        let text = std::fs::read_to_string(folder.join("responses").join(file)).unwrap();
        let recording: Value = serde_json::from_str(&text).unwrap();
        let Some(body) = recording["body"].as_str() else {
            left.push(format!("{file}: no text"));
            continue;
        };
        if recording["status"] != 200 {
            let read = read_answer(body.as_bytes());
            assert!(
                matches!(read, Err(NotRead::Reported(_))),
                "{file}: {read:?}"
            );
        } else if recording["request"]["path"] == "/v2/chat" {
            check(file, body, recording["stream"] == true);
        } else {
            let read = read_answer(body.as_bytes());
            assert!(matches!(read, Err(NotRead::Other(_))), "{file}: {read:?}");
            left.push(format!("{file}: version 1, and not taken for an answer"));
            continue;
        }
        used += 1;
    }
    assert!(used >= 9, "used {used}");
    println!("used {used} of {} recordings: {left:?}", used + left.len());
}
