//! What must not be seen: which keys hold credentials, and texts with those parts masked.
//!
//! Problem: a key can stand anywhere, also where it was pasted by mistake, and every problem, log line and API answer is a
//! way out. Choice: three nets. Keys with a telling name are masked whatever they hold; variables with a telling name are
//! masked wherever they were filled in; and every known credential is scrubbed from all texts at the end.

use std::collections::BTreeSet;

use super::tree::{Node, Table, Text, Value};

/// What stands in place of a credential.
pub(super) const MASK: &str = "***";

/// Whether a key of this name holds a credential.
pub(super) fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let parts = [
        "secret",
        "password",
        "passwd",
        "credential",
        "authorization",
    ];
    let ends = ["key", "api_keys", "auth_token", "api_token", "access_token"];
    // A provider's headers hold whatever somebody's gateway asks for. `forward_headers` are names.
    // `credentials` says how one is come by.
    if key == "credentials" {
        return false;
    }
    key == "token"
        || key == "headers"
        || parts.iter().any(|part| key.contains(part))
        || ends.iter().any(|end| key.ends_with(end))
}

/// Whether a variable of this name holds a credential. Broader than for keys: masking one too many harms nobody.
pub(super) fn is_secret_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH"]
        .iter()
        .any(|part| name.contains(part))
}

/// Whether a text looks like a credential that was put in the wrong place: a known prefix, or long and without any of the
/// characters that words, names and addresses are joined by.
pub(super) fn looks_secret(text: &str) -> bool {
    let prefixes = [
        "sk-", "sk_", "gsk_", "xai-", "AIza", "AKIA", "Bearer ", "ghp_",
    ];
    let long = text.len() >= 32
        && text.chars().any(|c| c.is_ascii_digit())
        && !text.contains([' ', '.', '/', ':']);
    long || prefixes.iter().any(|prefix| text.starts_with(prefix))
}

/// A line of a file as it may be shown: what follows the first `=` is masked where the line tells of a credential, or has
/// something that looks like one. Where a file cannot be parsed nobody knows its credentials.
pub(super) fn visible_line(line: &str) -> String {
    let short: String = line.trim_end().chars().take(LONGEST_LINE).collect();
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/');
    let mut words = short.split(|c| !is_word(c));
    // An address may have a password before its `@`.
    let tells = words.any(|word| is_secret_key(word) || looks_secret(word)) || short.contains('@');
    if !tells {
        return short;
    }
    match short.split_once('=') {
        Some((key, _)) if !looks_secret(key.trim()) => format!("{key}= {MASK}"),
        Some(_) | None => MASK.to_owned(),
    }
}

/// Most characters of a line that is shown.
const LONGEST_LINE: usize = 200;

/// Most characters of a value that a message repeats.
const QUOTED: usize = 60;

/// A value as a message may repeat it: in quotes, cut, control characters escaped, masked if it looks like a credential.
pub(super) fn quote(text: &str) -> String {
    if looks_secret(text) {
        return format!("\"{MASK}\"");
    }
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// Credentials that are known by now.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    whole: BTreeSet<String>,
}

/// How many credentials are looked for inside longer texts. Beyond, only texts that are one whole are found: looking for
/// each of a hundred thousand in each of a hundred thousand texts would take minutes.
const MOST_SOUGHT: usize = 200;

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} credentials", self.whole.len())
    }
}

impl Secrets {
    /// Short ones would mask half of every sentence and are left out.
    pub(super) fn insert(&mut self, secret: &str) {
        if secret.len() >= 4 {
            self.whole.insert(secret.to_owned());
        }
    }

    /// `text` without any of them.
    pub(super) fn scrub(&self, text: String) -> String {
        if self.whole.contains(&text) {
            return MASK.to_owned();
        }
        let sought = self.whole.iter().take(MOST_SOUGHT);
        sought.fold(text, |text, secret| {
            if text.contains(secret.as_str()) {
                text.replace(secret.as_str(), MASK)
            } else {
                text
            }
        })
    }
}

/// A copy of the table in which no credential is left.
pub(super) fn masked(table: &Table, secrets: &Secrets) -> Table {
    table
        .iter()
        .map(|(key, node)| {
            let hide = is_secret_key(key);
            (secrets.scrub(key.clone()), masked_node(node, hide, secrets))
        })
        .collect()
}

fn masked_node(node: &Node, hide: bool, secrets: &Secrets) -> Node {
    let value = match &node.value {
        Value::Text(text) => Value::Text(Text::literal(visible(text, hide, secrets))),
        Value::Integer(_) | Value::Float(_) | Value::Date(_) if hide => {
            Value::Text(Text::literal(MASK))
        }
        Value::List(items) => Value::List(
            items
                .iter()
                .map(|item| masked_node(item, hide, secrets))
                .collect(),
        ),
        Value::Table(table) => Value::Table(
            table
                .iter()
                .map(|(key, node)| {
                    // The path of a file that holds a credential is no credential.
                    let hide = (hide && key != "file") || is_secret_key(key);
                    (secrets.scrub(key.clone()), masked_node(node, hide, secrets))
                })
                .collect(),
        ),
        Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::Date(_) => node.value.clone(),
    };
    Node {
        value,
        ..node.clone()
    }
}

fn visible(text: &Text, hide: bool, secrets: &Secrets) -> String {
    if hide || looks_secret(&text.full) {
        MASK.to_owned()
    } else {
        secrets.scrub(text.shown().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_not_taken_for_credentials() {
        for key in [
            "first_token",
            "between_tokens",
            "models",
            "listen",
            "weight",
        ] {
            assert!(!is_secret_key(key), "{key} is no credential");
        }
        for key in ["api_key", "API-KEY", "client_secret", "password", "token"] {
            assert!(is_secret_key(key), "{key} holds a credential");
        }
    }

    #[test]
    fn names_and_addresses_do_not_look_like_credentials() {
        for text in [
            "openai/gpt-5.6-luna-2026-08-07-preview-with-a-long-name",
            "https://api.openai.com/v1",
            "$0.60 / 1M tokens",
            "sim-fast",
        ] {
            assert!(!looks_secret(text), "{text:?} is shown");
        }
        assert!(looks_secret("sk-proj-1"));
        assert!(looks_secret("0123456789abcdef0123456789abcdef"));
    }
}
