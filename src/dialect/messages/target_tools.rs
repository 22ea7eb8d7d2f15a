//! Tools, the choice among them, and schemas of answers.

use serde_json::{Map, Value, json};

use super::super::neutral::{Function, Output, Request, Tool, ToolChoice};
use super::target_blocks::mark;
use super::target_dropped::Dropped;
use super::target_options::MessagesOptions;

/// Members of a schema that hold schemas by names of the client's own.
const NAMED: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];

/// Members of a schema that hold values.
const VALUES: [&str; 4] = ["const", "enum", "default", "examples"];

/// `tools`; empty if there are none.
pub(super) fn tools(
    request: &Request,
    options: &MessagesOptions,
    dropped: &mut Dropped,
) -> Vec<Value> {
    let write = |tool: &Tool| match tool {
        Tool::Function(function) => write_function(function, options, dropped),
        Tool::Other(_, value) => value.clone(),
    };
    request.tools.iter().map(write).collect()
}

fn write_function(function: &Function, options: &MessagesOptions, dropped: &mut Dropped) -> Value {
    let mut written = Map::new();
    written.insert("name".to_owned(), json!(function.name));
    let description = function.description.as_deref();
    if let Some(description) = description.filter(|text| !text.is_empty()) {
        written.insert("description".to_owned(), json!(description));
    }
    let schema = schema_of(function.parameters.as_ref());
    written.insert("input_schema".to_owned(), schema);
    match function.strict {
        Some(true) if options.structured_outputs => {
            written.insert("strict".to_owned(), json!(true));
        }
        Some(true) => dropped.name("tools[].function.strict"),
        // What it is without the member.
        Some(false) | None => {}
    }
    let mut tool = Value::Object(written);
    mark(&mut tool, function.cache.as_ref(), dropped);
    tool
}

/// A schema of arguments. Anthropic wants an object's, and says so with `type`.
fn schema_of(parameters: Option<&Value>) -> Value {
    match parameters {
        Some(Value::Object(members)) if !members.is_empty() => {
            let mut members = members.clone();
            members
                .entry("type")
                .or_insert_with(|| Value::String("object".to_owned()));
            Value::Object(members)
        }
        Some(_) | None => json!({"type": "object", "properties": {}}),
    }
}

/// Whether the model must call a tool.
pub(super) fn is_forced(request: &Request) -> bool {
    let choice = request.tool_choice.as_ref();
    let must = matches!(choice, Some(ToolChoice::Required | ToolChoice::Function(_)));
    must && !request.tools.is_empty()
}

/// `tool_choice`, with `disable_parallel_tool_use` in it; `None` where nothing need be said. There must be tools.
pub(super) fn tool_choice(request: &Request) -> Option<Value> {
    let one_by_one = request.parallel_tool_calls == Some(false);
    let mut written = match &request.tool_choice {
        // It has no place for the other member, and needs none.
        Some(ToolChoice::None) => return Some(json!({"type": "none"})),
        None if !one_by_one => return None,
        Some(ToolChoice::Auto) | None => json!({"type": "auto"}),
        Some(ToolChoice::Required) => json!({"type": "any"}),
        Some(ToolChoice::Function(name)) => json!({"type": "tool", "name": name}),
    };
    if let (true, Some(members)) = (one_by_one, written.as_object_mut()) {
        members.insert("disable_parallel_tool_use".to_owned(), json!(true));
    }
    Some(written)
}

/// `output_config.format`.
pub(super) fn format(output: &Output, dropped: &mut Dropped) -> Option<Value> {
    let Output::Schema {
        schema,
        description,
        ..
    } = output
    else {
        return None;
    };
    // A schema's name is a mere label. What Anthropic has no place for is what the schema is for.
    dropped.name_if(
        "response_format.json_schema.description",
        description.is_some(),
    );
    let mut schema = schema.clone();
    close(&mut schema);
    Some(json!({"type": "json_schema", "schema": schema}))
}

/// Whether `schema` has objects whose members have names of the model's own: closed, they would be empty.
pub(super) fn has_maps(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let is_map = |more: &Value| more.as_object().is_some_and(|more| !more.is_empty());
            members.get("additionalProperties").is_some_and(is_map)
                || members
                    .iter()
                    .any(|(key, value)| match (key.as_str(), value) {
                        (key, Value::Object(named)) if NAMED.contains(&key) => {
                            named.values().any(has_maps)
                        }
                        (key, _) if VALUES.contains(&key) => false,
                        (_, value) => has_maps(value),
                    })
        }
        Value::Array(list) => list.iter().any(has_maps),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Says of each object in `schema` that it has no further members: Anthropic refuses the schema otherwise ("For 'object'
/// type, 'additionalProperties' must be explicitly set to false", <https://github.com/ax-llm/ax/issues/458>, and so with
/// `true`, <https://github.com/BerriAI/litellm/pull/35811>). What matches it then matched it before. No deeper than JSON is
/// read.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_object = match members.get("type") {
                Some(Value::String(kind)) => kind == "object",
                Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
                _ => false,
            };
            for (key, value) in members.iter_mut() {
                match (key.as_str(), value) {
                    (key, Value::Object(named)) if NAMED.contains(&key) => {
                        named.values_mut().for_each(close);
                    }
                    (key, _) if VALUES.contains(&key) => {}
                    (_, value) => close(value),
                }
            }
            if is_object {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
