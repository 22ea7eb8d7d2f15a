//! What tokens cost by the raw price data, without a line of the program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::value::RawValue;
use weighbridge::catalogue::Entry;

use crate::recordings::Usage;

/// 10⁻¹⁸ dollars.
pub(crate) type Atto = i128;
/// Rows of litellm's data: fields as they are written.
type Row = BTreeMap<String, Box<RawValue>>;

pub(super) fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// A decimal text times 10¹⁸, divided by `per`.
fn atto(text: &str, per: i128) -> Atto {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap();
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{part}").parse().unwrap();
    let shift = 18 + exponent - i32::try_from(part.len()).unwrap();
    let power = 10_i128.pow(shift.unsigned_abs());
    let amount = if shift < 0 {
        assert_eq!(digits % power, 0, "{text} is whole in 10⁻¹⁸ dollars");
        digits / power
    } else {
        digits * power
    };
    assert_eq!(amount % per, 0, "{text} / {per} is whole in 10⁻¹⁸ dollars");
    amount / per
}

/// What tokens cost, each kind at its rate; a part is never more than its whole.
struct Rates {
    input: Atto,
    cached: Atto,
    written: Atto,
    output: Atto,
    reasoning: Atto,
    request: Atto,
}

impl Rates {
    fn cost(&self, usage: Usage) -> Atto {
        let cached = usage.cached.min(usage.input);
        let written = usage.written.min(usage.input - cached);
        let reasoning = usage.reasoning.min(usage.output);
        self.request
            + i128::from(usage.input - cached - written) * self.input
            + i128::from(cached) * self.cached
            + i128::from(written) * self.written
            + i128::from(usage.output - reasoning) * self.output
            + i128::from(reasoning) * self.reasoning
    }
}

/// What litellm's data says that these tokens cost.
fn by_litellm(row: &Row, kind: &str, usage: Usage) -> Atto {
    let raw = |name: &str| row.get(name).map(|value| value.get());
    // The highest size that the prompt exceeds, in thousands.
    let above = row
        .keys()
        .filter_map(|key| {
            let key = key.strip_prefix("input_cost_per_token_above_")?;
            key.strip_suffix("k_tokens")?.parse::<u64>().ok()
        })
        .filter(|thousands| usage.input > thousands * 1000)
        .max();
    let suffix = above.map_or_else(String::new, |above| format!("_above_{above}k_tokens"));
    let rate = |name: &str| raw(&format!("{name}{suffix}")).map(|text| atto(text, 1));
    let input = rate("input_cost_per_token").unwrap();
    let output = rate("output_cost_per_token").unwrap_or(0);
    let written = rate("cache_creation_input_token_cost").filter(|rate| *rate > 0);
    let request = if kind == "perplexity" {
        raw("search_context_cost_per_query").map(|searches| {
            let sizes: Row = serde_json::from_str(searches).unwrap();
            atto(sizes["search_context_size_low"].get(), 1)
        })
    } else {
        raw("input_cost_per_request").map(|text| atto(text, 1))
    };
    let rates = Rates {
        input,
        cached: rate("cache_read_input_token_cost").unwrap_or(input),
        // 0 says that writing costs no more than reading anew.
        written: written.unwrap_or(input),
        output,
        reasoning: rate("output_cost_per_reasoning_token").unwrap_or(output),
        request: request.unwrap_or(0),
    };
    rates.cost(usage)
}

/// What a text of genai-prices says that these tokens cost; `None` where it says that tiers are left out.
fn by_genai(text: &str, usage: Usage) -> Option<Atto> {
    if text.contains("tiers") {
        return None;
    }
    let parts: Vec<(&str, &str)> = text
        .split(", ")
        .filter_map(|part| part.strip_prefix('$')?.split_once('/'))
        .collect();
    let amount = |unit: &str| Some(parts.iter().find(|(_, found)| *found == unit)?.0);
    let rate = |unit: &str| amount(unit).map(|amount| atto(amount, 1_000_000));
    let (input, output) = (rate("input MTok")?, rate("output MTok")?);
    // Google's are no whole amounts, and nobody reports what was written there.
    let written = (usage.written > 0).then(|| rate("input cache write MTok"));
    let written = written.flatten().filter(|rate| *rate > 0);
    let rates = Rates {
        input,
        cached: rate("input cache read MTok").unwrap_or(input),
        written: written.unwrap_or(input),
        output,
        reasoning: rate("output reasoning MTok").unwrap_or(output),
        request: amount("K requests").map_or(0, |amount| atto(amount, 1_000)),
    };
    Some(rates.cost(usage))
}

/// The price files, as they are.
pub(crate) struct Raw {
    litellm: BTreeMap<String, Row>,
    /// Texts of prices by provider and id, of models with one price.
    genai: BTreeMap<(String, String), String>,
}

impl Raw {
    pub(crate) fn read(data: &Path) -> Self {
        let prices = data.join("prices");
        let litellm = unpacked(&prices.join("litellm_1.109.1_model_prices.json.gz"));
        let providers: serde_json::Value =
            serde_json::from_str(&unpacked(&prices.join("genai_prices_0.2.3.json.gz"))).unwrap();
        let mut genai = BTreeMap::new();
        for provider in providers.as_array().unwrap() {
            for model in provider["models"].as_array().unwrap() {
                if let Some(text) = model["prices"].as_str() {
                    let name = |value: &serde_json::Value| value["id"].as_str().unwrap().to_owned();
                    genai.insert((name(provider), name(model)), text.to_owned());
                }
            }
        }
        let litellm: BTreeMap<String, Row> = serde_json::from_str(&litellm).unwrap();
        Self { litellm, genai }
    }

    /// What an entry's own source says that the tokens cost; `None` where that cannot be told here.
    pub(crate) fn cost(&self, entry: &Entry, usage: Usage) -> Option<Atto> {
        let (kind, model) = (entry.kind, entry.model.as_str());
        if entry.source.starts_with("litellm") {
            let prefixes = match kind {
                "together" => vec!["together_ai/"],
                "fireworks" => vec!["fireworks_ai/"],
                "vertex" => vec!["vertex_ai/", ""],
                "azure" => vec!["azure/", "azure_ai/"],
                "bedrock" => vec!["", "bedrock/"],
                "gemini" | "xai" | "groq" | "mistral" | "cerebras" | "perplexity" | "deepseek"
                | "openrouter" => vec![kind],
                _ => vec![""],
            };
            let row = prefixes.iter().find_map(|prefix| {
                let slash = if *prefix == kind { "/" } else { "" };
                let row = self.litellm.get(&format!("{prefix}{slash}{model}"))?;
                row.contains_key("input_cost_per_token").then_some(row)
            });
            return row.map(|row| by_litellm(row, kind, usage));
        }
        let provider = match kind {
            "gemini" | "vertex" => "google",
            "bedrock" => "aws",
            "xai" => "x-ai",
            _ => kind,
        };
        let text = self.genai.get(&(provider.to_owned(), model.to_owned()))?;
        by_genai(text, usage)
    }
}
