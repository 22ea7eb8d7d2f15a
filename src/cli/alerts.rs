//! `weighbridge alerts`: what a running daemon warns of.

use std::io::Write;

use super::client::AdminArgs;
use super::table::{Align, table};
use super::{Failure, Format, block_on, print_json};
use crate::admin::{AlertReport, AlertReports};
use crate::model::{Time, minute_of};

/// What `alerts` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    admin: AdminArgs,
    /// Also those that are over
    #[arg(long)]
    all: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Asks a running daemon and prints a table.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let path = if args.all {
        "/api/v1/alerts"
    } else {
        "/api/v1/alerts?open=true"
    };
    let reports: AlertReports = block_on(async { args.admin.get(path).await?.read() })?;
    match args.format {
        Format::Json => print_json(out, &reports),
        Format::Text => Ok(write!(out, "{}", rendered(&reports))?),
    }
}

fn rendered(reports: &AlertReports) -> String {
    let undelivered = match reports.undelivered {
        0 => String::new(),
        lost => format!("{lost} messages to webhooks could not be delivered; the log says why\n"),
    };
    if reports.alerts.is_empty() {
        return format!("no alerts\n{undelivered}");
    }
    let heads = [
        ("ALERT", Align::Left),
        ("ABOUT", Align::Left),
        ("SINCE", Align::Left),
        ("OVER", Align::Left),
        ("WHAT", Align::Left),
    ];
    let rows: Vec<[String; 5]> = reports.alerts.iter().map(row).collect();
    format!("{}{undelivered}", table(heads, &rows))
}

fn row(alert: &AlertReport) -> [String; 5] {
    let when = |at: f64| minute_of(Time::from_secs_f64(at));
    [
        alert.kind.clone(),
        alert.subject.clone(),
        when(alert.since),
        alert.resolved.map_or_else(|| "open".to_owned(), when),
        alert.message.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_a_line() {
        let mut reports = AlertReports {
            alerts: vec![AlertReport {
                id: "ejected:a/m@1".to_owned(),
                kind: "ejected".to_owned(),
                subject: "a/m".to_owned(),
                since: 1_796_081_400.0,
                resolved: None,
                message: "a/m takes no traffic".to_owned(),
            }],
            undelivered: 2,
        };
        let expected = "\
ALERT    ABOUT  SINCE                 OVER  WHAT
ejected  a/m    2026-11-30 23:30 UTC  open  a/m takes no traffic
2 messages to webhooks could not be delivered; the log says why
";
        assert_eq!(rendered(&reports), expected);
        reports.alerts.clear();
        reports.undelivered = 0;
        assert_eq!(rendered(&reports), "no alerts\n");
    }
}
