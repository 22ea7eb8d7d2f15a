//! What a model costs, and what an answer costs at that price.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{PicoUsd, Tokens};

/// What a model costs, in pico-dollars a token (equal to micro-dollars per million tokens).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Price {
    /// For a token of the prompt.
    pub input: u64,
    /// For a token of the prompt that the provider had in its cache.
    pub cached_input: u64,
    /// For a token of the prompt that the provider writes to its cache.
    pub cache_write: u64,
    /// For a token of the answer.
    pub output: u64,
    /// For a token of the answer that was spent on reasoning.
    pub reasoning: u64,
    /// For the request itself, in pico-dollars.
    #[serde(skip_serializing_if = "is_zero")]
    pub request: u64,
    /// Other rates for long prompts.
    #[serde(skip_serializing_if = "Tiers::is_empty")]
    pub tiers: Tiers,
}

/// The rates above a size of the prompt, for all tokens of such a request, also for those below the size: that is how
/// Google, `OpenAI` and Anthropic price long prompts.
/// Source: `…_above_200k_tokens` in the prices of <https://pypi.org/project/litellm/> 1.109.1, 2026-11-23.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tier {
    /// Prompts with more tokens than this, cached ones included, have these rates.
    pub above: u64,
    /// As in [`Price`], and so the others.
    pub input: u64,
    /// For a cached token of the prompt.
    pub cached_input: u64,
    /// For a token written to the cache.
    pub cache_write: u64,
    /// For a token of the answer.
    pub output: u64,
    /// For a token of reasoning.
    pub reasoning: u64,
}

/// Most tiers of one price. No provider has had more than two.
pub const MAX_TIERS: usize = 2;

/// A price's tiers, in any order; at most [`MAX_TIERS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tiers([Option<Tier>; MAX_TIERS]);

// === impl Tiers ===

impl Tiers {
    /// These tiers; `None` if there are more than [`MAX_TIERS`].
    pub fn new(tiers: &[Tier]) -> Option<Self> {
        if tiers.len() > MAX_TIERS {
            return None;
        }
        let mut kept = Self::default();
        for (place, tier) in kept.0.iter_mut().zip(tiers) {
            *place = Some(*tier);
        }
        Some(kept)
    }

    /// The tiers in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &Tier> {
        self.0.iter().flatten()
    }

    /// Whether all prompts have the same rates.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The tier of a prompt of this many tokens: the highest one that it exceeds.
    fn of(&self, prompt: u64) -> Option<&Tier> {
        self.iter()
            .filter(|tier| prompt > tier.above)
            .max_by_key(|tier| tier.above)
    }
}

impl Serialize for Tiers {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Tiers {
    /// Older journals have `null` in the place of a tier that is not there.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = Vec::<Option<Tier>>::deserialize(from)?;
        let tiers: Vec<Tier> = written.into_iter().flatten().collect();
        let expected = || D::Error::custom(format!("expected at most {MAX_TIERS} tiers"));
        Self::new(&tiers).ok_or_else(expected)
    }
}

// === impl Price ===

impl Price {
    /// A price with nothing special: the cache costs what input costs, reasoning what output costs, in pico-dollars a token.
    pub fn flat(input: u64, output: u64) -> Self {
        Self {
            input,
            cached_input: input,
            cache_write: input,
            output,
            reasoning: output,
            ..Self::default()
        }
    }

    /// The rates of a prompt of this many tokens, as a price without tiers.
    pub fn for_prompt(&self, prompt: u64) -> Self {
        let base = Self {
            tiers: Tiers::default(),
            ..*self
        };
        match self.tiers.of(prompt) {
            None => base,
            Some(tier) => Self {
                input: tier.input,
                cached_input: tier.cached_input,
                cache_write: tier.cache_write,
                output: tier.output,
                reasoning: tier.reasoning,
                ..base
            },
        }
    }

    /// What these tokens cost at this price, to the pico-dollar; an amount beyond `u128` is its largest.
    ///
    /// A part never counts for more than its whole: of the input first what was cached, then what was written to the cache,
    /// then the rest; of the output first the reasoning, then the rest.
    pub fn of(&self, tokens: Tokens) -> PicoUsd {
        let rates = self.for_prompt(tokens.input);
        let cached = tokens.cached_input.min(tokens.input);
        let uncached = tokens.input - cached;
        let written = tokens.cache_write.min(uncached);
        let reasoning = tokens.reasoning.min(tokens.output);
        let parts = [
            (cached, rates.cached_input),
            (written, rates.cache_write),
            (uncached - written, rates.input),
            (reasoning, rates.reasoning),
            (tokens.output - reasoning, rates.output),
            (1, rates.request),
        ];
        parts
            .into_iter()
            .map(|(count, rate)| PicoUsd::new(u128::from(count) * u128::from(rate)))
            .sum()
    }

    /// This price with every amount put through `change`: a discount, for example.
    pub fn each(&self, change: impl Fn(u64) -> u64) -> Self {
        let mut tiers = self.tiers;
        for tier in tiers.0.iter_mut().flatten() {
            *tier = Tier {
                above: tier.above,
                input: change(tier.input),
                cached_input: change(tier.cached_input),
                cache_write: change(tier.cache_write),
                output: change(tier.output),
                reasoning: change(tier.reasoning),
            };
        }
        Self {
            input: change(self.input),
            cached_input: change(self.cached_input),
            cache_write: change(self.cache_write),
            output: change(self.output),
            reasoning: change(self.reasoning),
            request: change(self.request),
            tiers,
        }
    }
}

/// A price as it may be written down: lines of versions that knew less lack the later fields.
#[derive(Deserialize)]
struct Written {
    input: u64,
    output: u64,
    cached_input: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    #[serde(default)]
    request: u64,
    #[serde(default)]
    tiers: Tiers,
}

impl From<Written> for Price {
    fn from(written: Written) -> Self {
        Self {
            input: written.input,
            cached_input: written.cached_input.unwrap_or(written.input),
            cache_write: written.cache_write.unwrap_or(written.input),
            output: written.output,
            reasoning: written.reasoning.unwrap_or(written.output),
            request: written.request,
            tiers: written.tiers,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(amount: &u64) -> bool {
    *amount == 0
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
