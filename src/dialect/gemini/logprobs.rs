//! `logprobsResult` in OpenAI's form.

use serde_json::{Map, Value, json};

/// Most alternatives of one token: `logprobs` goes to 20.
const MOST: usize = 20;

/// The probabilities as `{"content": […]}`; `None` if there are none.
pub(super) fn read(result: &Value) -> Option<Value> {
    let list = |key: &str| result.get(key).and_then(Value::as_array);
    let chosen = list("chosenCandidates").filter(|list| !list.is_empty())?;
    let tops = list("topCandidates");
    let tokens = chosen.iter().enumerate().map(|(index, token)| {
        let top = tops.and_then(|tops| tops.get(index)?.get("candidates")?.as_array());
        let top = top.into_iter().flatten().take(MOST);
        let top: Vec<Value> = top.map(|one| Value::Object(token_of(one))).collect();
        let mut written = token_of(token);
        written.insert("top_logprobs".to_owned(), top.into());
        Value::Object(written)
    });
    let tokens: Vec<Value> = tokens.collect();
    Some(json!({"content": tokens, "refusal": null}))
}

fn token_of(value: &Value) -> Map<String, Value> {
    let token = value
        .get("token")
        .and_then(Value::as_str)
        .unwrap_or_default();
    // Absent is 0, the certain token.
    let logprob = value.get("logProbability").and_then(Value::as_f64);
    let mut written = Map::new();
    written.insert("token".to_owned(), json!(token));
    written.insert("logprob".to_owned(), json!(logprob.unwrap_or(0.0)));
    written.insert("bytes".to_owned(), json!(token.as_bytes()));
    written
}
