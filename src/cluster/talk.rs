//! What a round says, and what it hears.
//!
//! Four commands in one trip: `MGET` of the reports and of what the rest of the round begins with, `SET` of the own one,
//! `ZADD` to be seen, `ZRANGEBYSCORE` to see who is there. Who is new is read a round later. A hurried round has the first
//! first alone.
//!
//! Where replicas tell each other at each tick what has changed ([`super::changes`]), every other round says no more than that
//! this replica is there: whole reports only mend what was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use redis::{Pipeline, RedisResult};

use super::changes::{Changes, heard};
use super::keys::Keys;
use super::link::Link;
use super::moments::{Offset, translate};
use super::pack::{MEMORY, REPORT, Raw, pack, texts};
use super::part::Versions;
use super::schema::Schemas;
use super::stranger::understood;
use super::twins::Twins;
use crate::fleet::{Gathering, LIVE, ReplicaId, Report, telling};
use crate::live::{Clock, Post, Topics, Twin};
use crate::model::Time;

/// How long a report stays in the engine: twice as long as it counts, so that a slow round finds it.
const REPORT_LIFE: Duration = Duration::from_secs(10);
/// How long what a replica learned stays: a fleet that was stopped over night goes on from it.
const MEMORY_LIFE: Duration = Duration::from_secs(86_400);
/// Who put a memory away, and when: a fleet that was stopped leaves no other name behind.
pub(super) const MEMORIES: &str = "memories";
/// How long it is known that a replica was there.
const SEEN_LIFE: Duration = Duration::from_secs(3_600);
/// How far in the future a replica may have been seen: readings of the engine's clock differ by less.
const AHEAD_SEEN: Duration = Duration::from_secs(5);
/// Rounds between two readings of the engine's clock: clocks drift apart by milliseconds in that time.
const CLOCK_EVERY: u64 = 30;
/// Rounds between two sweeps.
const SWEEP_EVERY: u64 = 60;
/// Up to so long between two tellings of each replica, every other round is enough for whole reports.
const LOOKS_LESS: Duration = Duration::from_millis(500);
/// Most replicas that are listened to.
const MOST: usize = 1_024;
/// Where the versions of orders and keys stand.
const VERSIONS: [&str; 2] = ["orders:v", "keys:v"];

/// What was said and heard so far.
#[derive(Debug)]
pub(super) struct Talk {
    keys: Keys,
    own: ReplicaId,
    /// When this process began.
    epoch: u64,
    gathering: Gathering,
    /// Names of replicas that are there, in order, this one among them.
    live: Vec<String>,
    offset: Offset,
    rounds: u64,
    changes: Changes,
    /// Whether the next round says and reads everything.
    looks: bool,
    twins: Twins,
    /// When the latest processes began that spoke since the last whole round, by name.
    met: BTreeMap<ReplicaId, u64>,
    /// Replicas whose reports cannot be read, which was said.
    useless: BTreeSet<String>,
    /// Whether it was said that the own report is too large.
    is_large: bool,
    schemas: Schemas,
    /// Versions of the orders and of the keys, as the round under way has read them.
    versions: Versions,
}

impl Talk {
    pub(super) fn new(post: &Post, keys: Keys) -> Self {
        Self {
            keys,
            own: post.replica().clone(),
            epoch: post.epoch(),
            gathering: Gathering::default(),
            live: vec![post.replica().to_string()],
            offset: Offset::default(),
            rounds: 0,
            changes: Changes::default(),
            looks: true,
            twins: Twins::default(),
            met: BTreeMap::new(),
            useless: BTreeSet::new(),
            is_large: false,
            schemas: Schemas::default(),
            versions: Versions::default(),
        }
    }

    /// The replicas that are there.
    pub(super) fn live(&self) -> &[String] {
        &self.live
    }

    /// Versions of the orders and of the keys, as they were read last.
    pub(super) const fn versions(&self) -> &Versions {
        &self.versions
    }

    /// A moment by the engine's clock.
    pub(super) fn engine_time(&self, ours: Time) -> Time {
        self.offset.to_theirs(ours)
    }

    /// The first words on a new connection: what time it is, who is there, and in which language.
    pub(super) async fn greet(&mut self, link: &mut Link, clock: Clock) -> RedisResult<()> {
        self.read_clock(link, clock).await?;
        self.rounds = 0;
        // A connection that broke may have broken an answer: what stands there now is not known.
        self.changes.forget();
        self.looks = true;
        let mut pipe = redis::pipe();
        Schemas::ask(&mut pipe, &self.keys);
        self.ask_who(&mut pipe, clock);
        let (schemas, seen): (Raw, Vec<Vec<u8>>) = pipe.query_async(link).await?;
        let schemas = texts(schemas);
        self.schemas
            .hear(&schemas, &self.keys, self.engine_time(clock.now()));
        self.see(&seen);
        Ok(())
    }

    /// A round.
    pub(super) async fn round(
        &mut self,
        link: &mut Link,
        post: &Post,
        clock: Clock,
    ) -> RedisResult<()> {
        self.rounds += 1;
        if self.rounds.is_multiple_of(CLOCK_EVERY) {
            self.read_clock(link, clock).await?;
        }
        let mut pipe = redis::pipe();
        let is_full = std::mem::replace(&mut self.looks, true);
        let asked = is_full.then(|| self.ask_reports(&mut pipe));
        let mine = post.mine().filter(|_| is_full);
        let said = mine.filter(|mine| self.say(&mut pipe, mine));
        let now = millis(self.engine_time(clock.now()));
        let seen = self.keys.named("replicas");
        pipe.zadd(&seen, self.own.as_str(), now).ignore();
        if asked.is_some() {
            self.ask_who(&mut pipe, clock);
        }
        self.put_memory(&mut pipe, post, now);
        if self.rounds.is_multiple_of(SWEEP_EVERY) || self.rounds == 1 {
            let old = now.saturating_sub(millis_of(SEEN_LIFE));
            pipe.zrembyscore(&seen, "-inf", old).ignore();
            // Who is there says so again in a second; who is not would be there until the engine's clock comes to it, if
            // that was set back.
            let ahead = now.saturating_add(millis_of(AHEAD_SEEN));
            pipe.zrembyscore(&seen, ahead, "+inf").ignore();
            pipe.pexpire(&seen, signed(SEEN_LIFE)).ignore();
            let now = self.engine_time(clock.now());
            Schemas::say(&mut pipe, &self.keys, now);
        }
        if let Some(asked) = asked {
            self.looks = telling(self.live.len()) > LOOKS_LESS;
            let (found, seen): (Vec<Option<Vec<u8>>>, Vec<Vec<u8>>) =
                pipe.query_async(link).await?;
            self.hear(asked, found, clock.now());
            self.see(&seen);
        } else {
            let () = pipe.query_async(link).await?;
        }
        if let Some(said) = said {
            self.changes.put(said);
        }
        self.heard(post, clock);
        Ok(())
    }

    /// What is made of news between two rounds: what stands in the engine is read again.
    pub(super) async fn hurry(
        &mut self,
        link: &mut Link,
        post: &Post,
        clock: Clock,
    ) -> RedisResult<()> {
        let mut pipe = redis::pipe();
        let asked = self.ask_reports(&mut pipe);
        let (found,): (Vec<Option<Vec<u8>>>,) = pipe.query_async(link).await?;
        self.hear(asked, found, clock.now());
        self.heard(post, clock);
        Ok(())
    }

    /// The next round reads what stands in the engine.
    pub(super) const fn look(&mut self) {
        self.looks = true;
    }

    /// Whether changes may be told at `now`; `presses` is whether they should not wait.
    pub(super) fn may_tell(&mut self, now: Time, presses: bool) -> bool {
        self.changes.are_due(now, self.live.len(), presses)
    }

    /// Tells what has changed in the own report, and whether that presses.
    pub(super) async fn tell(
        &mut self,
        link: &mut Link,
        post: &Post,
        (now, presses): (Time, bool),
    ) -> RedisResult<()> {
        let Some(mine) = post.mine() else {
            return Ok(());
        };
        let what = (&*mine, presses, post.drains());
        let when = (now, self.offset);
        self.changes.tell(link, &self.keys, what, when).await
    }

    /// Takes in what another told of its report; whether that presses, if it is news. Of whom nothing is known yet, the next
    /// round reads all; who leaves is not asked for any more.
    pub(super) fn hear_change(&mut self, packed: &[u8], now: Time) -> Option<bool> {
        let delta = heard(packed, self.offset, now)?;
        let (replica, epoch) = (&delta.changed.replica, delta.changed.epoch);
        if *replica == self.own {
            self.twins.hear(&delta, self.epoch, now);
            return None;
        }
        let known = self.gathering.of(replica);
        if !delta.leaves && known.is_none_or(|known| known.report.epoch < epoch) {
            self.meet(replica, epoch);
        }
        let is_news = self.gathering.hear_change(&delta, now);
        let known = self.gathering.of(replica).map(|known| known.report.epoch);
        let latest = known.max(self.met.get(replica).copied());
        if delta.leaves && latest.is_none_or(|latest| latest <= epoch) {
            self.live.retain(|name| name != replica.as_str());
        }
        is_news.then_some(delta.presses)
    }

    /// A process speaks of which no report is known: the next round reads what it has said, whether or not it was seen yet.
    fn meet(&mut self, replica: &ReplicaId, epoch: u64) {
        self.looks = true;
        if self.met.len() < MOST {
            let latest = self.met.entry(replica.clone()).or_default();
            *latest = epoch.max(*latest);
        }
        let place = self
            .live
            .binary_search_by(|name| name.as_str().cmp(replica.as_str()));
        if let Err(place) = place
            && self.live.len() < MOST
        {
            self.live.insert(place, replica.to_string());
        }
    }

    /// What is known of the others.
    pub(super) const fn gathering(&self) -> &Gathering {
        &self.gathering
    }

    /// Hands over what the others say.
    fn heard(&mut self, post: &Post, clock: Clock) {
        self.gathering.exchanged(clock.now());
        post.heard(self.gathering.clone());
    }

    /// The others need not wait until they miss this replica. Who hears of it finds it among those who are there no more, so
    /// that comes first; where a later process goes on under the name, the name stays there.
    pub(super) async fn leave(
        &mut self,
        link: &mut Link,
        post: &Post,
        now: Time,
    ) -> RedisResult<()> {
        let mut pipe = redis::pipe();
        if !self.twins.go_on_after(self.epoch, now) {
            pipe.zrem(self.keys.named("replicas"), self.own.as_str())
                .ignore();
        }
        if let Some(mine) = post.mine() {
            self.changes.last(&mut pipe, &self.keys, &mine, self.offset);
        }
        pipe.query_async(link).await
    }

    /// Tells the others that there is news.
    pub(super) async fn publish(&self, link: &mut Link, topics: Topics) -> RedisResult<()> {
        let mut pipe = redis::pipe();
        for topic in topics.each() {
            let text = format!("{} {}", topic.label(), self.own);
            pipe.publish(self.keys.named("news"), text).ignore();
        }
        pipe.query_async(link).await
    }

    async fn read_clock(&mut self, link: &mut Link, clock: Clock) -> RedisResult<()> {
        let before = clock.now();
        let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(link).await?;
        let after = clock.now();
        let theirs = seconds.saturating_mul(1_000_000).saturating_add(micros);
        // It was read about half way there and back.
        let ours = before.after(after.since(before) / 2);
        self.offset = Offset::between(Time::from_micros(theirs), ours);
        Ok(())
    }

    /// Another process that calls itself as this replica does.
    pub(super) fn twin(&mut self, now: Time) -> Option<Twin> {
        self.twins.met(now)
    }

    /// Asks for the reports of the others who are there, and then for the versions; the names, in the order of the answers.
    fn ask_reports(&self, pipe: &mut Pipeline) -> Vec<String> {
        let own = self.own.as_str();
        let others = self.live.iter().filter(|name| *name != own);
        let asked: Vec<String> = others.cloned().collect();
        let keys = asked
            .iter()
            .map(|name| self.keys.of_replica("report", name));
        let keys = keys.chain(VERSIONS.map(|name| self.keys.named(name)));
        pipe.cmd("MGET").arg(keys.collect::<Vec<_>>());
        asked
    }

    /// Asks who was seen within the last seconds.
    fn ask_who(&self, pipe: &mut Pipeline, clock: Clock) {
        let live = Duration::from_secs_f64(LIVE);
        let since = millis(self.engine_time(clock.now())).saturating_sub(millis_of(live));
        let seen = self.keys.named("replicas");
        pipe.zrangebyscore_limit(seen, since, "+inf", 0, signed_count(MOST));
    }

    /// Puts the own report into the engine, unless it is too large.
    fn say(&mut self, pipe: &mut Pipeline, mine: &Report) -> bool {
        let mut report = mine.clone();
        translate(&mut report, |ours| self.offset.to_theirs(ours));
        let packed = match pack(&report, REPORT) {
            Ok(packed) => packed,
            Err(error) => {
                if !std::mem::replace(&mut self.is_large, true) {
                    tracing::warn!(%error, "this replica's report cannot be told to the others");
                }
                return false;
            }
        };
        self.is_large = false;
        let key = self.keys.of_replica("report", self.own.as_str());
        pipe.pset_ex(key, &packed, millis_of(REPORT_LIFE)).ignore();
        true
    }

    /// Puts what was learned into the engine at `now`, where it is new.
    fn put_memory(&self, pipe: &mut Pipeline, post: &Post, now: u64) {
        let Some(learned) = post.take_memory() else {
            return;
        };
        match pack(&*learned, MEMORY) {
            Ok(packed) => {
                let key = self.keys.of_replica("memory", self.own.as_str());
                pipe.pset_ex(key, packed, millis_of(MEMORY_LIFE)).ignore();
                let who = self.keys.named(MEMORIES);
                let old = now.saturating_sub(millis_of(MEMORY_LIFE));
                pipe.zadd(&who, self.own.as_str(), now).ignore();
                pipe.zrembyscore(&who, "-inf", old).ignore();
                pipe.pexpire(&who, signed(MEMORY_LIFE)).ignore();
            }
            Err(error) => tracing::debug!(%error, "what was learned cannot be put away"),
        }
    }

    /// Takes in what was said under these names, and the versions after it.
    fn hear(&mut self, asked: Vec<String>, mut reports: Vec<Option<Vec<u8>>>, now: Time) {
        let versions = reports.split_off(asked.len().min(reports.len()));
        let versions = versions.into_iter().map(|it| String::from_utf8(it?).ok());
        let mut versions = versions.chain(std::iter::repeat(None));
        self.versions = std::array::from_fn(|_| versions.next().flatten());
        self.met.clear();
        for (name, packed) in asked.into_iter().zip(reports) {
            let Some(packed) = packed else { continue };
            match understood(&name, &packed, self.offset, now) {
                Ok(report) => {
                    self.useless.remove(&name);
                    self.forget_predecessor(&report, now);
                    self.gathering.hear(Arc::new(report), now);
                }
                Err(why) if self.useless.insert(name.clone()) => tracing::warn!(
                    replica = name,
                    why,
                    "what this replica says cannot be read here, and is passed over: is it of another version?"
                ),
                Err(_) => {}
            }
        }
    }

    /// A replica may begin again by a clock that is behind the one before: a later process then has a lower epoch, by which
    /// it would be taken for the earlier one for as long as that is remembered. What stands under its name was written last,
    /// so it holds once the other one has left, or been silent for so long that it is not there, if it was made after that. Not
    /// what the process of before left there itself, which a later one outlived by less than reports stay.
    fn forget_predecessor(&mut self, report: &Report, now: Time) {
        let known = self.gathering.of(&report.replica);
        let is_over = known.is_some_and(|known| {
            let is_there = now.secs_since(known.at) < LIVE && !self.gathering.has_left(known);
            // Not what a process of before it left there, which stays for some seconds.
            let is_newer = report.at > known.at;
            let has_left = self.gathering.left(&report.replica) == Some(report.epoch);
            report.epoch < known.report.epoch && !is_there && is_newer && !has_left
        });
        if is_over {
            self.gathering.forget(&report.replica);
        }
    }

    fn see(&mut self, seen: &[Vec<u8>]) {
        let names = seen
            .iter()
            .filter_map(|name| std::str::from_utf8(name).ok());
        let names = names.filter(|name| ReplicaId::new(name).is_ok());
        self.live = names.map(str::to_owned).collect();
        if !self.live.iter().any(|name| name == self.own.as_str()) {
            self.live.push(self.own.to_string());
        }
        self.live.sort();
        let live = &self.live;
        self.useless.retain(|name| live.binary_search(name).is_ok());
    }
}

pub(super) fn millis(time: Time) -> u64 {
    time.as_micros() / 1_000
}

pub(super) fn millis_of(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn signed(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn signed_count(count: usize) -> isize {
    isize::try_from(count).unwrap_or(isize::MAX)
}

#[cfg(test)]
#[path = "talk_tests.rs"]
mod tests;
