//! Where the controller and the exchange with the other replicas meet.
//!
//! Each puts its last word into a cell that the other reads when it comes to it: neither waits for the other, and a request
//! touches none of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::{Notify, watch};

use super::bell::{Bell, Topic};
use super::rights::Rights;
use super::spread::Spreads;
use crate::balance::{Learned, Peers};
use crate::fleet::{Counted, Gathering, ReplicaId, Report};
use crate::model::{Time, minute_of};

/// Whether this replica decides with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It tells them and hears them.
    Joined {
        /// Since when.
        since: Time,
    },
    /// It does not, and goes on by itself.
    Degraded {
        /// Since when.
        since: Time,
        /// Why, in words.
        why: String,
    },
}

impl Membership {
    /// What labels may say, the first of a replica without `[cluster]`.
    pub const LABELS: [&'static str; 3] = ["alone", "joined", "degraded"];

    /// Whether it is joined.
    pub const fn is_joined(&self) -> bool {
        matches!(self, Self::Joined { .. })
    }

    /// Its name in labels.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Joined { .. } => "joined",
            Self::Degraded { .. } => "degraded",
        }
    }

    /// Since when it is so.
    pub const fn since(&self) -> Time {
        match self {
            Self::Joined { since } | Self::Degraded { since, .. } => *since,
        }
    }
}

/// Another process that calls itself as this replica does, and does not drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twin {
    /// When it began, by its clock.
    pub began: Time,
    /// Since when it has been heard here.
    pub since: Time,
}

impl Twin {
    /// How long both must be there before somebody is called: in a takeover they are until the one before is told to end.
    /// Halved, a machine that is slow to start calls somebody each time; doubled, who has copied a name hears of it when they
    /// have gone on to the next thing.
    pub const TOLD_AFTER: Duration = Duration::from_secs(10);

    /// What is wrong and what to do, of the replica of this name.
    pub fn told(self, replica: &ReplicaId) -> String {
        format!(
            "another process calls itself {replica:?} as this replica does (it began at {}): the others hear only the one that \
             began last, so what this and that one measure is not all counted. Give each process a name of its own (`replica` \
             in [cluster], or WEIGHBRIDGE_REPLICA), or end one of them",
            minute_of(self.began),
            replica = replica.as_str(),
        )
    }
}

/// Histograms of other replicas, by their names.
pub type OthersSpreads = Arc<BTreeMap<String, Spreads>>;

/// The meeting place of a replica that has others.
#[derive(Debug)]
pub struct Post {
    replica: ReplicaId,
    epoch: u64,
    namespace: String,
    bell: Bell,
    rights: Rights,
    mine: ArcSwapOption<Report>,
    told: Notify,
    hurry: Arc<Notify>,
    presses: AtomicBool,
    drains: AtomicBool,
    twin: ArcSwapOption<Twin>,
    memory: ArcSwapOption<Learned>,
    /// Whether this replica began without what the fleet has learned, and would still take it over; and what came of it.
    awaits: AtomicBool,
    bequest: ArcSwapOption<Learned>,
    theirs: ArcSwap<Gathering>,
    counted: ArcSwap<Vec<(ReplicaId, Counted)>>,
    membership: ArcSwap<Membership>,
    /// Of how many replicas' room this one has its part by itself; 0 while what others said still counts.
    parts: AtomicU32,
    exchanges: AtomicU64,
    failures: AtomicU64,
    /// Whether somebody waits for the others' histograms, and those that came last.
    wanted: AtomicBool,
    spreads: watch::Sender<OthersSpreads>,
}

impl Post {
    /// That of the replica of this name, which began at `now`: nothing was exchanged yet.
    pub fn new(replica: ReplicaId, namespace: &str, now: Time) -> Self {
        let why = "it was not reached yet".to_owned();
        let membership = Membership::Degraded { since: now, why };
        Self {
            replica,
            epoch: now.as_micros(),
            namespace: namespace.to_owned(),
            bell: Bell::default(),
            rights: Rights::default(),
            mine: ArcSwapOption::empty(),
            told: Notify::new(),
            hurry: Arc::default(),
            presses: AtomicBool::new(false),
            drains: AtomicBool::new(false),
            twin: ArcSwapOption::empty(),
            memory: ArcSwapOption::empty(),
            awaits: AtomicBool::new(false),
            bequest: ArcSwapOption::empty(),
            theirs: ArcSwap::from_pointee(Gathering::default()),
            counted: ArcSwap::default(),
            membership: ArcSwap::from_pointee(membership),
            parts: AtomicU32::new(1),
            exchanges: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            wanted: AtomicBool::new(false),
            spreads: watch::Sender::default(),
        }
    }

    /// This replica's name.
    pub const fn replica(&self) -> &ReplicaId {
        &self.replica
    }

    /// What tells this process from an earlier one of the same name: when it began, in microseconds since 1970.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What tells the keys of this installation from another's.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Rung by whoever has something that the others should know at once.
    pub const fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Where whoever wants to tell what all replicas find out asks for the right.
    pub const fn rights(&self) -> &Rights {
        &self.rights
    }

    /// For the controller: what this replica knows by now, and whether the others should not wait for it.
    pub fn tell(&self, report: Report, presses: bool) {
        self.mine.store(Some(Arc::new(report)));
        self.presses.fetch_or(presses, Ordering::AcqRel);
        self.told.notify_one();
    }

    /// Wakes the controller before its next tick: something happened here that the others should know at once, or they told
    /// of such a thing.
    pub const fn hurry(&self) -> &Arc<Notify> {
        &self.hurry
    }

    /// For the exchange: returns when the controller has told something, perhaps before this was called.
    pub async fn told(&self) {
        self.told.notified().await;
    }

    /// For the exchange: whether what was told since it was [`Post::passed_on`] should not wait.
    pub fn presses(&self) -> bool {
        self.presses.load(Ordering::Acquire)
    }

    /// For the exchange: the others are about to be told.
    pub fn passed_on(&self) {
        self.presses.store(false, Ordering::Release);
    }

    /// This process takes no more requests, and ends when those that it has are answered.
    pub fn drain(&self) {
        self.drains.store(true, Ordering::Relaxed);
    }

    /// For the exchange: whether it does.
    pub fn drains(&self) -> bool {
        self.drains.load(Ordering::Relaxed)
    }

    /// For the exchange: whether another process has this replica's name.
    pub fn meets(&self, twin: Option<Twin>) {
        if self.twin() != twin {
            self.twin.store(twin.map(Arc::new));
        }
    }

    /// Another process that has this replica's name.
    pub fn twin(&self) -> Option<Twin> {
        self.twin.load().as_deref().copied()
    }

    /// For the exchange: what the controller said last.
    pub fn mine(&self) -> Option<Arc<Report>> {
        self.mine.load_full()
    }

    /// For the controller: what a newcomer may begin with.
    pub fn remember(&self, learned: Learned) {
        self.memory.store(Some(Arc::new(learned)));
    }

    /// For the exchange: what was learned, if it is newer than what was taken last.
    pub fn take_memory(&self) -> Option<Arc<Learned>> {
        self.memory.swap(None)
    }

    /// This replica begins although it could not ask what the fleet has learned: it is asked as soon as it can be.
    pub fn awaits_bequest(&self) {
        self.awaits.store(true, Ordering::Release);
    }

    /// Whether it would still take over what the fleet has learned.
    pub fn is_awaiting(&self) -> bool {
        self.awaits.load(Ordering::Acquire)
    }

    /// For the exchange: what the fleet has learned.
    pub fn bequeath(&self, learned: Learned) {
        self.bequest.store(Some(Arc::new(learned)));
    }

    /// For the controller: the same, once it has come.
    pub fn bequest(&self) -> Option<Arc<Learned>> {
        self.bequest.load_full()
    }

    /// For the controller: it has what it wants, or knows enough by itself.
    pub fn awaits_no_more(&self) {
        self.awaits.store(false, Ordering::Release);
        self.bequest.store(None);
    }

    /// For the exchange: what the others say.
    pub fn heard(&self, gathering: Gathering) {
        self.theirs.store(Arc::new(gathering));
    }

    /// The newest report of each of the others.
    pub fn theirs(&self) -> Arc<Gathering> {
        self.theirs.load_full()
    }

    /// For the controller: how much of what the others measured it believed.
    pub fn counted(&self, counted: Vec<(ReplicaId, Counted)>) {
        self.counted.store(Arc::new(counted));
    }

    /// How much of what each of the others measured was believed since the start.
    pub fn beliefs(&self) -> Arc<Vec<(ReplicaId, Counted)>> {
        self.counted.load_full()
    }

    /// Whether this replica decides with the others.
    pub fn membership(&self) -> Arc<Membership> {
        self.membership.load_full()
    }

    /// For the exchange: whether it decides with the others has changed.
    pub fn turned(&self, membership: Membership) {
        self.membership.store(Arc::new(membership));
    }

    /// For the controller: how a tick was told that the others stand.
    pub fn stands(&self, peers: &Peers) {
        let is_by_itself = peers.apart || peers.share_of <= 1;
        let parts = if is_by_itself {
            peers.share_of.max(1)
        } else {
            0
        };
        self.parts.store(parts, Ordering::Relaxed);
    }

    /// Into how many parts the room that the fleet was found to have is divided, of which this replica takes one: the replicas
    /// that were there when it lost sight of them; 1 where nobody was. `None` while what others said still counts.
    pub fn parts(&self) -> Option<u32> {
        Some(self.parts.load(Ordering::Relaxed)).filter(|parts| *parts > 0)
    }

    /// For the exchange: a round has ended.
    pub fn round_ended(&self, well: bool) {
        let cell = if well {
            &self.exchanges
        } else {
            &self.failures
        };
        cell.fetch_add(1, Ordering::Relaxed);
    }

    /// Rounds since the start that went well, and that did not.
    pub fn rounds(&self) -> (u64, u64) {
        let load = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        (load(&self.exchanges), load(&self.failures))
    }

    /// Histograms of the others' last minute, as soon as they come. The caller bounds how long that may take.
    pub async fn ask_spreads(&self) -> OthersSpreads {
        let mut news = self.spreads.subscribe();
        self.wanted.store(true, Ordering::Release);
        self.bell.ring(Topic::Histograms);
        // The sender is this post's own, so it is there.
        drop(news.changed().await);
        news.borrow_and_update().clone()
    }

    /// For the exchange: whether somebody has asked for the others' histograms since this was looked at last.
    pub fn takes_spreads(&self) -> bool {
        self.wanted.swap(false, Ordering::AcqRel)
    }

    /// For the exchange: the others' histograms.
    pub fn spreads_came(&self, spreads: BTreeMap<String, Spreads>) {
        self.spreads.send_replace(Arc::new(spreads));
    }

    /// Replicas that were heard of lately, this one counted.
    pub fn size(&self, now: Time) -> usize {
        let theirs = self.theirs.load();
        let others = theirs.live(now);
        1 + others
            .filter(|heard| heard.report.replica != self.replica)
            .count()
    }
}
