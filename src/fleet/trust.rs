//! Whose evidence is contradicted by the others.
//!
//! Problem: a replica with a broken network fails everywhere, and its faults are as many as those of a target that really
//! fails. But then the others get good answers from that target in the same seconds. So a replica's faults are held against
//! how often the others fail there: where the two cannot be the same rate, it is not the target.
//!
//! Requests that hang count as faults, on both sides, or a network that swallows packets would never be found out.

use std::collections::{BTreeMap, VecDeque};

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
/// Seconds from which a request without content may hang, the least age at which a first token is overdue.
pub(super) const MAY_HANG: f64 = 2.5;

/// What one replica saw of one upstream in the last seconds.
#[derive(Clone, Debug, Default)]
struct Seen {
    ends: VecDeque<(Time, f64, f64)>,
    /// Requests that may hang, now.
    hanging: f64,
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
        if ok + faults > 0 {
            let seen = self.seen(upstream, replica);
            seen.ends.push_back((now, ok as f64, faults as f64));
        }
    }

    /// So many of its requests may hang now.
    pub(super) fn hanging(&mut self, upstream: &UpstreamName, replica: &ReplicaId, count: u32) {
        let known = self.upstreams.get(upstream);
        if count > 0 || known.is_some_and(|seen| seen.contains_key(replica)) {
            self.seen(upstream, replica).hanging = f64::from(count);
        }
    }

    fn seen(&mut self, upstream: &UpstreamName, replica: &ReplicaId) -> &mut Seen {
        let seen = self.upstreams.entry(upstream.clone()).or_default();
        seen.entry(replica.clone()).or_default()
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
                is_there(replica) && (!seen.ends.is_empty() || seen.hanging > 0.0)
            });
        }
        self.upstreams.retain(|_, seen| !seen.is_empty());
    }

    /// Whether a replica has evidence about an upstream.
    pub(super) fn has_evidence(&self, upstream: &UpstreamName, replica: &ReplicaId) -> bool {
        let seen = self.upstreams.get(upstream);
        seen.is_some_and(|seen| seen.contains_key(replica))
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
        own.faults > 0.0
            && others.ok >= LEAST_GOOD
            && others.faults < FAIL_TOO * (others.ok + others.faults)
            && own.against(others) > IMPROBABLE
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
        trust.hanging(&upstream, &ids[0], 4);
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
