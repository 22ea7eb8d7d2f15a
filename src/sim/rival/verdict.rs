//! How an attempt ended, in the few words that rivals know.

use crate::model::{Class, Event, Finished, Outcome};

/// What an end says about the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It served.
    Answered,
    /// 429 and its kin.
    Throttled,
    /// It did not answer in time, or stopped in the middle.
    TimedOut,
    /// A server's error, a broken connection, a malformed answer.
    Failed,
    /// Our credential or model name is wrong there.
    Misconfigured,
    /// Nothing: the client was wrong, or left.
    Nothing,
}

impl Verdict {
    pub(super) const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Timeout(_) => Self::TimedOut,
            outcome => match outcome.class() {
                Class::Ok => Self::Answered,
                Class::Throttle => Self::Throttled,
                Class::Fault => Self::Failed,
                Class::OurFault => Self::Misconfigured,
                Class::ClientFault | Class::Cancelled => Self::Nothing,
            },
        }
    }

    /// Whether the request should have been answered and was not.
    pub(super) const fn is_fault(self) -> bool {
        match self {
            Self::Throttled | Self::TimedOut | Self::Failed | Self::Misconfigured => true,
            Self::Answered | Self::Nothing => false,
        }
    }
}

/// The end of an attempt and what it says, if the event is one.
pub(super) const fn end(event: &Event) -> Option<(&Finished, Verdict)> {
    match event {
        Event::Finished(end) => Some((end, Verdict::of(end.outcome))),
        Event::Dispatched(_) | Event::FirstContent(_) | Event::Gap => None,
    }
}

/// What the end of an attempt says about the target, if the event is one and it says anything.
pub(super) fn said(event: &Event) -> Option<Verdict> {
    let (_, verdict) = end(event)?;
    (verdict != Verdict::Nothing).then_some(verdict)
}

/// A moving average of which `found` makes up the part `gain`; without one before, it begins there.
pub(super) fn averaged(known: Option<f64>, found: f64, gain: f64) -> f64 {
    let known = known.unwrap_or(found);
    known + gain * (found - known)
}
