//! Who gets the traffic: the controller as a pure function.
//!
//! [`step()`] takes the plan, its own memory and what was measured, and returns for each route the next table *with the
//! reason for every share*, and for each upstream what its gate goes by until the next tick. Between two ticks
//! [`gate::admit`] and [`gate::react`] act. The daemon, the simulator and the tests call the same functions.
//!
//! A tick reads, top to bottom:
//!
//! 1. [`cohort`]: what comparable upstreams have in common (means, noise, reference, token mix).
//! 2. [`upstream`]: per upstream, [`filter`]s take the batch in, waiting requests are judged by [`hazard`] and age,
//!    [`health`] ejects, probes and brings back, [`capacity`] learns from refusals.
//! 3. [`attain`]: how each target stands to the route's [`goal`], by how its times are distributed ([`sketch`]).
//! 4. [`signal`]: estimates become losses that a route's targets are compared by; what applications said of the answers
//!    ([`quality`]) is a part of them.
//! 5. [`strategy`]: losses become a proposal around the configured shares; on sticky routes [`switching`] slows it by what
//!    moving conversations costs ([`prompts`] has what they have in caches).
//! 6. [`rails`] and [`project`]: the nearest shares inside the bounds.
//! 7. [`route`]: the dead-band, the table, the [`Decision`] that explains it.
//!
//! Several replicas decide as one where [`UpstreamInput::peers`] says what the others know.
//!
//! Requests that stay with their conversation's target find it by [`rendezvous`] hashing, at the gate.
//!
//! [`explain()`] says a decision in sentences, [`view()`] is its form in the API.

mod aims;
mod attain;
mod capacity;
mod cohort;
mod congestion;
mod decision;
mod eligible;
mod explain;
mod filter;
pub mod gate;
mod goal;
mod hazard;
mod health;
mod inflight;
mod input;
mod learned;
mod list;
mod overruled;
mod peers;
mod plan;
mod possible;
mod project;
mod prompts;
mod quality;
mod rails;
mod rate;
mod react;
mod rendezvous;
mod route;
mod share;
mod signal;
mod sketch;
mod step;
mod strategy;
mod suspicion;
mod switching;
mod table;
mod tally;
mod trial;
mod upstream;
mod view;
mod words;

pub use aims::aims;
pub use decision::{Decision, Evidence, Rail, Row, Spent, Terms};
pub use eligible::{Demand, Rule, check as check_eligible, eligible};
pub use explain::{explain, explain_target};
pub use goal::{Attainment, Goal, Level, Measure, Statistic, Timing, Verdict};
pub use health::Health;
pub use input::{
    Batch, Flight, Headroom, Input, MOST_FIRST_TOKEN, MOST_PER_TOKEN, MOST_TOTALS, Moments, News,
    Recent, Reference, Replaced, Room, RouteInput, Scored, UpstreamInput,
};
pub use learned::{Learned, LearnedShares, Mended};
pub use list::{ListMember, tilted};
pub use overruled::{Hold, Overruled};
pub use peers::{Ends, Peers, Pending};
#[cfg(test)]
pub(crate) use plan::tests::even_route;
pub use plan::{Objective, Plan, RouteSpec, Strategy, TargetSpec};
pub use prompts::Line;
pub use quality::{Quality, SCORE_BINS};
pub use rendezvous::{Key, KeyHasher, Seed, Sticky};
pub use share::{Share, Weight, WeightError};
pub use sketch::{Counts, Times, cell_of, middle_of};
pub use step::{Memory, Stepped, step};
pub use table::{Draw, MAX_TARGETS, Mask, TableError, WeightTable};
pub use tally::{Collected, FlightKey, Recorded, Tally};
pub use trial::Trial;
pub use view::{LevelView, RouteView, State, TargetView, view};
