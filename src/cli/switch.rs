//! `weighbridge off` and `on`: the kill switch.

use std::io::Write;

use super::client::{AdminArgs, Who};
use super::{Failure, Format, block_on, print_json};
use crate::admin::{SwitchState, Throw};

/// What both are told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "no reason was given")]
    reason: String,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Throws the switch.
pub(super) fn run(args: &Args, off: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let wish = Throw {
        off,
        reason: args.reason.clone(),
        by: Some(args.who.by.clone()),
    };
    let sent = args.admin.post_json("/api/v1/switch", &wish);
    let state: SwitchState = block_on(sent)?.read()?;
    if args.format == Format::Json {
        return print_json(out, &state);
    }
    let words = if state.off {
        "off: the configured shares are in force on every route, and nothing is guarded; `weighbridge on` ends that"
    } else {
        "on: shares are as files, orders and the controller say"
    };
    writeln!(out, "{words}")?;
    if let Some(message) = &state.message {
        writeln!(out, "{message}")?;
    }
    Ok(())
}
