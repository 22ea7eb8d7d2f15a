//! A configuration of LiteLLM's on its way into ours, as a shell sees it.

use std::process::{Command, Output};

use super::daemon::weighbridge;

const ROUTER: &str = "\
model_list:
  - model_name: chat
    litellm_params:
      model: openai/gpt-4o
      api_key: sk-planted-0123456789
      weight: 3
  - model_name: chat
    litellm_params:
      model: anthropic/claude-sonnet-5
      api_key: os.environ/ANTHROPIC_API_KEY
      weight: 1
router_settings:
  cooldown_time: 30
";

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn import(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = weighbridge();
    command.env_clear().current_dir(folder);
    command.args(["import", "litellm"]).args(arguments);
    command
}

#[test]
fn what_is_written_passes_once_the_variables_are_set_that_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("config.yaml"), ROUTER).unwrap();
    let (code, told, error) = output(&mut import(here, &["config.yaml", "--out", "new"]));
    assert_eq!(code, Some(0), "{error}");
    for words in [
        "config.yaml:13: router_settings.cooldown_time: not carried over: ",
        "config.yaml:5: model_list[0].litellm_params.api_key: to do: ",
        "variables that must be set: ANTHROPIC_API_KEY, OPENAI_API_KEY",
        "wrote new/base.toml",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("planted"), "{told}");
    let mut check = weighbridge();
    check.env_clear().current_dir(here);
    check.args(["check", "--env", "development", "--config", "new"]);
    check
        .env("OPENAI_API_KEY", "one")
        .env("ANTHROPIC_API_KEY", "other");
    let (code, told, _) = output(&mut check);
    assert_eq!(code, Some(0), "{told}");
    let (code, _, error) = output(&mut import(here, &["config.yaml", "--out", "new"]));
    assert_eq!(code, Some(1), "files that are there stay");
    assert!(error.contains("--force"), "{error}");
}

#[test]
fn without_a_folder_the_toml_alone_is_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yaml"), ROUTER).unwrap();
    let (code, toml, notes) = output(&mut import(folder.path(), &["config.yaml"]));
    assert_eq!(code, Some(0), "{notes}");
    let table: toml::Table = toml.parse().unwrap();
    assert_eq!(table["routes"]["chat"]["strategy"].as_str(), Some("fixed"));
    assert!(notes.contains("cooldown_time"), "{notes}");
    let (code, json, _) = output(&mut import(
        folder.path(),
        &["config.yaml", "--format", "json"],
    ));
    assert_eq!(code, Some(0));
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["toml"], toml);
    assert_eq!(document["notes"][0]["line"], 5);
}

#[test]
fn a_file_that_is_no_yaml_or_has_no_model_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("broken.yaml"), "model_list: [\n").unwrap();
    std::fs::write(here.join("empty.yaml"), "router_settings: {}\n").unwrap();
    for (file, words) in [
        ("broken.yaml", "line 2"),
        ("empty.yaml", "no model that could be served"),
        ("absent.yaml", "cannot read absent.yaml"),
    ] {
        let (code, told, error) = output(&mut import(here, &[file]));
        assert_eq!((code, told.as_str()), (Some(1), ""), "{file}");
        assert!(error.contains(words), "{file}: {error}");
    }
}
