//! Which configuration a command is about.

use std::path::PathBuf;

use crate::control::Source;

/// Where an environment's files are.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SourceArgs {
    /// The environment: NAME.toml is laid over base.toml
    #[arg(long, value_name = "NAME", env = "WEIGHBRIDGE_ENV")]
    pub(super) env: String,
    /// The folder with the configuration files
    #[arg(long, value_name = "DIR", default_value = "config")]
    pub(super) config: PathBuf,
}

impl SourceArgs {
    /// As the control plane wants it.
    pub(super) fn source(&self) -> Source {
        Source::Files {
            dir: self.config.clone(),
            env: self.env.clone(),
        }
    }
}
