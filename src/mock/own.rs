//! What a target recognises as its own: signatures of thoughts, ids of responses.
//!
//! Providers refuse the state of others, and so does a target here: its name stands in all that it hands out, so nothing
//! has to be remembered.

use super::base64::{decoded, encoded};

/// What the text of a signature begins with, before it is encoded.
const MAKER: &str = "weighbridge-mock/";

/// Signatures that Gemini takes from whoever has none.
///
/// Source: <https://ai.google.dev/gemini-api/docs/thought-signatures>, 2026-11-24.
const EXEMPT: [&str; 2] = [
    "skip_thought_signature_validator",
    "context_engineering_is_the_way_to_go",
];

/// The signature of the thoughts of answer `number`: base64, as Gemini's client libraries insist on.
pub(super) fn signature(target: &str, number: u64) -> String {
    encoded(format!("{MAKER}{target}/{number:016x}").as_bytes())
}

/// Whether `target` made this signature.
pub(super) fn is_signed(target: &str, signature: &str) -> bool {
    let prefix = format!("{MAKER}{target}/");
    decoded(signature).is_some_and(|text| text.starts_with(prefix.as_bytes()))
}

/// Whether Gemini would let this pass whoever made it.
pub(super) fn is_exempt(signature: &str) -> bool {
    let plain = decoded(signature).unwrap_or_default();
    EXEMPT
        .iter()
        .any(|text| signature == *text || plain == text.as_bytes())
}

/// A target's name in an id.
fn named(target: &str) -> &str {
    if target.is_empty() { "mock" } else { target }
}

/// The id of response `number`, or of a part of it, as `resp_TARGET_NUMBER`.
pub(super) fn id(prefix: &str, target: &str, number: u64) -> String {
    format!("{prefix}_{}_{number:016x}", named(target))
}

/// The id of item `index` of response `number`.
pub(super) fn item(prefix: &str, target: &str, number: u64, index: usize) -> String {
    format!("{prefix}_{}_{number:016x}{index:02x}", named(target))
}

/// Whether `target` handed out this id.
pub(super) fn is_own(target: &str, id: &str) -> bool {
    let number = id
        .split_once('_')
        .and_then(|(_, rest)| rest.strip_prefix(named(target)))
        .and_then(|rest| rest.strip_prefix('_'));
    number.is_some_and(|number| {
        number.len() >= 16 && number.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_knows_its_own_signatures_and_no_others() {
        let signature = signature("eu-1", 7);
        assert!(is_signed("eu-1", &signature));
        for other in ["eu", "eu-2", "", "eu-1/"] {
            assert!(!is_signed(other, &signature), "{other}");
        }
        assert!(!is_signed("eu-1", "not ours"));
        assert!(is_exempt("skip_thought_signature_validator"));
        assert!(!is_exempt(&signature));
    }

    #[test]
    fn a_target_knows_its_own_ids_even_where_names_look_alike() {
        assert!(is_own("a", &id("resp", "a", 3)));
        assert!(is_own("", &item("rs", "", 3, 1)));
        assert!(!is_own("a", &id("resp", "a_b", 3)), "a longer name");
        assert!(!is_own("a_b", &id("resp", "a", 3)), "a shorter name");
        assert!(!is_own("a", "resp_a_"), "no number");
        assert!(!is_own("a", "resp"), "no id at all");
    }
}
