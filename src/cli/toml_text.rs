//! Texts and keys as TOML and the configuration's own rules want them.

/// `text` in quotes. Dollar signs are doubled: `${` would be a variable.
pub(super) fn text(text: &str) -> String {
    quoted(&text.replace('$', "$$"))
}

/// A text that may hold variables, in quotes: a basic string, in which all that JSON escapes is escaped alike.
pub(super) fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace('\u{7f}', "\\u007f")
}

/// A key, in quotes where it must be.
pub(super) fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        for odd in [
            "",
            "a",
            "a.b",
            "ü \"x\"\n\\\u{1}\u{7f}\u{1f600}",
            "$${NAME} $",
            "'''",
        ] {
            let line = format!("{} = {}", key(odd), quoted(odd));
            let table: toml::Table = line.parse().unwrap_or_else(|why| panic!("{line}: {why}"));
            assert_eq!(table[odd].as_str(), Some(odd), "{line}");
        }
        assert_eq!(text("${NAME}"), "\"$${NAME}\"");
    }
}
