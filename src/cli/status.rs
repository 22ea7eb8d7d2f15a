//! `weighbridge status`: all routes of a running daemon at a glance.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use serde_json::json;

use super::budgets;
use super::client::AdminArgs;
use super::table::{Align, columns};
use super::{Failure, Format, block_on, print_json};
use crate::admin::{Reports, RouteReport, TargetReport};
use crate::balance::{Rail, State};
use crate::config::Standing;

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

/// Where the shares of routes in shadow mode stand: before those that are in force.
const IF_OBEYED: usize = 4;

fn rendered(reports: &Reports) -> String {
    let targets = || reports.routes.iter().flat_map(|route| &route.targets);
    let is_shadow = targets().any(|target| target.view.if_obeyed.is_some());
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
    let mut rows: Vec<Vec<String>> = reports
        .routes
        .iter()
        .flat_map(|route| route.targets.iter().map(move |target| row(route, target)))
        .collect();
    if is_shadow {
        heads.insert(IF_OBEYED, ("IF OBEYED", Align::Right));
        for (row, target) in rows.iter_mut().zip(targets()) {
            let share = target.view.if_obeyed.map_or_else(unknown, percent);
            row.insert(IF_OBEYED, share);
        }
    }
    let mut orders: Vec<&Standing> = Vec::new();
    for order in reports.routes.iter().flat_map(|route| &route.orders) {
        if !orders.iter().any(|known| known.order.id == order.order.id) {
            orders.push(order);
        }
    }
    let orders: String = orders.into_iter().map(told).collect();
    let switch = if reports.switch_off {
        "the kill switch is off: configured shares, nothing guarded; `weighbridge on` ends that\n"
    } else {
        ""
    };
    format!(
        "{}{orders}{switch}configuration {}, decided {:.1} s ago; ACTUAL, TTFT and FAILED count from the start\n{}",
        columns(&heads, &rows),
        reports.config_generation,
        reports.decided_seconds_ago,
        budgets::rendered(&reports.budgets)
    )
}

/// An order in a line.
fn told(standing: &Standing) -> String {
    let Standing {
        order, sentence, ..
    } = standing;
    let (id, by, until, reason) = (&order.id, &order.by, order.ends(), &order.reason);
    format!("order {id}: {sentence}, by {by} until {until}: {reason}\n")
}

fn row(route: &RouteReport, target: &TargetReport) -> Vec<String> {
    let [p50, p95] = match target.first_token_ms {
        Some([p50, p95, _]) => [format!("{p50:.0}"), format!("{p95:.0}")],
        None => [unknown(), unknown()],
    };
    let price = target.usd_per_1k_tokens;
    let view = &target.view;
    vec![
        route.route.to_string(),
        view.name.to_string(),
        view.upstream.to_string(),
        percent(view.configured),
        percent(view.granted),
        view.actual.map_or_else(unknown, percent),
        state(target),
        p50,
        p95,
        format!("{}/{}", target.failed, target.calls),
        price.map_or_else(unknown, |usd| format!("{usd:.4}")),
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

/// Stands where nothing was measured.
fn unknown() -> String {
    "-".to_owned()
}

fn percent(fraction: f64) -> String {
    format!("{:.1} %", fraction * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(faults: f64, cached: Option<f64>) -> serde_json::Value {
        let evidence = crate::balance::Evidence {
            faults,
            cached,
            ..crate::balance::Evidence::default()
        };
        serde_json::to_value(evidence).unwrap()
    }

    #[test]
    fn a_route_is_a_line_a_target() {
        let reports: Reports = serde_json::from_value(serde_json::json!({
            "config_generation": 3,
            "decided_seconds_ago": 0.12,
            "routes": [{
                "route": "chat", "strategy": "adaptive", "mode": "auto", "table_version": 9,
                "demand": 4.0, "explanation": [],
                "targets": [
                    {
                        "name": "fast", "use": "sim/large", "configured": 0.5, "proposed": 0.6,
                        "granted": 0.55, "actual": 0.5312, "samples": 400, "confidence": 1.0,
                        "state": "serving", "terms": {"latency": 1.0, "cost": 0.4, "error": 0.0},
                        "rails": ["step"], "sentence": "fast: …", "evidence": evidence(0.0021, Some(0.4375)),
                        "usd_per_1k_tokens": 0.01, "spent_usd": 0.24, "calls": 480, "failed": 1,
                        "first_token_ms": [251.0, 410.4, 520.0], "total_ms": null, "in_flight": 2
                    },
                    {
                        "name": "new", "use": "sim/next", "configured": 0.5, "proposed": 0.4,
                        "granted": 0.45, "actual": null, "samples": 0, "confidence": 0.0,
                        "state": "returning", "terms": {"latency": 1.0, "cost": 0.4, "error": 0.0},
                        "rails": ["cold_start"], "sentence": "new: …", "evidence": evidence(0.003, None),
                        "usd_per_1k_tokens": null, "spent_usd": 0.0, "calls": 0, "failed": 0,
                        "first_token_ms": null, "total_ms": null, "in_flight": 0
                    }
                ]
            }]
        }))
        .unwrap();
        let expected = "\
ROUTE  TARGET  USES       CONFIGURED  GRANTED  ACTUAL  STATE      TTFT P50 MS  TTFT P95 MS  FAILED  $/1K TOKENS  CACHED
chat   fast    sim/large      50.0 %   55.0 %  53.1 %  serving            251          410   1/480       0.0100  43.8 %
chat   new     sim/next       50.0 %   45.0 %       -  returning            -            -     0/0            -       -
configuration 3, decided 0.1 s ago; ACTUAL, TTFT and FAILED count from the start
";
        assert_eq!(rendered(&reports), expected);
    }

    #[test]
    fn a_share_of_an_ejected_target_is_told_from_one_that_is_served() {
        for (rails, granted, said) in [
            (vec!["ejected"], 0.0, "ejected"),
            (vec!["ejected"], 0.5, "ejected (shut)"),
            (vec!["held_outage"], 0.5, "ejected (as all are)"),
            (vec!["ejected", "shadow"], 0.5, "ejected (not obeyed)"),
        ] {
            let target = target("ejected", granted, &rails, None);
            assert_eq!(state(&target), said);
        }
    }

    /// A target that takes `granted`.
    fn target(state: &str, granted: f64, rails: &[&str], spent_until: Option<f64>) -> TargetReport {
        serde_json::from_value(serde_json::json!({
            "name": "a", "use": "sim/large", "configured": 0.5, "proposed": 0.5,
            "granted": granted, "actual": null, "samples": 0, "confidence": 0.0,
            "state": state, "terms": {"latency": 1.0, "cost": 0.4, "error": 0.0},
            "rails": rails, "sentence": "a: …", "evidence": evidence(1.0, None),
            "usd_per_1k_tokens": null, "spent_usd": 0.0, "calls": 0, "failed": 0,
            "first_token_ms": null, "total_ms": null, "in_flight": 0,
            "spent_until": spent_until
        }))
        .unwrap()
    }

    #[test]
    fn a_target_that_a_spent_budget_keeps_away_does_not_serve() {
        for (word, said) in [
            ("serving", "budget spent"),
            ("returning", "budget spent"),
            ("ejected", "ejected (shut)"),
            ("drained", "drained"),
        ] {
            let target = target(word, 0.5, &[], Some(1_796_083_200.0));
            assert_eq!(state(&target), said);
        }
    }

    #[test]
    fn a_route_in_shadow_shows_the_shares_that_it_would_have() {
        let mut shown = target("serving", 0.5, &["shadow"], None);
        shown.view.if_obeyed = Some(1.0);
        let obeyed = target("serving", 0.5, &[], None);
        let mut reports: Reports = serde_json::from_value(serde_json::json!({
            "config_generation": 3, "decided_seconds_ago": 0.1,
            "routes": [{
                "route": "chat", "strategy": "adaptive", "mode": "shadow", "table_version": 9,
                "demand": 4.0, "explanation": [], "targets": []
            }]
        }))
        .unwrap();
        reports.routes[0].targets = vec![shown, obeyed];
        let text = rendered(&reports);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].contains("CONFIGURED  IF OBEYED  GRANTED"),
            "{text}"
        );
        assert!(lines[1].contains("50.0 %    100.0 %   50.0 %"), "{text}");
        assert!(lines[2].contains("50.0 %          -   50.0 %"), "{text}");
        reports.routes[0].targets.remove(0);
        assert!(
            !rendered(&reports).contains("IF OBEYED"),
            "nobody is in shadow"
        );
    }
}
