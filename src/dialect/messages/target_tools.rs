//! Tools, the choice among them, and schemas of answers.

use serde_json::{Map, Value, json};

use super::super::neutral::{Function, Output, Request, Tool, ToolChoice};
use super::target_blocks::mark;
use super::target_dropped::Dropped;
use super::target_options::MessagesOptions;

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

/// Says of each object in `schema` that says nothing of further members that it has none: Anthropic refuses the schema
/// otherwise ("'additionalProperties' must be explicitly set to false"). What matches it then matched it before. No deeper
/// than JSON is read.
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
                    // Schemas by names of the client's own.
                    (
                        "properties" | "patternProperties" | "$defs" | "definitions",
                        Value::Object(named),
                    ) => named.values_mut().for_each(close),
                    // Values that are no schemas.
                    ("const" | "enum" | "default" | "examples", _) => {}
                    (_, value) => close(value),
                }
            }
            if is_object {
                members
                    .entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
