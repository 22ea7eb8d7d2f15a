//! What has changed since the last rounds, told at each tick by the channel that everybody hears.
//!
//! A message is one command, and who hears it asks for nothing; a round is four. So what is measured travels by messages, and
//! rounds mend what messages lose.

use std::sync::Arc;

use redis::{Pipeline, RedisResult};

use super::keys::Keys;
use super::link::Link;
use super::moments::{Offset, translate};
use super::pack::{REPORT, pack, unpack};
use super::stranger::sound;
use crate::fleet::{Delta, Deltas, Pace, Report};
use crate::model::Time;

/// The name of the channel.
pub(super) const CHANNEL: &str = "changes";
/// Seconds after which it is told that nothing has changed. Doubled, three lost messages in a row make a replica without
/// requests a missing one.
const SIGN_OF_LIFE: f64 = 1.0;

/// What was told of the own report.
#[derive(Debug, Default)]
pub(super) struct Changes {
    deltas: Deltas,
    pace: Pace,
    /// The number of the report that was told last.
    told: (u64, u64),
}

impl Changes {
    /// A whole report was put into the engine.
    pub(super) fn put(&mut self, report: Arc<Report>) {
        self.deltas.put(report);
    }

    /// Nothing is known to be in the engine.
    pub(super) fn forget(&mut self) {
        self.deltas.forget();
    }

    /// Whether a message may be sent at `now` by one of so many replicas; `presses` is whether it should not wait.
    pub(super) fn are_due(&mut self, now: Time, replicas: usize, presses: bool) -> bool {
        self.pace.is_due(now, replicas, presses)
    }

    /// Tells what is new in `report`, if anything is, and whether it `presses` and its process `drains`.
    pub(super) async fn tell(
        &mut self,
        link: &mut Link,
        keys: &Keys,
        (report, presses, drains): (&Report, bool, bool),
        (now, offset): (Time, Offset),
    ) -> RedisResult<()> {
        let Some(mut delta) = self.deltas.next(report) else {
            return Ok(());
        };
        // That nothing has changed is told now and then: who is silent for five seconds is taken for gone.
        let is_idle = delta.is_empty() && self.pace.silent_for(now) < SIGN_OF_LIFE;
        if report.number() <= self.told || is_idle {
            return Ok(());
        }
        self.told = report.number();
        self.pace.told(now);
        self.deltas.told(report);
        (delta.presses, delta.drains) = (presses, drains);
        translate(&mut delta.changed, |ours| offset.to_theirs(ours));
        match pack(&delta, REPORT) {
            Ok(packed) => {
                let mut pipe = redis::pipe();
                pipe.publish(keys.named(CHANNEL), packed).ignore();
                pipe.query_async(link).await
            }
            // The next round says of the whole report that it is too large.
            Err(_) => Ok(()),
        }
    }

    /// Tells as the last word that this process leaves; `report` is what it knew in the end.
    pub(super) fn last(
        &mut self,
        pipe: &mut Pipeline,
        keys: &Keys,
        report: &Report,
        offset: Offset,
    ) {
        let mut delta = self.deltas.last(report);
        translate(&mut delta.changed, |ours| offset.to_theirs(ours));
        if let Ok(packed) = pack(&delta, REPORT) {
            pipe.publish(keys.named(CHANNEL), packed).ignore();
        }
    }
}

/// What a message says, with moments by this replica's clock.
pub(super) fn heard(packed: &[u8], offset: Offset, now: Time) -> Option<Delta> {
    let mut delta: Delta = unpack(packed, REPORT).ok()?;
    sound(&mut delta.changed, offset, now).ok()?;
    Some(delta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::ReplicaId;

    fn at(seconds: f64) -> Time {
        Time::from_secs_f64(seconds)
    }

    #[test]
    fn what_cannot_be_read_or_true_is_not_heard() {
        let report = |name: &str| Report {
            replica: ReplicaId::new(name).unwrap(),
            epoch: 1,
            sequence: 2,
            at: Time::ZERO,
            version: String::new(),
            plan: 0,
            orders: 0,
            groups: std::collections::BTreeMap::new(),
            upstreams: std::collections::BTreeMap::new(),
            routes: std::collections::BTreeMap::new(),
        };
        let delta = |changed: Report| Delta {
            base: 1,
            presses: false,
            leaves: false,
            drains: false,
            changed,
        };
        let packed = |changed: Report| pack(&delta(changed), REPORT).unwrap();
        let hear = |packed: &[u8]| heard(packed, Offset::default(), at(9.0));
        assert!(hear(&packed(report("b"))).is_some());
        assert_eq!(hear(b"no such thing"), None);
        let ahead = Report {
            epoch: at(1e6).as_micros(),
            ..report("b")
        };
        assert_eq!(hear(&packed(ahead)), None, "it began in the future");
    }
}
