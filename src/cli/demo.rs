//! `weighbridge demo`: an incident to watch.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::logging::LogArgs;
use super::serve::failure;
use super::{Failure, Format, print_json, workers};
use crate::admin;
use crate::app::{App, AppError, Options, Running};
use crate::control::{Source, Text};
use crate::demo::{ENVIRONMENT, Pace, Policy, Report, Stage, Telling, tell};

/// Seconds of one round where none are asked for.
const ROUND: u64 = 60;

/// What `demo` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Ends after so many seconds (10 to 3600) with a report; without it, the story is told again and again until stopped
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=3600))]
    pub(super) seconds: Option<u64>,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// Seed of traffic and noise: the same seed is the same story
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(super) seed: u64,
    /// Where clients connect; port 0 takes a free one [default: 127.0.0.1:8080, or a free port if that is taken]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// Where operators connect; port 0 takes a free one [default: 127.0.0.1:9901, or a free port if that is taken]
    #[arg(long, value_name = "ADDR")]
    pub(super) admin_listen: Option<SocketAddr>,
    /// Opens the dashboard in the browser
    #[arg(long)]
    pub(super) open: bool,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

/// Tells the story. Progress goes to standard error, the report to standard output.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    args.log.init()?;
    workers()?.block_on(async {
        let text = Text::new(ENVIRONMENT);
        let app = build(args, &text).map_err(|error| failure(&error))?;
        let running = app.running().map_err(|error| failure(&error))?;
        let stage = Arc::new(Stage::new(running.clone(), text));
        running.show(Arc::clone(&stage) as Arc<dyn admin::Stage>);
        introduce(&running);
        if args.open {
            open(&running);
        }
        let (stop, stopped) = oneshot::channel::<()>();
        // Told to stop, or the teller is gone: either way it is over.
        let serving = tokio::spawn(app.serve(async move { drop(stopped.await) }));
        let told = match args.seconds {
            Some(seconds) => once(args, seconds, (&running, &stage), &serving, out).await,
            None => rounds(args, (&running, &stage), &serving).await,
        };
        // The daemon may have ended by itself.
        stop.send(()).unwrap_or_default();
        match serving.await {
            Ok(Ok(_)) => told,
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::Told("the daemon ended in a panic".to_owned())),
        }
    })
}

/// The daemon of the demo, on free ports where the usual ones are taken and none were asked for.
fn build(args: &Args, text: &Text) -> Result<App, AppError> {
    let source = Source::Text {
        name: "demo.toml",
        text: text.clone(),
    };
    let (mut listen, mut admin_listen) = (args.listen, args.admin_listen);
    let free = || Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    loop {
        let options = Options {
            source: source.clone(),
            listen,
            admin_listen,
        };
        match App::build(options) {
            Err(AppError::Listen { .. }) if listen.is_none() => listen = free(),
            Err(AppError::Listen { .. }) if admin_listen.is_none() => admin_listen = free(),
            built => return built,
        }
    }
}

fn introduce(running: &Running) {
    let (data, admin) = (running.ready.data, running.ready.admin);
    let mut err = io::stderr();
    err.line(&format!(
        "An OpenAI-compatible server at http://{data}/v1 (model \"chat\"), admin at http://{admin}."
    ));
    err.line(&format!(
        "The dashboard: http://{admin}/ ; its demo page slows, hangs, throttles, cuts, kills and heals providers."
    ));
    err.line(&format!(
        "Why the shares are what they are: weighbridge explain chat --admin http://{admin}"
    ));
    err.line("The same traffic goes to \"chat\", whose shares adapt, and to \"chat-fixed\" with fixed weights.");
    err.line(
        "aurora will answer 503 to every second request and be eight times slower for a while.",
    );
}

/// Has the system show the dashboard; where it has nothing for that, the address stands above.
fn open(running: &Running) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let url = format!("http://{}/", running.ready.admin);
    let mut command = std::process::Command::new(opener);
    let quiet = || std::process::Stdio::null();
    command
        .arg(&url)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet());
    if let Err(error) = command.spawn() {
        io::stderr().line(&format!(
            "{opener} could not be started ({error}); open {url} yourself"
        ));
    }
}

/// One story with its report. One that is cut short has none: what it saw of the end is not the policies' doing.
async fn once<T>(
    args: &Args,
    seconds: u64,
    (running, stage): (&Running, &Arc<Stage>),
    serving: &JoinHandle<T>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let pace = Pace {
        seconds: seconds as f64,
    };
    let mut err = io::stderr();
    let told = tokio::select! {
        biased;
        () = ending(running, serving) => {
            let message = "stopped before the story's end, so there is no report";
            return Err(Failure::Told(message.to_owned()));
        }
        told = tell(running, stage, pace, args.seed, &mut err) => told,
    };
    let report = told.map_err(|error| Failure::Told(error.to_string()))?;
    match args.format {
        Format::Json => print_json(out, &report),
        Format::Text => Ok(print_text(out, &report)?),
    }
}

/// One story after the other until the daemon begins to end.
async fn rounds<T>(
    args: &Args,
    (running, stage): (&Running, &Arc<Stage>),
    serving: &JoinHandle<T>,
) -> Result<(), Failure> {
    let mut round = args.seed;
    loop {
        let pace = Pace {
            seconds: ROUND as f64,
        };
        let mut err = io::stderr();
        let told = tokio::select! {
            biased;
            () = ending(running, serving) => {
                io::stderr().line("The demo ends.");
                return Ok(());
            }
            told = tell(running, stage, pace, round, &mut err) => told,
        };
        let report = told.map_err(|error| Failure::Told(error.to_string()))?;
        print_text(&mut io::stderr(), &report)?;
        round = round.wrapping_add(1);
    }
}

/// Ready once the daemon drains or has ended: from then on it refuses the story's requests.
async fn ending<T>(running: &Running, serving: &JoinHandle<T>) {
    while !running.board.is_draining() && !serving.is_finished() {
        tokio::time::sleep(crate::demo::LOOK).await;
    }
}

fn print_text(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    writeln!(
        out,
        "\nshares of \"chat\"   configured   before   least while sick   end   shed after"
    )?;
    for target in &report.targets {
        let shed = target
            .seconds_to_shed
            .map_or_else(|| "-".to_owned(), |s| format!("{s:.1} s"));
        writeln!(
            out,
            "{:<17} {:>9.1} % {:>7.1} % {:>14.1} % {:>7.1} %   {shed}",
            target.name,
            target.configured_share * 100.0,
            target.share_before * 100.0,
            target.share_during_min * 100.0,
            target.share_end * 100.0,
        )?;
    }
    writeln!(
        out,
        "\nthe same traffic   requests   failures   p50 ms   p95 ms   p99 ms   cost"
    )?;
    for (name, policy) in [
        ("adaptive", &report.adaptive),
        ("fixed weights", &report.fixed),
    ] {
        let Policy {
            requests,
            failures,
            p50_ms,
            p95_ms,
            p99_ms,
            cost_usd,
        } = policy;
        writeln!(
            out,
            "{name:<16} {requests:>10} {failures:>10} {p50_ms:>8.0} {p95_ms:>8.0} {p99_ms:>8.0}   ${cost_usd:.2}"
        )?;
    }
    Ok(())
}
