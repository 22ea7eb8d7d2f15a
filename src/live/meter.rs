//! What one upstream did: the batch of this tick, the histograms of the last minute, the requests in flight.
//!
//! One lock a meter, held for tens of nanoseconds and never across an `.await`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::window::Window;
use crate::balance::gate::{Cause, Happened, ProbeResult, Reaction, Watch, react};
use crate::balance::{
    Batch, Flight, MOST_FIRST_TOKEN, MOST_PER_TOKEN, MOST_TOTALS, News, Recent, Reference,
};
use crate::model::{AnswerKind, Class, Event, Finished, Outcome, PicoUsd, Time, Tokens};

/// Span of a slice of first tokens and totals, and how many closed ones are kept: the last minute.
const QUICK: (Duration, usize) = (Duration::from_secs(5), 12);
/// The same for time per token and cost.
const SLOW: (Duration, usize) = (Duration::from_secs(20), 3);

/// A place among the requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlightKey(usize);

/// A request in flight.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    started: Time,
    kind: AnswerKind,
    probe: bool,
    pending: bool,
    gap_counted: bool,
}

/// Sums since the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Attempts ended, by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Tokens of prompts.
    pub tokens_in: u64,
    /// Tokens of answers.
    pub tokens_out: u64,
    /// What answers cost.
    pub cost: PicoUsd,
}

/// The recent past, in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recently {
    /// Milliseconds to the first token: median, 95th and 99th percentile.
    pub first_token_ms: Option<[f64; 3]>,
    /// Milliseconds of whole answers: the same.
    pub total_ms: Option<[f64; 3]>,
    /// Milliseconds per token of the answer: the same.
    pub per_token_ms: Option<[f64; 3]>,
    /// Median cost of 1,000 tokens of the answer, in dollars.
    pub usd_per_1k_tokens: Option<f64>,
}

/// One upstream's meter.
#[derive(Debug)]
pub(super) struct Meter {
    batch: Batch,
    reference: Reference,
    watch: Watch,
    news: News,
    flights: Vec<Option<InFlight>>,
    free: Vec<usize>,
    first_token: Window,
    total: Window,
    per_token: Window,
    cost: Window,
    totals: Totals,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            batch: Batch::default(),
            reference: Reference::default(),
            watch: Watch::default(),
            news: News::default(),
            flights: Vec::new(),
            free: Vec::new(),
            first_token: Window::new(QUICK.0, QUICK.1),
            total: Window::new(QUICK.0, QUICK.1),
            per_token: Window::new(SLOW.0, SLOW.1),
            cost: Window::new(SLOW.0, SLOW.1),
            totals: Totals::default(),
        }
    }
}

impl Meter {
    /// A request was sent.
    pub(super) fn begin(&mut self, now: Time, kind: AnswerKind, probe: bool) -> FlightKey {
        self.batch.dispatched[kind.index()] += 1;
        self.news.probe_sent |= probe;
        let flight = InFlight {
            started: now,
            kind,
            probe,
            pending: true,
            gap_counted: false,
        };
        if let Some(place) = self.free.pop() {
            self.flights[place] = Some(flight);
            FlightKey(place)
        } else {
            self.flights.push(Some(flight));
            FlightKey(self.flights.len() - 1)
        }
    }

    /// Something happened to a request in flight. `first` tells whether its first content is what ended its wait.
    pub(super) fn record(&mut self, now: Time, key: FlightKey, event: &Event) -> Recorded {
        let Some(Some(flight)) = self.flights.get_mut(key.0) else {
            return Recorded::default();
        };
        let before = *flight;
        let mut left_pending = false;
        match event {
            Event::Dispatched(_) => {}
            Event::FirstContent(after) => {
                left_pending = std::mem::take(&mut flight.pending);
                self.first_content(now, *after);
            }
            Event::Gap => {
                flight.gap_counted = true;
                self.batch.gaps += 1;
            }
            Event::Finished(end) => {
                left_pending = flight.pending;
                self.flights[key.0] = None;
                self.free.push(key.0);
                self.finished(now, &before, end);
            }
        }
        let happened = Happened {
            event,
            kind: before.kind,
            started: before.started,
            probe: before.probe,
            gap_counted: before.gap_counted,
            now,
        };
        let reaction = react(&mut self.watch, &happened);
        self.keep_news(now, &reaction);
        Recorded {
            reaction,
            left_pending: left_pending.then_some(before.kind),
        }
    }

    fn keep_news(&mut self, now: Time, reaction: &Reaction) {
        if let Some(cause) = reaction.eject {
            self.news.ejected = Some((now, cause));
        }
        match (self.news.probe, reaction.probe) {
            // Within one tick a failure hides a success, and either hides a void.
            (Some(ProbeResult::Failed(_)), _)
            | (Some(ProbeResult::Passed), Some(ProbeResult::Passed | ProbeResult::Void))
            | (_, None) => {}
            (_, Some(result)) => self.news.probe = Some(result),
        }
    }

    fn first_content(&mut self, now: Time, after: Duration) {
        let seconds = after.as_secs_f64();
        let normal = seconds / self.reference.first_token;
        self.batch.first_token.add(normal.min(MOST_FIRST_TOKEN));
        self.batch.note(Recent {
            at: now,
            class: Class::Ok,
            first_token: Some(seconds),
        });
        self.first_token.record(now, micros(after));
    }

    fn finished(&mut self, now: Time, flight: &InFlight, end: &Finished) {
        let (class, kind) = (end.outcome.class(), flight.kind);
        // A stream whose silence was counted is not counted as a second fault when it then ends badly.
        if !(flight.gap_counted && class == Class::Fault) {
            self.batch.classes[class.index()] += 1;
        }
        *self.totals.outcomes.entry(end.outcome).or_default() += 1;
        if class != Class::Ok || kind == AnswerKind::Unary {
            self.batch.note(Recent {
                at: now,
                class,
                first_token: None,
            });
        }
        if let Some(tokens) = end.tokens {
            self.totals.tokens_in += tokens.input;
            self.totals.tokens_out += tokens.output;
        }
        if let Some(cost) = end.cost {
            self.totals.cost += cost;
        }
        if class == Class::Ok {
            self.answered(now, kind, end);
        } else if matches!(end.outcome, Outcome::Timeout(_)) {
            // A time-out is an answer that took at least this long: left out, the slowest would vanish.
            self.total.record(now, micros(end.total));
        }
    }

    fn answered(&mut self, now: Time, kind: AnswerKind, end: &Finished) {
        self.total.record(now, micros(end.total));
        let Some(tokens) = end.tokens else { return };
        self.count_tokens(end, tokens);
        let out = tokens.output.max(1) as f64;
        match (kind, end.first_content) {
            (AnswerKind::Streamed, Some(first)) => {
                let each = end.total.saturating_sub(first).as_secs_f64() / out;
                self.batch
                    .per_token
                    .add((each / self.reference.per_token).min(MOST_PER_TOKEN));
                self.per_token
                    .record(now, micros(Duration::from_secs_f64(each)));
            }
            (AnswerKind::Streamed, None) => {}
            (AnswerKind::Unary, _) => {
                let expected = self.reference.first_token + self.reference.per_token * out;
                let total = end.total.as_secs_f64();
                self.batch.unary.add((total / expected).min(MOST_PER_TOKEN));
                if self.batch.unary_totals.len() < MOST_TOTALS {
                    self.batch.unary_totals.push(end.total.as_secs_f32());
                } else {
                    self.batch.unary_totals_more += 1;
                }
            }
        }
        if let (Some(cost), true) = (end.cost, tokens.output > 0) {
            // Micro-dollars of 1,000 tokens fit the histogram's range up to $600.
            let per_1k = cost.pico() / u128::from(tokens.output) * 1_000 / 1_000_000;
            self.cost
                .record(now, u64::try_from(per_1k).unwrap_or(u64::MAX));
        }
    }

    fn count_tokens(&mut self, end: &Finished, tokens: Tokens) {
        self.batch.counted += 1;
        self.batch.tokens_in += tokens.input;
        self.batch.tokens_out += tokens.output;
        if let Some(first) = end.first_content {
            self.batch.tokens_in_by_first_token += tokens.input as f64 * first.as_secs_f64();
        }
        if let Some(cost) = end.cost {
            self.batch.cost += cost;
            self.batch.costed += 1;
        }
    }

    /// Hands the batch and the news over and starts new ones.
    pub(super) fn collect(&mut self, now: Time) -> Collected {
        let flights = self
            .flights
            .iter()
            .flatten()
            .filter(|flight| flight.pending);
        let flights = flights
            .map(|flight| Flight {
                age: now.secs_since(flight.started),
                kind: flight.kind,
                probe: flight.probe,
            })
            .collect();
        Collected {
            batch: std::mem::take(&mut self.batch),
            reference: self.reference,
            flights,
            fault_sum: self.watch.fault_sum,
            news: std::mem::take(&mut self.news),
        }
    }

    /// Takes over what the tick decided; tells whether the gate may serve.
    ///
    /// An ejection that the tick has not seen yet stands.
    pub(super) fn obey(&mut self, watch: &Watch, reference: Reference) -> bool {
        let unseen = self.news.ejected.is_some();
        let fault_sum = if watch.serving == self.watch.serving {
            self.watch.fault_sum
        } else {
            0.0
        };
        let serving = watch.serving && !unseen;
        let ejected_at = self.watch.ejected_at.max(watch.ejected_at);
        self.watch = Watch {
            fault_sum,
            ejected_at,
            serving,
            ..*watch
        };
        self.reference = reference;
        serving
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals.clone()
    }

    pub(super) fn recently(&self, now: Time) -> Recently {
        let reach = Duration::from_secs(60);
        let millis = |window: &Window| {
            let merged = window.merged(now, reach)?;
            Some([0.5, 0.95, 0.99].map(|q| merged.value_at_quantile(q) as f64 / 1e3))
        };
        Recently {
            first_token_ms: millis(&self.first_token),
            total_ms: millis(&self.total),
            per_token_ms: millis(&self.per_token),
            usd_per_1k_tokens: self
                .cost
                .merged(now, reach)
                .map(|merged| merged.value_at_quantile(0.5) as f64 / 1e6),
        }
    }
}

/// What recording an event brought about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recorded {
    pub(super) reaction: Reaction,
    /// The request stopped waiting for content.
    pub(super) left_pending: Option<AnswerKind>,
}

/// What a meter hands to the tick.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) batch: Batch,
    pub(super) reference: Reference,
    pub(super) flights: Vec<Flight>,
    pub(super) fault_sum: f64,
    pub(super) news: News,
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl Totals {
    /// Attempts ended, whatever became of them.
    pub fn attempts(&self) -> u64 {
        self.outcomes.values().sum()
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Faults => "it kept failing",
            Self::Overdue => "its answers are overdue",
            Self::Stalls => "its streams stall or its answers time out",
            Self::OurFault => "it refuses our credential or does not know the model",
        })
    }
}
