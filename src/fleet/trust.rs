//! Whose evidence is contradicted by the others.
//!
//! Problem: a replica with a broken network fails everywhere, and its faults are as many as those of a target that really
//! fails. But then the others get good answers from that target in the same seconds. So a replica's faults are held against
//! how often the others fail there: where the two cannot be the same rate, it is not the target.
//!
//! Requests that hang count as faults, on both sides, or a network that swallows packets would never be found out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::report::ReplicaId;
use crate::model::{Time, UpstreamName};

/// Seconds of evidence that are compared: what two replicas saw with a second's delay each must meet. Halved, at one request
/// a second nobody is ever contradicted; doubled, the good answers of before an outage speak against those who see it first
/// for three seconds more.
const SPAN: f64 = 3.0;
/// Good answers of others from which they can contradict.
const LEAST_GOOD: f64 = 3.0;
/// How others fail before much is known: this rate, in so many requests; as a cohort's prior.
const USUAL: (f64, f64) = (0.01, 20.0);
/// Logarithm of how much likelier faults must be by a rate of the replica's own than by that of the others: a thousand
/// times. At a hundred, two chance faults in a row are left out; at a million, a replica that fails half of the time is
/// believed for as long as it has few requests.
const IMPROBABLE: f64 = 6.9;
/// Part of the others' requests that fail from which they contradict nobody: at the beginning of an outage their good
/// answers of a second ago are no answer to who sees it first. Halved, an outage is believed a little sooner; doubled, three
/// replicas in ten with a broken network are still found out, and each outage costs half a second more.
const FAIL_TOO: f64 = 0.1;
/// Faults that an ejection stands for: what it takes.
const EJECTION: f64 = 3.0;
/// Times its usual time from which a request without content is so late that one replica alone is not believed. Halved, the
/// first of a slow target's late requests are not heard; doubled, a network that swallows packets costs the others' shares.
const LATE: f64 = 2.5;
/// Seconds from which it may hang, at the least: the age at which a first token is overdue.
const HANGS_AT: f64 = 2.5;
/// Weight of the newest answers in the usual time.
const USUAL_GAIN: f64 = 0.2;

/// What one replica saw of one upstream in the last seconds.
#[derive(Clone, Debug, Default)]
struct Seen {
    ends: VecDeque<(Time, f64, f64)>,
    /// Requests that may hang, and that are late, now.
    hanging: f64,
    late: f64,
}

/// Ages from which requests without content are late, and from which they may hang: streamed, unary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ages {
    pub(super) late: [f64; 2],
    pub(super) hanging: [f64; 2],
}

/// Answers and faults.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Outcomes {
    ok: f64,
    faults: f64,
}

/// What replicas saw lately, this one included.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    upstreams: BTreeMap<UpstreamName, BTreeMap<ReplicaId, Seen>>,
    /// Seconds to the first token and of unary answers.
    usual: BTreeMap<UpstreamName, [Option<f64>; 2]>,
}

impl Trust {
    /// A replica had these answers and faults.
    pub(super) fn note(
        &mut self,
        upstream: &UpstreamName,
        replica: &ReplicaId,
        (ok, faults): (u64, u64),
        now: Time,
    ) {
        if ok > 0 || faults > 0 {
            let seen = self.seen(upstream, replica);
            seen.ends.push_back((now, ok as f64, faults as f64));
        }
    }

    /// Answers took so many seconds in the mean: to the first token, and unary ones.
    pub(super) fn timed(&mut self, upstream: &UpstreamName, seconds: [Option<f64>; 2]) {
        let usual = self.usual.entry(upstream.clone()).or_default();
        for (usual, seconds) in usual.iter_mut().zip(seconds) {
            let Some(seconds) = seconds else { continue };
            let known = usual.unwrap_or(seconds);
            *usual = Some(known + USUAL_GAIN * (seconds - known));
        }
    }

    /// Ages from which its requests are late.
    pub(super) fn ages(&self, upstream: &UpstreamName) -> Ages {
        let usual = self.usual.get(upstream).copied().unwrap_or_default();
        let late = usual.map(|usual| usual.map_or(HANGS_AT, |seconds| LATE * seconds));
        Ages {
            late,
            hanging: late.map(|late| late.max(HANGS_AT)),
        }
    }

    /// So many of its requests are late now, and may hang.
    pub(super) fn waits(
        &mut self,
        upstream: &UpstreamName,
        replica: &ReplicaId,
        (late, hanging): (u32, u32),
    ) {
        let known = self.upstreams.get(upstream);
        if late > 0 || hanging > 0 || known.is_some_and(|seen| seen.contains_key(replica)) {
            let seen = self.seen(upstream, replica);
            (seen.late, seen.hanging) = (f64::from(late), f64::from(hanging));
        }
    }

    /// Whether an upstream keeps more than one replica waiting.
    pub(super) fn is_late_for_several(&self, upstream: &UpstreamName) -> bool {
        let seen = self.upstreams.get(upstream);
        let late =
            |seen: &BTreeMap<ReplicaId, Seen>| seen.values().filter(|seen| seen.late > 0.0).count();
        seen.is_some_and(|seen| late(seen) > 1)
    }

    fn seen(&mut self, upstream: &UpstreamName, replica: &ReplicaId) -> &mut Seen {
        let seen = self.upstreams.entry(upstream.clone()).or_default();
        seen.entry(replica.clone()).or_default()
    }

    /// Upstreams that something is known of.
    #[cfg(test)]
    pub(super) fn upstreams_known(&self) -> usize {
        self.usual.len().max(self.upstreams.len())
    }

    /// Lets go of usual times of upstreams that are none any more, once they are more than those that are.
    pub(super) fn keep(&mut self, known: &BTreeSet<&UpstreamName>) {
        if self.usual.len() > 2 * known.len() {
            self.usual.retain(|name, _| known.contains(name));
        }
    }

    /// Lets go of what is too old, and of all that is about replicas that are not there.
    pub(super) fn forget(&mut self, now: Time, is_there: impl Fn(&ReplicaId) -> bool) {
        for seen in self.upstreams.values_mut() {
            seen.retain(|replica, seen| {
                while seen
                    .ends
                    .front()
                    .is_some_and(|(at, ..)| now.secs_since(*at) > SPAN)
                {
                    seen.ends.pop_front();
                }
                is_there(replica) && (!seen.ends.is_empty() || seen.late + seen.hanging > 0.0)
            });
        }
        self.upstreams.retain(|_, seen| !seen.is_empty());
    }

    /// Whether a replica has evidence about an upstream.
    pub(super) fn has_evidence(&self, upstream: &UpstreamName, replica: &ReplicaId) -> bool {
        let seen = self.upstreams.get(upstream);
        seen.is_some_and(|seen| seen.contains_key(replica))
    }

    /// Whether an upstream answers a replica, nearly always.
    pub(super) fn is_well(&self, upstream: &UpstreamName, replica: &ReplicaId) -> bool {
        let seen = self.upstreams.get(upstream);
        let mut own = Outcomes::default();
        if let Some(seen) = seen.and_then(|seen| seen.get(replica)) {
            own.add(seen);
        }
        own.are_good()
    }

    /// Whether what a replica sees of an upstream, which it may have ejected, cannot be true of the others.
    pub(super) fn contradicts(
        &self,
        upstream: &UpstreamName,
        replica: &ReplicaId,
        ejected: bool,
    ) -> bool {
        let Some(seen) = self.upstreams.get(upstream) else {
            return false;
        };
        let (mut own, mut others) = (Outcomes::default(), Outcomes::default());
        for (who, seen) in seen {
            let sums = if who == replica {
                &mut own
            } else {
                &mut others
            };
            sums.add(seen);
        }
        if ejected {
            own.faults = own.faults.max(EJECTION);
        }
        own.faults > 0.0 && others.are_good() && own.against(others) > IMPROBABLE
    }
}

impl Outcomes {
    fn add(&mut self, seen: &Seen) {
        for (_, ok, faults) in &seen.ends {
            self.ok += ok;
            self.faults += faults;
        }
        self.faults += seen.hanging;
    }

    fn are_good(self) -> bool {
        self.ok >= LEAST_GOOD && self.faults < FAIL_TOO * (self.ok + self.faults)
    }

    /// Logarithm of how much likelier these are by their own fault rate than by that of `others`; 0 if it is not higher.
    fn against(self, others: Self) -> f64 {
        let (rate, requests) = USUAL;
        let all = others.ok + others.faults + requests;
        let usual = (others.faults + rate * requests) / all;
        let own = self.faults / (self.ok + self.faults);
        if own <= usual {
            return 0.0;
        }
        let by_ok = if self.ok > 0.0 {
            self.ok * ((1.0 - own) / (1.0 - usual)).ln()
        } else {
            0.0
        };
        self.faults * (own / usual).ln() + by_ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(own: (u64, u64), others: (u64, u64), ejected: bool) -> bool {
        let upstream = UpstreamName::new("p/m").unwrap();
        let ids = ["a", "b"].map(|id| ReplicaId::new(id).unwrap());
        let mut trust = Trust::default();
        trust.note(&upstream, &ids[0], own, Time::ZERO);
        trust.note(&upstream, &ids[1], others, Time::ZERO);
        trust.contradicts(&upstream, &ids[0], ejected)
    }

    #[test]
    fn who_fails_alone_is_contradicted_and_who_fails_with_others_is_not() {
        assert!(judged((0, 2), (3, 0), false), "two of two, and nobody else");
        assert!(judged((5, 5), (40, 0), false), "half of the time");
        assert!(!judged((0, 1), (40, 0), false), "one chance fault is heard");
        assert!(!judged((0, 9), (10, 4), false), "others fail too");
        assert!(!judged((7, 3), (70, 31), false), "at the same rate");
        assert!(!judged((0, 9), (2, 0), false), "two answers prove nothing");
        assert!(
            judged((0, 0), (3, 0), true),
            "it has ejected what answers others"
        );
        assert!(
            !judged((0, 0), (3, 2), true),
            "it was only the first to eject"
        );
    }

    #[test]
    fn hanging_requests_count_and_old_answers_do_not() {
        let upstream = UpstreamName::new("p/m").unwrap();
        let ids = ["a", "b"].map(|id| ReplicaId::new(id).unwrap());
        let mut trust = Trust::default();
        trust.waits(&upstream, &ids[0], (4, 4));
        trust.note(&upstream, &ids[1], (9, 0), Time::ZERO);
        assert!(trust.contradicts(&upstream, &ids[0], false));
        trust.forget(Time::from_secs_f64(SPAN + 0.1), |_| true);
        assert!(
            !trust.contradicts(&upstream, &ids[0], false),
            "too long ago"
        );
        trust.forget(Time::from_secs_f64(SPAN + 0.1), |replica| {
            *replica == ids[1]
        });
        assert!(!trust.has_evidence(&upstream, &ids[0]), "it has left");
    }
}
