//! Tools, and the choice among them.

use super::super::chat::without_nulls;
use super::super::json::Object;
use super::super::neutral::{Dialect, Extra, Function, Misread, Tool, ToolChoice};

/// Takes `tools`. One of a type other than `custom` runs at Anthropic or has a schema that only its models know.
pub(super) fn read_tools(object: &mut Object, extra: &mut Extra) -> Result<Vec<Tool>, Misread> {
    let mut tools = Vec::new();
    for (index, value) in object.list("tools")?.into_iter().enumerate() {
        let at = format!("tools[{index}]");
        let kind = value.get("type").filter(|kind| !kind.is_null());
        if kind.is_some_and(|kind| kind != "custom") {
            Object::of(value.clone(), at)?.need_text("type")?;
            tools.push(Tool::Other(Dialect::Messages, value));
            continue;
        }
        let mut tool = Object::of(value, at.clone())?;
        tool.take("type");
        let function = Function {
            name: tool.need_text("name")?,
            description: tool.text("description")?,
            parameters: tool.take("input_schema"),
            strict: tool.flag("strict")?,
            cache: tool.take("cache_control"),
        };
        tools.push(Tool::Function(function));
        for (key, value) in without_nulls(tool.rest()) {
            extra.insert(format!("{at}.{key}"), value);
        }
    }
    Ok(tools)
}

/// Takes `tool_choice`, and whether several tools may be called at once.
pub(super) fn read_choice(
    object: &mut Object,
    extra: &mut Extra,
) -> Result<(Option<ToolChoice>, Option<bool>), Misread> {
    let Some(mut choice) = object.object("tool_choice")? else {
        return Ok((None, None));
    };
    let read = match choice.need_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Function(choice.need_text("name")?),
        _ => {
            return Err(Misread {
                at: choice.at("type"),
                expected: "auto, any, tool or none".to_owned(),
                found: "another word".to_owned(),
            });
        }
    };
    // `false` is what a choice without the member says; not every provider knows the setting.
    let is_single = choice.flag("disable_parallel_tool_use")? == Some(true);
    for (key, value) in without_nulls(choice.rest()) {
        extra.insert(format!("tool_choice.{key}"), value);
    }
    Ok((Some(read), is_single.then_some(false)))
}
