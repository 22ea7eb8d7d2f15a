//! `weighbridge serve`: the daemon.

use std::io::Write;
use std::net::SocketAddr;

use serde::Serialize;

use super::logging::LogArgs;
use super::source::SourceArgs;
use super::{Failure, workers};
use crate::app::{App, AppError, Options, Ready, Running};
use crate::proxy::DrainReport;

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

/// What is printed once it serves.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    ready: Ready,
    /// Where clients connect, with how they are spoken to.
    url: String,
}

impl Line {
    fn of(running: &Running) -> Self {
        let has_tls = running.published.read().config.server.tls.is_some();
        let scheme = if has_tls { "https" } else { "http" };
        Self {
            ready: running.ready,
            url: format!("{scheme}://{}", running.ready.data),
        }
    }
}

/// Serves until told to stop. Prints one line of JSON once it is ready:
/// `{"data":"ADDR","admin":"ADDR","url":"https://ADDR"}`.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    args.log.init()?;
    let options = Options {
        source: args.source.source(),
        listen: args.listen,
        admin_listen: args.admin_listen,
    };
    workers()?.block_on(async {
        let app = App::build(options).map_err(|error| failure(&error))?;
        let running = app.running().map_err(|error| failure(&error))?;
        let line = Line::of(&running);
        let ready = serde_json::to_string(&line);
        writeln!(out, "{}", ready.unwrap_or_default())?;
        out.flush()?;
        let (url, admin) = (line.url, running.ready.admin);
        tracing::info!(url, %admin, "serving");
        let report = app
            .serve(std::future::pending())
            .await
            .map_err(|error| failure(&error))?;
        said(report)
    })
}

/// A drain that had to cut something is a failure.
fn said(report: DrainReport) -> Result<(), Failure> {
    if report.cut == 0 {
        return Ok(());
    }
    let cut = report.cut;
    Err(Failure::Told(format!(
        "{cut} request(s) were cut when the grace of the drain was over"
    )))
}

/// Each problem of the configuration on its own line, and everything else as it says itself.
pub(super) fn failure(error: &AppError) -> Failure {
    let AppError::Config(problems) = error else {
        return Failure::Told(error.to_string());
    };
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect();
    Failure::Told(format!("{error}:{}", lines.concat()))
}
