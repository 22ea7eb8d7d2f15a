//! How quick a provider's models are taken to be where nobody says.
//!
//! A table of what was published, by kind of provider. It says which of two providers is likely to be quicker and no more:
//! models of one provider differ as much as providers do, and a journal of one's own traffic is better at once. All have the
//! same spread and failure rate, since what is published of those is of single clients and days.

use crate::law::{Law, Number};

/// Mean milliseconds to the first token and per token of the answer, by kind of provider.
///
/// Sources, in the order of preference: times that providers themselves report beside their answers (test traffic of
/// open-source projects, 2024 to 2026), the probes of Hugging Face's router (July 2025), the `LLMPerf` leaderboard (December
/// 2023, Llama-2-70b).
/// - Anthropic: Claude Sonnet 4 and 4.5, 1.1 and 1.3 s to the header of a stream, 15 ms a token.
/// - `OpenAI`, and Azure, which serves its models: gpt-4o-mini and gpt-4.1, 0.9 to 1.0 s and 13 to 15 ms a token.
/// - Bedrock: Claude Sonnet 4.5, 18 ms a token; the first token as at Anthropic.
/// - Gemini and Vertex: gemini-2.5-flash and 3.5-flash, 0.5 to 1.1 s and 5 to 6 ms.
/// - Mistral: mistral-small, 0.43 s and 6 ms. xAI: grok-4.3, 0.55 s and 8.5 ms.
/// - Cohere: 0.43 s (router); what a token takes is not published, so it is the middling 15 ms.
/// - Groq: 0.22 and 0.33 s, 3.7 ms. Together: 0.28 and 0.64 s, 11.5 ms. Fireworks: 0.41 and 0.52 s, 22 ms. Perplexity: 0.37 s,
///   30 ms.
#[rustfmt::skip]
const KINDS: &[(&str, f64, f64)] = &[
    ("anthropic", 1_100.0, 15.0),
    ("azure", 900.0, 15.0),
    ("bedrock", 1_100.0, 18.0),
    ("cohere", 430.0, 15.0),
    ("fireworks", 450.0, 22.0),
    ("gemini", 1_000.0, 6.0),
    ("groq", 300.0, 4.0),
    ("mistral", 430.0, 6.0),
    ("openai", 900.0, 15.0),
    ("perplexity", 370.0, 30.0),
    ("together", 450.0, 12.0),
    ("vertex", 1_000.0, 6.0),
    ("xai", 550.0, 8.5),
];

/// The law that a provider of this kind is taken to follow, and whether the table knows the kind.
pub(super) fn law(kind: Option<&str>) -> (Law, bool) {
    let known = KINDS.iter().find(|(known, _, _)| Some(*known) == kind);
    let mut law = Law::default();
    if let Some((_, first, each)) = known {
        law.ttft_ms = number(*first);
        law.tpot_ms = number(*each);
    }
    (law, known.is_some())
}

/// A figure that does not change; 0 for what is no number.
pub(super) fn number(value: f64) -> Number {
    Number::constant(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn kinds_are_those_of_the_catalogue_and_unknown_ones_are_middling() {
        for (kind, first, each) in KINDS {
            assert!(catalogue::KINDS.contains(kind), "{kind}");
            assert!((100.0..2_000.0).contains(first) && (1.0..50.0).contains(each));
        }
        assert_eq!(law(Some("ollama")), (Law::default(), false));
        assert_eq!(law(None), (Law::default(), false));
    }
}
