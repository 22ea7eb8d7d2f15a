//! Where a request stands in its trace, as targets see it and as its record keeps it.

use super::faultd::{Act, Faultd, answer_of, response};
use super::world::{Plan, Spec, World, ask};
use crate::config::{Endpoint, Mode, Otlp};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A failing target and a good one, by turns; with traces sent somewhere or nowhere.
async fn world(sends_traces: bool) -> (World, Faultd) {
    let failing = response("500 Internal Server Error", "application/json", "{}");
    let turns = vec![Act::Answer(failing), Act::Answer(answer_of("hi"))];
    let target = Faultd::start(Act::Turn(turns)).await;
    let spec = || Spec::new(target.address, 1.0);
    let mut plan = Plan::new(vec![spec(), spec()]);
    plan.mode = Mode::Off;
    plan.otlp = sends_traces.then(|| Otlp {
        endpoint: Endpoint::new("http://127.0.0.1:9").unwrap(),
        headers: Vec::new(),
        interval: std::time::Duration::from_secs(60),
        sample: 1.0,
    });
    (plan.start().await, target)
}

/// A chat with these header lines.
fn with(lines: &str) -> Vec<u8> {
    let body = ask(false);
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{lines}\r\n{body}"
    )
    .into_bytes()
}

/// The values of a header in the requests that a target got.
fn seen(target: &Faultd, name: &str) -> Vec<Vec<String>> {
    let of = |request: &String| {
        let (head, _) = request.split_once("\r\n\r\n").unwrap();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.map(|(_, value)| value.to_owned()).collect()
    };
    target.seen().iter().map(of).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digits = |text: String, byte: &u8| text + &format!("{byte:02x}");
    bytes.iter().fold(String::new(), digits)
}

#[tokio::test]
async fn each_call_is_a_span_of_its_own_in_the_clients_trace() {
    let (world, target) = world(true).await;
    let lines = format!("traceparent: {PARENT}\r\ntracestate: a=1\r\n");
    assert_eq!(world.send(&with(&lines)).await.status, 200);
    let records = world.requests().await;
    let trace = records[0].trace.as_ref().expect("traces are sent");
    assert_eq!(
        trace.parent().map(|it| hex(&it)).unwrap(),
        "b7ad6b7169203331"
    );
    let of = |attempt| {
        let span = hex(&trace.attempt(attempt));
        vec![format!("00-0af7651916cd43dd8448eb211c80319c-{span}-01")]
    };
    assert_eq!(seen(&target, "traceparent"), [of(1), of(2)], "a retry");
    assert_eq!(seen(&target, "tracestate"), [["a=1"], ["a=1"]]);
}

#[tokio::test]
async fn a_trace_begins_here_where_the_client_names_none_that_can_be_read() {
    for lines in [
        "",
        "tracestate: a=1\r\n",
        "traceparent: 00-1-2-01\r\ntracestate: a=1\r\n",
    ] {
        let (world, target) = world(true).await;
        assert_eq!(world.send(&with(lines)).await.status, 200);
        let records = world.requests().await;
        let trace = records[0].trace.as_ref().expect("traces are sent");
        assert_eq!((trace.parent(), trace.is_sampled()), (None, true));
        let first = trace.header(1).to_str().unwrap().to_owned();
        assert_eq!(seen(&target, "traceparent")[0], [first], "{lines}");
        assert_eq!(seen(&target, "tracestate")[0], [""; 0], "{lines}");
    }
}

#[tokio::test]
async fn where_traces_are_sent_nowhere_the_clients_headers_pass_as_they_are() {
    let (world, target) = world(false).await;
    let lines = format!("traceparent: {PARENT}\r\ntracestate: a=1\r\n");
    assert_eq!(world.send(&with(&lines)).await.status, 200);
    assert_eq!(seen(&target, "traceparent"), [[PARENT], [PARENT]]);
    assert_eq!(world.requests().await[0].trace, None);
}

#[tokio::test]
async fn a_refusal_is_in_the_clients_trace_too() {
    let (world, _target) = world(true).await;
    let request = format!(
        "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntraceparent: {PARENT}\r\n\r\n"
    );
    assert_eq!(world.send(request.as_bytes()).await.status, 404);
    let records = world.requests().await;
    let trace = records[0].trace.as_ref().expect("traces are sent");
    assert_eq!(hex(&trace.id()), "0af7651916cd43dd8448eb211c80319c");
}
