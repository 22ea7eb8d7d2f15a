//! Answers that the hosts really gave, where the data's folder is there; see `WEIGHBRIDGE_DATA`.

use std::path::Path;

use serde_json::Value;

use super::super::super::neutral::*;
use super::super::{GeminiOptions, Reader, read_answer, write_request};
use super::gathered;

/// What a recording says, by an independent walk.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    text: String,
    thoughts: String,
    calls: Vec<(String, Value)>,
    signatures: Vec<String>,
    finish: Option<Finish>,
    tokens: Option<(u64, u64)>,
}

fn facts_of(answer: &Answer) -> Facts {
    let mut facts = Facts::default();
    let choice = &answer.choices[0];
    for part in &choice.parts {
        match part {
            Part::Text(text) => facts.text.push_str(&text.text),
            Part::Reasoning(thought) => {
                facts.thoughts.push_str(&thought.text);
                facts.signatures.extend(thought.signature.clone());
            }
            Part::ToolCall(call) => {
                let arguments = serde_json::from_str(&call.arguments).unwrap();
                facts.calls.push((call.name.clone(), arguments));
                facts.signatures.extend(call.signature.clone());
            }
            _ => {}
        }
    }
    facts.finish.clone_from(&choice.finish);
    facts.tokens = answer.usage.map(|tokens| (tokens.input, tokens.output));
    facts
}

fn walk(chunk: &Value, facts: &mut Facts) {
    let candidate = &chunk["candidates"][0];
    walk_parts(&candidate["content"]["parts"], facts);
    facts.finish = match candidate["finishReason"].as_str() {
        Some("STOP") if !facts.calls.is_empty() => Some(Finish::ToolCalls),
        Some("STOP") => Some(Finish::Stop),
        Some("MAX_TOKENS") => Some(Finish::Length),
        Some(word) => Some(Finish::Other(word.to_owned())),
        None => facts.finish.take(),
    };
    let usage = &chunk["usageMetadata"];
    if let Some(total) = usage["totalTokenCount"].as_u64() {
        let count = |key: &str| usage[key].as_u64().unwrap_or(0);
        let input = count("promptTokenCount") + count("toolUsePromptTokenCount");
        facts.tokens = Some((input, total - input));
    }
}

fn walk_parts(parts: &Value, facts: &mut Facts) {
    for part in parts.as_array().into_iter().flatten() {
        let text = part["text"].as_str().unwrap_or("");
        if part["thought"] == true {
            facts.thoughts.push_str(text);
        } else {
            facts.text.push_str(text);
        }
        if let Some(name) = part["functionCall"]["name"].as_str() {
            let args = part["functionCall"]["args"].clone();
            facts.calls.push((name.to_owned(), args));
        }
        let signature = part["thoughtSignature"].as_str();
        facts.signatures.extend(signature.map(str::to_owned));
    }
}

fn expected(body: &str, stream: bool) -> Facts {
    let mut facts = Facts::default();
    if stream {
        for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
            walk(&serde_json::from_str(data).unwrap(), &mut facts);
        }
    } else {
        walk(&serde_json::from_str(body).unwrap(), &mut facts);
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

/// What the model said, sent back to it: nothing is lost.
fn check_back(answer: &Answer, file: &str) {
    let message = Message {
        role: Role::Assistant,
        parts: answer.choices[0].parts.clone(),
        name: None,
        extra: Extra::new(),
    };
    let request = Request {
        messages: vec![message],
        ..Request::default()
    };
    let written = write_request(&request, "m", &GeminiOptions::default()).unwrap();
    assert!(written.dropped.is_empty(), "{file}: {:?}", written.dropped);
    let body: Value = serde_json::from_slice(&written.body).unwrap();
    let mut again = Facts::default();
    walk_parts(&body["contents"][0]["parts"], &mut again);
    let facts = facts_of(answer);
    again.finish.clone_from(&facts.finish);
    again.tokens = facts.tokens;
    assert_eq!(again, facts, "{file}: written and read");
}

#[test]
fn recordings() {
    let Some(data) = std::env::var_os("WEIGHBRIDGE_DATA") else {
        println!("skipped: WEIGHBRIDGE_DATA is not set");
        return;
    };
    let folder = Path::new(&data).join("recordings");
    let index = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let mut used = 0;
    let files = index.lines().filter_map(|row| row.split(',').next());
    for file in files.filter(|file| file.contains("_gemini-generate_")) {
        let text = std::fs::read_to_string(folder.join("responses").join(file)).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let body = match &value["body"] {
            Value::String(body) => body.clone(),
            other => other.to_string(),
        };
        used += 1;
        if value["status"] != 200 {
            let read = read_answer(body.as_bytes());
            let Err(NotRead::Reported(reported)) = read else {
                panic!("{file}: expected an error, found {read:?}");
            };
            let status = value["status"].to_string();
            assert!(
                reported.is(&status) && reported.kind.is_some(),
                "{file}: {reported:?}"
            );
            continue;
        }
        let stream = value["stream"] == 1 || value["stream"] == true;
        let answer = decoded(&body, stream);
        assert_eq!(facts_of(&answer), expected(&body, stream), "{file}");
        check_back(&answer, file);
    }
    assert!(used >= 20, "used {used}");
}
