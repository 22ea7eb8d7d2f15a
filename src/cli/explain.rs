//! `weighbridge explain`: why each target gets its share.

use std::io::Write;
use std::path::PathBuf;

use super::client::{AdminArgs, encoded};
use super::{Failure, Format, block_on, print_json};
use crate::admin::RouteReport;

/// What `explain` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The route
    route: String,
    /// The decision of a past moment, from --journal or --state: `2026-11-28T20:14:45Z`, `20:14` or `20:14:45` (UTC), or
    /// seconds since 1970
    #[arg(long, value_name = "TIME", requires = "past")]
    at: Option<String>,
    /// A journal's folder, or one of its files, for --at: has every decision
    #[arg(long, value_name = "PATH", requires = "at", group = "past")]
    journal: Option<PathBuf>,
    /// The folder of the books (`server.state`), for --at: has those that moved shares, one a second and route
    #[arg(long, value_name = "DIR", requires = "at", group = "past")]
    state: Option<PathBuf>,
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Asks a running daemon and prints its sentences.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    if let (Some(at), Some(journal)) = (&args.at, &args.journal) {
        return super::explain_at::run(&args.route, at, journal, args.format, out);
    }
    if let (Some(at), Some(state)) = (&args.at, &args.state) {
        return super::explain_stored::run(&args.route, at, state, args.format, out);
    }
    let path = format!("/api/v1/routes/{}", encoded(&args.route));
    let answer = block_on(args.admin.get(&path))?;
    let report: RouteReport = answer.read()?;
    match args.format {
        Format::Json => print_json(out, &report),
        Format::Text => {
            for sentence in &report.explanation {
                writeln!(out, "{sentence}")?;
            }
            Ok(())
        }
    }
}
