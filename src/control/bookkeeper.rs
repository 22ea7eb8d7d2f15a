//! The bookkeeper: puts what ended into the books, four times a second.
//!
//! A request is counted where it ended, and the tokens of each of its calls where that call went: a provider bills what was
//! tried there, also where another answered in the end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::tag_values::{Values, seen_today};
use crate::live::{Call, Clock, Ledger, RequestEnd, Served, Tags};
use crate::model::PicoUsd;
use crate::store::{Books, Sums, UsageKey, Write};

/// Between two looks at the ledger. With the half a second between two transactions it must stay below a second, which is
/// what a killed process may lose; and at 32,000 requests a second the ledger holds no more than this.
const EVERY: Duration = Duration::from_millis(250);
/// Between two sweeps of the books.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const MINUTE_US: u64 = 60_000_000;

/// Keeps the books until `stop` turns true, and takes what ended until then.
pub async fn keep_books(
    ledger: Arc<Ledger>,
    books: Books,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next = 0;
    let mut values = Values::default();
    let mut sweep_at = clock.now();
    let (of_before, began) = (books.clone(), clock.now());
    let reading = tokio::task::spawn_blocking(move || seen_today(&of_before, began));
    let mut reading = Some(reading);
    loop {
        if let Some(task) = reading.take_if(|task| task.is_finished()) {
            match task.await {
                Ok(Some(seen)) => values.merge(seen),
                Ok(None) => {}
                Err(_) => tracing::error!(
                    "which tags the day has seen is not known: reading the books went wrong"
                ),
            }
        }
        let is_last = tokio::select! {
            _ = interval.tick() => false,
            changed = stop.changed() => changed.is_err() || *stop.borrow(),
        };
        next = enter(&ledger, &books, next, &mut values);
        let now = clock.now();
        if now >= sweep_at {
            sweep_at = now.after(SWEEP_EVERY);
            books.write(Write::Sweep(now));
        }
        if is_last {
            return;
        }
    }
}

/// Enters what ended since the record `next`; gives the one to go on from.
fn enter(ledger: &Ledger, books: &Books, next: u64, values: &mut Values) -> u64 {
    let taken = ledger.since(next);
    books.missed(taken.missed);
    if !taken.records.is_empty() {
        books.write(Write::Usage(usage(&taken.records, values)));
    }
    taken.next
}

/// What these requests used, a row each key.
fn usage(records: &[Arc<RequestEnd>], values: &mut Values) -> Vec<(UsageKey, Sums)> {
    let mut found = Rows::default();
    for end in records {
        let mut own = request(end);
        for call in &end.calls {
            // Nearly always it is the only one, and where the request ended.
            if end.served.as_ref() == Some(&call.served) {
                own.add(&self::call(call));
            } else {
                found.add(Key::new(end, Some(&call.served)), &self::call(call));
            }
        }
        found.add(Key::new(end, end.served.as_ref()), &own);
    }
    let mut rows: HashMap<UsageKey, Sums> = HashMap::new();
    for (key, sums) in found.in_order {
        let mut key = key.to_owned();
        values.bound(&mut key);
        rows.entry(key).or_default().add(&sums);
    }
    rows.into_iter().collect()
}

/// Rows, and where each stands among them.
#[derive(Debug, Default)]
struct Rows<'a> {
    /// In the order in which they were first seen.
    in_order: Vec<(Key<'a>, Sums)>,
    places: HashMap<Key<'a>, usize>,
}

/// So many of the newest rows are compared with a key before it is hashed, which takes as long as comparing with ten.
const NEWEST: usize = 6;

impl<'a> Rows<'a> {
    fn add(&mut self, key: Key<'a>, sums: &Sums) {
        let next = self.in_order.len();
        let mut newest = self.in_order.iter().rev().take(NEWEST);
        let place = match newest.position(|(known, _)| *known == key) {
            Some(back) => next - 1 - back,
            None => *self.places.entry(key).or_insert(next),
        };
        match self.in_order.get_mut(place) {
            Some((_, row)) => row.add(sums),
            None => self.in_order.push((key, *sums)),
        }
    }
}

/// What a row is about, as the records have it: texts are copied once a row, not once a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key<'a> {
    minute: u64,
    route: &'a str,
    served: Option<&'a Served>,
    client: Option<&'a str>,
    tags: Option<&'a Tags>,
}

impl<'a> Key<'a> {
    fn new(end: &'a RequestEnd, served: Option<&'a Served>) -> Self {
        Self {
            minute: end.at.as_micros() / MINUTE_US,
            route: &end.route,
            served,
            client: end.key.as_deref(),
            tags: end.tags.as_deref(),
        }
    }

    fn to_owned(self) -> UsageKey {
        let text = |text: Option<&Arc<str>>| text.map(ToString::to_string).unwrap_or_default();
        let (served, tags) = (self.served, self.tags);
        UsageKey {
            minute: self.minute,
            route: self.route.to_owned(),
            target: served.map(|it| it.target().to_owned()).unwrap_or_default(),
            upstream: served.map(|it| it.upstream.to_string()).unwrap_or_default(),
            key: self.client.unwrap_or_default().to_owned(),
            team: text(tags.and_then(|tags| tags.team.as_ref())),
            feature: text(tags.and_then(|tags| tags.feature.as_ref())),
            user: text(tags.and_then(|tags| tags.user.as_ref())),
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn request(end: &RequestEnd) -> Sums {
    let mut one = Sums {
        requests: 1,
        failed: u64::from(end.is_failed()),
        ..Sums::default()
    };
    if let Some(first) = end.first_content {
        one.first_token_us_sum = micros(first);
        one.first_token_n = 1;
    }
    if end.is_good() {
        one.total_us_sum = micros(end.total);
        one.total_n = 1;
    }
    one
}

fn call(call: &Call) -> Sums {
    let tokens = call.tokens.unwrap_or_default();
    Sums {
        calls: 1,
        tokens_in: tokens.input,
        tokens_cached: tokens.cached_input,
        tokens_cache_write: tokens.cache_write,
        tokens_out: tokens.output,
        tokens_reasoning: tokens.reasoning,
        cost: call.cost.unwrap_or(PicoUsd::ZERO),
        unpriced: u64::from(call.tokens.is_some() && call.cost.is_none()),
        estimated: u64::from(call.estimated),
        ..Sums::default()
    }
}

#[cfg(test)]
#[path = "bookkeeper_tests.rs"]
mod tests;
