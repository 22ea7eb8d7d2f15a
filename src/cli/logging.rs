//! What a daemon logs.

use super::Failure;
use crate::telemetry::{LogFormat, init_log};

/// Log lines go to standard error.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LogArgs {
    /// What is logged, for example `weighbridge=debug,warn`; else what `RUST_LOG` says, else info
    #[arg(long = "log", value_name = "FILTER", env = "WEIGHBRIDGE_LOG")]
    pub(super) filter: Option<String>,
    /// How a log line is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) log_format: LogFormat,
}

impl LogArgs {
    /// Sets up the log of this process.
    pub(super) fn init(&self) -> Result<(), Failure> {
        let general = std::env::var("RUST_LOG").ok();
        let wanted = self.filter.as_deref().or(general.as_deref());
        init_log(wanted, self.log_format).map_err(|error| Failure::Told(error.to_string()))
    }
}
