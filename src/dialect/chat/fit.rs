//! Whether a request can be said in chat completions at all.

use super::super::neutral::{Dialect, Output, Part, Request, Tool, Unfit};
use super::options::{ChatOptions, Schemas};
use super::part::{fits, unfit};

/// Whether `request` can be said in chat completions to a server that knows what `options` say.
///
/// # Errors
/// The first thing that cannot be said and is not harmless to leave out.
pub fn fit(request: &Request, options: &ChatOptions) -> Result<(), Unfit> {
    match (&request.output, options.schemas) {
        (Output::Json | Output::Schema { .. }, Schemas::None) => {
            return Err(unfit("answers of JSON on this server"));
        }
        (Output::Schema { .. }, Schemas::ObjectOnly) => {
            return Err(unfit("answers by a JSON schema on this server"));
        }
        (Output::Text | Output::Json | Output::Schema { .. }, _) => {}
    }
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        fits(part)?;
        if let Part::ToolResult(result) = part {
            result.content.iter().try_for_each(fits)?;
        }
    }
    for tool in &request.tools {
        if let Tool::Other(dialect, value) = tool
            && *dialect != Dialect::Chat
        {
            let kind = value.get("type").and_then(serde_json::Value::as_str);
            return Err(unfit(format!(
                "tool of the type {:?} of {dialect:?}",
                kind.unwrap_or("unknown")
            )));
        }
    }
    Ok(())
}
