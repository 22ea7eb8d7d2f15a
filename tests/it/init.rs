//! A newcomer's way: a key in the environment, `init`, `serve`, a request of one's own and what it cost.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::cli::Mock;
use super::daemon::{Daemon, PATIENCE, weighbridge};

const SECRET: &str = "planted-key-of-a-newcomer";

/// The program in `folder`, without any variable of the machine that runs the test.
fn bare(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = weighbridge();
    command.env_clear().current_dir(folder).args(arguments);
    command
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[tokio::test]
async fn a_key_and_an_address_lead_to_an_answered_request_with_its_cost_and_its_reason() {
    let mock = Mock::start(&["--listen", "127.0.0.1:0"]);
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let with_key = |arguments: &[&str]| {
        let mut command = bare(here, arguments);
        command
            .env("OPENAI_API_KEY", SECRET)
            .env("OPENAI_BASE_URL", format!("http://{}/v1", mock.address));
        command
    };
    let (code, told, error) = output(&mut with_key(&["init"]));
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("OPENAI_API_KEY: provider openai"), "{told}");
    for name in ["base.toml", "development.toml"] {
        let text = std::fs::read_to_string(here.join("config").join(name)).unwrap();
        assert!(!text.contains(SECRET), "{name} names the variable alone");
    }
    let (code, told, _) = output(&mut with_key(&["check", "--env", "development"]));
    assert_eq!(code, Some(0), "{told}");
    assert!(!told.contains("warning"), "{told}");

    let daemon = Daemon::started(with_key(&["serve", "--env", "development"]));
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    let question = json!({ "model": "chat", "messages": [{ "role": "user", "content": "Hello" }] });
    let request = client.build().unwrap();
    let request = request.post(format!("http://{}/v1/chat/completions", daemon.data));
    let answer = request.json(&question).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let headers = answer.headers();
    assert_eq!(headers["x-weighbridge-target"], "openai");
    let cost: f64 = headers["x-weighbridge-cost-usd"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(cost > 0.0, "the request's cost is told");
    let body: Value = answer.json().await.unwrap();
    assert!(
        body["choices"][0]["message"]["content"].is_string(),
        "{body}"
    );

    let admin = daemon.admin.to_string();
    let (code, told, _) = output(&mut bare(here, &["explain", "chat", "--admin", &admin]));
    assert_eq!(code, Some(0));
    assert!(told.contains("openai: "), "the reason is told: {told}");
    assert_eq!(
        daemon.json("/api/v1/config").await["config"]["mode"],
        "shadow"
    );
    let books = here.join("state/books.sqlite");
    assert!(books.exists(), "what was used and learned is kept");
}

#[test]
fn files_that_are_there_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("base.toml"), "# mine\n").unwrap();
    let mut init = bare(folder.path(), &["init"]);
    let (code, told, error) = output(init.env("GROQ_API_KEY", SECRET));
    assert_eq!((code, told.as_str()), (Some(1), ""));
    assert!(
        error.contains("config/base.toml is there") && error.contains("--force"),
        "{error}"
    );
    assert!(
        !config.join("development.toml").exists(),
        "none was written"
    );
    let mut init = bare(folder.path(), &["init", "--force", "--format", "json"]);
    let (code, told, error) = output(init.env("GROQ_API_KEY", SECRET));
    assert_eq!(code, Some(0), "{error}");
    let done: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(done["providers"][0]["variable"], "GROQ_API_KEY");
    assert_eq!(done["files"][0], "config/base.toml");
    let text = std::fs::read_to_string(config.join("base.toml")).unwrap();
    assert!(text.contains("[providers.groq]"), "{text}");
}

#[test]
fn without_a_key_the_names_are_told_that_were_looked_for_and_the_demo_needs_none() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told, error) = output(&mut bare(folder.path(), &["init"]));
    assert_eq!((code, told.as_str()), (Some(1), ""));
    for word in ["OPENAI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "init --demo"] {
        assert!(error.contains(word), "{word}: {error}");
    }
    assert!(
        !folder.path().join("config").exists(),
        "nothing was written"
    );
    let demo = ["init", "--demo", "--dir", "conf"];
    let (code, told, error) = output(&mut bare(folder.path(), &demo));
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("--config conf"), "what to type next: {told}");
    let check = ["check", "--env", "development", "--config", "conf"];
    let (code, told, _) = output(&mut bare(folder.path(), &check));
    assert_eq!(code, Some(0), "{told}");
}
