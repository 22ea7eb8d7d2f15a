//! Moments in reports, by a clock that all replicas share.
//!
//! The clocks of two machines may be seconds apart, and a block until "a quarter past" would then be one for ever or none.
//! The engine's clock is the one that all of them can read, so moments travel by that.

use crate::fleet::Report;
use crate::model::Time;

/// How far the engine's clock is ahead of this replica's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offset {
    micros: i64,
}

impl Offset {
    /// That between the engine's `theirs` and this replica's `ours`, at the same moment.
    pub(super) fn between(theirs: Time, ours: Time) -> Self {
        let (theirs, ours) = (theirs.as_micros(), ours.as_micros());
        Self {
            micros: theirs.wrapping_sub(ours).cast_signed(),
        }
    }

    /// The same moment by the engine's clock.
    pub(super) fn to_theirs(self, ours: Time) -> Time {
        moved(ours, self.micros)
    }

    /// The same moment by this replica's clock.
    pub(super) fn to_ours(self, theirs: Time) -> Time {
        moved(theirs, self.micros.saturating_neg())
    }
}

/// No moment and never stay what they are.
fn moved(time: Time, micros: i64) -> Time {
    if time == Time::ZERO || time == Time::NEVER {
        return time;
    }
    Time::from_micros(time.as_micros().saturating_add_signed(micros))
}

/// Has all moments of a report said by another clock.
pub(super) fn translate(report: &mut Report, by: impl Fn(Time) -> Time) {
    report.at = by(report.at);
    for until in report.groups.values_mut() {
        *until = by(*until);
    }
    for upstream in report.upstreams.values_mut() {
        let condition = &mut upstream.condition;
        condition.blocked_until = by(condition.blocked_until);
        if let Some(headroom) = &mut condition.headroom {
            headroom.at = by(headroom.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_on_both_clocks_and_never_stays_never() {
        let at = Time::from_micros;
        for (theirs, ours) in [(5_000, 3_000), (3_000, 5_000), (u64::MAX / 2, 7)] {
            let offset = Offset::between(at(theirs), at(ours));
            assert_eq!(offset.to_theirs(at(ours)), at(theirs));
            assert_eq!(offset.to_ours(at(theirs)), at(ours));
            assert_eq!(offset.to_theirs(Time::NEVER), Time::NEVER);
            assert_eq!(offset.to_ours(Time::ZERO), Time::ZERO);
        }
    }
}
