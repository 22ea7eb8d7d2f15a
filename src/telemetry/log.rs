//! Log lines on standard error: standard output belongs to what commands print.
//!
//! `info` is what an operator did or must know, `warn` what mended itself, `error` what needs a human.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// What is logged where nobody asks for more.
const DEFAULT: &str = "info";

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter can't be read.
    #[error(
        "expected a log filter such as `info` or `weighbridge=debug,warn`, found {found:?}: {source}"
    )]
    Filter {
        /// The filter.
        found: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process logs already.
    #[error("the log is set up already: {0}")]
    Twice(Box<dyn std::error::Error + Send + Sync>),
}

/// Sets up the log of this process. `wanted` is what the environment asks for, as in `weighbridge=debug,warn`; `None` or
/// an empty text is `info`.
pub fn init_log(wanted: Option<&str>, format: LogFormat) -> Result<(), LogError> {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter(wanted)?)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    }
    .map_err(LogError::Twice)
}

fn filter(wanted: Option<&str>) -> Result<EnvFilter, LogError> {
    let wanted = wanted.map_or(DEFAULT, str::trim);
    let wanted = if wanted.is_empty() { DEFAULT } else { wanted };
    EnvFilter::try_new(wanted).map_err(|source| LogError::Filter {
        found: wanted.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_info() {
        for wanted in [None, Some(""), Some("  ")] {
            let filter = filter(wanted).unwrap();
            assert_eq!(filter.to_string(), "info", "{wanted:?} is the default");
        }
    }

    #[test]
    fn a_broken_filter_is_told_in_words() {
        let problem = filter(Some("weighbridge=loud")).unwrap_err().to_string();
        assert!(
            problem.contains("weighbridge=loud") && problem.contains("such as"),
            "what came and what was expected: {problem}"
        );
    }
}
