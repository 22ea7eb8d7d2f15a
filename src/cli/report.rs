//! `weighbridge report`: what the shares that were not in force would have brought.
//!
//! With a journal single requests are weighed ([`Whatif`]); without one the books of a daemon, or a folder of them, have what
//! each target's requests brought by the minute.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::AdminArgs;
use super::estimate::{Unit, verdict};
use super::journal::read;
use super::known::{expect_known, in_force};
use super::table::{Align, table};
use super::usage::when;
use super::{Failure, block_on, print_json};
use crate::config::Strategy;
use crate::journal::{Estimate, Heard, Interval, Other, Replay, RouteWhatif, Whatif, clock_time};
use crate::live::Clock;
use crate::model::{RouteName, Time};
use crate::store::{Books, Dimension, Foregone, Instead, MOST_ROWS, Query, RESTS_ON, StoreError};

/// What an estimate from a journal rests on.
const OF_JOURNAL: &str = "the journal: single requests, each weighed by how likely the other shares would have sent it \
    there, over blocks of ten seconds";

/// What `report` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// From when on: 12h, 7d, 1mo (30 days), 2026-11-28, 2026-11-28T20:14:45Z
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: String,
    /// Until when
    #[arg(long, value_name = "WHEN", default_value = "now")]
    until: String,
    /// Only this route
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// The folder of a journal (`controller.journal`), which knows more than the books; a daemon's own is found by itself
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// The folder of the books (`server.state`), to be read without a daemon
    #[arg(long, value_name = "DIR", conflicts_with = "journal")]
    state: Option<PathBuf>,
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// How the result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    since: f64,
    until: f64,
    rests_on: String,
    /// What is odd about the journal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    routes: Vec<Foregone>,
}

/// Estimates and says how sure that is.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let now = Clock::start().now();
    let since = when("--since", &args.since, now)?;
    let until = when("--until", &args.until, now)?;
    let (mut found, known) = match (&args.journal, &args.state) {
        (Some(journal), _) => of_journal(journal, since, until)?,
        (None, Some(folder)) => of_folder(folder, since, until)?,
        (None, None) => asked(args, since, until)?,
    };
    if let Some(name) = &args.route {
        found.routes.retain(|route| route.route == *name);
        if found.routes.is_empty() {
            expect_known("route", name, known)?;
        }
    }
    match args.format {
        Form::Json => print_json(out, &found),
        Form::Table => Ok(write!(out, "{}", told(&found))?),
    }
}

/// What was found, and the names of all routes that are known there.
type Told = Result<(Found, Vec<String>), Failure>;

fn of_folder(folder: &Path, since: Time, until: Time) -> Told {
    let told = |error: StoreError| Failure::Told(error.to_string());
    let books = Books::to_read(folder);
    let routes = books.foregone(since, until, None).map_err(told)?;
    let ever = Query {
        by: vec![Dimension::Route],
        since: Time::ZERO,
        until: Time::NEVER,
        only: Vec::new(),
        most: MOST_ROWS,
    };
    let used = books.usage(&ever).map_err(told)?.rows.into_iter();
    let known = used.filter_map(|row| row.of.into_iter().next());
    let known = known.filter(|name| !name.is_empty()).collect();
    Ok((found(RESTS_ON, since, until, routes), known))
}

fn found(rests_on: &str, since: Time, until: Time, routes: Vec<Foregone>) -> Found {
    Found {
        since: since.as_secs_f64(),
        until: until.as_secs_f64(),
        rests_on: rests_on.to_owned(),
        notes: Vec::new(),
        routes,
    }
}

/// A daemon's answer, or what its journal says if it keeps one that can be read from here.
fn asked(args: &Args, since: Time, until: Time) -> Told {
    let config: Value = block_on(args.admin.get("/api/v1/config"))?.read()?;
    let journal = config["config"]["controller"]["journal"].as_str();
    if let Some(journal) = journal.map(Path::new).filter(|it| it.is_dir()) {
        return of_journal(journal, since, until);
    }
    let span = [
        ("since", args.since.as_str()),
        ("until", args.until.as_str()),
    ];
    let found = block_on(args.admin.get_with("/api/v1/report", &span))?.read()?;
    Ok((found, in_force(&args.admin, Dimension::Route)?))
}

/// Weighs a journal's requests: those of routes that were obeyed for the configured weights, the others for the shares that
/// were only shown.
fn of_journal(journal: &Path, since: Time, until: Time) -> Told {
    let mut replay = Replay::new();
    let mut proposed = Whatif::new(Other::Strategy(Strategy::Adaptive));
    let mut configured = Whatif::new(Other::Strategy(Strategy::Fixed));
    read(journal, &mut |place, text, is_whole| {
        let heard = replay.line(place, text, is_whole);
        if let Heard::Draw(draw) = &heard {
            let at = Time::from_micros(replay.unix_us(draw.at));
            let route = RouteName::new(&draw.route).ok();
            let Some(route) = route.filter(|_| since <= at && at < until) else {
                return ControlFlow::Continue(());
            };
            if replay.player().obeys(&route) {
                configured.follow(&replay, &heard);
            } else {
                proposed.follow(&replay, &heard);
            }
        } else {
            proposed.follow(&replay, &heard);
            configured.follow(&replay, &heard);
        }
        ControlFlow::Continue(())
    })?;
    let fixed = |name: &RouteName| {
        let mut routes = replay.plan().routes();
        routes.any(|route| route.name == *name && route.strategy == Strategy::Fixed)
    };
    let mut routes = Vec::new();
    for (whatif, instead) in [
        (&proposed, Instead::Proposed),
        (&configured, Instead::Configured),
    ] {
        let met = whatif.routes().into_iter();
        // Obeyed or not, fixed shares are the configured ones.
        let met = met.filter(|route| route.requests > 0 && !fixed(&route.route));
        routes.extend(met.map(|route| of_whatif(route, instead)));
    }
    routes.sort_by(|a, b| a.route.cmp(&b.route));
    let mut found = found(OF_JOURNAL, since, until, routes);
    let planned = replay.plan().routes();
    let known = planned.map(|route| route.name.to_string()).collect();
    found.notes = replay.report().notes;
    Ok((found, known))
}

fn of_whatif(route: RouteWhatif, instead: Instead) -> Foregone {
    let estimates = [route.cost, route.errors, route.first_token];
    let is_same = |found: &Estimate| found.change.value == 0.0 && found.change.high == 0.0;
    let weighs_one = route.effective >= route.requests as f64 - 0.5;
    Foregone {
        same: weighs_one && estimates.iter().flatten().all(is_same),
        route: route.route.to_string(),
        instead,
        requests: route.requests,
        left_out: route.left_out,
        effective: route.effective,
        unsupported: route.unsupported,
        refused: route.refused,
        cost: route.cost,
        failed: route.errors.map(no_surer_than_none_seen),
        first_token: route.first_token,
    }
}

/// Where nothing failed the difference has no spread, which is no proof: it may be what the other's interval allows.
fn no_surer_than_none_seen(mut found: Estimate) -> Estimate {
    let change = &mut found.change;
    if change.high <= change.low {
        change.low = change.low.min(found.other.low - found.then);
        change.high = change.high.max(found.other.high - found.then);
    }
    found
}

fn told(found: &Found) -> String {
    let moment = |seconds: f64| clock_time(Time::from_secs_f64(seconds).as_micros());
    let mut text = format!(
        "from {} to {}\nrests on {}\n",
        moment(found.since),
        moment(found.until),
        found.rests_on
    );
    text.extend(found.notes.iter().map(|note| format!("note: {note}\n")));
    if found.routes.is_empty() {
        text.push_str(
            "\nnothing to tell: no route had requests in this time while its shares were written down; \
             that takes server.state or [controller] journal, and mode = \"shadow\" or \"auto\"\n",
        );
    }
    for route in &found.routes {
        text.push('\n');
        text.push_str(&of_route(route));
    }
    text
}

fn of_route(route: &Foregone) -> String {
    let (was, other) = match route.instead {
        Instead::Proposed => ("in shadow mode", "IF OBEYED"),
        Instead::Configured => ("obeyed", "AT CONFIGURED WEIGHTS"),
    };
    let left_out = match route.left_out {
        0 => String::new(),
        n => format!("; {n} left out"),
    };
    let alike = match route.instead {
        Instead::Proposed => {
            "the same if obeyed, since its shares would have been the configured ones"
        }
        Instead::Configured => {
            "the same at configured weights, since its shares were these all the time"
        }
    };
    if route.same {
        return format!(
            "{}: {was}, {} requests{left_out}: {alike}\n",
            route.route, route.requests
        );
    }
    let mut text = format!(
        "{}: {was}, {} requests, worth {:.0} of the other shares'{left_out}\n",
        route.route, route.requests, route.effective
    );
    if !route.refused.is_empty() {
        text.push_str("no estimate:\n");
        let words = route.refused.iter();
        text.extend(words.map(|words| format!("  {words}\n")));
        return text;
    }
    let rows: [(&str, Option<Estimate>, Unit); 3] = [
        ("cost of 1,000 requests", route.cost, Unit::Dollars),
        ("failed", route.failed, Unit::Percent),
        ("first token", route.first_token, Unit::Seconds),
    ];
    let cells = rows.into_iter().filter_map(|(what, estimate, unit)| {
        let found = estimate?;
        let Interval { value, low, high } = found.change;
        Some([
            what.to_owned(),
            unit.of(found.then),
            unit.of(found.other.value),
            unit.change(value),
            format!("{} to {}", unit.change(low), unit.change(high)),
            verdict(&found).to_owned(),
        ])
    });
    let cells: Vec<[String; 6]> = cells.collect();
    let heads = [
        ("", Align::Left),
        ("AS IT WAS", Align::Right),
        (other, Align::Right),
        ("CHANGE", Align::Right),
        ("95 % INTERVAL", Align::Right),
        ("", Align::Left),
    ];
    text.push_str(&table(heads, &cells));
    text
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
