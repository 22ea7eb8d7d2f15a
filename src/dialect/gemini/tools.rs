//! Tools, and which of them is to be called.

use serde_json::{Map, Value, json};

use super::dropped::Dropped;
use crate::dialect::neutral::{Function, Request, Tool, ToolChoice};

/// The request's `tools`: all functions in one element, those of the host's own behind it as they came.
pub(super) fn write(request: &Request, dropped: &mut Dropped) -> Vec<Value> {
    let (mut functions, mut others) = (Vec::new(), Vec::new());
    for tool in &request.tools {
        match tool {
            Tool::Function(function) => functions.push(declaration(function, dropped)),
            Tool::Other(_, value) => others.push(value.clone()),
        }
    }
    let mut tools = Vec::new();
    if !functions.is_empty() {
        tools.push(json!({"functionDeclarations": functions}));
    }
    tools.append(&mut others);
    tools
}

fn declaration(function: &Function, dropped: &mut Dropped) -> Value {
    let mut written = Map::new();
    written.insert("name".to_owned(), json!(function.name));
    if let Some(description) = &function.description {
        written.insert("description".to_owned(), json!(description));
    }
    if let Some(schema) = &function.parameters {
        written.insert("parametersJsonSchema".to_owned(), schema.clone());
    }
    dropped.name_if(function.strict == Some(true), "tools[].function.strict");
    dropped.name_if(function.cache.is_some(), "cache_control");
    Value::Object(written)
}

/// `functionCallingConfig`; `None` where the client left the choice open or there is nothing to choose.
pub(super) fn choice(request: &Request) -> Option<Value> {
    let mut tools = request.tools.iter();
    if !tools.any(|tool| matches!(tool, Tool::Function(_))) {
        return None;
    }
    Some(match request.tool_choice.as_ref()? {
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Function(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
    })
}
