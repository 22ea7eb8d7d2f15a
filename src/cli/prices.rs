//! `weighbridge prices`: what models cost here, what is published, and how to take newer prices over.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::source::SourceArgs;
use super::table::{Align, table};
use super::{Failure, Format, print_json};
use crate::catalogue::{self, Entry};
use crate::config::{Config, Provider};
use crate::files;
use crate::identity::Identity;
use crate::model::{Price, UpstreamName, counted};

mod compare;
pub(super) mod money;
mod refresh;

/// What `prices` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// Lists what the models of an environment cost, or with --all everything that is published
    List(ListArgs),
    /// Compares the prices that are written down with the published ones
    Compare(compare::Args),
    /// Reads newer prices and writes those of the environment's models as a `[prices]` table
    Refresh(refresh::Args),
}

#[derive(Clone, Debug, clap::Args)]
struct ListArgs {
    /// The environment: NAME.toml is laid over base.toml
    #[arg(
        long,
        value_name = "NAME",
        env = "WEIGHBRIDGE_ENV",
        required_unless_present = "all"
    )]
    env: Option<String>,
    /// The folder with the configuration files
    #[arg(long, value_name = "DIR", default_value = "config")]
    config: PathBuf,
    /// Everything that is published, by kind of provider, whatever the environment
    #[arg(long)]
    all: bool,
    /// Only of this provider, or with --all of this kind
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Only models with this text in their name
    #[arg(long, value_name = "TEXT")]
    model: Option<String>,
    /// How the result is printed; json has pico-dollars a token, which are micro-dollars a million tokens
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a model costs, and who says so.
#[derive(Debug, Serialize)]
struct Row {
    /// `provider/model`, or `kind/model`.
    name: String,
    /// What is counted; `None` where nobody says.
    price: Option<Price>,
    /// The same without the provider's discount.
    list: Option<Price>,
    /// `configuration`, `catalogue` or `none`.
    from: &'static str,
    /// The day on which it was looked up.
    date: Option<String>,
    /// Where.
    source: Option<String>,
    /// Whether another source says otherwise.
    disputed: bool,
    /// Most tokens of a prompt and of an answer, as published.
    context: Option<u64>,
    max_output: Option<u64>,
    /// What the model can do, as published.
    capabilities: Option<catalogue::Capabilities>,
}

/// Runs one of the subcommands.
pub(super) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), Failure> {
    match &args.what {
        What::List(args) => list(args, out),
        What::Compare(args) => compare::run(args, out),
        What::Refresh(args) => refresh::run(args, out, err),
    }
}

/// The checked environment; its problems are told in one sentence.
fn environment(source: &SourceArgs) -> Result<Config, Failure> {
    let compiled =
        files::compile(&source.config, &source.env, Identity::check).map_err(|problems| {
            let first = problems.first().map(ToString::to_string);
            let count = counted(problems.len(), "problem");
            Failure::Told(format!(
                "the environment {} has {count}, the first: {}; `weighbridge check` says them all",
                source.env,
                first.unwrap_or_default()
            ))
        })?;
    Ok(compiled.config)
}

/// All models that the environment names, with their providers: in routes and in `[prices]`.
fn named(config: &Config) -> Vec<(&UpstreamName, &Provider)> {
    let mut names: Vec<&UpstreamName> = config.upstreams.keys().collect();
    names.extend(config.prices.keys());
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| Some((name, &**config.providers.get(name.provider())?)))
        .collect()
}

/// What is published about a model of this provider.
fn published(provider: &Provider, model: &str) -> Option<&'static Entry> {
    catalogue::find(provider.catalogue()?, model)
}

fn list(args: &ListArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let provider = |name: &str| args.provider.as_deref().is_none_or(|only| only == name);
    let model = |name: &str| args.model.as_deref().is_none_or(|part| name.contains(part));
    let rows: Vec<Row> = if args.all {
        let all = catalogue::entries().iter();
        all.filter(|entry| provider(entry.kind) && model(&entry.model))
            .map(of_catalogue)
            .collect()
    } else {
        let config = environment(&SourceArgs {
            env: args.env.clone().unwrap_or_default(),
            config: args.config.clone(),
        })?;
        let named = named(&config).into_iter();
        named
            .filter(|(name, _)| provider(name.provider().as_str()) && model(name.model()))
            .map(|(name, provider)| of_environment(&config, name, provider))
            .collect()
    };
    match args.format {
        Format::Json => print_json(out, &rows),
        Format::Text => Ok(write!(out, "{}", text(&rows))?),
    }
}

fn of_catalogue(entry: &Entry) -> Row {
    Row {
        name: format!("{}/{}", entry.kind, entry.model),
        price: entry.price,
        list: entry.price,
        from: "catalogue",
        date: Some(entry.date.to_string()),
        source: Some(source(entry)),
        disputed: entry.disputed,
        context: entry.context,
        max_output: entry.max_output,
        capabilities: Some(entry.capabilities),
    }
}

fn of_environment(config: &Config, name: &UpstreamName, provider: &Provider) -> Row {
    let entry = published(provider, name.model());
    let row = match (config.prices.get(name), entry) {
        (Some(written), _) => Row {
            price: Some(written.net),
            list: Some(written.list),
            from: "configuration",
            date: written.date.clone(),
            source: written.source.clone(),
            disputed: false,
            ..entry.map_or_else(unknown, of_catalogue)
        },
        (None, Some(entry)) => Row {
            price: config.price(name, provider),
            ..of_catalogue(entry)
        },
        (None, None) => unknown(),
    };
    Row {
        name: name.to_string(),
        ..row
    }
}

fn unknown() -> Row {
    Row {
        name: String::new(),
        price: None,
        list: None,
        from: "none",
        date: None,
        source: None,
        disputed: false,
        context: None,
        max_output: None,
        capabilities: None,
    }
}

/// The sources of an entry, and the page that they name.
fn source(entry: &Entry) -> String {
    match &entry.page {
        Some(page) => format!("{page} ({})", entry.source),
        None => entry.source.to_string(),
    }
}

fn text(rows: &[Row]) -> String {
    let heads = [
        ("MODEL", Align::Left),
        ("INPUT", Align::Right),
        ("CACHED", Align::Right),
        ("WRITTEN", Align::Right),
        ("OUTPUT", Align::Right),
        ("FROM", Align::Left),
        ("DATE", Align::Left),
        ("REMARKS", Align::Left),
    ];
    let lines: Vec<[String; 8]> = rows
        .iter()
        .map(|row| {
            let rate = |of: fn(&Price) -> u64| {
                let rate = row.price.as_ref().map(of);
                rate.map_or_else(|| "-".to_owned(), money::a_million)
            };
            [
                row.name.clone(),
                rate(|price| price.input),
                rate(|price| price.cached_input),
                rate(|price| price.cache_write),
                rate(|price| price.output),
                row.from.to_owned(),
                row.date.clone().unwrap_or_else(|| "-".to_owned()),
                remarks(row),
            ]
        })
        .collect();
    table(heads, &lines)
}

/// What else there is to the price.
fn remarks(row: &Row) -> String {
    let Some(price) = row.price else {
        return "no price: not counted as cost".to_owned();
    };
    let mut remarks = Vec::new();
    if price.reasoning != price.output {
        remarks.push(format!("reasoning {}", money::a_million(price.reasoning)));
    }
    if price.request != 0 {
        remarks.push(format!("{} a request", money::dollars(price.request)));
    }
    for tier in price.tiers.iter() {
        let (input, output) = (money::a_million(tier.input), money::a_million(tier.output));
        remarks.push(format!("above {} tokens {input} and {output}", tier.above));
    }
    if row.list != row.price {
        remarks.push("after discount".to_owned());
    }
    if row.disputed {
        remarks.push("sources disagree".to_owned());
    }
    remarks.join(", ")
}
