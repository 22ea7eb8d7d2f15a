//! `weighbridge fleet`: the replicas that decide as one, as one of them sees them.

use std::io::Write;

use super::client::AdminArgs;
use super::table::{Align, columns};
use super::{Failure, Format, block_on, print_json};
use crate::admin::{FleetReport, Gone, ReplicaReport, SameName};
use crate::model::{Time, minute_of};

/// What `fleet` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Asks a running daemon and prints a table.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let report: FleetReport = block_on(async { args.admin.get("/api/v1/fleet").await?.read() })?;
    match args.format {
        Format::Json => print_json(out, &report),
        Format::Text => Ok(write!(out, "{}", rendered(&report))?),
    }
}

fn rendered(report: &FleetReport) -> String {
    let since = report.since.map(|at| minute_of(Time::from_secs_f64(at)));
    let since = since.unwrap_or_default();
    let head = match (report.state.as_str(), &report.why) {
        ("alone", _) => {
            return "this replica is alone: its configuration has no [cluster]\n".to_owned();
        }
        ("joined", _) => format!("decides with the others since {since}"),
        (_, why) => format!(
            "OUT OF REACH of the others since {since}, goes on by itself: {}",
            why.as_deref().unwrap_or("the log says why")
        ),
    };
    let heads = [
        ("REPLICA", Align::Left),
        ("STATE", Align::Left),
        ("VERSION", Align::Left),
        ("LAG", Align::Right),
        ("IN FLIGHT", Align::Right),
        ("BELIEVED", Align::Right),
        ("NOTES", Align::Left),
    ];
    let rows: Vec<[String; 7]> = report.replicas.iter().map(row).collect();
    let rounds = format!(
        "{} exchanges went well, {} failed",
        report.exchanges, report.exchange_failures
    );
    let shares = shares(report);
    let note = report.same_name.as_ref().map(note).unwrap_or_default();
    format!("{head}\n{note}{}{rounds}\n{shares}", columns(&heads, &rows))
}

/// That another process has this replica's name.
pub(super) fn note(same: &SameName) -> String {
    format!("NOTE: {}\n", same.message)
}

fn row(replica: &ReplicaReport) -> [String; 7] {
    let away = replica.last_seen_seconds_ago;
    let state = match (replica.is_self, replica.gone) {
        (true, _) => "this one".to_owned(),
        (false, None) if replica.live => "live".to_owned(),
        (false, Some(Gone::Left)) => format!("left {away:.0} s ago"),
        // A daemon of before does not say why.
        (false, Some(Gone::Silent) | None) => format!("gone {away:.0} s"),
    };
    let mut notes = Vec::new();
    if !replica.same_configuration {
        notes.push("other routes".to_owned());
    }
    if !replica.same_orders {
        notes.push("other orders".to_owned());
    }
    if !replica.ejected.is_empty() {
        notes.push(format!("ejected: {}", replica.ejected.join(", ")));
    }
    let believed = replica
        .believed
        .map(|part| format!("{:.0} %", part * 100.0));
    [
        replica.name.clone(),
        state,
        replica.version.clone(),
        format!("{:.1} s", replica.lag_seconds),
        replica.in_flight.to_string(),
        believed.unwrap_or_else(|| "-".to_owned()),
        notes.join("; "),
    ]
}

/// The shares of each route that the live replicas have in force.
fn shares(report: &FleetReport) -> String {
    let live: Vec<&ReplicaReport> = report.replicas.iter().filter(|it| it.live).collect();
    let Some(first) = live.first() else {
        return String::new();
    };
    let mut heads = vec![("ROUTE", Align::Left), ("TARGET", Align::Left)];
    heads.extend(live.iter().map(|it| (it.name.as_str(), Align::Right)));
    let rows = first.shares.iter().flat_map(|(route, targets)| {
        targets.keys().map(|target| {
            let mut cells = vec![route.clone(), target.clone()];
            cells.extend(live.iter().map(|replica| {
                let share = replica.shares.get(route).and_then(|it| it.get(target));
                share.map_or_else(|| "-".to_owned(), |it| format!("{:.1} %", it * 100.0))
            }));
            cells
        })
    });
    let rows: Vec<Vec<String>> = rows.collect();
    format!("\n{}", columns(&heads, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(name: &str) -> ReplicaReport {
        ReplicaReport {
            name: name.to_owned(),
            is_self: name == "a",
            live: true,
            gone: None,
            version: "0.1.0".to_owned(),
            started_at: 0.0,
            last_seen_seconds_ago: 0.4,
            lag_seconds: 0.6,
            same_configuration: true,
            same_orders: true,
            in_flight: 2,
            evidence: 90,
            believed: (name != "a").then_some(0.9),
            ejected: Vec::new(),
            shares: [(
                "chat".to_owned(),
                [("fast".to_owned(), 0.75), ("slow".to_owned(), 0.25)].into(),
            )]
            .into(),
        }
    }

    #[test]
    fn a_fleet_is_a_line_for_each_and_a_column_of_shares() {
        let gone = ReplicaReport {
            live: false,
            gone: Some(Gone::Silent),
            last_seen_seconds_ago: 31.0,
            same_configuration: false,
            same_orders: false,
            ejected: vec!["p/m".to_owned()],
            ..replica("c")
        };
        let left = ReplicaReport {
            live: false,
            gone: Some(Gone::Left),
            last_seen_seconds_ago: 4.0,
            ..replica("d")
        };
        let mut report = FleetReport {
            state: "joined".to_owned(),
            since: Some(1_796_081_400.0),
            why: None,
            namespace: Some("n".to_owned()),
            same_name: None,
            exchanges: 7,
            exchange_failures: 1,
            replicas: vec![replica("a"), replica("b"), gone, left],
        };
        let expected = "\
decides with the others since 2026-11-30 23:30 UTC
REPLICA  STATE         VERSION    LAG  IN FLIGHT  BELIEVED  NOTES
a        this one      0.1.0    0.6 s          2         -
b        live          0.1.0    0.6 s          2      90 %
c        gone 31 s     0.1.0    0.6 s          2      90 %  other routes; other orders; ejected: p/m
d        left 4 s ago  0.1.0    0.6 s          2      90 %
7 exchanges went well, 1 failed

ROUTE  TARGET       a       b
chat   fast    75.0 %  75.0 %
chat   slow    25.0 %  25.0 %
";
        assert_eq!(rendered(&report), expected);
        report.same_name = Some(SameName {
            started_at: 0.0,
            since: 1.0,
            message: "another process calls itself so".to_owned(),
        });
        let head = "decides with the others since 2026-11-30 23:30 UTC\nNOTE: another process calls itself so\nREPLICA";
        assert!(rendered(&report).starts_with(head));
        report.state = "degraded".to_owned();
        report.why = Some("it did not answer".to_owned());
        assert!(rendered(&report).starts_with("OUT OF REACH of the others since 2026-11-30 23:30"));
        report.state = "alone".to_owned();
        assert!(rendered(&report).contains("no [cluster]"));
    }
}
