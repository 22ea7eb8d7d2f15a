//! `weighbridge health`: whether a daemon works, for what asks by exit status, such as a container's health check.
//!
//! 0: it works (with `--ready`: and wants traffic), whatever else it says of itself. 1: it does not, or nobody is there. 2: a
//! wrong command line.

use std::io::Write;

use serde_json::Value;

use super::client::AdminArgs;
use super::{Failure, Format, block_on, print_json};

/// What `health` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    admin: AdminArgs,
    /// Whether it wants traffic as well: fails while it drains
    #[arg(long)]
    ready: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Asks a running daemon, prints what it says, and fails unless it is well.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let path = if args.ready { "/readyz" } else { "/healthz" };
    let answer = block_on(args.admin.get(path))?;
    let is_well = answer.status.is_success();
    let Some(said) = told(answer.body()) else {
        let message = "expected the health of weighbridge there, found something else";
        return Err(Failure::Told(message.to_owned()));
    };
    match args.format {
        Format::Json => print_json(out, answer.body())?,
        Format::Text => writeln!(out, "{said}")?,
    }
    if is_well { Ok(()) } else { Err(Failure::Said) }
}

/// What the daemon says of itself, in a line.
fn told(body: &Value) -> Option<String> {
    let status = body["status"].as_str()?;
    let Some(generation) = body["config_generation"].as_u64() else {
        return Some(status.to_owned());
    };
    let problems = body["config"]["problems"].as_array().map_or(0, Vec::len);
    let mut said = if problems == 0 {
        format!("{status}: configuration {generation}")
    } else {
        let problems = crate::model::counted(problems, "problem");
        format!("{status}: configuration {generation} goes on, the files have {problems}")
    };
    let degraded = body["degraded"].as_array().into_iter().flatten();
    for sentence in degraded.filter_map(Value::as_str) {
        said.push_str("; ");
        said.push_str(sentence);
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refused_file_is_said_and_anything_else_is_nothing() {
        let good = json!({ "status": "ok", "config_generation": 3, "config": { "problems": [] } });
        assert_eq!(told(&good).unwrap(), "ok: configuration 3");
        let refused = json!({
            "status": "config_refused", "config_generation": 3, "config": { "problems": [{}, {}] }
        });
        assert_eq!(
            told(&refused).unwrap(),
            "config_refused: configuration 3 goes on, the files have 2 problems"
        );
        let degraded = json!({
            "status": "degraded", "config_generation": 3, "config": { "problems": [] },
            "degraded": ["the books cannot be written", "and more"]
        });
        assert_eq!(
            told(&degraded).unwrap(),
            "degraded: configuration 3; the books cannot be written; and more"
        );
        let draining = json!({ "status": "draining" });
        assert_eq!(told(&draining).unwrap(), "draining");
        assert_eq!(told(&json!({ "answer": 42 })), None);
    }
}
