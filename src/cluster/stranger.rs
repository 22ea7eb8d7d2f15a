//! What stands under a replica's name may be anybody's: it is read strictly, or not at all.

use std::time::Duration;

use super::moments::{Offset, translate};
use super::pack::{REPORT, unpack};
use crate::fleet::Report;
use crate::model::Time;

/// How far in the future a report may have begun: clocks that are further apart are wrong, and an epoch of the far future
/// would silence its replica for good.
const AHEAD: Duration = Duration::from_secs(86_400);

/// The report of the replica `name`, with moments by this replica's clock.
pub(super) fn understood(
    name: &str,
    packed: &[u8],
    offset: Offset,
    now: Time,
) -> Result<Report, String> {
    let mut report: Report = unpack(packed, REPORT).map_err(|error| error.to_string())?;
    if report.replica.as_str() != name {
        return Err(format!("it is of {}", report.replica));
    }
    sound(&mut report, offset, now)?;
    Ok(report)
}

/// Puts the moments of a report in this replica's clock, and lets go of what nobody can have measured.
pub(super) fn sound(report: &mut Report, offset: Offset, now: Time) -> Result<(), String> {
    if report.epoch > now.after(AHEAD).as_micros() {
        return Err("it began in the future".to_owned());
    }
    translate(report, |theirs| offset.to_ours(theirs));
    for upstream in report.upstreams.values_mut() {
        let headroom = &mut upstream.condition.headroom;
        if let Some(headroom) = headroom {
            // A rate that is announced holds from then on: in the future it would hold for good.
            headroom.at = headroom.at.min(now);
        }
        let rooms = |it: &crate::balance::Headroom| [it.requests, it.tokens];
        let odd = |room: crate::balance::Room| {
            let numbers = [Some(room.remaining), room.limit, room.resets_in];
            numbers
                .into_iter()
                .flatten()
                .any(|it| !(0.0..=1e15).contains(&it))
        };
        if headroom.is_some_and(|it| rooms(&it).into_iter().flatten().any(odd)) {
            *headroom = None;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "stranger_tests.rs"]
mod tests;
