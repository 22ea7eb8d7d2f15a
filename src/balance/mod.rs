//! Who gets the traffic.

mod eligible;
pub mod gate;
mod input;
mod list;
mod share;
mod table;

pub use eligible::{Demand, Rule, check as check_eligible, eligible};
pub use input::{
    Batch, Flight, Input, MOST_FIRST_TOKEN, MOST_PER_TOKEN, MOST_TOTALS, Moments, News, Recent,
    Reference, RouteInput, UpstreamInput,
};
pub use list::{ListMember, tilted};
pub use share::{Share, Weight, WeightError};
pub use table::{Draw, MAX_TARGETS, Mask, TableError, WeightTable};
