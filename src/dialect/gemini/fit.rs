//! Whether a request can be said in generateContent at all.

use super::{GeminiOptions, media, unfit};
use crate::dialect::neutral::{Dialect, Part, Request, Role, Tool, Unfit};

/// Most answers to one request: `candidateCount` goes to 8.
const MOST_ANSWERS: u64 = 8;

/// Whether `request` can be said to a host that knows what `options` say.
///
/// # Errors
/// The first thing that cannot be said and is not harmless to leave out.
pub fn fit(request: &Request, options: &GeminiOptions) -> Result<(), Unfit> {
    if request.sampling.n.is_some_and(|n| n > MOST_ANSWERS) {
        return Err(unfit("more than 8 answers to one request (n)"));
    }
    for message in &request.messages {
        let is_standing = matches!(message.role, Role::System | Role::Developer);
        for part in &message.parts {
            fit_part(part, *options)?;
            if is_standing && matches!(part, Part::Image(_) | Part::Audio(_) | Part::File(_)) {
                return Err(unfit("images, sound or documents in standing instructions"));
            }
        }
    }
    for tool in &request.tools {
        if let Tool::Other(dialect, _) = tool
            && *dialect != Dialect::Gemini
        {
            return Err(unfit("tools that run at another provider"));
        }
    }
    Ok(())
}

fn fit_part(part: &Part, options: GeminiOptions) -> Result<(), Unfit> {
    match part {
        Part::Image(media) | Part::Audio(media) | Part::File(media) => media::fit(media, options),
        Part::ToolResult(result) => {
            let mut content = result.content.iter();
            content.try_for_each(|part| fit_part(part, options))
        }
        Part::Text(_)
        | Part::ToolCall(_)
        | Part::Reasoning(_)
        | Part::Refusal(_)
        | Part::Other(Dialect::Gemini, _) => Ok(()),
        Part::Other(..) => Err(unfit("parts that only another provider knows")),
    }
}
