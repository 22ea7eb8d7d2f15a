//! Whether a request can be said in Messages at all.

use serde_json::Value;

use super::super::neutral::{
    Dialect, Message, Output, Part, Request, Role, Tool, ToolResult, Unfit,
};
use super::target_media::{fit_document, fit_image};
use super::target_options::MessagesOptions;
use super::target_tools::has_maps;

/// Whether `request` can be said in Messages on a server that knows what `options` say.
///
/// # Errors
/// The first thing that cannot be said and is not harmless to leave out.
pub fn fit(request: &Request, options: &MessagesOptions) -> Result<(), Unfit> {
    if request.sampling.n.is_some_and(|n| n > 1) {
        return Err(unfit("several answers to one request (n above 1)"));
    }
    if request.sampling.logprobs {
        return Err(unfit("probabilities of tokens (logprobs)"));
    }
    match &request.output {
        Output::Text => {}
        Output::Json => return Err(unfit("JSON output without a schema")),
        Output::Schema { schema, .. } if options.structured_outputs && has_maps(schema) => {
            return Err(unfit(
                "JSON output whose members have names of the model's own",
            ));
        }
        Output::Schema { .. } if options.structured_outputs => {}
        Output::Schema { .. } => return Err(unfit("JSON output by a schema on this server")),
    }
    request.tools.iter().try_for_each(fit_tool)?;
    request.messages.iter().try_for_each(fit_message)
}

/// That Messages have no `what`.
pub(super) fn unfit(what: impl Into<String>) -> Unfit {
    Unfit {
        dialect: Dialect::Messages,
        what: what.into(),
    }
}

fn fit_tool(tool: &Tool) -> Result<(), Unfit> {
    match tool {
        Tool::Function(function) if is_word(&function.name) => Ok(()),
        Tool::Function(_) => Err(unfit(
            "tools whose names have other signs than letters, digits, _ and -",
        )),
        Tool::Other(Dialect::Messages, _) => Ok(()),
        Tool::Other(dialect, value) => {
            let kind = kind_of(value);
            Err(unfit(format!("tool of the type {kind:?} of {dialect:?}")))
        }
    }
}

fn fit_message(message: &Message) -> Result<(), Unfit> {
    message.parts.iter().try_for_each(|part| {
        let is_media = matches!(part, Part::Image(_) | Part::File(_));
        match message.role {
            Role::System | Role::Developer if is_media => {
                Err(unfit("images and documents in instructions"))
            }
            Role::Assistant if is_media => {
                Err(unfit("images and documents in the model's own turns"))
            }
            Role::System | Role::Developer | Role::User | Role::Assistant | Role::Tool => {
                fit_part(part)
            }
        }
    })
}

fn fit_part(part: &Part) -> Result<(), Unfit> {
    match part {
        Part::Image(media) => fit_image(media),
        Part::File(media) => fit_document(media),
        Part::Audio(_) => Err(unfit("sound")),
        Part::ToolResult(ToolResult { content, .. }) => content.iter().try_for_each(fit_part),
        Part::ToolCall(call) if !is_word(&call.name) => Err(unfit(
            "calls of tools whose names have other signs than letters, digits, _ and -",
        )),
        Part::Text(_)
        | Part::ToolCall(_)
        | Part::Reasoning(_)
        | Part::Refusal(_)
        | Part::Other(Dialect::Messages, _) => Ok(()),
        Part::Other(dialect, value) => {
            let kind = kind_of(value);
            Err(unfit(format!("part of the type {kind:?} of {dialect:?}")))
        }
    }
}

fn kind_of(value: &Value) -> &str {
    let kind = value.get("type").and_then(Value::as_str);
    kind.unwrap_or("unknown")
}

/// Whether `name` is one that Anthropic takes, for tools and for ids: `^[a-zA-Z0-9_-]+$`.
pub(super) fn is_word(name: &str) -> bool {
    let is_sign = |sign: u8| sign.is_ascii_alphanumeric() || sign == b'_' || sign == b'-';
    !name.is_empty() && name.bytes().all(is_sign)
}
