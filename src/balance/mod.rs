//! Who gets the traffic.

pub mod gate;
mod input;
mod share;
mod table;

pub use input::{
    Batch, Flight, Input, MOST_FIRST_TOKEN, MOST_PER_TOKEN, MOST_TOTALS, Moments, News, Recent,
    Reference, RouteInput, UpstreamInput,
};
pub use share::{Share, Weight, WeightError};
pub use table::{Draw, MAX_TARGETS, Mask, TableError, WeightTable};
