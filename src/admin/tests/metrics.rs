//! The exposition read back, and the bound on its labels.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::world::World;
use crate::live::record::tests::ended as record;
use crate::live::{
    Account, Asked, Attempt, Recorder as _, RequestEnd, Served, Stuck, Upstream, Witness as _,
};
use crate::model::{
    AnswerKind, Finished, Operation, Outcome, PicoUsd, TargetIndex, TargetName, Tokens,
    UpstreamName,
};

/// An exposition: values by name and labels as printed.
pub(super) struct Exposition(BTreeMap<String, f64>);

impl Exposition {
    fn read(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "it comes to its end");
        let mut series = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let value = value
                .parse()
                .unwrap_or_else(|_| panic!("no number in {line:?}"));
            let twice = series.insert(name.to_owned(), value);
            assert!(twice.is_none(), "{name} is there twice");
        }
        Self(series)
    }

    /// All series of a name that have all of `parts`.
    pub(super) fn with<'a>(&'a self, name: &str, parts: &[&str]) -> Vec<(&'a str, f64)> {
        let head = if name.starts_with("gen_ai") {
            name.to_owned()
        } else {
            format!("weighbridge_{name}")
        };
        let series = self.0.iter().filter(|(series, _)| {
            let rest = series.strip_prefix(&head);
            let own = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
            own && parts.iter().all(|part| series.contains(part))
        });
        series
            .map(|(series, value)| (series.as_str(), *value))
            .collect()
    }

    pub(super) fn sum(&self, name: &str, parts: &[&str]) -> f64 {
        self.with(name, parts).iter().map(|(_, value)| value).sum()
    }
}

/// As Prometheus scrapes.
pub(super) async fn scrape(world: &World) -> Exposition {
    let accept = ("accept", "application/openmetrics-text; version=1.0.0");
    let got = world.send("GET", "/metrics", &[accept], "").await;
    assert_eq!(got.status, 200);
    assert!(
        got.head
            .contains("content-type: application/openmetrics-text; version=1.0.0"),
        "the media type that goes with `# EOF`: {}",
        got.head
    );
    Exposition::read(&got.body)
}

pub(super) fn upstream(name: &str) -> UpstreamName {
    UpstreamName::new(name).unwrap()
}

pub(super) fn served(name: Option<&str>, by: &str) -> Served {
    Served {
        name: name.map(|name| TargetName::new(name).unwrap()),
        upstream: upstream(by),
    }
}

pub(super) fn ended(route: &str, served: impl Into<Option<Served>>, status: u16) -> RequestEnd {
    RequestEnd {
        served: served.into(),
        attempts: 1,
        first_content: Some(Duration::from_millis(250)),
        ..record(route, status)
    }
}

#[tokio::test]
async fn every_end_of_a_request_is_counted_once() {
    let world = World::start().await;
    let metrics = &world.admin.metrics;
    let mut told = 0;
    let mut tell = |end: RequestEnd| {
        metrics.request_ended(&Arc::new(end));
        told += 1;
    };
    for _ in 0..7 {
        tell(ended("chat", served(Some("a"), "one/small"), 200));
    }
    tell(ended("chat", served(Some("b"), "two/small"), 502));
    tell(ended("direct", served(None, "one/small"), 200));
    tell(ended("inline", served(None, "one/of-a-client"), 200));
    tell(RequestEnd {
        code: Some("model_not_found"),
        outcome: Outcome::Refused,
        first_content: None,
        ..ended("", None, 404)
    });
    tell(RequestEnd {
        outcome: Outcome::CutStream,
        ..ended("chat", served(Some("a"), "one/small"), 200)
    });
    let seen = scrape(&world).await;
    let requests = seen.sum("requests_total", &[]);
    assert!(
        (requests - f64::from(told)).abs() < 0.5,
        "{requests} of {told}"
    );
    let place = "route=\"chat\",target=\"a\",provider=\"one\",model=\"small\"";
    let ours = seen.with("requests_total", &[place, "code=\"200\""]);
    assert_eq!(ours.len(), 1, "one series");
    assert!((ours[0].1 - 8.0).abs() < 0.5, "with those eight: {ours:?}");
    for kind in ["model_not_found", "server_error", "cut_stream"] {
        let errors = seen.sum("errors_total", &[&format!("kind=\"{kind}\"")]);
        assert!((errors - 1.0).abs() < 0.5, "{kind}: {errors}");
    }
    let counts = [
        ("gen_ai_server_request_duration_seconds_count", 12.0),
        ("gen_ai_server_time_to_first_token_seconds_count", 11.0),
        ("overhead_seconds_count", 12.0),
    ];
    for (name, expected) in counts {
        let count = seen.sum(name, &[]);
        assert!((count - expected).abs() < 0.5, "{name}: {count}");
    }
    let quick = seen.sum("overhead_seconds_bucket", &["le=\"0.00005\""])
        + seen.sum("overhead_seconds_bucket", &["le=\"5e-5\""]);
    assert!(
        (quick - 12.0).abs() < 0.5,
        "40 µs are told from 50: {quick}"
    );
}

#[tokio::test]
async fn no_client_can_make_a_label() {
    let world = World::start().await;
    let metrics = &world.admin.metrics;
    for i in 0..5_000 {
        let name = format!("one/made-up-{i}");
        metrics.request_ended(&Arc::new(ended("inline", served(None, &name), 200)));
        let end = finished(Outcome::NoSuchModel);
        metrics.attempt_ended(
            "direct",
            &Upstream::new(upstream(&name)),
            Asked {
                operation: Operation::Chat,
                kind: AnswerKind::Unary,
            },
            &end,
        );
    }
    for listed in ["one/listed-by-price", "two/large"] {
        metrics.request_ended(&Arc::new(ended("inline", served(None, listed), 200)));
    }
    let seen = scrape(&world).await;
    let requests = seen.with("requests_total", &["route=\"inline\""]);
    assert_eq!(
        requests.len(),
        3,
        "two that are listed, all others as one: {requests:?}"
    );
    let other = "target=\"other\",provider=\"one\",model=\"other\"";
    let others = seen.sum("requests_total", &[other]);
    assert!((others - 5_000.0).abs() < 0.5, "none is lost: {others}");
    let attempts = seen.with("attempts_total", &["model=\"other\""]);
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert!(
        !seen.0.keys().any(|name| name.contains("made-up")),
        "no name of a client's"
    );
}

pub(super) fn finished(outcome: Outcome) -> Finished {
    Finished {
        outcome,
        total: Duration::from_millis(10),
        first_content: None,
        tokens: None,
        estimated: false,
        cost: None,
        wait: None,
    }
}

#[tokio::test]
async fn refusals_of_what_was_moved_have_a_counter_of_their_own() {
    let world = World::start().await;
    let snapshot = world.admin.published.read();
    let member = snapshot.member(&upstream("one/small")).unwrap();
    for outcome in [Outcome::ClientFault, Outcome::MoveRefused] {
        let metrics: Arc<crate::telemetry::Metrics> = Arc::clone(&world.admin.metrics);
        let (upstream, clock) = (Arc::clone(&member.upstream), world.admin.clock);
        let attempt = Attempt::begin(
            upstream,
            "chat".into(),
            metrics,
            clock,
            AnswerKind::Unary,
            false,
        );
        attempt.finish(outcome, Account::default());
    }
    let seen = scrape(&world).await;
    for (name, part) in [
        ("moved_refused_total", "route=\"chat\""),
        ("attempts_total", "outcome=\"move_refused\""),
        ("attempts_total", "outcome=\"client_fault\""),
    ] {
        let value = seen.sum(name, &[part, "provider=\"one\""]);
        assert!((value - 1.0).abs() < 1e-9, "{name} {part}: {value}");
    }
}

#[tokio::test]
async fn kept_and_moved_conversations_are_counted_apart() {
    let world = World::start().await;
    for (sticky, times) in [(Some(Stuck::Kept), 3), (Some(Stuck::Moved), 2), (None, 4)] {
        for _ in 0..times {
            let end = ended("chat", served(Some("a"), "one/small"), 200);
            let end = RequestEnd { sticky, ..end };
            world.admin.metrics.request_ended(&Arc::new(end));
        }
    }
    let seen = scrape(&world).await;
    for (outcome, expected) in [("kept", 3.0), ("moved", 2.0)] {
        let parts = ["route=\"chat\"", &format!("outcome=\"{outcome}\"")];
        let value = seen.sum("sticky_requests_total", &parts);
        assert!((value - expected).abs() < 1e-9, "{outcome}: {value}");
    }
    let all = seen.sum("sticky_requests_total", &[]);
    assert!((all - 5.0).abs() < 1e-9, "others are not counted: {all}");
}

#[tokio::test]
async fn attempts_bring_tokens_and_cost() {
    let world = World::start().await;
    let snapshot = world.admin.published.read();
    let member = snapshot.member(&upstream("one/small")).unwrap();
    let metrics: Arc<crate::telemetry::Metrics> = Arc::clone(&world.admin.metrics);
    let attempt = Attempt::begin(
        Arc::clone(&member.upstream),
        "chat".into(),
        metrics,
        world.admin.clock,
        AnswerKind::Unary,
        false,
    );
    let during = scrape(&world).await;
    let here = ["provider=\"one\"", "model=\"small\""];
    assert!(
        (during.sum("in_flight", &here) - 1.0).abs() < 0.5,
        "it is under way"
    );
    let account = Account {
        tokens: Some(Tokens {
            input: 100,
            cached_input: 40,
            output: 7,
            ..Tokens::default()
        }),
        estimated: true,
        cost: Some(PicoUsd::new(2_500_000_000)),
        wait: None,
    };
    attempt.finish(Outcome::Ok, account);
    let after = scrape(&world).await;
    for (name, part, expected) in [
        ("attempts_total", "outcome=\"ok\"", 1.0),
        ("tokens_total", "direction=\"input\"", 100.0),
        ("tokens_total", "direction=\"output\"", 7.0),
        ("cached_tokens_total", "route=\"chat\"", 40.0),
        ("estimated_tokens_total", "route=\"chat\"", 107.0),
        ("cost_usd_total", "route=\"chat\"", 0.0025),
        ("in_flight", "model=\"small\",", 0.0),
    ] {
        let value = after.sum(name, &[part, "provider=\"one\""]);
        assert!((value - expected).abs() < 1e-9, "{name} {part}: {value}");
    }
}

#[tokio::test]
async fn gauges_are_those_of_the_snapshot() {
    let world = World::start().await;
    world.decided().await;
    let cells = world
        .admin
        .published
        .read()
        .route("chat")
        .unwrap()
        .cells
        .clone();
    let before = scrape(&world).await;
    assert!(
        before.with("actual_share", &[]).is_empty(),
        "nothing was picked yet"
    );
    cells.picked(TargetIndex(2));
    let seen = scrape(&world).await;
    for name in [
        "configured_share",
        "proposed_share",
        "granted_share",
        "actual_share",
    ] {
        let sum = seen.sum(name, &["route=\"chat\""]);
        assert!((sum - 1.0).abs() < 1e-6, "{name} makes a whole: {sum}");
    }
    let sixty = seen.sum("configured_share", &["route=\"chat\",target=\"a\""]);
    assert!((sixty - 0.6).abs() < 1e-6, "{sixty}");
    let states = seen.with("target_state", &["route=\"chat\",target=\"a\""]);
    assert_eq!(states.len(), 6, "a series for each state");
    let on: Vec<&str> = states
        .iter()
        .filter(|(_, on)| *on > 0.5)
        .map(|(name, _)| *name)
        .collect();
    assert!(
        on.len() == 1 && on[0].contains("state=\"serving\""),
        "one is on: {on:?}"
    );
    for (name, expected) in [
        ("config_generation", 1.0),
        ("config_last_reload_successful", 1.0),
    ] {
        assert!((seen.sum(name, &[]) - expected).abs() < 0.5, "{name}");
    }
    assert!(
        seen.with("open_requests", &[]).is_empty(),
        "nobody counts them here"
    );
    world.admin.metrics.watch_open_requests(|| 3);
    let open = scrape(&world).await.sum("open_requests", &[]);
    assert!((open - 3.0).abs() < 0.5, "{open}");
}

#[tokio::test]
async fn refused_files_are_counted() {
    let world = World::start().await;
    std::fs::write(world.file(), "mode = 3").unwrap();
    assert_eq!(world.ask("POST", "/api/v1/reload").await.status, 409);
    let seen = scrape(&world).await;
    for (name, part, expected) in [
        ("reloads_total", "result=\"refused\"", 1.0),
        ("reloads_total", "result=\"accepted\"", 0.0),
        ("config_last_reload_successful", "", 0.0),
    ] {
        let value = seen.sum(name, &[part]);
        assert!((value - expected).abs() < 0.5, "{name} {part}: {value}");
    }
}
