//! What the name of a model says about it, where nothing else does.
//!
//! Sources, read 2026-11-24: <https://docs.claude.com/en/docs/about-claude/models/overview>,
//! <https://docs.claude.com/en/docs/build-with-claude/adaptive-thinking>,
//! <https://docs.claude.com/en/docs/build-with-claude/structured-outputs>,
//! <https://ai.google.dev/gemini-api/docs/thinking>.

/// The version in a name, such as (4, 6) of `claude-opus-4-6-20260205`; a second number that is missing is 0. `None` where
/// the name has none, or is not of `family`.
fn version(family: &str, model: &str) -> Option<(u32, u32)> {
    let (_, name) = model.split_once(family)?;
    let mut numbers = name
        .split(['-', '.', '@', ':'])
        // A date is no version.
        .filter(|part| part.len() <= 2)
        .filter_map(|part| part.parse::<u32>().ok());
    Some((numbers.next()?, numbers.next().unwrap_or(0)))
}

/// The version of a Claude; `None` for other models.
pub(super) fn claude(model: &str) -> Option<(u32, u32)> {
    version("claude", model)
}

/// Whether a Claude decides by itself how much it thinks: from 4.6 on, and Mythos, whose preview has no number.
pub(super) fn thinks_adaptively(model: &str) -> bool {
    claude(model).is_some_and(|version| version >= (4, 6)) || model.contains("claude-mythos")
}

/// Whether a Claude is too old for answers by a schema: they came with Opus 4.1 and the 4.5 of the others.
pub(super) fn lacks_schemas(model: &str) -> bool {
    claude(model)
        .is_some_and(|version| version < (4, 1) || (version < (4, 5) && !model.contains("opus")))
}

/// Most tokens of an answer of Claude 3 and before, which refuse to be asked for more.
pub(super) fn old_max_output(model: &str) -> Option<u64> {
    claude(model)
        .filter(|version| *version < (3, 5))
        .map(|_| 4096)
}

/// Whether a Gemini takes a word for how much it thinks: from 3 on.
pub(super) fn takes_thinking_levels(model: &str) -> bool {
    version("gemini", model).is_some_and(|version| version >= (3, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_claude_stands_before_or_after_its_family() {
        for (model, expected) in [
            ("claude-opus-4-6-20260205", Some((4, 6))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-3-5-haiku-latest", Some((3, 5))),
            ("claude-3-haiku-20240307", Some((3, 0))),
            ("anthropic/claude-opus-4.7", Some((4, 7))),
            ("claude-haiku-4-5@20251001", Some((4, 5))),
            ("claude-sonnet-5", Some((5, 0))),
            ("claude-mythos-preview", None),
            ("gpt-5", None),
        ] {
            assert_eq!(claude(model), expected, "{model}");
        }
    }

    #[test]
    fn what_came_with_a_version_is_there_from_it_on() {
        for (model, adaptive, schemas) in [
            ("claude-haiku-4-5", false, true),
            ("claude-opus-4-1", false, true),
            ("claude-opus-4-20250514", false, false),
            ("claude-sonnet-4-20250514", false, false),
            ("claude-sonnet-4-6", true, true),
            ("claude-sonnet-5-5", true, true),
            ("claude-mythos-preview", true, true),
            ("a-model-of-ones-own", false, true),
        ] {
            assert_eq!(thinks_adaptively(model), adaptive, "{model}");
            assert_eq!(!lacks_schemas(model), schemas, "{model}");
        }
        for (model, expected) in [
            ("gemini-2.5-flash", false),
            ("gemini-3-pro-preview", true),
            ("models/gemini-3.5-flash", true),
            ("gemini-4-argon", true),
            ("gemini-flash-latest", false),
            ("gemini-2.5-flash-preview-09-2025", false),
        ] {
            assert_eq!(takes_thinking_levels(model), expected, "{model}");
        }
    }
}
