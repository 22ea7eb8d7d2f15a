//! What the proxy adds, end to end: the same requests straight to a simulated provider, through a bare hyper proxy, and
//! through Weighbridge as it is shipped.
//!
//! Each path is measured in every round, in turn, so that whatever else the machine does meets all of them; the reports
//! are medians over the rounds and the best round. CPU is the proxy process's own, from the kernel's accounting: the
//! client and the provider run in other processes. The comparison with a bare proxy says what routing, measuring and
//! guarding cost; the comparison with the direct path says what a client sees.
//!
//! `cargo bench --bench overhead` takes about a minute; `-- --quick` is a smoke run, as is `cargo test --bench overhead`.
//! `-- --product FILE` measures another build of the product, `-- --plain` without keys, journal and books.
//! `-- --peers NAMES` measures other gateways, see [`peers`]; `scripts/bench-peers` fetches them.
//! `-- --instructions` counts instructions instead, see [`instructions`]; `-- --calls` calls of the system, see [`calls`];
//! `-- --growth` how cost grows, see [`growth`]; `-- --footprint` memory and the time of a start, see [`footprint`].

mod bare;
mod calls;
mod client;
mod configuration;
mod curves;
mod footprint;
mod growth;
mod instructions;
mod peers;
mod process;
mod report;

use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use client::{Lasts, Load, Seen};
use configuration::{Configured, Extent, PRODUCT, Ticks};
use process::Child;
use report::{Sample, Samples};
use weighbridge::law::{Law, Number};
use weighbridge::live::Clock;
use weighbridge::mock::{self, Laws};

/// The product's allocator, so that the bare proxy has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Any error, with its words.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The way a request takes to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    Bare,
    Weighbridge,
}

const WAYS: [Way; 3] = [Way::Direct, Way::Bare, Way::Weighbridge];

/// Tokens of a streamed answer; each is an event of its own.
const EVENTS: u32 = 100;
/// Time between two events of a paced stream, so that each crosses the proxy by itself.
const PACE_MS: f64 = 2.0;

/// What is measured.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    name: &'static str,
    connections: usize,
    /// Size of the request's body.
    body: usize,
    streamed: bool,
    paced: bool,
    /// How long each measurement takes.
    lasts: Duration,
}

const SCENARIOS: [Scenario; 5] = [
    Scenario {
        name: "unary 2 KB x16",
        connections: 16,
        body: 2_000,
        streamed: false,
        paced: false,
        lasts: Duration::from_millis(900),
    },
    Scenario {
        name: "unary 2 KB x1",
        connections: 1,
        body: 2_000,
        streamed: false,
        paced: false,
        lasts: Duration::from_millis(600),
    },
    Scenario {
        name: "unary 100 KB x4",
        connections: 4,
        body: 100_000,
        streamed: false,
        paced: false,
        lasts: Duration::from_millis(600),
    },
    Scenario {
        name: "stream 100 events x32",
        connections: 32,
        body: 2_000,
        streamed: true,
        paced: true,
        lasts: Duration::from_millis(1_200),
    },
    Scenario {
        name: "stream at once x1",
        connections: 1,
        body: 2_000,
        streamed: true,
        paced: false,
        lasts: Duration::from_millis(400),
    },
];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["role", "mock"] => process::block_on(serve_mock()),
        ["role", which @ ("bare" | "passing"), upstream] => {
            let upstream = upstream.parse()?;
            process::block_on(bare::serve(upstream, *which == "bare"))
        }
        rest if rest.contains(&"--instructions") => on_one_thread(instructions::show()),
        rest if rest.contains(&"--record") => on_one_thread(instructions::record()),
        rest if rest.contains(&"--growth") => {
            on_one_thread(growth::show(rest.contains(&"--quick")))
        }
        rest if rest.contains(&"--guard") => on_one_thread(instructions::guard()),
        ["--peers", names, rest @ ..] => on_one_thread(peers::measure(names, rest)),
        rest => {
            // `cargo bench` says `--bench`; `cargo test` says nothing and wants to know whether it runs.
            let quick = rest.contains(&"--quick") || !rest.contains(&"--bench");
            let other = rest.iter().position(|word| *word == "--product");
            let product = other.and_then(|at| rest.get(at + 1));
            let extent = if rest.contains(&"--plain") {
                Extent::Plain
            } else {
                Extent::Everything
            };
            let product = product.copied().unwrap_or(PRODUCT);
            if rest.contains(&"--footprint") {
                return on_one_thread(footprint::measure(product, rest.contains(&"--quick")));
            }
            if rest.contains(&"--calls") {
                let only = rest.iter().position(|word| *word == "--only");
                let only = only.and_then(|at| rest.get(at + 1)).copied();
                return on_one_thread(calls::show(product, extent, only.unwrap_or_default()));
            }
            on_one_thread(measure(quick, product, extent))
        }
    }
}

fn say(text: &str) -> Outcome<()> {
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

fn on_one_thread(work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}

/// Rounds of a full run: enough for a median that one disturbed round does not move.
const ROUNDS: usize = 6;

async fn measure(quick: bool, product: &str, extent: Extent) -> Outcome<()> {
    let ours = std::env::current_exe()?;
    let mock = Child::start(&ours, &["role", "mock"], "mock")?;
    let upstream = mock.address.to_string();
    let bare = Child::start(&ours, &["role", "bare", &upstream], "bare")?;
    let configured = Configured::new(mock.address, Ticks::AsShipped, extent)?;
    let product = Child::start(Path::new(product), &configured.serve(), "data")?;
    let children = |way| match way {
        Way::Direct => (mock.address, None),
        Way::Bare => (bare.address, Some(&bare)),
        Way::Weighbridge => (product.address, Some(&product)),
    };
    let mut samples = Samples::default();
    let rounds = if quick { 1 } else { ROUNDS };
    // Round 0 warms connections, caches and meters and is not kept.
    for round in 0..=rounds {
        for scenario in SCENARIOS {
            let lasts = if quick || round == 0 {
                scenario.lasts / 10
            } else {
                scenario.lasts
            };
            for turn in 0..WAYS.len() {
                let way = WAYS[(turn + round) % WAYS.len()];
                let (address, child) = children(way);
                let load = load(scenario, way, address, lasts);
                let before = child.map_or(Ok(0), Child::cpu_nanos)?;
                let seen = client::run(&load).await?;
                let cpu = child
                    .map_or(Ok(0), Child::cpu_nanos)?
                    .saturating_sub(before);
                if round > 0 {
                    samples.add(scenario.name, way, sample(&seen, cpu));
                }
            }
        }
    }
    let (table, json) = (samples.table(rounds), samples.json(rounds));
    say(&format!("{table}\n{json}\n"))
}

fn load(scenario: Scenario, way: Way, address: SocketAddr, lasts: Duration) -> Load {
    let model = if scenario.paced { "paced" } else { "chat" };
    let path = match (way, scenario.paced) {
        (Way::Direct | Way::Bare, true) => "/paced/v1/chat/completions",
        (Way::Direct | Way::Bare, false) | (Way::Weighbridge, _) => "/v1/chat/completions",
    };
    let (stream, tokens) = if scenario.streamed {
        (true, EVENTS)
    } else {
        (false, 16)
    };
    let head = format!(
        r#"{{"model":"{model}","stream":{stream},"max_tokens":{tokens},"messages":[{{"role":"user","content":""#
    );
    let filler = scenario.body.saturating_sub(head.len() + 4);
    let body = format!(
        "{head}{}\"}}]}}",
        "weigh ".chars().cycle().take(filler).collect::<String>()
    );
    Load {
        address,
        path,
        body: body.into(),
        connections: scenario.connections,
        lasts: Lasts::For(lasts),
        header: None,
    }
}

fn sample(seen: &Seen, cpu_nanos: u64) -> Sample {
    let requests = seen.whole_us.len().max(1) as f64;
    Sample {
        cpu_us: cpu_nanos as f64 / 1e3 / requests,
        p50_us: seen.whole(0.5),
        p99_us: seen.whole(0.99),
        first_us: seen.first(0.5),
        per_second: requests / seen.seconds,
    }
}

/// The provider: no delay but for the target `paced`.
async fn serve_mock() -> Outcome<()> {
    let clock = Clock::start();
    let laws = Laws::new(Law::instant(), clock);
    let paced = Law {
        tpot_ms: Number::constant(PACE_MS)?,
        ..Law::instant()
    };
    laws.put("paced", paced)?;
    let (address, serving) =
        mock::run(([127, 0, 0, 1], 0).into(), laws, process::orphaned()).await?;
    process::announce("mock", address)?;
    Ok(serving.await?)
}
