//! What this replica tells the others: the sums of what it measured itself.

use std::collections::{BTreeMap, BTreeSet};

use super::cells::Cells;
use super::report::{Condition, Out, ReplicaId, Report, RouteSums, UpstreamReport};
use crate::balance::gate::ProbeResult;
use crate::balance::{Input, Memory, Plan, UpstreamInput, cell_of};
use crate::model::{Class, RouteName, Time, UpstreamName};

/// Upstreams beyond those of the plan whose sums are kept, since they may come back: clients name some of them, and may do
/// so for ever. One that comes back later begins anew, and the others pass over its first sums.
const MOST_GONE: usize = 2_048;

/// What this replica measured since it began, by name, so that a reload changes nothing.
#[derive(Clone, Debug)]
pub struct Own {
    replica: ReplicaId,
    epoch: u64,
    sequence: u64,
    version: String,
    upstreams: BTreeMap<UpstreamName, UpstreamReport>,
    routes: BTreeMap<RouteName, RouteSums>,
    /// What the last report said that others should hear soon.
    told: BTreeMap<UpstreamName, Pressing>,
    /// What memory said last of unary answers that were due, and of probes that failed.
    due: BTreeMap<UpstreamName, f64>,
    failed: BTreeMap<UpstreamName, u64>,
    /// Until when upstreams are blocked as far as the others know: they said so, or were told.
    blocks: BTreeMap<UpstreamName, Time>,
}

/// What others should hear soon of an upstream: whether it is out, probes of it that ended, its faults, and how many requests
/// are late there.
type Pressing = (bool, [u64; 2], u64, u32);

/// Late requests from which one more is no news.
const MOST_LATE: f64 = 8.0;

impl Own {
    /// Nothing is measured yet. `epoch` is the time at which the replica begins, in microseconds since 1970, and higher than
    /// any that the replica of this name had before.
    pub fn new(replica: ReplicaId, epoch: u64, version: &str) -> Self {
        Self {
            replica,
            epoch,
            sequence: 0,
            version: version.to_owned(),
            upstreams: BTreeMap::new(),
            routes: BTreeMap::new(),
            told: BTreeMap::new(),
            due: BTreeMap::new(),
            failed: BTreeMap::new(),
            blocks: BTreeMap::new(),
        }
    }

    /// Good answers that this replica had since it began.
    pub fn answers(&self) -> u64 {
        let ok = |it: &UpstreamReport| it.evidence.ends[Class::Ok.index()];
        let upstreams = self.upstreams.values();
        upstreams.fold(0, |sum, it| sum.saturating_add(ok(it)))
    }

    /// Takes in what a tick is told of this replica's own requests: before anything of others is folded in.
    pub fn add(&mut self, plan: &Plan, input: &Input) {
        for ((name, told), timed) in plan
            .upstreams()
            .iter()
            .zip(&input.upstreams)
            .zip(plan.timed())
        {
            let known = self.upstreams.entry(name.clone()).or_default();
            known.evidence.add(&told.batch, told.reference, *timed);
            if told.news.probe == Some(ProbeResult::Passed) {
                known.evidence.probes[0] += 1;
            }
            let before = std::mem::take(&mut known.condition);
            known.condition = Condition {
                headroom: told.headroom.or(before.headroom),
                ..condition(told, input.now)
            };
        }
        for (spec, told) in plan.routes().zip(&input.routes) {
            let sums = self.routes.entry(spec.name.clone()).or_default();
            sums.arrivals += u64::from(told.arrivals);
            for (target, picked) in spec.targets.iter().zip(&told.picked) {
                *sums.picked.entry(target.name.clone()).or_default() += u64::from(*picked);
            }
        }
    }

    /// Whether the next report should not wait for its second: something is out or back, a probe has ended, there was
    /// a fault, requests are late, or somebody asked to be left alone for a while.
    pub fn is_urgent(&self, plan: &Plan, memory: &Memory) -> bool {
        let is_blocked = |(name, known): (&UpstreamName, &UpstreamReport)| {
            let heard = self.blocks.get(name).copied().unwrap_or_default();
            known.condition.blocked_until > heard
        };
        let mut pressing = self.pressing(plan, memory);
        pressing.any(|(name, now)| self.told.get(name).copied().unwrap_or_default() != now)
            || self.upstreams.iter().any(is_blocked)
    }

    /// Notes what a tick's input says after what others told was folded in.
    pub fn heard(&mut self, plan: &Plan, input: &Input) {
        for (name, told) in plan.upstreams().iter().zip(&input.upstreams) {
            if told.blocked_until > input.now && told.peers.is_some() {
                let known = self.upstreams.get(name);
                let own = known.map_or(Time::ZERO, |it| it.condition.blocked_until);
                if told.blocked_until > own {
                    self.blocks.insert(name.clone(), told.blocked_until);
                }
            }
        }
    }

    fn pressing<'a>(
        &'a self,
        plan: &'a Plan,
        memory: &'a Memory,
    ) -> impl Iterator<Item = (&'a UpstreamName, Pressing)> {
        let outs = plan.upstreams().iter().zip(memory.out());
        let judged = memory.late().zip(memory.failed_probes());
        outs.zip(judged).map(|((name, out), (late, failed))| {
            let known = self.upstreams.get(name);
            let passed = known.map_or(0, |known| known.evidence.probes[0]);
            let probes = [passed, failed];
            let faults = known.map_or(0, |known| known.evidence.outcomes().1);
            (name, (out.is_some(), probes, faults, number(late)))
        })
    }

    /// What to tell the others after a tick at `now`; `digest` is that of the files' routes.
    pub fn report(&mut self, plan: &Plan, memory: &Memory, digest: u64, now: Time) -> Report {
        self.sequence += 1;
        self.forget_gone(plan);
        let told = self.pressing(plan, memory);
        self.told = told.map(|(name, now)| (name.clone(), now)).collect();
        for (name, known) in &self.upstreams {
            if known.condition.blocked_until > now {
                self.blocks
                    .insert(name.clone(), known.condition.blocked_until);
            }
        }
        let judged = memory.due().zip(memory.failed_probes());
        for (name, (due, failed)) in plan.upstreams().iter().zip(judged) {
            // A memory that was taken over begins at what its replica had, which has told of it.
            let due_before = self.due.insert(name.clone(), due).unwrap_or(due);
            let failed_before = self.failed.insert(name.clone(), failed).unwrap_or(failed);
            if let Some(known) = self.upstreams.get_mut(name) {
                known.evidence.add_due((due - due_before).max(0.0));
                let more = failed.saturating_sub(failed_before);
                known.evidence.probes[1] = known.evidence.probes[1].wrapping_add(more);
            }
        }
        let outs = plan.upstreams().iter().zip(memory.out());
        let upstreams = outs.filter_map(|(name, out)| {
            let mut told = self.upstreams.get(name).cloned().unwrap_or_default();
            told.condition.out = out.map(|(cause, probing)| Out { cause, probing });
            (told != UpstreamReport::default()).then(|| (name.clone(), told))
        });
        let tables = plan.routes().zip(memory.tables());
        let routes = tables.map(|(spec, table)| {
            let mut sums = self.routes.get(&spec.name).cloned().unwrap_or_default();
            let shares = spec.targets.iter().zip(table.shares());
            let shares = shares.map(|(target, share)| (target.name.clone(), share.ppm()));
            sums.shares = shares.collect();
            (spec.name.clone(), sums)
        });
        Report {
            replica: self.replica.clone(),
            epoch: self.epoch,
            sequence: self.sequence,
            at: now,
            version: self.version.clone(),
            plan: digest,
            orders: 0,
            upstreams: upstreams.collect(),
            routes: routes.collect(),
            groups: BTreeMap::new(),
        }
    }
}

impl Own {
    fn forget_gone(&mut self, plan: &Plan) {
        if self.upstreams.len() <= plan.upstreams().len() + MOST_GONE {
            return;
        }
        let named: BTreeSet<&UpstreamName> = plan.upstreams().iter().collect();
        self.upstreams.retain(|name, _| named.contains(name));
        self.due.retain(|name, _| named.contains(name));
        self.blocks.retain(|name, _| named.contains(name));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0 ..= 8"
)]
fn number(late: f64) -> u32 {
    late.clamp(0.0, MOST_LATE) as u32
}

/// How an upstream stands here, whether it is out left aside.
fn condition(told: &UpstreamInput, now: Time) -> Condition {
    let mut waiting = [Cells::default(), Cells::default()];
    for flight in &told.flights {
        waiting[flight.kind.index()].add(cell_of(flight.age), 1);
    }
    let blocked = told.blocked_until > now;
    Condition {
        out: None,
        blocked_until: if blocked {
            told.blocked_until
        } else {
            Time::ZERO
        },
        in_flight: told.in_flight,
        waiting,
        headroom: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_and_go_for_ever_are_forgotten_and_those_of_the_plan_are_not() {
        let mut own = Own::new(ReplicaId::numbered(1), 0, "");
        let stays = UpstreamName::new("p/stays").unwrap();
        for number in 0..3 * MOST_GONE {
            let comes = UpstreamName::new(&format!("p/{number}")).unwrap();
            let plan = Plan::new(Vec::new(), [stays.clone(), comes]);
            let mut input = Input {
                upstreams: vec![UpstreamInput::default(); 2],
                ..Input::default()
            };
            for told in &mut input.upstreams {
                told.batch.dispatched = [1, 0];
            }
            own.add(&plan, &input);
            let report = own.report(&plan, &Memory::new(&plan), 0, Time::ZERO);
            assert_eq!(report.upstreams[&stays].evidence.sent[0], number as u64 + 1);
            assert!(own.upstreams.len() <= MOST_GONE + 2);
            assert!(own.due.len() <= MOST_GONE + 3);
        }
    }
}
