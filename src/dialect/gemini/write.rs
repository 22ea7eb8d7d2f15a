//! A neutral request as a body of generateContent.

use serde_json::map::Entry;
use serde_json::{Map, Value, json};

use super::contents::Contents;
use super::dropped::Dropped;
use super::fit::fit;
use super::{GeminiOptions, generation, tools};
use crate::dialect::neutral::{Request, Unfit, Written};

/// Gemini's own members at the top level that have no place in the neutral form and are written as they came.
const OWN: [&str; 2] = ["cachedContent", "safetySettings"];

/// Those that only Vertex knows.
const OWN_OF_VERTEX: [&str; 3] = ["continuationToken", "labels", "modelArmorConfig"];

/// Writes `request` for the model `model`, which stands in the path, and a host that knows what `options` say.
///
/// # Errors
/// As [`fit`].
pub fn write_request(
    request: &Request,
    model: &str,
    options: &GeminiOptions,
) -> Result<Written, Unfit> {
    fit(request, options)?;
    let mut contents = Contents::new(*options);
    for message in &request.messages {
        contents.write(message)?;
    }
    let (system, contents, mut dropped) = contents.finish();
    let mut body = Map::new();
    body.insert("contents".to_owned(), contents.into());
    if let Some(system) = system {
        body.insert("systemInstruction".to_owned(), system);
    }
    let tools = tools::write(request, &mut dropped);
    if !tools.is_empty() {
        body.insert("tools".to_owned(), tools.into());
    }
    let mut config = Map::new();
    if let Some(choice) = tools::choice(request) {
        config.insert("functionCallingConfig".to_owned(), choice);
    }
    let mut generation = generation::write(request, model, *options, &mut dropped);
    let mut own = Own {
        options: *options,
        body: &mut body,
        tools: &mut config,
        generation: &mut generation,
        dropped: &mut dropped,
    };
    for (key, value) in &request.extra {
        own.put(key, value);
    }
    for (key, members) in [("toolConfig", config), ("generationConfig", generation)] {
        if !members.is_empty() {
            body.insert(key.to_owned(), members.into());
        }
    }
    name_dropped(request, &mut dropped);
    Ok(Written {
        body: json!(body).to_string().into_bytes(),
        dropped: dropped.finish(),
    })
}

/// Names what generateContent has no word for and the answer can do without.
fn name_dropped(request: &Request, dropped: &mut Dropped) {
    // Several calls at once are what it does anyway.
    let is_single = request.parallel_tool_calls == Some(false);
    dropped.name_if(is_single, "parallel_tool_calls");
    dropped.name_if(request.user.is_some(), "user");
    dropped.name_if(request.metadata.is_some(), "metadata");
}

/// Where members of the client's that have no place in the neutral form go.
struct Own<'a> {
    options: GeminiOptions,
    body: &'a mut Map<String, Value>,
    tools: &'a mut Map<String, Value>,
    generation: &'a mut Map<String, Value>,
    dropped: &'a mut Dropped,
}

impl Own<'_> {
    fn put(&mut self, key: &str, value: &Value) {
        let name = camel(key);
        let name = name.as_str();
        match (name, value) {
            ("generationConfig", Value::Object(members)) => {
                merge(name, self.generation, members, self.dropped);
            }
            ("toolConfig", Value::Object(members)) => self.put_tools(members),
            _ if OWN.contains(&name) || (self.options.vertex && OWN_OF_VERTEX.contains(&name)) => {
                self.body.insert(name.to_owned(), value.clone());
            }
            _ => self.dropped.name(key),
        }
    }

    /// Arguments of calls in fragments are not read here, so they are not asked for.
    fn put_tools(&mut self, members: &Map<String, Value>) {
        merge("toolConfig", self.tools, members, self.dropped);
        let calling = self.tools.get_mut("functionCallingConfig");
        let calling = calling.and_then(Value::as_object_mut);
        let key = "streamFunctionCallArguments";
        if calling.is_some_and(|calling| calling.shift_remove(key).is_some()) {
            self.dropped.name(key);
        }
    }
}

/// Adds what is not there yet: what the neutral form said goes first, and what must yield to it is named.
fn merge(
    place: &str,
    into: &mut Map<String, Value>,
    members: &Map<String, Value>,
    dropped: &mut Dropped,
) {
    for (key, value) in members {
        match into.entry(camel(key)) {
            Entry::Vacant(entry) => drop(entry.insert(value.clone())),
            Entry::Occupied(_) => dropped.name(format!("{place}.{key}")),
        }
    }
}

/// Google takes `safety_settings` for `safetySettings`, and its clients send either.
fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}
