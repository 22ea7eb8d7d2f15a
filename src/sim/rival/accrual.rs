//! The second half of `p2c+accrual`: Finagle's failure accrual in front of another policy.
//!
//! Source: `finagle-core/.../liveness/FailureAccrualFactory.scala` and `FailureAccrualPolicy.scala` of twitter/finagle at
//! ad0c9d1, the hybrid policy; <https://twitter.github.io/finagle/guide/Clients.html#failure-accrual>.
//!
//! An endpoint is marked dead by five failures in a row, or when less than 80 % of at least five requests in thirty
//! seconds succeeded. It stays dead for five seconds, after each further time for a random length between half and
//! all of twice as long, up to 300. Then one request probes it: success brings it back with a clean slate, failure
//! marks it dead again. While it is dead, what comes back from before says nothing.
//!
//! A server error, a 429 and a time-out count as failures: a response classifier can be written so, Finagle's own
//! counts exceptions only. Where all are dead, the balancer below chooses among all.
//!
//! Tuned: nothing; all numbers are Finagle's defaults.

use super::choice::{Luck, allowed_or_all};
use super::verdict::{Verdict, end};
use crate::balance::Weight;
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// `DefaultConsecutiveFailures`.
const IN_A_ROW: u32 = 5;
/// `DefaultSuccessRateThreshold`.
const SUCCESS: f64 = 0.8;
/// `DefaultSuccessRateWindow`, in seconds.
const WINDOW: f64 = 30.0;
/// `DefaultMinimumRequestThreshold`.
const ENOUGH: f64 = 5.0;
/// `Backoff.equalJittered(5.seconds, 300.seconds)`.
const FIRST_DEATH: f64 = 5.0;
const LONGEST_DEATH: f64 = 300.0;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Alive,
    Dead {
        until: Time,
    },
    /// Takes one request.
    ProbeOpen,
    /// Waits for what becomes of it.
    ProbeClosed,
}

/// What is known of one endpoint.
#[derive(Clone, Debug)]
struct Endpoint {
    state: State,
    failures_in_a_row: u32,
    /// Requests and successes, both decayed over the window.
    requests: f64,
    successes: f64,
    counted: Time,
    /// How many times in a row it was marked dead.
    deaths: i32,
}

impl Endpoint {
    const NEW: Self = Self {
        state: State::Alive,
        failures_in_a_row: 0,
        requests: 0.0,
        successes: 0.0,
        counted: Time::ZERO,
        deaths: 0,
    };

    /// A dead endpoint whose time is up opens for a probe.
    fn revive(&mut self, now: Time) {
        if matches!(self.state, State::Dead { until } if until <= now) {
            self.state = State::ProbeOpen;
        }
    }

    fn takes_requests(&self) -> bool {
        matches!(self.state, State::Alive | State::ProbeOpen)
    }

    fn count(&mut self, success: bool, now: Time) {
        let kept = (-now.secs_since(self.counted) / WINDOW).exp();
        self.counted = now;
        self.requests = self.requests * kept + 1.0;
        self.successes = self.successes * kept + f64::from(u8::from(success));
        self.failures_in_a_row = if success {
            0
        } else {
            self.failures_in_a_row + 1
        };
    }

    fn is_failing(&self) -> bool {
        let rate = self.requests >= ENOUGH && self.successes < SUCCESS * self.requests;
        self.failures_in_a_row >= IN_A_ROW || rate
    }

    fn succeed(&mut self, now: Time) {
        if self.state == State::ProbeClosed {
            *self = Self::NEW;
        }
        self.count(true, now);
    }

    fn fail(&mut self, now: Time, jitter: f64) {
        if matches!(self.state, State::Dead { .. } | State::ProbeOpen) {
            return;
        }
        self.count(false, now);
        if self.is_failing() {
            let full = FIRST_DEATH * 2.0_f64.powi(self.deaths);
            let length = if self.deaths == 0 {
                full
            } else {
                full * (0.5 + 0.5 * jitter)
            };
            let until = now.after_secs(length.min(LONGEST_DEATH));
            self.state = State::Dead { until };
            self.deaths += 1;
        } else if self.state == State::ProbeClosed {
            self.state = State::ProbeOpen;
        }
    }
}

/// Failure accrual around `inner`.
#[derive(Debug)]
pub(super) struct Accrual<P> {
    inner: P,
    endpoints: Vec<Endpoint>,
    jitter: Luck,
}

impl<P: Policy> Accrual<P> {
    pub(super) fn new(inner: P, count: usize, jitter: Luck) -> Self {
        Self {
            inner,
            endpoints: vec![Endpoint::NEW; count],
            jitter,
        }
    }
}

impl<P: Policy> Policy for Accrual<P> {
    fn set_present(&mut self, target: usize, present: bool, now: Time) {
        self.inner.set_present(target, present, now);
    }

    fn reloaded(&mut self, weights: &[Weight], now: Time) {
        self.inner.reloaded(weights, now);
    }

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        for endpoint in &mut self.endpoints {
            endpoint.revive(asked.now);
        }
        let alive = |target: usize| self.endpoints[target].takes_requests();
        let alive = allowed_or_all(asked.eligible, self.endpoints.len(), alive);
        self.inner.pick(&Asked {
            eligible: &alive,
            ..*asked
        })
    }

    fn began(&mut self, attempt: &Attempt, now: Time) {
        let endpoint = &mut self.endpoints[attempt.target];
        if endpoint.state == State::ProbeOpen {
            endpoint.state = State::ProbeClosed;
        }
        self.inner.began(attempt, now);
    }

    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, now: Time) {
        if let Some((_, verdict)) = end(event) {
            let endpoint = &mut self.endpoints[attempt.target];
            endpoint.revive(now);
            if verdict.is_fault() {
                endpoint.fail(now, self.jitter.uniform());
            } else if verdict == Verdict::Answered {
                endpoint.succeed(now);
            } else if endpoint.state == State::ProbeClosed {
                endpoint.state = State::ProbeOpen;
            }
        }
        self.inner.happened(attempt, event, score, now);
    }

    fn tick(&mut self, now: Time) {
        self.inner.tick(now);
    }
}
