//! Targets that quote the credential they were asked with: no client hears it.

use super::faultd::{Act, Faultd, STREAM_HEAD, answer_of, chunk, piece, response};
use super::world::{Got, Plan, Spec, World, ask, post};
use crate::config::Interface;

/// What the first provider of a world is asked with.
const KEY: &str = "sk-key-of-p0";

async fn world(interface: Interface, act: Act) -> (World, Faultd) {
    let target = Faultd::start(act).await;
    let plan = Plan::new(vec![Spec::speaking(target.address, interface)]);
    (plan.start().await, target)
}

fn check(case: &str, got: &Got, target: &Faultd) {
    assert!(target.seen()[0].contains(KEY), "{case}: it was sent");
    assert!(got.body.contains("***"), "{case}: {got:?}");
    assert!(!got.body.contains(KEY), "{case}: {got:?}");
    let in_a_header = got.head.contains(KEY);
    assert!(!in_a_header, "{case}: {got:?}");
}

fn mistake() -> Act {
    let body = format!("{{\"error\":{{\"message\":\"bad header: Bearer {KEY}\"}}}}");
    Act::Answer(response("400 Bad Request", "application/json", &body))
}

#[tokio::test]
async fn an_error_that_quotes_the_credential_is_told_without_it() {
    for interface in [Interface::OPENAI, Interface::Gemini, Interface::Cohere] {
        let case = format!("{interface:?}");
        for stream in [false, true] {
            let (world, target) = world(interface.clone(), mistake()).await;
            let got = world.chat(&ask(stream)).await;
            assert_eq!(got.status, 400, "{case}: {got:?}");
            check(&case, &got, &target);
        }
    }
}

#[tokio::test]
async fn what_passes_unread_has_its_errors_read_for_credentials() {
    let (world, target) = world(Interface::OPENAI, mistake()).await;
    let request = String::from_utf8(post(&ask(false))).unwrap();
    let request = request.replacen("/v1/chat/completions", "/p0/anything", 1);
    check("/p0/…", &world.send(request.as_bytes()).await, &target);
}

#[tokio::test]
async fn a_redirect_is_an_answer_that_is_none_and_nobody_follows_it() {
    let elsewhere = Faultd::start(Act::Answer(answer_of("hello"))).await;
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let kind = format!(
            "text/plain\r\nlocation: http://{}/v1/chat/completions",
            elsewhere.address
        );
        let act = Act::Answer(response(status, &kind, ""));
        let (world, target) = world(Interface::OPENAI, act).await;
        let got = world.chat(&ask(false)).await;
        assert_eq!(got.status, 502, "{got:?}");
        assert!(!target.seen().is_empty());
    }
    assert_eq!(elsewhere.connections(), 0, "the credential stayed");
}

#[tokio::test]
async fn an_error_inside_a_stream_is_told_without_the_credential() {
    let told = format!("data: {{\"error\":{{\"message\":\"{KEY}\",\"code\":\"boom\"}}}}\n\n");
    // In one piece, and cut within the key.
    for cut in [told.len(), 30] {
        let (first, rest) = told.split_at(cut);
        let pieces = [piece("he"), first.to_owned(), rest.to_owned()];
        let pieces = pieces.iter().filter(|piece| !piece.is_empty());
        let body: String = pieces.map(|piece| chunk(piece)).collect();
        let answer = format!("{STREAM_HEAD}{body}0\r\n\r\n");
        let (world, target) = world(Interface::OPENAI, Act::Answer(answer.into())).await;
        let got = world.chat(&ask(true)).await;
        check("in a stream", &got, &target);
        assert!(got.body.contains("\"boom\""), "{got:?}");
    }
}

#[tokio::test]
async fn an_error_inside_a_stream_that_passes_unread_is_told_without_the_credential() {
    let told = format!("event: error\ndata: {{\"error\":{{\"message\":\"{KEY}\"}}}}\n\n");
    // In one piece, and cut within the key.
    for cut in [told.len(), told.len() - 10] {
        let (first, rest) = told.split_at(cut);
        let pieces = ["data: {}\n\n", first, rest];
        let pieces = pieces.iter().filter(|piece| !piece.is_empty());
        let body: String = pieces.map(|piece| chunk(piece)).collect();
        let answer = format!("{STREAM_HEAD}{body}0\r\n\r\n");
        let (world, target) = world(Interface::OPENAI, Act::Answer(answer.into())).await;
        let request = String::from_utf8(post(&ask(true))).unwrap();
        let request = request.replacen("/v1/chat/completions", "/p0/anything", 1);
        let got = world.send(request.as_bytes()).await;
        check("/p0/…, in a stream", &got, &target);
    }
}
