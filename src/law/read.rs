//! A law from text: TOML as in files, JSON as programs like to send it.

use super::Law;

/// Why a text is not a law.
#[derive(Debug, thiserror::Error)]
pub enum LawError {
    /// TOML that can't be read, or keys and values that no law has; names line and column.
    #[error("not a law: {0}")]
    Toml(#[from] toml::de::Error),
    /// The same for JSON; names the key.
    #[error("not a law: {0}")]
    Json(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// Something after the JSON document.
    #[error("not a law: {0}")]
    After(#[from] serde_json::Error),
}

impl Law {
    /// Reads a law. A text that begins with `{` is JSON, which no TOML document does; any other is TOML.
    pub fn read(text: &str) -> Result<Self, LawError> {
        if !text.trim_start().starts_with('{') {
            return Ok(toml::from_str(text)?);
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let law = serde_path_to_error::deserialize(&mut json)?;
        json.end()?;
        Ok(law)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_and_json_say_the_same() {
        let toml = Law::read("ttft_ms = [[0, 5], [9, 50]]\ntail = { p = 0.1, factor = 3 }");
        let json = Law::read(r#" {"ttft_ms": [[0, 5], [9, 50]], "tail": {"p": 0.1, "factor": 3}}"#);
        assert_eq!(toml.unwrap(), json.unwrap());
    }

    #[test]
    fn a_broken_text_says_where() {
        for (text, words) in [
            ("ttft_ms = ", "line 1"),
            (r#"{"tail": {"p": 2}}"#, "tail.p"),
            (r#"{"tail": {"q": 2}}"#, "unknown field `q`"),
            ("{} {}", "trailing characters"),
            ("{", "EOF"),
        ] {
            let problem = Law::read(text).unwrap_err().to_string();
            assert!(
                problem.contains(words),
                "{text} should say {words:?}: {problem}"
            );
        }
    }
}
