//! Numbers of a stored memory that no run of this program writes.
//!
//! Problem: a memory is a file that a disk, another program or a person may have changed, and one absurd number in it (a mean
//! of 1e308) makes losses that are no numbers, so a route stays at its configured shares until the memory is thrown away.
//! Choice: each part says what its fields can be at all, by the bounds that the code itself keeps; a part with another number
//! begins anew, which is said, and all others go on. The ranges are wide on purpose: they stop what cannot be, not what is
//! unusual. How it fails: a wrong number within its range is believed, and unlearned as any old news is.

use std::fmt;

use super::health::HealthMemory;
use super::plan::Plan;
use super::step::Memory;
use crate::model::{Time, UpstreamName};

/// Seconds that a clock of 64 bits in microseconds can tell: whatever is a sum of ticks' lengths is less.
pub(super) const MOST_SECONDS: f64 = 2e13;
/// Answers that fade: a tick's batch counts 2³² of a class at most, and the slowest fading (a half-life of 300 s at a
/// hundredth of the usual pace, ticks of a quarter of a second) adds up 2 · 10⁵ of them.
pub(super) const MOST_COUNT: f64 = 1e15;
/// Events a second: 2³² of them in the shortest time that is told apart, a millisecond.
pub(super) const MOST_RATE: f64 = 5e12;
/// Tokens: those of one batch are counted in 64 bits.
pub(super) const MOST_TOKENS: f64 = 2e19;
/// Normalised times: a batch's values count up to 20, re-expressed by 10⁶ at most, and a reference that moves through all of
/// its range (nine orders of magnitude) re-expresses them once more.
pub(super) const MOST_NORMALISED: f64 = 2e16;
/// Seconds that a moment may be after the tick that stored it: requests run beside the tick and say by the same clock when
/// something happened, some microseconds after the tick took its time. Without it such a part would begin anew; ten times as
/// much stops no less, since what cannot be is years away.
const SLACK: f64 = 1.0;
/// Parts that are told one by one.
const MOST_TOLD: usize = 20;

/// A number that no run writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Odd {
    field: &'static str,
    found: f64,
    range: (f64, f64),
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = self.range;
        let (field, found) = (self.field, self.found);
        write!(f, "{field} is {found:e}, expected {least:e} to {most:e}")
    }
}

/// Whether `found` is in this range.
pub(super) fn number(field: &'static str, found: f64, range: (f64, f64)) -> Result<(), Odd> {
    // What is no number is in no range.
    if (range.0..=range.1).contains(&found) {
        Ok(())
    } else {
        Err(Odd {
            field,
            found,
            range,
        })
    }
}

/// The same of several, such as the cells of a histogram.
pub(super) fn numbers<'a>(
    field: &'static str,
    found: impl IntoIterator<Item = &'a f64>,
    range: (f64, f64),
) -> Result<(), Odd> {
    found
        .into_iter()
        .try_for_each(|found| number(field, *found, range))
}

/// Whether a moment, where there is one, had come when the memory was stored, give or take a second.
pub(super) fn past(
    field: &'static str,
    found: impl Into<Option<Time>>,
    stored: Time,
) -> Result<(), Odd> {
    by(field, found, stored, 0.0)
}

/// Whether a moment is at most so many seconds after the memory was stored, give or take one.
pub(super) fn by(
    field: &'static str,
    found: impl Into<Option<Time>>,
    stored: Time,
    seconds: f64,
) -> Result<(), Odd> {
    let latest = stored.after_secs(seconds + SLACK).as_secs_f64();
    let found: Option<Time> = found.into();
    found.map_or(Ok(()), |at| number(field, at.as_secs_f64(), (0.0, latest)))
}

/// What was found, in words.
#[derive(Debug)]
pub(super) struct Mending {
    /// When the memory was stored.
    pub(super) stored: Time,
    /// What is looked at: an upstream, a route.
    about: String,
    said: Vec<String>,
    more: usize,
}

impl Mending {
    fn new(stored: Time) -> Self {
        Self {
            stored,
            about: String::new(),
            said: Vec::new(),
            more: 0,
        }
    }

    /// Puts `fresh` in the place of a part that cannot be; says so. Whether it was one.
    pub(super) fn part<T>(
        &mut self,
        what: &str,
        part: &mut T,
        checked: impl FnOnce(&T) -> Result<(), Odd>,
        fresh: impl FnOnce() -> T,
    ) -> bool {
        let Err(odd) = checked(part) else {
            return false;
        };
        *part = fresh();
        if self.said.len() < MOST_TOLD {
            self.said.push(format!("{}: {what}: {odd}", self.about));
        } else {
            self.more += 1;
        }
        true
    }

    fn words(mut self) -> Vec<String> {
        if self.more > 0 {
            self.said.push(format!("and {} more", self.more));
        }
        self.said
    }
}

impl Memory {
    /// Lets go of what no run can have written, in a memory of `plan` that was stored at this time; tells of it.
    ///
    /// It must fit the plan.
    pub(super) fn mend(&mut self, plan: &Plan, stored: Time) -> Vec<String> {
        let mut mending = Mending::new(stored);
        let name = |i: usize| plan.upstreams().get(i).map(UpstreamName::to_string);
        let mut fresh_units = Vec::new();
        for (members, cohort) in plan.cohorts.iter().zip(&mut self.cohorts) {
            let first = members.first().and_then(|i| name(*i)).unwrap_or_default();
            mending.about = format!("{first} and its peers");
            fresh_units.push(cohort.mend(&mut mending));
        }
        for (i, upstream) in self.upstreams.iter_mut().enumerate() {
            mending.about = name(i).unwrap_or_default();
            upstream.mend(&mut mending);
            // What was measured is in units that are gone.
            let cohort = plan.cohort_of.get(i).and_then(|i| fresh_units.get(*i));
            if cohort.copied().unwrap_or_default() {
                upstream.forget_times();
            }
        }
        for (route, memory) in plan.routes.iter().zip(&mut self.routes) {
            mending.about = format!("route {}", route.spec.name);
            memory.mend(route, &mut mending);
        }
        mending.words()
    }
}

impl Mending {
    /// The health of an upstream.
    pub(super) fn health(&mut self, health: &mut HealthMemory) {
        let stored = self.stored;
        self.part(
            "its health",
            health,
            |health| health.possible(stored),
            HealthMemory::default,
        );
    }
}
