//! What recorded answers cost: the program's price times the program's count of tokens, and once more from the recording's
//! own counts by a calculation that shares nothing with it.
//!
//! Every answer that counts is priced as an operator may write a price, with a different rate for everything, and another one
//! for long prompts; and by the catalogue, beside the raw data that it was made of, where that has one price.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;
use weighbridge::catalogue;
use weighbridge::model::{Price, Tier, Tiers, Tokens};

use super::recording::Recording;
use super::replay::Replay;
use super::said::{self, Usage};
use crate::costs::Raw;

/// Prompts with more tokens than this are long; a third of the recorded ones are.
const LONG: u64 = 300;

/// What was priced, and how.
#[derive(Default)]
pub(super) struct Prices {
    raw: Option<Raw>,
    /// Answers that count their tokens, priced as an operator's.
    written: usize,
    /// Of them, priced by the catalogue too.
    published: usize,
    /// Why the others were not.
    unpublished: BTreeMap<&'static str, usize>,
}

/// A price as an operator may write it: all rates are prime, so that none stands for another.
fn written() -> Price {
    let long = Tier {
        above: LONG,
        input: 5_000_011,
        cached_input: 500_009,
        cache_write: 6_250_009,
        output: 15_000_017,
        reasoning: 30_000_001,
    };
    Price {
        input: 2_500_009,
        cached_input: 250_007,
        cache_write: 3_125_009,
        output: 10_000_019,
        reasoning: 20_000_003,
        request: 5_000_000_029,
        tiers: Tiers::new(&[long]).unwrap(),
    }
}

/// The same by hand, in pico-dollars.
fn by_hand(usage: Usage) -> u128 {
    let [input, cached, written, output, reasoning] = if usage.input > LONG {
        [5_000_011, 500_009, 6_250_009, 15_000_017, 30_000_001]
    } else {
        [2_500_009, 250_007, 3_125_009, 10_000_019, 20_000_003]
    };
    // Azure's Grok says that more was cached than asked.
    let from_cache = usage.cached.min(usage.input);
    let terms = [
        (from_cache, cached),
        (usage.written, written),
        (usage.input - from_cache - usage.written, input),
        (usage.reasoning, reasoning),
        (usage.output - usage.reasoning, output),
    ];
    let terms = terms.map(|(count, rate): (u64, u128)| u128::from(count) * rate);
    5_000_000_029 + terms.iter().sum::<u128>()
}

/// The catalogue's kind and the model of a recording.
fn named(recording: &Recording) -> Option<(&str, String)> {
    let kind = match recording.provider.as_str() {
        "hf-router" => "huggingface",
        other => other,
    };
    let documents = match (recording.interface.as_str(), recording.stream) {
        ("bedrock-converse", _) => {
            let model = recording.path.split('/').nth(2)?;
            return Some((kind, model.replace("%3A", ":")));
        }
        (_, true) => said::events(&recording.body),
        (_, false) => vec![serde_json::from_slice(&recording.body).unwrap()],
    };
    let places = [
        "/model",
        "/modelVersion",
        "/response/model",
        "/message/model",
    ];
    let model = documents.iter().find_map(|document| {
        let mut found = places.iter().filter_map(|place| document.pointer(place));
        found.find_map(Value::as_str).map(str::to_owned)
    });
    Some((kind, model?))
}

// === impl Prices ===

impl Prices {
    /// With the raw data that the catalogue was made of.
    pub(super) fn published(data: &Path) -> Self {
        Self {
            raw: Some(Raw::read(data)),
            ..Self::default()
        }
    }

    /// How many answers were priced by the catalogue.
    pub(super) const fn count_published(&self) -> usize {
        self.published
    }

    /// Prices an answer in both ways; tells what is wrong.
    pub(super) fn check(&mut self, recording: &Recording, replay: &mut Replay) {
        let Some(usage) = replay.usage else { return };
        self.written += 1;
        if replay.tokens.is_empty() {
            replay
                .wrong
                .push("it counts, and was not counted".to_owned());
        }
        let (price, expected) = (written(), by_hand(usage));
        for tokens in &replay.tokens {
            let cost = price.of(*tokens).pico();
            if cost != expected {
                replay
                    .wrong
                    .push(format!("costs {cost} rather than {expected}"));
            }
        }
        let Some(raw) = &self.raw else { return };
        match by_catalogue(raw, recording, usage, &replay.tokens) {
            Ok(wrong) => {
                self.published += 1;
                replay.wrong.extend(wrong);
            }
            Err(reason) => *self.unpublished.entry(reason).or_default() += 1,
        }
    }
}

/// What is wrong with the catalogue's cost, or why there is none.
fn by_catalogue(
    raw: &Raw,
    recording: &Recording,
    usage: Usage,
    tokens: &[Tokens],
) -> Result<Vec<String>, &'static str> {
    let (kind, model) = named(recording).ok_or("the answer names no model")?;
    let entry = catalogue::find(kind, &model).ok_or("the model is not in the catalogue")?;
    let price = entry.price.ok_or("the catalogue has no price of it")?;
    let expected = raw.cost(entry, usage);
    let expected = expected.ok_or("the raw data has several prices of it")?;
    let costs = tokens.iter().map(|tokens| price.of(*tokens).pico());
    let wrong = costs.filter(|cost| i128::try_from(*cost).unwrap() * 1_000_000 != expected);
    Ok(wrong
        .map(|cost| format!("{model} costs {cost} pico-dollars rather than {expected} / 10⁶"))
        .collect())
}

impl fmt::Display for Prices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            written, published, ..
        } = self;
        write!(
            f,
            "{written} answers with usage cost what a written price says, {published} of them also what a published one says; \
             not: {:?}",
            self.unpublished
        )
    }
}
