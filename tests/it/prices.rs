//! `weighbridge prices` as a shell sees it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const ENVIRONMENT: &str = r#"
[providers.openai]
kind = "openai"
api_key = "sk-planted-0123456789abcdef"
discount = 0.5
[providers.ours]
kind = "openai"
base_url = "http://127.0.0.1:1/v1"
[routes.chat.targets]
a = { use = "openai/gpt-4o", weight = 1 }
b = { use = "openai/gpt-4o-mini", weight = 1 }
c = { use = "ours/tiny", weight = 1 }
[prices]
"openai/gpt-4o-mini" = { input = "$0.10", output = "$0.60", date = 2024-07-18 }
"#;

/// Newer prices in litellm's shape.
const NEWER: &str = r#"{
  "gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 1e-05,
    "cache_read_input_token_cost": 1e-06, "input_cost_per_token_above_200k_tokens": 4e-06,
    "output_cost_per_token_above_200k_tokens": 2e-05, "source": "https://prices.example/"},
  "gpt-5": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-05}
}"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.toml"), ENVIRONMENT).unwrap();
    std::fs::write(folder.path().join("newer.json"), NEWER).unwrap();
    folder
}

fn prices(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weighbridge"));
    command.arg("prices").args(arguments);
    if !arguments.contains(&"--all") {
        command.args(["--env", "test", "--config"]).arg(folder);
    }
    command
        .env_remove("WEIGHBRIDGE_ENV")
        .current_dir(folder)
        .stdin(Stdio::null());
    command.output().unwrap()
}

/// Standard output and standard error of a command that succeeds.
fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert!(!out.contains("sk-planted") && !err.contains("sk-planted"));
    (out, err)
}

#[test]
fn the_list_says_what_holds_and_who_says_so() {
    let folder = folder();
    let (text, _) = said(&prices(folder.path(), &["list"]));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let line = |name: &str| *lines.iter().find(|line| line.starts_with(name)).unwrap();
    let published = line("openai/gpt-4o ");
    for part in ["$1.25", "$5.00", "catalogue", "after discount"] {
        assert!(published.contains(part), "{part}: {text}");
    }
    let written = line("openai/gpt-4o-mini ");
    for part in ["$0.05", "$0.30", "configuration", "2024-07-18"] {
        assert!(written.contains(part), "{part}: {text}");
    }
    assert!(line("ours/tiny").contains("not counted as cost"), "{text}");
}

#[test]
fn the_list_as_json_has_exact_amounts() {
    let folder = folder();
    let arguments = [
        "list",
        "--format",
        "json",
        "--provider",
        "openai",
        "--model",
        "mini",
    ];
    let (text, _) = said(&prices(folder.path(), &arguments));
    let rows: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    assert_eq!(rows[0]["price"]["input"], 50_000);
    assert_eq!(rows[0]["list"]["input"], 100_000);
    assert_eq!(rows[0]["capabilities"]["tools"], true);
}

#[test]
fn everything_that_is_published_needs_no_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (text, _) = said(&prices(
        folder.path(),
        &["list", "--all", "--provider", "groq"],
    ));
    assert!(text.lines().count() > 10, "{text}");
    assert!(
        text.lines().skip(1).all(|line| line.starts_with("groq/")),
        "{text}"
    );
}

#[test]
fn written_prices_are_compared_with_published_ones() {
    let folder = folder();
    let (text, _) = said(&prices(folder.path(), &["compare"]));
    assert!(text.contains("openai/gpt-4o-mini"), "{text}");
    assert!(text.contains("+50.0 %"), "$0.10 is $0.15 now: {text}");
    let (json, _) = said(&prices(folder.path(), &["compare", "--format", "json"]));
    let differences: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(differences[0]["rate"], "input");
    assert_eq!(differences[0]["written"], 100_000);
    assert_eq!(differences[0]["published"], 150_000);
}

#[test]
fn newer_prices_become_a_table_that_can_be_laid_over() {
    let folder = folder();
    let arguments = ["refresh", "--from", "newer.json", "--date", "2026-12-01"];
    let (table, summary) = said(&prices(folder.path(), &arguments));
    assert!(
        summary.contains("openai/gpt-4o: input $2.50 -> $2.00 (-20.0 %)"),
        "{summary}"
    );
    assert!(
        summary.ends_with("2 models: 1 changed, 0 new, 0 the same, 1 not in the file\n"),
        "{summary}"
    );
    // The old prices out, the table in.
    let (kept, _) = ENVIRONMENT.split_once("[prices]").unwrap();
    std::fs::write(folder.path().join("test.toml"), format!("{kept}\n{table}")).unwrap();
    let arguments = ["list", "--format", "json", "--model", "gpt-4o"];
    let (text, _) = said(&prices(folder.path(), &arguments));
    let rows: Value = serde_json::from_str(&text).unwrap();
    let list = &rows[0]["list"];
    assert_eq!(rows[0]["name"], "openai/gpt-4o");
    assert_eq!(rows[0]["date"], "2026-12-01");
    assert_eq!(
        (&list["input"], &list["cached_input"]),
        (&2_000_000.into(), &1_000_000.into())
    );
    assert_eq!(list["tiers"][0]["above"], 200_000);
    assert_eq!(list["tiers"][0]["output"], 20_000_000);
}

#[test]
fn nothing_is_written_over_and_no_nonsense_is_read() {
    let folder = folder();
    let refresh = |more: &[&str]| {
        let output = prices(folder.path(), &[&["refresh"], more].concat());
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = refresh(&["--from", "newer.json", "--output", "prices.toml"]);
    assert_eq!(code, Some(0), "{said}");
    let first = std::fs::read(folder.path().join("prices.toml")).unwrap();
    let (code, said) = refresh(&["--from", "newer.json", "--output", "prices.toml"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("prices.toml") && said.contains("new file"),
        "{said}"
    );
    assert_eq!(
        std::fs::read(folder.path().join("prices.toml")).unwrap(),
        first
    );
    std::fs::write(folder.path().join("odd.json"), "{\"a\": 1}").unwrap();
    for (arguments, expected) in [
        (
            ["--from", "absent.json", "--date", "2026-12-01"],
            "absent.json",
        ),
        (
            ["--from", "odd.json", "--date", "2026-12-01"],
            "expected JSON as litellm's",
        ),
        (
            ["--from", "newer.json", "--date", "soon"],
            "expected --date as a day",
        ),
    ] {
        let (code, said) = refresh(&arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}
