//! `weighbridge completions`: what a shell needs to complete our command lines.

use std::io::Write;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Failure};

/// What `completions` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Whose script is printed
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    // The generator panics where it cannot write, so it writes into memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "weighbridge", &mut script);
    Ok(out.write_all(&script)?)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_has_a_script_that_knows_the_commands_and_their_options() {
        for shell in Shell::value_variants() {
            let mut out = Vec::new();
            run(&Args { shell: *shell }, &mut out).unwrap();
            let script = String::from_utf8(out).unwrap();
            for word in ["explain", "litellm", "admin-listen"] {
                assert!(script.contains(word), "{word} for {shell}");
            }
        }
    }
}
