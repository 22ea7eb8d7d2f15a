//! The bookkeeper: puts what ended into the books, four times a second.
//!
//! A request is counted where it ended, and the tokens of each of its calls where that call went: a provider bills what was
//! tried there, also where another answered in the end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::live::{Call, Clock, Ledger, RequestEnd, Served};
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
    let mut sweep_at = clock.now();
    loop {
        let is_last = tokio::select! {
            _ = interval.tick() => false,
            changed = stop.changed() => changed.is_err() || *stop.borrow(),
        };
        next = enter(&ledger, &books, next);
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
fn enter(ledger: &Ledger, books: &Books, next: u64) -> u64 {
    let taken = ledger.since(next);
    books.missed(taken.missed);
    if !taken.records.is_empty() {
        books.write(Write::Usage(usage(&taken.records)));
    }
    taken.next
}

/// What these requests used, a row each key.
fn usage(records: &[Arc<RequestEnd>]) -> Vec<(UsageKey, Sums)> {
    let mut rows: HashMap<UsageKey, Sums> = HashMap::new();
    for end in records {
        let row = rows.entry(key(end, end.served.as_ref())).or_default();
        request(row, end);
        for call in &end.calls {
            let row = rows.entry(key(end, Some(&call.served))).or_default();
            self::call(row, call);
        }
    }
    rows.into_iter().collect()
}

fn key(end: &RequestEnd, served: Option<&Served>) -> UsageKey {
    let text = |text: Option<&Arc<str>>| text.map(ToString::to_string).unwrap_or_default();
    let tags = end.tags.as_deref();
    UsageKey {
        minute: end.at.as_micros() / MINUTE_US,
        route: end.route.to_string(),
        target: served.map(|it| it.target().to_owned()).unwrap_or_default(),
        upstream: served.map(|it| it.upstream.to_string()).unwrap_or_default(),
        key: text(end.key.as_ref()),
        team: text(tags.and_then(|tags| tags.team.as_ref())),
        feature: text(tags.and_then(|tags| tags.feature.as_ref())),
        user: text(tags.and_then(|tags| tags.user.as_ref())),
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn request(row: &mut Sums, end: &RequestEnd) {
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
    row.add(&one);
}

fn call(row: &mut Sums, call: &Call) {
    let tokens = call.tokens.unwrap_or_default();
    row.add(&Sums {
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
    });
}

#[cfg(test)]
#[path = "bookkeeper_tests.rs"]
mod tests;
