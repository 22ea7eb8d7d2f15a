//! What only a server of Responses can do.

use serde_json::Value;

use super::super::neutral::{Dialect, Part, Request, Unfit};

/// Members that only such a server can serve, with what they are called in a reason.
const OWN: [(&str, &str); 5] = [
    (
        "previous_response_id",
        "responses that are kept (previous_response_id)",
    ),
    ("conversation", "conversations that are kept (conversation)"),
    ("prompt", "prompts that are kept (prompt)"),
    ("background", "answers in the background (background)"),
    (
        "tool_choice",
        "choice of a tool of the provider's own (tool_choice)",
    ),
];

/// Whether a request that was read here can be said in the dialect `target`. What is harmless to leave out (`store`,
/// `include`, `truncation`) is no reason.
///
/// # Errors
/// What only a server of Responses can do.
pub fn fit_elsewhere(request: &Request, target: Dialect) -> Result<(), Unfit> {
    if target == Dialect::Responses {
        return Ok(());
    }
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    let what = if parts.any(is_reference) {
        Some("references to items that are kept (item_reference)")
    } else {
        let found = OWN.iter().find(|(key, _)| request.extra.contains_key(*key));
        found.map(|(_, what)| *what)
    };
    what.map_or(Ok(()), |what| {
        Err(Unfit {
            dialect: target,
            what: what.to_owned(),
        })
    })
}

fn is_reference(part: &Part) -> bool {
    let Part::Other(Dialect::Responses, item) = part else {
        return false;
    };
    item.get("type")
        .and_then(Value::as_str)
        .is_none_or(|kind| kind == "item_reference")
}
