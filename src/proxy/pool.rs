//! Targets of which one serves, wherever they come from: a route, a request's list, a single name.

use std::sync::Arc;

use super::Proxy;
use crate::balance::gate::{Admitted, Ask, Reason, Row, admit, propensity};
use crate::balance::{Draw, Key, Mask, Sticky, WeightTable};
use crate::config;
use crate::live::{Member, MemberGates, Route};
use crate::model::{TargetIndex, TargetName};

/// Targets of which one serves.
#[derive(Debug)]
pub(super) struct Pool {
    /// The route's name, `inline` or `direct`.
    pub(super) label: Arc<str>,
    pub(super) shares: Shares,
    /// Who may serve.
    pub(super) eligible: Mask,
    /// What the request is kept together by with others of its route, if it is.
    pub(super) key: Option<Key>,
}

#[derive(Debug)]
pub(super) enum Shares {
    /// A route's.
    Route(Arc<Route>),
    /// A request's own.
    Own {
        /// Who.
        members: Arc<[Member]>,
        /// As the request has them.
        configured: WeightTable,
        /// As they are drawn from.
        granted: WeightTable,
        /// Whether gates are obeyed.
        guarded: bool,
        /// Whether draws are spread evenly, or independent.
        even: bool,
    },
}

impl Pool {
    /// The targets, in the order of the tables.
    pub(super) fn members(&self) -> &[Member] {
        match &self.shares {
            Shares::Route(route) => &route.members,
            Shares::Own { members, .. } => members,
        }
    }

    /// The target's name within its route; `None` if it has none.
    pub(super) fn name(&self, target: TargetIndex) -> Option<TargetName> {
        match &self.shares {
            Shares::Route(route) => {
                let target = route.config.targets.get(target.get())?;
                Some(target.name.clone())
            }
            Shares::Own { .. } => None,
        }
    }

    /// The route, if it is one's.
    pub(super) fn route(&self) -> Option<&Route> {
        match &self.shares {
            Shares::Route(route) => Some(route),
            Shares::Own { .. } => None,
        }
    }

    fn row(&self) -> Row<'_> {
        match &self.shares {
            Shares::Route(route) => route.row(),
            Shares::Own {
                configured,
                granted,
                guarded,
                ..
            } => Row {
                granted,
                configured,
                guarded: *guarded,
            },
        }
    }

    /// Whether `target` takes traffic at all: its configured share is above 0.
    pub(super) fn takes(&self, target: TargetIndex) -> bool {
        self.row().configured.share(target).ppm() > 0
    }

    /// A place in the shares for a first pick.
    fn draw(&self, proxy: &Proxy) -> Draw {
        match &self.shares {
            // Its key decides; the sequence is for those that are drawn.
            _ if self.key.is_some() => Draw(0),
            Shares::Route(route) => match route.config.draw {
                config::Draw::Even => route.cells.even_draw(),
                config::Draw::Random => proxy.chance.draw(),
            },
            Shares::Own { even: true, .. } => proxy.chance.even_draw(),
            Shares::Own { even: false, .. } => proxy.chance.draw(),
        }
    }

    /// A place in the shares for a draw after a failure.
    fn redraw(&self, proxy: &Proxy) -> Draw {
        match &self.shares {
            _ if self.key.is_some() => Draw(0),
            Shares::Route(route) => route.cells.redraw(),
            Shares::Own { .. } => proxy.chance.draw(),
        }
    }

    /// The target of a request's first attempt among `open`.
    pub(super) fn first_pick(&self, proxy: &Proxy, open: &Mask) -> Option<Admitted> {
        let draw = self.draw(proxy);
        let admitted = self.admit(proxy, open, draw, true)?;
        if admitted.reason == Reason::Probe && !self.claim_probe(admitted.target) {
            return self.admit(proxy, open, draw, false);
        }
        Some(admitted)
    }

    /// The target of an attempt after a failure, among `open`.
    pub(super) fn pick_again(&self, proxy: &Proxy, open: &Mask) -> Option<Admitted> {
        self.admit(proxy, open, self.redraw(proxy), false)
    }

    fn admit(&self, proxy: &Proxy, open: &Mask, draw: Draw, may_probe: bool) -> Option<Admitted> {
        let ask = Ask {
            eligible: open,
            draw,
            now: proxy.clock.now(),
            may_probe,
            sticky: self.sticky(),
        };
        admit(self.row(), &self.gates(), &ask)
    }

    fn gates(&self) -> MemberGates<'_> {
        let cells = match &self.shares {
            Shares::Route(route) => Some(&*route.cells),
            Shares::Own { .. } => None,
        };
        MemberGates {
            members: self.members(),
            cells,
        }
    }

    /// Where the request's conversation is by the shares in force, whoever is shut; `None` if it is kept with nothing.
    pub(super) fn home(&self) -> Option<TargetIndex> {
        let row = self.row();
        let table = if row.guarded {
            row.granted
        } else {
            row.configured
        };
        self.sticky()?.pick(table, &self.eligible, |_| true)
    }

    fn sticky(&self) -> Option<Sticky<'_>> {
        match (&self.shares, self.key) {
            (Shares::Route(route), Some(key)) => Some(Sticky {
                key,
                seeds: &route.seeds,
            }),
            (Shares::Route(_) | Shares::Own { .. }, _) => None,
        }
    }

    /// The probability with which a first pick among `open` chooses whom it chose; `None` for a probe and for a kept
    /// conversation. It costs a pass over the targets, so it is for where somebody is told.
    pub(super) fn propensity(&self, proxy: &Proxy, open: &Mask, admitted: Admitted) -> Option<f64> {
        if admitted.reason == Reason::Probe {
            return None;
        }
        let ask = Ask {
            eligible: open,
            draw: Draw(0),
            now: proxy.clock.now(),
            may_probe: false,
            sticky: self.sticky(),
        };
        propensity(self.row(), &self.gates(), &ask, admitted.target)
    }

    fn claim_probe(&self, target: TargetIndex) -> bool {
        let member = self.members().get(target.get());
        member.is_some_and(|member| member.upstream.claim_probe())
    }

    /// Counts a request of a route, and later its first pick.
    pub(super) fn arrived(&self) {
        if let Shares::Route(route) = &self.shares {
            route.cells.arrived();
        }
    }

    /// Counts the target of a request's first attempt.
    pub(super) fn picked(&self, target: TargetIndex) {
        if let Shares::Route(route) = &self.shares {
            route.cells.picked(target);
        }
    }
}
