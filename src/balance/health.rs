//! Whether an upstream takes traffic: serving, ejected, probed, returning.
//!
//! Ejection is the gate's (see [`super::gate::react`]) or, for requests that hang, the tick's; coming back is only the
//! tick's. What passes a probe is the absence of *that* fault for as long as it takes to show: one first content after
//! quick failures, two whole answers after stalls.

use serde::{Deserialize, Serialize};

use super::News;
use super::gate::{Cause, ProbeResult};
use super::peers::Peers;
use super::possible::{Odd, by, number, past};
use super::suspicion::Suspicion;
use crate::model::Time;

/// First back-off, in seconds. It doubles with each ejection and decays while the target works.
const FIRST_BACKOFF: f64 = 1.0;
/// Longest back-off where failure is quick, and where a failed probe costs somebody seconds.
const QUICK_CEILING: f64 = 12.0;
const SLOW_CEILING: f64 = 30.0;
/// Longest back-off where money is used up or a wait is absurd: somebody pays at noon, or nobody does. It begins with
/// [`SLOW_CEILING`]; each probe costs one request a detour.
const QUOTA_CEILING: f64 = 600.0;
/// Time constant of the back-off's decay, in seconds.
const BACKOFF_MEMORY: f64 = 20.0;
/// A back-off is never shorter than this many requests take to come: at 0.05 requests/s each would be a probe.
const LEAST_REQUESTS: f64 = 10.0;
const LONGEST_BACKOFF: f64 = 600.0;
/// Demand that the ceilings are made for, in requests per second. Below it they grow with its root: probes cost a part of the
/// traffic that grows as it shrinks, while waiting costs in proportion to it, and that is where the sum is least.
const USUAL_DEMAND: f64 = 3.0;
/// Part of the usual evidence that need not be there right after a return, and the time constant with which that passes,
/// in seconds: two faults eject instead of three. With one, chance would eject healthy targets.
const WARY: f64 = 0.6;
const WARY_FOR: f64 = 60.0;
/// Most passed probes of peers that one tick takes in: more than are ever needed.
const MOST_PASSED: u32 = 8;
/// Part of its share that a target returns with, and its growth: a factor of e a second, whole after 2.3 s.
const FIRST_RAMP: f64 = 0.1;
const RAMP_RATE: f64 = 1.0;

/// The state of an upstream's health.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It takes its share.
    Serving,
    /// It takes nothing until this moment.
    Ejected {
        /// When the first probe may be sent.
        until: Time,
        /// Why.
        cause: Cause,
    },
    /// It takes one request at a time, to see whether the fault is gone.
    Probing {
        /// What the fault was.
        cause: Cause,
        /// Probes passed so far.
        passed: u8,
        /// Whether one is out.
        out: bool,
    },
    /// It works again and gets this part of its share.
    Returning {
        /// 0 to 1, growing.
        part: f64,
        /// Whether it was ejected before (a newcomer is not on probation).
        on_probation: bool,
    },
}

/// What is remembered about an upstream's health.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct HealthMemory {
    pub(super) state: Health,
    backoff: f64,
    /// When it last stopped serving.
    pub(super) gone_at: Time,
    /// When it was last ejected, failed probes included.
    pub(super) ejected_at: Time,
    /// Ejections so far, failed probes included.
    pub(super) ejections: u64,
    /// Probes of this replica's that failed so far, those that hang included.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub(super) failed_probes: u64,
    /// When it last came back.
    #[serde(default)]
    returned_at: Option<Time>,
    #[serde(default)]
    pub(super) suspicion: Suspicion,
    /// While it is out: whether a peer had it ejected as well, so that a peer's probe says something about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    shared: bool,
}

impl Default for HealthMemory {
    fn default() -> Self {
        Self {
            state: Health::Serving,
            backoff: FIRST_BACKOFF,
            gone_at: Time::ZERO,
            ejected_at: Time::ZERO,
            ejections: 0,
            failed_probes: 0,
            returned_at: None,
            suspicion: Suspicion::default(),
            shared: false,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "what is left out of a text is asked by reference"
)]
fn is_none_yet(count: &u64) -> bool {
    *count == 0
}

/// What a tick's news did to an upstream's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Ejected,
    /// It passed its probes and begins to return.
    Passed,
}

impl HealthMemory {
    /// A target that is new while others work: it begins with a tenth of its share.
    pub(super) fn newcomer() -> Self {
        let state = Health::Returning {
            part: FIRST_RAMP,
            on_probation: false,
        };
        Self {
            state,
            ..Self::default()
        }
    }

    /// Whether it takes ordinary traffic.
    pub(super) const fn is_serving(&self) -> bool {
        matches!(self.state, Health::Serving | Health::Returning { .. })
    }

    /// The part of its share that it gets.
    pub(super) const fn ramp(&self) -> f64 {
        match self.state {
            Health::Serving => 1.0,
            Health::Returning { part, .. } => part,
            Health::Ejected { .. } | Health::Probing { .. } => 0.0,
        }
    }

    /// Whether it comes back from an ejection.
    pub(super) const fn is_on_probation(&self) -> bool {
        matches!(
            self.state,
            Health::Returning {
                on_probation: true,
                ..
            }
        )
    }

    /// What ejected it, while it is out.
    pub(super) const fn cause(&self) -> Option<Cause> {
        match self.state {
            Health::Ejected { cause, .. } | Health::Probing { cause, .. } => Some(cause),
            Health::Serving | Health::Returning { .. } => None,
        }
    }

    /// The same, and whether a probe is under way.
    pub(super) const fn out(&self) -> Option<(Cause, bool)> {
        match self.state {
            Health::Ejected { cause, .. } => Some((cause, false)),
            Health::Probing { cause, out, .. } => Some((cause, out)),
            Health::Serving | Health::Returning { .. } => None,
        }
    }

    /// Whether a probe should be on offer.
    pub(super) const fn wants_probe(&self) -> bool {
        matches!(self.state, Health::Probing { out: false, .. })
    }

    /// Takes it out of traffic. `demand` is the rate of requests that could come here, per second.
    pub(super) fn eject(&mut self, now: Time, cause: Cause, demand: f64) {
        match self.state {
            Health::Serving | Health::Returning { .. } => {
                self.gone_at = now;
                self.shared = false;
                self.suspicion.ejected(0.0, 0.0);
            }
            Health::Probing { passed, .. } => self.suspicion.ejected(1.0, f64::from(passed)),
            Health::Ejected { .. } => {}
        }
        let ceiling = match cause {
            Cause::Faults => QUICK_CEILING,
            Cause::Overdue | Cause::Stalls | Cause::OurFault => SLOW_CEILING,
            Cause::Quota | Cause::AbsurdWait => QUOTA_CEILING,
        };
        let least = match cause {
            Cause::Faults | Cause::Overdue | Cause::Stalls => 0.0,
            Cause::OurFault | Cause::Quota | Cause::AbsurdWait => SLOW_CEILING,
        };
        let demand = demand.max(1e-3);
        let spaced = (LEAST_REQUESTS / demand).min(LONGEST_BACKOFF);
        let ceiling = ceiling * (USUAL_DEMAND / demand).sqrt().max(1.0);
        let ceiling = ceiling.min(LONGEST_BACKOFF).max(spaced);
        let backoff = self.backoff.clamp(least.max(spaced), ceiling);
        self.state = Health::Ejected {
            until: now.after_secs(backoff),
            cause,
        };
        self.backoff = (backoff * 2.0).min(ceiling);
        self.ejected_at = now;
        self.ejections += 1;
    }

    /// A probe of this replica's failed, or has been silent for too long.
    pub(super) fn probe_failed(&mut self, now: Time, cause: Cause, demand: f64) {
        self.failed_probes = self.failed_probes.saturating_add(1);
        self.eject(now, cause, demand);
    }

    /// Whatever it is out for may be mended: asks for a probe at once.
    pub(super) const fn probe_now(&mut self) {
        if let Some(cause) = self.cause() {
            self.state = Health::Probing {
                cause,
                passed: 0,
                out: false,
            };
        }
    }

    /// `seconds` have passed in which nothing was sent and nothing seen. A probe that was out has no answer any more; what
    /// was out of traffic is probed before it takes any; what else there was of trouble fades as if it had served well.
    pub(super) fn rest(&mut self, now: Time, seconds: f64) {
        if let Health::Probing { cause, .. } = self.state {
            self.state = Health::Probing {
                cause,
                passed: 0,
                out: false,
            };
        }
        self.advance(now, seconds);
        let above = (self.backoff - FIRST_BACKOFF).max(0.0);
        self.backoff = FIRST_BACKOFF + above * (-seconds / BACKOFF_MEMORY).exp();
        self.suspicion = Suspicion::default();
    }

    /// Takes in what happened between the ticks.
    pub(super) fn hear(&mut self, now: Time, news: &News, demand: f64) -> Change {
        if let Health::Probing { out, .. } = &mut self.state {
            *out |= news.probe_sent;
        }
        if let Some((at, cause)) = news.ejected {
            self.eject(at, cause, demand);
            return Change::Ejected;
        }
        let Health::Probing { cause, passed, .. } = self.state else {
            return Change::None;
        };
        match news.probe {
            None => Change::None,
            Some(ProbeResult::Failed(_)) => {
                self.probe_failed(now, cause, demand);
                Change::Ejected
            }
            Some(ProbeResult::Void) => {
                self.state = Health::Probing {
                    cause,
                    passed,
                    out: false,
                };
                Change::None
            }
            Some(ProbeResult::Passed) if passed + 1 < self.suspicion.passes_needed(cause) => {
                self.state = Health::Probing {
                    cause,
                    passed: passed + 1,
                    out: false,
                };
                Change::None
            }
            Some(ProbeResult::Passed) => {
                self.returned_at = Some(now);
                self.state = Health::Returning {
                    part: FIRST_RAMP,
                    on_probation: true,
                };
                Change::Passed
            }
        }
    }

    /// Takes in what probes of peers showed, while it is out. Where no peer has it ejected, it is out by this replica's own
    /// judgement, and others' answers change nothing about that.
    pub(super) fn hear_probes(&mut self, now: Time, peers: &Peers, demand: f64) -> Change {
        self.shared |= peers.ejected > 0;
        let Some(cause) = self.cause().filter(|_| self.shared) else {
            return Change::None;
        };
        if peers.failed > 0 {
            if let Health::Ejected { .. } = self.state {
                self.suspicion.ejected(f64::from(peers.failed), 0.0);
            }
            self.eject(now, cause, demand);
            return Change::Ejected;
        }
        let mut change = Change::None;
        for _ in 0..peers.passed.min(MOST_PASSED) {
            if let Health::Ejected { .. } = self.state {
                self.probe_now();
            }
            let passed = News {
                probe: Some(ProbeResult::Passed),
                ..News::default()
            };
            change = self.hear(now, &passed, demand);
        }
        change
    }

    /// Seconds since it last came back; endless if it never was away.
    pub(super) fn seconds_since_return(&self, now: Time) -> f64 {
        self.returned_at
            .map_or(f64::INFINITY, |at| now.secs_since(at))
    }

    /// How much less than usual it takes to eject it again, 0 to 1: what failed a moment ago is likely to fail again, and
    /// each fault more is somebody's request.
    pub(super) fn wariness(&self, now: Time) -> f64 {
        let since = self.returned_at.map(|at| now.secs_since(at));
        since.map_or(0.0, |since| WARY * (-since / WARY_FOR).exp())
    }

    /// Time passes.
    pub(super) fn advance(&mut self, now: Time, elapsed: f64) {
        match &mut self.state {
            Health::Ejected { until, cause } if now >= *until => {
                self.state = Health::Probing {
                    cause: *cause,
                    passed: 0,
                    out: false,
                };
            }
            Health::Ejected { .. } | Health::Probing { .. } => {}
            Health::Returning { part, .. } => {
                *part *= (RAMP_RATE * elapsed).exp();
                if *part >= 1.0 {
                    self.state = Health::Serving;
                }
            }
            Health::Serving => {
                let above = (self.backoff - FIRST_BACKOFF).max(0.0);
                self.backoff = FIRST_BACKOFF + above * (-elapsed / BACKOFF_MEMORY).exp();
            }
        }
    }
}

impl HealthMemory {
    /// Whether a run can have written it.
    pub(super) fn possible(&self, stored: Time) -> Result<(), Odd> {
        match self.state {
            Health::Ejected { until, .. } => by("until", until, stored, LONGEST_BACKOFF)?,
            Health::Returning { part, .. } => number("part", part, (FIRST_RAMP, 1.0))?,
            Health::Serving | Health::Probing { .. } => {}
        }
        number("backoff", self.backoff, (FIRST_BACKOFF, LONGEST_BACKOFF))?;
        // One each microsecond since 1970 would be less.
        number("ejections", self.ejections as f64, (0.0, 9e18))?;
        past("gone_at", self.gone_at, stored)?;
        past("ejected_at", self.ejected_at, stored)?;
        past("returned_at", self.returned_at, stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Time {
        Time::from_secs_f64(seconds)
    }

    fn until(health: &HealthMemory) -> f64 {
        match health.state {
            Health::Ejected { until, .. } => until.as_secs_f64(),
            other => panic!("expected an ejected target, found {other:?}"),
        }
    }

    #[test]
    fn backoff_doubles_up_to_its_ceiling_and_decays_while_it_works() {
        let mut health = HealthMemory::default();
        let mut waits = Vec::new();
        for round in 0..6 {
            let now = at(100.0 * f64::from(round));
            health.eject(now, Cause::Faults, 100.0);
            waits.push(until(&health) - now.as_secs_f64());
        }
        assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 12.0, 12.0]);
        health.state = Health::Serving;
        for _ in 0..400 {
            health.advance(at(1_000.0), 0.25);
        }
        health.eject(at(1_000.0), Cause::Faults, 100.0);
        let wait = until(&health) - 1_000.0;
        assert!(wait < 1.2, "a hundred good seconds forgive, found {wait} s");
    }

    #[test]
    fn rare_requests_make_the_backoff_longer() {
        let mut health = HealthMemory::default();
        health.eject(at(0.0), Cause::Faults, 0.05);
        assert!(
            (until(&health) - 200.0).abs() < 1e-6,
            "ten requests take 200 s"
        );
    }

    #[test]
    fn a_stall_needs_two_whole_answers() {
        let mut health = HealthMemory::default();
        health.eject(at(0.0), Cause::Stalls, 100.0);
        health.advance(at(1.5), 0.25);
        assert!(health.wants_probe(), "the back-off is over");
        let sent = News {
            probe_sent: true,
            ..News::default()
        };
        assert_eq!(health.hear(at(2.0), &sent, 100.0), Change::None);
        assert!(!health.wants_probe(), "one at a time");
        let passed = News {
            probe: Some(ProbeResult::Passed),
            ..News::default()
        };
        assert_eq!(health.hear(at(3.0), &passed, 100.0), Change::None);
        assert!(health.wants_probe(), "a second one is wanted");
        assert_eq!(health.hear(at(4.0), &passed, 100.0), Change::Passed);
        assert!(health.is_serving());
    }

    #[test]
    fn a_failed_probe_waits_longer() {
        let mut health = HealthMemory::default();
        health.eject(at(0.0), Cause::Faults, 100.0);
        health.advance(at(1.0), 0.25);
        let failed = News {
            probe: Some(ProbeResult::Failed(Cause::Faults)),
            ..News::default()
        };
        assert_eq!(health.hear(at(1.0), &failed, 100.0), Change::Ejected);
        assert!((until(&health) - 3.0).abs() < 1e-6);
    }
}
