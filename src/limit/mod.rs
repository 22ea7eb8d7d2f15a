//! What may be tried and spent for one request, and retried in all.

pub mod retry;
pub mod retry_budget;

pub use retry::{DEFAULT_CODES, Delivered, Jitter, Left, Next, Place, Plan, Tried, next};
pub use retry_budget::{Grant, RetryBudget, is_charged};
