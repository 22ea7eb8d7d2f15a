//! `weighbridge keys`: makes keys of clients, revokes them, and lists those that a running daemon takes.

use std::io::Write;

use super::client::{AdminArgs, Who};
use super::keys_new;
use super::table::{Align, table};
use super::{Failure, Format, block_on, print_json};
use crate::admin::{Change, KeyReport, KeyReports, KeyStanding};
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
    /// Has a running daemon refuse a key from now on, also one of the files.
    Revoke(Revoke),
    /// Has a running daemon accept a key again that was revoked.
    Restore(Restore),
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

#[derive(Clone, Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Does what is asked.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    match &args.action {
        Action::New(args) => keys_new::run(args, out),
        Action::List { admin, format } => list(admin, *format, out),
        Action::Revoke(args) => revoke(args, out),
        Action::Restore(args) => restore(args, out),
    }
}

/// A part of an address.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
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
    let heads = [
        ("KEY", Align::Left),
        ("FROM", Align::Left),
        ("ROUTES", Align::Left),
        ("REQUESTS/MIN", Align::Right),
        ("TOKENS/MIN", Align::Right),
        ("EXPIRES", Align::Left),
        ("LAST USED", Align::Left),
        ("STATE", Align::Left),
    ];
    let rows: Vec<[String; 8]> = reports.keys.iter().map(row).collect();
    Ok(write!(out, "{}", table(heads, &rows))?)
}

fn row(key: &KeyReport) -> [String; 8] {
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
        key.expires.clone().unwrap_or_else(none),
        used.unwrap_or_else(none),
        state,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_an_address_whatever_is_in_it() {
        assert_eq!(encoded("team-a_1.b"), "team-a_1.b");
        assert_eq!(encoded("a/b?c d%"), "a%2Fb%3Fc%20d%25");
    }
}
