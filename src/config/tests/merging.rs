//! Layers over layers, and where a value says it came from.

use super::super::Origins;
use super::{SMALL, World, compiled, good};
use crate::model::{RouteName, TargetName};

const BASE: &str = "\
[providers.sim]
kind = \"simulated\"
models = [\"m\", \"n\"]
[providers.off]
kind = \"openai\"
api_key = \"${NEVER_SET:?}\"
[prices]
\"off/m\" = { input = \"$1\", output = \"$1\" }
[routes.chat.targets]
a = { use = \"sim/m\", weight = 70 }
b = { use = \"off/m\", weight = 30 }
";

const OVER: &str = "\
[providers]
off.enabled = false
sim.models = [\"m\"]
[routes.chat.targets]
a.weight = 5
b.enabled = false
";

#[test]
fn an_overlay_merges_tables_replaces_lists_and_removes_what_it_disables() {
    let layers = [("base.toml", BASE), ("dev.toml", OVER)];
    let compiled = compiled(&layers, &World::default()).unwrap_or_else(|it| panic!("{it:#?}"));
    let config = &compiled.config;
    assert_eq!(
        config.providers.len(),
        1,
        "the other is off, and its variable is not asked for"
    );
    assert!(
        config.prices.is_empty(),
        "a price of a provider that is off is no mistake"
    );
    let provider = config.providers.values().next().unwrap();
    assert_eq!(provider.models, ["m"], "lists replace");
    let chat = &config.routes[&RouteName::new("chat").unwrap()];
    assert_eq!(chat.targets.len(), 1);
    assert_eq!(chat.targets[0].name, TargetName::new("a").unwrap());
    assert!(
        (chat.targets[0].weight.value() - 5.0).abs() < f64::EPSILON,
        "the overlay's weight"
    );
    assert_eq!(
        chat.targets[0].upstream.name.as_str(),
        "sim/m",
        "and the base's use"
    );
}

#[test]
fn shown_values_name_the_layer_and_line_they_came_from() {
    let layers = [("base.toml", BASE), ("dev.toml", OVER)];
    let compiled = compiled(&layers, &World::default()).unwrap_or_else(|it| panic!("{it:#?}"));
    let shown = compiled.shown.to_toml(Origins::Printed);
    for (value, origin) in [
        ("kind = \"simulated\"", "# base.toml:2"),
        ("models = [\"m\"]", "# dev.toml:3"),
        ("use = \"sim/m\"", "# base.toml:10"),
        ("weight = 5", "# dev.toml:5"),
    ] {
        let found = shown
            .lines()
            .any(|line| line.starts_with(value) && line.ends_with(origin));
        assert!(found, "expected {value} {origin} in\n{shown}");
    }
}

#[test]
fn the_shown_form_is_the_same_configuration() {
    let text = include_str!("../../../config/base.toml").to_owned()
        + include_str!("../../../config/development.toml");
    let first = good(&text);
    let second = good(&first.shown.to_toml(Origins::Printed));
    assert_eq!(
        first.shown.to_json(),
        second.shown.to_json(),
        "shown, read and shown again"
    );
    assert_eq!(
        first.shown.to_json()["routes"]["chat"]["targets"]["fast"]["weight"],
        50
    );
}

#[test]
fn equal_values_have_equal_digests_and_others_do_not() {
    let digest = |text: &str| good(text).config.digest;
    let spaced = SMALL.replace(" = ", "   =  ") + "# a comment\n";
    assert_eq!(digest(SMALL), digest(&spaced), "layout is no value");
    assert_ne!(digest(SMALL), digest(&SMALL.replace("sim/m", "sim/n")));
    let keyed = "[providers.p]\nkind = \"openai\"\napi_key = { file = \"k\" }\n[routes.c]\ntargets.x.use = \"p/m\"\n";
    let with = |content: &'static str| {
        let world = World {
            files: vec![("k", content)],
            ..World::default()
        };
        compiled(&[("a.toml", keyed)], &world)
            .unwrap()
            .config
            .digest
    };
    assert_eq!(
        with("secret-1"),
        with("secret-1\n"),
        "a newline at the end is no part of a credential"
    );
    assert_ne!(
        with("secret-1"),
        with("secret-2"),
        "a rotated credential is a change"
    );
}
