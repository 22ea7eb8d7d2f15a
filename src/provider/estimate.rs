//! Tokens of an answer whose provider did not count them.
//!
//! The problem: some servers report no usage, and a stream that breaks off has none, though both cost money. A tokenizer
//! per model would be a megabyte each, and wrong for the next model. The choice: bytes, divided by what a token of this
//! model has been in bytes lately, with a mark that the figure is an estimate. What is learned is a ratio of sums, so that
//! the estimates of many answers add up to about the right total; a mean of ratios would follow the short ones.
//!
//! How it fails: texts of another language than those it learned from are off until some of them were reported; a model
//! that never reports stays at four bytes a token, which is a rule of thumb for English prose (source:
//! <https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them>, read 2026-11-23).

use crate::model::Tokens;

/// Bytes of a token before anything is known.
const START: f64 = 4.0;
/// How many tokens the start counts for: about one short question, so that the first real report outweighs it.
const START_TOKENS: f64 = 100.0;
/// What a report leaves of those before it: the last fifty or so decide.
const KEPT: f64 = 1.0 - 1.0 / 64.0;
/// Bytes a token that can be text. A prompt with an image in it, or an answer that was reasoned about but not shown, says
/// nothing about text and is not learned from.
const TEXT: std::ops::RangeInclusive<f64> = 0.5..=32.0;

/// How many bytes one exchange had. Whoever learns and whoever estimates must count the same ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Of the prompt: the request's body.
    pub prompt: u64,
    /// Of the answer: what was shown of it.
    pub answer: u64,
}

/// Where a count of tokens comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The provider reported it.
    Reported,
    /// It was worked out from bytes.
    Estimated,
}

/// Tokens, and how far to trust them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The counts. Estimated ones know nothing of caches and reasoning.
    pub tokens: Tokens,
    /// Where they come from.
    pub basis: Basis,
}

/// What a token of one model is in bytes, as learned from its reports.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ratio {
    prompt: Side,
    answer: Side,
}

/// Sums of bytes and tokens in which older reports count less.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Side {
    bytes: f64,
    tokens: f64,
}

// === impl Ratio ===

impl Ratio {
    /// The tokens of an exchange: as `reported`, from which is learned, else estimated.
    pub fn count(&mut self, bytes: Bytes, reported: Option<Tokens>) -> Counted {
        if let Some(tokens) = reported {
            self.learn(bytes, tokens);
            return Counted {
                tokens,
                basis: Basis::Reported,
            };
        }
        Counted {
            tokens: self.estimate(bytes),
            basis: Basis::Estimated,
        }
    }

    /// Learns from a report. Reasoning is not shown, so it is no part of the answer's bytes.
    pub fn learn(&mut self, bytes: Bytes, tokens: Tokens) {
        let shown = tokens.output.saturating_sub(tokens.reasoning);
        self.prompt.learn(bytes.prompt, tokens.input);
        self.answer.learn(bytes.answer, shown);
    }

    /// The tokens of so many bytes: at least one where there are any.
    pub fn estimate(&self, bytes: Bytes) -> Tokens {
        Tokens {
            input: self.prompt.estimate(bytes.prompt),
            output: self.answer.estimate(bytes.answer),
            ..Tokens::default()
        }
    }
}

// === impl Side ===

impl Default for Side {
    fn default() -> Self {
        Self {
            bytes: START * START_TOKENS,
            tokens: START_TOKENS,
        }
    }
}

impl Side {
    fn learn(&mut self, bytes: u64, tokens: u64) {
        if tokens == 0 {
            return;
        }
        let (bytes, tokens) = (bytes as f64, tokens as f64);
        if TEXT.contains(&(bytes / tokens)) {
            self.bytes = self.bytes * KEPT + bytes;
            self.tokens = self.tokens * KEPT + tokens;
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a quotient of sums that are positive; a float cast saturates"
    )]
    fn estimate(&self, bytes: u64) -> u64 {
        if bytes == 0 {
            return 0;
        }
        let tokens = bytes as f64 * self.tokens / self.bytes;
        (tokens.round() as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(prompt: u64, answer: u64) -> Bytes {
        Bytes { prompt, answer }
    }

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens {
            input,
            output,
            ..Tokens::default()
        }
    }

    #[test]
    fn it_starts_at_four_bytes_a_token_and_says_that_it_guesses() {
        let mut ratio = Ratio::default();
        let counted = ratio.count(bytes(400, 41), None);
        assert_eq!(counted.tokens, tokens(100, 10));
        assert_eq!(counted.basis, Basis::Estimated);
        assert_eq!(
            ratio.estimate(bytes(1, 0)),
            tokens(1, 0),
            "a byte is a token"
        );
        assert_eq!(ratio, Ratio::default(), "estimates teach nothing");
    }

    #[test]
    fn reports_are_taken_as_they_are_and_learned_from() {
        let mut ratio = Ratio::default();
        let report = tokens(2_000, 500);
        for _ in 0..300 {
            let counted = ratio.count(bytes(5_000, 1_000), Some(report));
            assert_eq!((counted.tokens, counted.basis), (report, Basis::Reported));
        }
        // 2.5 bytes in the prompt, 2 in the answer.
        assert_eq!(ratio.estimate(bytes(2_500, 2_000)), tokens(1_000, 1_000));
    }

    #[test]
    fn the_past_is_forgotten() {
        let mut ratio = Ratio::default();
        for _ in 0..1_000 {
            ratio.learn(bytes(6_000, 600), tokens(1_000, 100));
        }
        for _ in 0..300 {
            ratio.learn(bytes(2_000, 200), tokens(1_000, 100));
        }
        let estimate = ratio.estimate(bytes(2_000, 200));
        assert!((960..=1_000).contains(&estimate.input), "{estimate:?}");
        assert!((96..=100).contains(&estimate.output), "{estimate:?}");
    }

    #[test]
    fn images_and_hidden_reasoning_teach_nothing_about_text() {
        let mut ratio = Ratio::default();
        let reasoned = Tokens {
            reasoning: 5_000,
            ..tokens(1_100, 5_000)
        };
        ratio.learn(bytes(1_500_000, 0), reasoned);
        ratio.learn(bytes(10, 3), tokens(0, 0));
        assert_eq!(ratio, Ratio::default());
        // What is shown of a reasoned answer does.
        let shown = Tokens {
            reasoning: 5_000,
            ..tokens(0, 5_010)
        };
        for _ in 0..2_000 {
            ratio.learn(bytes(0, 30), shown);
        }
        assert_eq!(ratio.estimate(bytes(0, 300)).output, 100);
    }

    #[test]
    fn estimates_add_up_to_the_true_total() {
        // Long and short answers of a model whose short ones have few bytes a token.
        let mut ratio = Ratio::default();
        let exchanges = [(40, 20), (4_000, 1_000)];
        let (mut estimated, mut real) = (0, 0);
        for round in 0..2_000 {
            let (size, count) = exchanges[round % 2];
            if round >= 1_000 {
                estimated += ratio.estimate(bytes(0, size)).output;
                real += count;
            }
            ratio.learn(bytes(0, size), tokens(0, count));
        }
        let off = estimated as f64 / real as f64 - 1.0;
        assert!(off.abs() < 0.02, "{estimated} for {real}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_ratio_stays_within_what_text_can_be(reports in prop::collection::vec((any::<u64>(), any::<u64>()), 0..50)) {
            let mut ratio = Ratio::default();
            for (size, count) in reports {
                ratio.learn(bytes(size, size), tokens(count, count));
            }
            let estimate = ratio.estimate(bytes(1_000, 1_000));
            prop_assert!((31..=2_000).contains(&estimate.input), "{estimate:?}");
        }
    }
}
