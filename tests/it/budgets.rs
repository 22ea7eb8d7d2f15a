//! Budgets, through the program and real sockets: what is spent beyond a limit is what was under way when it was met.

use std::path::Path;

use serde_json::Value;
use tokio::task::JoinSet;

use super::client::{Client, Got};
use super::daemon::{Daemon, live, until, weighbridge};

/// Clients that send one request after the other.
const CLIENTS: u64 = 4;
/// Requests of each.
const EACH: u64 = 12;
/// What a request costs at `paid`, in thousandths of a dollar; the budget is ten of them.
const LIMIT: u64 = 10;

/// `paid` has a budget of a cent and takes a tenth of that for each request; `free` costs nothing.
fn config(at_limit: &str, targets: &str, server: &str) -> String {
    let law = "law = { ttft_ms = 5, tpot_ms = 0.1, spread = 0, error_rate = 0 }";
    format!(
        r#"config_version = 1
{server}
[providers.paid]
kind = "simulated"
{law}
budget = {{ month_usd = 0.01, at_limit = "{at_limit}" }}
[providers.free]
kind = "simulated"
{law}
[prices]
"paid/m" = {{ input = "$0", output = "$0", request = "$0.001 / request" }}
"free/m" = {{ input = "$0", output = "$0" }}
[routes.chat]
mode = "off"
{targets}
"#
    )
}

const BOTH: &str = "targets.paid = { use = \"paid/m\", weight = 1 }\ntargets.free = { use = \"free/m\", weight = 1 }";
const PAID: &str = "targets.paid = { use = \"paid/m\" }";

fn start(folder: &Path, text: &str) -> Daemon {
    std::fs::write(live(folder), text).unwrap();
    Daemon::start(folder)
}

fn body() -> String {
    r#"{"model":"chat","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#.to_owned()
}

/// All answers to requests of several clients at once.
async fn asked(daemon: &Daemon) -> Vec<Got> {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let client = Client::new(daemon.data);
        clients.spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..EACH {
                answers.push(client.chat(&body()).await.unwrap());
            }
            answers
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

/// Answers by status and provider.
fn count(answers: &[Got], status: u16, provider: &str) -> u64 {
    let of = |got: &&Got| got.status == status && got.header("x-weighbridge-provider") == provider;
    answers.iter().filter(of).count() as u64
}

async fn budget(daemon: &Daemon) -> Value {
    daemon.json("/api/v1/budgets").await["budgets"][0].clone()
}

/// What was spent is what was answered, and no more than the limit and what was under way.
async fn is_within_reach(daemon: &Daemon, paid: u64) {
    assert!(paid >= LIMIT, "{paid} were paid for: the budget is used");
    let most = LIMIT + CLIENTS - 1;
    assert!(paid <= most, "{paid} were paid for, at most {most} may be");
    let budget = budget(daemon).await;
    let spent = budget["spent_usd"].as_f64().unwrap();
    let expected = f64::from(u32::try_from(paid).unwrap()) * 0.001;
    assert!((spent - expected).abs() < 1e-9, "{budget}");
    let counted = daemon.counted("weighbridge_budget_spent_usd").await;
    assert!(
        (counted - expected).abs() < 1e-9,
        "{counted} in the metrics"
    );
}

#[tokio::test]
async fn a_spent_budget_diverts_what_it_is_told_to_avoid() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(folder.path(), &config("avoid", BOTH, ""));
    let answers = asked(&daemon).await;
    assert!(answers.iter().all(Got::is_whole), "each is answered");
    let paid = count(&answers, 200, "paid");
    is_within_reach(&daemon, paid).await;
    let free = count(&answers, 200, "free");
    assert_eq!(paid + free, CLIENTS * EACH, "by the one or the other");
    assert_eq!(budget(&daemon).await["state"], "avoided");
}

#[tokio::test]
async fn a_spent_budget_with_nobody_else_says_why_and_until_when() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(folder.path(), &config("avoid", PAID, ""));
    let answers = asked(&daemon).await;
    is_within_reach(&daemon, count(&answers, 200, "paid")).await;
    let refused = answers.iter().find(|got| got.status == 503).unwrap();
    assert!(
        refused.body.contains("this month's budget of provider")
            && refused.body.contains("no_eligible_target"),
        "{}",
        refused.body
    );
    let wait: f64 = refused.header("retry-after").parse().unwrap();
    let left = budget(&daemon).await["resets_at"].as_f64().unwrap();
    assert!(wait > 0.0 && wait < left, "{wait} s");
    let fallbacks = config("avoid", &format!("fallbacks = [\"free/m\"]\n{PAID}"), "");
    std::fs::write(live(folder.path()), fallbacks).unwrap();
    assert_eq!(daemon.reload().await.0, 200);
    let answers = asked(&daemon).await;
    let free = count(&answers, 200, "free");
    assert_eq!(free, CLIENTS * EACH, "the fallbacks have them all");
}

#[tokio::test]
async fn a_spent_budget_stops_what_it_is_told_to_refuse_and_sends_it_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(folder.path(), &config("refuse", BOTH, ""));
    let answers = asked(&daemon).await;
    let paid = count(&answers, 200, "paid");
    is_within_reach(&daemon, paid).await;
    let free = count(&answers, 200, "free");
    let refused = answers.iter().filter(|got| got.status == 429);
    let refused: Vec<&Got> = refused.collect();
    assert_eq!(paid + free + refused.len() as u64, CLIENTS * EACH);
    // Draws are spread evenly, and with the shares as configured half of them, to within one or two, are for each.
    let half = CLIENTS * EACH / 2;
    assert!(
        free.abs_diff(half) <= 2,
        "{free} to the other: nobody took the refused over"
    );
    for got in refused {
        assert!(
            got.body.contains("\"code\":\"budget_exceeded\""),
            "{}",
            got.body
        );
        assert!(got.header("retry-after").parse::<u64>().unwrap() > 0);
        assert_eq!(got.header("x-should-retry"), "false");
    }
    let text = daemon.get("/metrics").await.1;
    let limit =
        "weighbridge_budget_limit_usd{scope=\"provider\",subject=\"paid\",window=\"month\"} 0.01";
    assert!(text.contains(limit), "{text}");
}

#[tokio::test]
async fn what_was_spent_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state = tempfile::tempdir().unwrap();
    let server = format!("[server]\nstate = {:?}", state.path());
    let text = config("refuse", PAID, &server);
    let daemon = start(folder.path(), &text);
    let answers = asked(&daemon).await;
    let paid = count(&answers, 200, "paid");
    is_within_reach(&daemon, paid).await;
    daemon.terminate();
    assert!(daemon.ended().await.status.success());
    let daemon = start(folder.path(), &text);
    is_within_reach(&daemon, paid).await;
    let got = Client::new(daemon.data).chat(&body()).await.unwrap();
    assert_eq!(got.status, 429, "nothing is left: {}", got.body);
    // A budget that is new is looked up as well.
    let hour = text.replace("month_usd = 0.01", "hour_usd = 0.5, month_usd = 90");
    std::fs::write(live(folder.path()), hour).unwrap();
    assert_eq!(daemon.reload().await.0, 200);
    let got = Client::new(daemon.data).chat(&body()).await.unwrap();
    assert_eq!(
        got.status, 200,
        "a raised limit lets it through: {}",
        got.body
    );
}

#[tokio::test]
async fn a_past_decision_in_the_books_knows_that_a_budget_was_spent() {
    let folder = tempfile::tempdir().unwrap();
    let state = tempfile::tempdir().unwrap();
    let server = format!("[server]\nstate = {:?}", state.path());
    let daemon = start(folder.path(), &config("avoid", BOTH, &server));
    asked(&daemon).await;
    let place = state.path().to_str().unwrap();
    let words = ["explain", "chat", "--at", "now", "--state", place];
    let told = until("the books must have the decision", async || {
        let output = weighbridge().args(words).output().unwrap();
        output.status.success().then_some(output.stdout)
    })
    .await;
    let told = String::from_utf8(told).unwrap();
    let (_, now) = daemon.get("/api/v1/routes/chat").await;
    for part in [
        "paid: takes nothing: this month's budget of provider \"paid\" is spent, until ",
        "; more than that while another's budget is spent",
    ] {
        assert!(told.contains(part), "{told}");
        assert!(now.contains(&part.replace('"', "\\\"")), "{now}");
    }
    assert!(told.contains("a budget was spent or began anew"), "{told}");
}
