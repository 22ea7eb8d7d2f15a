//! `generationConfig`: bounds, luck, the form of the answer, and how much is thought before it.

use serde_json::{Map, Value, json};

use super::GeminiOptions;
use super::dropped::Dropped;
use crate::dialect::neutral::{Output, Request, Sampling, Thinking};

/// Most texts that end an answer.
const MOST_STOPS: usize = 5;

/// Numbers of tokens are 32 bits wide there.
const MOST_TOKENS: u64 = i32::MAX.unsigned_abs() as u64;

/// The `generationConfig` of `request` for `model`; empty if there is nothing to say.
pub(super) fn write(
    request: &Request,
    model: &str,
    options: GeminiOptions,
    dropped: &mut Dropped,
) -> Map<String, Value> {
    let mut config = Map::new();
    put_sampling(&request.sampling, &mut config, dropped);
    put_output(&request.output, &mut config, dropped);
    if let Some(thinking) = &request.reasoning {
        let thinking = thinking_of(thinking, model, options);
        if !thinking.is_empty() {
            config.insert("thinkingConfig".to_owned(), thinking.into());
        }
    }
    config
}

fn put_sampling(sampling: &Sampling, config: &mut Map<String, Value>, dropped: &mut Dropped) {
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(key.to_owned(), value);
        }
    };
    let most = sampling.max_tokens.map(|most| json!(most.min(MOST_TOKENS)));
    put("maxOutputTokens", most);
    put("temperature", sampling.temperature.map(Value::from));
    put("topP", sampling.top_p.map(Value::from));
    put("topK", sampling.top_k.map(Value::from));
    // 32 bits there, 64 here: a larger one is folded, so that it still repeats the answer.
    let seed = sampling.seed.map(|seed| match i32::try_from(seed) {
        Ok(seed) => json!(seed),
        Err(_) => json!(seed.rem_euclid(i64::from(i32::MAX))),
    });
    put("seed", seed);
    let stops: Vec<&String> = sampling
        .stop
        .iter()
        .filter(|stop| !stop.is_empty())
        .collect();
    dropped.name_if(stops.len() > MOST_STOPS, "stop[5..]");
    let stops = stops.get(..MOST_STOPS).unwrap_or(&stops);
    put("stopSequences", (!stops.is_empty()).then(|| json!(stops)));
    put(
        "candidateCount",
        sampling.n.filter(|n| *n > 1).map(Value::from),
    );
    put(
        "presencePenalty",
        sampling.presence_penalty.map(Value::from),
    );
    put(
        "frequencyPenalty",
        sampling.frequency_penalty.map(Value::from),
    );
    if sampling.logprobs {
        put("responseLogprobs", Some(json!(true)));
        put("logprobs", sampling.top_logprobs.map(Value::from));
    }
    dropped.name_if(sampling.logit_bias.is_some(), "logit_bias");
}

fn put_output(output: &Output, config: &mut Map<String, Value>, dropped: &mut Dropped) {
    let schema = match output {
        Output::Text => return,
        Output::Json => None,
        // A name has no use there, and an answer matches its schema whether that is wanted or not.
        Output::Schema {
            description,
            schema,
            ..
        } => {
            dropped.name_if(
                description.is_some(),
                "response_format.json_schema.description",
            );
            Some(schema.clone())
        }
    };
    config.insert("responseMimeType".to_owned(), json!("application/json"));
    if let Some(schema) = schema {
        config.insert("responseJsonSchema".to_owned(), schema);
    }
}

fn thinking_of(thinking: &Thinking, model: &str, options: GeminiOptions) -> Map<String, Value> {
    let mut config = Map::new();
    if options.thinking_levels {
        if let Some(level) = level_of(thinking, model) {
            config.insert("thinkingLevel".to_owned(), json!(level));
        }
    } else if let Some(budget) = budget_of(thinking, model) {
        config.insert("thinkingBudget".to_owned(), json!(budget));
    }
    // Dialects that bound thoughts by tokens show them unless told otherwise; those that say a word do not.
    let shown = thinking.summary.as_ref().map(|word| word != "none");
    if let Some(shown) = shown.or(thinking.budget.filter(|most| *most > 0).map(|_| true)) {
        config.insert("includeThoughts".to_owned(), json!(shown));
    }
    config
}

/// The word for how much is thought. The models whose names say `pro` know no `MINIMAL`; Gemini 3 Pro no `MEDIUM` either,
/// which Google itself raises to `HIGH` there.
fn level_of(thinking: &Thinking, model: &str) -> Option<&'static str> {
    let level = match (thinking.effort.as_deref(), thinking.budget) {
        (Some("none" | "minimal"), _) | (None, Some(0)) => "MINIMAL",
        (Some("low"), _) | (None, Some(1..=2048)) => "LOW",
        (Some("medium"), _) | (None, Some(2049..=8192)) => "MEDIUM",
        (Some("high" | "xhigh" | "max"), _) | (None, Some(_)) => "HIGH",
        // A word of another provider's, for example "auto": as the model likes.
        (Some(_), _) | (None, None) => return None,
    };
    Some(match level {
        "MINIMAL" if model.contains("-pro") => "LOW",
        "MEDIUM" if model.contains("gemini-3-pro") => "HIGH",
        level => level,
    })
}

/// Tokens of thoughts, −1 for as many as the model likes. Words are budgets as Google's own interface for OpenAI's clients
/// has them. A model of 2.5 takes only some: Pro 128 to 32 768, Flash 0 to 24 576, Flash-Lite 512 to 24 576 or 0.
fn budget_of(thinking: &Thinking, model: &str) -> Option<i64> {
    let word = match thinking.effort.as_deref() {
        Some("none") => Some(0),
        Some("minimal" | "low") => Some(1024),
        Some("medium") => Some(8192),
        Some("high" | "xhigh" | "max") => Some(24_576),
        Some(_) => Some(-1),
        None => None,
    };
    let told = thinking.budget.map(|budget| budget.min(MOST_TOKENS));
    let budget = told
        .and_then(|budget| i64::try_from(budget).ok())
        .or(word)?;
    Some(match budget {
        -1 => -1,
        budget if model.contains("2.5-pro") => budget.clamp(128, 32_768),
        0 => 0,
        budget if model.contains("2.5-flash-lite") => budget.clamp(512, 24_576),
        budget if model.contains("2.5-flash") => budget.min(24_576),
        budget => budget,
    })
}
