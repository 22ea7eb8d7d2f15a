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

/// Rounds that count; one more before warms everybody.
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

/// Measures `names` beside ourselves and says the table.
pub(crate) async fn measure(names: &str) -> Outcome<()> {
    let own = std::process::id().to_string();
    Command::new("taskset").args(["-pc", REST, &own]).output()?;
    let ours = std::env::current_exe()?;
    let mock = Child::start(&ours, &["role", "mock"], "mock")?;
    let configured = Configured::new(mock.address, Ticks::AsShipped, Extent::Everything)?;
    let mut entrants = vec![direct(mock.address)];
    let upstream = mock.address.to_string();
    let ours = ours.to_string_lossy().into_owned();
    entrants.push(
        entrant(
            "bare hyper",
            Way::Bare,
            &[&ours, "role", "bare", &upstream],
            "bare",
        )
        .await?,
    );
    let mut serve = vec![PRODUCT];
    serve.extend(configured.serve());
    entrants.push(entrant("weighbridge", Way::Weighbridge, &serve, "data").await?);
    for name in names.split(',').filter(|name| !name.is_empty()) {
        entrants.push(peer(name, mock.address).await?);
    }
    for round in 0..=ROUNDS {
        for entrant in &mut entrants {
            measure_once(entrant, round > 0).await?;
        }
    }
    for entrant in &mut entrants {
        let resident = entrant.child.as_ref().map(Child::resident_mb);
        if let Some(resident) = resident.transpose()? {
            entrant.note("MB after", resident);
        }
    }
    say(&table(&entrants))
}

fn direct(address: SocketAddr) -> Entrant {
    Entrant {
        name: "direct".to_owned(),
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

async fn measure_once(entrant: &mut Entrant, counts: bool) -> Outcome<()> {
    let mut found: Vec<(&'static str, f64)> = Vec::new();
    let (seen, cpu) = timed(entrant, &entrant.load(MANY)).await?;
    found.push(("CPU us x64", cpu));
    let per_second = seen.whole_us.len() as f64 / seen.seconds;
    found.push(("requests/s", per_second));
    let (seen, _) = timed(entrant, &entrant.load(ONE)).await?;
    found.extend([
        ("p50 us x1", seen.whole(0.5)),
        ("p99 us x1", seen.whole(0.99)),
    ]);
    let (_, cpu) = timed(entrant, &entrant.load(LARGE)).await?;
    found.push(("CPU us 100 KB", cpu));
    // Portkey's targets are of its configuration, which has no slow one.
    let mut streams = entrant.load(STREAMS);
    if entrant.header.is_some() {
        streams.header = streams
            .header
            .map(|(name, value)| (name, value.replace("/v1\"", "/paced/v1\"")));
    }
    let (seen, cpu) = timed(entrant, &streams).await?;
    found.extend([("CPU us stream", cpu), ("first us", seen.first(0.5))]);
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
            let seen = client::at_a_rate(&entrant.load(MANY), rate).await?;
            found.extend([(names[0], seen.whole(0.5)), (names[1], seen.whole(0.999))]);
        }
    }
    for (name, value) in found.into_iter().filter(|_| counts) {
        entrant.note(name, value);
    }
    Ok(())
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
    ("p50 us 500/s", true),
    ("p99.9 us 500/s", true),
    ("p50 us 1000/s", true),
    ("p99.9 us 1000/s", true),
    ("MB idle", false),
    ("MB after", false),
    ("start ms", false),
    ("ratio of CPU", false),
];

/// Markdown, a row for each.
fn table(entrants: &[Entrant]) -> String {
    let heads: Vec<String> = COLUMNS
        .iter()
        .map(|(name, added)| {
            if *added {
                format!("added {name}")
            } else {
                (*name).to_owned()
            }
        })
        .collect();
    let mut text = format!(
        "| proxy | {} |\n|---|{}\n",
        heads.join(" | "),
        "---:|".repeat(COLUMNS.len())
    );
    let of = |name: &str| entrants.iter().find(|entrant| entrant.name == name);
    let (direct, bare) = (of("direct"), of("bare hyper"));
    for entrant in entrants {
        let cell = |(name, added): &(&str, bool)| {
            let value = if *name == "ratio of CPU" {
                let ours = entrant.median("CPU us x64")?;
                ours / bare?.median("CPU us x64")?
            } else {
                entrant.median(name)?
            };
            let is_direct = entrant.name == "direct";
            let base = direct
                .and_then(|it| it.median(name))
                .filter(|_| *added && !is_direct);
            let value = value - base.unwrap_or(0.0);
            let digits = if value.abs() < 10.0 { 2 } else { 0 };
            Some(format!("{value:.digits$}"))
        };
        let cells: Vec<String> = COLUMNS
            .iter()
            .map(|it| cell(it).unwrap_or_else(|| "–".to_owned()))
            .collect();
        writeln!(text, "| {} | {} |", entrant.name, cells.join(" | "))
            .expect("a text takes what is written");
    }
    text
}
