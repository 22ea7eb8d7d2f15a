//! `[telemetry.otlp]`: where traces and metrics are sent.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::field::Field;
use super::headers::value;
use super::section::Section;
use super::{Endpoint, Otlp, Secret};

/// Time between two exports of metrics, where nothing is said: that of OpenTelemetry's own exporters.
/// Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>, 2026-11-29.
const INTERVAL: Duration = Duration::from_secs(60);
/// Below, a large installation's metrics would take longer to make than they are good for.
const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3_600);
/// Headers that frame a message or say what is in it.
const OURS: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Most headers.
const MOST: usize = 32;

/// `[telemetry]`.
pub(super) fn otlp(section: Option<Section<'_>>) -> Option<Otlp> {
    let mut section = section?;
    let field = section.field("otlp");
    section.finish(&[]);
    read(&field?)
}

fn read(field: &Field<'_>) -> Option<Otlp> {
    let mut section = field.section()?;
    if !cfg!(feature = "otel") {
        field.problem(
            "this binary was built without the feature `otel`",
            "build it with `cargo build --release --features otel`, or remove the table",
        );
        return None;
    }
    let endpoint = section.field("endpoint");
    if endpoint.is_none() {
        field.problem(
            "expected the key `endpoint`",
            "for example endpoint = \"http://127.0.0.1:4318\"",
        );
    }
    let endpoint = endpoint.and_then(|field| address(&field));
    let headers = section.field("headers");
    let headers = headers.map_or(Some(Vec::new()), |field| headers_of(&field));
    let interval = section.field("interval");
    let interval = interval.map_or(Some(INTERVAL), |field| field.duration(INTERVALS));
    let sample = section.field("sample");
    let sample = sample.map_or(Some(1.0), |field| field.fraction());
    section.finish(&[]);
    Some(Otlp {
        endpoint: endpoint?,
        headers: headers?,
        interval: interval?,
        sample: sample?,
    })
}

fn address(field: &Field<'_>) -> Option<Endpoint> {
    match Endpoint::new(field.str()?) {
        Ok(endpoint) => Some(endpoint),
        Err(error) => {
            let hint =
                "for example \"http://127.0.0.1:4318\"; /v1/traces and /v1/metrics are added";
            field.problem(error.to_string(), hint);
            None
        }
    }
}

/// The headers by their names in lower case. Their values are taken for credentials.
fn headers_of(field: &Field<'_>) -> Option<Vec<(String, Secret)>> {
    let written: Vec<_> = field.section()?.entries().collect();
    if written.len() > MOST {
        let found = written.len();
        field.problem(
            format!("expected at most {MOST} headers, found {found}"),
            "",
        );
        return None;
    }
    let mut headers: Vec<(String, Secret)> = Vec::new();
    let mut whole = Some(());
    for (name, field) in written {
        let name = name.to_ascii_lowercase();
        let value = value(None, &field);
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            field.problem("expected the name of a header", "");
            whole = None;
        } else if OURS.contains(&name.as_str()) {
            let hint = "it is written anew for each message";
            field.problem(format!("{name} is not for you to set"), hint);
            whole = None;
        } else if headers.iter().any(|(other, _)| *other == name) {
            field.problem(format!("the header {name} stands twice"), "remove one");
            whole = None;
        } else {
            match value {
                Some(value) => headers.push((name, value)),
                None => whole = None,
            }
        }
    }
    whole.map(|()| headers)
}
