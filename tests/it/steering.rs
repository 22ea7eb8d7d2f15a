//! Operators' orders and the kill switch, through the program, its commands and real sockets.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::client::Client;
use super::daemon::{Daemon, live, machine, until, weighbridge};

/// Two targets that are alike; the controller has no reason to leave three to one.
fn config(folder: &Path) -> String {
    format!(
        r#"
config_version = 1
[server]
state = "{0}/state"
[controller]
journal = "{0}/journal"
[providers.one]
kind = "simulated"
law = {{ ttft_ms = 0, tpot_ms = 0, spread = 0, error_rate = 0 }}
[providers.two]
kind = "simulated"
law = {{ ttft_ms = 0, tpot_ms = 0, spread = 0, error_rate = 0 }}
[routes.chat.targets]
one = {{ use = "one/m", weight = 3 }}
two = {{ use = "two/m", weight = 1 }}
"#,
        folder.display()
    )
}

const BODY: &str = r#"{"model":"chat","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#;

/// How many of `many` requests the second target got.
async fn second_of(client: &Client, many: u32) -> u32 {
    let mut second = 0;
    for _ in 0..many {
        let got = client.chat(BODY).await.unwrap();
        assert!(got.is_whole(), "every request is answered: {got:?}");
        second += u32::from(got.header("x-weighbridge-provider") == "two");
    }
    second
}

/// Waits until the second target's granted share is `share`.
async fn granted(daemon: &Daemon, share: f64) {
    until(&format!("its share must become {share}"), async || {
        let route = daemon.json("/api/v1/routes/chat").await;
        let found = route["targets"][1]["granted"].as_f64().unwrap();
        ((found - share).abs() < 0.03).then_some(())
    })
    .await;
}

/// Runs a command against `daemon`; its standard output.
fn told(daemon: &Daemon, words: &[&str]) -> String {
    let output = command(daemon, words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn command(daemon: &Daemon, words: &[&str]) -> Command {
    let mut command = weighbridge();
    command.args(words);
    command.env("WEIGHBRIDGE_ADMIN", format!("http://{}", daemon.admin));
    command.env("USER", "ada");
    command
}

/// A pin that was given before is still there, waits while its target is drained, and is ended.
async fn after_a_restart(folder: &Path) {
    let daemon = Daemon::start(folder);
    let client = Client::new(daemon.data);
    granted(&daemon, 0.6).await;
    told(
        &daemon,
        &["drain", "two/m", "--reason", "repair", "--for", "1h"],
    );
    let second = second_of(&client, 50).await;
    assert_eq!(second, 0, "from the next request on");
    let orders = told(&daemon, &["steering"]);
    assert!(
        orders.contains("two of chat is drained"),
        "the pin waits: {orders}"
    );
    told(&daemon, &["restore", "two/m"]);
    granted(&daemon, 0.6).await;
    told(&daemon, &["restore", "--all"]);
    // What traffic has taught meanwhile says where the share goes.
    until("its pin must be gone", async || {
        let route = daemon.json("/api/v1/routes/chat").await;
        let target = &route["targets"][1];
        let is_free = !target["rails"].to_string().contains("pinned");
        (is_free && target["granted"] != 0.6).then_some(())
    })
    .await;
    assert_eq!(told(&daemon, &["steering"]), "no order holds\n");
    daemon.terminate();
    daemon.ended().await;
}

#[tokio::test]
async fn an_order_acts_on_traffic_and_outlives_reload_and_restart_until_it_ends() {
    let _machine = machine().await;
    let folder = tempfile::tempdir().unwrap();
    let text = config(folder.path());
    std::fs::write(live(folder.path()), &text).unwrap();
    let daemon = Daemon::start(folder.path());
    let client = Client::new(daemon.data);
    granted(&daemon, 0.25).await;
    let said = told(
        &daemon,
        &["pin", "chat", "two", "60%", "--reason", "a drill"],
    );
    assert!(
        said.starts_with("order 1: pin two of chat at 60.0 %"),
        "{said}"
    );
    granted(&daemon, 0.6).await;
    let second = second_of(&client, 200).await;
    assert!(
        (115..=125).contains(&second),
        "{second} of 200 for a share of 0.6"
    );
    let sentences = told(&daemon, &["explain", "chat"]);
    assert!(
        sentences.contains("pinned at 60 % by order of ada until"),
        "{sentences}"
    );
    assert!(sentences.contains("a drill"), "{sentences}");

    std::fs::write(
        live(folder.path()),
        text.replace("weight = 3", "weight = 2"),
    )
    .unwrap();
    let (status, _) = daemon.reload().await;
    assert_eq!(status, 200);
    granted(&daemon, 0.6).await;
    daemon.terminate();
    let ended = daemon.ended().await;
    assert!(ended.log.contains("an order holds"), "{}", ended.log);

    after_a_restart(folder.path()).await;
    let replayed = weighbridge()
        .arg("replay")
        .arg(folder.path().join("journal"))
        .output()
        .unwrap();
    assert!(
        replayed.status.success(),
        "decided the same again: {replayed:?}"
    );
}

#[tokio::test]
async fn an_order_ends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), config(folder.path())).unwrap();
    let daemon = Daemon::start(folder.path());
    granted(&daemon, 0.25).await;
    told(
        &daemon,
        &["drain", "one", "--reason", "short", "--for", "2s"],
    );
    granted(&daemon, 1.0).await;
    granted(&daemon, 0.25).await;
    let steering = daemon.json("/api/v1/steering").await;
    assert_eq!(steering["orders"], Value::Array(Vec::new()));
    daemon.terminate();
    let ended = daemon.ended().await;
    assert!(ended.log.contains("its time is over"), "{}", ended.log);
}

#[tokio::test]
async fn what_cannot_be_ordered_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), config(folder.path())).unwrap();
    let daemon = Daemon::start(folder.path());
    for (words, part) in [
        (vec!["pin", "caht", "two", "60%"], "did you mean chat?"),
        (vec!["pin", "chat", "twoo", "60%"], "did you mean two?"),
        (vec!["drain", "nobody"], "no target is called \"nobody\""),
    ] {
        let words = [words.as_slice(), &["--reason", "a test"]].concat();
        let output = command(&daemon, &words).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(error.contains(part), "{error}");
    }
    told(&daemon, &["drain", "one", "--reason", "a test"]);
    let output = command(&daemon, &["drain", "two", "--reason", "a test"]);
    let output = { output }.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("nobody to serve chat"), "{error}");
    let client = Client::new(daemon.data);
    told(&daemon, &["drain", "two", "--force", "--reason", "a test"]);
    let got = client.chat(BODY).await.unwrap();
    assert_eq!(got.status, 503, "{got:?}");
    assert!(
        got.body.contains("drained by an operator's order until"),
        "{got:?}"
    );
}

#[tokio::test]
async fn the_kill_switch_is_thrown_by_signal_and_command_and_stays_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), config(folder.path())).unwrap();
    let daemon = Daemon::start(folder.path());
    told(
        &daemon,
        &["pin", "chat", "two", "60%", "--reason", "a drill"],
    );
    granted(&daemon, 0.6).await;
    let is_off = async |daemon: &Daemon, off: bool| {
        until("the switch must be seen", async || {
            let health = daemon.json("/healthz").await;
            (health["switch"]["off"] == off).then_some(())
        })
        .await;
    };
    daemon.signal("-USR1");
    is_off(&daemon, true).await;
    granted(&daemon, 0.25).await;
    let (_, metrics) = daemon.get("/metrics").await;
    assert!(metrics.contains("\nweighbridge_switch 1"), "{metrics}");
    daemon.terminate();
    daemon.ended().await;

    let daemon = Daemon::start(folder.path());
    is_off(&daemon, true).await;
    let status = told(&daemon, &["status"]);
    assert!(status.contains("the kill switch is off"), "{status}");
    daemon.signal("-USR2");
    is_off(&daemon, false).await;
    granted(&daemon, 0.6).await;
    told(&daemon, &["off"]);
    granted(&daemon, 0.25).await;
    told(&daemon, &["on"]);
    granted(&daemon, 0.6).await;
}

#[tokio::test]
async fn what_an_order_displaces_and_makes_of_weights_is_told_where_shares_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let tools = "weight = 1, capabilities = { tools = false } }";
    let text = config(folder.path()).replace("weight = 1 }", tools);
    std::fs::write(live(folder.path()), text).unwrap();
    let daemon = Daemon::start(folder.path());
    told(
        &daemon,
        &["pin", "chat", "one", "60%", "--reason", "a drill"],
    );
    told(&daemon, &["drain", "one", "--reason", "an incident"]);
    granted(&daemon, 1.0).await;
    let displaced = "order 1: pin one of chat at 60.0 %, by ";
    let because = "one of chat is drained";
    for words in [&["status"][..], &["explain", "chat"]] {
        let text = told(&daemon, words);
        let line = text.lines().find(|line| line.starts_with(displaced));
        assert!(line.is_some_and(|line| line.ends_with(because)), "{text}");
        assert!(text.contains("order 2: drain one, by "), "{text}");
    }
    // Shares are another's at once, sentences are the next tick's.
    let explained = until("an order must be why", async || {
        let explained = told(&daemon, &["explain", "chat"]);
        let is_told = explained.contains("; drained by order of ada until ");
        is_told.then_some(explained)
    })
    .await;
    for part in [
        "one: takes 0 % instead of its configured 75 %; ",
        "two: takes 100 % instead of its configured 25 %; one is drained by order",
    ] {
        assert!(explained.contains(part), "{explained}");
    }
    let report = daemon.json("/api/v1/routes/chat").await;
    assert_eq!(report["targets"][0]["configured"], 0.75);
    let ask = BODY.replace(
        "\"max_tokens\"",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"max_tokens\"",
    );
    let got = Client::new(daemon.data).chat(&ask).await.unwrap();
    assert_eq!(got.status, 503, "{got:?}");
    assert!(
        got.body
            .contains("one: drained by an operator's order until"),
        "{got:?}"
    );
}

#[tokio::test]
async fn status_tells_of_a_refused_file_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let good = config(folder.path());
    std::fs::write(live(folder.path()), &good).unwrap();
    let daemon = Daemon::start(folder.path());
    std::fs::write(
        live(folder.path()),
        good.replace("weight = 3", "weight = -3"),
    )
    .unwrap();
    assert_eq!(daemon.reload().await.0, 409);
    let text = told(&daemon, &["status"]);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("CONFIGURATION REFUSED since "), "{text}");
    assert!(
        first.contains("the last good one goes on: 1, in force since "),
        "{text}"
    );
    assert!(text.contains("routes.chat.targets.one.weight: "), "{text}");
    assert!(
        text.contains(" | one = { use = \"one/m\", weight = -3 }"),
        "{text}"
    );
    std::fs::write(live(folder.path()), good).unwrap();
    assert_eq!(daemon.reload().await.0, 200);
    assert!(!told(&daemon, &["status"]).contains("REFUSED"));
}

#[tokio::test]
async fn a_route_that_exists_nowhere_is_a_mistake_and_one_without_traffic_is_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), config(folder.path())).unwrap();
    let daemon = Daemon::start(folder.path());
    for command_word in ["usage", "report"] {
        let output = command(&daemon, &[command_word, "--route", "chta"]);
        let output = { output }.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command_word}");
        let error = String::from_utf8(output.stderr).unwrap();
        let said = "no route is called \"chta\"; did you mean chat?";
        assert!(error.contains(said), "{command_word}: {error}");
        told(&daemon, &[command_word, "--route", "chat"]);
    }
}
