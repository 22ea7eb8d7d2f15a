//! What a newcomer begins with: the newest memory of the fleet, and the shares that are in force there now.

use std::time::Duration;

use redis::RedisResult;

use super::keys::Keys;
use super::link::Address;
use super::moments::Offset;
use super::pack::{MEMORY, REPORT, unpack};
use crate::balance::{Learned, LearnedShares, Share};
use crate::fleet::{ReplicaId, Report};
use crate::live::Clock;
use crate::model::Time;

/// Longest that a start waits for it. A newcomer without it begins with the configured shares and is as the others in some
/// seconds; an engine in the same building answers in milliseconds.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Replicas that are asked, those that were seen last first: one would do, if it is not just leaving.
const ASKED: isize = 8;

/// What a newcomer may begin with.
#[derive(Debug, Default)]
pub struct Inheritance {
    /// The newest memory of the fleet.
    pub learned: Option<Box<Learned>>,
    /// The shares that were in force last.
    pub shares: Option<LearnedShares>,
}

/// What stands in some keys.
type Found = Vec<Option<Vec<u8>>>;

/// Asks for the fleet's newest memory and shares; nothing, in words, if that takes too long or there is none.
pub async fn inherit(address: &Address, keys: &Keys, clock: Clock) -> Result<Inheritance, String> {
    match tokio::time::timeout(PATIENCE, ask(address, keys, clock)).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it did not answer within {PATIENCE:?}")),
    }
}

async fn ask(address: &Address, keys: &Keys, clock: Clock) -> RedisResult<Inheritance> {
    let mut link = address.connect().await?;
    let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut link).await?;
    let engine = seconds.saturating_mul(1_000_000).saturating_add(micros);
    let offset = Offset::between(Time::from_micros(engine), clock.now());
    let mut who = redis::cmd("ZREVRANGE");
    who.arg(keys.named("replicas")).arg(0).arg(ASKED - 1);
    let seen: Vec<Vec<u8>> = who.query_async(&mut link).await?;
    let names = seen
        .iter()
        .filter_map(|name| std::str::from_utf8(name).ok());
    let names: Vec<&str> = names.filter(|it| ReplicaId::new(it).is_ok()).collect();
    if names.is_empty() {
        return Ok(Inheritance::default());
    }
    let of = |kind: &str| -> Vec<String> {
        let keys = names.iter().map(|name| keys.of_replica(kind, name));
        keys.collect()
    };
    let mut pipe = redis::pipe();
    pipe.cmd("MGET").arg(of("memory"));
    pipe.cmd("MGET").arg(of("report"));
    let (memories, reports): (Found, Found) = pipe.query_async(&mut link).await?;
    let now = clock.now();
    // One from the future is of a replica whose clock is ahead: its moments would end waits too late.
    let memories = memories.into_iter().flatten();
    let memories = memories.filter_map(|packed| unpack::<Box<Learned>>(&packed, MEMORY).ok());
    let memories = memories.filter(|learned| learned.at <= now);
    let reports = reports.into_iter().flatten();
    let reports = reports.filter_map(|packed| unpack::<Report>(&packed, REPORT).ok());
    let newest = reports.max_by_key(|report| report.at);
    Ok(Inheritance {
        learned: memories.max_by_key(|learned| learned.at),
        shares: newest.map(|report| shares(&report, offset.to_ours(report.at).min(now))),
    })
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
