//! What may be tried for one request, retried in all, and spent.

pub mod budget;
pub mod common_rate;
pub mod lease;
pub mod quota;
pub mod retry;
pub mod retry_budget;

pub use budget::{Account, AtLimit, Budget, Spending, Threshold, Window};
pub use retry::{DEFAULT_CODES, Delivered, Jitter, Left, Next, Place, Plan, Tried, next};
pub use retry_budget::{Grant, RetryBudget, is_charged};
