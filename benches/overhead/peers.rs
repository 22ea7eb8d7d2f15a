//! Other gateways on the same requests, in the same rounds, each on one processor of its own.
//!
//! `--peers NAME,NAME` measures the scripts of these names in `benches/peers` beside the bare proxy and the product; the
//! client and the provider share the other processor, so that rates are bounded by them for whoever is quick. CPU is that of
//! the whole tree of processes. Requests at a rate are measured from when they were due, sent or not: who falls behind
//! cannot hide it.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::client::{self, Lasts, Load, Rate};
use crate::configuration::{AUTHORIZATION, Configured, Extent, PRODUCT, Ticks};
use crate::process::Child;
use crate::{Outcome, Scenario, Way, say};

/// Rounds that count unless `--rounds N` says otherwise; one more before warms everybody.
const ROUNDS: usize = 3;
/// Who is measured runs here, everything else there.
const PROXY: &str = "0";
const REST: &str = "1";
/// Requests a second of the open loop, and for how long.
const RATES: [u32; 2] = [500, 1_000];
const AT_A_RATE: Duration = Duration::from_secs(3);

const fn scenario(name: &'static str, connections: usize, body: usize, streamed: bool) -> Scenario {
    Scenario {
        name,
        connections,
        body,
        streamed,
        paced: streamed,
        lasts: Duration::from_millis(1_200),
    }
}

const MANY: Scenario = scenario("unary 2 KB x64", 64, 2_000, false);
const ONE: Scenario = scenario("unary 2 KB x1", 1, 2_000, false);
const LARGE: Scenario = scenario("unary 100 KB x4", 4, 100_000, false);
const STREAMS: Scenario = scenario("stream 100 events x64", 64, 2_000, true);

/// One column of the table, smaller is better but for rates.
type Figure = (&'static str, Vec<f64>);

/// Who is measured.
struct Entrant {
    name: String,
    child: Option<Child>,
    address: SocketAddr,
    way: Way,
    /// What its configuration is sent in, if it has no file.
    header: Option<(&'static str, String)>,
    figures: Vec<Figure>,
}

impl Entrant {
    fn note(&mut self, name: &'static str, value: f64) {
        match self.figures.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => self.figures.push((name, vec![value])),
        }
    }

    fn median(&self, name: &str) -> Option<f64> {
        let (_, values) = self.figures.iter().find(|(known, _)| *known == name)?;
        let mut values = values.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    fn load(&self, scenario: Scenario) -> Load {
        let mut load = crate::load(scenario, self.way, self.address, scenario.lasts);
        load.header.clone_from(&self.header);
        load
    }
}

/// Measures `names` beside ourselves and says the table. Who fails is left out from there on, with a line that says why.
pub(crate) async fn measure(names: &str, rest: &[&str]) -> Outcome<()> {
    let rounds = match rest {
        ["--rounds", rounds, ..] => rounds.parse()?,
        _ => ROUNDS,
    };
    let own = std::process::id().to_string();
    Command::new("taskset").args(["-pc", REST, &own]).output()?;
    let ours = std::env::current_exe()?;
    let mock = Child::start(&ours, &["role", "mock"], "mock")?;
    let configured = Configured::new(mock.address, Ticks::AsShipped, Extent::Everything)?;
    let mut entrants = vec![direct(mock.address)];
    let (upstream, ours) = (
        mock.address.to_string(),
        ours.to_string_lossy().into_owned(),
    );
    for (name, role) in [(PASSING, "passing"), (BARE, "bare")] {
        let command = [&ours, "role", role, &upstream];
        entrants.push(entrant(name, Way::Bare, &command, "bare").await?);
    }
    let mut serve = vec![PRODUCT];
    serve.extend(configured.serve());
    entrants.push(entrant(OURS, Way::Weighbridge, &serve, "data").await?);
    let mut failed = Vec::new();
    for name in names.split(',').filter(|name| !name.is_empty()) {
        match peer(name, mock.address).await {
            Ok(entrant) => entrants.push(entrant),
            Err(error) => failed.push(format!("{name} is left out: {error}")),
        }
    }
    for round in 0..=rounds {
        let mut left = Vec::new();
        for mut entrant in entrants {
            match measure_once(&mut entrant, round > 0).await {
                Ok(wrong) => {
                    let name = &entrant.name;
                    failed.extend(
                        wrong
                            .iter()
                            .map(|it| format!("{name}, round {round}: {it}")),
                    );
                    left.push(entrant);
                }
                Err(error) => {
                    failed.push(format!(
                        "{} fell out in round {round}: {error}",
                        entrant.name
                    ));
                }
            }
        }
        entrants = left;
    }
    for entrant in &mut entrants {
        let resident = entrant.child.as_ref().map(Child::resident_mb);
        if let Some(Ok(resident)) = resident {
            entrant.note("MB after", resident);
        }
    }
    let size = std::fs::metadata(PRODUCT)?.len() as f64 / 1e6;
    say(&format!(
        "{}\n{}\nWeighbridge's program has {size:.1} MB.\n",
        table(&entrants),
        ratios(&entrants)
    ))?;
    failed
        .iter()
        .try_for_each(|line| say(&format!("\n{line}\n")))
}

/// Names of those of whom the ratios are, and the way to the provider itself.
const OURS: &str = "weighbridge";
const DIRECT: &str = "direct";
const BARE: &str = "bare hyper, envelope read";
const PASSING: &str = "bare hyper, bytes passed on";

fn direct(address: SocketAddr) -> Entrant {
    Entrant {
        name: DIRECT.to_owned(),
        child: None,
        address,
        way: Way::Direct,
        header: None,
        figures: Vec::new(),
    }
}

/// Starts `command` on the processor of those that are measured, and waits for its first answer.
async fn entrant(name: &str, way: Way, command: &[&str], key: &str) -> Outcome<Entrant> {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", PROXY]).args(command);
    let began = client::now();
    let child = Child::of(pinned, key)?;
    let mut entrant = Entrant {
        name: name.to_owned(),
        address: child.address,
        child: Some(child),
        ..direct(([127, 0, 0, 1], 0).into())
    };
    entrant.way = way;
    first_answer(&mut entrant, began).await?;
    Ok(entrant)
}

async fn peer(name: &str, mock: SocketAddr) -> Outcome<Entrant> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/peers")
        .join(name);
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let mut pinned = Command::new("taskset");
    pinned
        .args(["-c", PROXY])
        .arg(script)
        .args([mock.to_string(), port.to_string()]);
    let began = client::now();
    let child = Child::of(pinned, "peer")?;
    // Who chooses among targets by the model's name has two of them, as we have.
    let passes_on = ["nginx", "haproxy"].contains(&name);
    let mut entrant = Entrant {
        name: name.to_owned(),
        address: child.address,
        child: Some(child),
        way: if passes_on {
            Way::Bare
        } else {
            Way::Weighbridge
        },
        header: (name == "portkey").then(|| ("x-portkey-config", portkey(mock))),
        ..direct(([127, 0, 0, 1], 0).into())
    };
    first_answer(&mut entrant, began).await?;
    Ok(entrant)
}

/// Portkey's configuration: two targets by weight.
fn portkey(mock: SocketAddr) -> String {
    let key = AUTHORIZATION.trim_start_matches("Bearer ");
    let target = |weight: f64| serde_json::json!({"provider": "openai", "custom_host": format!("http://{mock}/v1"), "api_key": key, "weight": weight});
    serde_json::json!({"strategy": {"mode": "loadbalance"}, "targets": [target(0.6), target(0.4)]})
        .to_string()
}

/// Asks until there is an answer, and notes how long that took and what memory is in use then.
async fn first_answer(entrant: &mut Entrant, began: std::time::Instant) -> Outcome<()> {
    let mut load = entrant.load(ONE);
    load.lasts = Lasts::Requests(1);
    while let Err(error) = client::run(&load).await {
        if began.elapsed() > Duration::from_secs(120) {
            return Err(format!("{} gives no answer: {error}", entrant.name).into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    entrant.note("start ms", began.elapsed().as_secs_f64() * 1e3);
    if let Some(child) = &entrant.child {
        let resident = child.resident_mb()?;
        entrant.note("MB idle", resident);
    }
    Ok(())
}

/// One round of all scenarios; gives what went wrong in one after the first, whose figures are then missing.
async fn measure_once(entrant: &mut Entrant, counts: bool) -> Outcome<Vec<String>> {
    let mut found: Vec<(&'static str, f64)> = Vec::new();
    let mut wrong = Vec::new();
    let (seen, cpu) = timed(entrant, &entrant.load(MANY)).await?;
    found.push(("CPU us x64", cpu));
    let per_second = seen.whole_us.len() as f64 / seen.seconds;
    found.push(("requests/s", per_second));
    let mut others = vec![(ONE, entrant.load(ONE)), (LARGE, entrant.load(LARGE))];
    others.push((STREAMS, streams(entrant)));
    for (scenario, load) in others {
        match timed(entrant, &load).await {
            Ok((seen, cpu)) => found.extend(figures(scenario, &seen, cpu)),
            Err(error) => wrong.push(format!("{}: {error}", scenario.name)),
        }
    }
    for (rate, names) in RATES.into_iter().zip([
        ["p50 us 500/s", "p99.9 us 500/s"],
        ["p50 us 1000/s", "p99.9 us 1000/s"],
    ]) {
        // Who cannot keep the rate up would only show a queue.
        if per_second > 1.3 * f64::from(rate) {
            let rate = Rate {
                per_second: rate,
                lasts: if counts { AT_A_RATE } else { AT_A_RATE / 10 },
            };
            match client::at_a_rate(&entrant.load(MANY), rate).await {
                Ok(seen) => {
                    found.extend([(names[0], seen.whole(0.5)), (names[1], seen.whole(0.999))]);
                }
                Err(error) => wrong.push(format!("{} requests/s: {error}", rate.per_second)),
            }
        }
    }
    for (name, value) in found.into_iter().filter(|_| counts) {
        entrant.note(name, value);
    }
    Ok(wrong)
}

fn figures(scenario: Scenario, seen: &client::Seen, cpu: f64) -> Vec<(&'static str, f64)> {
    if scenario.streamed {
        let (first, gap) = (seen.first(0.5), seen.gap(0.99));
        return vec![
            ("CPU us stream", cpu),
            ("first us", first),
            ("gap p99 us", gap),
        ];
    }
    if scenario.connections == 1 {
        return vec![
            ("p50 us x1", seen.whole(0.5)),
            ("p99 us x1", seen.whole(0.99)),
        ];
    }
    vec![("CPU us 100 KB", cpu)]
}

fn streams(entrant: &Entrant) -> Load {
    let mut streams = entrant.load(STREAMS);
    // Portkey's targets are of its configuration, which has no slow one.
    let header = streams.header.take();
    streams.header = header.map(|(name, value)| (name, value.replace("/v1\"", "/paced/v1\"")));
    streams
}

/// Sends `load`; what came back, and the proxy's CPU a request in microseconds.
async fn timed(entrant: &Entrant, load: &Load) -> Outcome<(client::Seen, f64)> {
    let spent = || entrant.child.as_ref().map_or(Ok(0), Child::cpu_nanos);
    let before = spent()?;
    let seen = client::run(load).await?;
    let requests = seen.whole_us.len().max(1) as f64;
    let cpu = spent()?.saturating_sub(before) as f64 / 1e3 / requests;
    Ok((seen, cpu))
}

/// The columns of the table: a figure, and whether the direct way's is taken off.
const COLUMNS: [(&str, bool); 15] = [
    ("CPU us x64", false),
    ("requests/s", false),
    ("p50 us x1", true),
    ("p99 us x1", true),
    ("CPU us 100 KB", false),
    ("CPU us stream", false),
    ("first us", true),
    ("gap p99 us", true),
    ("p50 us 500/s", true),
    ("p99.9 us 500/s", true),
    ("p50 us 1000/s", true),
    ("p99.9 us 1000/s", true),
    ("MB idle", false),
    ("MB after", false),
    ("start ms", false),
];

/// A figure of one of those who were measured; `added` is less the direct way's.
fn figure(entrants: &[Entrant], whose: &str, (name, added): (&str, bool)) -> Option<f64> {
    let of = |whose: &str| entrants.iter().find(|it| it.name == whose)?.median(name);
    let value = of(whose)?;
    let is_over = added && whose != DIRECT;
    Some(value - if is_over { of(DIRECT)? } else { 0.0 })
}

/// Markdown, a row for each.
fn table(entrants: &[Entrant]) -> String {
    let heads: Vec<String> = COLUMNS
        .iter()
        .map(|(name, added)| format!("{}{name}", if *added { "added " } else { "" }))
        .collect();
    let mut text = format!(
        "| proxy | {} |\n|---|{}\n",
        heads.join(" | "),
        "---:|".repeat(COLUMNS.len())
    );
    for entrant in entrants {
        let cell = |column: &(&str, bool)| {
            let value = figure(entrants, &entrant.name, *column);
            value.map_or_else(|| "–".to_owned(), |value| digits(value, 10.0))
        };
        let cells: Vec<String> = COLUMNS.iter().map(cell).collect();
        writeln!(text, "| {} | {} |", entrant.name, cells.join(" | "))
            .expect("a text takes what is written");
    }
    text
}

/// What is to be reached against the bare proxy that reads the envelope: a figure, and the most that its ratio may be.
const AIMS: [((&str, bool), f64); 6] = [
    (("CPU us x64", false), 1.25),
    (("CPU us 100 KB", false), 1.3),
    (("CPU us stream", false), 1.15),
    (("p50 us x1", true), 1.4),
    (("p99 us x1", true), 1.5),
    (("p99.9 us 1000/s", true), 1.5),
];

/// Markdown: our figures over those of the bare proxies.
fn ratios(entrants: &[Entrant]) -> String {
    let mut text =
        format!("| weighbridge over | {PASSING} | {BARE} | wanted |\n|---|---:|---:|---:|\n");
    for (column, most) in AIMS {
        let over = |whose: &str| {
            let ours = figure(entrants, OURS, column)?;
            Some(ours / figure(entrants, whose, column)?)
        };
        let [passing, bare] = [PASSING, BARE].map(|whose| {
            let ratio = over(whose);
            ratio.map_or_else(|| "–".to_owned(), |ratio| digits(ratio, 1e3))
        });
        let added = if column.1 { "added " } else { "" };
        writeln!(
            text,
            "| {added}{} | {passing} | {bare} | {most} |",
            column.0
        )
        .expect("a text takes what is written");
    }
    text
}

/// With two digits after the point below `most`, else whole.
fn digits(value: f64, most: f64) -> String {
    let digits = if value.abs() < most { 2 } else { 0 };
    format!("{value:.digits$}")
}
