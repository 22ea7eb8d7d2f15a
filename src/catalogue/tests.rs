use proptest::prelude::*;

use super::*;
use crate::model::{Tier, Tokens};

fn found(kind: &str, model: &str) -> Option<&'static str> {
    find(kind, model).map(|entry| entry.model.as_str())
}

#[test]
fn the_embedded_list_is_read_whole() {
    let entries = read(EMBEDDED, "", "").expect("every line can be read");
    let lines = EMBEDDED.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(entries.len(), lines.count());
    assert!(entries.len() > 3000, "{}", entries.len());
    assert!(
        EMBEDDED.len() < 500_000,
        "it is part of the program: {}",
        EMBEDDED.len()
    );
    let sorted = entries
        .windows(2)
        .all(|pair| (pair[0].kind, &pair[0].model) < (pair[1].kind, &pair[1].model));
    assert!(sorted, "sorted, and no model twice");
}

#[test]
fn every_entry_has_its_date_and_its_source() {
    for entry in entries() {
        let name = format!("{}/{}", entry.kind, entry.model);
        let date: Vec<&str> = entry.date.split('-').collect();
        assert_eq!(date.len(), 3, "{name}: {}", entry.date);
        assert!(
            ("2026".."2100").contains(&date[0]),
            "{name}: {}",
            entry.date
        );
        assert!(
            entry.source.contains(' '),
            "{name}: a package and its version"
        );
        assert!(
            entry.price.is_some() || entry.context.is_some(),
            "{name}: says something"
        );
        let page = entry.page.as_deref().unwrap_or("https://");
        assert!(page.starts_with("http"), "{name}: {page}");
    }
}

#[test]
fn prices_are_plausible() {
    for entry in entries() {
        let Some(price) = entry.price else { continue };
        let name = format!("{}/{}", entry.kind, entry.model);
        assert!(
            price.input <= 1_000_000_000,
            "{name}: under $1,000 a million"
        );
        assert!(
            price.output <= 1_000_000_000,
            "{name}: under $1,000 a million"
        );
        assert!(
            price.cached_input <= price.input.max(1),
            "{name}: the cache saves"
        );
        let tiers = price
            .tiers
            .iter()
            .all(|tier| tier.above >= 32_000 && tier.input >= price.input);
        assert!(tiers, "{name}: long prompts are dearer");
    }
}

#[test]
fn known_prices() {
    // As published in November 2026.
    let price = |kind, model| find(kind, model).and_then(|entry| entry.price).unwrap();
    let expected = Price {
        cached_input: 1_250_000,
        ..Price::flat(2_500_000, 10_000_000)
    };
    assert_eq!(price("openai", "gpt-4o"), expected);
    let gemini = price("gemini", "gemini-2.5-pro");
    let tokens = |input| Tokens {
        input,
        output: 100,
        ..Tokens::default()
    };
    assert_eq!(
        gemini.of(tokens(200_000)).pico(),
        200_000 * 1_250_000 + 100 * 10_000_000
    );
    assert_eq!(
        gemini.of(tokens(200_001)).pico(),
        200_001 * 2_500_000 + 100 * 15_000_000
    );
    assert_eq!(price("perplexity", "sonar").request, 5_000_000_000);
    assert_eq!(
        price("perplexity", "sonar-deep-research").reasoning,
        3_000_000
    );
}

#[test]
fn names_are_found_as_providers_take_them() {
    for (kind, model, expected) in [
        ("openai", "gpt-4o", Some("gpt-4o")),
        // A dated name with its own entry, and one without.
        ("openai", "gpt-4o-2024-08-06", Some("gpt-4o-2024-08-06")),
        ("openai", "gpt-4o-2031-01-01", Some("gpt-4o")),
        ("openai", "gpt-4o-20310101", Some("gpt-4o")),
        ("anthropic", "claude-opus-5-20310101", Some("claude-opus-5")),
        // Only with a date in the list, or only with another spelling of it.
        (
            "vertex",
            "claude-haiku-4-5@20991231",
            Some("claude-haiku-4-5"),
        ),
        (
            "gemini",
            "models/gemini-2.5-flash",
            Some("gemini-2.5-flash"),
        ),
        ("gemini", "gemini-2.5-flash-001", Some("gemini-2.5-flash")),
        (
            "vertex",
            "publishers/google/models/gemini-2.5-pro",
            Some("gemini-2.5-pro"),
        ),
        ("vertex", "google/gemini-2.5-pro", Some("gemini-2.5-pro")),
        (
            "bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1",
            Some("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        (
            "bedrock",
            "ca.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Some("anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.amazon.nova-pro-v1:0",
            Some("us.amazon.nova-pro-v1:0"),
        ),
        ("openrouter", "openai/gpt-4o:nitro", Some("openai/gpt-4o")),
        ("openrouter", "openai/gpt-4o:free", None),
        // Never another model.
        ("openai", "gpt-4o-mini-of-ours", None),
        ("openai", "gpt", None),
        ("openai", "", None),
        ("openai", "-20310101", None),
        ("openai", "ünlü-2024-08-06", None),
        ("simulated", "gpt-4o", None),
        ("", "", None),
    ] {
        assert_eq!(found(kind, model), expected, "{kind} {model}");
    }
}

#[test]
fn fireworks_models_are_found_by_their_long_and_short_names() {
    let all = entries().iter().filter(|entry| entry.kind == "fireworks");
    for entry in all {
        let short = entry.model.strip_prefix("accounts/fireworks/models/");
        if let Some(short) = short {
            assert!(find("fireworks", short).is_some(), "{short}");
        }
    }
}

#[test]
fn every_entry_is_found_by_its_name() {
    for entry in entries() {
        assert_eq!(found(entry.kind, &entry.model), Some(entry.model.as_str()));
    }
}

#[test]
fn a_day_is_a_day() {
    for (text, expected) in [
        ("2026-11-23", true),
        ("2026-13-01", false),
        ("2026-00-01", false),
        ("2026-1-1", false),
        ("2026-11-23T00:00:00", false),
        ("23.11.2026", false),
        ("", false),
    ] {
        assert_eq!(is_day(text), expected, "{text}");
    }
}

const OWN: &str = "# via x A list of ours 1.2.3, 2026-11-02
# page 4 https://prices.example/
openai|tiny|chat|100||125|200||7|1000:200:20::400:;2000:300:::500:600|4096|512|tI|2026-11-02|x!y|4

mistral|large|embedding|||||||||||2026-11-02|x|
";

#[test]
fn the_own_format_says_what_it_says() {
    let entries = read(OWN, "", "").unwrap();
    let entry = &entries[0];
    let tier = |above, input, cached_input, output, reasoning| Tier {
        above,
        input,
        cached_input,
        cache_write: input,
        output,
        reasoning,
    };
    let tiers = [
        tier(1000, 200, 20, 400, 400),
        tier(2000, 300, 300, 500, 600),
    ];
    let expected = Price {
        cache_write: 125,
        request: 7,
        tiers: crate::model::Tiers::new(&tiers).unwrap(),
        ..Price::flat(100, 200)
    };
    assert_eq!(entry.price, Some(expected));
    assert_eq!((entry.context, entry.max_output), (Some(4096), Some(512)));
    let capabilities = Capabilities {
        tools: Some(true),
        images: Some(false),
        ..Capabilities::default()
    };
    assert_eq!(entry.capabilities, capabilities);
    assert_eq!(&*entry.source, "A list of ours 1.2.3");
    assert_eq!(entry.page.as_deref(), Some("https://prices.example/"));
    assert!(entry.disputed);
    assert_eq!((entries[1].price, entries[1].mode), (None, Mode::Embedding));
}

#[test]
fn a_line_that_cannot_be_read_is_named() {
    for (line, expected) in [
        ("openai|tiny", "16 fields"),
        ("openai|tiny|chat||||||||||2026-11-02|x|", "five rates"),
        ("acme|tiny|chat|||||||||||2026-11-02|x|", "a known kind"),
        ("openai||chat|||||||||||2026-11-02|x|", "a model's name"),
        ("openai|tiny|chat|||||||||||soon|x|", "a date"),
        (
            "openai|tiny|talk|||||||||||2026-11-02|x|",
            "chat, completion",
        ),
        (
            "openai|tiny|chat|-1||||||||||2026-11-02|x|",
            "a whole number",
        ),
        (
            "openai|tiny|chat|1|||1|||5:1||||2026-11-02|x|",
            "five rates",
        ),
        (
            "openai|tiny|chat|||||||||||2026-11-02|z|",
            "letters of sources",
        ),
        ("{", ""),
        ("no price data at all", "16 fields"),
    ] {
        let error = read(&format!("{}\n{line}", OWN.trim_end()), "", "").unwrap_err();
        let said = error.to_string();
        assert!(said.contains(expected), "{line}: {said}");
        assert!(said.starts_with("line 6: "), "{line}: {said}");
    }
}

#[test]
fn litellms_shape_is_read() {
    let text = r#"{
      "sample_spec": {"litellm_provider": "one of …", "mode": "one of …"},
      "tiny": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07,
        "cache_read_input_token_cost": 7.5e-08, "cache_creation_input_token_cost": 0, "max_input_tokens": 128000,
        "input_cost_per_token_above_200k_tokens": 3e-07, "output_cost_per_token_above_200k_tokens": 1.2e-06,
        "input_cost_per_token_above_200k_tokens_batches": 1e-9, "supports_vision": true, "supports_reasoning": false,
        "source": "https://prices.example/"},
      "azure/eu-tiny": {"litellm_provider": "azure", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
      "perplexity/search": {"litellm_provider": "perplexity", "mode": "chat", "input_cost_per_token": 1e-6,
        "output_cost_per_token": 1e-6, "search_context_cost_per_query": {"search_context_size_low": 0.005}},
      "vertex_ai/meta/llama": {"litellm_provider": "vertex_ai-llama_models", "mode": "chat", "input_cost_per_token": 0.0,
        "output_cost_per_token": 0.0, "max_input_tokens": 8192},
      "embed": {"litellm_provider": "cohere", "mode": "embedding", "input_cost_per_token": 1e-7},
      "draw": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": 1e-7},
      "other": {"litellm_provider": "acme", "input_cost_per_token": 1, "output_cost_per_token": 1},
      "odd": 5
    }"#;
    let entries = read(text, "2026-12-01", "litellm of December").unwrap();
    let names: Vec<(&str, &str)> = entries
        .iter()
        .map(|it| (it.kind, it.model.as_str()))
        .collect();
    let expected = [
        ("azure", "eu-tiny"),
        ("cohere", "embed"),
        ("openai", "tiny"),
        ("perplexity", "search"),
        ("vertex", "meta/llama"),
    ];
    assert_eq!(names, expected);
    let tier = Tier {
        above: 200_000,
        input: 300_000,
        cached_input: 300_000,
        cache_write: 300_000,
        output: 1_200_000,
        reasoning: 1_200_000,
    };
    let tiny = Price {
        cached_input: 75_000,
        tiers: crate::model::Tiers::new(&[tier]).unwrap(),
        ..Price::flat(150_000, 600_000)
    };
    assert_eq!(entries[2].price, Some(tiny));
    assert_eq!(entries[2].capabilities.images, Some(true));
    assert_eq!(entries[2].capabilities.reasoning, Some(false));
    assert_eq!(entries[2].capabilities.tools, None);
    assert_eq!(
        (&*entries[2].date, &*entries[2].source),
        ("2026-12-01", "litellm of December")
    );
    assert_eq!(entries[3].price.unwrap().request, 5_000_000_000);
    assert_eq!(
        entries[4].price, None,
        "nothing for nothing is an unknown price"
    );
    assert_eq!(entries[1].price, Some(Price::flat(100_000, 0)));
}

#[test]
fn genai_prices_shapes_are_read() {
    let text = r#"[
      {"id": "x-ai", "pricing_urls": ["https://prices.example/"], "models": [
        {"id": "g", "match": {"or_": [{"equals": "g-latest"}, {"starts_with": "g-"}]}, "context_window": 1000,
         "prices": {"input_mtok": {"base": 1.25, "tiers": [{"start": 200000, "price": 2.5}]},
                    "output_mtok": {"base": "10", "tiers": [{"start": 200000, "price": "15"}]}, "cache_read_mtok": 0.125}},
        {"id": "t", "match": {"equals": "t"}, "prices": "$0.27/input MTok (+tiers), $1.1/output MTok, $5 / K requests"},
        {"id": "d", "match": {"equals": "d"}, "prices": [
          {"prices": {"input_mtok": 1, "output_mtok": 1}},
          {"constraint": {"start_date": "2026-11-01"}, "prices": {"input_mtok": 2, "output_mtok": 2}},
          {"constraint": {"start_date": "2027-01-01"}, "prices": {"input_mtok": 3, "output_mtok": 3}}]},
        {"id": "h", "match": {"equals": "h"}, "prices": [
          {"prices": "$0.1/input MTok, $0.5/output MTok"},
          {"constraint": {"start_time": "00:30:00+00:00", "end_time": "16:30:00+00:00"},
           "prices": "$0.2/input MTok, $1/output MTok"}]}]},
      {"id": "huggingface_far", "pricing_urls": [], "models": [{"id": "a/b", "match": {"equals": "a/b"}, "prices": ""}]},
      {"id": "acme", "pricing_urls": [], "models": []}
    ]"#;
    let entries = read(text, "2026-12-01", "genai-prices of December").unwrap();
    let price = |model: &str| {
        let entry = entries.iter().find(|entry| entry.model == model);
        entry.and_then(|entry| entry.price)
    };
    assert_eq!(
        price("d"),
        Some(Price::flat(2_000_000, 2_000_000)),
        "the day's price"
    );
    assert_eq!(
        price("h"),
        Some(Price::flat(200_000, 1_000_000)),
        "the dearest hour"
    );
    let text_price = Price {
        request: 5_000_000_000,
        ..Price::flat(270_000, 1_100_000)
    };
    assert_eq!(price("t"), Some(text_price));
    let tier = Tier {
        above: 200_000,
        input: 2_500_000,
        cached_input: 125_000,
        cache_write: 2_500_000,
        output: 15_000_000,
        reasoning: 15_000_000,
    };
    let tiered = Price {
        cached_input: 125_000,
        tiers: crate::model::Tiers::new(&[tier]).unwrap(),
        ..Price::flat(1_250_000, 10_000_000)
    };
    assert_eq!(price("g"), Some(tiered));
    assert_eq!(price("g-latest"), Some(tiered));
    assert!(
        entries
            .iter()
            .any(|it| it.model == "a/b:far" && it.kind == "huggingface" && it.price.is_none())
    );
}

#[test]
fn json_of_another_shape_is_told() {
    for text in ["{}", "[1]", "{\"a\":", "[{\"id\": 5}]", "{\"models\": {}}"] {
        let error = read(text, "", "").unwrap_err().to_string();
        assert!(
            error.contains("expected JSON as litellm's"),
            "{text}: {error}"
        );
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_name_is_looked_up(kind in proptest::sample::select(KINDS), model in "[a-z:/@.é0-9%-]{0,40}") {
        prop_assert_ne!(find(kind, &model).map(|entry| entry.model.len()), Some(0));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[{]?[a-z|#:\"0-9e.-]{0,80}") {
        drop(read(&text, "2026-11-23", "any"));
    }
}
