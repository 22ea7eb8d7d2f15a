//! `weighbridge serve`: the daemon.

use std::io::Write;
use std::net::SocketAddr;

use super::Failure;
use super::logging::LogArgs;
use super::source::SourceArgs;

/// What `serve` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) source: SourceArgs,
    /// Where clients connect, instead of the configured address; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// Where operators connect, instead of the configured address; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(super) admin_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

/// Serves until told to stop.
pub(super) fn run(args: &Args, _out: &mut dyn Write) -> Result<(), Failure> {
    args.log.init()?;
    Err(Failure::Told(format!(
        "serve is not built yet ({:?}, {:?}, {:?})",
        args.source.source(),
        args.listen,
        args.admin_listen
    )))
}
