//! What the others measured, taken into a tick: each piece of it once.

use std::collections::{BTreeMap, BTreeSet};

use super::duty::duty;
use super::evidence::{Evidence, short};
use super::gathering::{Gathering, Heard};
use super::report::{Condition, ReplicaId, Report, RouteSums, UpstreamReport};
use super::trust::Trust;
use crate::balance::gate::Cause;
use crate::balance::{Ends, Input, Peers, Pending, Plan, UpstreamInput, cell_of, middle_of};
use crate::model::{AnswerKind, LONGEST_WAIT, RouteName, Time, UpstreamName};

/// Seconds from which what another replica measured is too old to be taken for news: it was away for so long. What it
/// measured in the meantime is passed over as a whole.
const NEWS: f64 = 60.0;

/// Upstreams or routes of a replica which it does not name any more that are remembered in any case.
const MOST_GONE: usize = 256;
/// Reports that a replica can have made before it is first heard of: five seconds of ticks that hurry, as long as one that is
/// there can be out of sight. Of one that is first heard of with a higher number, all before is of the past.
const FIRST_WORDS: u64 = 100;

/// The golden ratio's fraction: places that are moved by it fall evenly in time, too.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// What was taken in so far of each replica.
#[derive(Clone, Debug)]
pub struct Folding {
    own: ReplicaId,
    since: Time,
    marks: BTreeMap<ReplicaId, Mark>,
    trust: Trust,
    /// Replicas that were there when the exchange last worked, this one counted.
    together: u32,
}

/// The sums of one replica that were taken in last.
#[derive(Clone, Debug)]
struct Mark {
    number: (u64, u64),
    heard_at: Time,
    upstreams: BTreeMap<UpstreamName, Evidence>,
    routes: BTreeMap<RouteName, RouteSums>,
    /// When the headroom was told that was taken in last.
    headroom_at: BTreeMap<UpstreamName, Time>,
    counted: Counted,
}

/// How much of what a replica measured was believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Ends of requests that were taken in.
    pub taken: u64,
    /// Ends that were left out, since the others contradict them.
    pub left_out: u64,
}

/// Another replica, as a tick takes it in.
#[derive(Debug)]
struct Other<'a> {
    heard: &'a Heard,
    news: News,
    /// What it measured counts to the end; what it said of itself, of requests under way and of ejections, is no more.
    has_left: bool,
}

/// What is new of one replica.
#[derive(Debug, Default)]
struct News {
    upstreams: BTreeMap<UpstreamName, Evidence>,
    routes: BTreeMap<RouteName, RouteSums>,
}

impl Folding {
    /// Nothing was taken in yet by the replica `own`, which began at `since`.
    ///
    /// What others measured before that is not taken in: it is of the past, and whoever begins with a fleet's memory has it
    /// already.
    pub fn new(own: ReplicaId, since: Time) -> Self {
        Self {
            own,
            since,
            marks: BTreeMap::new(),
            trust: Trust::default(),
            together: 1,
        }
    }

    /// Adds to a tick's input what the others measured since the last call, and what they say of upstreams now.
    ///
    /// `input` is of this replica alone. Its `blocked_until` may be later afterwards; the gates should be shut for as long.
    pub fn fold(&mut self, gathering: &Gathering, plan: &Plan, now: Time, input: &mut Input) {
        if gathering.is_apart(now) {
            return self.stand_alone(input);
        }
        let mut others = Vec::new();
        for heard in gathering.lately(now) {
            if heard.report.replica != self.own {
                others.push(Other {
                    heard,
                    news: self.news(heard),
                    has_left: gathering.has_left(heard),
                });
            }
        }
        self.together = gathering.together(&self.own, now);
        self.compare(plan, &others, now, input);
        for (name, told) in plan.upstreams().iter().zip(&mut input.upstreams) {
            let peers = self.peers(name, &others, now, told);
            told.peers = Some(peers);
        }
        for (spec, told) in plan.routes().zip(&mut input.routes) {
            told.picked.resize(spec.targets.len(), 0);
            let sums = others
                .iter()
                .filter_map(|it| it.news.routes.get(&spec.name));
            for sums in sums {
                told.arrivals = told.arrivals.saturating_add(short(sums.arrivals));
                for (target, picked) in spec.targets.iter().zip(&mut told.picked) {
                    let more = sums.picked.get(&target.name).copied();
                    *picked = picked.saturating_add(short(more.unwrap_or_default()));
                }
            }
        }
        let gone = |mark: &Mark| now.secs_since(mark.heard_at) < 10.0 * NEWS;
        self.marks.retain(|_, mark| gone(mark));
    }

    /// How much of what each replica measured was believed, by name.
    pub fn counted(&self) -> impl Iterator<Item = (&ReplicaId, Counted)> {
        let marks = self.marks.iter();
        marks.map(|(replica, mark)| (replica, mark.counted))
    }

    fn count(
        &mut self,
        replica: &ReplicaId,
        gained: Option<&Evidence>,
        what: fn(&mut Counted) -> &mut u64,
    ) {
        if let (Some(mark), Some(gained)) = (self.marks.get_mut(replica), gained) {
            let ends: u64 = gained.ends.iter().fold(0, |sum, n| sum.saturating_add(*n));
            let sum = what(&mut mark.counted);
            *sum = sum.saturating_add(ends);
        }
    }

    /// Nobody else is in sight.
    fn stand_alone(&self, input: &mut Input) {
        for told in &mut input.upstreams {
            told.peers = Some(Peers {
                share_of: self.together,
                apart: self.together > 1,
                ..Peers::default()
            });
        }
    }

    /// What a replica measured that was not taken in yet, which it is from now on.
    fn news(&mut self, heard: &Heard) -> News {
        let report = &heard.report;
        let mut mark = match self.marks.remove(&report.replica) {
            Some(mark) if mark.number.0 == report.epoch => mark,
            // It began, or began again, from nothing.
            known => Mark {
                counted: known.map_or(Counted::default(), |it| it.counted),
                ..Mark::at_nothing(report.epoch)
            },
        };
        let is_new = report.number() > mark.number;
        // Of one that was there before this one, and that nothing is known of, all is of the past. By its number as well: by a
        // clock that is ahead it seems to have begun later than it did.
        let is_past = mark.number.1 == 0
            && (report.epoch < self.since.as_micros() || report.sequence > FIRST_WORDS);
        let was_away = heard.at.secs_since(mark.heard_at) > NEWS;
        let mut news = News::default();
        if is_new {
            news = mark.move_to(report);
            mark.number = report.number();
            mark.heard_at = heard.at;
        }
        self.marks.insert(report.replica.clone(), mark);
        if is_past || was_away {
            return News::default();
        }
        news
    }

    /// Notes what everybody saw in the last seconds.
    fn compare(&mut self, plan: &Plan, others: &[Other<'_>], now: Time, input: &Input) {
        for (name, told) in plan.upstreams().iter().zip(&input.upstreams) {
            let (mut own, own_id) = (Evidence::default(), &self.own);
            own.add(&told.batch, told.reference, false);
            self.trust.timed(name, own.seconds());
            self.trust.note(name, own_id, own.outcomes(), now);
            let ages = self.trust.ages(name);
            let older = |than: [f64; 2]| {
                let flights = told.flights.iter();
                let older = flights.filter(|it| it.age > than[it.kind.index()]);
                u32::try_from(older.count()).unwrap_or(u32::MAX)
            };
            let waiting = (older(ages.late), older(ages.hanging));
            self.trust.waits(name, own_id, waiting);
        }
        // What others make known beside is theirs.
        let known: BTreeSet<&UpstreamName> = plan.upstreams().iter().collect();
        for other in others {
            let (heard, replica) = (other.heard, &other.heard.report.replica);
            let gained = other.news.upstreams.iter();
            for (name, gained) in gained.filter(|(name, _)| known.contains(name)) {
                self.trust.timed(name, gained.seconds());
                self.trust.note(name, replica, gained.outcomes(), now);
            }
            let told = heard.report.upstreams.iter();
            for (name, told) in told.filter(|(name, _)| known.contains(name)) {
                let ages = self.trust.ages(name);
                let older = |than: [f64; 2]| older(&told.condition, than);
                let waiting = if other.has_left {
                    (0, 0)
                } else {
                    (older(ages.late), older(ages.hanging))
                };
                self.trust.waits(name, replica, waiting);
            }
        }
        let own = &self.own;
        self.trust.keep(&known);
        self.trust.forget(now, |replica| {
            let mut others = others.iter().map(|other| &other.heard.report.replica);
            replica == own || others.any(|other| other == replica)
        });
    }

    /// What the others say about one upstream; what they measured is added to `told`.
    fn peers(
        &mut self,
        name: &UpstreamName,
        others: &[Other<'_>],
        now: Time,
        told: &mut UpstreamInput,
    ) -> Peers {
        let mut voices = Voices::default();
        // What keeps one replica waiting and nobody else may be its network.
        let ages = self.trust.ages(name).late;
        let heard_to = if self.trust.is_late_for_several(name) {
            [f64::INFINITY; 2]
        } else {
            ages
        };
        for other in others {
            let (heard, replica) = (other.heard, &other.heard.report.replica);
            let Some(there) = heard.report.upstreams.get(name) else {
                continue;
            };
            let gained = other.news.upstreams.get(name);
            let is_out = there.condition.out.is_some() && !other.has_left;
            if self.trust.contradicts(name, replica, is_out) {
                self.count(replica, gained, |counted| &mut counted.left_out);
                continue;
            }
            self.count(replica, gained, |counted| &mut counted.taken);
            if let Some(gained) = gained {
                gained.add_to(&mut told.batch, told.reference, now);
                voices.peers.ends.extend(ends(replica, gained));
                voices.peers.due += gained.answers_due();
                let [passed, failed] = gained.probes.map(short);
                voices.peers.passed = voices.peers.passed.saturating_add(passed);
                voices.peers.failed = voices.peers.failed.saturating_add(failed);
            }
            if !other.has_left {
                let has_evidence = self.trust.has_evidence(name, replica);
                voices.hear(heard, &there.condition, has_evidence);
                let pending = pending(&there.condition, now.secs_since(heard.at));
                let believed = pending.filter(|it| it.age <= heard_to[it.kind.index()]);
                voices.peers.pending.extend(believed);
            }
            // What a provider has said holds, whoever it was said to.
            let until = there.condition.blocked_until.min(now.after(LONGEST_WAIT));
            told.blocked_until = told.blocked_until.max(until);
            if let Some(mark) = self.marks.get_mut(replica) {
                mark.take_headroom(name, there, told);
            }
        }
        let is_own = |who: Option<&ReplicaId>| who == Some(&self.own);
        let out = voices.out.iter().copied().chain([&self.own]);
        let all = live(others).chain([&self.own]);
        Peers {
            cause: voices.cause(),
            probe_here: !voices.probing && is_own(duty(out, name.as_str(), now)),
            extra_here: is_own(duty(all, name.as_str(), now)),
            share_of: self.together,
            turn: turn(&self.own, others, now),
            well_here: self.trust.is_well(name, &self.own),
            ..voices.peers
        }
    }
}

/// What is said of one upstream by those who are believed.
#[derive(Debug, Default)]
struct Voices<'a> {
    peers: Peers,
    causes: [u32; Cause::ALL.len()],
    /// Who has it ejected.
    out: Vec<&'a ReplicaId>,
    probing: bool,
}

impl<'a> Voices<'a> {
    fn hear(&mut self, heard: &'a Heard, condition: &Condition, has_evidence: bool) {
        let peers = &mut self.peers;
        let sees = has_evidence || condition.in_flight > 0 || condition.out.is_some();
        peers.replicas += u32::from(sees);
        if let Some(out) = condition.out {
            peers.ejected += 1;
            self.causes[out.cause.index()] += 1;
            self.probing |= out.probing;
            self.out.push(&heard.report.replica);
        }
        peers.in_flight = peers.in_flight.saturating_add(condition.in_flight);
    }

    /// Why most have it ejected who have.
    fn cause(&self) -> Option<Cause> {
        let most = Cause::ALL
            .into_iter()
            .max_by_key(|cause| self.causes[cause.index()]);
        most.filter(|_| self.peers.ejected > 0)
    }
}

impl Mark {
    fn at_nothing(epoch: u64) -> Self {
        Self {
            number: (epoch, 0),
            heard_at: Time::from_micros(epoch),
            upstreams: BTreeMap::new(),
            routes: BTreeMap::new(),
            headroom_at: BTreeMap::new(),
            counted: Counted::default(),
        }
    }

    /// Tells what `report` has more, and remembers it. What it does not name stays known: it may come back.
    fn move_to(&mut self, report: &Report) -> News {
        let mut news = News::default();
        for (name, there) in &report.upstreams {
            let known = self.upstreams.entry(name.clone()).or_default();
            let before = std::mem::replace(known, there.evidence.clone());
            // Sums that became less were begun anew, against the rule; better too little than a sum of everything.
            if there.evidence.follows(&before) {
                news.upstreams
                    .insert(name.clone(), there.evidence.since(&before));
            }
        }
        self.forget(report);
        for (name, there) in &report.routes {
            let known = self.routes.entry(name.clone()).or_default();
            let before = std::mem::replace(known, there.clone());
            news.routes.insert(name.clone(), there.since(&before));
        }
        news
    }

    /// Lets go of what the report does not name any more, once that is more than what it names: whoever can write reports can
    /// name others in each.
    fn forget(&mut self, report: &Report) {
        let is_much = |known: usize, named: usize| known > MOST_GONE.max(2 * named);
        if is_much(self.upstreams.len(), report.upstreams.len()) {
            let is_named = |name: &UpstreamName| report.upstreams.contains_key(name);
            self.upstreams.retain(|name, _| is_named(name));
            self.headroom_at.retain(|name, _| is_named(name));
        }
        if is_much(self.routes.len(), report.routes.len()) {
            let is_named = |name: &RouteName| report.routes.contains_key(name);
            self.routes.retain(|name, _| is_named(name));
        }
    }

    fn take_headroom(
        &mut self,
        name: &UpstreamName,
        there: &UpstreamReport,
        told: &mut UpstreamInput,
    ) {
        let Some(headroom) = there.condition.headroom else {
            return;
        };
        let known = self.headroom_at.entry(name.clone()).or_default();
        if headroom.at > *known {
            *known = headroom.at;
            if told.headroom.is_none_or(|own| own.at < headroom.at) {
                told.headroom = Some(headroom);
            }
        }
    }
}

/// Requests without content that are older than that: streamed, unary.
fn older(condition: &Condition, than: [f64; 2]) -> u32 {
    let kinds = condition.waiting.iter().zip(than);
    let late = kinds.flat_map(|(cells, than)| {
        let from = cell_of(than);
        cells.iter().filter(move |(cell, _)| *cell > from)
    });
    late.fold(0, |sum, (_, count)| count.saturating_add(sum))
}

/// The others that have not left.
fn live<'a>(others: &[Other<'a>]) -> impl Iterator<Item = &'a ReplicaId> {
    let live = others.iter().filter(|other| !other.has_left);
    live.map(|other| &other.heard.report.replica)
}

/// Where a replica stands among all when a part of something is given out.
fn turn(own: &ReplicaId, others: &[Other<'_>], now: Time) -> f64 {
    let before = live(others).filter(|replica| *replica < own);
    let place = (before.count() as f64 + 0.5) / (live(others).count() as f64 + 1.0);
    let seconds = (now.as_micros() / 1_000_000) as f64;
    (place + seconds * GOLDEN).fract()
}

/// What a replica had, if it had anything that speaks for an upstream or against it.
fn ends(replica: &ReplicaId, gained: &Evidence) -> Option<Ends> {
    let (ok, faults) = gained.outcomes();
    let faults = faults.saturating_sub(gained.stale);
    (ok > 0 || faults > 0).then(|| Ends {
        who: replica.number(),
        ok: short(ok),
        faults: short(faults),
        gaps: short(gained.gaps),
    })
}

/// Requests without content that a report of `behind` seconds ago tells of.
fn pending(condition: &Condition, behind: f64) -> impl Iterator<Item = Pending> {
    let kinds = [AnswerKind::Streamed, AnswerKind::Unary];
    let of = move |kind: AnswerKind| {
        let cells = condition.waiting[kind.index()].iter();
        cells
            .filter(|(_, count)| *count > 0)
            .map(move |(cell, count)| Pending {
                kind,
                age: middle_of(cell),
                behind,
                count,
            })
    };
    kinds.into_iter().flat_map(of)
}

impl RouteSums {
    /// What was counted since `earlier`; nothing where there is less than there was.
    fn since(&self, earlier: &Self) -> Self {
        let picked = self.picked.iter().map(|(name, count)| {
            let before = earlier.picked.get(name).copied().unwrap_or_default();
            (name.clone(), count.saturating_sub(before))
        });
        Self {
            arrivals: self.arrivals.saturating_sub(earlier.arrivals),
            picked: picked.collect(),
            shares: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
#[path = "folding_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "folding_hostile_tests.rs"]
mod hostile;
