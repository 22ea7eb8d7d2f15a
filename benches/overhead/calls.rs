//! Calls of the system and changes of context that a request and an event take, which cost more than instructions show.
//!
//! `perf stat` counts them in a proxy that has been warmed, without slowing it down as a tracer of calls would: events that
//! come close after one another would become one. It needs the kernel's trace points, which is to say root.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::client::{self, Lasts, Load};
use crate::configuration::{Configured, Extent, Ticks};
use crate::process::Child;
use crate::{EVENTS, Outcome, SCENARIOS, Scenario, Way, load};

/// Requests of each connection, by the scenario's name, and what one counts as.
const COUNTED: [(&str, usize, u32); 4] = [
    ("unary 2 KB x16", 500, 1),
    ("unary 2 KB x1", 4_000, 1),
    ("unary 100 KB x4", 500, 1),
    ("stream 100 events x32", 4, EVENTS),
];

/// What is counted, by perf's names.
const EVENTS_OF_THE_KERNEL: [&str; 13] = [
    "raw_syscalls:sys_enter",
    "syscalls:sys_enter_epoll_wait",
    "syscalls:sys_enter_recvfrom",
    "syscalls:sys_enter_sendto",
    "syscalls:sys_enter_writev",
    "syscalls:sys_enter_write",
    "syscalls:sys_enter_read",
    "syscalls:sys_enter_futex",
    "syscalls:sys_enter_madvise",
    "syscalls:sys_enter_mmap",
    "context-switches",
    "cpu-migrations",
    "page-faults",
];

/// What was counted, each with how often in all.
type Counts = BTreeMap<String, f64>;

/// Shows what each takes; only of scenarios whose names begin with `only`.
pub(crate) async fn show(product: &str, extent: Extent, only: &str) -> Outcome<()> {
    let mock = Child::start(&std::env::current_exe()?, &["role", "mock"], "mock")?;
    for (name, requests, parts) in COUNTED {
        let found = SCENARIOS.into_iter().find(|it| it.name == name);
        let scenario = found.ok_or("no such scenario")?;
        if !name.starts_with(only) {
            continue;
        }
        let parts = f64::from(parts) * (requests * scenario.connections) as f64;
        let mut all: BTreeMap<String, [f64; 2]> = BTreeMap::new();
        for (column, way) in [Way::Bare, Way::Weighbridge].into_iter().enumerate() {
            let counted = counted(&mock, way, (product, extent), scenario, requests).await?;
            for (what, times) in counted {
                all.entry(what).or_default()[column] = times / parts;
            }
        }
        let mut text = format!("{name:<32} bare hyper weighbridge\n");
        for (what, [bare, ours]) in all {
            if bare.max(ours) >= 0.001 {
                writeln!(text, "  {what:<30} {bare:>10.3} {ours:>11.3}")?;
            }
        }
        crate::say(&text)?;
    }
    Ok(())
}

/// What the kernel counts while `way` answers so many requests of each connection.
async fn counted(
    mock: &Child,
    way: Way,
    (product, extent): (&str, Extent),
    scenario: Scenario,
    requests: usize,
) -> Outcome<Counts> {
    let configured = Configured::new(mock.address, Ticks::AsShipped, extent)?;
    let (ours, upstream) = (std::env::current_exe()?, mock.address.to_string());
    let proxy = match way {
        Way::Bare | Way::Direct => Child::start(&ours, &["role", "bare", &upstream], "bare")?,
        Way::Weighbridge => Child::start(Path::new(product), &configured.serve(), "data")?,
    };
    ask(way, scenario, &proxy, requests / 4).await?;
    let mut perf = Command::new("perf")
        .args(["stat", "-x", ";", "-e", &EVENTS_OF_THE_KERNEL.join(",")])
        .args(["-p", &proxy.pid().to_string(), "--", "cat"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // perf says nothing when it has begun.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let cpu = proxy.cpu_nanos()?;
    ask(way, scenario, &proxy, requests).await?;
    let cpu = proxy.cpu_nanos()?.saturating_sub(cpu);
    drop(perf.stdin.take());
    let said = perf.wait_with_output()?;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let mut counts: Counts = said.lines().filter_map(count).collect();
    counts.insert("CPU us".to_owned(), cpu as f64 / 1e3);
    Ok(counts)
}

/// A line of perf's: the count, its unit, its name, and more.
fn count(line: &str) -> Option<(String, f64)> {
    let mut fields = line.split(';');
    let (count, name) = (fields.next()?, fields.nth(1)?);
    let name = name
        .split(':')
        .next_back()?
        .trim_start_matches("sys_enter_");
    Some((name.replace("sys_enter", "all calls"), count.parse().ok()?))
}

async fn ask(way: Way, scenario: Scenario, proxy: &Child, requests: usize) -> Outcome<()> {
    let load = Load {
        lasts: Lasts::Requests(requests.max(1)),
        ..load(scenario, way, proxy.address, scenario.lasts)
    };
    client::run(&load).await?;
    Ok(())
}
