//! One message to the collector, and what its answer means.
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>, 2026-11-29.

use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use reqwest::{Client, Response, StatusCode};

use crate::config::Otlp;
use crate::live::{Patience, direct_client};

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// A whole exchange, as OpenTelemetry's own exporters have it.
const EXCHANGE: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are read: one says how many were refused and why.
const MOST_ANSWER: usize = 64 * 1024;

/// What became of a message.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was taken, but for so many parts of it.
    Taken {
        /// Spans, or points of metrics.
        refused: u64,
    },
    /// Not now: nobody was there, or it asked to be left alone.
    Later {
        /// For how long, if it says.
        after: Option<Duration>,
        /// Why, for the log.
        why: String,
    },
    /// Never.
    Refused {
        /// Why, for the log.
        why: String,
    },
}

/// Sends messages.
#[derive(Debug, Default)]
pub(super) struct Collector {
    /// Made for the first message.
    http: OnceLock<Client>,
}

impl Collector {
    /// The client; `None` if this machine has no certificates to check others by.
    fn http(&self) -> Option<&Client> {
        if let Some(made) = self.http.get() {
            return Some(made);
        }
        let made = direct_client(Patience {
            connect: CONNECT,
            whole: EXCHANGE,
        });
        let made = made.ok()?;
        Some(self.http.get_or_init(|| made))
    }

    /// Sends spans.
    pub(super) async fn traces(&self, otlp: &Otlp, message: ExportTraceServiceRequest) -> Answer {
        let refused = |body: &[u8]| {
            let answer = ExportTraceServiceResponse::decode(body).ok()?;
            Some(answer.partial_success?.rejected_spans)
        };
        self.post(otlp, "/v1/traces", message.encode_to_vec(), refused)
            .await
    }

    /// Sends metrics.
    pub(super) async fn metrics(
        &self,
        otlp: &Otlp,
        message: ExportMetricsServiceRequest,
    ) -> Answer {
        let refused = |body: &[u8]| {
            let answer = ExportMetricsServiceResponse::decode(body).ok()?;
            Some(answer.partial_success?.rejected_data_points)
        };
        self.post(otlp, "/v1/metrics", message.encode_to_vec(), refused)
            .await
    }

    async fn post(
        &self,
        otlp: &Otlp,
        path: &str,
        body: Vec<u8>,
        refused: impl Fn(&[u8]) -> Option<i64>,
    ) -> Answer {
        let Some(http) = self.http() else {
            let why = "this machine has no certificates to check it by".to_owned();
            return Answer::Later { after: None, why };
        };
        let endpoint = &otlp.endpoint;
        let mut request = http
            .post(format!("{}{}{path}", endpoint.origin, endpoint.path))
            .header("content-type", "application/x-protobuf");
        for (name, value) in &otlp.headers {
            request = request.header(name, value.expose());
        }
        match request.body(body).send().await {
            Ok(response) => meaning(response, refused).await,
            Err(error) => Answer::Later {
                after: None,
                why: reason(&error),
            },
        }
    }
}

/// Four statuses ask for the same message again; all others but success are for good.
async fn meaning(response: Response, refused: impl Fn(&[u8]) -> Option<i64>) -> Answer {
    let status = response.status();
    let why = format!("it answered {status}");
    match status {
        status if status.is_success() => {
            let refused = refused(&start_of(response).await).unwrap_or(0);
            Answer::Taken {
                refused: u64::try_from(refused).unwrap_or(0),
            }
        }
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let after = response.headers().get("retry-after");
            let seconds = after.and_then(|value| value.to_str().ok()?.parse().ok());
            let after = seconds.map(Duration::from_secs);
            Answer::Later { after, why }
        }
        _ => Answer::Refused { why },
    }
}

/// The answer's body, as far as it is wanted.
async fn start_of(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > MOST_ANSWER {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    body
}

/// Why nobody could be reached, without the address, whose path may hold a token.
fn reason(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "it took too long"
    } else {
        "it cannot be reached"
    }
    .to_owned();
    let mut source = error.source();
    while let Some(cause) = source {
        source = cause.source();
        if source.is_none() {
            text = format!("{text}: {cause}");
        }
    }
    text
}
