//! Lists that requests bring: what their weights say is what happens, through the program and real sockets.

use super::client::Client;
use super::daemon::{Daemon, live, machine};

const MANY: u32 = 2_000;
/// Beyond so many standard errors a right share comes once in sixteen thousand runs.
const ERRORS: f64 = 4.0;

const CONFIG: &str = r#"
config_version = 1
[providers.one]
kind = "simulated"
law = { ttft_ms = 0, tpot_ms = 0, spread = 0, error_rate = 0 }
[providers.two]
kind = "simulated"
law = { ttft_ms = 0, tpot_ms = 0, spread = 0, error_rate = 0 }
[routes.chat.targets]
one = { use = "one/m", weight = 1 }
two = { use = "two/m", weight = 1 }
"#;

async fn check(weights: [f64; 2], share: f64) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), CONFIG).unwrap();
    let daemon = Daemon::start(folder.path());
    let body = serde_json::json!({
        "model": "ignored",
        "max_tokens": 1,
        "messages": [{ "role": "user", "content": "hi" }],
        "orq": { "load_balancer": [
            { "model": "one/m", "weight": weights[0] },
            { "model": "two/m", "weight": weights[1] },
        ] },
    })
    .to_string();
    let client = Client::new(daemon.data);
    let mut first = 0;
    for _ in 0..MANY {
        let got = client.chat(&body).await.unwrap();
        assert!(got.is_whole(), "every request is answered: {got:?}");
        assert_eq!(got.header("x-weighbridge-attempts"), "1", "at once");
        first += u32::from(got.header("x-weighbridge-provider") == "one");
    }
    let got = f64::from(first) / f64::from(MANY);
    let error = (share * (1.0 - share) / f64::from(MANY)).sqrt();
    println!("list {weights:?}: {first} of {MANY} to the first, expected {share:.4}");
    assert!(
        (got - share).abs() <= ERRORS * error,
        "the list {weights:?} asks for {share}, got {got}"
    );
}

#[tokio::test]
async fn forty_to_eighty_is_a_third_to_two_thirds() {
    let _machine = machine().await;
    check([0.4, 0.8], 1.0 / 3.0).await;
}

#[tokio::test]
async fn five_percent_are_not_lifted() {
    let _machine = machine().await;
    check([0.05, 0.95], 0.05).await;
}
