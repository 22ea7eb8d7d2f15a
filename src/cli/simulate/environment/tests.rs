//! Environments as worlds, run as a user would.

use std::path::Path;

use clap::Parser as _;
use serde_json::Value;

use super::super::{Args, run};
use crate::balance::gate::Reason;
use crate::journal::{DrawLine, Line, text};
use crate::model::{AnswerKind, Outcome, TargetName, Time, Tokens, UpstreamName};

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// Two providers behind two routes; `chat` prefers the first.
const FILES: &str = r#"
[providers.one]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
[providers.two]
kind = "openai"
base_url = "http://127.0.0.1:10/v1"
[prices]
"one/large" = { input = "$1", output = "$4" }
"two/large" = { input = "$2", output = "$8" }
[routes.chat]
retry = { count = 0 }
[routes.chat.targets]
first = { use = "one/large", weight = 70 }
second = { use = "two/large", weight = 30 }
[routes.fixed]
strategy = "fixed"
[routes.fixed.targets]
only = { use = "two/large", weight = 1 }
"#;

/// Runs `simulate --env here` with these words; what it printed, or what it said.
fn simulated(files: &str, words: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("here.toml"), files).unwrap();
    within(folder.path(), words)
}

fn within(folder: &Path, words: &str) -> Result<String, String> {
    let words = format!("simulate --env here --config {} {words}", folder.display());
    let line = Command::try_parse_from(words.split_whitespace()).map_err(|it| it.to_string())?;
    let mut out = Vec::new();
    let mut told = tempfile::tempfile().unwrap();
    match run(&line.args, &mut out, &mut told) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(failure) => Err(failure.to_string()),
    }
}

fn document(files: &str, words: &str) -> Value {
    let text = simulated(files, &format!("{words} --format json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A short run of the route `chat` under the controller alone.
const SHORT: &str = "--route chat --policy adaptive,static --seeds 2 --seconds 450";

#[test]
fn an_outage_is_told_with_who_met_it_where_its_share_went_and_when_it_was_back() {
    let found = document(FILES, &format!("{SHORT} --outage first"));
    let [ours, bare] = [0, 1].map(|i| &found["outages"][i]);
    assert_eq!(ours["policy"], "adaptive");
    assert_eq!(ours["in_force"], true, "mode and strategy say so");
    assert_eq!(
        (&ours["from_s"], &ours["to_s"]),
        (&150.0.into(), &300.0.into())
    );
    let number = |value: &Value| value.as_f64().unwrap();
    assert!(
        number(&ours["shed_s"]) < 10.0,
        "it is left in seconds: {ours}"
    );
    assert!(
        number(&ours["shares_during"]["second"]) > 0.95,
        "its share goes to the other"
    );
    assert!(
        number(&ours["recovered_s"]) < 60.0,
        "and it comes back: {ours}"
    );
    assert!(
        number(&ours["exposed"]) * 5.0 < number(&bare["met"]),
        "who stays meets it all the time"
    );
    assert!(bare["shed_s"].is_null() && bare["in_force"] == false);
    let dollars = |span: &str| number(&ours[span]["dollars_per_1000"]);
    assert!(
        dollars("during") > 1.2 * dollars("before"),
        "the other costs twice as much"
    );
    let told = ours["sentences"].to_string();
    for words in [
        "requests meet it",
        "goes to second",
        "p95 is",
        "1,000 answers cost $",
        "four fifths",
    ] {
        assert!(told.contains(words), "{words:?} is not in {told}");
    }
}

#[test]
fn each_kind_of_outage_is_left() {
    for (kind, failures) in [("429", 0.0..0.05), ("hang", 0.0..0.1), ("slow", 0.0..0.02)] {
        let words = format!("{SHORT} --outage first={kind}");
        let found = document(&FILES.replace("count = 0", "count = 1"), &words);
        let ours = &found["outages"][0];
        let shed = ours["shed_s"].as_f64().unwrap_or(f64::INFINITY);
        assert!(shed < 45.0, "{kind}: {ours}");
        let failed = ours["during"]["failed"].as_f64().unwrap();
        assert!(
            failures.contains(&failed),
            "{kind}: a second try helps: {failed}"
        );
    }
}

#[test]
fn several_outages_are_each_told_and_a_provider_names_all_its_targets() {
    let words = "--policy fixed --seeds 1 --seconds 300 --outage two=slow --outage first=429";
    let found = document(FILES, words);
    let told: Vec<String> = found["outages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {} {}", it["route"], it["target"], it["does"]).replace('"', ""))
        .collect();
    let expected = [
        "chat second takes 4 times as long",
        "chat first answers 429",
        "fixed only takes 4 times as long",
    ];
    assert_eq!(told, expected);
}

#[test]
fn worlds_are_as_the_files_say_and_what_was_assumed_is_shown() {
    let files = FILES
        .replace("weight = 30", "weight = 30, tier = 2, max_share = 0.5")
        .replace("[routes.chat]", "[routes.chat]\nsticky = \"conversation\"");
    let words = "--policy static --seeds 1 --seconds 60 --rate 4 --tokens-in 900 --tokens-out 70";
    let found = document(&files, words);
    let routes: Vec<&str> = found["suites"][0]["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(routes, ["chat", "fixed"], "a scenario a route");
    let chat = &found["assumed"][0];
    assert_eq!(
        (&chat["rps"], &chat["tokens_in"]),
        (&4.0.into(), &900.0.into())
    );
    let second = &chat["targets"][1];
    assert_eq!(
        (&second["tier"], &second["weight"]),
        (&2.into(), &30.0.into())
    );
    assert_eq!(
        (&second["input"], &second["output"]),
        (&2.0.into(), &8.0.into())
    );
    assert_eq!(second["known_from"], "a middling model");
    let text = simulated(&files, words).unwrap();
    for line in text.lines().filter(|line| !line.starts_with("route ")) {
        let width = line.chars().count();
        assert!(width <= 100, "{width} columns: {line}");
    }
    assert!(
        text.contains("route fixed, fixed by its configuration: 4 requests/s"),
        "{text}"
    );
}

#[test]
fn a_route_in_shadow_has_its_configured_shares() {
    let found = document(
        &format!("mode = \"shadow\"\n{FILES}"),
        &format!("{SHORT} --outage second"),
    );
    let in_force = |i: usize| &found["outages"][i]["in_force"];
    assert_eq!((in_force(0), in_force(1)), (&false.into(), &true.into()));
}

#[test]
fn a_simulated_provider_follows_its_law_and_no_known_price_is_no_price() {
    let files = r#"
[providers.sim]
kind = "simulated"
law = { ttft_ms = 250, tpot_ms = 12, tokens_out = { median = 60, spread = 0.8, min = 5, max = 600 } }
[providers.other]
kind = "simulated"
[routes.chat.targets]
a = { use = "sim/m", weight = 1 }
b = { use = "other/m", weight = 1 }
"#;
    let found = document(
        files,
        "--policy adaptive --seeds 1 --seconds 120 --outage b",
    );
    let a = &found["assumed"][0]["targets"][0];
    assert_eq!(
        (&a["ttft_ms"], &a["known_from"]),
        (&250.0.into(), &"its law".into())
    );
    assert!(a["input"].is_null());
    assert_eq!(found["assumed"][0]["tokens_out"], 60.0);
    let told = found["outages"][0]["sentences"].to_string();
    assert!(told.contains("what answers cost is not known"), "{told}");
}

/// One of five requests a second: a stream of 40 tokens, 300 ms and 10 ms each; one in ten fails.
fn draw(i: u64) -> DrawLine {
    let fails = i.is_multiple_of(10);
    DrawLine {
        at: Time::from_micros(i * 200_000),
        route: "chat".into(),
        target: TargetName::new("first").ok(),
        upstream: UpstreamName::new("one/large").unwrap(),
        reason: Reason::Drawn,
        propensity: Some(0.7),
        attempt: 1,
        answer: AnswerKind::Streamed,
        outcome: if fails {
            Outcome::ServerError
        } else {
            Outcome::Ok
        },
        first_us: (!fails).then_some(300_000),
        total_us: 690_000,
        tokens: Some(Tokens {
            input: 200,
            output: 40,
            ..Tokens::default()
        }),
        estimated: false,
        cost: None,
    }
}

#[test]
fn a_journal_teaches_load_times_and_failures() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("here.toml"), FILES).unwrap();
    let lines = (0..600).map(|i| text(&Line::Draw(Box::new(draw(i)))).unwrap() + "\n");
    let journal = folder.path().join("journal.ndjson");
    std::fs::write(&journal, lines.collect::<String>()).unwrap();
    let words = format!(
        "--policy static --seeds 1 --seconds 60 --format json --journal {}",
        journal.display()
    );
    let found: Value = serde_json::from_str(&within(folder.path(), &words).unwrap()).unwrap();
    let chat = &found["assumed"][0];
    let near =
        |value: &Value, expected: f64| (value.as_f64().unwrap() / expected - 1.0).abs() < 0.02;
    assert!(
        near(&chat["rps"], 5.0) && near(&chat["tokens_in"], 200.0),
        "{chat}"
    );
    let first = &chat["targets"][0];
    assert_eq!(first["known_from"], "540 answers");
    assert!(
        near(&first["ttft_ms"], 300.0) && near(&first["tpot_ms"], 10.0),
        "{first}"
    );
    assert!(near(&first["error_rate"], 0.1), "{first}");
    assert_eq!(
        chat["targets"][1]["known_from"], "a middling model",
        "nothing was sent there"
    );
    let text = within(
        folder.path(),
        &words.replace("json --journal", "table --journal"),
    )
    .unwrap();
    assert!(
        text.contains("note: the journal has 0 requests of route fixed"),
        "{text}"
    );
}

#[test]
fn what_does_not_exist_is_answered_with_what_does() {
    for (words, said) in [
        (
            "--route chatt",
            "expected a route of here (chat, fixed), found \"chatt\"",
        ),
        (
            "--outage three",
            "route chat: first (one/large), second (two/large); route fixed: only (two/large)",
        ),
        (
            "--outage first=odd",
            "expected 503, 429, hang or slow, found \"odd\"",
        ),
        (
            "--outage first --outage one=slow",
            "target first of route chat fails in one way, found two",
        ),
        (
            "--rate 0",
            "--rate: expected a number of requests a second above 0, found 0",
        ),
        (
            "--seconds nan",
            "--seconds: expected a number of seconds above 0, found NaN",
        ),
        ("--scenario 02-brownout", "cannot be used with"),
        ("--journal /nowhere/at/all", "cannot read /nowhere/at/all"),
    ] {
        let found = simulated(FILES, words).unwrap_err();
        assert!(found.contains(said), "{words} said {found}");
    }
    let folder = tempfile::tempdir().unwrap();
    let found = within(folder.path(), "").unwrap_err();
    assert!(found.contains("here.toml"), "{found}");
}
