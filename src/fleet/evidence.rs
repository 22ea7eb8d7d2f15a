//! What a replica measured of one upstream since it began, as sums.
//!
//! Sums are integers: they can be added and taken apart again without a remainder, in any order, on any machine, and print
//! short. They go round at 2⁶⁴; only differences mean anything. Times are in canonical units
//! ([`Reference::default`]), since replicas divide theirs by references of their own.
//!
//! Here is what a tick reads of a [`Batch`]; costs and squares it does not.

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use crate::balance::{
    Batch, Line, MOST_FIRST_TOKEN, MOST_PER_TOKEN, MOST_TOTALS, Moments, Recent, Reference,
    cell_of, middle_of,
};
use crate::model::{Class, Time};

/// What sums of normalised times and of seconds are counted in: a microsecond is a thousandth of the quickest first token.
/// With a tenth of it reports are a seventh longer and nothing is decided otherwise.
const FINE: f64 = 1e-6;
/// What sums of squares and products are counted in.
const COARSE: f64 = 1e-3;
/// Tokens of an answer where nobody counted them. Unary totals are divided by the time of an answer with as many tokens, by
/// the reference of whoever measured; they are re-expressed for the mean of the answers that they come from, since two
/// references agree at no other length: with a fixed one, replicas that had refitted and others that had not yet told each
/// other half too much of short answers, and shares of equal targets swung between nothing and all for a minute.
const TOKENS: f64 = 150.0;
/// First tokens that travel one by one. A queue shows in the last six ([`crate::balance`]'s congestion test); a few more
/// bridge the second between two reports.
const MOST_RECENT: usize = 8;
/// What a first token that travels alone is counted in, in seconds.
const TENTH_MS: f64 = 1e-4;

/// Most of anything that a tick counts: a thousand million requests a second. Sums of a few of them, as a tick makes them, fit
/// into 32 bits; with sixteen times as much they do not, and with a thousandth of it nobody would notice.
const MOST_COUNTED: u32 = 1 << 28;

/// How many, and their sum in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub struct Sum {
    /// How many.
    pub n: u64,
    /// Their sum, in millionths.
    pub micros: u64,
}

/// What was measured of one upstream since its replica began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Attempts sent: streamed, unary.
    #[serde(skip_serializing_if = "is_nothing")]
    pub sent: [u64; 2],
    /// Attempts ended, by [`Class::index`].
    #[serde(skip_serializing_if = "is_nothing")]
    pub ends: [u64; 6],
    /// Streams that were silent for too long.
    #[serde(skip_serializing_if = "is_nothing")]
    pub gaps: u64,
    /// Of the faults, silences included, those of requests that were sent before the last ejection.
    #[serde(skip_serializing_if = "is_nothing")]
    pub stale: u64,
    /// Normalised times to first token.
    #[serde(skip_serializing_if = "is_nothing")]
    pub first: Sum,
    /// Normalised times per token.
    #[serde(skip_serializing_if = "is_nothing")]
    pub each: Sum,
    /// Normalised totals of unary answers.
    #[serde(skip_serializing_if = "is_nothing")]
    pub unary: Sum,
    /// Unary answers that were due by the ages of the requests under way, in millionths.
    #[serde(skip_serializing_if = "is_nothing")]
    pub due: u64,
    /// Seconds of unary answers, by cell.
    #[serde(skip_serializing_if = "Cells::is_empty")]
    pub totals: Cells,
    /// Answers with known tokens, their tokens in, of those cached, and out.
    #[serde(skip_serializing_if = "is_nothing")]
    pub tokens: [u64; 4],
    /// The sums of a [`Line`]: how many, tokens, tokens², seconds in millionths, seconds² and tokens × seconds in thousandths.
    #[serde(skip_serializing_if = "is_nothing")]
    pub line: [u64; 6],
    /// Seconds to the first token, per token and of whole answers by cell, where a route asks how they are distributed.
    #[serde(skip_serializing_if = "is_nothing")]
    pub times: [Cells; 3],
    /// Of those three, requests that failed before they had one.
    #[serde(skip_serializing_if = "is_nothing")]
    pub missing: [u64; 3],
    /// Probes that passed, and that failed.
    #[serde(skip_serializing_if = "is_nothing")]
    pub probes: [u64; 2],
    /// The last times to first token, the newest last, in tenths of a millisecond. A window, not a sum: how many of them are
    /// new, `first.n` says.
    #[serde(skip_serializing_if = "is_nothing")]
    pub recent: Vec<u32>,
}

fn is_nothing<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl From<(u64, u64)> for Sum {
    fn from((n, micros): (u64, u64)) -> Self {
        Self { n, micros }
    }
}

impl From<Sum> for (u64, u64) {
    fn from(sum: Sum) -> Self {
        (sum.n, sum.micros)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float casts saturate, and sums are at least 0"
)]
fn counted_in(unit: f64, value: f64) -> u64 {
    (value / unit).round() as u64
}

/// A count that came from outside, where it may be anything.
pub(super) fn short(value: u64) -> u32 {
    u32::try_from(value).map_or(MOST_COUNTED, |value| value.min(MOST_COUNTED))
}

// === impl Sum ===

impl Sum {
    fn add(&mut self, moments: &Moments, factor: f64) {
        self.n = self.n.wrapping_add(counted_in(1.0, moments.n));
        let micros = counted_in(FINE, moments.sum * factor);
        self.micros = self.micros.wrapping_add(micros);
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            n: self.n.wrapping_sub(earlier.n),
            micros: self.micros.wrapping_sub(earlier.micros),
        }
    }

    /// In units that are `factor` times smaller, no value above `most`: what came from outside may be anything.
    fn moments(self, factor: f64, most: f64) -> Moments {
        let n = f64::from(short(self.n));
        Moments {
            n,
            sum: (self.micros as f64 * FINE * factor).clamp(0.0, most * n),
            squares: 0.0,
        }
    }
}

/// Adds the parts of `more` to those of `sums`.
fn add_all<const N: usize>(sums: &mut [u64; N], more: [u64; N]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum = sum.wrapping_add(more);
    }
}

/// What each of `sums` gained since `earlier`.
fn gained<const N: usize>(sums: [u64; N], earlier: [u64; N]) -> [u64; N] {
    let mut gained = sums;
    for (sum, earlier) in gained.iter_mut().zip(earlier) {
        *sum = sum.wrapping_sub(earlier);
    }
    gained
}

/// Mean tokens of `answers` that have `tokens` together.
fn mean_tokens(answers: u64, tokens: u64) -> f64 {
    if answers == 0 {
        return TOKENS;
    }
    (tokens as f64 / answers as f64).max(1.0)
}

/// What times in units of `reference` are multiplied by to be in canonical ones: to first token, per token, and unary totals
/// of answers with so many `tokens`.
fn factors(reference: Reference, tokens: f64) -> [f64; 3] {
    let canonical = Reference::default();
    let whole = |it: Reference| it.first_token + it.per_token * tokens;
    [
        reference.first_token / canonical.first_token,
        reference.per_token / canonical.per_token,
        whole(reference) / whole(canonical),
    ]
}

// === impl Evidence ===

impl Evidence {
    /// Adds what one tick's batch showed, whose times were divided by `reference`; how they are distributed only where
    /// somebody asks (`timed`).
    pub fn add(&mut self, batch: &Batch, reference: Reference, timed: bool) {
        add_all(&mut self.sent, batch.dispatched.map(u64::from));
        add_all(&mut self.ends, batch.classes.map(u64::from));
        self.gaps = self.gaps.wrapping_add(u64::from(batch.gaps));
        self.stale = self.stale.wrapping_add(u64::from(batch.stale));
        let mean = mean_tokens(u64::from(batch.counted), batch.tokens_out);
        let [first, each, unary] = factors(reference, mean);
        self.first.add(&batch.first_token, first);
        self.each.add(&batch.per_token, each);
        self.unary.add(&batch.unary, unary);
        for seconds in &batch.unary_totals {
            self.totals.add(cell_of(f64::from(*seconds)), 1);
        }
        let (counted, cached) = (u64::from(batch.counted), batch.tokens_cached);
        let tokens = [counted, batch.tokens_in, cached, batch.tokens_out];
        add_all(&mut self.tokens, tokens);
        add_all(&mut self.line, line(&batch.line));
        if timed {
            let times = &batch.times;
            let counts = [&times.first_token, &times.per_token, &times.total];
            for (cells, counts) in self.times.iter_mut().zip(counts) {
                cells.add_all(counts);
            }
            add_all(&mut self.missing, counts.map(|it| it.missing().into()));
        }
        let firsts = batch.recent.iter().filter_map(|recent| recent.first_token);
        self.recent
            .extend(firsts.map(|seconds| short(counted_in(TENTH_MS, seconds))));
        let over = self.recent.len().saturating_sub(MOST_RECENT);
        self.recent.drain(..over);
    }

    /// Whether it can be what `earlier` became: what is counted never gets less.
    pub fn follows(&self, earlier: &Self) -> bool {
        let pairs = self.sent.iter().zip(&earlier.sent);
        let mut pairs = pairs.chain(self.ends.iter().zip(&earlier.ends));
        pairs.all(|(now, then)| now >= then)
    }

    /// What was measured since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let times = [0, 1, 2].map(|i: usize| self.times[i].since(&earlier.times[i]));
        let first = self.first.since(earlier.first);
        // No more than anybody tells of, whatever somebody wrote.
        let new = usize::try_from(first.n).map_or(MOST_RECENT, |new| new.min(MOST_RECENT));
        let known = self.recent.len().saturating_sub(new);
        Self {
            sent: gained(self.sent, earlier.sent),
            ends: gained(self.ends, earlier.ends),
            gaps: self.gaps.wrapping_sub(earlier.gaps),
            stale: self.stale.wrapping_sub(earlier.stale),
            first,
            each: self.each.since(earlier.each),
            unary: self.unary.since(earlier.unary),
            due: self.due.wrapping_sub(earlier.due),
            totals: self.totals.since(&earlier.totals),
            tokens: gained(self.tokens, earlier.tokens),
            line: gained(self.line, earlier.line),
            times,
            missing: gained(self.missing, earlier.missing),
            probes: gained(self.probes, earlier.probes),
            recent: self.recent.iter().skip(known).copied().collect(),
        }
    }

    /// Mean seconds to the first token, and of unary answers, where there were any.
    pub(super) fn seconds(&self) -> [Option<f64>; 2] {
        let canonical = Reference::default();
        let tokens = mean_tokens(self.tokens[0], self.tokens[3]);
        let whole = canonical.first_token + canonical.per_token * tokens;
        let mean = |sum: Sum, unit: f64| {
            (sum.n > 0).then(|| sum.micros as f64 * FINE * unit / sum.n as f64)
        };
        [
            mean(self.first, canonical.first_token),
            mean(self.unary, whole),
        ]
    }

    /// So many unary answers more were due.
    pub(super) fn add_due(&mut self, answers: f64) {
        self.due = self.due.wrapping_add(counted_in(FINE, answers));
    }

    /// Unary answers that were due, at most 2³², whatever came.
    pub(super) fn answers_due(&self) -> f64 {
        f64::from(short(self.due / 1_000_000)) + (self.due % 1_000_000) as f64 * FINE
    }

    /// Answers and faults in it.
    pub(super) fn outcomes(&self) -> (u64, u64) {
        let faults = self.ends[Class::Fault.index()].wrapping_add(self.gaps);
        (self.ends[Class::Ok.index()], faults)
    }

    /// Adds it to a batch whose times are divided by `reference`, as if it had been measured here, just before `now`.
    pub fn add_to(&self, batch: &mut Batch, reference: Reference, now: Time) {
        let sent = batch.dispatched.iter_mut().zip(self.sent);
        for (sum, more) in sent.chain(batch.classes.iter_mut().zip(self.ends)) {
            *sum = sum.saturating_add(short(more)).min(MOST_COUNTED);
        }
        batch.gaps = batch.gaps.saturating_add(short(self.gaps));
        batch.stale = batch.stale.saturating_add(short(self.stale));
        let mean = mean_tokens(self.tokens[0], self.tokens[3]);
        let [first, each, unary] = factors(reference, mean).map(f64::recip);
        let sums = [
            (&mut batch.first_token, self.first, first, MOST_FIRST_TOKEN),
            (&mut batch.per_token, self.each, each, MOST_PER_TOKEN),
            (&mut batch.unary, self.unary, unary, MOST_PER_TOKEN),
        ];
        for (moments, sum, factor, most) in sums {
            let more = sum.moments(factor, most);
            moments.n += more.n;
            moments.sum += more.sum;
        }
        self.add_totals(batch);
        let [counted, tokens_in, cached, out] = self.tokens;
        batch.counted = batch.counted.saturating_add(short(counted));
        batch.tokens_in = batch.tokens_in.saturating_add(tokens_in);
        batch.tokens_cached = batch.tokens_cached.saturating_add(cached);
        batch.tokens_out = batch.tokens_out.saturating_add(out);
        add_line(&mut batch.line, self.line);
        let times = &mut batch.times;
        let counts = [
            &mut times.first_token,
            &mut times.per_token,
            &mut times.total,
        ];
        for (counts, (cells, missing)) in
            counts.into_iter().zip(self.times.iter().zip(self.missing))
        {
            for (cell, count) in cells.iter().filter(|(_, count)| *count > 0) {
                counts.add_cell(cell, count);
            }
            counts.miss_many(short(missing));
        }
        // Not `note`: a tick of a fleet has more first tokens than one of a replica, and all of them show a queue.
        batch.recent.extend(self.recent.iter().map(|tenths| Recent {
            at: now,
            class: Class::Ok,
            first_token: Some(f64::from(*tenths) * TENTH_MS),
        }));
    }

    fn add_totals(&self, batch: &mut Batch) {
        let mut room = MOST_TOTALS;
        for (cell, count) in self.totals.iter().filter(|(_, count)| *count > 0) {
            let fit = usize::try_from(count).unwrap_or(usize::MAX).min(room);
            room -= fit;
            let more = count.saturating_sub(u32::try_from(fit).unwrap_or(u32::MAX));
            batch.unary_totals_more = batch.unary_totals_more.saturating_add(more);
            #[expect(clippy::cast_possible_truncation, reason = "seconds are below 1,100")]
            let seconds = middle_of(cell) as f32;
            batch.unary_totals.extend(std::iter::repeat_n(seconds, fit));
        }
    }
}

fn line(line: &Line) -> [u64; 6] {
    [
        counted_in(1.0, line.n),
        counted_in(1.0, line.tokens),
        counted_in(1.0, line.tokens_squared),
        counted_in(FINE, line.seconds),
        counted_in(COARSE, line.seconds_squared),
        counted_in(COARSE, line.product),
    ]
}

fn add_line(line: &mut Line, more: [u64; 6]) {
    let [n, tokens, tokens_squared, seconds, seconds_squared, product] = more.map(|sum| sum as f64);
    line.n += n;
    line.tokens += tokens;
    line.tokens_squared += tokens_squared;
    line.seconds += seconds * FINE;
    line.seconds_squared += seconds_squared * COARSE;
    line.product += product * COARSE;
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
