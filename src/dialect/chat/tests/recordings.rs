//! Answers that servers really gave, where the data's folder is there; see `WEIGHBRIDGE_DATA`.

use std::path::Path;

use serde_json::Value;

use super::super::super::neutral::*;
use super::super::{Reader, read_answer, write_answer};
use super::gathered;
use crate::model::Tokens;

/// What a recording says, by an independent walk.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    text: String,
    thoughts: String,
    calls: Vec<(String, String)>,
    finish: Option<String>,
    tokens: Option<(u64, u64)>,
}

fn facts_of(answer: &Answer) -> Facts {
    let mut facts = Facts::default();
    for choice in &answer.choices {
        for part in &choice.parts {
            match part {
                Part::Text(text) => facts.text.push_str(&text.text),
                Part::Reasoning(thought) => facts.thoughts.push_str(&thought.text),
                Part::ToolCall(call) => {
                    facts
                        .calls
                        .push((call.name.clone(), call.arguments.clone()));
                }
                _ => {}
            }
        }
        facts.finish = choice.finish.as_ref().map(|finish| match finish {
            Finish::Length => "length".to_owned(),
            Finish::ToolCalls => "tool_calls".to_owned(),
            Finish::ContentFilter => "content_filter".to_owned(),
            _ => "stop".to_owned(),
        });
    }
    facts.tokens = answer
        .usage
        .map(|tokens: Tokens| (tokens.input, tokens.output));
    facts
}

/// Adds what `message`, a whole one or a delta, says.
fn walk(message: &Value, facts: &mut Facts) {
    match &message["content"] {
        Value::String(text) => facts.text.push_str(text),
        Value::Array(parts) => {
            for part in parts {
                facts.text.push_str(part["text"].as_str().unwrap_or(""));
                for thought in part["thinking"].as_array().into_iter().flatten() {
                    facts
                        .thoughts
                        .push_str(thought["text"].as_str().unwrap_or(""));
                }
            }
        }
        _ => {}
    }
    let thought = message["reasoning_content"].as_str();
    facts
        .thoughts
        .push_str(thought.or(message["reasoning"].as_str()).unwrap_or(""));
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        let arguments = function["arguments"].as_str().unwrap_or("").to_owned();
        match function["name"].as_str() {
            Some(name) if !name.is_empty() => facts.calls.push((name.to_owned(), arguments)),
            _ => facts.calls.last_mut().unwrap().1.push_str(&arguments),
        }
    }
}

fn note(chunk: &Value, key: &str, facts: &mut Facts) {
    for choice in chunk["choices"].as_array().into_iter().flatten() {
        walk(&choice[key], facts);
        if let Some(word) = choice["finish_reason"].as_str() {
            let word = if word == "eos" { "stop" } else { word };
            facts.finish = Some(word.to_owned());
        }
    }
    let usage = [&chunk["usage"], &chunk["x_groq"]["usage"]]
        .into_iter()
        .find(|one| one.is_object());
    if let Some(usage) = usage {
        let count = |key: &str| usage[key].as_u64().unwrap_or(0);
        let (input, output) = (count("prompt_tokens"), count("completion_tokens"));
        // Thoughts that are counted beside the answer are part of it.
        let beside = count("total_tokens").saturating_sub(input + output);
        facts.tokens = Some((input, output + beside));
    }
}

fn expected(body: &str, stream: bool) -> Facts {
    let mut facts = Facts::default();
    if stream {
        for line in body.lines() {
            let data = line.strip_prefix("data:").map(str::trim_start);
            if let Some(data) = data.filter(|data| data.starts_with('{')) {
                note(&serde_json::from_str(data).unwrap(), "delta", &mut facts);
            }
        }
    } else {
        note(&serde_json::from_str(body).unwrap(), "message", &mut facts);
    }
    for (_, arguments) in &mut facts.calls {
        if arguments.is_empty() && !stream {
            arguments.push_str("{}");
        }
    }
    if !facts.calls.is_empty() && facts.finish.as_deref() == Some("stop") {
        facts.finish = Some("tool_calls".to_owned());
    }
    facts
}

fn decoded(body: &str, stream: bool) -> Answer {
    if !stream {
        return read_answer(body.as_bytes()).unwrap();
    }
    let mut answers = [1, 7, 4096].map(|size| {
        let (mut reader, mut out) = (Reader::new(), Vec::new());
        for chunk in body.as_bytes().chunks(size) {
            reader.push(chunk, &mut out);
        }
        reader.finish(&mut out);
        let (answer, done) = gathered(&out);
        assert!(done, "the stream is complete");
        answer
    });
    assert_eq!(answers[0], answers[2], "chunks do not matter");
    std::mem::take(&mut answers[1])
}

/// A file's name, its status, whether it is a stream, and its body.
fn recording(folder: &Path, row: &str) -> Option<(String, u64, bool, Option<String>)> {
    let file = row.split(',').next()?;
    if !file.contains("_openai-chat_") {
        return None;
    }
    let text = std::fs::read_to_string(folder.join("responses").join(file)).ok()?;
    let value: Value = serde_json::from_str(&text).ok()?;
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
            let reported = read_answer(body.as_bytes());
            assert!(reported.is_err(), "{file}: an error is no answer");
            continue;
        }
        let answer = decoded(&body, stream);
        assert_eq!(facts_of(&answer), expected(&body, stream), "{file}");
        let written = write_answer(&answer, &Request::default());
        let again = read_answer(&written).unwrap();
        assert_eq!(
            facts_of(&again),
            facts_of(&answer),
            "{file}: written and read"
        );
    }
    assert!(used > 50, "used {used}");
    {
        println!("used {used} of {} recordings: {left:?}", used + left.len());
    }
}
