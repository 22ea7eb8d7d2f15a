//! What may be tried and spent for one request.

pub mod retry;

pub use retry::{DEFAULT_CODES, Delivered, Jitter, Left, Next, Place, Plan, Tried, next};
