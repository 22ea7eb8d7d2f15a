//! The cost of real calls, calculated a second time from the raw price data.
//!
//! Needs the folder that `WEIGHBRIDGE_DATA` names; without it nothing is checked, which is said. The second calculation
//! shares no code with the program: decimal texts become whole numbers of 10⁻¹⁸ dollars here, and are added up in `i128`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::value::RawValue;
use weighbridge::catalogue::{self, Entry};
use weighbridge::model::Tokens;

/// 10⁻¹⁸ dollars.
type Atto = i128;
/// Rows of litellm's data: fields as they are written.
type Row = BTreeMap<String, Box<RawValue>>;

fn unpacked(path: &Path) -> String {
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

/// What litellm's data says that these tokens cost.
fn by_litellm(row: &Row, kind: &str, tokens: [u64; 3]) -> Atto {
    let [input, cached, output] = tokens.map(i128::from);
    let raw = |name: &str| row.get(name).map(|value| value.get());
    // The highest size that the prompt exceeds, in thousands.
    let above = row
        .keys()
        .filter_map(|key| {
            let key = key.strip_prefix("input_cost_per_token_above_")?;
            key.strip_suffix("k_tokens")?.parse::<i128>().ok()
        })
        .filter(|thousands| input > thousands * 1000)
        .max();
    let suffix = above.map_or_else(String::new, |above| format!("_above_{above}k_tokens"));
    let rate = |name: &str| raw(&format!("{name}{suffix}")).map(|text| atto(text, 1));
    let input_rate = rate("input_cost_per_token").unwrap();
    let cached_rate = rate("cache_read_input_token_cost").unwrap_or(input_rate);
    let output_rate = rate("output_cost_per_token").unwrap_or(0);
    let searches = raw("search_context_cost_per_query").filter(|_| kind == "perplexity");
    let request = searches.map_or(0, |searches| {
        let sizes: Row = serde_json::from_str(searches).unwrap();
        atto(sizes["search_context_size_low"].get(), 1)
    });
    request + (input - cached) * input_rate + cached * cached_rate + output * output_rate
}

/// What a text of genai-prices says that these tokens cost; `None` where it says that tiers are left out.
fn by_genai(text: &str, tokens: [u64; 3]) -> Option<Atto> {
    let [input, cached, output] = tokens.map(i128::from);
    if text.contains("tiers") {
        return None;
    }
    let parts: Vec<(&str, &str)> = text
        .split(", ")
        .filter_map(|part| part.strip_prefix('$')?.split_once('/'))
        .collect();
    let rate = |unit: &str| {
        let found = parts.iter().find(|(_, found)| *found == unit);
        found.map(|(amount, _)| atto(amount, 1_000_000))
    };
    let input_rate = rate("input MTok")?;
    let cached_rate = rate("input cache read MTok").unwrap_or(input_rate);
    Some((input - cached) * input_rate + cached * cached_rate + output * rate("output MTok")?)
}

/// The price files, as they are.
struct Raw {
    litellm: BTreeMap<String, Row>,
    /// Texts of prices by provider and id, of models with one price.
    genai: BTreeMap<(String, String), String>,
}

impl Raw {
    fn read(data: &Path) -> Self {
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
    fn cost(&self, entry: &Entry, tokens: [u64; 3]) -> Option<Atto> {
        let (kind, model) = (entry.kind, entry.model.as_str());
        if entry.source.starts_with("litellm") {
            let prefixes = match kind {
                "together" => vec!["together_ai/"],
                "fireworks" => vec!["fireworks_ai/"],
                "vertex" => vec!["vertex_ai/", ""],
                "azure" => vec!["azure/", "azure_ai/"],
                "bedrock" => vec!["", "bedrock/"],
                "gemini" | "xai" | "groq" | "mistral" | "cerebras" | "perplexity" => {
                    vec![kind]
                }
                _ => vec![""],
            };
            let row = prefixes.iter().find_map(|prefix| {
                let slash = if *prefix == kind { "/" } else { "" };
                let row = self.litellm.get(&format!("{prefix}{slash}{model}"))?;
                row.contains_key("input_cost_per_token").then_some(row)
            });
            return row.map(|row| by_litellm(row, kind, tokens));
        }
        let provider = match kind {
            "gemini" | "vertex" => "google",
            "bedrock" => "aws",
            "xai" => "x-ai",
            _ => kind,
        };
        let text = self.genai.get(&(provider.to_owned(), model.to_owned()))?;
        by_genai(text, tokens)
    }
}

/// Kind, model, and tokens of the input, of it cached, and of the output.
fn calls(data: &Path) -> Vec<(String, String, [u64; 3])> {
    let text = unpacked(&data.join("latency/recorded_call_latency.csv.gz"));
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| heads.iter().position(|head| *head == name).unwrap();
    let [provider, model, input, output, cached] = [
        "provider",
        "model",
        "input_tokens",
        "output_tokens",
        "cached_input_tokens",
    ]
    .map(column);
    lines
        .filter_map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let number = |index: usize| cells.get(index)?.parse::<u64>().ok();
            let tokens = [number(input)?, number(cached).unwrap_or(0), number(output)?];
            let tokens = [tokens[0], tokens[1].min(tokens[0]), tokens[2]];
            Some((cells[provider].to_owned(), cells[model].to_owned(), tokens))
        })
        .collect()
}

#[test]
fn the_cost_of_recorded_calls_is_exact() {
    let Some(data) = std::env::var_os("WEIGHBRIDGE_DATA").map(PathBuf::from) else {
        println!("skipped: WEIGHBRIDGE_DATA is not set");
        return;
    };
    let raw = Raw::read(&data);
    let calls = calls(&data);
    let mut checked = 0;
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for (provider, model, tokens) in &calls {
        let entry = catalogue::find(provider, model);
        let Some((entry, price)) = entry.and_then(|entry| Some((entry, entry.price?))) else {
            *skipped.entry("not in the catalogue").or_default() += 1;
            continue;
        };
        // As recorded, and a thousand times as long: above every tier.
        for factor in [1, 1000] {
            let [input, cached_input, output] = tokens.map(|count| count * factor);
            let Some(expected) = raw.cost(entry, [input, cached_input, output]) else {
                *skipped
                    .entry("no single price in the raw data")
                    .or_default() += 1;
                continue;
            };
            let ours = price.of(Tokens {
                input,
                cached_input,
                output,
                ..Tokens::default()
            });
            let ours = i128::try_from(ours.pico()).unwrap() * 1_000_000;
            assert_eq!(ours, expected, "{provider} {model} {tokens:?} × {factor}");
            checked += usize::from(factor == 1);
        }
    }
    println!(
        "{checked} of {} calls checked; not: {skipped:?}",
        calls.len()
    );
    assert!(checked >= 500, "{checked} calls checked");
}
