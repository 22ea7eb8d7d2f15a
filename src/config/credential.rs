//! `api_key` and `api_keys`: texts, or files that hold them. Nothing that is said of them repeats them.

use super::Secret;
use super::field::Field;
use super::interpolate::Lookup;
use super::tree::{Value, Variables};

/// Most credentials of one provider. Each is looked at when one is chosen, so half of it would do; nobody is known who has
/// more than a dozen.
pub const MOST_KEYS: usize = 64;

/// The credentials of a provider, from the one key or the other.
pub(super) fn credentials(
    one: Option<&Field<'_>>,
    many: Option<&Field<'_>>,
    lookup: &dyn Lookup,
) -> Option<Vec<Secret>> {
    match (one, many) {
        (None, None) => Some(Vec::new()),
        (Some(one), None) => credential(one, lookup).map(|key| vec![key]),
        (None, Some(many)) => pool(many, lookup),
        (Some(_), Some(many)) => {
            many.conflict(
                "expected either api_key or api_keys, found both",
                "put the one into the list",
            );
            None
        }
    }
}

fn pool(field: &Field<'_>, lookup: &dyn Lookup) -> Option<Vec<Secret>> {
    if !matches!(field.node.value, Value::List(_)) {
        field.expected(
            "a list in square brackets",
            "write api_keys = [\"${A}\", \"${B}\"]",
        );
        return None;
    }
    let items = field.items();
    if items.is_empty() || items.len() > MOST_KEYS {
        let found = items.len();
        field.problem(
            format!("expected 1 to {MOST_KEYS} credentials, found {found}"),
            "leave api_keys out if the provider needs none",
        );
        return None;
    }
    let mut keys: Vec<Secret> = Vec::new();
    let mut whole = Some(());
    for item in items {
        match credential(&item, lookup) {
            Some(key) if keys.contains(&key) => {
                item.problem("the same credential stands twice in the list", "remove one");
                whole = None;
            }
            Some(key) => keys.push(key),
            None => whole = None,
        }
    }
    whole.map(|()| keys)
}

/// The credential of `api_key = "…"` or `api_key = { file = "…" }`. No message repeats it.
pub(super) fn credential(field: &Field<'_>, lookup: &dyn Lookup) -> Option<Secret> {
    let (origin, text) = match &field.node.value {
        Value::Table(_) => {
            let mut section = field.section()?;
            let file = section.field("file");
            section.finish(&["command", "vault", "env"]);
            let Some(file) = file else {
                field.problem("expected { file = \"…\" }, found no `file`", "");
                return None;
            };
            let content = secret_file(&file, lookup)?;
            (file, content)
        }
        Value::Text(text) => {
            if text.variables == Variables::None && !text.full.is_empty() {
                field.warn(
                    "a credential stands in the file itself",
                    "write \"${NAME}\" and set that variable, or { file = \"…\" }",
                );
            }
            (field.clone(), text.full.clone())
        }
        Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::Date(_) | Value::List(_) => {
            field.expected("a text in quotes or { file = \"…\" }", "");
            return None;
        }
    };
    field.sink.keep_secret(&text);
    match unfit(&text) {
        None => Some(Secret::new(text)),
        Some((problem, hint)) => {
            origin.problem(problem, hint);
            None
        }
    }
}

fn secret_file(file: &Field<'_>, lookup: &dyn Lookup) -> Option<String> {
    let path = file.str()?;
    match lookup.secret_file(path) {
        Ok(mut content) => {
            content.truncate(content.trim_end_matches(['\r', '\n']).len());
            Some(content)
        }
        Err(why) => {
            file.problem(format!("can't read the credential: {why}"), "");
            None
        }
    }
}

/// Why a text can't be sent as a credential, and what to do.
fn unfit(text: &str) -> Option<(&'static str, &'static str)> {
    if text.is_empty() {
        let hint = "leave the key out if the provider needs none";
        return Some(("expected a credential, found an empty text", hint));
    }
    // Ways in which other gateways name a variable: sent as they stand, each request would be a 401.
    let foreign = ["env::", "env.", "os.environ/", "$ENV:"];
    if foreign.iter().any(|prefix| text.starts_with(prefix)) {
        let hint = "write \"${NAME}\" for the variable NAME";
        return Some(("expected a credential, found the name of a variable", hint));
    }
    let fit = text.chars().all(|c| c.is_ascii_graphic());
    (!fit).then_some((
        "expected letters, digits and punctuation only, found a space, line break or other character",
        "check for a second line or a space around it",
    ))
}
