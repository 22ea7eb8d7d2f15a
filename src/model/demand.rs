//! What an outcome asks for at its target, at once.

use std::time::Duration;

use super::Outcome;

/// The longest wait that is a wait. What asks for more (Azure asks for a day when a minute's tokens are used up) is better
/// served by putting the target aside and trying now and then whether it is true. Half of it and an honest "in five minutes"
/// is doubted; twice of it and a target sleeps through most of an hour on a provider's slip.
pub const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What a fault asks for at its target, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing: it is counted, and that is all.
    Nothing,
    /// No requests for this long.
    Spare(Duration),
    /// No ordinary requests until a probe shows that it serves.
    Eject(Why),
}

/// Why a target must be put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It does not take our credential, or the credential may not do this.
    Credential,
    /// It has no such model.
    Model,
    /// Money or a lasting quota is used up.
    Quota,
    /// It asks for a wait beyond [`LONGEST_WAIT`].
    AbsurdWait,
}

impl Why {
    /// Whether only a person can mend it, and should be told.
    pub const fn needs_operator(self) -> bool {
        match self {
            Self::Credential | Self::Model | Self::Quota => true,
            Self::AbsurdWait => false,
        }
    }
}

impl Demand {
    /// What must happen at the target of an attempt that ended with `outcome` and asked for `wait`.
    pub fn of(outcome: Outcome, wait: Option<Duration>) -> Self {
        match (outcome, wait) {
            (Outcome::Auth, _) => Self::Eject(Why::Credential),
            (Outcome::NoSuchModel, _) => Self::Eject(Why::Model),
            (Outcome::QuotaExhausted, _) => Self::Eject(Why::Quota),
            (_, Some(wait)) if wait > LONGEST_WAIT => Self::Eject(Why::AbsurdWait),
            (_, Some(wait)) if !wait.is_zero() => Self::Spare(wait),
            _ => Self::Nothing,
        }
    }
}
