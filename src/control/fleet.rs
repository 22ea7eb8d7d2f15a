//! The controller's dealings with the other replicas: what it measured is left for them, what they measured is folded into
//! its input, and what they are blocked by blocks here.

use std::sync::Arc;
use std::time::Duration;

use crate::balance::{Input, Learned, Memory, Plan};
use crate::config::Config;
use crate::fleet::{Folding, Gathering, Own};
use crate::live::{Member, Post, RateGroup, Snapshot, Topic};
use crate::model::{Time, UpstreamName};

/// How often what was learned is left for newcomers, as often as for the books.
const MEMORY_EVERY: Duration = Duration::from_secs(10);

/// Between two times that faults and late requests are news: as in the worlds that the figures of several replicas are of.
const RING_EVERY: Duration = Duration::from_millis(500);

/// The controller's hand at the post.
#[derive(Debug)]
pub(super) struct Fleet {
    post: Arc<Post>,
    own: Own,
    folding: Folding,
    memory_at: Time,
    /// When faults or late requests were last made news.
    rung_at: Time,
    /// Who was out after the last tick, and until when who was blocked, by this replica's own requests: news, if it changes.
    out: Vec<UpstreamName>,
    blocked: Vec<(UpstreamName, Time)>,
    /// The digest of the plan, and of which configuration's.
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
            rung_at: Time::ZERO,
            out: Vec::new(),
            blocked: Vec::new(),
            digest: 0,
            digested: None,
        }
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
        self.notice_blocks(plan, input);
        let theirs = self.post.theirs();
        self.folding.fold(&theirs, plan, now, input);
        self.own.heard(plan, input);
        // What the others said is no news of this replica's.
        self.blocked = blocked(plan, input);
        block_groups(snapshot, &theirs, now);
        for (member, told) in members.iter().zip(&input.upstreams) {
            member.upstream.block(told.blocked_until);
        }
        let counted = self.folding.counted();
        let counted = counted.map(|(replica, counted)| (replica.clone(), counted));
        self.post.counted(counted.collect());
    }

    /// A block that this replica found out is news.
    fn notice_blocks(&mut self, plan: &Plan, input: &Input) {
        let is_known = |(name, until): &(UpstreamName, Time)| {
            let known = self.blocked.iter().find(|(known, _)| known == name);
            known.is_some_and(|(_, known)| known >= until)
        };
        if !blocked(plan, input).iter().all(is_known) {
            self.post.bell().ring(Topic::Health);
        }
    }

    /// Leaves what there is to tell after a tick under `snapshot`.
    pub(super) fn ticked(&mut self, plan: &Plan, memory: &Memory, snapshot: &Snapshot, now: Time) {
        let config = &snapshot.config;
        if self
            .digested
            .as_ref()
            .is_none_or(|it| !Arc::ptr_eq(it, config))
        {
            self.digested = Some(Arc::clone(config));
            self.digest = digest(plan);
        }
        let is_urgent = self.own.is_urgent(plan, memory);
        let mut report = self.own.report(plan, memory, self.digest, now);
        report.groups = groups(snapshot)
            .map(|(name, group)| (name.to_owned(), group.blocked_until()))
            .filter(|(_, until)| *until > now)
            .collect();
        self.post.tell(report);
        let out = plan.upstreams().iter().zip(memory.out());
        let out = out.filter(|(_, out)| out.is_some());
        let out: Vec<_> = out.map(|(name, _)| name.clone()).collect();
        let may_ring = now.since(self.rung_at) >= RING_EVERY;
        if (is_urgent && may_ring) || out != self.out {
            self.rung_at = now;
            self.out = out;
            self.post.bell().ring(Topic::Health);
        }
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

/// Who is blocked, and until when.
fn blocked(plan: &Plan, input: &Input) -> Vec<(UpstreamName, Time)> {
    let told = plan.upstreams().iter().zip(&input.upstreams);
    let blocked = told.filter(|(_, told)| told.blocked_until > input.now);
    blocked
        .map(|(name, told)| (name.clone(), told.blocked_until))
        .collect()
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
        let told = theirs.live(now);
        let until = told.filter_map(|heard| heard.report.group_until(name, now));
        if let Some(until) = until.max() {
            group.block(until);
        }
    }
}

/// A hash of what a plan's routes are. The configuration's own has the replica's name in it, so no two would be alike.
/// FNV-1a, whose two constants are its 64-bit offset basis and prime.
fn digest(plan: &Plan) -> u64 {
    let routes: Vec<_> = plan.routes().collect();
    let text = serde_json::to_vec(&routes).unwrap_or_default();
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
