//! Words that every other module shares: names, money, time, outcomes, events.
//!
//! Nothing here knows about balancing, HTTP or files; nothing here does I/O.

mod calendar;
mod chance;
mod counted;
mod demand;
mod event;
mod ids;
mod money;
mod operation;
mod outcome;
mod price;
mod time;

pub use calendar::{calendar, date_of, minute_of, month_begins};
pub use chance::wilson;
pub use counted::counted;
pub use demand::{Demand, LONGEST_WAIT, Why};
pub use event::{AnswerKind, Event, Finished, Tokens};
pub use ids::{NameError, ProviderName, RouteName, TargetIndex, TargetName, UpstreamName};
pub use money::PicoUsd;
pub use operation::Operation;
pub use outcome::{Class, Outcome, Phase};
pub use price::{MAX_TIERS, Price, Tier, Tiers};
pub use time::Time;
