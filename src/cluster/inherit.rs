//! What a newcomer begins with: the newest memory of the fleet, the shares that are in force there now, and what operators
//! did. The latter before its first request: a key that was made elsewhere would be refused, and a revoked one accepted.

use std::time::Duration;

use redis::RedisResult;

use super::keys::Keys;
use super::link::{Address, Link};
use super::moments::Offset;
use super::pack::{MEMORY, REPORT, Raw, unpack};
use super::refusal::words;
use super::shared::told_of;
use super::talk::MEMORIES;
use crate::balance::{Learned, LearnedShares, Share};
use crate::fleet::{ReplicaId, Report};
use crate::live::{Clock, Told};
use crate::model::Time;

/// Longest that a start waits for it. A newcomer without it begins with the configured shares and is as the others in some
/// seconds; an engine in the same building answers in milliseconds.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Replicas that are asked, those that were seen last first, and those that put a memory away last: one would do, if it is
/// not just leaving.
const ASKED: isize = 8;

/// Good answers from which a memory is worth more than none: as many as make a target's row no cold start. Doubled, a fleet
/// with little traffic leaves nothing to who comes late.
const GROWN: u64 = 100;

/// What a newcomer may begin with.
#[derive(Debug, Default)]
pub struct Inheritance {
    /// The newest memory of the fleet.
    pub learned: Option<Box<Learned>>,
    /// The shares that were in force last.
    pub shares: Option<LearnedShares>,
    /// Orders, keys and the kill switch.
    pub told: Told,
}

/// Names of replicas, as they stand in the engine.
type Names = Vec<Vec<u8>>;

/// Asks for what operators did, and for the fleet's newest memory and shares. What could be had in time, and why it is not
/// all, in words, where it is not.
pub async fn inherit(
    address: &Address,
    keys: &Keys,
    clock: Clock,
) -> (Inheritance, Option<String>) {
    let mut found = Inheritance::default();
    let asked = tokio::time::timeout(PATIENCE, ask(&mut found, address, keys, clock)).await;
    let why = match asked {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(words(&error)),
        Err(_) => Some(format!("it did not answer within {PATIENCE:?}")),
    };
    (found, why)
}

async fn ask(
    inheritance: &mut Inheritance,
    address: &Address,
    keys: &Keys,
    clock: Clock,
) -> RedisResult<()> {
    let mut link = address.connect().await?;
    let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut link).await?;
    let engine = seconds.saturating_mul(1_000_000).saturating_add(micros);
    let offset = Offset::between(Time::from_micros(engine), clock.now());
    let mut pipe = redis::pipe();
    for of in [MEMORIES, "replicas"] {
        let who = pipe.cmd("ZREVRANGE").arg(keys.named(of));
        who.arg(0).arg(ASKED - 1);
    }
    pipe.hgetall(keys.named("orders"))
        .hgetall(keys.named("keys"));
    let (kept, seen, orders, known): (Names, Names, Raw, Raw) = pipe.query_async(&mut link).await?;
    inheritance.told = told_of(orders, known, clock.unix_seconds());
    let memories = values(&mut link, keys, "memory", &kept).await?;
    let reports = values(&mut link, keys, "report", &seen).await?;
    let now = clock.now();
    let memories = sound(&memories, now);
    let reports = reports.into_iter();
    let reports = reports.filter_map(|packed| unpack::<Report>(&packed, REPORT).ok());
    let newest = reports.max_by_key(|report| report.at);
    inheritance.learned = memories.max_by_key(|learned| (is_grown(learned), learned.at));
    inheritance.shares = newest.map(|report| shares(&report, offset.to_ours(report.at).min(now)));
    Ok(())
}

/// The newest memory of the fleet that is worth taking over by who has begun already; `None` where there is none yet. That of
/// the replica `but` is passed over.
pub(super) async fn memory(
    link: &mut Link,
    keys: &Keys,
    clock: Clock,
    but: Option<&str>,
) -> RedisResult<Option<Box<Learned>>> {
    let mut kept = redis::cmd("ZREVRANGE");
    let kept = kept.arg(keys.named(MEMORIES)).arg(0).arg(ASKED - 1);
    let mut kept: Names = kept.query_async(link).await?;
    kept.retain(|name| but.is_none_or(|but| name != but.as_bytes()));
    let memories = values(link, keys, "memory", &kept).await?;
    let grown = sound(&memories, clock.now()).filter(|learned| is_grown(learned));
    Ok(grown.max_by_key(|learned| learned.at))
}

/// Those of these that can be read and used.
fn sound(packed: &[Vec<u8>], now: Time) -> impl Iterator<Item = Box<Learned>> {
    let memories = packed.iter();
    let memories = memories.filter_map(|packed| unpack::<Box<Learned>>(packed, MEMORY).ok());
    // One from the future is of a replica whose clock is ahead: its moments would end waits too late.
    memories.filter(move |learned| learned.at <= now)
}

/// Whether it is more than that of a replica which has just begun itself: where several begin while the engine is away, each
/// of them puts a newer memory away than the one that knows.
fn is_grown(learned: &Learned) -> bool {
    learned.answers() >= GROWN
}

/// What stands in the keys of this kind of these replicas.
async fn values(
    link: &mut Link,
    keys: &Keys,
    kind: &str,
    names: &Names,
) -> RedisResult<Vec<Vec<u8>>> {
    let names = names
        .iter()
        .filter_map(|name| std::str::from_utf8(name).ok());
    let names = names.filter(|it| ReplicaId::new(it).is_ok());
    let keys: Vec<String> = names.map(|name| keys.of_replica(kind, name)).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut ask = redis::cmd("MGET");
    let found: Vec<Option<Vec<u8>>> = ask.arg(keys).query_async(link).await?;
    Ok(found.into_iter().flatten().collect())
}

/// The shares in force where this report was made. Those that make no whole are passed over by whoever puts them in force.
fn shares(report: &Report, at: Time) -> LearnedShares {
    let routes = report.routes.iter().map(|(name, sums)| {
        let shares = sums.shares.iter();
        let shares = shares.map(|(target, ppm)| {
            let ppm = (*ppm).min(Share::WHOLE.ppm());
            (target.clone(), Share::from_ppm(ppm))
        });
        (name.clone(), shares.collect())
    });
    LearnedShares {
        at,
        routes: routes.collect(),
    }
}

#[cfg(test)]
#[path = "inherit_tests.rs"]
mod tests;
