//! Whether a request can be said in Responses at all.

use serde_json::Value;

use super::super::neutral::{Dialect, Media, Part, Request, Role, Source, Tool, Unfit};

/// Whether `request` can be said in Responses as OpenAI has them.
///
/// # Errors
/// The first thing that cannot be said and is not harmless to leave out.
pub fn fit(request: &Request) -> Result<(), Unfit> {
    for message in &request.messages {
        for part in &message.parts {
            fits(part, message.role)?;
            if let Part::ToolResult(result) = part {
                let mut content = result.content.iter();
                content.try_for_each(|part| fits(part, Role::Tool))?;
            }
        }
    }
    for tool in &request.tools {
        if let Tool::Other(dialect, value) = tool
            && *dialect != Dialect::Responses
        {
            return Err(foreign("tool", *dialect, value));
        }
    }
    if request.sampling.n.is_some_and(|count| count > 1) {
        return Err(unfit("n above 1"));
    }
    if !request.sampling.stop.is_empty() {
        return Err(unfit("texts that end the answer"));
    }
    Ok(())
}

fn fits(part: &Part, role: Role) -> Result<(), Unfit> {
    let what = match part {
        Part::Image(_) | Part::File(_) if role == Role::Assistant => "media in the model's turns",
        Part::Image(Media {
            source: Source::Text(_),
            ..
        }) => "images as text",
        Part::Audio(_) => "sound",
        Part::Other(dialect, value) if *dialect != Dialect::Responses => {
            return Err(foreign("part", *dialect, value));
        }
        Part::Text(_)
        | Part::Image(_)
        | Part::File(_)
        | Part::ToolCall(_)
        | Part::ToolResult(_)
        | Part::Reasoning(_)
        | Part::Refusal(_)
        | Part::Other(..) => return Ok(()),
    };
    Err(unfit(what))
}

fn foreign(what: &str, dialect: Dialect, value: &Value) -> Unfit {
    let kind = value.get("type").and_then(Value::as_str);
    let kind = kind.unwrap_or("unknown");
    unfit(format!("{what} of the type {kind:?} of {dialect:?}"))
}

fn unfit(what: impl Into<String>) -> Unfit {
    Unfit {
        dialect: Dialect::Responses,
        what: what.into(),
    }
}
