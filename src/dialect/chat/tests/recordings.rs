//! Answers that servers really gave, where the data's folder is there; see `WEIGHBRIDGE_DATA`.
//!
//! Each is read, and written again for a client of chat completions. What ours says and what stands in the JSON before and
//! behind must be the same.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::super::neutral::*;
use super::super::{Reader, Writer, read_answer, write_answer};
use super::facts::Facts;
use super::gathered;

/// A recorded answer.
struct Recording {
    file: String,
    api: String,
    status: u64,
    stream: bool,
    /// `None` if it is no text.
    body: Option<String>,
}

impl Recording {
    fn read(folder: &Path, file: &str) -> Self {
        let text = std::fs::read_to_string(folder.join("responses").join(file)).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        Self {
            file: file.to_owned(),
            api: value["api"].as_str().unwrap().to_owned(),
            status: value["status"].as_u64().unwrap(),
            stream: value["stream"] == true,
            body: value["body"].as_str().map(str::to_owned),
        }
    }

    /// Why it is not of chat completions. What it looks like decides, as the index goes by paths alone.
    fn foreign(&self) -> Option<String> {
        let Some(body) = &self.body else {
            return Some(format!("{}, not a text", self.api));
        };
        let key = if self.stream { "delta" } else { "message" };
        let has_choices = |value: &Value| value.pointer(&format!("/choices/0/{key}")).is_some();
        let is_chat = if self.stream {
            let events = body.lines().filter_map(|line| line.strip_prefix("data:"));
            let mut events = events.filter_map(|data| serde_json::from_str(data).ok());
            events.any(|event| has_choices(&event))
        } else {
            serde_json::from_str(body).is_ok_and(|value| has_choices(&value))
        };
        let is_error = self.status != 200 && self.api == "openai-chat";
        (!is_chat && !is_error).then(|| self.api.clone())
    }
}

/// Reads a stream in chunks of several sizes, which must not matter.
fn pieces(file: &str, body: &str) -> Vec<Piece> {
    let [first, second, third] = [4096, 7, 1].map(|size| {
        let (mut reader, mut out) = (Reader::new(), Vec::new());
        for chunk in body.as_bytes().chunks(size) {
            reader.push(chunk, &mut out);
        }
        reader.finish(&mut out);
        out
    });
    assert_eq!(first, second, "{file}: chunks of 7");
    assert_eq!(first, third, "{file}: chunks of 1");
    first
}

fn written(pieces: &[Piece]) -> String {
    let request = Request {
        include_usage: true,
        ..Request::default()
    };
    let (mut writer, mut out) = (Writer::new(&request, 1, 2), Vec::new());
    for piece in pieces {
        writer.piece(piece, &mut out);
    }
    String::from_utf8(out).unwrap()
}

/// The facts of a whole answer, the same in all readings of it.
fn check_whole(file: &str, body: &str) -> Facts {
    let answer = read_answer(body.as_bytes()).unwrap();
    let read = Facts::of(&answer);
    let expected = Facts::walk(body).with_made_ids(&read);
    assert_eq!(read, expected, "{file}: read");
    let written = write_answer(&answer, &Request::default());
    let written = String::from_utf8(written).unwrap();
    assert_eq!(Facts::walk(&written), expected, "{file}: written");
    let again = read_answer(written.as_bytes()).unwrap();
    assert_eq!(again.choices, answer.choices, "{file}: written and read");
    expected
}

/// The facts of a stream, the same in all readings of it.
fn check_stream(file: &str, body: &str) -> Facts {
    let all = pieces(file, body);
    let (answer, done) = gathered(&all);
    assert!(done, "{file}: the stream is complete");
    let read = Facts::of(&answer);
    let expected = Facts::walk_stream(body).with_made_ids(&read);
    assert_eq!(read, expected, "{file}: read");
    let written = written(&all);
    assert!(written.ends_with("data: [DONE]\n\n"), "{file}: {written}");
    assert_eq!(Facts::walk_stream(&written), expected, "{file}: written");
    let (again, done) = gathered(&pieces(file, &written));
    assert!(done, "{file}: written as complete");
    assert_eq!(Facts::of(&again), expected, "{file}: written and read");
    expected
}

/// Where the recordings are.
fn folder() -> Option<PathBuf> {
    let data = std::env::var_os("WEIGHBRIDGE_DATA");
    if data.is_none() {
        println!("skipped: WEIGHBRIDGE_DATA is not set");
    }
    Some(Path::new(&data?).join("recordings"))
}

#[test]
fn recordings() {
    let Some(folder) = folder() else {
        return;
    };
    let index = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let files = index
        .lines()
        .skip(1)
        .filter_map(|row| row.split(',').next());
    let (mut whole, mut streams, mut errors, mut left) = (0, 0, 0, Vec::new());
    let mut sizes = (0, 0, 0);
    for file in files {
        let recording = Recording::read(&folder, file);
        if let Some(reason) = recording.foreign() {
            left.push(format!("{file}: {reason}"));
            continue;
        }
        let body = recording.body.unwrap();
        let facts = if recording.status != 200 {
            errors += 1;
            let read = read_answer(body.as_bytes());
            assert!(
                matches!(read, Err(NotRead::Reported(_))),
                "{file}: {read:?}"
            );
            continue;
        } else if recording.stream {
            streams += 1;
            check_stream(&recording.file, &body)
        } else {
            whole += 1;
            check_whole(&recording.file, &body)
        };
        let (choices, calls, bytes) = facts.size();
        sizes = (sizes.0 + choices, sizes.1 + calls, sizes.2 + bytes);
    }
    let used = whole + streams + errors;
    println!(
        "used {used} of {}: {whole} answers, {streams} streams, {errors} errors",
        used + left.len()
    );
    let (choices, calls, bytes) = sizes;
    println!("in them {choices} choices, {calls} calls and {bytes} bytes of text");
    println!("not of chat completions:\n  {}", left.join("\n  "));
    assert!(whole >= 40 && streams >= 24 && errors >= 24, "used {used}");
}

#[test]
fn errors_that_others_quoted_are_no_answers() {
    let Some(folder) = folder() else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("quoted_errors.json")).unwrap();
    let quoted: Value = serde_json::from_str(&text).unwrap();
    let items = quoted["items"].as_array().unwrap().iter();
    let mut used = 0;
    for item in items.filter(|item| item["api"] == "openai-chat") {
        let (id, body) = (&item["id"], item["body"].as_str().unwrap());
        used += 1;
        if item["stream"] == true {
            let read = pieces(&id.to_string(), body);
            assert!(
                matches!(read.last(), Some(Piece::Error(_))),
                "{id}: {read:?}"
            );
            assert!(!written(&read).contains("[DONE]"), "{id}");
            continue;
        }
        let read = read_answer(body.as_bytes());
        let is_document = body.starts_with('{');
        let is_reported = matches!(read, Err(NotRead::Reported(_)));
        assert!(
            read.is_err() && is_reported == is_document,
            "{id}: {read:?}"
        );
    }
    println!("used {used} errors");
    assert!(used >= 10, "used {used}");
}
