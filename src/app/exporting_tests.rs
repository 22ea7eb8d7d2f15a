//! A whole daemon with a collector that is no more than a socket, and what that is sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::{App, AppError, Options, Ready};
use crate::control::{Source, Text};
use crate::proxy::DrainReport;

/// Nothing in these tests takes this long.
const PATIENCE: Duration = Duration::from_secs(30);
const CLIENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const PROMPT: &str = "planted-words-of-a-prompt";

/// What a collector was sent: the head and the body of each message.
type Messages = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that answers everything with `status`.
async fn collector(status: &'static str) -> (SocketAddr, Messages) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, messages) = (listener.local_addr().unwrap(), Messages::default());
    let kept = Arc::clone(&messages);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, status, Arc::clone(&kept)));
        }
    });
    (address, messages)
}

async fn take(mut stream: TcpStream, status: &str, messages: Messages) -> Option<()> {
    let mut bytes = Vec::new();
    let at = loop {
        match memchr::memmem::find(&bytes, b"\r\n\r\n") {
            Some(at) => break at,
            None if stream.read_buf(&mut bytes).await.ok()? == 0 => return None,
            None => {}
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..at)?).to_lowercase();
    let length = head.split_once("content-length: ")?.1.lines().next()?;
    let whole = at + 4 + length.parse::<usize>().ok()?;
    while bytes.len() < whole && stream.read_buf(&mut bytes).await.ok()? > 0 {}
    let body = bytes.get(at + 4..whole)?.to_vec();
    messages.lock().unwrap().push((head, body));
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.ok()
}

/// A daemon under way.
struct Daemon {
    ready: Ready,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<DrainReport, AppError>>,
    http: reqwest::Client,
}

impl Daemon {
    /// Two targets, of which the first is asked first and always fails; spans go to `collector`.
    fn start(collector: SocketAddr) -> Self {
        let text = format!(
            "mode = \"off\"\n\
             [telemetry.otlp]\nendpoint = \"http://{collector}/prefix\"\ninterval = \"1s\"\n\
             headers = {{ authorization = \"Bearer planted-token\" }}\n\
             [providers.bad]\nkind = \"simulated\"\nlaw = {{ error_rate = 1.0, error_ms = [1, 2] }}\n\
             [providers.good]\nkind = \"simulated\"\nlaw = {{ error_rate = 0.0, ttft_ms = 5, tpot_ms = 0.1 }}\n\
             [routes.both]\ntargets.first = {{ use = \"bad/m\", weight = 1 }}\n\
             targets.second = {{ use = \"good/m\", weight = 0.000001 }}\n\
             [routes.only]\ntargets.second = {{ use = \"good/m\" }}\n"
        );
        let loopback = Some(([127, 0, 0, 1], 0).into());
        let options = Options {
            source: Source::Text {
                name: "test",
                text: Text::new(&text),
            },
            listen: loopback,
            admin_listen: loopback,
        };
        let app = App::build(options).unwrap();
        let ready = app.running().unwrap().ready;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(app.serve(async { drop(stopped.await) }));
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        Self {
            ready,
            stop,
            serving,
            http: http.build().unwrap(),
        }
    }

    /// Asks `model`, as a part of the client's trace; the answer's status.
    async fn ask(&self, model: &str, stream: bool) -> u16 {
        let body = format!(
            "{{\"model\":\"{model}\",\"stream\":{stream},\"messages\":[{{\"role\":\"user\",\"content\":\"{PROMPT}\"}}]}}"
        );
        let request = self
            .http
            .post(format!("http://{}/v1/chat/completions", self.ready.data))
            .header("content-type", "application/json")
            .header("traceparent", CLIENT);
        let answer = request.body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(!answer.bytes().await.unwrap().is_empty());
        status
    }

    async fn metrics(&self) -> String {
        let request = self
            .http
            .get(format!("http://{}/metrics", self.ready.admin));
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Ends it; what is left is sent before it is gone.
    async fn end(self) {
        drop(self.stop);
        let ended = tokio::time::timeout(PATIENCE, self.serving).await;
        assert!(matches!(ended, Ok(Ok(Ok(_)))), "{ended:?}");
    }
}

/// All spans that were sent, in the order of their starts.
fn spans(messages: &Messages) -> Vec<Span> {
    let messages = messages.lock().unwrap();
    let mut spans = Vec::new();
    for (head, body) in messages.iter() {
        assert!(head.contains("authorization: bearer planted-token"));
        assert!(head.contains("content-type: application/x-protobuf"));
        if head.starts_with("post /prefix/v1/traces ") {
            let message = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
            for of_resource in message.resource_spans {
                let resource = of_resource.resource.unwrap();
                let resource = told(&resource.attributes);
                assert_eq!(resource["service.name"], "weighbridge");
                assert!(resource.contains_key("service.instance.id"));
                let scoped = of_resource.scope_spans.into_iter();
                spans.extend(scoped.flat_map(|scoped| scoped.spans));
            }
        }
    }
    spans.sort_by_key(|span| (span.start_time_unix_nano, span.kind));
    spans
}

fn told(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.clone().unwrap().value.unwrap() {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        other => panic!("not expected: {other:?}"),
    };
    let told = attributes.iter().map(|it| (it.key.clone(), text(it)));
    told.collect()
}

fn hex(bytes: &[u8]) -> String {
    let digits = |text: String, byte: &u8| text + &format!("{byte:02x}");
    bytes.iter().fold(String::new(), digits)
}

/// The request's span and those of its calls, which must be its children.
fn family(mut spans: Vec<Span>) -> (Span, Vec<Span>) {
    let at = spans
        .iter()
        .position(|span| span.kind == 2)
        .expect("a server's");
    let own = spans.remove(at);
    assert_eq!(hex(&own.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&own.parent_span_id), "b7ad6b7169203331", "the client's");
    for span in &spans {
        assert_eq!(span.kind, 3, "a client's: {span:?}");
        assert_eq!(span.trace_id, own.trace_id);
        assert_eq!(span.parent_span_id, own.span_id);
        assert!(span.start_time_unix_nano >= own.start_time_unix_nano);
        assert!(span.end_time_unix_nano <= own.end_time_unix_nano + 1_000_000);
    }
    (own, spans)
}

#[tokio::test]
async fn a_retry_is_a_request_with_two_calls() {
    let (address, messages) = collector("200 OK").await;
    let daemon = Daemon::start(address);
    assert_eq!(daemon.ask("both", false).await, 200);
    daemon.end().await;
    let (own, calls) = family(spans(&messages));
    assert_eq!(own.name, "chat both");
    let about = told(&own.attributes);
    for (key, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "both"),
        ("gen_ai.response.model", "m"),
        ("gen_ai.provider.name", "simulated"),
        ("http.response.status_code", "200"),
        ("weighbridge.route", "both"),
        ("weighbridge.target", "second"),
        ("weighbridge.attempts", "2"),
        ("weighbridge.ended_by", "target.done"),
    ] {
        assert_eq!(about[key], value, "{key}");
    }
    assert!(about["gen_ai.usage.output_tokens"].parse::<u64>().unwrap() > 0);
    assert!(!about.contains_key("error.type"));
    let [failed, answered] = calls.as_slice() else {
        panic!("two calls: {calls:#?}");
    };
    let (first, second) = (told(&failed.attributes), told(&answered.attributes));
    assert_eq!(failed.name, "chat m");
    assert_eq!(failed.status.as_ref().unwrap().code, 2, "an error");
    assert_eq!(first["weighbridge.target"], "first");
    assert_eq!(first["weighbridge.attempt"], "1");
    assert_eq!(first["weighbridge.reason"], "drawn");
    assert!(first["weighbridge.propensity"].parse::<f64>().unwrap() > 0.9);
    assert!(first.contains_key("error.type") && first.contains_key("server.port"));
    assert_eq!(first["server.address"], "127.0.0.1");
    assert_eq!(answered.status.as_ref().unwrap().code, 0);
    assert_eq!(second["weighbridge.attempt"], "2");
    assert!(second["gen_ai.usage.input_tokens"].parse::<u64>().unwrap() > 0);
    assert_ne!(failed.span_id, answered.span_id);
    let all = messages.lock().unwrap();
    let found = |body: &[u8]| memchr::memmem::find(body, PROMPT.as_bytes()).is_some();
    assert!(!all.iter().any(|(_, body)| found(body)), "no prompt, ever");
}

#[tokio::test]
async fn a_stream_has_the_time_of_its_first_content_and_a_refusal_its_kind() {
    let (address, messages) = collector("200 OK").await;
    let daemon = Daemon::start(address);
    assert_eq!(daemon.ask("only", true).await, 200);
    daemon.end().await;
    let (own, calls) = family(spans(&messages));
    for span in [&own, &calls[0]] {
        let about = told(&span.attributes);
        let first = about["gen_ai.response.time_to_first_chunk"].parse::<f64>();
        assert!(first.unwrap() > 0.0);
        assert!(about["gen_ai.usage.output_tokens"].parse::<u64>().unwrap() > 0);
    }
    let (address, messages) = collector("200 OK").await;
    let daemon = Daemon::start(address);
    assert_eq!(daemon.ask("nowhere", false).await, 404);
    daemon.end().await;
    let (own, calls) = family(spans(&messages));
    assert_eq!(calls, [], "nobody was called");
    let about = told(&own.attributes);
    assert_eq!(about["error.type"], "model_not_found");
    assert_eq!(about["http.response.status_code"], "404");
    assert_eq!(about["weighbridge.ended_by"], "weighbridge.model_not_found");
    assert_eq!(own.status.unwrap().code, 0, "it is the client's mistake");
}

#[tokio::test]
async fn metrics_are_those_of_the_exposition() {
    let (address, messages) = collector("200 OK").await;
    let daemon = Daemon::start(address);
    assert_eq!(daemon.ask("only", true).await, 200);
    daemon.end().await;
    let all = messages.lock().unwrap();
    let (_, body) = all
        .iter()
        .rfind(|(head, _)| head.starts_with("post /prefix/v1/metrics "))
        .expect("metrics are sent at the end");
    let message = ExportMetricsServiceRequest::decode(body.as_slice()).unwrap();
    let scoped = &message.resource_metrics[0].scope_metrics[0];
    let names: Vec<&str> = scoped.metrics.iter().map(|it| it.name.as_str()).collect();
    for name in [
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "gen_ai.server.request.duration",
        "gen_ai.server.time_to_first_token",
        "weighbridge.requests",
        "weighbridge.granted_share",
        "weighbridge.actual_share",
        "weighbridge.overhead",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_or_refuses_costs_no_request_anything() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = listener.local_addr().unwrap();
    drop(listener);
    let (busy, _) = collector("503 Service Unavailable").await;
    let (angry, _) = collector("401 Unauthorized").await;
    for (address, waits) in [(dead, true), (busy, true), (angry, false)] {
        let daemon = Daemon::start(address);
        for _ in 0..3 {
            assert_eq!(daemon.ask("only", false).await, 200);
        }
        let failing = async {
            loop {
                let text = daemon.metrics().await;
                if text.contains("weighbridge_otlp_failing{about=\"spans\"} 1") {
                    return text;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let text = tokio::time::timeout(PATIENCE, failing).await;
        let text = text.expect("it is told that the collector takes none");
        assert!(text.contains("weighbridge_otlp_spans_total{result=\"sent\"} 0"));
        let refused = !text.contains("weighbridge_otlp_spans_total{result=\"refused\"} 0");
        assert_eq!(refused, !waits, "{text}");
        assert_eq!(daemon.ask("only", true).await, 200);
        daemon.end().await;
    }
}
