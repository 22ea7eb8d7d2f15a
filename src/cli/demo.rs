//! `weighbridge demo`: an incident to watch.

use std::io::Write;
use std::net::SocketAddr;

use super::logging::LogArgs;
use super::{Failure, Format};

/// What `demo` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Ends after so many seconds with a report; without it, the demo goes on serving until stopped
    #[arg(long, value_name = "N")]
    pub(super) seconds: Option<u64>,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// Seed of traffic and noise: the same seed is the same story
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(super) seed: u64,
    /// Where clients connect; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// Where operators connect; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(super) admin_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

/// Tells the story.
pub(super) fn run(args: &Args, _out: &mut dyn Write) -> Result<(), Failure> {
    args.log.init()?;
    Err(Failure::Told(format!("demo is not built yet ({args:?})")))
}
