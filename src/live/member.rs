//! An upstream as a request meets it: its gate and meter, with all that is needed to call it for a route or a list.

use std::sync::Arc;

use super::allowance::Allowance;
use super::cells::RouteCells;
use super::clock::Clock;
use super::provider::Provider;
use super::snapshot::Route;
use super::upstream::Upstream;
use crate::balance::Spent;
use crate::balance::gate::{GateState, Gates, Standing};
use crate::config::{self, Capabilities, Phases};
use crate::dialect::any::Target;
use crate::limit::AtLimit;
use crate::model::TargetIndex;

/// An upstream with what is needed to call it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Gate and meter.
    pub upstream: Arc<Upstream>,
    /// Name and price.
    pub config: Arc<config::Upstream>,
    /// Address and credential.
    pub provider: Arc<Provider>,
    /// What its model can do, as far as is known.
    pub capabilities: Capabilities,
    /// The dialect that it is spoken to in where a request is translated.
    pub target: Arc<Target>,
    /// How long its phases may take, over what the request's route says.
    pub deadlines: Phases,
    /// Its tier in its route: lower ones are filled first.
    pub tier: u8,
    /// Facts about it: its provider's tags, and its own as the target of a route.
    pub tags: Arc<[String]>,
    /// What may be spent there for its route's requests.
    pub budget: Option<Arc<Allowance>>,
}

impl Member {
    /// What `provider` has by itself; a target may have its own.
    pub fn new(
        upstream: Arc<Upstream>,
        config: Arc<config::Upstream>,
        provider: Arc<Provider>,
    ) -> Self {
        let capabilities = provider.config.capabilities_of(config.name.model());
        let target = provider.manner.target(config.name.model(), &capabilities);
        Self {
            upstream,
            config,
            capabilities,
            target: Arc::new(target),
            deadlines: provider.config.deadlines,
            tier: 1,
            tags: provider.config.tags.as_slice().into(),
            budget: None,
            provider,
        }
    }

    /// The same as the target of a route, with what the target has of its own.
    #[must_use]
    pub fn of_target(mut self, target: &config::Target) -> Self {
        if target.price != self.config.price {
            let upstream = config::Upstream {
                price: target.price,
                ..(*target.upstream).clone()
            };
            self.config = Arc::new(upstream);
        }
        if target.capabilities != self.capabilities {
            let model = self.config.name.model();
            let dialect = self.provider.manner.target(model, &target.capabilities);
            self.target = Arc::new(dialect);
            self.capabilities = target.capabilities;
        }
        self.deadlines = target.deadlines;
        self.tier = target.tier;
        self.tags = target.tags.as_slice().into();
        self
    }
}

impl Member {
    /// The budget that keeps requests of `route`, if they are of one, away from here, and until when.
    pub fn kept_away(&self, route: Option<&Route>, clock: Clock) -> Option<Spent> {
        let own = route.and_then(|route| route.budget.as_ref());
        let all = [own, self.provider.budget.as_ref(), self.budget.as_ref()];
        let mut all = all.into_iter().flatten();
        all.find_map(|allowance| spent(allowance, AtLimit::Avoid, clock))
    }

    /// The budget that keeps requests of `route` away from here or has them refused, whichever they meet first.
    pub fn out_of_budget(&self, route: &Route, clock: Clock) -> Option<Spent> {
        let refuses = |it: &Arc<Allowance>| spent(it, AtLimit::Refuse, clock);
        let of_route = route.budget.as_ref().and_then(refuses);
        of_route
            .or_else(|| self.kept_away(Some(route), clock))
            .or_else(|| self.provider.budget.as_ref().and_then(refuses))
            .or_else(|| self.budget.as_ref().and_then(refuses))
    }
}

/// That nothing is left of `allowance`, if requests are then to be treated as `at_limit` says.
fn spent(allowance: &Allowance, at_limit: AtLimit, clock: Clock) -> Option<Spent> {
    let (window, until) = allowance.spent_until(at_limit, clock.now())?;
    Some(Spent {
        budget: allowance.in_window(window),
        until,
        refuses: at_limit == AtLimit::Refuse,
    })
}

/// Gates of a route's or a list's members.
#[derive(Clone, Copy, Debug)]
pub struct MemberGates<'a> {
    /// Whose.
    pub members: &'a [Member],
    /// What else is known of them in their route, if they are of one.
    pub cells: Option<&'a RouteCells>,
}

impl Gates for MemberGates<'_> {
    fn gate(&self, target: TargetIndex) -> GateState {
        self.members
            .get(target.get())
            .map(|member| member.upstream.gate())
            .unwrap_or_default()
    }

    fn standing(&self, target: TargetIndex) -> Standing {
        self.members
            .get(target.get())
            .map(|member| member.upstream.standing())
            .unwrap_or_default()
    }

    fn tier(&self, target: TargetIndex) -> u8 {
        let member = self.members.get(target.get());
        member.map_or(1, |member| member.tier)
    }

    fn over(&self, target: TargetIndex) -> f64 {
        self.cells.map_or(0.0, |cells| cells.over(target))
    }

    fn is_away(&self, target: TargetIndex) -> bool {
        self.cells.is_some_and(|cells| cells.is_away(target))
    }
}
