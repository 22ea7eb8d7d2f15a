//! What of a request only a server of the client's own dialect can serve.

use serde_json::Value;

use super::neutral::{Dialect, Request, Unfit};

/// Members of a chat that other dialects have no word for and no answer is right without.
/// Source, read 2026-11-28: <https://platform.openai.com/docs/api-reference/chat/create>.
const OF_CHAT: [(&str, &str); 2] = [
    ("modalities", "answers in sound (modalities)"),
    (
        "web_search_options",
        "search of the web by the model itself (web_search_options)",
    ),
];
/// The same of Messages. Source, read 2026-11-28: <https://platform.claude.com/docs/en/agents-and-tools/mcp-connector>,
/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/code-execution-tool#container-reuse>.
const OF_MESSAGES: [(&str, &str); 2] = [
    ("mcp_servers", "tools of other servers (mcp_servers)"),
    ("container", "containers that are kept (container)"),
];

/// Whether a chat means the same in the dialect `target`.
///
/// # Errors
/// What in it only chat completions have.
pub(super) fn of_chat(request: &Request, target: Dialect) -> Result<(), Unfit> {
    if target == Dialect::Chat {
        return Ok(());
    }
    lacks(request, target, &OF_CHAT)
}

/// Whether a message means the same in the dialect `target`.
///
/// # Errors
/// What in it only Messages have.
pub(super) fn of_messages(request: &Request, target: Dialect) -> Result<(), Unfit> {
    if target == Dialect::Messages {
        return Ok(());
    }
    lacks(request, target, &OF_MESSAGES)
}

fn lacks(request: &Request, target: Dialect, own: &[(&str, &str)]) -> Result<(), Unfit> {
    let asks = |key: &str| {
        request
            .extra
            .get(key)
            .is_some_and(|value| asks_for(key, value))
    };
    match own.iter().find(|(key, _)| asks(key)) {
        None => Ok(()),
        Some((_, what)) => Err(Unfit {
            dialect: target,
            what: (*what).to_owned(),
        }),
    }
}

/// Whether the member asks for anything: nulls and empty lists do not, nor do answers in text, which everybody gives.
fn asks_for(key: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(list) if key == "modalities" => list.iter().any(|mode| mode != "text"),
        Value::Array(list) => !list.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::any::{Ask, Target};
    use crate::dialect::Front;

    fn reason(front: Front, member: &str, target: &Target) -> Option<String> {
        let body = format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"u"}}],{member}}}"#
        );
        let ask = Ask::read(front, body.as_bytes()).unwrap().unwrap();
        ask.fit(target).err().map(|unfit| unfit.what)
    }

    fn others() -> [Target; 3] {
        [
            Target::Converse,
            Target::Cohere,
            Target::Gemini(crate::dialect::gemini::GeminiOptions::default()),
        ]
    }

    #[test]
    fn what_changes_the_answer_is_not_left_out_elsewhere() {
        for target in others() {
            for (front, member, named) in [
                (Front::Chat, r#""modalities":["text","audio"]"#, "sound"),
                (Front::Chat, r#""web_search_options":{}"#, "web"),
                (
                    Front::Messages,
                    r#""mcp_servers":[{"type":"url","url":"https://x","name":"x"}]"#,
                    "mcp_servers",
                ),
                (Front::Messages, r#""container":"container_1""#, "container"),
            ] {
                let told = reason(front, member, &target).unwrap_or_default();
                assert!(told.contains(named), "{member}: {told:?}");
            }
        }
    }

    #[test]
    fn what_asks_for_nothing_is_no_reason() {
        for target in others() {
            for (front, member) in [
                (Front::Chat, r#""modalities":["text"]"#),
                (Front::Chat, r#""web_search_options":null"#),
                (Front::Messages, r#""mcp_servers":[]"#),
                (Front::Messages, r#""container":null"#),
            ] {
                assert_eq!(reason(front, member, &target), None, "{member}");
            }
        }
    }

    #[test]
    fn a_server_of_the_dialect_itself_is_asked() {
        let chat = Target::Chat(crate::dialect::chat::ChatOptions::default());
        let told = reason(Front::Chat, r#""modalities":["text","audio"]"#, &chat);
        assert_eq!(told, None);
    }
}
