//! Whether a request can be said in chat completions at all.

use super::super::neutral::{Dialect, Part, Request, Tool, Unfit};
use super::part::{fits, unfit};

/// Whether `request` can be said in chat completions as OpenAI has them; what one server lacks is in its options, and
/// [`super::write_request`] tells.
///
/// # Errors
/// The first thing that cannot be said and is not harmless to leave out.
pub fn fit(request: &Request) -> Result<(), Unfit> {
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
