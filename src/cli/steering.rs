//! `weighbridge steering` and `restore`: which orders hold, and their end.

use std::io::Write;

use serde::Serialize;

use super::client::{AdminArgs, Common, encoded};
use super::table::{Align, table};
use super::{Failure, Format, block_on, print_json};
use crate::admin::{Ended, Steering};
use crate::config::{Act, Order, StandingOrder};
use crate::model::{ProviderName, RouteName};

/// What `steering` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What `restore` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Restore {
    /// The order's number, or the target, provider or route that it is about
    #[arg(value_name = "ID|TARGET|ROUTE", required_unless_present = "all")]
    what: Option<String>,
    /// All orders
    #[arg(long, conflicts_with = "what")]
    all: bool,
    #[command(flatten)]
    common: Common,
}

/// Lists the orders.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let steering: Steering = block_on(args.admin.get("/api/v1/steering"))?.read()?;
    match args.format {
        Format::Json => print_json(out, &steering),
        Format::Text => Ok(write!(out, "{}", rendered(&steering))?),
    }
}

/// The orders as a table.
pub(super) fn rendered(steering: &Steering) -> String {
    let mut text = String::new();
    if let Some(thrown) = steering.switch.thrown.as_ref().filter(|it| it.off) {
        let (by, reason) = (&thrown.by, &thrown.reason);
        text = format!("the kill switch is off, by {by}: {reason}; `weighbridge on` ends that\n");
    }
    if steering.orders.is_empty() {
        return text + "no order holds\n";
    }
    let heads = ["ID", "ORDER", "BY", "UNTIL", "REASON"].map(|head| (head, Align::Left));
    let row = |it: &StandingOrder| {
        let order = &it.order;
        let sentence = match &it.idle {
            Some(why) => format!("{} (not everywhere in force: {why})", it.sentence),
            None => it.sentence.clone(),
        };
        [
            order.id.clone(),
            sentence,
            order.by.clone(),
            order.ends(),
            order.reason.clone(),
        ]
    };
    let rows: Vec<[String; 5]> = steering.orders.iter().map(row).collect();
    text += &table(heads, &rows);
    if let Some(message) = &steering.message {
        text = text + message + "\n";
    }
    text
}

#[derive(Default, Serialize)]
struct Done {
    ended: Vec<Order>,
    /// What there is to say about other replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Ends orders.
pub(super) fn restore(args: &Restore, out: &mut dyn Write) -> Result<(), Failure> {
    let Done { ended, message } = block_on(end(args))?;
    if args.common.format == Format::Json {
        return print_json(out, &Done { ended, message });
    }
    if ended.is_empty() {
        return Ok(writeln!(out, "no order holds")?);
    }
    for order in &ended {
        writeln!(out, "ended order {}: {}", order.id, order.sentence())?;
    }
    if let Some(message) = &message {
        writeln!(out, "{message}")?;
    }
    Ok(())
}

async fn end(args: &Restore) -> Result<Done, Failure> {
    let admin = &args.common.admin;
    let steering: Steering = admin.get("/api/v1/steering").await?.read()?;
    let orders = steering.orders.iter().map(|it| &it.order);
    let meant: Vec<&Order> = match &args.what {
        None => orders.collect(),
        Some(what) => orders.filter(|order| is_meant(order, what)).collect(),
    };
    if let (Some(what), true) = (&args.what, meant.is_empty()) {
        return Err(Failure::Told(format!(
            "no order is {what:?} or about it; `weighbridge steering` lists those that hold"
        )));
    }
    let by = encoded(&args.common.who.by);
    let mut all = Done::default();
    for order in meant {
        let path = format!("/api/v1/steering/{}?by={by}", order.id);
        let ended: Ended = admin.delete(&path).await?.read()?;
        all.ended.push(ended.ended);
        all.message = ended.message.or(all.message);
    }
    Ok(all)
}

/// Whether `what` is the order's number, or names what it is about.
fn is_meant(order: &Order, what: &str) -> bool {
    let target = match &order.act {
        Act::Pin { target, .. } => Some(target.as_str()),
        Act::Drain {
            target, provider, ..
        } => target
            .as_deref()
            .or_else(|| provider.as_ref().map(ProviderName::as_str)),
        Act::Freeze { .. } | Act::Strategy { .. } | Act::Mode { .. } => None,
    };
    let route = order.route().map(RouteName::as_str);
    order.id == what || target == Some(what) || route == Some(what)
}
