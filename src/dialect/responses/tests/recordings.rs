//! Answers that servers really gave, where the data's folder is there; see `WEIGHBRIDGE_DATA`.

use std::path::Path;

use super::*;

/// What a recording says, by an independent walk of its last event or its whole body.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    text: String,
    thoughts: String,
    sealed: usize,
    calls: Vec<(String, String)>,
    tokens: Option<(u64, u64)>,
}

fn facts_of(answer: &Answer) -> Facts {
    let mut facts = Facts::default();
    for part in answer.choices.iter().flat_map(|choice| &choice.parts) {
        match part {
            Part::Text(text) => facts.text.push_str(&text.text),
            Part::Reasoning(thought) => {
                facts.thoughts.push_str(&thought.text);
                facts.sealed += usize::from(thought.sealed.is_some());
            }
            Part::ToolCall(call) => {
                let call = (call.name.clone(), call.arguments.clone());
                facts.calls.push(call);
            }
            _ => {}
        }
    }
    facts.tokens = answer.usage.map(|tokens| (tokens.input, tokens.output));
    facts
}

fn expected(response: &Value) -> Facts {
    let mut facts = Facts::default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for item in list(&response["output"]) {
        match item["type"].as_str().unwrap() {
            "message" => {
                for part in list(&item["content"]) {
                    facts.text.push_str(&text(&part["text"]));
                }
            }
            "reasoning" => {
                let key = if list(&item["content"]).is_empty() {
                    "summary"
                } else {
                    "content"
                };
                let texts: Vec<String> = list(&item[key])
                    .iter()
                    .map(|part| text(&part["text"]))
                    .collect();
                facts.thoughts.push_str(&texts.join("\n\n"));
                facts.sealed += usize::from(item["encrypted_content"].is_string());
            }
            "function_call" => {
                let call = (text(&item["name"]), text(&item["arguments"]));
                facts.calls.push(call);
            }
            _ => {}
        }
    }
    let count = |key: &str| response["usage"][key].as_u64();
    facts.tokens = count("input_tokens").zip(count("output_tokens"));
    facts
}

/// The last event's response of a stream, or the body itself.
fn response(body: &str, stream: bool) -> Value {
    if !stream {
        return parsed(body.as_bytes());
    }
    let mut lines = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let last = lines.rfind(|data| data.trim() != "[DONE]");
    parsed(last.unwrap().as_bytes())["response"].clone()
}

fn read_pieces(body: &[u8], size: usize) -> Vec<Piece> {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    for chunk in body.chunks(size) {
        reader.push(chunk, &mut out);
    }
    reader.finish(&mut out);
    out
}

fn check_stream(file: &str, body: &str) -> Answer {
    let pieces = read_pieces(body.as_bytes(), 4096);
    assert_eq!(
        read_pieces(body.as_bytes(), 1),
        pieces,
        "{file}: chunks do not matter"
    );
    let (answer, done) = gathered(&pieces);
    assert!(done, "{file}: complete");
    let (mut writer, mut out) = (Writer::new(&plain(), 1, 7), Vec::new());
    for piece in &pieces {
        writer.piece(piece, &mut out);
    }
    // OpenAI's own events, but for thoughts, come back in the same order.
    if file.contains("_openai_") || file.contains("_azure_") {
        let names = |text: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
            let names = lines.map(|data| parsed(data.as_bytes())["type"].to_string());
            names.collect()
        };
        let again = std::str::from_utf8(&out).unwrap();
        assert_eq!(names(again), names(body), "{file}: the same events");
    }
    let (again, done) = gathered(&read_pieces(&out, 4096));
    assert!(done, "{file}: written");
    assert_eq!(
        facts_of(&again),
        facts_of(&answer),
        "{file}: written and read"
    );
    answer
}

fn check(file: &str, body: &str, stream: bool) {
    let answer = if stream {
        check_stream(file, body)
    } else {
        read_answer(body.as_bytes()).unwrap()
    };
    assert_eq!(
        facts_of(&answer),
        expected(&response(body, stream)),
        "{file}"
    );
    let again = read_answer(&write_answer(&answer, &plain())).unwrap();
    assert_eq!(
        facts_of(&again),
        facts_of(&answer),
        "{file}: written and read"
    );
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
    for row in index
        .lines()
        .filter(|row| row.contains("_openai-responses_"))
    {
        let file = row.split(',').next().unwrap();
        let text = std::fs::read_to_string(folder.join("responses").join(file)).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let body = match &value["body"] {
            Value::String(body) => body.clone(),
            other => other.to_string(),
        };
        used += 1;
        if value["status"] == 200 {
            check(file, &body, value["stream"] == 1 || value["stream"] == true);
        } else {
            let read = read_answer(body.as_bytes());
            assert!(read.is_err(), "{file}: an error is no answer");
        }
    }
    assert!(used > 30, "used {used}");
}
