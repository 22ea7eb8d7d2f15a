//! OpenAI's completions of a text.
//!
//! Source: <https://platform.openai.com/docs/api-reference/completions>, 2026-11-24.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{At, Told, chat, data};
use crate::mock::question::{Form, Length, Read, Refused, json as object, size};
use crate::mock::script::Part;
use crate::mock::wish::whole;

pub(super) fn read(body: &[u8]) -> Result<Read, Refused> {
    let body = object(body)?;
    if body["prompt"].is_null() {
        return Err(Refused::new("expected \"prompt\", found none"));
    }
    Ok(Read {
        model: body["model"].as_str().map(str::to_owned),
        streams: body["stream"] == true,
        counts: body["stream_options"]["include_usage"] == true,
        length: whole(&body["max_tokens"]).map_or(Length::Open, Length::Exactly),
        seed: body["seed"].as_i64().map(i64::cast_unsigned),
        prompt: size(&[&body["prompt"]]),
        ..Read::default()
    })
}

fn frame(told: &Told, choices: &Value) -> Value {
    json!({
        "id": format!("cmpl-mock-{:016x}", told.number),
        "object": "text_completion",
        "created": told.created,
        "model": told.model,
        "choices": choices,
    })
}

fn choice(text: &str, finish: Option<&str>) -> Value {
    json!([{"text": text, "index": 0, "logprobs": null, "finish_reason": finish}])
}

pub(super) fn document(told: &Told) -> Value {
    let text: String = told.script.parts.iter().map(Part::whole).collect();
    let mut document = frame(told, &choice(&text, Some(chat::finish(told))));
    document["usage"] = chat::usage(told);
    document
}

pub(super) fn piece(told: &Told, out: &mut BytesMut, piece: At<'_>) {
    chunk(told, out, &choice(&piece.text(), None));
}

fn chunk(told: &Told, out: &mut BytesMut, choices: &Value) {
    let mut chunk = frame(told, choices);
    if told.form == Form::StreamWithUsage {
        chunk["usage"] = Value::Null;
    }
    data(out, &chunk);
}

pub(super) fn end(told: &Told, out: &mut BytesMut) {
    chunk(told, out, &choice("", Some(chat::finish(told))));
    if told.form == Form::StreamWithUsage {
        let mut counts = frame(told, &json!([]));
        counts["usage"] = chat::usage(told);
        data(out, &counts);
    }
    out.extend_from_slice(chat::DONE);
}
