//! Memory of upstreams: fifty busy ones within 20 MiB, idle ones next to nothing.
//!
//! What counts is what the system gives the process, so it is the resident size that is read, before and after; the
//! process does nothing else. Time is tokio's paused time, so two minutes of traffic, which fill every slice of every
//! histogram, take seconds. Fails if a bound is broken.
//!
//! `cargo bench --bench footprint`.

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use weighbridge::live::{Account, Asked, Attempt, Clock, Upstream, Witness};
use weighbridge::model::{AnswerKind, Finished, Outcome, PicoUsd, Price, Tokens, UpstreamName};

const BUSY: usize = 50;
const IDLE: usize = 10_000;
/// Bounds, in bytes: of all the busy ones, and of one idle one.
const MOST_BUSY: u64 = 20 * 1024 * 1024;
const MOST_IDLE: u64 = 4 * 1024;
/// Virtual time between two rounds of traffic, and how many there are: two minutes.
const STEP: Duration = Duration::from_millis(250);
const STEPS: u64 = 480;
/// Requests per upstream and step.
const REQUESTS: u64 = 10;

#[derive(Debug)]
struct Nobody;

impl Witness for Nobody {
    fn attempt_ended(&self, _: &str, _: &Upstream, _: Asked, _: &Finished) {}
}

fn main() -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(measure())
}

async fn measure() -> io::Result<ExitCode> {
    // The first round pays for what the process needs once.
    drop(traffic(1, 4).await);
    let before = resident()?;
    let busy = traffic(BUSY, STEPS).await;
    let all_busy = resident()?.saturating_sub(before);
    let before = resident()?;
    let idle = upstreams(IDLE);
    let each_idle = resident()?.saturating_sub(before) / IDLE as u64;
    let mut out = io::stdout().lock();
    let (kept, mib) = (busy.len(), all_busy as f64 / 1_048_576.0);
    writeln!(
        out,
        "{kept} busy upstreams: {mib:.1} MiB (at most {})",
        MOST_BUSY / 1_048_576
    )?;
    writeln!(
        out,
        "an idle upstream: {each_idle} bytes of {} (at most {MOST_IDLE})",
        idle.len()
    )?;
    writeln!(
        out,
        r#"{{"bench":"footprint","busy_upstreams":{kept},"busy_bytes":{all_busy},"idle_bytes_each":{each_idle}}}"#
    )?;
    let fits = all_busy <= MOST_BUSY && each_idle <= MOST_IDLE;
    Ok(if fits {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn upstreams(count: usize) -> Vec<Arc<Upstream>> {
    let name = |index| UpstreamName::new(&format!("provider/model-{index}"));
    let upstream = |index| Some(Arc::new(Upstream::new(name(index).ok()?)));
    (0..count).filter_map(upstream).collect()
}

/// `count` upstreams that were busy for `steps`, streamed and unary, with a tick after each step.
async fn traffic(count: usize, steps: u64) -> Vec<Arc<Upstream>> {
    let clock = Clock::start();
    let witness: Arc<dyn Witness> = Arc::new(Nobody);
    let route: Arc<str> = Arc::from("chat");
    let busy = upstreams(count);
    for step in 0..steps {
        let begin = |upstream: &Arc<Upstream>, request: u64| {
            let kind =
                [AnswerKind::Streamed, AnswerKind::Unary][usize::from(request.is_multiple_of(4))];
            let (upstream, witness) = (Arc::clone(upstream), Arc::clone(&witness));
            Attempt::begin(upstream, Arc::clone(&route), witness, clock, kind, false)
        };
        let open = busy
            .iter()
            .flat_map(|upstream| (0..REQUESTS).map(move |n| (upstream, n)));
        let mut open: Vec<Attempt> = open.map(|(upstream, n)| begin(upstream, n)).collect();
        tokio::time::advance(STEP / 2).await;
        for attempt in &mut open {
            attempt.first_content();
        }
        tokio::time::advance(STEP / 2).await;
        for (output, attempt) in (1..).zip(open) {
            let tokens = Tokens {
                input: 500,
                output: output + step,
                ..Tokens::default()
            };
            let account = Account {
                tokens: Some(tokens),
                estimated: false,
                cost: Some(PicoUsd::new(u128::from(tokens.output) * 4_000_000)),
                wait: None,
            };
            attempt.finish(Outcome::Ok, account);
        }
        for upstream in &busy {
            drop(upstream.collect(clock.now(), None::<Price>));
        }
    }
    busy
}

/// Resident size of this process in bytes.
fn resident() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| io::Error::other("expected VmRSS in /proc/self/status"))
}
