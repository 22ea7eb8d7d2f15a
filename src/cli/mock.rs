//! `weighbridge mock`: simulated providers on a socket.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, block_on};
use crate::law::Law;
use crate::live::Clock;
use crate::mock::{self, Laws};

/// What `mock` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Where it listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How it behaves: one law, or several as [target.NAME], in TOML or JSON; a healthy, average target without it
    #[arg(long, value_name = "FILE")]
    law: Option<PathBuf>,
}

/// Serves until SIGTERM or ctrl-c. Prints `{"mock":"127.0.0.1:PORT"}` once it listens.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    block_on(serve(args, out))
}

async fn serve(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let laws = laws(args)?;
    let told = |what: &str, error: std::io::Error| Failure::Told(format!("{what}: {error}"));
    // Listened for before the first line is printed: who reads it may send one at once.
    let mut term = signal(SignalKind::terminate()).map_err(|error| told("signals", error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| told("signals", error))?;
    let end = async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let (address, served) = mock::run(args.listen, laws, end)
        .await
        .map_err(|error| told(&format!("cannot listen at {}", args.listen), error))?;
    writeln!(out, "{}", json!({ "mock": address.to_string() }))?;
    out.flush()?;
    served
        .await
        .map_err(|error| Failure::Told(format!("the server ended: {error}")))
}

fn laws(args: &Args) -> Result<Laws, Failure> {
    let clock = Clock::start();
    let Some(path) = &args.law else {
        return Ok(Laws::new(Law::default(), clock));
    };
    let place = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Told(format!("cannot read the law {place}: {error}")))?;
    Laws::read(&text, clock).map_err(|error| Failure::Told(format!("{place}: {error}")))
}
