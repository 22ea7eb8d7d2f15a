//! What one upstream did since the last tick, event by event.
//!
//! The daemon keeps one behind each meter's lock, the simulator one per target; both feed it the same events.

use std::time::Duration;

use super::gate::{Happened, Reaction, Watch, react};
use super::input::{
    Batch, Flight, MOST_FIRST_TOKEN, MOST_PER_TOKEN, MOST_TOTALS, News, Recent, Reference,
};
use crate::model::{AnswerKind, Class, Event, Finished, Time, Tokens};

/// A place among the requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlightKey(usize);

/// A request in flight.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    started: Time,
    kind: AnswerKind,
    probe: bool,
    pending: bool,
    gap_counted: bool,
}

/// The running batch of one upstream, its requests in flight and what `react` keeps.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    batch: Batch,
    reference: Reference,
    watch: Watch,
    news: News,
    flights: Vec<Option<InFlight>>,
    free: Vec<usize>,
}

/// What recording an event brought about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded {
    /// What must change at once.
    pub reaction: Reaction,
    /// The request stopped waiting for content.
    pub left_pending: Option<AnswerKind>,
    /// Whether others who ask the upstream should know of it before their next answers: a fault, a refusal, what a probe
    /// showed.
    pub presses: bool,
}

/// What a tally hands to the tick.
#[derive(Debug)]
pub struct Collected {
    /// What was done.
    pub batch: Batch,
    /// What its times were divided by.
    pub reference: Reference,
    /// Requests without content yet.
    pub flights: Vec<Flight>,
    /// The gate's fault sum.
    pub fault_sum: f64,
    /// What happened at the gate.
    pub news: News,
}

impl Tally {
    /// A request was sent.
    pub fn begin(&mut self, now: Time, kind: AnswerKind, probe: bool) -> FlightKey {
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

    /// Something happened to a request in flight; nothing if it has ended before.
    pub fn record(&mut self, now: Time, key: FlightKey, event: &Event) -> Recorded {
        let Some(Some(flight)) = self.flights.get_mut(key.0) else {
            return Recorded::default();
        };
        let before = *flight;
        let is_stale = before.started < self.watch.ejected_at;
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
                self.batch.stale += u32::from(is_stale);
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
        let is_bad = match event {
            Event::Dispatched(_) | Event::FirstContent(_) => false,
            Event::Gap => true,
            Event::Finished(end) => matches!(
                end.outcome.class(),
                Class::Fault | Class::Throttle | Class::OurFault
            ),
        };
        Recorded {
            presses: is_bad || reaction.probe.is_some(),
            reaction,
            left_pending: left_pending.then_some(before.kind),
        }
    }

    fn keep_news(&mut self, now: Time, reaction: &Reaction) {
        if let Some(cause) = reaction.eject {
            self.news.ejected = Some((now, cause));
        }
        if let Some(result) = reaction.probe {
            self.news.add_probe(result);
        }
    }

    fn first_content(&mut self, now: Time, after: Duration) {
        let seconds = after.as_secs_f64();
        let normal = seconds / self.reference.first_token;
        self.batch.first_token.add(normal.min(MOST_FIRST_TOKEN));
        self.batch.times.first_token.add(seconds);
        self.batch.note(Recent {
            at: now,
            class: Class::Ok,
            first_token: Some(seconds),
        });
    }

    fn finished(&mut self, now: Time, flight: &InFlight, end: &Finished) {
        let (class, kind) = (end.outcome.class(), flight.kind);
        // A stream whose silence was counted is not counted as a second fault when it then ends badly.
        if !(flight.gap_counted && class == Class::Fault) {
            self.batch.classes[class.index()] += 1;
            let is_stale = class == Class::Fault && flight.started < self.watch.ejected_at;
            self.batch.stale += u32::from(is_stale);
        }
        if class != Class::Ok || kind == AnswerKind::Unary {
            self.batch.note(Recent {
                at: now,
                class,
                first_token: None,
            });
        }
        match class {
            Class::Ok => self.batch.times.total.add(end.total.as_secs_f64()),
            Class::Fault => self.missed(flight),
            Class::Throttle | Class::OurFault | Class::ClientFault | Class::Cancelled => {}
        }
        if let (Class::Ok, Some(tokens)) = (class, end.tokens) {
            self.answered(kind, end, tokens);
        }
    }

    /// A failed request has no time, and so is later than any level.
    fn missed(&mut self, flight: &InFlight) {
        let times = &mut self.batch.times;
        times.total.miss();
        if flight.kind == AnswerKind::Streamed {
            times.per_token.miss();
            if flight.pending {
                times.first_token.miss();
            }
        }
    }

    fn answered(&mut self, kind: AnswerKind, end: &Finished, tokens: Tokens) {
        self.count_tokens(end, tokens);
        let out = tokens.output.max(1) as f64;
        match (kind, end.first_content) {
            (AnswerKind::Streamed, Some(first)) => {
                let each = end.total.saturating_sub(first).as_secs_f64() / out;
                self.batch
                    .per_token
                    .add((each / self.reference.per_token).min(MOST_PER_TOKEN));
                self.batch.times.per_token.add(each);
            }
            (AnswerKind::Streamed, None) => {}
            (AnswerKind::Unary, _) => {
                let expected = self.reference.first_token + self.reference.per_token * out;
                self.batch
                    .unary
                    .add((end.total.as_secs_f64() / expected).min(MOST_PER_TOKEN));
                if self.batch.unary_totals.len() < MOST_TOTALS {
                    self.batch.unary_totals.push(end.total.as_secs_f32());
                } else {
                    self.batch.unary_totals_more += 1;
                }
            }
        }
    }

    fn count_tokens(&mut self, end: &Finished, tokens: Tokens) {
        self.batch.counted += 1;
        // Counts are what providers say: one may say anything.
        let cached = tokens.cached_input.min(tokens.input);
        let batch = &mut self.batch;
        batch.tokens_in = batch.tokens_in.saturating_add(tokens.input);
        batch.tokens_out = batch.tokens_out.saturating_add(tokens.output);
        batch.tokens_cached = batch.tokens_cached.saturating_add(cached);
        if let Some(first) = end.first_content {
            let most = self.reference.first_token * MOST_FIRST_TOKEN;
            let seconds = first.as_secs_f64().min(most);
            self.batch.line.add((tokens.input - cached) as f64, seconds);
            self.batch.tokens_in_by_first_token += tokens.input as f64 * first.as_secs_f64();
        }
        if let Some(cost) = end.cost {
            self.batch.cost += cost;
            self.batch.costed += 1;
        }
    }

    /// Hands the batch and the news over and starts new ones.
    pub fn collect(&mut self, now: Time) -> Collected {
        let pending = self
            .flights
            .iter()
            .flatten()
            .filter(|flight| flight.pending);
        let flight = |flight: &InFlight| Flight {
            age: now.secs_since(flight.started),
            kind: flight.kind,
            probe: flight.probe,
        };
        Collected {
            flights: pending.map(flight).collect(),
            batch: std::mem::take(&mut self.batch),
            reference: self.reference,
            fault_sum: self.watch.fault_sum,
            news: std::mem::take(&mut self.news),
        }
    }

    /// Takes over what the tick decided; tells whether the gate may serve.
    ///
    /// An ejection that the tick has not seen yet stands.
    pub fn obey(&mut self, watch: &Watch, reference: Reference) -> bool {
        let unseen = self.news.ejected.is_some();
        let (fault_sum, ours) = if watch.serving == self.watch.serving {
            (self.watch.fault_sum, self.watch.ours)
        } else {
            (0.0, 0)
        };
        let serving = watch.serving && !unseen;
        let ejected_at = self.watch.ejected_at.max(watch.ejected_at);
        self.watch = Watch {
            fault_sum,
            serving,
            ejected_at,
            ours,
            ..*watch
        };
        self.reference = reference;
        serving
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;

    #[test]
    fn counts_that_no_provider_can_mean_are_taken_in() {
        let mut tally = Tally::default();
        let tokens = Tokens {
            input: u64::MAX,
            cached_input: u64::MAX,
            output: u64::MAX,
            ..Tokens::default()
        };
        for _ in 0..2 {
            let key = tally.begin(Time::ZERO, AnswerKind::Unary, false);
            let end = Finished {
                outcome: Outcome::Ok,
                total: Duration::from_secs(1),
                first_content: None,
                tokens: Some(tokens),
                estimated: false,
                cost: None,
                wait: None,
            };
            tally.record(Time::from_secs_f64(1.0), key, &Event::Finished(end));
        }
        let batch = tally.collect(Time::from_secs_f64(1.0)).batch;
        let sums = [batch.tokens_in, batch.tokens_cached, batch.tokens_out];
        assert_eq!((batch.counted, sums), (2, [u64::MAX; 3]));
    }
}
