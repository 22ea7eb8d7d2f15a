//! `weighbridge keys new`: a key to write into the files, or one that a running daemon keeps.

use std::io::Write;

use serde_json::json;

use super::client::{AdminArgs, Who};
use super::{Failure, Format, block_on, print_json};
use crate::admin::MadeKey;
use crate::config::{KeyBudget, KeyLimit, KeyWish, digest_text, is_word, key_life};
use crate::live::new_key;

/// What `keys new` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Its name, in the books and in lists
    name: String,
    /// Has a running daemon keep it, instead of printing what to write into the files
    #[arg(long, requires = "reason")]
    save: bool,
    #[command(flatten)]
    rights: Rights,
    /// Why it is made: shown wherever the key is
    #[arg(long, value_name = "TEXT", requires = "save")]
    reason: Option<String>,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a key that a daemon keeps may.
#[derive(Clone, Debug, clap::Args)]
struct Rights {
    /// A route that it may ask for; all if none is named
    #[arg(long = "route", value_name = "ROUTE", requires = "save")]
    routes: Vec<String>,
    /// A tag that its targets must have
    #[arg(long, value_name = "TAG", requires = "save")]
    require: Vec<String>,
    /// Requests a minute
    #[arg(long, requires = "save")]
    rpm: Option<u32>,
    /// Tokens a minute
    #[arg(long, requires = "save")]
    tpm: Option<u32>,
    /// Dollars an hour
    #[arg(long, value_name = "USD", requires = "save")]
    hour_usd: Option<f64>,
    /// Dollars a day
    #[arg(long, value_name = "USD", requires = "save")]
    day_usd: Option<f64>,
    /// Dollars a month
    #[arg(long, value_name = "USD", requires = "save")]
    month_usd: Option<f64>,
    /// What becomes of its requests when its budget is spent: alert or refuse
    #[arg(long, value_parser = at_limit, requires = "save")]
    at_limit: Option<KeyLimit>,
    /// The last day on which it is accepted, such as 2030-12-31
    #[arg(long, value_name = "DAY", requires = "save", conflicts_with = "lasts")]
    expires: Option<String>,
    /// How long it is accepted, such as 90d
    #[arg(long = "for", value_name = "TIME", value_parser = key_life, requires = "save")]
    lasts: Option<u64>,
    /// The team that its cost is put down to
    #[arg(long, requires = "save")]
    team: Option<String>,
    /// The feature of an application
    #[arg(long, requires = "save")]
    feature: Option<String>,
    /// The user of an application
    #[arg(long, requires = "save")]
    user: Option<String>,
}

fn at_limit(text: &str) -> Result<KeyLimit, String> {
    match text {
        "alert" => Ok(KeyLimit::Alert),
        "refuse" => Ok(KeyLimit::Refuse),
        _ => Err("expected alert or refuse".to_owned()),
    }
}

/// Makes a key.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    if args.save {
        saved(args, out)
    } else {
        printed(&args.name, args.format, out)
    }
}

fn printed(name: &str, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    if !is_word(name) || name.contains(['"', '\\']) {
        let message = "expected a name of at most 100 visible ASCII characters without quotes";
        return Err(Failure::Told(message.to_owned()));
    }
    let made = new_key();
    let (key, digest) =
        made.ok_or_else(|| Failure::Told("this machine gives no random bytes".to_owned()))?;
    let (key, hash) = (key.expose(), digest_text(&digest));
    match format {
        Format::Json => print_json(out, &json!({ "name": name, "key": key, "hash": hash })),
        Format::Text => Ok(write!(
            out,
            "the key, which is shown only here: {key}\n\nwrite into the environment's file:\n\n\
             [keys.\"{name}\"]\nhash = \"{hash}\"\n"
        )?),
    }
}

fn saved(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let wish = args.wish();
    let made: MadeKey =
        block_on(async { args.admin.post_json("/api/v1/keys", &wish).await?.read() })?;
    match args.format {
        Format::Json => print_json(out, &made),
        Format::Text => {
            writeln!(
                out,
                "the key, which is shown only here: {}\nit is accepted from now on; `weighbridge keys revoke {}` ends that",
                made.key, made.report.name
            )?;
            if let Some(others) = &made.others {
                writeln!(out, "{others}")?;
            }
            Ok(())
        }
    }
}

impl Args {
    fn wish(&self) -> KeyWish {
        let rights = self.rights.clone();
        let budget = KeyBudget {
            hour_usd: rights.hour_usd,
            day_usd: rights.day_usd,
            month_usd: rights.month_usd,
            alert_at: None,
            at_limit: rights.at_limit.unwrap_or_default(),
        };
        let is_limited = budget != KeyBudget::default();
        KeyWish {
            name: self.name.clone(),
            routes: (!rights.routes.is_empty()).then_some(rights.routes),
            require: rights.require,
            requests_per_minute: rights.rpm,
            tokens_per_minute: rights.tpm,
            budget: is_limited.then_some(budget),
            expires: rights.expires,
            seconds: rights.lasts,
            team: rights.team,
            feature: rights.feature,
            user: rights.user,
            reason: self.reason.clone().unwrap_or_default(),
            by: Some(self.who.by.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::live::key_digest;

    #[test]
    fn a_new_key_is_told_by_the_hash_that_is_printed() {
        let made = |name: &str| {
            let mut out = Vec::new();
            printed(name, Format::Json, &mut out).unwrap();
            serde_json::from_slice::<Value>(&out).unwrap()
        };
        let (one, other) = (made("app"), made("app"));
        assert_ne!(one["key"], other["key"]);
        let key = one["key"].as_str().unwrap();
        assert!(key.starts_with("wb-") && key.len() == 67, "256 random bits");
        assert_eq!(one["hash"], digest_text(&key_digest(key.as_bytes())));
        assert!(printed("a b", Format::Text, &mut Vec::new()).is_err());
    }

    #[test]
    fn the_digest_is_that_of_the_standard() {
        // FIPS 180-4's example "abc".
        let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest_text(&key_digest(b"abc")), expected);
    }
}
