//! Counters and histograms, written as attempts and requests end.
//!
//! Every end of a request adds to exactly one series of `requests_total`, so its sum is the number of requests answered.
//! Labels are resolved once for each route and target and kept; those that a client chose are folded into `other` before
//! anything is kept.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::cache::Cache;
use super::genai::{self, GenAi};
use super::labels::{
    Answered, Call, Failed, Place, Spent, Sticking, Tried, bounded, bounded_upstream,
};
use super::names::{self, Name, PREFIX};
use crate::live::{Asked, Journal, Published, Recorder, RequestEnd, Served, Upstream, Witness};
use crate::model::{Class, Finished, Operation, Outcome, UpstreamName};
use crate::store::Books;

/// Bounds of our own part, in seconds: ten microseconds is a good day, a tenth of a second an incident.
const OVERHEAD: [f64; 13] = [
    10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3,
];

/// Bounds of scores: tenths of the scale.
const SCORES: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// A counter of dollars.
type Dollars = Counter<f64, AtomicU64>;

/// What the daemon has counted since its start.
///
/// Owner of all counters and histograms; gauges are computed when it is rendered.
pub struct Metrics {
    pub(super) registry: Registry,
    /// Those under the names of OpenTelemetry's conventions.
    pub(super) conventions: Registry,
    pub(super) open: OnceLock<Box<dyn Fn() -> usize + Send + Sync>>,
    pub(super) journal: OnceLock<Arc<Journal>>,
    pub(super) books: OnceLock<Books>,
    pub(super) alerts: OnceLock<Box<dyn Fn() -> Raised + Send + Sync>>,
    #[cfg(feature = "otel")]
    pub(super) exports: OnceLock<Arc<super::otlp::Exports>>,
    published: Published,
    requests: Family<Answered, Counter>,
    errors: Family<Failed, Counter>,
    attempts: Family<Tried, Counter>,
    budget_spent: Counter,
    genai: GenAi,
    overhead: Histogram,
    tokens: Family<Spent, Counter>,
    cached: Family<Call, Counter>,
    written: Family<Call, Counter>,
    reasoning: Family<Call, Counter>,
    estimated: Family<Call, Counter>,
    cost: Family<Call, Dollars>,
    moved_refused: Family<Call, Counter>,
    sticky: Family<Sticking, Counter>,
    scores: Family<Place, Histogram, fn() -> Histogram>,
    places: Cache<Option<Served>, Request>,
    calls: Cache<UpstreamName, Attempts>,
}

/// What is known of alerts.
#[derive(Clone, Debug, Default)]
pub struct Raised {
    /// How many are open, by the label of their kind.
    pub open: Vec<(&'static str, u64)>,
    /// Messages that could not be delivered.
    pub undelivered: u64,
}

/// The series of requests at one place.
#[derive(Debug)]
struct Request {
    place: Place,
    genai: [OnceLock<genai::Served>; Operation::ALL.len()],
    /// The counter of status 200, once there was one: almost every request adds to it, and looking it up by its labels
    /// costs more than the rest of the count.
    answered: OnceLock<Counter>,
}

/// The series of attempts at one upstream for one route.
#[derive(Debug)]
struct Attempts {
    call: Call,
    /// The counter of good ends, once there was one, as in [`Request`].
    good: OnceLock<Counter>,
    genai: [OnceLock<genai::Asked>; Operation::ALL.len()],
    input: Counter,
    output: Counter,
    cached: Counter,
    written: Counter,
    reasoning: Counter,
    estimated: Counter,
    cost: Dollars,
}

impl Metrics {
    /// Metrics whose labels are bounded by what is `published`.
    pub fn new(published: Published) -> Self {
        let genai = GenAi::new();
        let mut metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            conventions: genai.registry(),
            open: OnceLock::new(),
            journal: OnceLock::new(),
            books: OnceLock::new(),
            alerts: OnceLock::new(),
            #[cfg(feature = "otel")]
            exports: OnceLock::new(),
            published,
            requests: Family::default(),
            errors: Family::default(),
            attempts: Family::default(),
            budget_spent: Counter::default(),
            genai,
            overhead: Histogram::new(OVERHEAD),
            tokens: Family::default(),
            cached: Family::default(),
            written: Family::default(),
            reasoning: Family::default(),
            estimated: Family::default(),
            cost: Family::default(),
            moved_refused: Family::default(),
            sticky: Family::default(),
            scores: Family::new_with_constructor(|| Histogram::new(SCORES)),
            places: Cache::default(),
            calls: Cache::default(),
        };
        metrics.register();
        metrics
    }

    /// Tells whom to ask for the number of requests that have not ended. Only the first call counts.
    pub fn watch_open_requests(&self, open: impl Fn() -> usize + Send + Sync + 'static) {
        self.open.get_or_init(|| Box::new(open));
    }

    /// Tells which journal to look at. Only the first call counts.
    pub fn watch_journal(&self, journal: Arc<Journal>) {
        self.journal.get_or_init(|| journal);
    }

    /// Tells whom to ask about alerts. Only the first call counts.
    pub fn watch_alerts(&self, raised: impl Fn() -> Raised + Send + Sync + 'static) {
        self.alerts.get_or_init(|| Box::new(raised));
    }

    /// Tells which books to look at. Only the first call counts.
    pub fn watch_books(&self, books: Books) {
        self.books.get_or_init(|| books);
    }

    /// Tells which exporter to look at. Only the first call counts.
    #[cfg(feature = "otel")]
    pub fn watch_exports(&self, exports: Arc<super::otlp::Exports>) {
        self.exports.get_or_init(|| exports);
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        add(registry, names::REQUESTS, self.requests.clone());
        add(registry, names::ERRORS, self.errors.clone());
        add(registry, names::ATTEMPTS, self.attempts.clone());
        add(registry, names::BUDGET_SPENT, self.budget_spent.clone());
        add_seconds(registry, names::OVERHEAD, self.overhead.clone());
        add(registry, names::TOKENS, self.tokens.clone());
        add(registry, names::CACHED_TOKENS, self.cached.clone());
        add(registry, names::CACHE_WRITE_TOKENS, self.written.clone());
        add(registry, names::REASONING_TOKENS, self.reasoning.clone());
        add(registry, names::ESTIMATED_TOKENS, self.estimated.clone());
        add(registry, names::COST, self.cost.clone());
        add(registry, names::MOVED_REFUSED, self.moved_refused.clone());
        add(registry, names::STICKY_REQUESTS, self.sticky.clone());
        add(registry, names::FEEDBACK_SCORE, self.scores.clone());
    }

    fn request(&self, end: &RequestEnd) -> Arc<Request> {
        if let Some(known) = self.places.known(&end.route, &end.served) {
            return known;
        }
        let served = bounded(end.served.as_ref(), &self.published.read());
        let place = Place::new(&end.route, served.as_ref());
        self.places.made(&end.route, served, || Request {
            genai: Default::default(),
            answered: OnceLock::new(),
            place,
        })
    }

    fn attempt(&self, route: &str, upstream: &UpstreamName) -> Arc<Attempts> {
        if let Some(known) = self.calls.known(route, upstream) {
            return known;
        }
        let upstream = bounded_upstream(upstream, &self.published.read());
        let call = Call::new(route, &upstream);
        let tokens = |direction| Spent {
            call: call.clone(),
            direction,
        };
        self.calls.made(route, upstream, || Attempts {
            input: self.tokens.get_or_create_owned(&tokens("input")),
            output: self.tokens.get_or_create_owned(&tokens("output")),
            cached: self.cached.get_or_create_owned(&call),
            written: self.written.get_or_create_owned(&call),
            reasoning: self.reasoning.get_or_create_owned(&call),
            estimated: self.estimated.get_or_create_owned(&call),
            cost: self.cost.get_or_create_owned(&call),
            good: OnceLock::new(),
            genai: Default::default(),
            call: call.clone(),
        })
    }

    /// Counts a request by its status.
    fn count_request(&self, request: &Request, status: u16) {
        let count = || {
            let place = request.place.clone();
            let labels = Answered {
                place,
                code: status,
            };
            self.requests.get_or_create_owned(&labels)
        };
        if status == 200 {
            request.answered.get_or_init(count).inc();
        } else {
            count().inc();
        }
    }

    /// Counts an attempt by its outcome.
    fn count_attempt(&self, attempts: &Attempts, outcome: Outcome) {
        let count = || {
            let call = attempts.call.clone();
            let labels = Tried {
                call,
                outcome: outcome.label(),
            };
            self.attempts.get_or_create_owned(&labels)
        };
        if outcome == Outcome::Ok {
            attempts.good.get_or_init(count).inc();
        } else {
            count().inc();
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Recorder for Metrics {
    fn request_ended(&self, end: &Arc<RequestEnd>) {
        let request = self.request(end);
        let place = &request.place;
        self.count_request(&request, end.status);
        let kind = kind(end);
        if let Some(kind) = kind {
            let failed = Failed {
                place: place.clone(),
                kind,
            };
            self.errors.get_or_create(&failed).inc();
        }
        if end.budget_spent {
            self.budget_spent.inc();
        }
        if let Some(stuck) = end.sticky {
            let sticking = Sticking {
                route: Arc::clone(&place.route),
                outcome: stuck.label(),
            };
            self.sticky.get_or_create(&sticking).inc();
        }
        self.overhead.observe(end.overhead.as_secs_f64());
        let served = request.genai[end.operation.index()]
            .get_or_init(|| genai::Served::new(end.operation, place, &self.published.read()));
        self.genai.request_ended(served, end, kind);
    }

    fn answer_rated(&self, route: &str, served: &Served, score: f64) {
        let served = bounded(Some(served), &self.published.read());
        let place = Place::new(route, served.as_ref());
        self.scores.get_or_create(&place).observe(score);
    }
}

impl Witness for Metrics {
    fn attempt_ended(&self, route: &str, upstream: &Upstream, asked: Asked, end: &Finished) {
        let attempts = self.attempt(route, upstream.name());
        let operation = asked.operation;
        let series = attempts.genai[operation.index()]
            .get_or_init(|| genai::Asked::new(operation, &attempts.call, &self.published.read()));
        self.genai.attempt_ended(series, end);
        self.count_attempt(&attempts, end.outcome);
        if end.outcome == Outcome::MoveRefused {
            self.moved_refused.get_or_create(&attempts.call).inc();
        }
        if let Some(tokens) = end.tokens {
            attempts.input.inc_by(tokens.input);
            attempts.output.inc_by(tokens.output);
            attempts.cached.inc_by(tokens.cached_input);
            attempts.written.inc_by(tokens.cache_write);
            attempts.reasoning.inc_by(tokens.reasoning);
            if end.estimated {
                let all = tokens.input.saturating_add(tokens.output);
                attempts.estimated.inc_by(all);
            }
        }
        if let Some(cost) = end.cost {
            attempts.cost.inc_by(cost.usd());
        }
    }
}

/// Registers a metric without a unit.
pub(super) fn add(registry: &mut Registry, Name(name, help): Name, metric: impl Metric) {
    registry.register(name, help, metric);
}

/// Registers a metric of seconds.
pub(super) fn add_seconds(registry: &mut Registry, Name(name, help): Name, metric: impl Metric) {
    registry.register_with_unit(name, help, Unit::Seconds, metric);
}

/// What kind of error a request ended in, if it did: our code from the closed list, else how its last attempt ended.
pub(super) fn kind(end: &RequestEnd) -> Option<&'static str> {
    match end.code {
        _ if end.is_good() => None,
        Some(code) => Some(code),
        None if end.outcome.class() == Class::Ok => Some("unexplained"),
        None => Some(end.outcome.label()),
    }
}
