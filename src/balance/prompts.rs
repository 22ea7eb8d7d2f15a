//! What prompts have in their provider's cache, and how long the rest of them takes.
//!
//! A turn that goes where its conversation was before finds the beginning of its prompt cached: cheaper, and sooner at its
//! first token. How much is lost elsewhere is measured here. The seconds of a token that is not cached are the slope of a
//! line through times to first token over such tokens: prefill is work per token, whatever the rest of the time is.
//! Lines of several targets have one slope and a height each, so that a slow target with long prompts is not taken for the
//! price of length (pooled within-group regression).

use serde::{Deserialize, Serialize};

use super::input::Batch;
use super::possible::{MOST_SECONDS, MOST_TOKENS, Odd, number, numbers};

/// Answers that the running means go back: fewer are too noisy for a ratio that is shown, more hide a cache that was
/// switched off.
const MEMORY: f64 = 200.0;
/// Part of the input from which a target has shown that it caches. One hit of a long prompt in [`MEMORY`] answers is
/// several times as much, which is all that a target with a small share on a route without stickiness gets; a cache that is
/// switched off is believed to be there for some thirteen hundred answers. At ten times this it would be eight hundred, and
/// small shares would be taken for having none.
const SHOWN: f64 = 0.001;
/// Half-life of the line's sums, in answers.
const LINE_HALF_LIFE: f64 = 500.0;
/// A difference of mean lengths counts in full when it is several times this many standard errors.
const ERRORS: f64 = 2.0;
/// Answers from which a slope is worked out.
const LEAST: f64 = 30.0;

/// Sums of seconds to the first token over tokens of the prompt that were not cached, of streamed answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// How many.
    pub n: f64,
    /// Σ tokens.
    pub tokens: f64,
    /// Σ tokens².
    pub tokens_squared: f64,
    /// Σ seconds.
    pub seconds: f64,
    /// Σ seconds².
    pub seconds_squared: f64,
    /// Σ tokens × seconds.
    pub product: f64,
}

impl Line {
    /// Whether there are no answers.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds an answer.
    pub fn add(&mut self, tokens: f64, seconds: f64) {
        self.n += 1.0;
        self.tokens += tokens;
        self.tokens_squared += tokens * tokens;
        self.seconds += seconds;
        self.seconds_squared += seconds * seconds;
        self.product += tokens * seconds;
    }

    /// Takes `newer` in after `keep` of what was there.
    fn fold(&mut self, newer: &Self, keep: f64) {
        let pairs = [
            (&mut self.n, newer.n),
            (&mut self.tokens, newer.tokens),
            (&mut self.tokens_squared, newer.tokens_squared),
            (&mut self.seconds, newer.seconds),
            (&mut self.seconds_squared, newer.seconds_squared),
            (&mut self.product, newer.product),
        ];
        for (old, new) in pairs {
            // A journal that was written by hand may hold anything.
            *old = *old * keep + if new.is_finite() { new.max(0.0) } else { 0.0 };
        }
    }

    /// Sums of squared deviations: of tokens, of their product with seconds, of seconds.
    fn deviations(&self) -> [f64; 3] {
        let n = self.n.max(1.0);
        [
            self.tokens_squared - self.tokens * self.tokens / n,
            self.product - self.tokens * self.seconds / n,
            self.seconds_squared - self.seconds * self.seconds / n,
        ]
    }
}

/// What prompts of a cohort have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Usual {
    /// Seconds that each token adds which is not cached.
    each: f64,
    /// Mean of such tokens in a prompt.
    tokens: f64,
}

impl Usual {
    pub(super) fn of<'a>(members: impl Iterator<Item = &'a Prompts> + Clone) -> Self {
        let sums = members.clone().fold((0.0, 0.0), |(n, tokens), member| {
            (n + member.line.n, tokens + member.line.tokens)
        });
        Self {
            each: seconds_per_token(members),
            tokens: sums.1 / f64::max(sums.0, 1.0),
        }
    }
}

impl Usual {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        // A slope over tokens that differ by one at least.
        number("seconds of a token", self.each, (0.0, MOST_SECONDS))?;
        number("tokens", self.tokens, (0.0, MOST_TOKENS))
    }
}

/// What is known of one upstream's prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Prompts {
    /// Answers taken in, at most [`MEMORY`].
    answers: f64,
    /// Mean tokens of a prompt, and how many of them were cached.
    input: f64,
    cached: f64,
    line: Line,
}

impl Prompts {
    /// Takes a batch in.
    pub(super) fn take(&mut self, batch: &Batch) {
        let counted = f64::from(batch.counted);
        if counted > 0.0 {
            self.answers = (self.answers + counted).min(MEMORY);
            let gain = (counted / self.answers).min(1.0);
            let cached = batch.tokens_cached.min(batch.tokens_in);
            self.input += gain * (batch.tokens_in as f64 / counted - self.input);
            self.cached += gain * (cached as f64 / counted - self.cached);
        }
        if batch.line.n > 0.0 {
            let keep = 0.5_f64.powf(batch.line.n / LINE_HALF_LIFE);
            self.line.fold(&batch.line, keep);
        }
    }

    /// Seconds by which its prompts' lengths put off its first tokens more than its peers' do; below 0 if they are shorter.
    ///
    /// Only a difference that is no chance counts, so where all get the same mix it is nothing.
    pub(super) fn excess(&self, usual: &Usual) -> f64 {
        if self.line.n < LEAST || usual.each <= 0.0 {
            return 0.0;
        }
        let longer = self.line.tokens / self.line.n - usual.tokens;
        let [spread, ..] = self.line.deviations();
        let error = ERRORS * ERRORS * spread.max(0.0) / (self.line.n * self.line.n);
        let square = longer * longer;
        if square > 0.0 && square.is_finite() {
            usual.each * longer * square / (square + error)
        } else {
            0.0
        }
    }

    /// Mean tokens of a prompt that were in the cache.
    pub(super) const fn cached(&self) -> f64 {
        self.cached
    }

    /// Whether it may be taken to cache what its peers cache: it has shown it of late, or had little time to.
    pub(super) fn caches(&self) -> bool {
        self.cached > SHOWN * self.input || self.answers < MEMORY
    }

    /// The part of the prompts' tokens that was in the cache; `None` before any were counted.
    pub(super) fn ratio(&self) -> Option<f64> {
        (self.input > 0.0).then(|| (self.cached / self.input).clamp(0.0, 1.0))
    }
}

/// Seconds that one more token takes which is not cached, less one standard error, so that chance costs nothing; 0 where
/// little is known.
pub(super) fn seconds_per_token<'a>(prompts: impl Iterator<Item = &'a Prompts>) -> f64 {
    let (mut n, mut groups) = (0.0, 0.0);
    let mut sums = [0.0; 3];
    for known in prompts.filter(|known| known.line.n >= LEAST) {
        n += known.line.n;
        groups += 1.0;
        for (sum, part) in sums.iter_mut().zip(known.line.deviations()) {
            *sum += part;
        }
    }
    let [tokens, product, seconds] = sums;
    let freedom = n - groups - 1.0;
    // Less than a token's deviation is one length of all prompts: it says nothing about another.
    if freedom < 1.0 || tokens < n {
        return 0.0;
    }
    let slope = product / tokens;
    let rest = (seconds - slope * product).max(0.0);
    (slope - (rest / freedom / tokens).sqrt()).max(0.0)
}

impl Prompts {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        number("answers", self.answers, (0.0, MEMORY))?;
        numbers("tokens", [&self.input, &self.cached], (0.0, MOST_TOKENS))?;
        let Line {
            n,
            tokens,
            tokens_squared,
            seconds,
            seconds_squared,
            product,
        } = &self.line;
        // What is kept of answers is less than 2³² a batch and twice the half-life.
        let most = 1e10;
        number("answers", *n, (0.0, most))?;
        number("tokens", *tokens, (0.0, most * MOST_TOKENS))?;
        let squared = most * MOST_TOKENS * MOST_TOKENS;
        number("tokens_squared", *tokens_squared, (0.0, squared))?;
        number("seconds", *seconds, (0.0, most * MOST_SECONDS))?;
        let squared = most * MOST_SECONDS * MOST_SECONDS;
        number("seconds_squared", *seconds_squared, (0.0, squared))?;
        number(
            "product",
            *product,
            (0.0, most * MOST_TOKENS * MOST_SECONDS),
        )
    }
}

#[cfg(test)]
#[path = "prompts_tests.rs"]
mod tests;
