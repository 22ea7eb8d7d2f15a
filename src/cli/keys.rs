//! `weighbridge keys`: makes keys of clients, and lists those that a running daemon takes.

use std::io::Write;

use serde_json::{Value, json};

use super::client::AdminArgs;
use super::table::{Align, table};
use super::{Failure, Format, block_on, print_json};
use crate::live::key_digest;

/// What `keys` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Makes a key, shows it once, and prints what to write into the configuration. Starts nothing and asks nobody.
    New {
        /// Its name, in the books and in lists
        name: String,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Lists the keys that a running daemon takes, without the keys.
    List {
        #[command(flatten)]
        admin: AdminArgs,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Does what is asked.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    match &args.action {
        Action::New { name, format } => new(name, *format, out),
        Action::List { admin, format } => list(admin, *format, out),
    }
}

/// Random bytes of a key: as many as its digest has.
const BYTES: usize = 32;

fn new(name: &str, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    if !crate::config::is_word(name) || name.contains(['"', '\\']) {
        let message = "expected a name of at most 100 visible ASCII characters without quotes";
        return Err(Failure::Told(message.to_owned()));
    }
    let mut bytes = [0_u8; BYTES];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Failure::Told("this machine gives no random bytes".to_owned()))?;
    let key = format!("wb-{}", hexadecimal(&bytes));
    let hash = format!("sha256:{}", hexadecimal(&key_digest(key.as_bytes())));
    match format {
        Format::Json => print_json(out, &json!({ "name": name, "key": key, "hash": hash })),
        Format::Text => Ok(write!(
            out,
            "the key, which is shown only here: {key}\n\nwrite into the environment's file:\n\n\
             [keys.\"{name}\"]\nhash = \"{hash}\"\n"
        )?),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    pairs.map(digit).collect()
}

fn list(admin: &AdminArgs, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    let keys: Value = block_on(async { admin.get("/api/v1/keys").await?.read() })?;
    if format == Format::Json {
        return print_json(out, &keys);
    }
    let heads = [
        ("KEY", Align::Left),
        ("ROUTES", Align::Left),
        ("REQUESTS/MIN", Align::Right),
        ("TOKENS/MIN", Align::Right),
        ("EXPIRES", Align::Left),
        ("STATE", Align::Left),
    ];
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            items.join(", ")
        }
        other => other.to_string(),
    };
    let columns = [
        "name",
        "routes",
        "requests_per_minute",
        "tokens_per_minute",
        "expires",
        "state",
    ];
    let row = |key: &Value| columns.map(|column| text(&key[column]));
    let rows: Vec<[String; 6]> = keys["keys"]
        .as_array()
        .into_iter()
        .flatten()
        .map(row)
        .collect();
    Ok(write!(out, "{}", table(heads, &rows))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_told_by_the_hash_that_is_printed() {
        let made = |name: &str| {
            let mut out = Vec::new();
            new(name, Format::Json, &mut out).unwrap();
            serde_json::from_slice::<Value>(&out).unwrap()
        };
        let (one, other) = (made("app"), made("app"));
        assert_ne!(one["key"], other["key"]);
        let key = one["key"].as_str().unwrap();
        assert_eq!(key.len(), 3 + 2 * BYTES);
        let hash = format!("sha256:{}", hexadecimal(&key_digest(key.as_bytes())));
        assert_eq!(one["hash"], hash);
        assert!(new("a b", Format::Text, &mut Vec::new()).is_err());
    }

    #[test]
    fn the_digest_is_that_of_the_standard() {
        // FIPS 180-4's example "abc".
        let digest = hexadecimal(&key_digest(b"abc"));
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest, expected);
    }
}
