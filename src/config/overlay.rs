//! The configuration as orders make it: what is in force.
//!
//! Each route is looked at with all orders about it. Orders act in a fixed sequence whatever the order they came in: mode
//! and strategy, then who is drained, then what is frozen, then pins. What cannot be done (a pin of what is drained, pins
//! that make more than a whole, a target that is gone) is left out and said; nothing that an order does can leave a route
//! without a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::order::{Act, Order};
use super::{Config, Fallback, Mode, Route, Strategy};
use crate::balance::{Hold, Overruled, Share, Weight, WeightTable};
use crate::model::{RouteName, TargetName};

/// An order, and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct StandingOrder {
    /// The order.
    #[serde(flatten)]
    pub order: Order,
    /// In words.
    pub sentence: String,
    /// The routes that it changes.
    #[cfg_attr(feature = "daemon", schemars(with = "Vec<String>"))]
    pub routes: Vec<RouteName>,
    /// Why it does nothing anywhere, or not everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<String>,
}

impl StandingOrder {
    /// In a line: the order, whose it is, until when and why, and where it does nothing.
    pub fn told(&self) -> String {
        match &self.idle {
            None => self.line(),
            Some(why) if self.routes.is_empty() => {
                format!("{}; does nothing now: {why}", self.line())
            }
            Some(why) => format!("{}; does nothing at some routes: {why}", self.line()),
        }
    }

    /// The same, seen from one route.
    pub fn told_at(&self, route: &RouteName) -> String {
        match &self.idle {
            Some(why) if !self.routes.contains(route) => {
                format!("{}; does nothing here: {why}", self.line())
            }
            Some(_) | None => self.line(),
        }
    }

    fn line(&self) -> String {
        let (order, sentence) = (&self.order, &self.sentence);
        let (id, by, until, reason) = (&order.id, &order.by, order.ends(), &order.reason);
        format!("order {id}: {sentence}, by {by} until {until}: {reason}")
    }

    /// Whether it changes `route`, or would if nothing stood in its way.
    pub fn is_about(&self, route: &Route) -> bool {
        let would = || match &self.order.act {
            Act::Drain { .. } => {
                let mut targets = route.targets.iter();
                targets.any(|it| self.order.act.drains(&route.name, it))
            }
            Act::Mode { route: only, .. } => only.as_ref().is_none_or(|only| *only == route.name),
            Act::Pin { .. } | Act::Freeze { .. } | Act::Strategy { .. } => {
                self.order.route() == Some(&route.name)
            }
        };
        self.routes.contains(&route.name) || (self.idle.is_some() && would())
    }
}

/// `files` with `orders` on top, and what each order does.
pub fn overlay(files: &Config, orders: &[Order]) -> (Config, Vec<StandingOrder>) {
    let mut standing: Vec<StandingOrder> = orders
        .iter()
        .map(|order| StandingOrder {
            sentence: order.sentence(),
            order: order.clone(),
            routes: Vec::new(),
            idle: None,
        })
        .collect();
    let mut config = files.clone();
    for order in orders {
        if let Act::Mode { route: None, mode } = order.act {
            config.mode = mode;
        }
    }
    for (name, route) in &mut config.routes {
        let steered = Steered::of(route, orders);
        for (it, done) in standing.iter_mut().zip(steered.done) {
            match done {
                Some(Ok(())) => it.routes.push(name.clone()),
                Some(Err(why)) => it.idle = Some(why),
                None => {}
            }
        }
        if let Some(changed) = steered.route {
            *route = Arc::new(changed);
        }
    }
    for it in &mut standing {
        if it.routes.is_empty() && it.idle.is_none() {
            it.idle = Some("the configuration has nothing that it is about".to_owned());
        }
    }
    (config, standing)
}

/// A route with its orders carried out.
struct Steered {
    /// As it is now, if anything is.
    route: Option<Route>,
    /// Of each order about it, whether it could be done.
    done: Vec<Option<Result<(), String>>>,
}

impl Steered {
    fn of(files: &Route, orders: &[Order]) -> Self {
        let mut steered = Self {
            route: None,
            done: vec![None; orders.len()],
        };
        let mut route = files.clone();
        steered.choose(&mut route, orders);
        steered.drain(&mut route, orders);
        let mut held = steered.freeze(&route, orders);
        let is_frozen = !held.is_empty();
        steered.pin(&route, orders, &mut held, is_frozen);
        hold(&mut route, held);
        remember(files, &mut route);
        if steered.done.iter().any(Option::is_some) {
            steered.route = Some(route);
        }
        steered
    }

    /// Mode and strategy. The order about a route goes before one about all.
    fn choose(&mut self, route: &mut Route, orders: &[Order]) {
        let own = orders.iter().find(|order| {
            matches!(&order.act, Act::Mode { route: Some(name), .. } if *name == route.name)
        });
        for (place, order) in orders.iter().enumerate() {
            match &order.act {
                Act::Mode { route: None, mode } => {
                    self.done[place] = Some(if let Some(own) = own {
                        let (id, name) = (&own.id, &route.name);
                        Err(format!("order {id}, about {name} alone, goes before it"))
                    } else {
                        route.mode = *mode;
                        Ok(())
                    });
                }
                Act::Mode {
                    route: Some(name),
                    mode,
                } if *name == route.name => {
                    route.mode = *mode;
                    self.done[place] = Some(Ok(()));
                }
                Act::Strategy {
                    route: name,
                    strategy,
                } if *name == route.name => {
                    route.strategy = *strategy;
                    self.done[place] = Some(Ok(()));
                }
                Act::Mode { .. }
                | Act::Strategy { .. }
                | Act::Pin { .. }
                | Act::Drain { .. }
                | Act::Freeze { .. } => {}
            }
        }
    }

    fn drain(&mut self, route: &mut Route, orders: &[Order]) {
        for (place, order) in orders.iter().enumerate() {
            let Act::Drain {
                route: only,
                target,
                provider,
                force,
            } = &order.act
            else {
                continue;
            };
            let drained: Vec<usize> = (0..route.targets.len())
                .filter(|i| order.act.drains(&route.name, &route.targets[*i]))
                .collect();
            if !drained.is_empty() {
                self.done[place] = Some(drain(route, &drained, order, *force));
            }
            // A target's name means its route's; an upstream or a provider is meant wherever it stands.
            let is_meant = only.as_ref().is_none_or(|only| *only == route.name);
            let meant = |fallback: &Fallback| match fallback {
                Fallback::Upstream(name) => {
                    target.as_ref().is_some_and(|it| it == name.as_str())
                        || provider.as_ref().is_some_and(|it| it == name.provider())
                }
                Fallback::Route(_) => false,
            };
            if is_meant {
                for list in [
                    &mut route.fallbacks,
                    &mut route.context_fallbacks,
                    &mut route.content_filter_fallbacks,
                ] {
                    let before = list.len();
                    list.retain(|fallback| !meant(fallback));
                    if list.len() < before && self.done[place].is_none() {
                        self.done[place] = Some(Ok(()));
                    }
                }
            }
        }
    }

    /// The shares that are frozen, by place: of what is drained or gone, the others have the more.
    fn freeze(&mut self, route: &Route, orders: &[Order]) -> BTreeMap<usize, (Share, Overruled)> {
        let mut held = BTreeMap::new();
        for (at, order) in orders.iter().enumerate() {
            let Act::Freeze {
                route: name,
                shares,
            } = &order.act
            else {
                continue;
            };
            if *name != route.name {
                continue;
            }
            let of = |name: &TargetName| shares.get(name).copied().unwrap_or(Share::ZERO);
            let parts: Vec<(usize, u64)> = live(route)
                .map(|i| (i, u64::from(of(&route.targets[i].name).ppm())))
                .collect();
            let found = scaled(&parts);
            self.done[at] = Some(if found.is_empty() {
                Err("nobody is left of those whose shares were frozen".to_owned())
            } else {
                Ok(())
            });
            for (i, share) in found {
                held.insert(i, (share, overruled(Hold::Frozen, order)));
            }
        }
        held
    }

    fn pin(
        &mut self,
        route: &Route,
        orders: &[Order],
        held: &mut BTreeMap<usize, (Share, Overruled)>,
        is_frozen: bool,
    ) {
        for (at, order) in orders.iter().enumerate() {
            let Act::Pin {
                route: name,
                target,
                share,
            } = &order.act
            else {
                continue;
            };
            if *name != route.name {
                continue;
            }
            let place = route.targets.iter().position(|it| it.name == *target);
            let Some(place) = place else {
                self.done[at] = Some(Err(format!("{name} has no target {target} now")));
                continue;
            };
            let result = if is_frozen {
                Err(format!(
                    "the shares of {name} are frozen; end that order first"
                ))
            } else {
                let mut with = held.clone();
                with.insert(place, (*share, overruled(Hold::Pinned, order)));
                fits(route, place, &with).map(|()| *held = with)
            };
            self.done[at] = Some(result);
        }
    }
}

/// Places of those targets that take traffic.
fn live(route: &Route) -> impl Iterator<Item = usize> + '_ {
    (0..route.targets.len()).filter(|i| route.targets[*i].weight > Weight::ZERO)
}

fn overruled(hold: Hold, order: &Order) -> Overruled {
    Overruled {
        hold,
        by: order.by.clone(),
        reason: order.reason.clone(),
        until: order.until_time(),
    }
}

/// That a drain of `route` needs force, and `why` who is left does not serve.
pub fn nobody_left(route: &RouteName, why: Option<&str>) -> String {
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    format!(
        "it would leave nobody to serve {route}{why}; --force (\"force\": true in the API) drains it all the same: its \
         fallbacks take over, or requests get a 503"
    )
}

/// Drains the targets at these places, unless that leaves nobody.
fn drain(route: &mut Route, places: &[usize], order: &Order, force: bool) -> Result<(), String> {
    let is_last = !live(route).any(|i| !places.contains(&i));
    if is_last && !force {
        return Err(nobody_left(&route.name, None));
    }
    for i in places {
        let target = &mut route.targets[*i];
        target.overruled = Some(overruled(Hold::Drained, order));
        // A table needs somebody; who is asked nevertheless, `closed` keeps out.
        if !is_last {
            target.weight = Weight::ZERO;
            target.min_share = Share::ZERO;
        }
    }
    route.closed |= is_last;
    Ok(())
}

/// Whole shares in proportion to `parts`; empty if these are nothing.
fn scaled(parts: &[(usize, u64)]) -> Vec<(usize, Share)> {
    let sum: u64 = parts.iter().map(|(_, part)| part).sum();
    if sum == 0 {
        return Vec::new();
    }
    let whole = u64::from(Share::WHOLE.ppm());
    let share = |part: u64| u32::try_from(part * whole / sum).unwrap_or_default();
    let mut shares: Vec<(usize, u32)> = parts.iter().map(|(i, part)| (*i, share(*part))).collect();
    let given: u32 = shares.iter().map(|(_, share)| share).sum();
    // What rounding left, less than a part per million for each.
    if let Some((_, most)) = shares.iter_mut().max_by_key(|(_, share)| *share) {
        *most += Share::WHOLE.ppm() - given;
    }
    let ppm = |(i, share): (usize, u32)| (i, Share::from_ppm(share));
    shares.into_iter().map(ppm).collect()
}

/// Whether the shares that are held leave the others what they must have, and no more than they may.
fn fits(
    route: &Route,
    place: usize,
    held: &BTreeMap<usize, (Share, Overruled)>,
) -> Result<(), String> {
    let target = &route.targets[place];
    if target.weight <= Weight::ZERO {
        return Err(format!("{} of {} is drained", target.name, route.name));
    }
    if !decides(route) && has_tiers(route) {
        return Err(format!(
            "{} has tiers, and nothing decides there now: a pin needs mode = \"auto\" and strategy = \"adaptive\"",
            route.name
        ));
    }
    let bounds = |i: usize| {
        let target = &route.targets[i];
        let held = held.get(&i).map(|(share, _)| (*share, *share));
        held.unwrap_or((target.min_share, target.max_share))
    };
    let (mut least, mut most) = (0, 0);
    for i in live(route) {
        let (low, high) = bounds(i);
        least += u64::from(low.ppm());
        most += u64::from(high.ppm());
    }
    let whole = u64::from(Share::WHOLE.ppm());
    let percent = |ppm: u64| format!("{:.1} %", ppm as f64 / 1e4);
    if least > whole {
        return Err(format!(
            "with the other pins and min_shares of {} that makes {}; expected at most 100 %",
            route.name,
            percent(least)
        ));
    }
    if most < whole {
        return Err(format!(
            "the other targets of {} may take the rest only up to {}; expected 100 % together",
            route.name,
            percent(most)
        ));
    }
    Ok(())
}

/// Notes at the targets of `route` the shares that the files ask for, where orders make them others.
fn remember(files: &Route, route: &mut Route) {
    let table = |route: &Route| {
        let targets = route.targets.iter();
        let weights: Vec<_> = targets.map(|target| (target.weight, target.tier)).collect();
        WeightTable::from_tiers(&weights)
    };
    let (Ok(before), Ok(now)) = (table(files), table(route)) else {
        return;
    };
    let shares = before.shares().iter().zip(now.shares());
    for (target, (before, now)) in route.targets.iter_mut().zip(shares) {
        target.as_filed = (before != now).then_some(*before);
    }
}

/// Whether shares of the route follow what is measured and what bounds say.
fn decides(route: &Route) -> bool {
    route.mode == Mode::Auto && route.strategy != Strategy::Fixed
}

fn has_tiers(route: &Route) -> bool {
    route
        .targets
        .iter()
        .any(|target| target.tier != route.targets[0].tier)
}

/// Gives targets the shares that are held: as bounds, and where nothing decides as weights too.
fn hold(route: &mut Route, held: BTreeMap<usize, (Share, Overruled)>) {
    if held.is_empty() {
        return;
    }
    if !decides(route) && !has_tiers(route) {
        let free: Vec<usize> = live(route).filter(|i| !held.contains_key(i)).collect();
        let weights: f64 = free.iter().map(|i| route.targets[*i].weight.value()).sum();
        let taken: f64 = held.values().map(|(share, _)| share.fraction()).sum();
        let rest = (1.0 - taken).max(0.0);
        for i in free {
            let weight = route.targets[i].weight.value();
            route.targets[i].weight = Weight::new(weight / weights * rest).unwrap_or(Weight::ZERO);
        }
        for (i, (share, _)) in &held {
            route.targets[*i].weight = Weight::new(share.fraction()).unwrap_or(Weight::ZERO);
        }
    }
    for (i, (share, order)) in held {
        let target = &mut route.targets[i];
        (target.min_share, target.max_share) = (share, share);
        target.overruled = Some(order);
    }
}
