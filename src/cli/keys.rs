//! `weighbridge keys`: makes keys of clients, revokes them, and lists those that a running daemon takes.

use std::io::Write;

use serde::Deserialize;

use super::budgets::dollars;
use super::client::{AdminArgs, Common, encoded};
use super::keys_new;
use super::table::{Align, table};
use super::{Failure, Format, block_on, print_json};
use crate::admin::{
    BudgetReport, Change, KeyReport, KeyReports, KeyStanding, MadeKey, SecretReport,
};
use crate::config::{Rotation, grace};
use crate::model::{Time, minute_of};

/// What `keys` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Makes a key, shows it once, and prints what to write into the configuration; with --save a running daemon keeps it.
    New(Box<keys_new::Args>),
    /// Lists the keys that a running daemon takes, without the keys.
    List {
        #[command(flatten)]
        admin: AdminArgs,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Has a running daemon give a key a new secret; the one before is accepted beside it until the grace ends.
    Rotate(Rotate),
    /// Has a running daemon refuse a key from now on, also one of the files.
    Revoke(Revoke),
    /// Has a running daemon accept a key again that was revoked.
    Restore(Restore),
}

/// What `keys rotate` is told.
#[derive(Clone, Debug, clap::Args)]
struct Rotate {
    /// The key's name
    name: String,
    /// For how long the secret before is accepted beside the new one, such as 24h; 0s ends it at once
    #[arg(long, value_name = "TIME", value_parser = grace, default_value = "24h")]
    grace: u64,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What `keys revoke` is told.
#[derive(Clone, Debug, clap::Args)]
struct Revoke {
    /// The key's name
    name: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What `keys restore` is told.
#[derive(Clone, Debug, clap::Args)]
struct Restore {
    /// The key's name
    name: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    common: Common,
}

/// Does what is asked.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    match &args.action {
        Action::New(args) => keys_new::run(args, out),
        Action::List { admin, format } => list(admin, *format, out),
        Action::Rotate(args) => rotate(args, out),
        Action::Revoke(args) => revoke(args, out),
        Action::Restore(args) => restore(args, out),
    }
}

fn rotate(args: &Rotate, out: &mut dyn Write) -> Result<(), Failure> {
    let rotation = Rotation {
        seconds: Some(args.grace),
        reason: args.reason.clone(),
        by: Some(args.common.who.by.clone()),
    };
    let path = format!("/api/v1/keys/{}", encoded(&args.name));
    let admin = &args.common.admin;
    let made: MadeKey = block_on(async { admin.post_json(&path, &rotation).await?.read() })?;
    if args.common.format == Format::Json {
        return print_json(out, &made);
    }
    let name = &made.report.name;
    writeln!(
        out,
        "the new key of {name}, which is shown only here: {}\nit is accepted from now on",
        made.key
    )?;
    match made.report.before.first() {
        Some(before) if before.state == "accepted" => {
            writeln!(
                out,
                "the one before is accepted until {}",
                moment(before.until)
            )?;
        }
        Some(_) | None => writeln!(out, "the one before is refused from now on")?,
    }
    if let (Some(message), Some(hash)) = (&made.message, &made.hash) {
        writeln!(out, "{message}:\nhash = \"{hash}\"")?;
    }
    if let Some(others) = &made.others {
        writeln!(out, "{others}")?;
    }
    Ok(())
}

/// A moment in seconds since 1970, as people read it.
fn moment(seconds: u64) -> String {
    minute_of(Time::from_micros(seconds.saturating_mul(1_000_000)))
}

fn revoke(args: &Revoke, out: &mut dyn Write) -> Result<(), Failure> {
    let reason = args.reason.as_deref();
    let reason = reason.map_or_else(String::new, |it| format!("&reason={}", encoded(it)));
    let (name, by) = (encoded(&args.name), encoded(&args.common.who.by));
    let path = format!("/api/v1/keys/{name}?by={by}{reason}");
    let standing = block_on(async { args.common.admin.delete(&path).await?.read() })?;
    args.common.told(&standing, out)
}

fn restore(args: &Restore, out: &mut dyn Write) -> Result<(), Failure> {
    let change = Change {
        revoked: false,
        reason: args.reason.clone(),
        by: Some(args.common.who.by.clone()),
    };
    let path = format!("/api/v1/keys/{}", encoded(&args.name));
    let changed = async { args.common.admin.patch_json(&path, &change).await?.read() };
    args.common.told(&block_on(changed)?, out)
}

impl Common {
    fn told(&self, standing: &KeyStanding, out: &mut dyn Write) -> Result<(), Failure> {
        if self.format == Format::Json {
            return print_json(out, standing);
        }
        let name = &standing.name;
        match &standing.revoked {
            Some(deed) => writeln!(out, "{name} is revoked, by {}: {}", deed.by, deed.reason)?,
            None => writeln!(out, "{name} is accepted again")?,
        }
        if let Some(message) = &standing.message {
            writeln!(out, "{message}")?;
        }
        Ok(())
    }
}

/// What is read of the answer about budgets.
#[derive(Deserialize)]
struct Budgets {
    budgets: Vec<BudgetReport>,
}

fn list(admin: &AdminArgs, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    let reports: KeyReports = block_on(async { admin.get("/api/v1/keys").await?.read() })?;
    if format == Format::Json {
        return print_json(out, &reports);
    }
    if let Some(message) = &reports.message {
        writeln!(out, "{message}")?;
    }
    if reports.keys.is_empty() {
        let asked = if reports.asked_for {
            "one is asked for, so nobody gets in"
        } else {
            "none is asked for"
        };
        return Ok(writeln!(out, "there are no keys, and {asked}")?);
    }
    let Budgets { budgets } = block_on(async { admin.get("/api/v1/budgets").await?.read() })?;
    let heads = [
        ("KEY", Align::Left),
        ("FROM", Align::Left),
        ("ROUTES", Align::Left),
        ("REQUESTS/MIN", Align::Right),
        ("TOKENS/MIN", Align::Right),
        ("SPENT OF BUDGET", Align::Left),
        ("EXPIRES", Align::Left),
        ("LAST USED", Align::Left),
        ("STATE", Align::Left),
    ];
    let rows: Vec<[String; 9]> = reports
        .keys
        .iter()
        .flat_map(|key| rows(key, &budgets))
        .collect();
    Ok(write!(out, "{}", table(heads, &rows))?)
}

/// A key, and below it the secrets that it had before.
fn rows(key: &KeyReport, budgets: &[BudgetReport]) -> Vec<[String; 9]> {
    let mut rows = vec![row(key, budgets)];
    rows.extend(key.before.iter().map(|secret| before(&key.name, secret)));
    rows
}

fn before(name: &str, secret: &SecretReport) -> [String; 9] {
    let none = || "-".to_owned();
    let minute = |at: f64| minute_of(Time::from_secs_f64(at));
    let state = match secret.last_refused {
        Some(at) => format!("{}; last refused {}", secret.state, minute(at)),
        None => secret.state.clone(),
    };
    [
        format!("{name} (before)"),
        secret
            .since
            .map_or_else(none, |since| format!("made {}", moment(since))),
        none(),
        none(),
        none(),
        none(),
        moment(secret.until),
        secret.last_used.map_or_else(none, minute),
        state,
    ]
}

/// What a key's requests have cost of what they may, by window.
fn budget(name: &str, budgets: &[BudgetReport]) -> String {
    let of = budgets.iter();
    let of = of.filter(|budget| budget.scope == "key" && budget.subject == name);
    let windows = of.map(|budget| {
        let (spent, limit) = (dollars(budget.spent_usd), dollars(budget.limit_usd));
        format!("{spent} of {limit} this {}", budget.window)
    });
    let windows: Vec<String> = windows.collect();
    if windows.is_empty() {
        "-".to_owned()
    } else {
        windows.join(", ")
    }
}

fn row(key: &KeyReport, budgets: &[BudgetReport]) -> [String; 9] {
    let none = || "-".to_owned();
    let number = |number: Option<u32>| number.map_or_else(none, |it| it.to_string());
    let state = match &key.revoked {
        Some(deed) => format!("{} by {}: {}", key.state, deed.by, deed.reason),
        None => key.state.clone(),
    };
    let used = key.last_used.map(|at| minute_of(Time::from_secs_f64(at)));
    [
        key.name.clone(),
        key.place.clone().unwrap_or_else(|| key.from.clone()),
        key.routes.as_ref().map_or_else(none, |it| it.join(", ")),
        number(key.requests_per_minute),
        number(key.tokens_per_minute),
        budget(&key.name, budgets),
        key.expires.clone().unwrap_or_else(none),
        used.unwrap_or_else(none),
        state,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_listed_with_what_is_left_of_each_of_its_budgets() {
        let window = |subject: &str, window: &str, spent| BudgetReport {
            name: String::new(),
            scope: "key".to_owned(),
            subject: subject.to_owned(),
            window: window.to_owned(),
            limit_usd: 10.0,
            spent_usd: spent,
            left_usd: 0.0,
            began_at: 0.0,
            resets_at: 0.0,
            alert_at: Vec::new(),
            at_cap: "refuse".to_owned(),
            state: "open".to_owned(),
        };
        let budgets = [
            window("app", "day", 2.5),
            window("other", "day", 1.0),
            window("app", "month", 10.25),
        ];
        let of = |name: &str| budget(name, &budgets);
        assert_eq!(
            of("app"),
            "$2.50 of $10.00 this day, $10.25 of $10.00 this month"
        );
        assert_eq!(of("nobody"), "-");
    }
}
