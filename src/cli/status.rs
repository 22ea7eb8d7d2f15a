//! `weighbridge status`: all routes of a running daemon at a glance.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use serde_json::json;

use super::budgets;
use super::client::AdminArgs;
use super::fleet::note;
use super::table::{Align, columns};
use super::whole::parts;
use super::{Failure, Format, block_on, print_json};
use crate::admin::{ClusterState, RefusedFiles, Reports, RouteReport, TargetReport};
use crate::balance::{Rail, State};
use crate::config::StandingOrder;
use crate::model::{Time, minute_of};

/// What `status` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    admin: AdminArgs,
    /// Looks again every so many seconds (2 if none are given) until ctrl-c; json is then one document a line
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "2",
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    watch: Option<u64>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Moves to the top of a terminal and clears it.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Asks a running daemon and prints a table.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    if let Some(seconds) = args.watch {
        return block_on(watch(args, Duration::from_secs(seconds), out));
    }
    let reports = block_on(look(args))?;
    match args.format {
        Format::Json => print_json(out, &reports),
        Format::Text => Ok(write!(out, "{}", rendered(&reports))?),
    }
}

async fn look(args: &Args) -> Result<Reports, Failure> {
    args.admin.get("/api/v1/routes").await?.read()
}

/// Looks again and again until ctrl-c. A daemon that is there at first may be away for a while: that is shown, and looked at
/// again.
async fn watch(args: &Args, pause: Duration, out: &mut dyn Write) -> Result<(), Failure> {
    let clears = args.format == Format::Text && io::stdout().is_terminal();
    let mut found: Result<Reports, Failure> = Ok(look(args).await?);
    let ended = tokio::signal::ctrl_c();
    tokio::pin!(ended);
    loop {
        if clears {
            write!(out, "{CLEAR}")?;
        }
        match (args.format, &found) {
            (Format::Text, Ok(reports)) => writeln!(out, "{}", rendered(reports))?,
            (Format::Text, Err(failure)) => writeln!(out, "{failure}\n")?,
            (Format::Json, Ok(reports)) => {
                let line = serde_json::to_string(reports).map_err(|error| {
                    Failure::Told(format!("the result cannot be printed: {error}"))
                })?;
                writeln!(out, "{line}")?;
            }
            (Format::Json, Err(failure)) => {
                writeln!(out, "{}", json!({ "error": failure.to_string() }))?;
            }
        }
        out.flush()?;
        tokio::select! {
            _ = &mut ended => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        found = look(args).await;
    }
}

/// Most problems of refused files that are shown; `check` has them all.
const MOST_PROBLEMS: usize = 5;
/// What the columns count, and since when.
const LEGEND: &str = "ACTUAL is each target's part of the requests by their first choice, since the start or since the \
    route's targets changed; FAILED is of all calls since the start; TTFT (time to first token) and $ are of the last minute\n";

fn rendered(reports: &Reports) -> String {
    let refused = reports.refused.as_ref();
    let refused = refused.map(|it| refusal(it, reports.config_generation));
    let mut orders: Vec<&StandingOrder> = Vec::new();
    for order in reports.routes.iter().flat_map(|route| &route.orders) {
        if !orders.iter().any(|known| known.order.id == order.order.id) {
            orders.push(order);
        }
    }
    let orders = orders.into_iter().map(|order| order.told() + "\n");
    let switch = if reports.switch_off {
        "the kill switch is off: configured shares, nothing guarded; `weighbridge on` ends that\n"
    } else {
        ""
    };
    let cluster = reports.cluster.as_ref().map(cluster).unwrap_or_default();
    format!(
        "{}{}{}{switch}{cluster}configuration {}, decided {:.1} s ago\n{LEGEND}{}",
        refused.unwrap_or_default(),
        routes(reports),
        orders.collect::<String>(),
        reports.config_generation,
        reports.decided_seconds_ago,
        budgets::rendered(&reports.budgets)
    )
}

/// Whether it decides with the other replicas.
fn cluster(cluster: &ClusterState) -> String {
    let since = minute_of(Time::from_secs_f64(cluster.since));
    let state = match &cluster.why {
        None => format!(
            "decides as one with the other replicas, {} in all; `weighbridge fleet` shows them\n",
            cluster.replicas
        ),
        Some(why) => {
            format!("OUT OF REACH of the other replicas since {since}, goes on by itself: {why}\n")
        }
    };
    let note = cluster.same_name.as_ref().map(note).unwrap_or_default();
    format!("{note}{state}")
}

/// That files were refused, since when, what goes on instead, and what is wrong with them.
fn refusal(refused: &RefusedFiles, generation: u64) -> String {
    let moment = |seconds: f64| minute_of(Time::from_secs_f64(seconds));
    let mut lines = vec![format!(
        "CONFIGURATION REFUSED since {}; the last good one goes on: {generation}, in force since {}",
        moment(refused.since),
        moment(refused.serving_since)
    )];
    for problem in refused.problems.iter().take(MOST_PROBLEMS) {
        lines.push(format!("  {problem}"));
        let text = problem.text.as_ref();
        lines.extend(text.map(|text| format!("    {} | {}", problem.line, text.trim_end())));
    }
    if let Some(more @ 1..) = refused.problems.len().checked_sub(MOST_PROBLEMS) {
        let all = "`weighbridge reload` and `check` tell all";
        lines.push(format!("  and {more} more; {all}"));
    }
    lines.join("\n") + "\n\n"
}

/// Where the shares of routes in shadow mode stand: before those that are in force.
const IF_OBEYED: usize = 4;

/// The table: a line a target.
fn routes(reports: &Reports) -> String {
    let mut heads = vec![
        ("ROUTE", Align::Left),
        ("TARGET", Align::Left),
        ("USES", Align::Left),
        ("CONFIGURED", Align::Right),
        ("GRANTED", Align::Right),
        ("ACTUAL", Align::Right),
        ("STATE", Align::Left),
        ("TTFT P50 MS", Align::Right),
        ("TTFT P95 MS", Align::Right),
        ("FAILED", Align::Right),
        ("$/1K TOKENS", Align::Right),
        ("CACHED", Align::Right),
    ];
    let mut rows: Vec<Vec<String>> = reports.routes.iter().flat_map(rows).collect();
    let targets = || reports.routes.iter().flat_map(|route| &route.targets);
    if targets().any(|target| target.view.if_obeyed.is_some()) {
        heads.insert(IF_OBEYED, ("IF OBEYED", Align::Right));
        let shares = reports.routes.iter().flat_map(|route| {
            let shares = route.targets.iter().map(|target| target.view.if_obeyed);
            parts(&shares.collect::<Vec<_>>())
        });
        for (row, share) in rows.iter_mut().zip(shares) {
            row.insert(IF_OBEYED, share.unwrap_or_else(unknown));
        }
    }
    columns(&heads, &rows)
}

/// The lines of a route. Its shares add up as they are shown.
fn rows(route: &RouteReport) -> Vec<Vec<String>> {
    let column = |share: fn(&TargetReport) -> Option<f64>| {
        let shares: Vec<Option<f64>> = route.targets.iter().map(share).collect();
        parts(&shares).into_iter()
    };
    let configured = column(|target| Some(target.view.configured));
    let granted = column(|target| Some(target.view.granted));
    let actual = column(|target| target.view.actual);
    let shares = configured.zip(granted).zip(actual);
    let targets = route.targets.iter().zip(shares);
    targets
        .map(|(target, ((configured, granted), actual))| {
            let shares = [configured, granted, actual].map(|it| it.unwrap_or_else(unknown));
            row(route, target, shares)
        })
        .collect()
}

fn row(route: &RouteReport, target: &TargetReport, shares: [String; 3]) -> Vec<String> {
    let [p50, p95] = match target.first_token_ms {
        Some([p50, p95, _]) => [format!("{p50:.0}"), format!("{p95:.0}")],
        None => [unknown(), unknown()],
    };
    let price = target.usd_per_1k_tokens;
    let view = &target.view;
    let [configured, granted, actual] = shares;
    vec![
        route.route.to_string(),
        view.name.to_string(),
        view.upstream.to_string(),
        configured,
        granted,
        actual,
        state(target),
        p50,
        p95,
        format!("{}/{}", target.failed, target.calls),
        price.map_or_else(unknown, |usd| format!("{usd:.5}")),
        view.evidence.cached.map_or_else(unknown, percent),
    ]
}

/// What it may take; of an ejected target with a share, also what becomes of that.
fn state(target: &TargetReport) -> String {
    let view = &target.view;
    let label = view.state.label();
    let is_out = matches!(view.state, State::Ejected | State::Probing);
    if target.spent_until.is_some() && !is_out && view.state != State::Drained {
        return "budget spent".to_owned();
    }
    if view.state == State::Returning && was_never_asked(target) {
        return "new (never asked)".to_owned();
    }
    if !is_out || view.granted <= 0.0 {
        return label.to_owned();
    }
    let is = |rail: Rail| view.rails.contains(&rail);
    let share = if is(Rail::Shadow) || is(Rail::Off) {
        "not obeyed"
    } else if is(Rail::HeldOutage) {
        "as all are"
    } else {
        "shut"
    };
    format!("{label} ({share})")
}

/// Whether nothing was ever sent there: what it comes back from is then that nobody knows it.
fn was_never_asked(target: &TargetReport) -> bool {
    target.calls == 0 && target.in_flight == 0 && target.view.samples == 0
}

/// Stands where nothing was measured.
fn unknown() -> String {
    "-".to_owned()
}

fn percent(fraction: f64) -> String {
    format!("{:.1} %", fraction * 100.0)
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
