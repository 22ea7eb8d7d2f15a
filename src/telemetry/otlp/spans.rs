//! Spans from the records of requests: one for the request, and one for each of its first calls.
//!
//! Names and attributes are those of the conventions for generative AI and for HTTP, and under `weighbridge.` what only
//! Weighbridge knows. Nothing of what was asked or answered is in a record, so nothing of it can be in a span.
//! Source: <https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md>, 2026-11-22.

use std::time::Duration;

use http::Uri;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::nanos;
use crate::live::{Call, MOST_CALLS, RequestEnd, Served, Snapshot, Trace};
use crate::model::{Class, Time, Tokens};
use crate::telemetry::genai::provider_name;
use crate::telemetry::metrics::kind;

/// The scope of all that is sent.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "weighbridge".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// Who sends.
pub(super) fn resource(environment: &str, instance: u128) -> Resource {
    let mut about = Attributes::default();
    about.text("service.name", "weighbridge");
    about.text("service.version", env!("CARGO_PKG_VERSION"));
    about.text("service.instance.id", &format!("{instance:032x}"));
    about.text("deployment.environment.name", environment);
    Resource {
        attributes: about.0,
        ..Resource::default()
    }
}

/// The message that brings `spans`.
pub(super) fn message(spans: Vec<Span>, resource: &Resource) -> ExportTraceServiceRequest {
    let scoped = ScopeSpans {
        scope: Some(scope()),
        spans,
        ..ScopeSpans::default()
    };
    let of_resource = ResourceSpans {
        resource: Some(resource.clone()),
        scope_spans: vec![scoped],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![of_resource],
    }
}

/// The spans of a request, its own first; none if it is not to be recorded.
pub(super) fn spans(end: &RequestEnd, snapshot: &Snapshot) -> Vec<Span> {
    let Some(trace) = end.trace.as_deref().filter(|trace| trace.is_sampled()) else {
        return Vec::new();
    };
    let mut spans = vec![request(end, trace, snapshot)];
    for (number, made) in (1..).zip(end.calls.iter().take(MOST_CALLS)) {
        spans.push(call(end, made, trace, number, snapshot));
    }
    spans
}

/// A span of `trace` without what tells it from the others.
fn span(trace: &Trace, from: Time, took: Duration) -> Span {
    Span {
        trace_id: trace.id().to_vec(),
        trace_state: trace.state().to_owned(),
        flags: trace.flags().into(),
        start_time_unix_nano: nanos(from),
        end_time_unix_nano: nanos(from.after(took)),
        ..Span::default()
    }
}

/// The request as we serve it.
fn request(end: &RequestEnd, trace: &Trace, snapshot: &Snapshot) -> Span {
    let mut about = Attributes::default();
    let operation = end.operation.label();
    about.text("gen_ai.operation.name", operation);
    let asked = asked_model(end);
    if let Some(model) = asked {
        about.text("gen_ai.request.model", model);
    }
    if let Some(served) = &end.served {
        about.provider(served, snapshot);
        if end.is_good() {
            about.text("gen_ai.response.model", served.model());
        }
        about.text("weighbridge.target", served.target());
    }
    about.usage(end.tokens());
    about.whole("http.response.status_code", end.status.into());
    if let Some(kind) = kind(end) {
        about.text("error.type", kind);
    }
    about.seconds("gen_ai.response.time_to_first_chunk", end.first_content);
    about.text(
        "weighbridge.request_id",
        end.id.to_str().unwrap_or_default(),
    );
    if !end.route.is_empty() {
        about.text("weighbridge.route", &end.route);
    }
    about.text("weighbridge.ended_by", &end.ended_by().to_string());
    about.whole("weighbridge.attempts", end.attempts.into());
    about.seconds("weighbridge.overhead", Some(end.overhead));
    if let Some(cost) = end.cost() {
        about.number("weighbridge.cost_usd", cost.usd());
    }
    Span {
        span_id: trace.span().to_vec(),
        parent_span_id: trace.parent().map(|it| it.to_vec()).unwrap_or_default(),
        name: name(operation, asked),
        kind: SpanKind::Server.into(),
        attributes: about.0,
        status: Some(status(end.is_failed())),
        ..span(trace, end.at, end.total)
    }
}

/// One call, as we make it.
fn call(end: &RequestEnd, call: &Call, trace: &Trace, number: u32, snapshot: &Snapshot) -> Span {
    let mut about = Attributes::default();
    let operation = end.operation.label();
    about.text("gen_ai.operation.name", operation);
    about.provider(&call.served, snapshot);
    about.text("gen_ai.request.model", call.served.model());
    let class = call.outcome.class();
    if class == Class::Ok {
        about.text("gen_ai.response.model", call.served.model());
    } else {
        about.text("error.type", call.outcome.label());
    }
    if !call.estimated {
        about.usage(call.tokens);
    }
    about.seconds("gen_ai.response.time_to_first_chunk", call.first_content);
    about.server(&call.served, snapshot);
    if let Some(status) = call.status {
        about.whole("http.response.status_code", status.into());
    }
    about.text("weighbridge.route", &end.route);
    about.text("weighbridge.target", call.served.target());
    about.text("weighbridge.reason", call.reason.label());
    about.whole("weighbridge.attempt", number.into());
    if let Some(propensity) = call.propensity {
        about.number("weighbridge.propensity", propensity);
    }
    if let Some(cost) = call.cost {
        about.number("weighbridge.cost_usd", cost.usd());
    }
    let failed = match class {
        Class::Fault | Class::Throttle | Class::OurFault | Class::ClientFault => true,
        Class::Ok | Class::Cancelled => false,
    };
    Span {
        span_id: trace.attempt(number).to_vec(),
        parent_span_id: trace.span().to_vec(),
        name: name(operation, Some(call.served.model())),
        kind: SpanKind::Client.into(),
        attributes: about.0,
        status: Some(status(failed)),
        ..span(trace, end.at.after(call.after), call.total)
    }
}

/// `{operation} {model}`.
fn name(operation: &str, model: Option<&str>) -> String {
    match model {
        Some(model) => format!("{operation} {model}"),
        None => operation.to_owned(),
    }
}

/// What the client asked for, as far as the record knows: a route, or a target that it named itself.
fn asked_model(end: &RequestEnd) -> Option<&str> {
    match &*end.route {
        "" | "inline" => None,
        "direct" => end.served.as_ref().map(|served| served.upstream.as_str()),
        route => Some(route),
    }
}

fn status(failed: bool) -> Status {
    let code = if failed {
        StatusCode::Error
    } else {
        StatusCode::Unset
    };
    Status {
        code: code.into(),
        ..Status::default()
    }
}

/// Attributes in the order in which they are told.
#[derive(Default)]
pub(super) struct Attributes(pub(super) Vec<KeyValue>);

impl Attributes {
    fn add(&mut self, key: &str, value: Value) {
        self.0.push(KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.add(key, Value::StringValue(value.to_owned()));
    }

    fn whole(&mut self, key: &str, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.add(key, Value::IntValue(value));
    }

    fn number(&mut self, key: &str, value: f64) {
        self.add(key, Value::DoubleValue(value));
    }

    fn seconds(&mut self, key: &str, value: Option<Duration>) {
        if let Some(value) = value {
            self.number(key, value.as_secs_f64());
        }
    }

    /// Whom `served` belongs to.
    fn provider(&mut self, served: &Served, snapshot: &Snapshot) {
        let name = provider_name(served.provider(), snapshot);
        self.text("gen_ai.provider.name", name);
        self.text("weighbridge.provider", served.provider());
    }

    /// Where `served` is called.
    fn server(&mut self, served: &Served, snapshot: &Snapshot) {
        let Some(provider) = snapshot.providers.get(served.provider()) else {
            return;
        };
        let Ok(origin) = provider.base.origin.parse::<Uri>() else {
            return;
        };
        let usual = if origin.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        self.text("server.address", origin.host().unwrap_or_default());
        self.whole("server.port", origin.port_u16().unwrap_or(usual).into());
    }

    /// Tokens by what they were; what nobody had is left out.
    fn usage(&mut self, tokens: Option<Tokens>) {
        let Some(tokens) = tokens else { return };
        self.whole("gen_ai.usage.input_tokens", tokens.input);
        self.whole("gen_ai.usage.output_tokens", tokens.output);
        for (key, many) in [
            ("gen_ai.usage.cache_read.input_tokens", tokens.cached_input),
            (
                "gen_ai.usage.cache_creation.input_tokens",
                tokens.cache_write,
            ),
            ("gen_ai.usage.reasoning.output_tokens", tokens.reasoning),
        ] {
            if many > 0 {
                self.whole(key, many);
            }
        }
    }
}
