//! Clients that mean harm: what they send is refused, or passed on framed anew and to nobody but the target.

mod payloads;

use std::time::Duration;

use super::faultd::{Act, Faultd, answer_of};
use super::world::{Got, Plan, Spec, World, ask};
use payloads::{Verdict, cases};

/// What no target hears of a client.
const NEVER_PASSED: [&str; 14] = [
    "x-secret",
    "proxy-",
    "keep-alive",
    "te:",
    "trailer",
    "upgrade",
    "x_forwarded_for",
    "transfer_encoding",
    "transfer-encoding",
    "x-forwarded",
    "forwarded:",
    "cookie",
    "x-high",
    "elsewhere.example",
];

async fn world() -> (World, Faultd) {
    let target = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    plan.body_timeout = Duration::from_millis(300);
    plan.head_timeout = Duration::from_millis(300);
    (plan.start().await, target)
}

/// What is wrong with how a case ended; the target has heard `before` requests until then.
fn mistake(verdict: Verdict, got: &Got, target: &Faultd, before: usize) -> Option<String> {
    let seen = target.seen();
    let heard = seen.len() - before;
    let expected = usize::from(verdict == Verdict::Served);
    if heard != expected {
        return Some(format!("the target heard {heard} requests"));
    }
    let is_right = match verdict {
        Verdict::Refused(statuses) => statuses.contains(&got.status),
        Verdict::Served | Verdict::Answered => got.status == 200,
    };
    if !is_right {
        return Some(format!("expected {verdict:?}"));
    }
    if got.body.contains("HTTP/1.1 ") {
        return Some("it was answered twice".to_owned());
    }
    let request = seen.last().filter(|_| heard == 1)?.to_lowercase();
    let (head, body) = request.split_once("\r\n\r\n")?;
    if !head.contains(&format!("content-length: {}", body.len()))
        || body != ask(false).replace("\"chat\"", "\"m\"")
    {
        return Some(format!("it was not framed anew: {request}"));
    }
    let passed = NEVER_PASSED.iter().find(|name| head.contains(**name))?;
    Some(format!("{passed} was passed on: {head}"))
}

#[tokio::test]
async fn each_malformed_request_gets_its_verdict() {
    let (world, target) = world().await;
    let cases = cases();
    let mut wrong = Vec::new();
    for (name, request, verdict) in &cases {
        let before = target.seen().len();
        let got = world.send(request).await;
        if let Some(what) = mistake(*verdict, &got, &target, before) {
            wrong.push(format!("{name}: {what}; {} {}", got.status, got.body));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    println!("tally: {} bad inputs", cases.len());
    assert!(cases.len() >= 68, "{} cases", cases.len());
    let served = cases
        .iter()
        .filter(|(_, _, verdict)| *verdict == Verdict::Served);
    let attempts = world.attempts().await;
    assert_eq!(
        attempts.len(),
        served.count(),
        "no target is charged with what a client did wrong"
    );
}

/// Fields and headers by which clients of other gateways say whom to ask.
const NAMES: [&str; 40] = [
    "api_base",
    "apiBase",
    "base_url",
    "baseURL",
    "baseUrl",
    "base-url",
    "url",
    "uri",
    "endpoint",
    "azure_endpoint",
    "api_endpoint",
    "host",
    "hostname",
    "upstream",
    "upstream_url",
    "target",
    "target_url",
    "proxy",
    "http_proxy",
    "https_proxy",
    "custom_host",
    "server",
    "origin",
    "callback_url",
    "webhook",
    "location",
    "x-portkey-custom-host",
    "x-base-url",
    "x-api-base",
    "x-upstream-url",
    "x-forwarded-host",
    "x-forwarded-server",
    "x-original-url",
    "x-rewrite-url",
    "x-host",
    "x-target-url",
    "helicone-target-url",
    "openai-base-url",
    "api-base",
    "forwarded",
];

#[tokio::test]
async fn no_field_and_no_header_chooses_an_address() {
    let (world, target) = world().await;
    let trap = Faultd::start(Act::Answer(answer_of("caught"))).await;
    let address = format!("http://{}/v1", trap.address);
    let plain = ask(false);
    let inside = plain.trim_start_matches('{').to_owned();
    let mut sent = 0;
    for name in NAMES {
        let bodies = [
            (
                String::new(),
                format!("{{\"{name}\":\"{address}\",{inside}"),
            ),
            (
                String::new(),
                format!("{{\"metadata\":{{\"{name}\":\"{address}\"}},{inside}"),
            ),
            (
                String::new(),
                format!("{{\"litellm_params\":{{\"{name}\":\"{address}\"}},{inside}"),
            ),
            (format!("{name}: {address}\r\n"), plain.clone()),
            (format!("{name}: {}\r\n", trap.address), plain.clone()),
        ];
        for (headers, body) in bodies {
            // A second Host is refused, as it must be.
            let head = format!(
                "POST /v1/chat/completions?{name}={address} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
                body.len()
            );
            drop(world.send(format!("{head}{body}").as_bytes()).await);
            sent += 1;
        }
    }
    for model in [
        "http://TRAP/v1/m",
        "openai/http://TRAP/v1",
        "p0/http://TRAP/m",
        "//TRAP/m",
        "p0@TRAP/m",
    ] {
        let model = model.replace("TRAP", &trap.address.to_string());
        let got = world
            .chat(&plain.replace("\"chat\"", &format!("\"{model}\"")))
            .await;
        assert!(
            got.status == 404 || target.seen().len() <= sent + 5,
            "{model}: {got:?}"
        );
    }
    assert_eq!(trap.connections(), 0, "nobody went where a client said");
    for request in target.seen() {
        let head = request.to_lowercase();
        let head = head.split("\r\n\r\n").next().unwrap_or_default().to_owned();
        assert!(
            head.contains(&format!("host: {}", target.address)),
            "{head}"
        );
    }
    assert!(
        target.seen().len() >= 150,
        "most of them are answered: {}",
        target.seen().len()
    );
}
