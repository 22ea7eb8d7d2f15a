//! What an answer says, for comparing two readings of it: ours, and one of the plain JSON that shares no code with it.

use serde_json::{Value, json};

use super::super::super::neutral::*;
use crate::model::Tokens;

/// What a recording says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    choices: Vec<Said>,
    tokens: Option<Tokens>,
}

/// What one choice says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said {
    text: String,
    thoughts: String,
    refusal: String,
    /// Ids, names and arguments.
    calls: Vec<(String, String, String)>,
    finish: Option<String>,
    /// Texts of tokens that have a probability.
    likely: Vec<String>,
}

impl Facts {
    /// Of an answer as it was read.
    pub(super) fn of(answer: &Answer) -> Self {
        Self {
            choices: answer.choices.iter().map(Said::of).collect(),
            tokens: answer.usage,
        }
    }

    /// Of an answer's JSON.
    pub(super) fn walk(body: &str) -> Self {
        let mut facts = Self::default();
        facts.note(&serde_json::from_str(body).unwrap(), "message");
        facts.settled()
    }

    /// Of a stream's JSON.
    pub(super) fn walk_stream(body: &str) -> Self {
        let mut facts = Self::default();
        for line in body.lines() {
            let data = line.strip_prefix("data:").map(str::trim_start);
            if let Some(data) = data.filter(|data| data.starts_with('{')) {
                facts.note(&serde_json::from_str(data).unwrap(), "delta");
            }
        }
        facts.settled()
    }

    /// Takes over the ids of calls that the provider gave none: ours are made, and all that is to be said of them is that
    /// they are there.
    pub(super) fn with_made_ids(mut self, ours: &Self) -> Self {
        for (choice, ours) in self.choices.iter_mut().zip(&ours.choices) {
            for ((id, _, _), (made, _, _)) in choice.calls.iter_mut().zip(&ours.calls) {
                if id.is_empty() {
                    assert!(!made.is_empty(), "a call has an id");
                    id.clone_from(made);
                }
            }
        }
        self
    }

    /// How many choices, calls and bytes of text it has.
    pub(super) fn size(&self) -> (usize, usize, usize) {
        let calls = self.choices.iter().map(|choice| choice.calls.len()).sum();
        let bytes = self.choices.iter().map(|choice| choice.text.len()).sum();
        (self.choices.len(), calls, bytes)
    }

    /// Adds what an answer or a chunk says; `key` is where its choices have it.
    fn note(&mut self, value: &Value, key: &str) {
        let choices = value["choices"].as_array().into_iter().flatten();
        for (place, choice) in choices.enumerate() {
            let index = choice["index"]
                .as_u64()
                .map_or(place, |index| usize::try_from(index).unwrap());
            let most = self.choices.len().max(index + 1);
            self.choices.resize_with(most, Said::default);
            self.choices[index].note(choice, key);
        }
        let places = ["/usage", "/x_groq/usage", "/choices/0/usage"];
        let mut found = places.into_iter().filter_map(|place| value.pointer(place));
        if let Some(usage) = found.find(|usage| usage.is_object()) {
            self.tokens = Some(tokens(usage));
        }
    }

    fn settled(mut self) -> Self {
        self.choices.iter_mut().for_each(Said::settle);
        self
    }
}

impl Said {
    fn of(choice: &Choice) -> Self {
        let mut said = Self::default();
        for part in &choice.parts {
            match part {
                Part::Text(text) => said.text.push_str(&text.text),
                Part::Reasoning(thought) => said.thoughts.push_str(&thought.text),
                Part::Refusal(text) => said.refusal.push_str(text),
                Part::ToolCall(call) => {
                    let call = (call.id.clone(), call.name.clone(), call.arguments.clone());
                    said.calls.push(call);
                }
                _ => {}
            }
        }
        said.finish = choice.finish.as_ref().map(|finish| match finish {
            Finish::Length => "length".to_owned(),
            Finish::ToolCalls => "tool_calls".to_owned(),
            Finish::ContentFilter | Finish::Refusal => "content_filter".to_owned(),
            _ => "stop".to_owned(),
        });
        let likely = choice.logprobs.as_ref().map(|all| &all["content"]);
        said.likely.extend(likely.into_iter().flat_map(texts_of));
        said.settle();
        said
    }

    fn note(&mut self, choice: &Value, key: &str) {
        let message = &choice[key];
        match &message["content"] {
            Value::String(text) => self.text.push_str(text),
            Value::Array(parts) => {
                for part in parts {
                    self.text.push_str(part["text"].as_str().unwrap_or(""));
                    for thought in part["thinking"].as_array().into_iter().flatten() {
                        self.thoughts
                            .push_str(thought["text"].as_str().unwrap_or(""));
                    }
                }
            }
            _ => {}
        }
        let thought = message["reasoning_content"].as_str();
        let thought = thought.or(message["reasoning"].as_str());
        self.thoughts.push_str(thought.unwrap_or(""));
        self.refusal
            .push_str(message["refusal"].as_str().unwrap_or(""));
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let id = call["id"].as_str();
            if call["type"] == "custom" {
                // Its input is a text; it is told as a function's one argument.
                let input = json!({"input": call["custom"]["input"]}).to_string();
                let function = json!({"name": call["custom"]["name"], "arguments": input});
                self.call(id, &function);
            } else {
                self.call(id, &call["function"]);
            }
        }
        if message["function_call"].is_object() {
            self.call(None, &message["function_call"]);
        }
        if let Some(word) = choice["finish_reason"].as_str() {
            self.finish = Some(word.to_owned());
        }
        self.likely.extend(texts_of(&choice["logprobs"]["content"]));
    }

    fn call(&mut self, id: Option<&str>, function: &Value) {
        let arguments = function["arguments"].as_str().unwrap_or("");
        match function["name"].as_str() {
            Some(name) if !name.is_empty() => {
                let id = id.unwrap_or("").to_owned();
                self.calls.push((id, name.to_owned(), arguments.to_owned()));
            }
            _ => self.calls.last_mut().unwrap().2.push_str(arguments),
        }
    }

    /// Brings into one form what providers say in several.
    fn settle(&mut self) {
        for (_, _, arguments) in &mut self.calls {
            if arguments.is_empty() {
                arguments.push_str("{}");
            }
        }
        let word = self.finish.take();
        self.finish = word.map(|word| match word.as_str() {
            "eos" | "stop" if self.calls.is_empty() => "stop".to_owned(),
            "eos" | "stop" | "function_call" => "tool_calls".to_owned(),
            _ => word,
        });
    }
}

fn texts_of(list: &Value) -> Vec<String> {
    let entries = list.as_array().into_iter().flatten();
    let texts = entries.filter_map(|entry| entry["token"].as_str());
    texts.map(str::to_owned).collect()
}

fn tokens(usage: &Value) -> Tokens {
    let count = |place: &str| usage.pointer(place).and_then(Value::as_u64);
    let first = |places: [&str; 3]| places.into_iter().find_map(count).unwrap_or(0);
    let (input, output) = (
        first(["/prompt_tokens"; 3]),
        first(["/completion_tokens"; 3]),
    );
    // Thoughts that are counted beside the answer are part of it.
    let beside = first(["/total_tokens"; 3]).saturating_sub(input + output);
    let told = first([
        "/completion_tokens_details/reasoning_tokens",
        "/output_tokens_details/reasoning_tokens",
        "/reasoning_tokens",
    ]);
    Tokens {
        input,
        cached_input: first([
            "/prompt_tokens_details/cached_tokens",
            "/cached_tokens",
            "/prompt_cache_hit_tokens",
        ]),
        cache_write: first(["/prompt_tokens_details/cache_write_tokens"; 3]),
        output: output + beside,
        reasoning: told.max(beside),
    }
}
