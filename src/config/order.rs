//! Operators' orders: what overrules the files for a while.
//!
//! Problem: at night a share has to be held, a provider drained, the controller kept still, now and not after a review of
//! the files; and nobody must find the order still in force a month later. Choice: an order is data with a reason, a name
//! and an end; it lies over the configuration ([`super::overlay()`]) and goes away by itself. How it fails: an order whose
//! route or target is gone does nothing until it ends, and says so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Mode, Strategy, Target};
use crate::balance::Share;
use crate::model::{ProviderName, RouteName, TargetName, Time, calendar};

/// An operator's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct Order {
    /// Unique among those that hold.
    pub id: String,
    /// What is ordered.
    #[serde(flatten)]
    pub act: Act,
    /// Why.
    pub reason: String,
    /// Who gave it.
    pub by: String,
    /// Since when it holds, in seconds since 1970.
    pub since: u64,
    /// When it ends, in seconds since 1970.
    pub until: u64,
}

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Act {
    /// A target's share is this one.
    Pin {
        /// The route.
        #[cfg_attr(feature = "daemon", schemars(with = "String"))]
        route: RouteName,
        /// The target's name within it.
        #[cfg_attr(feature = "daemon", schemars(with = "String"))]
        target: TargetName,
        /// The share, 0 to 1.
        #[serde(with = "fraction")]
        #[cfg_attr(feature = "daemon", schemars(with = "f64"))]
        share: Share,
    },
    /// Targets take nothing: of what is named here, each narrows whom it means.
    Drain {
        /// Only in this route.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "daemon", schemars(with = "Option<String>"))]
        route: Option<RouteName>,
        /// A target's name, or `provider/model`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// All of a provider.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "daemon", schemars(with = "Option<String>"))]
        provider: Option<ProviderName>,
        /// Also where nobody else is left.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        force: bool,
    },
    /// The shares of a route stay as they are.
    Freeze {
        /// The route.
        #[cfg_attr(feature = "daemon", schemars(with = "String"))]
        route: RouteName,
        /// The shares that stay, 0 to 1, by target.
        #[serde(with = "fractions")]
        #[cfg_attr(feature = "daemon", schemars(with = "BTreeMap<String, f64>"))]
        shares: BTreeMap<TargetName, Share>,
    },
    /// How a route's shares come about.
    Strategy {
        /// The route.
        #[cfg_attr(feature = "daemon", schemars(with = "String"))]
        route: RouteName,
        /// The strategy.
        strategy: Strategy,
    },
    /// Whether the controller decides and is obeyed.
    Mode {
        /// Only for this route; else for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "daemon", schemars(with = "Option<String>"))]
        route: Option<RouteName>,
        /// The mode.
        mode: Mode,
    },
}

impl Order {
    /// In words, without reason and end.
    pub fn sentence(&self) -> String {
        match &self.act {
            Act::Pin {
                route,
                target,
                share,
            } => format!("pin {target} of {route} at {share}"),
            Act::Drain {
                route,
                target,
                provider,
                force,
            } => {
                let whom = match (target, provider) {
                    (Some(target), _) => target.clone(),
                    (None, Some(provider)) => format!("all of {provider}"),
                    (None, None) => "everything".to_owned(),
                };
                let place = match route {
                    Some(route) => format!(" of {route}"),
                    None => String::new(),
                };
                let force = if *force { ", forced" } else { "" };
                format!("drain {whom}{place}{force}")
            }
            Act::Freeze { route, .. } => format!("freeze {route}"),
            Act::Strategy { route, strategy } => {
                let word = match strategy {
                    Strategy::Fixed => "fixed",
                    Strategy::Adaptive => "adaptive",
                    Strategy::Trial(_) => "a core on trial",
                };
                format!("strategy {word} for {route}")
            }
            Act::Mode { route, mode } => {
                let place = route.as_ref().map_or("all routes", RouteName::as_str);
                format!("mode {} for {place}", mode.word())
            }
        }
    }

    /// When it ends, as `2026-11-28 20:14 UTC`.
    pub fn ends(&self) -> String {
        let (date, time) = calendar(self.until_time());
        format!("{date} {time} UTC")
    }

    /// When it ends.
    pub fn until_time(&self) -> Time {
        Time::from_micros(self.until.saturating_mul(1_000_000))
    }

    /// The route that it is about; `None` if it may be several.
    pub fn route(&self) -> Option<&RouteName> {
        match &self.act {
            Act::Pin { route, .. } | Act::Freeze { route, .. } | Act::Strategy { route, .. } => {
                Some(route)
            }
            Act::Drain { route, .. } | Act::Mode { route, .. } => route.as_ref(),
        }
    }

    /// Whether `other` is about the same, so that the later of both holds.
    pub fn is_about(&self, other: &Self) -> bool {
        match (&self.act, &other.act) {
            (
                Act::Pin { route, target, .. },
                Act::Pin {
                    route: a,
                    target: b,
                    ..
                },
            ) => (route, target) == (a, b),
            (
                Act::Drain {
                    route,
                    target,
                    provider,
                    ..
                },
                Act::Drain {
                    route: a,
                    target: b,
                    provider: c,
                    ..
                },
            ) => (route, target, provider) == (a, b, c),
            (Act::Freeze { route, .. }, Act::Freeze { route: other, .. })
            | (Act::Strategy { route, .. }, Act::Strategy { route: other, .. }) => route == other,
            (Act::Mode { route, .. }, Act::Mode { route: other, .. }) => route == other,
            (
                Act::Pin { .. }
                | Act::Drain { .. }
                | Act::Freeze { .. }
                | Act::Strategy { .. }
                | Act::Mode { .. },
                _,
            ) => false,
        }
    }
}

impl Act {
    /// Whether it drains `target` of `route`.
    pub(super) fn drains(&self, of: &RouteName, it: &Target) -> bool {
        let Self::Drain {
            route,
            target,
            provider,
            ..
        } = self
        else {
            return false;
        };
        let upstream = &it.upstream.name;
        let named = |name: &String| name == it.name.as_str() || name == upstream.as_str();
        route.as_ref().is_none_or(|route| route == of)
            && target.as_ref().is_none_or(named)
            && provider.as_ref().is_none_or(|it| it == upstream.provider())
    }
}

impl Mode {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Shadow => "shadow",
            Self::Auto => "auto",
        }
    }
}

/// A share as a fraction.
mod fraction {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::balance::Share;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(share: &Share, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(share.fraction())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Share, D::Error> {
        Ok(Share::from_fraction(f64::deserialize(from)?))
    }
}

/// Shares as fractions, by target.
mod fractions {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::balance::Share;
    use crate::model::TargetName;

    pub(super) fn serialize<S: Serializer>(
        shares: &BTreeMap<TargetName, Share>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_map(shares.iter().map(|(name, share)| (name, share.fraction())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<TargetName, Share>, D::Error> {
        let shares = BTreeMap::<TargetName, f64>::deserialize(from)?;
        let share = |(name, part)| (name, Share::from_fraction(part));
        Ok(shares.into_iter().map(share).collect())
    }
}
