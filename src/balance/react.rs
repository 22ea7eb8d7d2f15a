//! What tightens at once: the judgement of one event of one attempt.
//!
//! A fault sum (Bernoulli CUSUM) against the peers' fault rate ejects, so an outage of all ejects nobody; refusals block for
//! as long as the target asks; what a probe showed is reported. Letting traffic back in is the tick's alone.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Reference;
use super::gate::Standing;
use crate::model::{AnswerKind, Class, Demand, Event, Finished, Outcome, Time, Why};

/// Shortest wait: below it a block would end before the next request.
const SHORTEST_BLOCK: Duration = Duration::from_millis(50);
/// What a 429 without a wait asks for.
const DEFAULT_BLOCK: Duration = Duration::from_secs(1);
/// Refused credentials or missing models in a row, of as many requests, that eject. One alone may be about the request (a
/// path that this provider lacks, a file that is not there), and would take the target from everybody else. Three, and one
/// request more of each outage fails over for nothing.
const OURS_IN_A_ROW: u8 = 2;

/// Why an upstream was ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Failures that show quickly: 5xx, refused connections, malformed answers.
    Faults,
    /// Requests that hang: silence for longer than its answers take.
    Overdue,
    /// Streams that stop in the middle, or unary time-outs: a passing first byte proves nothing.
    Stalls,
    /// Our credential or our model name is wrong there.
    OurFault,
    /// Money or a lasting quota is used up there.
    Quota,
    /// It asked for a wait that is none: more than [`crate::model::LONGEST_WAIT`].
    AbsurdWait,
}

impl Cause {
    /// All of them, in the order of their positions in counters.
    pub const ALL: [Self; 6] = [
        Self::Faults,
        Self::Overdue,
        Self::Stalls,
        Self::OurFault,
        Self::Quota,
        Self::AbsurdWait,
    ];

    /// Position in arrays of counters.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name in metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Faults => "faults",
            Self::Overdue => "overdue",
            Self::Stalls => "stalls",
            Self::OurFault => "our_fault",
            Self::Quota => "quota",
            Self::AbsurdWait => "absurd_wait",
        }
    }

    /// Whether only a person can mend it, and should be told.
    pub const fn needs_operator(self) -> bool {
        match self {
            Self::OurFault | Self::Quota => true,
            Self::Faults | Self::Overdue | Self::Stalls | Self::AbsurdWait => false,
        }
    }
}

impl From<Why> for Cause {
    fn from(why: Why) -> Self {
        match why {
            Why::Credential | Why::Model => Self::OurFault,
            Why::Quota => Self::Quota,
            Why::AbsurdWait => Self::AbsurdWait,
        }
    }
}

impl fmt::Display for Cause {
    /// Completes "ejected because …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Faults => "it kept failing",
            Self::Overdue => "its requests hung",
            Self::Stalls => "its answers stopped in the middle",
            Self::OurFault => "our credential or our model name is wrong there",
            Self::Quota => "its quota or its money is used up",
            Self::AbsurdWait => "it asked to be left alone for more than ten minutes",
        })
    }
}

/// What [`react`] keeps per upstream between two ticks. The tick sets all but `fault_sum` and `ejected_at`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Sum of evidence for "it fails" against "it fails no more than its peers" (natural logarithms), at least 0.
    pub fault_sum: f64,
    /// What a fault adds.
    pub fault_step: f64,
    /// What a success adds; below 0.
    pub ok_step: f64,
    /// The sum above which it is ejected.
    pub eject_above: f64,
    /// Whether it takes ordinary traffic, as far as `react` knows.
    pub serving: bool,
    /// Whether a probe passes with its first content, or only with a complete answer.
    pub probe_needs_end: bool,
    /// When it was last ejected: faults of requests that began before were counted then.
    pub ejected_at: Time,
    /// Refused credentials or missing models since the last answer.
    #[serde(default)]
    pub ours: u8,
}

impl Default for Watch {
    /// Three consecutive faults eject: the steps at a peers' fault rate of 2 %.
    fn default() -> Self {
        Self {
            fault_sum: 0.0,
            fault_step: 3.2,
            ok_step: -0.67,
            eject_above: 9.0,
            serving: true,
            probe_needs_end: false,
            ejected_at: Time::ZERO,
            ours: 0,
        }
    }
}

/// What the tick decided about one upstream's gate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateOrder {
    /// What `react` goes by until the next tick.
    pub watch: Watch,
    /// Whether one request is wanted as a probe.
    pub probe_wanted: bool,
    /// Most requests in flight.
    pub limit: u32,
    /// Most requests without content yet: streamed, unary.
    pub pending_cap: [u32; 2],
    /// For redirects and adaptive request lists.
    pub standing: Standing,
    /// What times are divided by from now on.
    pub reference: Reference,
}

/// What a probe showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeResult {
    /// The fault did not show.
    Passed,
    /// It did.
    Failed(Cause),
    /// The request says nothing (client's fault, cancelled, throttled): another is wanted.
    Void,
}

/// One event of one attempt, with what `react` must know about the attempt.
#[derive(Clone, Copy, Debug)]
pub struct Happened<'a> {
    /// What happened.
    pub event: &'a Event,
    /// Streamed or unary.
    pub kind: AnswerKind,
    /// When the attempt was sent.
    pub started: Time,
    /// Whether it is the upstream's probe.
    pub probe: bool,
    /// Whether a [`Event::Gap`] of this attempt was counted before.
    pub gap_counted: bool,
    /// The time.
    pub now: Time,
}

impl Happened<'_> {
    /// Whether the upstream's return hangs on this request. A probe of an upstream that serves is an ordinary request
    /// that was sent there for what it shows.
    fn is_probe_of(&self, watch: &Watch) -> bool {
        self.probe && !watch.serving
    }
}

/// What must change at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reaction {
    /// No requests before this moment.
    pub block_until: Option<Time>,
    /// No ordinary requests until a tick says otherwise.
    pub eject: Option<Cause>,
    /// What the probe showed.
    pub probe: Option<ProbeResult>,
}

/// Judges one event: updates `watch.fault_sum` and says what tightens.
pub fn react(watch: &mut Watch, happened: &Happened<'_>) -> Reaction {
    match happened.event {
        Event::Dispatched(_) => Reaction::default(),
        Event::FirstContent(_) => Reaction {
            probe: (happened.is_probe_of(watch) && !watch.probe_needs_end)
                .then_some(ProbeResult::Passed),
            ..Reaction::default()
        },
        Event::Gap => fault(watch, happened, Cause::Stalls),
        Event::Finished(end) => finished(watch, happened, end),
    }
}

fn finished(watch: &mut Watch, happened: &Happened<'_>, end: &Finished) -> Reaction {
    let demand = Demand::of(end.outcome, end.wait);
    match (end.outcome.class(), demand) {
        (Class::Ok, _) => success(watch, happened),
        (Class::OurFault, _) => ours(watch, happened),
        (Class::Throttle | Class::Fault, Demand::Eject(why)) => {
            put_aside(watch, happened, why.into())
        }
        (Class::Throttle, _) => throttled(watch, happened, end.wait),
        (Class::Fault, demand) => {
            let reaction = if happened.gap_counted {
                Reaction::default()
            } else {
                fault(watch, happened, cause_of(end.outcome, happened.kind))
            };
            let block_until = match demand {
                Demand::Spare(wait) => Some(happened.now.after(wait)),
                Demand::Nothing | Demand::Eject(_) => None,
            };
            Reaction {
                block_until,
                ..reaction
            }
        }
        (Class::ClientFault | Class::Cancelled, _) => Reaction {
            probe: happened.is_probe_of(watch).then_some(ProbeResult::Void),
            ..Reaction::default()
        },
    }
}

fn cause_of(outcome: Outcome, kind: AnswerKind) -> Cause {
    use crate::model::Phase;
    match (outcome, kind) {
        (Outcome::CutStream | Outcome::Timeout(Phase::BetweenTokens), _)
        | (Outcome::Timeout(Phase::Header | Phase::Attempt | Phase::Request), AnswerKind::Unary) => {
            Cause::Stalls
        }
        (Outcome::Timeout(_), _) => Cause::Overdue,
        _ => Cause::Faults,
    }
}

fn success(watch: &mut Watch, happened: &Happened<'_>) -> Reaction {
    watch.fault_sum = (watch.fault_sum + watch.ok_step).max(0.0);
    watch.ours = 0;
    Reaction {
        probe: happened.is_probe_of(watch).then_some(ProbeResult::Passed),
        ..Reaction::default()
    }
}

fn throttled(watch: &Watch, happened: &Happened<'_>, wait: Option<Duration>) -> Reaction {
    // A wait of nothing says that it was this request alone.
    let block = wait != Some(Duration::ZERO);
    let wait = wait.unwrap_or(DEFAULT_BLOCK).max(SHORTEST_BLOCK);
    Reaction {
        block_until: block.then(|| happened.now.after(wait)),
        probe: happened.is_probe_of(watch).then_some(ProbeResult::Void),
        ..Reaction::default()
    }
}

fn fault(watch: &mut Watch, happened: &Happened<'_>, cause: Cause) -> Reaction {
    // Also a probe: one that hung until it was taken for failed says nothing of the probes after it.
    if happened.started < watch.ejected_at {
        return Reaction::default();
    }
    if happened.is_probe_of(watch) {
        return failed_probe(cause);
    }
    watch.fault_sum += watch.fault_step;
    let eject = watch.serving && watch.fault_sum > watch.eject_above;
    Reaction {
        eject: eject.then_some(cause),
        ..Reaction::default()
    }
    .eject_now(watch, happened.now)
}

fn ours(watch: &mut Watch, happened: &Happened<'_>) -> Reaction {
    if happened.started < watch.ejected_at {
        return Reaction::default();
    }
    if happened.is_probe_of(watch) {
        return failed_probe(Cause::OurFault);
    }
    watch.ours = watch.ours.saturating_add(1);
    if watch.ours < OURS_IN_A_ROW {
        return Reaction::default();
    }
    put_aside(watch, happened, Cause::OurFault)
}

/// Ejects at once: what it said leaves no doubt.
fn put_aside(watch: &mut Watch, happened: &Happened<'_>, cause: Cause) -> Reaction {
    if happened.started < watch.ejected_at {
        return Reaction::default();
    }
    if happened.is_probe_of(watch) {
        return failed_probe(cause);
    }
    Reaction {
        eject: watch.serving.then_some(cause),
        ..Reaction::default()
    }
    .eject_now(watch, happened.now)
}

fn failed_probe(cause: Cause) -> Reaction {
    Reaction {
        probe: Some(ProbeResult::Failed(cause)),
        ..Reaction::default()
    }
}

impl Reaction {
    fn eject_now(self, watch: &mut Watch, now: Time) -> Self {
        if self.eject.is_some() {
            watch.serving = false;
            watch.ejected_at = now;
            watch.fault_sum = 0.0;
            watch.ours = 0;
        }
        self
    }
}

#[cfg(test)]
#[path = "react_tests.rs"]
mod tests;
