use super::*;

#[test]
fn every_seed_is_a_scenario_within_the_priors() {
    for seed in 0..2000 {
        let text = text(seed);
        let world = Scenario::read(&text).unwrap_or_else(|error| {
            panic!("world {seed} should be a scenario: {error}\n{text}");
        });
        assert!((2..=8).contains(&world.targets.len()), "{text}");
        assert!((1..=10).contains(&world.replicas), "{text}");
        assert!((300.0..=7200.0).contains(&world.seconds), "{text}");
        let (_, peak) = world.load.rps.bounds();
        assert!((0.04..=410.0).contains(&peak), "{text}");
        let present = |seconds: f64| world.targets.values().any(|t| t.is_present(seconds));
        assert!(
            present(0.0) && present(world.seconds),
            "somebody is always there: {text}"
        );
    }
}

#[test]
fn the_same_seed_is_the_same_text_and_another_is_not() {
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

#[test]
fn the_worlds_are_as_varied_as_the_priors_say() {
    let texts: Vec<String> = (0..400).map(text).collect();
    let part = |with: &str| {
        texts.iter().filter(|text| text.contains(with)).count() as f64 / texts.len() as f64
    };
    assert!((part("nothing goes wrong") - 1.0 / 7.0).abs() < 0.06);
    for key in [
        "servers",
        "rate_limit",
        "window_limit",
        "black_hole",
        "stall",
        "cut",
        "misbehave",
        "present",
        "ramp",
        "period",
        "tail",
    ] {
        assert!(part(key) > 0.02, "{key} in {} of the worlds", part(key));
    }
    assert!((part("replicas = 1\n") - 0.6).abs() < 0.08, "replicas");
}

#[test]
fn numbers_are_short() {
    for (value, text) in [
        (0.0, "0"),
        (0.003, "0.003"),
        (1.0, "1"),
        (12.3456, "12.3"),
        (1234.4, "1234"),
        (0.050_049, "0.05"),
        (7200.0, "7200"),
    ] {
        assert_eq!(short(value), text);
    }
}
