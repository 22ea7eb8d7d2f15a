//! Conversions, and what is never in them: a panic, a credential, a file that `check` refuses.

use super::*;
use crate::config::{Compiled, Config, Layer, Lookup, Mode, Problem, Strategy, compile};
use crate::model::RouteName;

/// What stands wherever a credential may.
const SECRET: &str = "sk-planted-0123456789";

/// Every variable is set.
struct All;

impl Lookup for All {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        let value = if name.contains("BASE") {
            "https://gateway.example/v1"
        } else if name == "GOOGLE_APPLICATION_CREDENTIALS" {
            return Ok(None);
        } else {
            "value"
        };
        Ok(Some(value.to_owned()))
    }
    fn secret_file(&self, _: &str) -> Result<String, String> {
        Err("there are no files".to_owned())
    }
}

fn compiled(toml: &str) -> Result<Compiled, Vec<Problem>> {
    let layer = Layer {
        name: "base.toml".to_owned(),
        text: toml.to_owned(),
    };
    compile(&[layer], &All)
}

fn converted(yaml: &str) -> (Config, Converted) {
    let converted = convert(yaml).unwrap();
    let compiled = compiled(&converted.toml);
    let compiled = compiled.unwrap_or_else(|why| panic!("{why:?}\n{}", converted.toml));
    (compiled.config, converted)
}

fn note<'a>(converted: &'a Converted, key: &str) -> &'a Note {
    let found = converted.notes.iter().find(|note| note.key.ends_with(key));
    found.unwrap_or_else(|| panic!("{key} is told of: {:#?}", converted.notes))
}

const WHOLE: &str = include_str!("whole.yaml");

#[test]
fn a_whole_file_becomes_a_configuration_that_passes() {
    let (config, converted) = converted(WHOLE);
    assert_eq!(config.mode, Mode::Auto);
    let routes: Vec<&str> = config.routes.keys().map(RouteName::as_str).collect();
    assert_eq!(
        routes,
        ["claude", "fast-alias", "gpt-4o", "local", "team-small"]
    );
    let targets: Vec<(String, f64, u8)> = config
        .routes
        .values()
        .find(|it| it.name.as_str() == "gpt-4o")
        .unwrap()
        .targets
        .iter()
        .map(|target| {
            (
                target.upstream.name.to_string(),
                target.weight.value(),
                target.tier,
            )
        })
        .collect();
    let expected = [
        ("azure-acme-eu/gpt-4o-eu", 900.0, 1),
        ("azure-acme-us/gpt-4o-us", 100.0, 1),
        ("openai/gpt-4o", 0.0, 2),
    ];
    assert_eq!(
        targets,
        expected.map(|(name, weight, tier)| (name.to_owned(), weight, tier))
    );
    assert_eq!(config.defaults.retry.count, 3);
    let route = &config.routes[&RouteName::new("gpt-4o").unwrap()];
    assert_eq!(route.fallbacks.len(), 1);
    assert_eq!(route.context_fallbacks.len(), 1);
    assert_eq!(route.deadlines.attempt.as_secs(), 45);
    let attempt = route.targets[0].deadlines.attempt.unwrap();
    assert_eq!(attempt.as_millis(), 12_500);
    let price = config.prices.values().next().unwrap().list;
    assert_eq!((price.input, price.output), (150_000, 600_000));
    assert!(
        converted.variables.contains(&"AZURE_KEY_EU".to_owned()),
        "{:?}",
        converted.variables
    );
}

#[test]
fn what_is_not_carried_over_is_told_with_its_line_and_a_reason() {
    let (_, converted) = converted(WHOLE);
    let line = |text: &str| 1 + WHOLE.lines().position(|line| line.contains(text)).unwrap();
    for (key, text) in [
        ("router_settings.cooldown_time", "cooldown_time:"),
        ("router_settings.redis_host", "redis_host:"),
        ("litellm_settings.success_callback", "success_callback:"),
        ("general_settings.master_key", "master_key:"),
        ("environment_variables", "environment_variables:"),
        ("router_settings.made_up_key", "made_up_key:"),
        (
            "litellm_params.max_parallel_requests",
            "max_parallel_requests:",
        ),
        ("model_list[7].litellm_params.model", "model_name: unknown"),
    ] {
        let note = note(&converted, key);
        assert_eq!(note.line, line(text), "{note:?}");
        assert_eq!(note.what, What::NotCarriedOver, "{note:?}");
        assert!(!note.why.is_empty());
    }
    let key = note(&converted, "model_list[3].litellm_params.api_key");
    assert_eq!(
        (key.what, key.line),
        (What::ToDo, line("api_key: sk-planted"))
    );
}

#[test]
fn no_credential_passes_into_the_result_or_into_a_note() {
    let planted = WHOLE.matches(SECRET).count();
    assert!(planted >= 8, "the file has some: {planted}");
    let converted = convert(WHOLE).unwrap();
    assert!(!converted.toml.contains("planted"), "{}", converted.toml);
    let notes = serde_json::to_string(&converted.notes).unwrap();
    assert!(!notes.contains("planted"), "{notes}");
}

#[test]
fn every_provider_with_a_kind_is_written_so_that_it_passes() {
    for known in known::PROVIDERS {
        let base = if known.needs_base || known.kind == "azure" {
            "\n      api_base: https://acme.example"
        } else {
            ""
        };
        let yaml = format!(
            "model_list:\n  - model_name: m\n    litellm_params:\n      model: {}/x{base}\n",
            known.prefix
        );
        let (config, _) = converted(&yaml);
        assert_eq!(config.routes.len(), 1, "{}", known.prefix);
    }
}

#[test]
fn weights_hold_where_litellm_draws_by_them_and_move_where_it_measures() {
    for (strategy, expected) in [
        ("", Strategy::Fixed),
        ("simple-shuffle", Strategy::Fixed),
        ("cost-based-routing", Strategy::Adaptive),
        ("least-busy", Strategy::Adaptive),
    ] {
        let yaml = format!(
            "model_list:\n  - model_name: m\n    litellm_params: {{model: openai/x}}\nrouter_settings:\n  routing_strategy: {strategy}\n"
        );
        let (config, _) = converted(&yaml);
        let route = config.routes.values().next().unwrap();
        assert_eq!(route.strategy, expected, "{strategy}");
    }
}

#[test]
fn wildcards_alone_become_providers_and_a_route_to_put_right() {
    let yaml = "model_list:\n  - model_name: \"*\"\n    litellm_params: {model: \"openai/*\"}\n  - model_name: anthropic/*\n    \
                litellm_params: {model: anthropic/*, api_key: os.environ/ANTHROPIC_API_KEY}\n";
    let (config, converted) = converted(yaml);
    assert_eq!(config.providers.len(), 2);
    assert_eq!(config.routes.len(), 1);
    assert_eq!(note(&converted, "model_list").what, What::ToDo);
}

#[test]
fn a_region_in_front_of_a_model_of_bedrock_is_the_providers() {
    let yaml = "model_list:\n  - model_name: m\n    litellm_params: {model: bedrock/converse/eu-west-1/anthropic.claude-v2}\n";
    let (config, _) = converted(yaml);
    let upstream = config.upstreams.keys().next().unwrap();
    assert_eq!(upstream.as_str(), "bedrock-eu-west-1/anthropic.claude-v2");
}

/// Numbers that look random and are the same each time.
fn dice(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap_or_default()
}

#[test]
fn no_file_however_broken_panics_or_yields_toml_that_is_none() {
    let pieces = [
        ":",
        "- ",
        "\n",
        "  ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "<<: ",
        "'",
        "\"",
        "|\n",
        ">-\n",
        "#",
        "!!str ",
        "\t",
        "? ",
        "---\n",
        "%YAML 9\n",
        "null",
        "-1e999",
        "os.environ/",
        "\u{0}",
        "é",
        "0x7f",
        "*",
        "a: &x [*x]",
        "${X}",
        "$",
    ];
    let mut state = 20_261_129;
    for _ in 0..1_500 {
        let mut text: Vec<char> = WHOLE.chars().collect();
        for _ in 0..=dice(&mut state) % 4 {
            let at = dice(&mut state) % text.len();
            match dice(&mut state) % 4 {
                0 => text.truncate(at.max(1)),
                1 => drop(text.drain(at..(at + dice(&mut state) % 40).min(text.len()))),
                2 => drop(text.splice(at..at, pieces[dice(&mut state) % pieces.len()].chars())),
                _ => {
                    let from = dice(&mut state) % text.len();
                    let part: Vec<char> = text[from..].iter().take(200).copied().collect();
                    drop(text.splice(at..at, part));
                }
            }
            if text.is_empty() {
                text.push('a');
            }
        }
        let text: String = text.into_iter().collect();
        let Ok(converted) = convert(&text) else {
            continue;
        };
        let parsed = converted.toml.parse::<toml::Table>();
        assert!(parsed.is_ok(), "{parsed:?}\n{}\nof\n{text}", converted.toml);
        if converted.routes > 0 {
            let accepted = compiled(&converted.toml).map(drop);
            assert!(
                accepted.is_ok(),
                "{accepted:?}\n{}\nof\n{text}",
                converted.toml
            );
        }
    }
}

#[test]
fn limits_and_the_master_key_say_what_came_over_and_what_to_do_instead() {
    let (_, converted) = converted(WHOLE);
    let rate = note(&converted, "model_list.litellm_params.rpm");
    assert_eq!(rate.what, What::Changed, "{rate:?}");
    assert!(
        rate.why.starts_with("carried over as the target's weight"),
        "{rate:?}"
    );
    assert!(
        rate.why.contains("`rpm` and `tpm` of [keys.NAME]"),
        "{rate:?}"
    );
    let master = note(&converted, "general_settings.master_key");
    assert!(
        master.why.contains("weighbridge keys new NAME"),
        "{master:?}"
    );
    assert!(master.why.contains("admin.token"), "{master:?}");
    let text = "model_list:\n  - model_name: a\n    litellm_params: { model: openai/a, api_key: os.environ/A, weight: 2, rpm: 5 }\n";
    let weighed = convert(text).unwrap();
    let rate = note(&weighed, "model_list.litellm_params.rpm");
    assert_eq!(rate.what, What::NotCarriedOver, "{rate:?}");
    assert!(rate.why.contains("LiteLLM draws by `weight`"), "{rate:?}");
}
