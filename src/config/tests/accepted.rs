//! What good files become.

use std::time::Duration;

use super::super::{Fallback, Mode, Objective, OnLostOrigin, ProviderKind, Strategy, diff};
use super::{SMALL, World, compiled, good};
use crate::balance::{Share, Statistic, aims};
use crate::limit::Window;
use crate::model::{PicoUsd, RouteName, UpstreamName};

const BASE: &str = include_str!("../../../config/base.toml");

fn environment(name: &str, text: &str, world: &World) -> super::Compiled {
    compiled(&[("base.toml", BASE), (name, text)], world)
        .unwrap_or_else(|problems| panic!("{name} should be right, found {problems:#?}"))
}

#[test]
fn the_development_environment_needs_no_keys() {
    let text = include_str!("../../../config/development.toml");
    let compiled = environment("development.toml", text, &World::default());
    let chat = &compiled.config.routes[&RouteName::new("chat").unwrap()];
    let weights: Vec<f64> = chat
        .targets
        .iter()
        .map(|target| target.weight.value())
        .collect();
    assert_eq!(
        weights,
        [50.0, 30.0, 20.0],
        "targets stay in the order of the file"
    );
    assert!(
        chat.targets.iter().all(|target| target.price.is_some()),
        "cost is part of the demo"
    );
    let summary = &compiled.config.routes[&RouteName::new("summary").unwrap()];
    assert_eq!(summary.strategy, Strategy::Fixed);
    assert_eq!(
        summary.fallbacks,
        [Fallback::Route(RouteName::new("chat").unwrap())]
    );
    assert_eq!(
        compiled.warnings,
        [],
        "the shipped example is free of warnings"
    );
}

#[test]
fn the_staging_and_production_examples_need_only_their_variables() {
    let world = World {
        variables: vec![
            ("OPENAI_API_KEY", "sk-one"),
            ("EU_API_KEY", "sk-two"),
            ("EU_BASE_URL", "https://llm.example.eu/v1"),
        ],
        files: vec![],
    };
    let text = include_str!("../../../config/production.toml");
    let production = environment("production.toml", text, &world);
    let price = production.config.prices[&UpstreamName::new("openai/gpt-5.6-luna").unwrap()].net;
    assert_eq!(
        price.input, 900_000,
        "a dollar less 10 %, in pico-dollars a token"
    );
    assert_eq!(production.warnings, []);
    let text = include_str!("../../../config/staging.toml");
    assert_eq!(
        environment("staging.toml", text, &world).config.mode,
        Mode::Shadow
    );
    let without = compiled(
        &[("base.toml", BASE), ("staging.toml", text)],
        &World::default(),
    );
    let problems = without.expect_err("the key is demanded");
    assert_eq!(problems.len(), 1, "{problems:#?}");
}

#[test]
fn what_a_file_leaves_out_has_the_documented_default() {
    let config = good(SMALL).config;
    let shipped = good(&format!("{BASE}{SMALL}")).config;
    assert_eq!(
        config.server, shipped.server,
        "base.toml spells the defaults out"
    );
    assert_eq!(config.admin, shipped.admin);
    assert_eq!(config.controller, shipped.controller);
    assert_eq!(config.requests, shipped.requests);
    let chat = &config.routes[&RouteName::new("chat").unwrap()];
    let same = &shipped.routes[&RouteName::new("chat").unwrap()];
    assert_eq!(chat.deadlines, same.deadlines);
    assert_eq!(chat.retry, same.retry);
    assert_eq!(chat.objective, Objective::default());
    let only = &chat.targets[0];
    assert_eq!((only.weight.value(), only.tier), (1.0, 1));
    assert_eq!(
        (only.min_share, only.max_share),
        (Share::ZERO, Share::WHOLE)
    );
}

const GOAL: &str = r#"
[providers.sim]
kind = "simulated"
[routes.c]
goal = { first_token_p95 = "1.5s", first_token_p90 = "2s", per_token_mean = "20ms", errors = 0.005, then = "cost" }
targets.x = { use = "sim/m" }
"#;

#[test]
fn a_goal_comes_before_what_counts_then() {
    let compiled = good(GOAL);
    let route = &compiled.config.routes[&RouteName::new("c").unwrap()];
    let said = aims(&route.goal, &route.objective);
    assert_eq!(
        said,
        "keep the first token's p90 within 2.0 s, the first token's p95 within 1.5 s, the mean time per \
         token within 20 ms and the error rate within 0.5 %, then follow mainly cost, and latency and errors"
    );
    let warnings: Vec<String> = compiled.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(
        warnings[0].contains("p90 within 2.0 s says nothing beside first token's p95 within 1.5 s"),
        "{warnings:#?}"
    );
    let fixed = good(&GOAL.replace("[routes.c]", "[routes.c]\nstrategy = \"fixed\""));
    let warned = fixed
        .warnings
        .iter()
        .any(|it| it.to_string().contains("moves no shares"));
    assert!(warned, "{:#?}", fixed.warnings);
}

#[test]
fn a_target_alone_in_its_tier_needs_no_weight() {
    let text = "[providers.sim]\nkind = \"simulated\"\n[routes.c.targets]\n\
        ptu = { use = \"sim/m\", price = \"prepaid\" }\n\
        paygo = { use = \"sim/n\", tier = 2, weight = 70 }\n\
        spare = { use = \"sim/o\", tier = 2, weight = 30, max_share = 0.4 }\n";
    let config = good(text).config;
    let route = &config.routes[&RouteName::new("c").unwrap()];
    let tiers: Vec<(f64, u8)> = route
        .targets
        .iter()
        .map(|target| (target.weight.value(), target.tier))
        .collect();
    assert_eq!(tiers, [(1.0, 1), (70.0, 2), (30.0, 2)]);
    assert_eq!(
        route.targets[0].price.map(|price| price.output),
        Some(0),
        "prepaid costs nothing at the margin"
    );
}

#[test]
fn a_second_may_have_a_price_and_latency_another_statistic() {
    let text = GOAL.replace("then = \"cost\"", "second_is_worth = \"$0.002\"");
    let goal = good(&text).config;
    let route = &goal.routes[&RouteName::new("c").unwrap()];
    assert_eq!(route.objective.second_is_worth, Some(0.002));
    let text = "[providers.sim]\nkind = \"simulated\"\n[routes.c]\n\
        objective = { latency = 2, statistic = \"p95\" }\ntargets.x = { use = \"sim/m\" }\n";
    let alone = good(text).config;
    let route = &alone.routes[&RouteName::new("c").unwrap()];
    let expected = Objective {
        latency: 2.0,
        statistic: Statistic::P95,
        ..Objective::default()
    };
    assert_eq!(route.objective, expected, "over the preset balanced");
    let lines = diff(&alone, &goal).changes;
    let aims = lines
        .iter()
        .find(|line| line.starts_with("routes.c: aims "));
    assert!(
        aims.is_some_and(|line| line.contains(" -> keep the first token's p90")),
        "{lines:#?}"
    );
}

#[test]
fn what_applications_say_may_count_and_have_a_floor() {
    let text = "[providers.sim]\nkind = \"simulated\"\n[routes.c]\n\
        objective = { second_is_worth = \"$0.002\", quality = 2 }\nmin_quality = 0.6\n\
        targets.x = { use = \"sim/m\" }\n";
    let rated = good(text).config;
    let route = &rated.routes[&RouteName::new("c").unwrap()];
    assert_eq!(
        (route.objective.quality, route.min_quality),
        (2.0, Some(0.6))
    );
    let alone = text.replace("min_quality = 0.6\n", "");
    let lines = diff(&good(&alone).config, &rated).changes;
    assert_eq!(lines, ["routes.c: min_quality none -> 0.6"]);
}

#[test]
fn a_route_that_mixes_models_says_so_unless_it_is_meant_or_held() {
    let route = |extra: &str| {
        format!(
            "[providers.sim]\nkind = \"simulated\"\n[routes.c]\n{extra}\n[routes.c.targets]\n\
             a = {{ use = \"sim/m\", weight = 1 }}\nb = {{ use = \"sim/n\", weight = 1 }}\n"
        )
    };
    let warnings = good(&route("")).warnings;
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].message.contains("different models: m, n"),
        "{warnings:?}"
    );
    for quiet in [
        "mix_models = false",
        "mix_models = true",
        "strategy = \"fixed\"",
        "mode = \"off\"",
    ] {
        assert_eq!(good(&route(quiet)).warnings, [], "{quiet} is an answer");
    }
}

#[test]
fn route_settings_lie_over_the_defaults() {
    let text = "[providers.sim]\nkind = \"simulated\"\n[defaults.deadlines]\nconnect = \"1s\"\ntotal = \"90s\"\n\
        [defaults]\non_lost_origin = \"fail\"\n[defaults.retry]\ncount = 1\n[routes.c]\ndeadlines.total = \"10s\"\nretry.on_codes = [503]\n\
        objective = \"latency\"\ntargets.x.use = \"sim/m\"\n\
        [routes.d]\non_lost_origin = \"strip\"\ntargets.x.use = \"sim/m\"\n";
    let config = good(text).config;
    let own = &config.routes[&RouteName::new("d").unwrap()];
    assert_eq!(own.on_lost_origin, OnLostOrigin::Strip);
    let route = &config.routes[&RouteName::new("c").unwrap()];
    assert_eq!(route.on_lost_origin, OnLostOrigin::Fail);
    assert_eq!(route.deadlines.connect, Duration::from_secs(1));
    assert_eq!(route.deadlines.total, Duration::from_secs(10));
    assert_eq!(
        (route.retry.count, route.retry.on_codes.as_slice()),
        (1, [503].as_slice())
    );
    assert!(
        route.objective.cost.abs() < f64::EPSILON,
        "the preset latency ignores cost"
    );
}

#[test]
fn a_difference_is_told_in_words_and_by_what_needs_a_restart() {
    let old = good(&format!("{SMALL}[server]\nmax_body = \"1MiB\"\n")).config;
    let text = "[providers.sim]\nkind = \"simulated\"\nlaw = { ttft_ms = 7 }\n[server]\nlisten = \"127.0.0.1:7\"\n\
        max_body = \"1MiB\"\n[routes.chat.targets]\nonly = { use = \"sim/m\", weight = 3 }\n\
        more = { use = \"sim/n\", weight = 1 }\n[routes.new]\ntargets.x.use = \"sim/m\"\n";
    let new = good(text).config;
    let found = diff(&old, &new);
    assert_eq!(
        found.changes,
        [
            "server: listen 127.0.0.1:8080 -> 127.0.0.1:7",
            "providers.sim: law changed",
            "routes.chat.targets.only: weight 1 -> 3",
            "routes.chat.targets.more: added",
            "routes.new: added",
        ]
    );
    assert_eq!(found.needs_restart, ["server.listen"]);
    assert!(
        diff(&new, &new.clone()).is_empty(),
        "nothing changed, nothing is told"
    );
}

#[test]
fn the_narrower_deadline_wins_phase_by_phase() {
    let config = good(
        "[defaults.deadlines]\nconnect = \"1s\"\ntotal = \"90s\"\n\
         [providers.p]\nkind = \"simulated\"\ndeadlines = { first_token = \"4s\", between_tokens = \"5s\" }\n\
         [routes.c]\ndeadlines = { first_token = \"3s\", attempt = \"30s\" }\n\
         targets.x = { use = \"p/m\", deadlines = { first_token = \"2s\" } }\n",
    )
    .config;
    let route = config.routes.values().next().unwrap();
    let own = route.targets[0].deadlines.over(route.deadlines);
    let seconds = [
        own.connect,
        own.first_token,
        own.between_tokens,
        own.attempt,
        own.total,
    ];
    assert_eq!(seconds.map(|time| time.as_secs()), [1, 2, 5, 30, 90]);
    let changed = good(
        "[providers.p]\nkind = \"simulated\"\ndeadlines = { connect = \"9s\" }\n\
         [routes.c]\ntargets.x = { use = \"p/m\" }\n",
    );
    let found = diff(&config, &changed.config).changes;
    assert!(
        found.contains(&"routes.c.targets.x: deadlines.first_token 2s -> unset".to_owned()),
        "{found:?}"
    );
}

#[test]
fn only_openais_own_addresses_are_taken_to_have_responses() {
    for (base, has) in [
        ("https://api.openai.com/v1", true),
        ("https://eu.api.openai.com/v1", true),
        ("https://openai.com.example.org/v1", false),
        ("http://127.0.0.1:8000/v1", false),
    ] {
        let text = format!(
            "[providers.a]\nkind = \"openai\"\nbase_url = \"{base}\"\n[routes.r]\ntargets.t = {{ use = \"a/m\" }}\n"
        );
        let config = good(&text).config;
        let provider = config.providers.values().next().unwrap();
        let ProviderKind::Api { interface, .. } = &provider.kind else {
            panic!("it is called at an address");
        };
        let crate::config::Interface::OpenAi(preset) = interface else {
            panic!("it speaks OpenAI's format");
        };
        let knows = preset.knows(crate::config::preset::Feature::Responses);
        assert_eq!(knows, has, "{base}");
        assert_eq!(interface.kind(), "openai");
    }
}

#[test]
fn a_difference_of_the_defaults_is_told() {
    let old = good(SMALL).config;
    let new =
        "[defaults.deadlines]\ntotal = \"90s\"\n[defaults.retry]\ncount = 7\non_codes = [503]\n";
    let new = good(&format!(
        "{SMALL}deadlines.total = \"9s\"\nretry = {{ count = 1, on_codes = [500] }}\n{new}"
    ));
    let (found, had) = (diff(&old, &new.config).changes, &old.defaults);
    let expected = [
        format!("defaults: deadlines.total {:?} -> 90s", had.deadlines.total),
        format!("defaults: retry.count {} -> 7", had.retry.count),
        format!("defaults: retry.on_codes {:?} -> [503]", had.retry.on_codes),
    ];
    for line in expected {
        assert!(found.contains(&line), "{line} is missing in {found:#?}");
    }
}

#[test]
fn what_a_model_can_do_is_as_written_at_its_target_its_provider_or_as_published() {
    let config = good(
        "[providers.p]\nkind = \"openai\"\napi_key = \"sk-x\"\ncapabilities = { context = 5_000, tools = false }\n\
         [routes.c]\ntargets.x = { use = \"p/gpt-4o\", weight = 1, capabilities = { tools = true } }\n\
         targets.y = { use = \"p/nobody-knows-it\", weight = 1 }\n",
    )
    .config;
    let targets = &config.routes.values().next().unwrap().targets;
    let known = targets[0].capabilities;
    assert_eq!((known.tools, known.context), (Some(true), Some(5_000)));
    assert_eq!(known.images, Some(true), "as the catalogue says");
    assert!(known.max_output.is_some(), "as the catalogue says");
    let unknown = targets[1].capabilities;
    assert_eq!((unknown.tools, unknown.images), (Some(false), None));
}

#[test]
fn an_address_of_openais_format_without_a_path_is_warned_of() {
    let warnings = |kind: &str, base: &str| {
        let text = format!(
            "[providers.a]\nkind = \"{kind}\"\nbase_url = \"{base}\"\n[routes.r]\ntargets.t = {{ use = \"a/m\" }}\n"
        );
        good(&text).warnings
    };
    let told = warnings("openai", "https://api.openai.com");
    assert_eq!(told.len(), 1, "{told:?}");
    let hint = told[0].hint.as_deref();
    assert_eq!(hint, Some("write base_url = \"https://api.openai.com/v1\""));
    assert_eq!(warnings("openai", "https://api.openai.com/v1"), []);
    assert_eq!(warnings("perplexity", "https://api.perplexity.ai"), []);
}

#[test]
fn a_budget_is_read_exactly_and_its_changes_are_told() {
    let with = |budget: &str| {
        let text = format!(
            "[providers.sim]\nkind = \"simulated\"\nbudget = {budget}\n[routes.chat]\ntargets.only = {{ use = \"sim/m\" }}\n"
        );
        good(&text)
    };
    let old = with("{ month_usd = 90_000, day_usd = 0.01, at_limit = \"avoid\" }");
    let budget = old
        .config
        .providers
        .values()
        .next()
        .unwrap()
        .budget
        .as_ref();
    let budget = budget.unwrap();
    let limits = Window::ALL.map(|window| budget.limit(window).map(PicoUsd::exact));
    assert_eq!(limits, [None, Some("0.01".into()), Some("90000".into())]);
    let told: Vec<f64> = budget.alert_at().iter().map(|it| it.part()).collect();
    assert_eq!(told, [0.5, 0.8, 1.0]);
    let new = with("{ month_usd = 90_000, alert_at = [1, 0.25], at_limit = \"refuse\" }");
    let changes = diff(&old.config, &new.config).changes;
    assert_eq!(
        changes,
        [
            "providers.sim: budget $0.01 a day, $90000 a month, told at 50 %, 80 %, 100 %, then avoid -> \
          $90000 a month, told at 25 %, 100 %, then refuse"
        ]
    );
}

#[test]
fn a_budget_of_what_has_no_price_is_warned_of() {
    let text = "[providers.sim]\nkind = \"simulated\"\n[routes.chat]\nbudget = { day_usd = 1 }\n\
                targets.only = { use = \"sim/m\", budget = { hour_usd = 2, day_usd = 1 } }\n";
    let said: Vec<String> = good(text)
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    let said = said.join("\n");
    for part in [
        "routes.chat.budget: counts nothing of only, which has no price",
        "routes.chat.targets.only.budget: counts nothing of sim/m",
        "hour_usd is above day_usd",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}
