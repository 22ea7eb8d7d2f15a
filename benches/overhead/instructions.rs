//! Instructions a request and an event take, by valgrind's callgrind: they do not depend on what else the machine does.
//!
//! A proxy runs under callgrind with one worker, is asked often and ends; another run is asked a few times and takes as
//! long. The difference is what the additional requests took; starting, ending and warming are in both, and so is what is
//! done a few times a second, of which a slow machine would put more to each request.
//!
//! `--instructions` shows the figures beside the bare proxy's, `--guard` compares them with those on record, `--record`
//! puts them on record.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::client::{self, Lasts, Load};
use crate::configuration::{Configured, Extent, PRODUCT, Ticks};
use crate::process::Child;
use crate::{EVENTS, Outcome, SCENARIOS, Way, load};

/// The figures on record, and what they were made with.
const RECORD: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/benches/overhead/instructions.txt"
);
/// How much more than on record is too much. Runs of one build differ by less than one per cent: hash maps are seeded anew in
/// each, and what a read of a socket finds depends on the moment. Builds of the same sources differ by more: an event has taken
/// 13.0, 15.6 and 17.4 thousand, so the largest is on record, and what an event costs more is found late.
const ROOM: f64 = 1.03;

/// What is counted.
struct Count {
    /// Its name on record.
    name: &'static str,
    /// Of which scenario; one request at a time, whatever that says.
    scenario: &'static str,
    /// Requests of the shorter and of the longer run.
    requests: (usize, usize),
    /// What one request counts as.
    parts: u32,
}

const COUNTS: [Count; 2] = [
    Count {
        name: "request",
        scenario: "unary 2 KB x16",
        requests: (100, 1_100),
        parts: 1,
    },
    Count {
        name: "event",
        scenario: "stream 100 events x32",
        requests: (3, 28),
        parts: EVENTS,
    },
];

/// Shows the product's figures and the bare proxy's.
pub(crate) async fn show() -> Outcome<()> {
    let mock = mock()?;
    let mut text = format!(
        "{:<10} {:>12} {:>12} {:>8}\n",
        "of a", "bare hyper", "weighbridge", "ratio"
    );
    for count in &COUNTS {
        let bare = count.figure(&mock, Way::Bare).await?;
        let ours = count.figure(&mock, Way::Weighbridge).await?;
        let ratio = ours / bare;
        writeln!(
            text,
            "{:<10} {bare:>12.0} {ours:>12.0} {ratio:>8.2}",
            count.name
        )?;
    }
    crate::say(&text)
}

/// Puts the product's figures on record.
pub(crate) async fn record() -> Outcome<()> {
    let mock = mock()?;
    let mut text = format!(
        "# Written by `cargo test --profile ci --bench overhead -- --record`: instructions of a unary request of 2 KB and of\n\
         # an event of a stream (with its part of the request), everything on.\nwith {}\n",
        tools()?
    );
    for count in &COUNTS {
        let figure = count.least(&mock, 0.0).await?;
        writeln!(text, "{} {figure:.0}", count.name)?;
    }
    std::fs::write(RECORD, &text)?;
    crate::say(&text)
}

/// Fails if the product takes more than is on record; where the tools are others than on record, the figures say nothing.
pub(crate) async fn guard() -> Outcome<()> {
    let Ok(record) = std::fs::read_to_string(RECORD) else {
        return crate::say("skipped: nothing is on record\n");
    };
    let said = |name: &str| {
        let found = record
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.ok_or_else(|| format!("expected a line {name:?} in {RECORD}"))
    };
    let (with, here) = (said("with")?, tools()?);
    if with != here {
        return crate::say(&format!(
            "skipped: counted with {with}, and here is {here}\n"
        ));
    }
    let (mock, mut worse) = (mock()?, Vec::new());
    for count in &COUNTS {
        let before: f64 = said(count.name)?.trim().parse()?;
        let now = count.least(&mock, before * ROOM).await?;
        let change = (now / before - 1.0) * 100.0;
        let line = format!(
            "{now:.0} instructions for each {}, {change:+.1} % against {before:.0} on record",
            count.name
        );
        crate::say(&format!("{line}\n"))?;
        if now > before * ROOM {
            worse.push(line);
        }
    }
    if worse.is_empty() {
        return Ok(());
    }
    let worse = worse.join("; ");
    Err(format!("{worse}: find what it is for, or put it on record with a reason").into())
}

/// What the figures depend on beside the source: compiler, profile, valgrind, and the processor's widest instructions, by
/// which libraries choose their loops.
fn tools() -> Outcome<String> {
    let first = |program: &str, argument: &str| -> Outcome<String> {
        let output = Command::new(program).arg(argument).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().next().unwrap_or_default().to_owned())
    };
    let profile = if cfg!(debug_assertions) {
        "ci"
    } else {
        "release"
    };
    #[cfg(target_arch = "x86_64")]
    let wide = std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    let wide = false;
    Ok(format!(
        "{}, profile {profile}, {}, {}{}",
        first("rustc", "--version")?,
        first("valgrind", "--version")?,
        std::env::consts::ARCH,
        if wide { " with AVX2" } else { "" }
    ))
}

fn mock() -> Outcome<Child> {
    Child::start(&std::env::current_exe()?, &["role", "mock"], "mock")
}

/// How often something is counted before the least is believed.
const TRIES: usize = 3;

impl Count {
    /// The product's figure: the least of a few, or the first that is `enough`. A machine that does something else as well
    /// adds to an event, since what came together comes in pieces then, and takes nothing away.
    async fn least(&self, mock: &Child, enough: f64) -> Outcome<f64> {
        let mut least = f64::INFINITY;
        for _ in 0..TRIES {
            least = least.min(self.figure(mock, Way::Weighbridge).await?);
            if least <= enough {
                break;
            }
        }
        Ok(least)
    }

    /// Instructions that one more of it takes.
    async fn figure(&self, mock: &Child, way: Way) -> Outcome<f64> {
        let scenario = SCENARIOS
            .into_iter()
            .find(|scenario| scenario.name == self.scenario)
            .ok_or("no such scenario")?;
        let configured = || Configured::new(mock.address, Ticks::Rare, Extent::Everything);
        let load = |address| load(scenario, way, address, scenario.lasts);
        let one = of_a_request(mock, way, configured, load, self.requests).await?;
        Ok(one / f64::from(self.parts))
    }
}

/// Instructions that a further request of `load` takes, from runs of so many.
pub(crate) async fn of_a_request(
    mock: &Child,
    way: Way,
    configured: impl Fn() -> std::io::Result<Configured>,
    load: impl Fn(SocketAddr) -> Load,
    (few, many): (usize, usize),
) -> Outcome<f64> {
    let (most, lasted) = total(mock, way, &configured()?, &load, (many, Duration::ZERO)).await?;
    let (least, _) = total(mock, way, &configured()?, &load, (few, lasted)).await?;
    Ok((most as f64 - least as f64) / (many - few) as f64)
}

/// All instructions of a run of so many requests that lasts at least so long; and how long it did, from the first on.
async fn total(
    mock: &Child,
    way: Way,
    configured: &Configured,
    load: impl Fn(SocketAddr) -> Load,
    (requests, least): (usize, Duration),
) -> Outcome<(u64, Duration)> {
    let out = configured.callgrind();
    let upstream = mock.address.to_string();
    let ours = std::env::current_exe()?;
    let serve = configured.serve();
    let bare = ["role", "bare", &upstream];
    let (program, arguments, key): (&Path, &[&str], _) = match way {
        Way::Bare | Way::Direct => (&ours, &bare, "bare"),
        Way::Weighbridge => (Path::new(PRODUCT), &serve, "data"),
    };
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--separate-threads=yes", "-q"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(arguments)
        .env("TOKIO_WORKER_THREADS", "1");
    let proxy = Child::of(command, key)?;
    let load = Load {
        connections: 1,
        lasts: Lasts::Requests(requests),
        ..load(proxy.address)
    };
    let began = client::now();
    client::run(&load).await?;
    tokio::time::sleep(least.saturating_sub(began.elapsed())).await;
    let lasted = began.elapsed();
    proxy.ended()?;
    let is_streamed = load.body.windows(13).any(|it| it == b"\"stream\":true");
    let name = format!("{}.{requests}.{is_streamed}", way.name());
    Ok((of_threads(&out, &name)?, lasted))
}

/// All instructions of the threads whose profiles begin as `out` does, which are kept under `name` where somebody wants them.
/// The thread that writes the books is left out: it makes two transactions a second, each of a million instructions, and one
/// more in one of two runs would be taken for a fifth of an event.
fn of_threads(out: &Path, name: &str) -> Outcome<u64> {
    const BOOKS: &str = "store::writer::Writer::run";
    let (folder, stem) = out.parent().zip(out.file_name()).ok_or("no such place")?;
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(thread) = file.strip_prefix(&*stem.to_string_lossy()) else {
            continue;
        };
        if let Some(kept) = std::env::var_os("CALLGRIND_OUT") {
            std::fs::copy(&path, Path::new(&kept).join(format!("{name}{thread}")))?;
        }
        let text = std::fs::read_to_string(&path)?;
        let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
        if let Some(totals) = totals.filter(|_| !text.contains(BOOKS)) {
            sum += totals.trim().parse::<u64>()?;
        }
    }
    if sum == 0 {
        return Err(format!("no totals in {}", out.display()).into());
    }
    Ok(sum)
}
