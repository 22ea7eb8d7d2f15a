//! What the shares that were not in force would have brought, from the books alone.
//!
//! Where a route was in shadow mode, that is what obeying would have changed; where it was obeyed, what the configured weights
//! would have brought. Of each minute the books know what each target's requests cost, how many failed, and how long the
//! first token took; the other shares would have met the same means in other proportions. A target without requests in a
//! minute is taken at its mean of the ten minutes around; what would have gone to one that had none in those either is
//! unsupported: it is taken at its mean of all minutes, and where it is more than a twentieth nothing is said.
//! How it fails: a target is taken to answer the same with more traffic or less, which a queue or a limit of its rate does
//! not, and requests are taken to be alike. [`crate::journal::Whatif`] knows single requests, and refuses where a queue is.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blocks::{Block, FEWEST, estimate};
use super::commit::whole;
use super::error::StoreError;
use super::read::proposals;
use super::rows::Proposal;
use crate::journal::Estimate;
use crate::model::Time;

const MINUTE: u64 = 60_000_000;
/// Minutes of a block. Halved, a target with little traffic has no mean in more of them; doubled, an evening is too few.
const BLOCK: u64 = 10;
/// Shares older than this are nobody's: they are kept once an hour at least, and a slow disk may be late.
const STALE_US: u64 = 2 * 3_600_000_000;
/// Largest part of the other's traffic that may have gone where none went then; as `whatif` has it.
const MOST_UNSUPPORTED: f64 = 0.05;
/// Fewest requests that they may be worth; as `whatif` has it.
const FEWEST_EFFECTIVE: f64 = 100.0;
/// Shares that differ by no more are the same: nearer ones are not written down.
const SAME: f64 = 0.005;
/// So many times one in `n` is the upper end of the 95 % interval where none of `n` failed (the rule of three).
const NONE_SEEN: f64 = 3.0;

/// What an estimate from the books rests on, in words.
pub const RESTS_ON: &str = "the books: each target's own means by minute, weighed by the other shares, over blocks of ten \
    minutes; targets are taken to answer the same with more or less traffic";

/// Which shares would have been in force instead.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Instead {
    /// Those that were only shown: the route was in shadow mode.
    Proposed,
    /// The configured ones: the route was obeyed.
    Configured,
}

/// What other shares would have brought to a route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Foregone {
    /// The route.
    pub route: String,
    /// Which shares.
    pub instead: Instead,
    /// Requests that count.
    pub requests: u64,
    /// Requests that do not, since nobody knows the other shares of then.
    pub left_out: u64,
    /// Whether the other shares were those in force all the time, so that there is nothing to compare.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same: bool,
    /// How many requests of the other's traffic they are worth.
    pub effective: f64,
    /// Part of the other's traffic that would have gone where none went then, 0 to 1.
    pub unsupported: f64,
    /// Why nothing can be said, in words; empty if something can.
    pub refused: Vec<String>,
    /// Dollars of a request.
    pub cost: Option<Estimate>,
    /// Part of the requests that failed, clients' own mistakes apart.
    pub failed: Option<Estimate>,
    /// Seconds to the first token of a streamed answer.
    pub first_token: Option<Estimate>,
}

/// What a target's requests brought in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally {
    requests: f64,
    failed: f64,
    cost: f64,
    seconds: f64,
    streams: f64,
}

/// Sum and count of one of a tally's means.
type Of = fn(&Tally) -> (f64, f64);

const COST: Of = |tally| (tally.cost, tally.requests);
const FAILED: Of = |tally| (tally.failed, tally.requests);
const FIRST_TOKEN: Of = |tally| (tally.seconds, tally.streams);

type Tallies = BTreeMap<String, Tally>;

/// A minute of a route: its tallies by target, and the other shares of then.
#[derive(Clone, Debug)]
struct Minute {
    number: u64,
    tallies: Tallies,
    other: BTreeMap<String, f64>,
    /// Whether they are those in force.
    same: bool,
}

/// By route and minute, the tallies of its targets.
type Used = BTreeMap<String, BTreeMap<u64, Tallies>>;

/// Reads the books and answers.
pub(super) fn foregone(
    connection: &Connection,
    since: Time,
    until: Time,
    route: Option<&str>,
) -> Result<Vec<Foregone>, StoreError> {
    // Of one moment, usage and shares alike.
    let connection = connection.unchecked_transaction()?;
    let used = used(&connection, since, until, route)?;
    let before = Time::from_micros(since.as_micros().saturating_sub(STALE_US));
    let mut shares: BTreeMap<String, Vec<Proposal>> = BTreeMap::new();
    for proposal in proposals(&connection, before, until)? {
        shares
            .entry(proposal.route.clone())
            .or_default()
            .push(proposal);
    }
    let mut all = Vec::new();
    for (route, minutes) in used {
        let Some(shares) = shares.get(&route) else {
            continue;
        };
        all.extend(of_route(&route, minutes, shares));
    }
    Ok(all)
}

fn used(
    connection: &Connection,
    since: Time,
    until: Time,
    route: Option<&str>,
) -> Result<Used, StoreError> {
    let sql = "SELECT route, minute, target, sum(requests), sum(failed), sum(CAST(cost_pico AS REAL)), \
        sum(first_token_us_sum), sum(first_token_n) FROM usage \
        WHERE minute >= ?1 AND minute < ?2 AND (?3 IS NULL OR route = ?3) GROUP BY route, minute, target";
    let first = since.as_micros() / MINUTE;
    let end = until.as_micros().div_ceil(MINUTE);
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params![whole(first), whole(end), route])?;
    let mut used = Used::new();
    while let Some(row) = rows.next()? {
        let minute: i64 = row.get(1)?;
        let number = |i| -> rusqlite::Result<f64> {
            let number: i64 = row.get(i)?;
            Ok(number as f64)
        };
        let tally = Tally {
            requests: number(3)?,
            failed: number(4)?,
            cost: row.get::<_, f64>(5)? / 1e12,
            seconds: number(6)? / 1e6,
            streams: number(7)?,
        };
        let minute = u64::try_from(minute).unwrap_or(0);
        let minutes = used.entry(row.get(0)?).or_default();
        minutes
            .entry(minute)
            .or_default()
            .insert(row.get(2)?, tally);
    }
    Ok(used)
}

/// What would have been of one route: of its time in shadow mode, and of its time in force.
fn of_route(route: &str, minutes: BTreeMap<u64, Tallies>, shares: &[Proposal]) -> Vec<Foregone> {
    let mut stretches: BTreeMap<Instead, Vec<Minute>> = BTreeMap::new();
    let mut left_out = 0.0;
    for (number, tallies) in minutes {
        let Some(proposal) = in_force(shares, number) else {
            left_out += tallies.values().map(|tally| tally.requests).sum::<f64>();
            continue;
        };
        let instead = if proposal.obeyed {
            Instead::Configured
        } else {
            Instead::Proposed
        };
        let other = proposal.shares.iter().map(|it| {
            let share = if proposal.obeyed {
                it.configured
            } else {
                it.share
            };
            (it.target.clone(), share)
        });
        let other = other.filter(|(_, share)| *share > 0.0).collect();
        let mut shares = proposal.shares.iter();
        let same = shares.all(|it| (it.configured - it.share).abs() <= SAME);
        let minute = Minute {
            number,
            tallies,
            other,
            same,
        };
        stretches.entry(instead).or_default().push(minute);
    }
    let found = stretches.into_iter().map(|(instead, minutes)| {
        // They are the route's, and are told once.
        let left_out = std::mem::take(&mut left_out);
        of_stretch(route, instead, &minutes, left_out)
    });
    found.collect()
}

/// The shares that a route's controller had come to by the end of a minute.
fn in_force(shares: &[Proposal], minute: u64) -> Option<&Proposal> {
    let end = (minute + 1) * MINUTE;
    let after = shares.partition_point(|it| it.at.as_micros() < end);
    let last = shares.get(after.checked_sub(1)?)?;
    let is_known = end - last.at.as_micros() <= STALE_US && !last.shares.is_empty();
    is_known.then_some(last)
}

fn of_stretch(route: &str, instead: Instead, minutes: &[Minute], left_out: f64) -> Foregone {
    let blocks: Vec<&[Minute]> = minutes
        .chunk_by(|a, b| a.number / BLOCK == b.number / BLOCK)
        .collect();
    let (requests, effective, floor) = worth(minutes);
    let ever = sums(minutes);
    let weighed = |of: Of| -> Vec<(Block, f64)> {
        let weighed = blocks.iter().map(|block| weigh(block, &ever, of));
        weighed.collect()
    };
    let by_requests = weighed(FAILED);
    let unsupported: f64 = by_requests.iter().map(|(_, part)| part).sum();
    let mut found = Foregone {
        route: route.to_owned(),
        instead,
        requests: rounded(requests),
        left_out: rounded(left_out),
        same: minutes.iter().all(|minute| minute.same),
        effective,
        unsupported: unsupported / requests.max(1.0),
        refused: Vec::new(),
        cost: None,
        failed: None,
        first_token: None,
    };
    if found.same {
        return found;
    }
    found.refused = refusals(&found, blocks.len());
    if found.refused.is_empty() {
        let mean = |weighed: Vec<(Block, f64)>| {
            let blocks: Vec<Block> = weighed.into_iter().map(|(block, _)| block).collect();
            estimate(&blocks)
        };
        found.cost = mean(weighed(COST));
        found.first_token = mean(weighed(FIRST_TOKEN));
        found.failed = mean(by_requests).map(|it| no_surer_than(it, floor));
    }
    found
}

/// Requests; how many of the other's they are worth (Kish's effective sample size over the targets); and the failures that may
/// have gone unseen, as a part of the other's traffic.
fn worth(minutes: &[Minute]) -> (f64, f64, f64) {
    let (mut requests, mut targets) = (0.0, BTreeMap::<&str, (f64, f64)>::new());
    for minute in minutes {
        let here: f64 = minute.tallies.values().map(|tally| tally.requests).sum();
        requests += here;
        for (target, share) in &minute.other {
            targets.entry(target).or_default().0 += share * here;
        }
        for (target, tally) in &minute.tallies {
            targets.entry(target).or_default().1 += tally.requests;
        }
    }
    let met = targets
        .values()
        .filter(|(wanted, had)| *wanted > 0.0 && *had > 0.0);
    let parts = met.map(|(wanted, had)| (wanted / f64::max(requests, 1.0), *had));
    let parts: Vec<(f64, f64)> = parts.collect();
    let spread: f64 = parts.iter().map(|(share, had)| share * share / had).sum();
    let unseen = parts.iter().map(|(share, had)| NONE_SEEN * share / had);
    let effective = if spread > 0.0 { 1.0 / spread } else { 0.0 };
    (requests, effective, unseen.fold(0.0, f64::max))
}

/// What each target did in all of these minutes.
fn sums(minutes: &[Minute]) -> Tallies {
    let mut sums = Tallies::new();
    for (target, tally) in minutes.iter().flat_map(|minute| &minute.tallies) {
        let sum = sums.entry(target.clone()).or_default();
        sum.requests += tally.requests;
        sum.failed += tally.failed;
        sum.cost += tally.cost;
        sum.seconds += tally.seconds;
        sum.streams += tally.streams;
    }
    sums
}

/// A block's sums, and how many of the other's requests would have gone where none went. What these would have met is what
/// the target did `ever`: the mean of the others in its place would draw the estimate towards them.
fn weigh(minutes: &[Minute], ever: &Tallies, of: Of) -> (Block, f64) {
    let around = sums(minutes);
    let mean = |tallies: &Tallies, target: &str| {
        let (sum, count) = of(tallies.get(target)?);
        (count > 0.0).then(|| sum / count)
    };
    let (mut block, mut unsupported) = (Block::default(), 0.0);
    for minute in minutes {
        let (mut sum, mut count) = (0.0, 0.0);
        for (part, n) in minute.tallies.values().map(of) {
            sum += part;
            count += n;
        }
        let (mut other, mut weighed, mut supported) = (0.0, 0.0, 0.0);
        let whole: f64 = minute.other.values().sum();
        for (target, share) in &minute.other {
            let known = mean(&minute.tallies, target).or_else(|| mean(&around, target));
            supported += known.map_or(0.0, |_| *share);
            if let Some(mean) = known.or_else(|| mean(ever, target)) {
                other += share * mean;
                weighed += share;
            }
        }
        if weighed <= 0.0 || whole <= 0.0 {
            unsupported += count;
            continue;
        }
        unsupported += count * (1.0 - supported / whole).max(0.0);
        block.count += count;
        block.then += sum;
        block.other += count * other / weighed;
    }
    (block, unsupported)
}

fn refusals(found: &Foregone, blocks: usize) -> Vec<String> {
    let mut words = Vec::new();
    if found.unsupported > MOST_UNSUPPORTED {
        words.push(format!(
            "{:.1} % of the traffic would have gone where none went then (5 % are too many): nobody knows what would have come of it",
            100.0 * found.unsupported
        ));
    }
    if found.effective < FEWEST_EFFECTIVE || blocks < FEWEST {
        words.push(format!(
            "not enough evidence: {} requests in {blocks} blocks of ten minutes are worth {:.0}; 100 in {FEWEST} are the least",
            found.requests, found.effective
        ));
    }
    words
}

/// That no failure was seen is no proof that there is none.
fn no_surer_than(mut found: Estimate, floor: f64) -> Estimate {
    let other = &mut found.other;
    other.low = other.low.min(other.value - floor).max(0.0);
    other.high = other.high.max(other.value + floor).min(1.0);
    let change = &mut found.change;
    change.low = change.low.min(change.value - floor);
    change.high = change.high.max(change.value + floor);
    found
}

fn rounded(count: f64) -> u64 {
    // Counts of requests, far below 2^53.
    format!("{count:.0}").parse().unwrap_or(0)
}

#[cfg(test)]
#[path = "foregone_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "coverage_tests.rs"]
mod coverage_tests;
