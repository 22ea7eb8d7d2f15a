//! `weighbridge pin`, `drain`, `freeze`, `strategy` and `mode`: orders to a running daemon.

use std::io::Write;

use super::client::{AdminArgs, Who};
use super::{Failure, Format, block_on, print_json};
use crate::admin::Given;
use crate::balance::Strategy;
use crate::config::{Mode, Wish, life};
use crate::model::RouteName;

/// What all orders are told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Common {
    /// Why: shown wherever the order is
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long it holds: 30m, 2h, 1d; thirty days at most
    #[arg(long = "for", value_name = "TIME", default_value = "4h", value_parser = life)]
    lasts: u64,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What `pin` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Pin {
    /// The route
    route: String,
    /// The target's name within it
    target: String,
    /// The share: 30% or 0.3
    #[arg(value_parser = share)]
    share: f64,
    #[command(flatten)]
    common: Common,
}

/// What `drain` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Drain {
    /// A target's name, `provider/model`, or a provider
    target: String,
    /// Only in this route
    #[arg(long)]
    route: Option<String>,
    /// TARGET is a provider's name, whatever targets are called
    #[arg(long)]
    provider: bool,
    /// Also where nobody else is left to serve a route: its fallbacks take over, or requests get a 503
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

/// What `freeze` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Freeze {
    /// The route
    route: String,
    #[command(flatten)]
    common: Common,
}

/// What `strategy` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Choose {
    /// The route
    route: String,
    /// The strategy
    #[arg(value_parser = strategy)]
    strategy: Strategy,
    #[command(flatten)]
    common: Common,
}

/// What `mode` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Change {
    /// off: configured shares, nothing decides; shadow: decides and is not obeyed; auto
    #[arg(value_parser = mode)]
    mode: Mode,
    /// Only for this route
    #[arg(long)]
    route: Option<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn pin(args: &Pin, out: &mut dyn Write) -> Result<(), Failure> {
    let wish = Wish {
        action: "pin".to_owned(),
        route: Some(args.route.clone()),
        target: Some(args.target.clone()),
        share: Some(args.share),
        ..Wish::default()
    };
    args.common.give(wish, out)
}

pub(super) fn drain(args: &Drain, out: &mut dyn Write) -> Result<(), Failure> {
    let whom = Some(args.target.clone());
    let (target, provider) = if args.provider {
        (None, whom)
    } else {
        (whom, None)
    };
    let wish = Wish {
        action: "drain".to_owned(),
        route: args.route.clone(),
        target,
        provider,
        force: args.force,
        ..Wish::default()
    };
    args.common.give(wish, out)
}

pub(super) fn freeze(args: &Freeze, out: &mut dyn Write) -> Result<(), Failure> {
    let wish = Wish {
        action: "freeze".to_owned(),
        route: Some(args.route.clone()),
        ..Wish::default()
    };
    args.common.give(wish, out)
}

pub(super) fn choose(args: &Choose, out: &mut dyn Write) -> Result<(), Failure> {
    let wish = Wish {
        action: "strategy".to_owned(),
        route: Some(args.route.clone()),
        strategy: Some(args.strategy),
        ..Wish::default()
    };
    args.common.give(wish, out)
}

pub(super) fn change(args: &Change, out: &mut dyn Write) -> Result<(), Failure> {
    let wish = Wish {
        action: "mode".to_owned(),
        route: args.route.clone(),
        mode: Some(args.mode),
        ..Wish::default()
    };
    args.common.give(wish, out)
}

impl Common {
    fn give(&self, wish: Wish, out: &mut dyn Write) -> Result<(), Failure> {
        let wish = Wish {
            reason: self.reason.clone(),
            by: Some(self.who.by.clone()),
            seconds: Some(self.lasts),
            ..wish
        };
        let sent = self.admin.post_json("/api/v1/steering", &wish);
        let given: Given = block_on(sent)?.read()?;
        if self.format == Format::Json {
            return print_json(out, &given);
        }
        let order = &given.standing.order;
        let (id, sentence) = (&order.id, &given.standing.sentence);
        let routes: Vec<&str> = given
            .standing
            .routes
            .iter()
            .map(RouteName::as_str)
            .collect();
        writeln!(
            out,
            "order {id}: {sentence}, in force at {} until {}; `weighbridge restore {id}` ends it",
            routes.join(", "),
            order.ends()
        )?;
        if let Some(message) = &given.message {
            writeln!(out, "{message}")?;
        }
        Ok(())
    }
}

/// A share: `30%`, `30 %` or `0.3`.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = match text.trim().strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let value: Option<f64> = number.trim().parse().ok();
    value
        .map(|value| value / whole)
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "expected a share such as 30% or 0.3".to_owned())
}

fn strategy(text: &str) -> Result<Strategy, String> {
    match text {
        "fixed" => Ok(Strategy::Fixed),
        "adaptive" => Ok(Strategy::Adaptive),
        _ => Err("expected fixed or adaptive".to_owned()),
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    let modes = [Mode::Off, Mode::Shadow, Mode::Auto];
    modes
        .into_iter()
        .find(|mode| mode.word() == text)
        .ok_or_else(|| "expected off, shadow or auto".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        for (text, value) in [("30%", 0.3), ("30 %", 0.3), ("0.3", 0.3), ("100%", 1.0)] {
            assert_eq!(share(text), Ok(value), "{text}");
        }
        for text in ["30", "-1%", "101%", "a third", "", "NaN"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
