//! Who gets the traffic.

mod share;
mod table;

pub use share::{Share, Weight, WeightError};
pub use table::{Draw, MAX_TARGETS, Mask, TableError, WeightTable};
