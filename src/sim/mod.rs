//! Virtual worlds: the same `step`, `admit` and `react` as in the daemon, around targets that follow laws.
//!
//! Deterministic: time is virtual, the requests of a scenario are a function of the seed, and the noise of a request at a
//! target is a function of the seed, the request's number and the target's name, so that two runs differ only by what they
//! choose.
//!
//! 1. [`scenario`]: the world as written down; [`arrivals`]: its requests, which may be turns of [`conversations`];
//!    [`world`]: its targets as they are, with what they have in their [`caches`].
//! 2. [`engine`]: the event loop, [`fleet`] several replicas in it; [`seen`]: what of a target's behaviour a data plane would see.
//! 3. [`policy`]: what chooses. [`ours`] is Weighbridge, [`rival`] the others, [`plain`] learns nothing, [`oracle`] knows
//!    everything.
//! 4. [`loss`]: what a request costs; [`record`]: what a run brought; [`metrics`]: its figures.
//! 5. [`suites`]: scenarios that come along; [`roster`]: who can be compared; [`compare()`], [`report`]: side by side;
//!    [`exposure()`]: requests that meet a dead target.

mod arrivals;
mod caches;
mod compare;
mod conversations;
mod decides;
mod engine;
mod exposure;
mod fleet;
mod loss;
mod metrics;
mod oracle;
mod ours;
mod plain;
mod policy;
pub mod random;
mod record;
mod report;
pub mod rival;
mod roster;
mod scenario;
mod seen;
mod suites;
mod timeline;
mod trace;
mod world;

pub use arrivals::{Arrival, Arrivals};
pub use compare::compare;
pub use conversations::Conversations;
pub use engine::{Failover, run, run_fleet, run_oracle};
pub use exposure::{Death, Exposure, ExposureError, RATES, by_share, exposure};
pub use metrics::{Course, Figures, Span};
pub use ours::{Ours, journal};
pub use plain::Plain;
pub use policy::{Asked, Attempt, Picked, Policy, Score};
pub use record::{End, Run, Served, Tried};
pub use report::{Averaged, PolicyReport, Report, ScenarioReport, SuiteReport, Summary};
pub use roster::{Candidate, Side};
pub use scenario::{
    Bounds, Cost, Fault, Load, Network, Prices, Reload, Scenario, ScenarioError, SimTarget,
    TargetTerms, Terms,
};
pub use suites::{SUITES, Suite};
pub use timeline::{LEAST_WINDOW, Moment, Timeline};
pub use trace::{Trace, TraceError, Traced};

#[cfg(test)]
mod goal_tests;
#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod outage_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod whatif_tests;

#[cfg(test)]
mod sticky_tests;
