//! What OpenTelemetry's conventions name, read back, and the older text format.

use std::sync::Arc;
use std::time::Duration;

use super::metrics::{ended, finished, scrape, served, upstream};
use super::world::World;
use crate::live::{Asked, Recorder as _, RequestEnd, Upstream, Witness as _};
use crate::model::{AnswerKind, Finished, Operation, Outcome, Tokens};

/// A stream that was asked for.
fn asked(operation: Operation) -> Asked {
    Asked {
        operation,
        kind: AnswerKind::Streamed,
    }
}

/// A stream of 101 tokens, a second and a half long.
fn streamed() -> Finished {
    Finished {
        total: Duration::from_millis(1_500),
        first_content: Some(Duration::from_millis(500)),
        tokens: Some(Tokens {
            input: 400,
            output: 101,
            ..Tokens::default()
        }),
        ..finished(Outcome::Ok)
    }
}

#[track_caller]
fn near(value: f64, expected: f64, what: &str) {
    assert!((value - expected).abs() < 1e-9, "{what}: {value}");
}

#[tokio::test]
async fn an_attempt_is_an_operation_of_the_conventions() {
    let world = World::start().await;
    let metrics = &world.admin.metrics;
    let one = Upstream::new(upstream("one/small"));
    metrics.attempt_ended("chat", &one, asked(Operation::Chat), &streamed());
    let embedded = Finished {
        first_content: None,
        ..streamed()
    };
    metrics.attempt_ended("chat", &one, asked(Operation::Embeddings), &embedded);
    let failed = finished(Outcome::ServerError);
    metrics.attempt_ended("chat", &one, asked(Operation::Chat), &failed);
    let seen = scrape(&world).await;
    let chat = [
        "gen_ai_operation_name=\"chat\"",
        "gen_ai_provider_name=\"openai_compatible\"",
        "gen_ai_request_model=\"small\"",
        "provider=\"one\"",
    ];
    let sum = |name: &str, more: &str| seen.sum(name, &[&chat[..], &[more]].concat());
    let duration = "gen_ai_client_operation_duration_seconds_count";
    near(sum(duration, "error_type=\"\""), 1.0, "one good end");
    near(sum(duration, "error_type=\"server_error\""), 1.0, "one bad");
    let embeddings = ["gen_ai_operation_name=\"embeddings\""];
    near(seen.sum(duration, &embeddings), 1.0, "told apart");
    let usage = "gen_ai_client_token_usage_sum";
    near(sum(usage, "gen_ai_token_type=\"input\""), 400.0, "in");
    near(sum(usage, "gen_ai_token_type=\"output\""), 101.0, "out");
    let chunk = "gen_ai_client_operation_time_to_first_chunk_seconds_sum";
    near(sum(chunk, ""), 0.5, "to the first chunk");
    let each = "gen_ai_server_time_per_output_token_seconds_sum";
    near(sum(each, ""), 0.01, "a second for a hundred further tokens");
}

#[tokio::test]
async fn tokens_that_nobody_reported_are_no_usage() {
    let world = World::start().await;
    let guessed = Finished {
        estimated: true,
        ..streamed()
    };
    let one = Upstream::new(upstream("one/small"));
    let metrics = &world.admin.metrics;
    metrics.attempt_ended("chat", &one, asked(Operation::Chat), &guessed);
    let seen = scrape(&world).await;
    assert!(
        seen.with("gen_ai_client_token_usage_count", &[]).is_empty(),
        "the conventions want none"
    );
    near(
        seen.sum("estimated_tokens_total", &[]),
        501.0,
        "ours has it",
    );
}

#[tokio::test]
async fn a_request_is_one_of_a_server_and_says_who_answered() {
    let world = World::start().await;
    let metrics = &world.admin.metrics;
    metrics.request_ended(&Arc::new(ended(
        "chat",
        served(Some("b"), "two/small"),
        200,
    )));
    metrics.request_ended(&Arc::new(ended(
        "chat",
        served(Some("b"), "two/small"),
        502,
    )));
    metrics.request_ended(&Arc::new(RequestEnd {
        code: Some("model_not_found"),
        outcome: Outcome::Refused,
        ..ended("", None, 404)
    }));
    let seen = scrape(&world).await;
    let name = "gen_ai_server_request_duration_seconds_count";
    let here = [
        "gen_ai_provider_name=\"simulated\"",
        "gen_ai_response_model=\"small\"",
        "route=\"chat\",target=\"b\",provider=\"two\"",
    ];
    near(seen.sum(name, &here), 2.0, "both of the target");
    for (error, route) in [("server_error", "chat"), ("model_not_found", "none")] {
        let parts = [
            &*format!("error_type=\"{error}\""),
            &*format!("route=\"{route}\""),
        ];
        near(seen.sum(name, &parts), 1.0, error);
    }
    let bounds = seen.with("gen_ai_server_request_duration_seconds_bucket", &here);
    let outermost = bounds.iter().any(|(series, _)| series.contains("81.92"));
    assert!(outermost, "the conventions' bounds: {bounds:?}");
}

#[tokio::test]
async fn decisions_rails_and_ejections_are_counted() {
    let world = World::start().await;
    world.decided().await;
    let snapshot = world.admin.published.read();
    let member = snapshot.member(&upstream("one/small")).unwrap();
    let member = Arc::clone(&member.upstream);
    for _ in 0..2 {
        let attempt = crate::live::Attempt::begin(
            Arc::clone(&member),
            "chat".into(),
            world.admin.metrics.clone(),
            world.admin.clock,
            AnswerKind::Unary,
            false,
        );
        attempt.finish(Outcome::Auth, crate::live::Account::default());
    }
    let seen = scrape(&world).await;
    let decisions = seen.sum("decisions_total", &["route=\"chat\""]);
    assert!(decisions >= 1.0, "it has decided: {decisions}");
    let ticks = seen.sum("controller_ticks_total", &[]);
    assert!(ticks >= 1.0, "in ticks that came to their end: {ticks}");
    let rail = ["route=\"chat\",target=\"a\"", "rail=\"cold_start\""];
    let cold = seen.sum("rail_decisions_total", &rail);
    assert!(cold >= 1.0, "nothing is known of it yet: {cold}");
    let cause = ["provider=\"one\",model=\"small\",cause=\"our_fault\""];
    near(seen.sum("ejections_total", &cause), 1.0, "ejected once");
}

#[tokio::test]
async fn who_does_not_ask_for_openmetrics_gets_the_older_format() {
    let world = World::start().await;
    world.decided().await;
    let metrics = &world.admin.metrics;
    metrics.request_ended(&Arc::new(ended(
        "chat",
        served(Some("b"), "two/small"),
        200,
    )));
    let got = world.ask("GET", "/metrics").await;
    let media = "content-type: text/plain; version=0.0.4";
    assert!(got.head.contains(media), "{}", got.head);
    let mut described = "";
    for line in got.body.lines() {
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            described = typed.split(' ').next().unwrap();
        } else if !line.starts_with('#') {
            assert!(
                line.starts_with(described),
                "{line:?} stands below its description, {described}"
            );
        }
    }
    assert!(
        !got.body.contains("# EOF") && !got.body.contains("# UNIT"),
        "what the older format does not know"
    );
}
