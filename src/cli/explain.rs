//! `weighbridge explain`: why each target gets its share.

use std::io::Write;

use super::client::AdminArgs;
use super::{Failure, Format, block_on, print_json};
use crate::admin::RouteReport;

/// What `explain` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The route
    route: String,
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Asks a running daemon and prints its sentences.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
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

/// `name` as a segment of a path: what is not a letter, a digit or one of `-_.` becomes `%XX`.
fn encoded(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    name.bytes()
        .map(|byte| {
            if plain(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_segment() {
        assert_eq!(encoded("chat-v1.2"), "chat-v1.2");
        assert_eq!(encoded("../config"), "..%2Fconfig");
        assert_eq!(encoded("a?b#c:d"), "a%3Fb%23c%3Ad");
    }
}
