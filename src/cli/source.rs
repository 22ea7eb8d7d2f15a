//! Which configuration a command is about.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::{Compiled, Config};
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

/// What the files in `dir` say of the environment `env`, for commands that start nothing; all that is wrong where they say
/// nothing that holds.
pub(super) fn configured(dir: &Path, env: &str) -> Result<Config, Failure> {
    let source = Source::Files {
        dir: dir.to_owned(),
        env: env.to_owned(),
    };
    match source.read().result {
        Ok(Compiled { config, .. }) => Ok(config),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(Failure::Told(problems.join("\n")))
        }
    }
}
