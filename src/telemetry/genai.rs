//! What OpenTelemetry's conventions for generative AI have names for, under those names and with those buckets.
//!
//! Weighbridge is two things at once there: a client of providers (one operation an attempt) and a server of models (one
//! request a request). Dots become underscores and seconds a suffix, as the conventions' way to Prometheus has it; beside
//! the conventions' attributes stand our own labels `route`, `target` and `provider`, which the configuration names.
//! Source: <https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md>,
//! 2026-11-22. All of it has the status "development" there.

use std::sync::{Arc, OnceLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{Call, NONE, Place};
use super::metrics::{add, add_seconds};
use super::names;
use crate::config::{Interface, ProviderKind};
use crate::live::{RequestEnd, Snapshot};
use crate::model::{Class, Finished, Operation, Outcome};

/// Bounds of durations, in seconds.
const DURATION: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Bounds of counts of tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Bounds of times to the first token, in seconds; the conventions have none of their own for the first chunk.
const FIRST_TOKEN: [f64; 16] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Bounds of times per token, in seconds.
const PER_TOKEN: [f64; 13] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
];

/// A family of histograms.
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// The conventions' histograms.
#[derive(Debug)]
pub(super) struct GenAi {
    operations: Histograms<OperationEnded>,
    usage: Histograms<Used>,
    first_chunk: Histograms<Client>,
    per_token: Histograms<Client>,
    requests: Histograms<RequestAnswered>,
    first_token: Histograms<Server>,
}

/// Whom we asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Client {
    gen_ai_operation_name: &'static str,
    gen_ai_provider_name: &'static str,
    gen_ai_request_model: Arc<str>,
    route: Arc<str>,
    provider: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationEnded {
    #[prometheus(flatten)]
    client: Client,
    error_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Used {
    #[prometheus(flatten)]
    client: Client,
    gen_ai_token_type: &'static str,
}

/// Who answered for us.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Server {
    gen_ai_operation_name: &'static str,
    gen_ai_provider_name: &'static str,
    gen_ai_response_model: Arc<str>,
    route: Arc<str>,
    target: Arc<str>,
    provider: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestAnswered {
    #[prometheus(flatten)]
    server: Server,
    error_type: &'static str,
}

/// The series of attempts of one operation at one upstream for one route; those of good ends are looked up once.
#[derive(Debug)]
pub(super) struct Asked {
    client: Client,
    good: OnceLock<Histogram>,
    input: OnceLock<Histogram>,
    output: OnceLock<Histogram>,
    first_chunk: OnceLock<Histogram>,
    per_token: OnceLock<Histogram>,
}

/// The series of requests of one operation at one place.
#[derive(Debug)]
pub(super) struct Served {
    server: Server,
    good: OnceLock<Histogram>,
    first_token: OnceLock<Histogram>,
}

// === impl GenAi ===

impl GenAi {
    pub(super) fn new() -> Self {
        Self {
            operations: Family::new_with_constructor(|| Histogram::new(DURATION)),
            usage: Family::new_with_constructor(|| Histogram::new(TOKENS)),
            first_chunk: Family::new_with_constructor(|| Histogram::new(FIRST_TOKEN)),
            per_token: Family::new_with_constructor(|| Histogram::new(PER_TOKEN)),
            requests: Family::new_with_constructor(|| Histogram::new(DURATION)),
            first_token: Family::new_with_constructor(|| Histogram::new(FIRST_TOKEN)),
        }
    }

    /// A registry of all of them, whose names have no prefix of ours.
    pub(super) fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        let it = &mut registry;
        add_seconds(it, names::OPERATION_DURATION, self.operations.clone());
        add(it, names::TOKEN_USAGE, self.usage.clone());
        add_seconds(it, names::FIRST_CHUNK, self.first_chunk.clone());
        add_seconds(it, names::PER_OUTPUT_TOKEN, self.per_token.clone());
        add_seconds(it, names::REQUEST_DURATION, self.requests.clone());
        add_seconds(it, names::FIRST_TOKEN, self.first_token.clone());
        registry
    }

    /// An attempt is over.
    pub(super) fn attempt_ended(&self, asked: &Asked, end: &Finished) {
        let client = &asked.client;
        let duration = |error_type| {
            let client = client.clone();
            let labels = OperationEnded { client, error_type };
            self.operations.get_or_create_owned(&labels)
        };
        let took = end.total.as_secs_f64();
        match error(end.outcome) {
            None => asked.good.get_or_init(|| duration("")).observe(took),
            Some(error) => duration(error).observe(took),
        }
        if let Some(first) = end.first_content {
            let made = || self.first_chunk.get_or_create_owned(client);
            let histogram = asked.first_chunk.get_or_init(made);
            histogram.observe(first.as_secs_f64());
        }
        self.count_tokens(asked, end);
    }

    /// Tokens as the provider counted them, and what each took.
    fn count_tokens(&self, asked: &Asked, end: &Finished) {
        // The conventions want no usage that nobody reported.
        let Some(tokens) = end.tokens.filter(|_| !end.estimated) else {
            return;
        };
        let used = |gen_ai_token_type| {
            let client = asked.client.clone();
            let labels = Used {
                client,
                gen_ai_token_type,
            };
            self.usage.get_or_create_owned(&labels)
        };
        let input = asked.input.get_or_init(|| used("input"));
        input.observe(tokens.input as f64);
        let output = asked.output.get_or_init(|| used("output"));
        output.observe(tokens.output as f64);
        if let (Some(first), Outcome::Ok, 2..) = (end.first_content, end.outcome, tokens.output) {
            let rest = end.total.saturating_sub(first).as_secs_f64();
            let made = || self.per_token.get_or_create_owned(&asked.client);
            let histogram = asked.per_token.get_or_init(made);
            histogram.observe(rest / (tokens.output - 1) as f64);
        }
    }

    /// A request is over; `error_type` is what kind of error it ended in, if it did.
    pub(super) fn request_ended(
        &self,
        served: &Served,
        end: &RequestEnd,
        error_type: Option<&'static str>,
    ) {
        let server = &served.server;
        let duration = |error_type| {
            let server = server.clone();
            let labels = RequestAnswered { server, error_type };
            self.requests.get_or_create_owned(&labels)
        };
        let took = end.total.as_secs_f64();
        match error_type {
            None => served.good.get_or_init(|| duration("")).observe(took),
            Some(error) => duration(error).observe(took),
        }
        if let Some(after) = end.first_content {
            let made = || self.first_token.get_or_create_owned(server);
            let histogram = served.first_token.get_or_init(made);
            histogram.observe(after.as_secs_f64());
        }
    }
}

impl Asked {
    /// The series of `operation` by calls such as `call`.
    pub(super) fn new(operation: Operation, call: &Call, snapshot: &Snapshot) -> Self {
        Self {
            client: Client {
                gen_ai_operation_name: operation.label(),
                gen_ai_provider_name: provider_name(&call.provider, snapshot),
                gen_ai_request_model: Arc::clone(&call.model),
                route: Arc::clone(&call.route),
                provider: Arc::clone(&call.provider),
            },
            good: OnceLock::new(),
            input: OnceLock::new(),
            output: OnceLock::new(),
            first_chunk: OnceLock::new(),
            per_token: OnceLock::new(),
        }
    }
}

impl Served {
    /// The series of `operation` at `place`.
    pub(super) fn new(operation: Operation, place: &Place, snapshot: &Snapshot) -> Self {
        Self {
            server: Server {
                gen_ai_operation_name: operation.label(),
                gen_ai_provider_name: provider_name(&place.provider, snapshot),
                gen_ai_response_model: Arc::clone(&place.model),
                route: Arc::clone(&place.route),
                target: Arc::clone(&place.target),
                provider: Arc::clone(&place.provider),
            },
            good: OnceLock::new(),
            first_token: OnceLock::new(),
        }
    }
}

/// `error.type` of an attempt; none for a good end.
fn error(outcome: Outcome) -> Option<&'static str> {
    (outcome.class() != Class::Ok).then(|| outcome.label())
}

/// `gen_ai.provider.name` of a configured provider.
pub(super) fn provider_name(provider: &str, snapshot: &Snapshot) -> &'static str {
    let provider = snapshot.providers.get(provider);
    provider.map_or(NONE, |provider| well_known(&provider.config.kind))
}

/// The conventions' name of a kind of provider; where they have none, ours.
fn well_known(kind: &ProviderKind) -> &'static str {
    let ProviderKind::Api { interface, .. } = kind else {
        return "simulated";
    };
    match interface {
        // Some server that speaks OpenAI's format, and not OpenAI's own.
        Interface::OpenAi(preset) if preset.name == "openai" && preset.base.is_none() => {
            "openai_compatible"
        }
        Interface::OpenAi(preset) => match preset.name {
            "mistral" => "mistral_ai",
            "xai" => "x_ai",
            other => other,
        },
        Interface::Azure { .. } => "azure.ai.openai",
        Interface::Anthropic => "anthropic",
        Interface::Gemini => "gcp.gemini",
        Interface::Vertex { .. } => "gcp.vertex_ai",
        Interface::Bedrock => "aws.bedrock",
        Interface::Cohere => "cohere",
    }
}
