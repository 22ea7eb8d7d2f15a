//! Traces and metrics by OpenTelemetry's protocol over HTTP.
//!
//! Problem: operators look at requests where they look at all others, in their tracing system, and a collector that is
//! slow, full or away must cost no request anything. Choice: the data plane only carries names (see `live::Trace`); spans
//! are made here from finished records, and metrics from the same exposition that `/metrics` gives, so there is one count
//! of everything. What waits is bounded, and what does not fit is dropped and counted. The messages are OpenTelemetry's own
//! crate's; its tracer and meters would measure a second time what is in the records, while requests run.
//! How it fails: from [`MOST_WAITING`] spans on, new ones are lost until the collector takes some again; beyond 32,000
//! requests a second the ledger has forgotten some before they are looked at, which is counted too.
//! Source: <https://opentelemetry.io/docs/specs/otlp/>, 1.9.0, 2026-11-29.

mod post;
mod series;
mod spans;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::metrics::Metrics;
use super::text::Exposition;
use crate::config::Otlp;
use crate::live::{Board, Clock, Ledger, Published};
use crate::model::Time;
use post::{Answer, Collector};

/// Spans that wait for the collector: some 8 MB. Half would not outlast a second of a collector's garbage collection at
/// two thousand requests a second.
const MOST_WAITING: usize = 8_192;
/// Spans in one message, as OpenTelemetry's own exporters have it.
/// Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>, 2026-11-29.
const BATCH: usize = 512;
/// Time between two looks at the ledger, which asks for four a second.
const LOOK: Duration = Duration::from_millis(250);
/// Time between two sendings of spans; longer ones make larger messages and later traces.
const SOON: Duration = Duration::from_millis(500);
/// Time between two looks whether metrics are due.
const SECOND: Duration = Duration::from_secs(1);
/// First wait after a failure; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait after a failure, also where the collector asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What sending what is left may take at the end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is exported, and about whom.
#[derive(Debug)]
pub struct Exported {
    /// What is in force; whether anything is exported is part of it.
    pub published: Published,
    /// What the controller shows.
    pub board: Arc<Board>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The requests that ended.
    pub ledger: Arc<Ledger>,
    /// The daemon's clock.
    pub clock: Clock,
    /// The environment's name.
    pub environment: String,
    /// What tells this process from its replicas.
    pub instance: u128,
}

/// How exporting goes.
#[derive(Debug, Default)]
pub struct Exports {
    /// Spans that the collector took.
    pub sent: AtomicU64,
    /// Spans that it refused.
    pub refused: AtomicU64,
    /// Spans that were lost since it took none, and requests of which no spans could be made in time.
    pub dropped: AtomicU64,
    /// Whether the last message of spans could not be delivered.
    pub spans_failing: AtomicBool,
    /// The same of metrics.
    pub metrics_failing: AtomicBool,
}

/// Sends what there is to send, for as long as the configuration says where to.
pub struct Exporter {
    from: Exported,
    started: Time,
    resource: Resource,
    collector: Collector,
    waiting: Mutex<Waiting>,
    told: Arc<Exports>,
}

/// Spans on their way.
#[derive(Default)]
struct Waiting {
    /// The number of the next record to look at.
    next: u64,
    spans: VecDeque<Span>,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}

impl Exporter {
    /// An exporter of `from`, whose metrics tell how it fares.
    pub fn new(from: Exported) -> Self {
        let told = Arc::new(Exports::default());
        from.metrics.watch_exports(Arc::clone(&told));
        Self {
            started: from.clock.now(),
            resource: spans::resource(&from.environment, from.instance),
            collector: Collector::default(),
            waiting: Mutex::default(),
            told,
            from,
        }
    }

    /// Exports until `ended` is true, and then what is left.
    pub async fn run(self, mut ended: watch::Receiver<bool>) {
        tokio::select! {
            _ = ended.wait_for(|on| *on) => {}
            never = self.looking() => match never {},
            never = self.sending() => match never {},
            never = self.measuring() => match never {},
        }
        let last = async {
            self.look();
            self.send().await;
            if let Some(otlp) = self.settings() {
                self.measure(&otlp).await;
            }
        };
        if timeout(LAST_WORDS, last).await.is_err() {
            tracing::warn!("the collector did not take the last traces and metrics in time");
        }
    }

    /// Where to, at the moment.
    fn settings(&self) -> Option<Otlp> {
        self.from.published.read().config.otlp.clone()
    }

    async fn looking(&self) -> Infallible {
        loop {
            self.look();
            sleep(LOOK).await;
        }
    }

    async fn sending(&self) -> Infallible {
        let mut failures = 0;
        loop {
            let pause = match self.send().await {
                None => {
                    failures = 0;
                    SOON
                }
                Some(asked) => {
                    let own = FIRST_WAIT.saturating_mul(1 << failures.min(5));
                    failures += 1;
                    asked.unwrap_or(own).clamp(FIRST_WAIT, LONGEST_WAIT)
                }
            };
            sleep(pause).await;
        }
    }

    async fn measuring(&self) -> Infallible {
        let mut last = self.from.clock.now();
        loop {
            sleep(SECOND).await;
            let now = self.from.clock.now();
            match self.settings() {
                None => last = now,
                Some(otlp) if now.since(last) >= otlp.interval => {
                    last = now;
                    self.measure(&otlp).await;
                }
                Some(_) => {}
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes spans of what has ended since the last look.
    fn look(&self) {
        let snapshot = self.from.published.read();
        let mut waiting = self.waiting();
        let taken = self.from.ledger.since(waiting.next);
        waiting.next = taken.next;
        let mut dropped = 0;
        if snapshot.config.otlp.is_none() {
            dropped += waiting.spans.len();
            waiting.spans.clear();
        } else {
            dropped += usize::try_from(taken.missed).unwrap_or(usize::MAX);
            for end in &taken.records {
                let spans = spans::spans(end, &snapshot);
                // A trace whole or not at all: half of one misleads.
                if waiting.spans.len() + spans.len() > MOST_WAITING {
                    dropped += spans.len();
                } else {
                    waiting.spans.extend(spans);
                }
            }
        }
        let dropped = u64::try_from(dropped).unwrap_or(u64::MAX);
        self.told.dropped.fetch_add(dropped, Ordering::Relaxed);
    }

    /// Sends all spans that wait. After a failure: how long the collector wants to be left alone, if it says.
    async fn send(&self) -> Option<Option<Duration>> {
        while let Some(otlp) = self.settings() {
            let batch: Vec<Span> = self.waiting().spans.iter().take(BATCH).cloned().collect();
            let many = batch.len();
            if many == 0 {
                return None;
            }
            let message = spans::message(batch, &self.resource);
            let answer = self.collector.traces(&otlp, message).await;
            notice("spans", &self.told.spans_failing, &answer);
            let (sent, refused) = match answer {
                Answer::Later { after, .. } => return Some(after),
                Answer::Taken { refused } => {
                    let refused = refused.min(many as u64);
                    (many as u64 - refused, refused)
                }
                Answer::Refused { .. } => (0, many as u64),
            };
            self.told.sent.fetch_add(sent, Ordering::Relaxed);
            self.told.refused.fetch_add(refused, Ordering::Relaxed);
            // What came meanwhile stands behind them; only a reload without a collector takes any away.
            let mut waiting = self.waiting();
            let gone = many.min(waiting.spans.len());
            waiting.spans.drain(..gone);
        }
        None
    }

    /// Sends metrics once. What is lost of them comes with the next ones, which are sums since the start.
    async fn measure(&self, otlp: &Otlp) {
        let now = self.from.clock.now();
        let text = {
            let (snapshot, board) = (self.from.published.read(), &self.from.board);
            let metrics = &self.from.metrics;
            metrics.render(&snapshot, board, now, Exposition::OpenMetrics)
        };
        let Ok(text) = text else { return };
        let period = series::Period {
            since: nanos(self.started),
            now: nanos(now),
        };
        let message = series::message(series::metrics(&text, period), &self.resource);
        let answer = self.collector.metrics(otlp, message).await;
        notice("metrics", &self.told.metrics_failing, &answer);
    }
}

/// Says when the collector begins to fail, and when it takes what it gets again.
fn notice(what: &str, failing: &AtomicBool, answer: &Answer) {
    match answer {
        Answer::Taken { .. } => {
            if failing.swap(false, Ordering::Relaxed) {
                tracing::info!(what, "the OTLP collector takes them again");
            }
        }
        Answer::Later { why, .. } | Answer::Refused { why } => {
            if !failing.swap(true, Ordering::Relaxed) {
                tracing::warn!(what, why, "the OTLP collector takes none; traffic goes on");
            }
        }
    }
}

/// As the protocol counts time.
fn nanos(time: Time) -> u64 {
    time.as_micros().saturating_mul(1_000)
}
