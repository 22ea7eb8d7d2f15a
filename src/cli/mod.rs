//! The `weighbridge` command: subcommands, and what their ends mean to a shell.
//!
//! Results go to standard output and nothing else does; what goes wrong is said on standard error in one sentence.
//! Exit status 0 is success, 1 a failure or a wrong configuration, 2 a wrong command line; COMMANDS.md has it by command.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

mod alerts;
mod budgets;
mod check;
mod client;
mod completions;
mod demo;
mod estimate;
mod explain;
mod explain_at;
mod explain_stored;
mod fleet;
mod health;
mod import;
mod init;
mod journal;
mod keys;
mod keys_new;
mod known;
mod logging;
mod mock;
mod placed;
mod prices;
mod progress;
mod reconcile;
mod reload;
mod replay;
mod report;
mod schema;
mod serve;
mod simulate;
mod source;
mod status;
mod steer;
mod steering;
mod switch;
mod table;
mod toml_text;
mod usage;
mod whatif;
mod whole;

/// An adaptive load balancer for language-model traffic.
#[derive(Debug, Parser)]
#[command(name = "weighbridge", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a configuration to begin with, from the providers' keys in the environment.
    Init(init::Args),
    /// Converts the configuration of another gateway, and says what has no counterpart.
    Import(import::Args),
    /// Serves an environment until SIGTERM or ctrl-c, then drains.
    Serve(serve::Args),
    /// Simulated providers, realistic traffic and one target that falls ill: watch the shares move.
    Demo(demo::Args),
    /// Says everything that is wrong with an environment's files. Needs no network and starts nothing.
    Check(check::Args),
    /// Says in sentences why each target of a route gets its share.
    Explain(explain::Args),
    /// Shows all routes of a running daemon.
    Status(status::Args),
    /// Makes, lists and revokes the keys of clients.
    Keys(keys::Args),
    /// Shows what a running daemon warns of.
    Alerts(alerts::Args),
    /// Shows the replicas that decide as one with a running daemon, and the shares of each.
    Fleet(fleet::Args),
    /// Says by its exit status whether a running daemon works: for health checks of containers.
    Health(health::Args),
    /// Has a running daemon read its files, and waits until they are in force.
    Reload(reload::Args),
    /// Shows what was used and what it cost, from the books of a daemon.
    Usage(usage::Args),
    /// Says what obeying would have changed where a route is in shadow mode, and what its weights would have where it is not.
    Report(report::Args),
    /// Holds the books against a provider's usage export, and shows where they differ.
    Reconcile(reconcile::Args),
    /// Holds a target's share until the order ends.
    Pin(steer::Pin),
    /// Has a target, a model of a provider or a whole provider take nothing until the order ends.
    Drain(steer::Drain),
    /// Keeps the shares of a route as they are until the order ends.
    Freeze(steer::Freeze),
    /// Switches a route's strategy until the order ends.
    Strategy(steer::Choose),
    /// Switches the mode of a route or of all until the order ends.
    Mode(steer::Change),
    /// Ends orders.
    Restore(steering::Restore),
    /// Lists the orders that hold.
    Steering(steering::Args),
    /// Throws the kill switch: configured shares on every route, unguarded, at once.
    Off(switch::Args),
    /// Throws the kill switch back: shares are as files, orders and the controller say.
    On(switch::Args),
    /// Shows what models cost, compares it with what is published, and takes newer prices over. Starts nothing.
    Prices(prices::Args),
    /// Runs virtual worlds around the controller and its rivals, and compares them. Needs no network and starts nothing.
    Simulate(Box<simulate::Args>),
    /// Decides a journal again: is every decision the same, or what would another strategy have done?
    Replay(journal::Args),
    /// Prints the JSON schema of a file, for editors.
    Schema(schema::Args),
    /// Estimates from a journal what another strategy or configuration would have cost, and how sure that is.
    Whatif(journal::Args),
    /// Prints a script that completes command lines in a shell.
    Completions(completions::Args),
    /// Serves simulated providers that answer by a law, in the APIs of five vendors.
    Mock(mock::Args),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document.
    Json,
}

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Everything has been said.
    #[error("")]
    Said,
    /// What is to be said.
    #[error("{0}")]
    Told(String),
    /// Nobody reads what we print, or it can't be written.
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
}

/// Runs the command that `arguments` ask for, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => {
            // `--help` and `--version` come this way too. Where nobody reads, nobody misses it.
            drop(usage.print());
            return ExitCode::from(if usage.use_stderr() { 2 } else { 0 });
        }
    };
    let mut out = io::stdout();
    let done = dispatch(cli.command, &mut out).and_then(|()| Ok(out.flush()?));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader has what it wanted, as `head` does.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Said) => ExitCode::FAILURE,
        Err(failure) => {
            drop(writeln!(io::stderr(), "weighbridge: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Init(args) => init::run(&args, out),
        Command::Import(args) => import::run(&args, out, &mut io::stderr()),
        Command::Serve(args) => serve::run(&args, out),
        Command::Demo(args) => demo::run(&args, out),
        Command::Check(args) => check::run(&args, out, &mut io::stderr()),
        Command::Explain(args) => explain::run(&args, out),
        Command::Status(args) => status::run(&args, out),
        Command::Keys(args) => keys::run(&args, out),
        Command::Alerts(args) => alerts::run(&args, out),
        Command::Fleet(args) => fleet::run(&args, out),
        Command::Health(args) => health::run(&args, out),
        Command::Reload(args) => reload::run(&args, out),
        Command::Usage(args) => usage::run(&args, out),
        Command::Report(args) => report::run(&args, out),
        Command::Reconcile(args) => reconcile::run(&args, out),
        Command::Pin(args) => steer::pin(&args, out),
        Command::Drain(args) => steer::drain(&args, out),
        Command::Freeze(args) => steer::freeze(&args, out),
        Command::Strategy(args) => steer::choose(&args, out),
        Command::Mode(args) => steer::change(&args, out),
        Command::Restore(args) => steering::restore(&args, out),
        Command::Steering(args) => steering::run(&args, out),
        Command::Off(args) => switch::run(&args, true, out),
        Command::On(args) => switch::run(&args, false, out),
        Command::Prices(args) => prices::run(&args, out, &mut io::stderr()),
        Command::Simulate(args) => simulate::run(&args, out, &mut io::stderr()),
        Command::Replay(args) => replay::run(&args, out),
        Command::Schema(args) => schema::run(&args, out),
        Command::Whatif(args) => whatif::run(&args, out),
        Command::Completions(args) => completions::run(&args, out),
        Command::Mock(args) => mock::run(&args, out),
    }
}

/// Runs a command's asynchronous part on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::Told(format!("no runtime: {error}")))?;
    runtime.block_on(work)
}

/// A runtime with a worker per core, for what serves traffic.
fn workers() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Told(format!("no runtime: {error}")))
}

/// Prints `value` as one JSON document.
fn print_json(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::Told(format!("the result cannot be printed: {error}")))?;
    Ok(writeln!(out, "{text}")?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_command_line_is_told_apart_from_a_wrong_configuration() {
        let code = |words: &[&str]| {
            let words = ["weighbridge"].iter().chain(words);
            format!("{:?}", run(words.map(OsString::from)))
        };
        assert_eq!(code(&["chek"]), format!("{:?}", ExitCode::from(2)));
        let absent = ["check", "--env", "absent", "--config", "no-such-folder"];
        assert_eq!(code(&absent), format!("{:?}", ExitCode::FAILURE));
        assert_eq!(code(&["--version"]), format!("{:?}", ExitCode::SUCCESS));
    }

    /// All commands that do something, by the words that call them.
    fn leaves() -> Vec<(Vec<String>, clap::Command)> {
        fn walk(
            before: &[String],
            command: &clap::Command,
            found: &mut Vec<(Vec<String>, clap::Command)>,
        ) {
            for below in command
                .get_subcommands()
                .filter(|it| it.get_name() != "help")
            {
                let words = [before, &[below.get_name().to_owned()]].concat();
                if below.has_subcommands() {
                    walk(&words, below, found);
                } else {
                    found.push((words, below.clone()));
                }
            }
        }
        let mut found = Vec::new();
        walk(&[], &Cli::command(), &mut found);
        found
    }

    #[test]
    fn every_command_stands_in_the_table_of_exit_statuses() {
        let page = include_str!("../../COMMANDS.md");
        let rows: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        for (words, _) in leaves() {
            let name = format!("`{}`", words.join(" "));
            let first = |row: &&str| row.split('|').nth(1).unwrap_or_default().to_owned();
            let known = rows.iter().any(|row| first(row).contains(&name));
            assert!(known, "COMMANDS.md has a row for {name}");
        }
    }

    #[test]
    fn the_readme_names_every_command_and_no_other() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let page = std::fs::read_to_string(page).unwrap();
        let command = Cli::command();
        let is_letter = |c: char| c.is_ascii_lowercase();
        let named = page.split("weighbridge ").skip(1).filter_map(|rest| {
            let end = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
            rest.get(..end).filter(|word| !word.is_empty())
        });
        let named: std::collections::BTreeSet<&str> = named.collect();
        for known in command.get_subcommands() {
            let name = known.get_name();
            assert!(named.contains(name), "README.md names `weighbridge {name}`");
        }
        // Where a word stands in code it is a command.
        let code = page
            .lines()
            .filter_map(|line| line.strip_prefix("weighbridge "));
        for word in code.filter_map(|rest| rest.split(' ').next()) {
            let known = command.find_subcommand(word).is_some();
            assert!(known, "README.md calls `weighbridge {word}`");
        }
    }

    #[test]
    fn every_command_that_prints_something_to_read_can_print_json() {
        // What is JSON by itself, or a script.
        const OTHERWISE: [&str; 4] = ["serve", "mock", "schema", "completions"];
        for (words, command) in leaves() {
            if OTHERWISE.contains(&words.join(" ").as_str()) {
                continue;
            }
            let format = command
                .get_arguments()
                .find(|argument| argument.get_id() == "format");
            let values = format
                .map(clap::Arg::get_possible_values)
                .unwrap_or_default();
            let knows = values.iter().any(|value| value.matches("json", false));
            assert!(knows, "{words:?} has --format json");
        }
    }

    #[test]
    fn an_option_that_no_command_has_is_exit_status_two_everywhere() {
        for (words, _) in leaves() {
            let line = ["weighbridge"]
                .into_iter()
                .chain(words.iter().map(String::as_str));
            let line = line.chain(["--no-such-option"]).map(OsString::from);
            assert_eq!(
                format!("{:?}", run(line)),
                format!("{:?}", ExitCode::from(2)),
                "{words:?}"
            );
        }
    }
}
