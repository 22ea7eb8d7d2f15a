//! The controller's dealings with the other replicas: what it measured is left for them, what they measured is folded into
//! its input, and what they are blocked by blocks here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::plan::specs;
use crate::balance::{Input, Learned, Memory, Plan};
use crate::config::{Config, Order};
use crate::fleet::{Folding, Gathering, LEAST_BETWEEN_TICKS, Own};
use crate::live::{Clock, Member, Post, RateGroup, Snapshot};
use crate::model::Time;

/// How often what was learned is left for newcomers, as often as for the books.
const MEMORY_EVERY: Duration = Duration::from_secs(10);

/// Good answers of its own, for each target in the mean, from which a replica that began without what the fleet has learned
/// goes on with what it knows itself: below it a target's row says that it is a cold start. Halved, an engine that comes back
/// after a minute finds replicas that would still be better off with the fleet's memory; doubled, what a replica has measured
/// for minutes is thrown away for what others measured elsewhere.
const ENOUGH: u64 = 100;

/// The controller's hand at the post.
#[derive(Debug)]
pub(super) struct Fleet {
    post: Arc<Post>,
    own: Own,
    folding: Folding,
    memory_at: Time,
    /// The digest of the files' routes, and of which files.
    digest: u64,
    digested: Option<Arc<Config>>,
}

impl Fleet {
    pub(super) fn new(post: Arc<Post>, now: Time) -> Self {
        let replica = post.replica().clone();
        Self {
            own: Own::new(replica.clone(), post.epoch(), env!("CARGO_PKG_VERSION")),
            folding: Folding::new(replica, Time::from_micros(post.epoch())),
            post,
            memory_at: now,
            digest: 0,
            digested: None,
        }
    }

    /// From now on a tick does not wait where one of these upstreams does something that the others should know at once.
    pub(super) fn watch(&self, members: &[Member]) {
        for member in members {
            member.upstream.wakes(self.post.hurry());
        }
    }

    /// Returns when a tick should not wait for its turn; the last one was at `last`.
    pub(super) async fn hurried(fleet: Option<&Self>, clock: Clock, last: Time) {
        let Some(fleet) = fleet else {
            return std::future::pending().await;
        };
        fleet.post.hurry().notified().await;
        let at = last.after(LEAST_BETWEEN_TICKS);
        tokio::time::sleep_until(clock.instant_of(at)).await;
    }

    /// Takes in what this replica measured, and adds what the others did. Who is blocked elsewhere is blocked here.
    pub(super) fn fold(
        &mut self,
        (snapshot, plan): (&Snapshot, &Plan),
        members: &[Member],
        input: &mut Input,
    ) {
        let now = input.now;
        self.own.add(plan, input);
        let theirs = self.post.theirs();
        self.folding.fold(&theirs, plan, now, input);
        let peers = input.upstreams.iter().find_map(|it| it.peers.as_ref());
        if let Some(peers) = peers {
            self.post.stands(peers);
        }
        self.own.heard(plan, input);
        block_groups(snapshot, &theirs, now);
        for (member, told) in members.iter().zip(&input.upstreams) {
            member.upstream.block(told.blocked_until);
        }
        let counted = self.folding.counted();
        let counted = counted.map(|(replica, counted)| (replica.clone(), counted));
        self.post.counted(counted.collect());
    }

    /// What the fleet has learned, where this replica began without it and it came by now: as long as this one has little
    /// evidence of its own, and less than is in that. Not while it has something ejected: what it has just met itself would be
    /// forgotten.
    pub(super) fn bequest(&self, plan: &Plan) -> Option<Learned> {
        if !self.post.is_awaiting() {
            return None;
        }
        let targets = plan.routes().flat_map(|route| &route.targets);
        let targets: BTreeSet<_> = targets.map(|target| &target.upstream).collect();
        let (own, enough) = (self.own.answers(), ENOUGH * targets.len() as u64);
        if own >= enough {
            self.post.awaits_no_more();
            return None;
        }
        let learned = self.post.bequest()?;
        let mine = self.post.mine();
        let mut told = mine.iter().flat_map(|mine| mine.upstreams.values());
        if told.any(|it| it.condition.out.is_some()) || learned.answers() <= own {
            return None;
        }
        self.post.awaits_no_more();
        Some(Learned::clone(&learned))
    }

    /// Leaves what there is to tell after a tick under `snapshot`, which is `files` with `orders` on top.
    pub(super) fn ticked(
        &mut self,
        (plan, memory): (&Plan, &Memory),
        snapshot: &Snapshot,
        (files, orders): (&Arc<Config>, &[Order]),
        now: Time,
    ) {
        let mut digested = self.digested.iter();
        if !digested.any(|it| Arc::ptr_eq(it, files)) {
            self.digested = Some(Arc::clone(files));
            self.digest = of_routes(files);
        }
        let presses = self.own.is_urgent(plan, memory);
        let mut report = self.own.report(plan, memory, self.digest, now);
        report.orders = of_orders(orders);
        report.groups = groups(snapshot)
            .map(|(name, group)| (name.to_owned(), group.blocked_until()))
            .filter(|(_, until)| *until > now)
            .collect();
        self.post.tell(report, presses);
        if now.since(self.memory_at) >= MEMORY_EVERY {
            self.remember(plan, memory, now);
        }
    }

    /// Leaves what was learned.
    pub(super) fn remember(&mut self, plan: &Plan, memory: &Memory, now: Time) {
        self.memory_at = now;
        self.post.remember(Learned::of(plan, memory, now));
    }
}

/// The quota groups of what is in force, each as often as it has providers.
fn groups(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &RateGroup)> {
    let providers = snapshot.providers.values();
    providers.filter_map(|it| Some((it.config.quota_group.as_deref()?, it.group.as_deref()?)))
}

/// A rate limit that another replica ran into is one of the whole quota group here, too: also of its upstreams that no
/// report names, since nobody there has asked for them.
fn block_groups(snapshot: &Snapshot, theirs: &Gathering, now: Time) {
    for (name, group) in groups(snapshot) {
        // Also in the last word of one that has left.
        let told = theirs.lately(now);
        let until = told.filter_map(|heard| heard.report.group_until(name, now));
        if let Some(until) = until.max() {
            group.block(until);
        }
    }
}

/// A digest of what the routes of these files are. The configuration's own has the replica's name in it, so no two would be
/// alike.
fn of_routes(files: &Config) -> u64 {
    let text = serde_json::to_vec(&specs(files)).unwrap_or_default();
    digest(&text)
}

/// A digest of which orders these are; 0 of none.
fn of_orders(orders: &[Order]) -> u64 {
    let mut ids: Vec<&str> = orders.iter().map(|order| order.id.as_str()).collect();
    if ids.is_empty() {
        return 0;
    }
    ids.sort_unstable();
    digest(ids.join("\n").as_bytes())
}

/// FNV-1a, whose two constants are its 64-bit offset basis and prime.
fn digest(text: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
