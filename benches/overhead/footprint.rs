//! What a running program takes: memory by what it is for, before and after a load, and the time until it first answers.
//!
//! Memory is what the system says that is resident, mapping by mapping. Of the program's own pages it brings in sixteen
//! neighbours with each that is touched, if it has them in its cache, and they are the first that it takes back; so the sum
//! depends on the machine's last hour, and what is written to (*dirty*) is the part that no other process can use.
//! A start is from the moment the process is made until a request has its answer, each with an empty folder of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::client::{self, Lasts};
use crate::configuration::{Configured, Extent, Ticks};
use crate::process::{Child, Memory};
use crate::{Outcome, SCENARIOS, Scenario, Way, say};

/// Starts whose median counts; the first is left out, since it may find the program on the disk.
const STARTS: usize = 15;
/// After a start or a load, before memory is looked at: the allocator gives back what nobody took for a second.
const REST: Duration = Duration::from_secs(4);
/// Requests of 2 KB: more than any ring, queue or memory of answers holds.
const REQUESTS: usize = 80_000;
/// Connections of that load, and streams at a time, of the scenarios that have more than a few.
const MANY: usize = 64;
const FEW: usize = 4;

/// One look, by what memory is for.
type Seen = BTreeMap<&'static str, Memory>;

/// Measures `product` and says the tables.
pub(crate) async fn measure(product: &str, quick: bool) -> Outcome<()> {
    let ours = std::env::current_exe()?;
    let mock = Child::start(&ours, &["role", "mock"], "mock")?;
    let mut starts = Vec::new();
    for _ in 0..=if quick { 2 } else { STARTS } {
        let configured = Configured::new(mock.address, Ticks::AsShipped, Extent::Everything)?;
        starts.push(start(product, &configured).await?.1);
    }
    starts.remove(0);
    starts.sort_by(f64::total_cmp);
    let configured = Configured::new(mock.address, Ticks::AsShipped, Extent::Everything)?;
    let (child, _) = start(product, &configured).await?;
    tokio::time::sleep(REST).await;
    let idle = child.memory()?;
    let requests = if quick { REQUESTS / 40 } else { REQUESTS };
    for scenario in SCENARIOS {
        let mut load = of(scenario, &child);
        if load.connections > FEW {
            load.connections = MANY;
            if !scenario.streamed {
                load.lasts = Lasts::Requests(requests / MANY);
            }
        }
        client::run(&load).await?;
    }
    let loaded = child.memory()?;
    tokio::time::sleep(REST).await;
    let rested = child.memory()?;
    say(&table(&[idle, loaded, rested])?)?;
    let (median, best) = (starts[starts.len() / 2], starts[0]);
    let size = std::fs::metadata(product)?.len() as f64 / 1e6;
    say(&format!(
        "\nFrom start to first answer: {median:.1} ms, median of {}; {best:.1} at best. The program has {size:.1} MB.\n",
        starts.len()
    ))
}

fn of(scenario: Scenario, child: &Child) -> client::Load {
    crate::load(scenario, Way::Weighbridge, child.address, scenario.lasts)
}

/// Starts `product`; it, and the milliseconds until it had answered a request.
async fn start(product: &str, configured: &Configured) -> Outcome<(Child, f64)> {
    let began = client::now();
    let child = Child::start(Path::new(product), &configured.serve(), "data")?;
    let mut load = of(SCENARIOS[1], &child);
    load.lasts = Lasts::Requests(1);
    client::run(&load).await?;
    Ok((child, began.elapsed().as_secs_f64() * 1e3))
}

/// Markdown: resident memory of each look in megabytes, and in parentheses what of it is dirty.
fn table(looks: &[Seen; 3]) -> Outcome<String> {
    let mut text = String::from(
        "| MB resident (dirty) | idle | after the load | four seconds later |\n|---|---:|---:|---:|\n",
    );
    let names: Vec<&str> = looks[1].keys().copied().collect();
    for name in names {
        let cells = looks.each_ref().map(|look| look.get(name).copied());
        writeln!(text, "| {name} | {} |", row(cells))?;
    }
    let sums = looks
        .each_ref()
        .map(|look| Some(look.values().copied().sum()));
    writeln!(text, "| all | {} |", row(sums))?;
    Ok(text)
}

fn row(cells: [Option<Memory>; 3]) -> String {
    let cell = |memory: Option<Memory>| {
        let memory = memory.unwrap_or_default();
        let (resident, dirty) = (memory.resident_kb / 1024.0, memory.dirty_kb / 1024.0);
        format!("{resident:.1} ({dirty:.1})")
    };
    cells.map(cell).join(" | ")
}
