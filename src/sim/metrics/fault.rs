//! How soon a sick target is left, and how soon it has its share again.

use super::{Fault, Run, Scenario, Window};

/// Seconds before the fault over which its share is taken.
const BEFORE: f64 = 100.0;
/// Seconds between two looks.
const STEP: f64 = 0.5;
/// Whoever had less than this share before is not followed: there is nothing to shed.
const LEAST_SHARE: f64 = 0.015;
/// Shed is a share of at most this part of what it was; or so few requests that they have no share.
const SHED: f64 = 0.1;
const FEW: f64 = 2.0;
/// Recovered is a share of at least this part of what it was.
const RECOVERED: f64 = 0.8;
/// A fault that ends later than this before the scenario's end leaves no time to see a recovery.
const AFTER: f64 = 20.0;

/// A run as seen from the sick target.
pub(super) struct Seen<'a> {
    fault: &'a Fault,
    /// The scenario's end, in seconds.
    end: f64,
    window: Window,
    /// When attempts began, and how many of those up to each went to the target.
    starts: Vec<f64>,
    met: Vec<u32>,
    /// The target's share before.
    share: f64,
}

impl<'a> Seen<'a> {
    pub(super) fn of(scenario: &Scenario, run: &Run, fault: &'a Fault, window: Window) -> Self {
        let sick = scenario
            .targets
            .keys()
            .position(|name| *name == fault.target);
        let starts = run
            .tried
            .iter()
            .map(|tried| tried.at.as_secs_f64())
            .collect();
        let mut sum = 0;
        let counted = run.tried.iter().map(|tried| {
            sum += u32::from(Some(tried.target) == sick);
            sum
        });
        let met = counted.collect();
        let mut seen = Self {
            fault,
            end: scenario.seconds,
            window,
            starts,
            met,
            share: 0.0,
        };
        let (from, to) = seen.before();
        let (met, all) = seen.count(from, to);
        seen.share = if all > 0.0 { met / all } else { 0.0 };
        seen
    }

    /// Attempts from `from` to `to` (seconds) that met the target, and all.
    fn count(&self, from: f64, to: f64) -> (f64, f64) {
        let up_to = |time: f64| self.starts.partition_point(|start| *start < time);
        let (first, last) = (up_to(from), up_to(to));
        let met = |count: usize| {
            let last = count.checked_sub(1);
            last.and_then(|last| self.met.get(last))
                .map_or(0.0, |met| f64::from(*met))
        };
        (met(last) - met(first), (last - first) as f64)
    }

    /// Seconds from `from` until a window that begins before `to` satisfies `wanted` (met, all).
    fn until(&self, from: f64, to: f64, wanted: impl Fn(f64, f64) -> bool) -> Option<f64> {
        let step = STEP * self.window.0;
        let looks = (0_u32..).map(|look| from + f64::from(look) * step);
        let mut looks = looks.take_while(|at| *at < to - self.window.seconds());
        let found = looks.find(|at| {
            let (met, all) = self.count(*at, at + self.window.seconds());
            wanted(met, all)
        });
        found.map(|at| at - from)
    }

    /// The target's share before.
    pub(super) const fn share(&self) -> f64 {
        self.share
    }

    /// The stretch of time before the fault that things are compared with, in seconds.
    pub(super) fn before(&self) -> (f64, f64) {
        let from = self.fault.from;
        ((from - BEFORE * self.window.0).max(0.0), from)
    }

    /// Attempts from `from` to `to` (seconds) that met the target.
    pub(super) fn met(&self, from: f64, to: f64) -> f64 {
        self.count(from, to).0
    }

    /// Seconds until it was shed; `None` if it never was, or had nothing.
    pub(super) fn shed_after(&self) -> Option<f64> {
        if self.share <= LEAST_SHARE {
            return None;
        }
        let Fault { from, to, .. } = *self.fault;
        let few = |met: f64, all: f64| met <= (SHED * self.share * all).max(FEW);
        self.until(from, to, few)
    }

    /// Seconds until it was shed; the fault's length if never.
    pub(super) fn shed(&self) -> Option<f64> {
        if self.share <= LEAST_SHARE {
            return None;
        }
        Some(self.shed_after().unwrap_or(self.fault.to - self.fault.from))
    }

    /// Attempts that met it until it was shed.
    pub(super) fn exposed(&self) -> Option<f64> {
        let Fault { from, to, .. } = *self.fault;
        let shed = self.shed().unwrap_or(to - from);
        (to < self.end).then(|| self.count(from, from + shed).0)
    }

    /// Seconds from the fault's end until it had its share again; `None` if it never had.
    pub(super) fn recovered_after(&self) -> Option<f64> {
        if self.share <= LEAST_SHARE {
            return None;
        }
        let enough = |met: f64, all: f64| met >= RECOVERED * self.share * all;
        self.until(self.fault.to, self.end, enough)
    }

    /// Seconds from the fault's end until it had its share again; what is left of the run if never.
    pub(super) fn recovered(&self) -> Option<f64> {
        let to = self.fault.to;
        if self.share <= LEAST_SHARE || to >= self.end - AFTER {
            return None;
        }
        Some(self.recovered_after().unwrap_or(self.end - to))
    }
}
