//! What operators see of the daemon from outside: log lines and metrics.
//!
//! Counters and histograms are written as requests end; gauges are computed when somebody asks, from the snapshot and the
//! controller's board, so that nothing has to be kept in step. Labels come from the configuration alone: a client that
//! could mint label values could fill the memory of this process and of the system that reads the metrics.

mod cache;
mod control;
mod fleet;
mod genai;
mod labels;
mod log;
mod metrics;
mod names;
#[cfg(feature = "otel")]
mod otlp;
mod prometheus;
mod text;

pub use log::{LogError, LogFormat, init_log};
pub use metrics::{Metrics, Raised};
#[cfg(feature = "otel")]
pub use otlp::{Exported, Exporter, Exports};
pub use text::Exposition;
