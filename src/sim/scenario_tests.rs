use super::*;

const HEAD: &str = "name = \"a\"\nseconds = 60\n";
const LOAD: &str = "[load]\nrps = 5\n";
const TARGET: &str = "[target.a]\nweight = 1\n";

#[test]
fn what_is_left_out_is_an_ordinary_world() {
    let scenario = Scenario::read(&format!("{HEAD}{LOAD}{TARGET}")).unwrap();
    assert_eq!(scenario.replicas, 1);
    assert_eq!(scenario.prices, Prices::PerToken);
    assert!(scenario.fault.is_none() && scenario.reloads.is_empty() && scenario.mix_models);
    assert_eq!(scenario.load.tokens_in.at(0.0).to_string(), "400");
    assert_eq!(scenario.load.streamed.at(0.0).to_string(), "1");
    assert_eq!(scenario.load.timeout.to_string(), "30");
    assert!(scenario.targets["a"].is_present(0.0), "it is there");
}

#[test]
fn whatever_is_not_a_scenario_is_refused_with_its_line_or_key() {
    for (text, words) in [
        (format!("{HEAD}minutes = 3\n{LOAD}{TARGET}"), "line 3"),
        (
            format!("{HEAD}{LOAD}rpm = 3\n{TARGET}"),
            "unknown field `rpm`",
        ),
        (
            format!("{HEAD}{LOAD}{TARGET}wait = 1"),
            "unknown field `wait`",
        ),
        (format!("{HEAD}{LOAD}{TARGET}wait = 1"), "line 7"),
        (
            format!("{HEAD}{LOAD}{TARGET}stall = 2"),
            "a share from 0 to 1, found 2",
        ),
        (format!("{HEAD}{LOAD}{TARGET}stall = 2"), "line 7"),
        (
            format!("{HEAD}{LOAD}[target.a]\nttft_ms = 5"),
            "missing field `weight`",
        ),
        (
            format!("{HEAD}{LOAD}[target.a]\nweight = -1"),
            "at least 0, found -1",
        ),
        (
            format!("{HEAD}{LOAD}[target.a]\nweight = 0"),
            "a weight above 0",
        ),
        (
            format!("{HEAD}[load]\nrps = -1\n{TARGET}"),
            "from 0 up, found -1",
        ),
        (format!("{HEAD}{LOAD}streamed = 1.5\n{TARGET}"), "found 1.5"),
        (
            format!("{HEAD}{LOAD}timeout = 0\n{TARGET}"),
            "above 0, found 0",
        ),
        (
            format!("{HEAD}replicas = 0\n{LOAD}{TARGET}"),
            "at least 1, found 0",
        ),
        (
            format!("{HEAD}{LOAD}{TARGET}[fault]\ntarget = \"b\"\nfrom = 1\nto = 2"),
            "`fault.target`: expected a target (a), found \"b\"",
        ),
        (
            format!("{HEAD}{LOAD}{TARGET}[fault]\ntarget = \"a\"\nfrom = 9\nto = 2"),
            "from < to",
        ),
        (
            format!("{HEAD}{LOAD}{TARGET}[[reload]]\nat = 1\nweights = {{ b = 2 }}"),
            "`reload.weights`",
        ),
        (
            format!("{HEAD}prices = \"per_answer\"\n{LOAD}{TARGET}price_in = 2"),
            "`target.a.price_in`",
        ),
    ] {
        assert_refused(&text, words);
    }
}

#[track_caller]
fn assert_refused(text: &str, words: &str) {
    let problem = Scenario::read(text).unwrap_err().to_string();
    assert!(
        problem.contains(words),
        "{text}\nshould say {words:?}, said {problem}"
    );
}

#[test]
fn a_misspelt_key_of_a_target_is_answered_with_all_there_are() {
    let text = format!("{HEAD}{LOAD}[target.a]\nwieght = 1");
    assert_refused(&text, "unknown field `wieght`");
    assert_refused(&text, "`twin`, `weight`, `tier` or `model`");
}

#[test]
fn a_slip_of_the_hand_does_not_run_for_ever() {
    let text = format!("name = \"x\"\nseconds = 1e12\n{LOAD}{TARGET}");
    let words = "at most a year (31622400 seconds), found 1000000000000";
    assert_refused(&text, words);
}

#[test]
fn the_newest_reload_decides_a_weight() {
    let text = format!(
        "{HEAD}{LOAD}{TARGET}[target.b]\nweight = 2\n\
         [[reload]]\nat = 10\nweights = {{ a = 3, b = 4 }}\n[[reload]]\nat = 20\nweights = {{ a = 5 }}"
    );
    let scenario = Scenario::read(&text).unwrap();
    let weights = |seconds: f64| -> Vec<f64> {
        scenario
            .weights(seconds)
            .iter()
            .map(|weight| weight.value())
            .collect()
    };
    assert_eq!(weights(9.9), [1.0, 2.0]);
    assert_eq!(weights(10.0), [3.0, 4.0]);
    assert_eq!(weights(25.0), [5.0, 4.0], "what is not named stays");
}

#[test]
fn a_usual_answer_costs_one_whatever_the_unit() {
    let tokens = Tokens {
        input: 400,
        output: 150,
        ..Tokens::default()
    };
    let text = format!("{HEAD}{LOAD}{TARGET}price_in = 100_000\nprice_out = 400_000");
    let scenario = Scenario::read(&text).unwrap();
    let usual = scenario.usual_dollars();
    assert!(
        (usual - 1e-4).abs() < 1e-9,
        "400 and 150 tokens cost 100 micro-dollars: {usual}"
    );
    let relative = scenario.relative_price(&scenario.targets["a"], tokens, Time::ZERO, usual);
    assert!(
        (relative - 1.0).abs() < 1e-9,
        "that is the usual answer: {relative}"
    );
}
