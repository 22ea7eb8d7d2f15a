//! Answers that Anthropic really gave, where the data's folder is there; see `WEIGHBRIDGE_DATA`.

use std::path::Path;

use serde_json::Value;

use super::super::super::neutral::*;
use super::super::read_answer;
use super::target_gathered::{gathered, pieces};
use crate::wire::Reported;

/// What a recording says, by an independent walk.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    text: String,
    thoughts: String,
    signatures: String,
    calls: Vec<(String, String, Value)>,
    finish: Option<String>,
    /// Input with what was cached, output.
    tokens: (u64, u64),
}

fn facts_of(answer: &Answer) -> Facts {
    let mut facts = Facts::default();
    let choice = &answer.choices[0];
    for part in &choice.parts {
        match part {
            Part::Text(text) => facts.text.push_str(&text.text),
            Part::Reasoning(thought) => {
                facts.thoughts.push_str(&thought.text);
                let signature = thought.signature.as_deref();
                facts.signatures.push_str(signature.unwrap_or_default());
            }
            Part::ToolCall(call) => {
                let input = serde_json::from_str(&call.arguments).unwrap();
                facts
                    .calls
                    .push((call.id.clone(), call.name.clone(), input));
            }
            other => panic!("{other:?}"),
        }
    }
    facts.finish = choice.finish.as_ref().map(|finish| match finish {
        Finish::Stop => "end_turn".to_owned(),
        Finish::Length => "max_tokens".to_owned(),
        Finish::ToolCalls => "tool_use".to_owned(),
        other => panic!("{other:?}"),
    });
    let usage = answer.usage.unwrap();
    facts.tokens = (usage.input, usage.output);
    facts
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn walk_block(block: &Value, facts: &mut Facts) {
    facts.text.push_str(text(&block["text"]));
    facts.thoughts.push_str(text(&block["thinking"]));
    facts.signatures.push_str(text(&block["signature"]));
    if block["type"] == "tool_use" {
        let (id, name) = (
            text(&block["id"]).to_owned(),
            text(&block["name"]).to_owned(),
        );
        facts.calls.push((id, name, block["input"].clone()));
    }
}

fn walk_usage(usage: &Value, facts: &mut Facts) {
    let count = |key: &str| usage[key].as_u64();
    if let Some(input) = count("input_tokens") {
        let cached = ["cache_read_input_tokens", "cache_creation_input_tokens"];
        facts.tokens.0 = input + cached.iter().filter_map(|key| count(key)).sum::<u64>();
    }
    facts.tokens.1 = count("output_tokens").unwrap_or(facts.tokens.1);
}

fn expected(body: &str, stream: bool) -> Facts {
    let mut facts = Facts::default();
    if !stream {
        let value: Value = serde_json::from_str(body).unwrap();
        for block in value["content"].as_array().unwrap() {
            walk_block(block, &mut facts);
        }
        facts.finish = value["stop_reason"].as_str().map(str::to_owned);
        walk_usage(&value["usage"], &mut facts);
        return facts;
    }
    let mut arguments: Vec<String> = Vec::new();
    for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let event: Value = serde_json::from_str(data).unwrap();
        let (block, delta) = (&event["content_block"], &event["delta"]);
        walk_block(block, &mut facts);
        walk_block(delta, &mut facts);
        if block["type"] == "tool_use" {
            arguments.push(String::new());
        }
        if delta["type"] == "input_json_delta" {
            let last = arguments.last_mut().unwrap();
            last.push_str(text(&delta["partial_json"]));
        }
        if let Some(reason) = delta["stop_reason"].as_str() {
            facts.finish = Some(reason.to_owned());
        }
        walk_usage(&event["message"]["usage"], &mut facts);
        walk_usage(&event["usage"], &mut facts);
    }
    for (call, arguments) in facts.calls.iter_mut().zip(arguments) {
        if !arguments.is_empty() {
            call.2 = serde_json::from_str(&arguments).unwrap();
        }
    }
    facts
}

fn decoded(body: &str, stream: bool) -> Answer {
    if !stream {
        return read_answer(body.as_bytes()).unwrap();
    }
    let whole = pieces(body.as_bytes(), usize::MAX);
    for size in [1, 7, 100] {
        assert_eq!(pieces(body.as_bytes(), size), whole, "chunks do not matter");
    }
    assert_eq!(whole.last(), Some(&Piece::Done), "the stream is complete");
    gathered(&whole)
}

/// A file's name, its status, whether it is a stream, and its body.
fn recording(folder: &Path, row: &str) -> Option<(String, u64, bool, Option<String>)> {
    let file = row.split(',').next()?;
    if !file.contains("_anthropic-messages_") {
        return None;
    }
    let recorded = std::fs::read_to_string(folder.join("responses").join(file)).ok()?;
    let value: Value = serde_json::from_str(&recorded).ok()?;
    let body = match &value["body"] {
        Value::String(body) => Some(body.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    let stream = value["stream"] == 1 || value["stream"] == true;
    Some((file.to_owned(), value["status"].as_u64()?, stream, body))
}

#[test]
fn recordings() {
    let Some(data) = std::env::var_os("WEIGHBRIDGE_DATA") else {
        {
            println!("skipped: WEIGHBRIDGE_DATA is not set");
        }
        return;
    };
    let folder = Path::new(&data).join("recordings");
    let index = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let (mut used, mut left) = (0, Vec::new());
    for (file, status, stream, body) in index.lines().filter_map(|row| recording(&folder, row)) {
        let Some(body) = body else {
            left.push(format!("{file}: no text"));
            continue;
        };
        used += 1;
        if status != 200 {
            let Err(NotRead::Reported(read)) = read_answer(body.as_bytes()) else {
                panic!("{file}: an error is no answer");
            };
            assert_eq!(Some(read), Reported::read(body.as_bytes()), "{file}");
            continue;
        }
        let answer = decoded(&body, stream);
        assert!(!answer.id.is_empty() && !answer.model.is_empty(), "{file}");
        assert_eq!(facts_of(&answer), expected(&body, stream), "{file}");
    }
    assert!(used > 15, "used {used}");
    {
        println!("used {used} of {} recordings: {left:?}", used + left.len());
    }
}
