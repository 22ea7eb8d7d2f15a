//! A wish for an order: what somebody sends, and everything that can be wrong with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::order::{Act, Order};
use super::problem::nearest;
use super::quantity::duration;
use super::{Config, Mode, Route, Strategy};
use crate::balance::Share;
use crate::model::{ProviderName, RouteName, TargetName};

/// How long an order holds where nobody says it, in seconds: a night's shift has ended by then. Doubled, an order that
/// was forgotten steers the next day.
pub const USUAL_LIFE: u64 = 4 * 3_600;
/// Longest life of an order, in seconds. What is to hold longer belongs into the files.
pub const LONGEST_LIFE: u64 = 30 * 86_400;
/// How much later than that an order may end, in seconds: the clock of who asks may be ahead.
const CLOCKS_APART: u64 = 300;
/// Longest reason and longest name, in characters: a line of a log.
pub(super) const LONGEST_REASON: usize = 300;
pub(super) const LONGEST_NAME: usize = 80;

/// A wish for an order, as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Wish {
    /// `pin`, `drain`, `freeze`, `strategy` or `mode`.
    pub action: String,
    /// The route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The target's name within its route; to drain also `provider/model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// To drain all of a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// To pin: the share, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// For `strategy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// For `mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Why. It is shown wherever the order is.
    pub reason: String,
    /// Who; `api` if nobody is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it ends, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Or how long it holds, in seconds. Four hours if neither is there, thirty days at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// To drain also where nobody else of a route is left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// What is wrong with a wish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// What about it.
    pub kind: Fault,
    /// What was expected, what came, what to do.
    pub message: String,
    /// Names that may have been meant.
    pub nearest: Vec<String>,
}

/// What about a wish is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It makes no sense by itself.
    Wrong,
    /// There is nothing of that name.
    Unknown,
    /// It cannot be done with what is in force.
    Conflict,
}

impl Refused {
    /// It makes no sense by itself.
    pub fn wrong(message: impl Into<String>) -> Self {
        Self::new(Fault::Wrong, message)
    }

    /// It cannot be done with what is in force.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Fault::Conflict, message)
    }

    fn new(kind: Fault, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            nearest: Vec::new(),
        }
    }

    /// No `what` is called `name`; `known` are.
    pub fn unknown<'a>(
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let shown: String = name.chars().take(100).collect();
        let alike = nearest(name, known.clone());
        let hint = if let Some(alike) = alike {
            format!("did you mean {alike}?")
        } else {
            let names: Vec<&str> = known.take(20).collect();
            match names.as_slice() {
                [] => "there is none".to_owned(),
                names => format!("there is {}", names.join(", ")),
            }
        };
        Self {
            kind: Fault::Unknown,
            message: format!("no {what} is called {shown:?}; {hint}"),
            nearest: alike.map(str::to_owned).into_iter().collect(),
        }
    }
}

impl Wish {
    /// The order that is asked for, given now (seconds since 1970). `in_force` tells the shares of a route that is to be
    /// frozen.
    ///
    /// # Errors
    /// It makes no sense, or names what `config` does not have.
    pub fn order(
        &self,
        id: String,
        config: &Config,
        now: u64,
        in_force: impl Fn(&Route) -> BTreeMap<TargetName, Share>,
    ) -> Result<Order, Refused> {
        let act = self.act(config, in_force)?;
        let by = self.by.as_deref().unwrap_or("api");
        Ok(Order {
            id,
            act,
            reason: text("reason", &self.reason, LONGEST_REASON)?,
            by: text("by", by, LONGEST_NAME)?,
            since: now,
            until: self.end(now)?,
        })
    }

    fn act(
        &self,
        config: &Config,
        in_force: impl Fn(&Route) -> BTreeMap<TargetName, Share>,
    ) -> Result<Act, Refused> {
        let act = match self.action.as_str() {
            "pin" => {
                let route = self.route(config)?;
                Act::Pin {
                    target: self.target_of(route)?,
                    share: self.share()?,
                    route: route.name.clone(),
                }
            }
            "drain" => self.drain(config)?,
            "freeze" => {
                let route = self.route(config)?;
                Act::Freeze {
                    shares: in_force(route),
                    route: route.name.clone(),
                }
            }
            "strategy" => Act::Strategy {
                strategy: self.strategy.ok_or_else(|| {
                    Refused::wrong("strategy: expected \"fixed\" or \"adaptive\", found none")
                })?,
                route: self.route(config)?.name.clone(),
            },
            "mode" => Act::Mode {
                route: match self.route {
                    Some(_) => Some(self.route(config)?.name.clone()),
                    None => None,
                },
                mode: self.mode.ok_or_else(|| {
                    Refused::wrong("mode: expected \"off\", \"shadow\" or \"auto\", found none")
                })?,
            },
            other => {
                let found: String = other.chars().take(100).collect();
                return Err(Refused::wrong(format!(
                    "action: expected pin, drain, freeze, strategy or mode, found {found:?}"
                )));
            }
        };
        self.nothing_else(&act)?;
        Ok(act)
    }

    /// What is not of its action is a mistake: somebody meant something by it.
    fn nothing_else(&self, act: &Act) -> Result<(), Refused> {
        let has = |key: &str| match key {
            "route" => self.route.is_some(),
            "target" => self.target.is_some(),
            "provider" => self.provider.is_some(),
            "share" => self.share.is_some(),
            "strategy" => self.strategy.is_some(),
            "mode" => self.mode.is_some(),
            _ => self.force,
        };
        let needless: &[&str] = match act {
            Act::Pin { .. } => &["provider", "strategy", "mode", "force"],
            Act::Drain { .. } => &["share", "strategy", "mode"],
            Act::Freeze { .. } => &["target", "provider", "share", "strategy", "mode", "force"],
            Act::Strategy { .. } => &["target", "provider", "share", "mode", "force"],
            Act::Mode { .. } => &["target", "provider", "share", "strategy", "force"],
        };
        match needless.iter().find(|key| has(key)) {
            Some(key) => Err(Refused::wrong(format!("{key}: {} takes none", self.action))),
            None => Ok(()),
        }
    }

    fn route<'a>(&self, config: &'a Config) -> Result<&'a Route, Refused> {
        let name = self
            .route
            .as_deref()
            .ok_or_else(|| Refused::wrong("route: expected a route's name, found none"))?;
        let routes = || config.routes.keys().map(RouteName::as_str);
        let found = config.routes.iter().find(|(it, _)| it.as_str() == name);
        match found {
            Some((_, route)) => Ok(route),
            None => Err(Refused::unknown("route", name, routes())),
        }
    }

    fn target_of(&self, route: &Route) -> Result<TargetName, Refused> {
        let name = self
            .target
            .as_deref()
            .ok_or_else(|| Refused::wrong("target: expected a target's name, found none"))?;
        let mut targets = route.targets.iter();
        let found =
            targets.find(|it| it.name.as_str() == name || it.upstream.name.as_str() == name);
        found.map(|target| target.name.clone()).ok_or_else(|| {
            let known = route.targets.iter().map(|target| target.name.as_str());
            Refused::unknown(&format!("target of {}", route.name), name, known)
        })
    }

    fn share(&self) -> Result<Share, Refused> {
        match self.share {
            Some(share) if (0.0..=1.0).contains(&share) => Ok(Share::from_fraction(share)),
            Some(share) => Err(Refused::wrong(format!(
                "share: expected a number from 0 to 1 (0.3 is 30 %), found {share}"
            ))),
            None => Err(Refused::wrong(
                "share: expected a number from 0 to 1, found none",
            )),
        }
    }

    fn drain(&self, config: &Config) -> Result<Act, Refused> {
        let route = match self.route {
            Some(_) => Some(self.route(config)?),
            None => None,
        };
        let (target, provider) = match (&self.target, &self.provider) {
            (None, Some(name)) => (None, Some(provider(config, name)?)),
            (Some(name), None) => whom(config, route, name)?,
            (Some(_), Some(_)) => {
                return Err(Refused::wrong(
                    "provider: expected either a target or a provider, found both",
                ));
            }
            (None, None) => {
                return Err(Refused::wrong(
                    "target: expected a target's name, provider/model, or a provider, found none",
                ));
            }
        };
        Ok(Act::Drain {
            route: route.map(|route| route.name.clone()),
            target,
            provider,
            force: self.force,
        })
    }

    fn end(&self, now: u64) -> Result<u64, Refused> {
        let longest = now.saturating_add(LONGEST_LIFE);
        let until = match (self.until, self.seconds) {
            (Some(_), Some(_)) => {
                return Err(Refused::wrong(
                    "seconds: expected either until or seconds, found both",
                ));
            }
            (Some(until), None) => until,
            (None, Some(seconds)) => now.saturating_add(seconds),
            (None, None) => now.saturating_add(USUAL_LIFE),
        };
        if until <= now {
            return Err(Refused::wrong(format!(
                "until: expected a moment to come, in seconds since 1970 (it is {now}), found {until}"
            )));
        }
        if until > longest.saturating_add(CLOCKS_APART) {
            return Err(Refused::wrong(
                "until: expected an order to end within thirty days; what is to hold longer belongs into the files",
            ));
        }
        Ok(until)
    }
}

/// How long an order is to hold, in seconds, from a text such as `30m`, `2h` or `1d`.
///
/// # Errors
/// It is no time, or none from a second to thirty days.
pub fn life(text: &str) -> Result<u64, String> {
    let seconds = duration(text).map_or(0, |span| span.as_secs());
    if (1..=LONGEST_LIFE).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("expected a time such as 30m, 2h or 1d, thirty days at most".to_owned())
    }
}

/// Whom `name` means: targets of that name, an upstream, or, where there are neither, a provider.
fn whom(
    config: &Config,
    route: Option<&Route>,
    name: &str,
) -> Result<(Option<String>, Option<ProviderName>), Refused> {
    let routes = || -> Box<dyn Iterator<Item = &Route> + '_> {
        match route {
            Some(route) => Box::new(std::iter::once(route)),
            None => Box::new(config.routes.values().map(AsRef::as_ref)),
        }
    };
    let mut targets = routes().flat_map(|route| &route.targets);
    if targets.any(|it| it.name.as_str() == name || it.upstream.name.as_str() == name) {
        return Ok((Some(name.to_owned()), None));
    }
    if let Ok(provider) = provider(config, name) {
        return Ok((None, Some(provider)));
    }
    let known: Vec<&str> = routes()
        .flat_map(|route| &route.targets)
        .map(|target| {
            if name.contains('/') {
                target.upstream.name.as_str()
            } else {
                target.name.as_str()
            }
        })
        .collect();
    let what = match route {
        Some(route) => format!("target of {}", route.name),
        None => "target".to_owned(),
    };
    Err(Refused::unknown(&what, name, known.into_iter()))
}

fn provider(config: &Config, name: &str) -> Result<ProviderName, Refused> {
    let names = config.providers.keys();
    match names.clone().find(|it| it.as_str() == name) {
        Some(found) => Ok(found.clone()),
        None => Err(Refused::unknown(
            "provider",
            name,
            names.map(ProviderName::as_str),
        )),
    }
}

/// A line that people read.
pub(super) fn text(key: &str, given: &str, longest: usize) -> Result<String, Refused> {
    let trimmed = given.trim();
    let length = trimmed.chars().count();
    if (1..=longest).contains(&length) && !trimmed.chars().any(char::is_control) {
        return Ok(trimmed.to_owned());
    }
    let found = match length {
        0 => "none".to_owned(),
        _ if length > longest => format!("{length} characters"),
        _ => "control characters".to_owned(),
    };
    Err(Refused::wrong(format!(
        "{key}: expected a line of 1 to {longest} characters, found {found}"
    )))
}
