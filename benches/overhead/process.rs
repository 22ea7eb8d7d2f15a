//! Processes of their own for everything that is measured, and the kernel's account of each.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use crate::Outcome;

/// A process that serves, and ends with this value.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    /// Where it serves.
    pub(crate) address: SocketAddr,
    /// Its first line.
    said: serde_json::Value,
}

impl Child {
    /// Starts `program`, and waits for its first line: a JSON object whose `key` is the address it serves at.
    pub(crate) fn start(program: &Path, arguments: &[&str], key: &str) -> Outcome<Self> {
        let mut command = Command::new(program);
        command.args(arguments);
        Self::of(command, key)
    }

    /// The same, of a `command` of the caller's.
    pub(crate) fn of(mut command: Command, key: &str) -> Outcome<Self> {
        let mut process = command
            // It would warn of the made-up keys in its configuration.
            .env("RUST_LOG", "error")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or("a child without an output")?;
        let said = BufReader::new(stdout).read_line(&mut line).and_then(|_| {
            let said: serde_json::Value = serde_json::from_str(&line)?;
            let address = said[key].as_str().and_then(|text| text.parse().ok());
            let address =
                address.ok_or_else(|| io::Error::other(format!("expected {key:?} in {line:?}")))?;
            Ok((address, said))
        });
        match said {
            Ok((address, said)) => Ok(Self {
                process,
                address,
                said,
            }),
            Err(error) => {
                end(&mut process);
                Err(error.into())
            }
        }
    }

    /// Asks it to end by itself, and waits for that.
    pub(crate) fn ended(mut self) -> Outcome<()> {
        drop(self.process.stdin.take());
        let pid = self.process.id().to_string();
        Command::new("sh")
            .args(["-c", &format!("kill -TERM {pid} 2>/dev/null || true")])
            .status()?;
        self.process.wait()?;
        Ok(())
    }

    /// Time on a processor, of all its threads, in nanoseconds. The scheduler's own count; where there is none, the
    /// clock ticks of `stat`, which are a hundredth of a second.
    pub(crate) fn cpu_nanos(&self) -> Outcome<u64> {
        tree(self.process.id()).into_iter().map(cpu_nanos).sum()
    }

    /// Where its admin API is.
    pub(crate) fn admin(&self) -> Outcome<SocketAddr> {
        let address = self.said["admin"].as_str().ok_or("no admin address")?;
        Ok(address.parse()?)
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Memory in use, by what it is for.
    pub(crate) fn memory(&self) -> Outcome<BTreeMap<&'static str, Memory>> {
        let text = fs::read_to_string(format!("/proc/{}/smaps", self.process.id()))?;
        Ok(by_purpose(&text))
    }

    /// Memory in use, of the process and those below it, in megabytes.
    pub(crate) fn resident_mb(&self) -> Outcome<f64> {
        let mut kilobytes = 0.0;
        for pid in tree(self.process.id()) {
            let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let number = line.and_then(|line| line.split_whitespace().next());
            kilobytes += number.map_or(Ok(0.0), str::parse::<f64>)?;
        }
        Ok(kilobytes / 1024.0)
    }
}

/// Some of a process's memory, in kilobytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// In use.
    pub(crate) resident_kb: f64,
    /// Written to, so that no other process has a part in it.
    pub(crate) dirty_kb: f64,
}

impl std::iter::Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            resident_kb: sum.resident_kb + one.resident_kb,
            dirty_kb: sum.dirty_kb + one.dirty_kb,
        })
    }
}

/// What `/proc/PID/smaps` has, summed up by what mappings are for.
fn by_purpose(smaps: &str) -> BTreeMap<&'static str, Memory> {
    let mut found: BTreeMap<&'static str, Memory> = BTreeMap::new();
    let mut purpose = "";
    for line in smaps.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            // A range of addresses begins a mapping.
            [range, rights, _, _, _, name @ ..] if range.contains('-') => {
                purpose = purpose_of(range, rights, name.first().copied().unwrap_or_default());
            }
            [key @ ("Rss:" | "Private_Dirty:"), kilobytes, _] => {
                let kilobytes = kilobytes.parse().unwrap_or(0.0);
                let memory = found.entry(purpose).or_default();
                if *key == "Rss:" {
                    memory.resident_kb += kilobytes;
                } else {
                    memory.dirty_kb += kilobytes;
                }
            }
            _ => {}
        }
    }
    found
}

/// What a mapping is for.
fn purpose_of(range: &str, rights: &str, name: &str) -> &'static str {
    let ends = range.split_once('-').unwrap_or_default();
    let [from, to] = [ends.0, ends.1].map(|end| u64::from_str_radix(end, 16).unwrap_or(0));
    match name {
        "[heap]" => "C libraries' heap (SQLite)",
        "[stack]" => "stacks",
        // Rust's threads have stacks of 2 MiB.
        "" if to - from == 2 << 20 => "stacks",
        "" => "heap",
        _ if name.starts_with('[') => "of the kernel's",
        _ if name.contains(".so") => "libraries",
        _ if name.contains("books.sqlite") => "books shared with readers",
        _ if rights.contains('x') => "program: code",
        _ => "program: constants and tables",
    }
}

/// `root` and all processes below it.
fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        found.extend(
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
        at += 1;
    }
    found
}

fn cpu_nanos(pid: u32) -> Outcome<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let spent = text.split(' ').next().and_then(|spent| spent.parse().ok());
        sum += spent.unwrap_or(0_u64);
    }
    if sum > 0 {
        return Ok(sum);
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field after it.
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(ticks * 10_000_000)
}

/// How long a peer's script may take to end what it started.
const TO_END: Duration = Duration::from_secs(3);

impl Drop for Child {
    fn drop(&mut self) {
        // A peer's script ends with its input, and ends what it started; killed, it would leave that behind.
        drop(self.process.stdin.take());
        let begun = crate::client::now();
        while self.said.get("peer").is_some() && begun.elapsed() < TO_END {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        end(&mut self.process);
    }
}

/// Ends and buries it; one that has ended already cannot be ended, which is as well.
fn end(process: &mut std::process::Child) {
    drop(process.kill());
    drop(process.wait());
}

/// Says where this process serves.
pub(crate) fn announce(key: &str, address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{{\"{key}\":\"{address}\"}}")?;
    out.flush()
}

/// Ready when the parent is gone: its end of the standard input closes with it, however it ends.
pub(crate) async fn orphaned() {
    let mut byte = [0];
    while tokio::io::stdin()
        .read(&mut byte)
        .await
        .is_ok_and(|read| read > 0)
    {}
}

/// Runs `work` on as many workers as the product has.
pub(crate) fn block_on(work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(work);
    // The thread that reads the standard input would be waited for.
    runtime.shutdown_background();
    result
}
