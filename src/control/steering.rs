//! Operators' orders: the controller owns the list, and what is in force is the files with the list on top.
//!
//! An order takes the way of a reload: the effective configuration becomes the next snapshot, memory is carried by name.
//! So there is one way in which what is in force changes, and a journal's heading has all that a replay needs.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::assemble::next_snapshot;
use super::command::Silent;
use super::controller::Controller;
use super::switch;
use crate::balance::{Share, Spent, Weight};
use crate::config::{
    Act, Config, Order, Refused, Route, StandingOrder, Wish, nobody_left, overlay,
};
use crate::model::TargetName;
use crate::store::{Books, SteeringRow, Write};

/// Most orders at once. People give them; beyond this a program runs wild.
const MOST_ORDERS: usize = 200;

/// What the controller is asked about orders.
#[derive(Debug)]
pub(super) enum Steer {
    /// To carry out an order.
    Give {
        wish: Box<Wish>,
        reply: oneshot::Sender<Result<StandingOrder, SteeringError>>,
    },
    /// To end one.
    End {
        id: String,
        by: String,
        reply: oneshot::Sender<Result<Order, SteeringError>>,
    },
}

/// Why an order is not carried out or not ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SteeringError {
    /// It cannot be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no order of this id.
    #[error("no order is called {0:?}; GET /api/v1/steering lists those that hold")]
    NoSuchOrder(String),
    /// The controller does not answer.
    #[error(
        "the controller does not answer, so nothing is changed; the kill switch works without it (weighbridge off, or SIGUSR1)"
    )]
    Stuck,
    /// The daemon is shutting down.
    #[error("the daemon is shutting down")]
    Stopping,
}

impl From<Silent> for SteeringError {
    fn from(silent: Silent) -> Self {
        match silent {
            Silent::Stuck => Self::Stuck,
            Silent::Stopping => Self::Stopping,
        }
    }
}

/// The orders that hold, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) list: Vec<Order>,
    pub(super) books: Books,
    /// The last id that was given.
    pub(super) last: u64,
}

impl Orders {
    /// `files` with the orders on top.
    pub(super) fn over(&self, files: &Config) -> (Config, Vec<StandingOrder>) {
        overlay(files, &self.list)
    }

    /// Takes over what the books have; what has had its time while nobody was here is forgotten.
    fn resume(&mut self, rows: Vec<SteeringRow>, now: u64) {
        for row in rows {
            match serde_json::from_str::<Order>(&row.json) {
                Ok(order) if order.until <= now => {
                    let (id, sentence) = (order.id.as_str(), order.sentence());
                    tracing::info!(id, sentence, "an order's time was over before the start");
                    self.forget(&order);
                }
                Ok(order) => self.list.push(order),
                Err(error) => {
                    tracing::error!(id = row.id, %error, "an order in the books cannot be read, and is left out");
                }
            }
        }
        self.list.sort_by_key(|order| (order.since, number(order)));
        self.last = self.list.iter().map(number).max().unwrap_or_default();
    }

    pub(super) fn write(&self, order: &Order) {
        match serde_json::to_string(order) {
            Ok(json) => {
                let id = order.id.clone();
                self.books.write(Write::Steering(SteeringRow { id, json }));
            }
            Err(error) => tracing::error!(%error, "an order cannot be written down"),
        }
    }

    pub(super) fn forget(&self, order: &Order) {
        self.books.write(Write::SteeringEnded(order.id.clone()));
    }
}

/// The number of an order; where there are other replicas, a mark of the process that gave it comes after it.
pub(super) fn number(order: &Order) -> u64 {
    let number = order.id.split('-').next();
    number.and_then(|it| it.parse().ok()).unwrap_or_default()
}

impl Controller {
    /// Goes on with the orders, and the kill switch, that the books have.
    pub(super) fn resume_orders(&mut self, books: &Books) {
        // Also where they cannot be read now: what is ordered from here on waits to be written.
        self.orders.books = books.clone();
        let rows = match books.steering() {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "the orders in the books cannot be read");
                return;
            }
        };
        let (thrown, rows): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.id == switch::ROW);
        for row in thrown {
            switch::restore(&self.publisher.read().switch, &row);
        }
        self.orders.resume(rows, self.clock.unix_seconds());
        for order in &self.orders.list {
            let (sentence, by, until) = (order.sentence(), &order.by, order.ends());
            tracing::info!(id = order.id, sentence, by, until, "an order still holds");
        }
        if !self.orders.list.is_empty()
            && let Err(error) = self.put_in_force()
        {
            tracing::error!(%error, "the orders of before are not in force");
        }
    }

    /// Does what is asked about orders.
    pub(super) fn steer(&mut self, asked: Steer) {
        let now = self.clock.unix_seconds();
        // Who left was told that nothing is changed. Who leaves now finds the order in the list.
        match asked {
            Steer::Give { reply, .. } if reply.is_closed() => {}
            Steer::End { reply, .. } if reply.is_closed() => {}
            Steer::Give { wish, reply } => drop(reply.send(self.give(&wish, now))),
            Steer::End { id, by, reply } => drop(reply.send(self.end(&id, &by))),
        }
    }

    pub(super) fn give(&mut self, wish: &Wish, now: u64) -> Result<StandingOrder, SteeringError> {
        let snapshot = self.publisher.read();
        let shares = |route: &Route| -> BTreeMap<TargetName, Share> {
            let Some(route) = snapshot.route(route.name.as_str()) else {
                return BTreeMap::new();
            };
            let names = route.config.targets.iter().map(|it| it.name.clone());
            names
                .zip(route.in_force().shares().iter().copied())
                .collect()
        };
        let number = self.orders.last.saturating_add(1);
        let id = match self.mark() {
            Some(mark) => format!("{number}-{mark}"),
            None => number.to_string(),
        };
        let order = wish.order(id.clone(), &self.files, now, shares)?;
        let before = self.orders.list.clone();
        self.orders.list.retain(|other| !order.is_about(other));
        if self.orders.list.len() >= MOST_ORDERS {
            self.orders.list = before;
            let message = format!("{MOST_ORDERS} orders hold already; end some first");
            return Err(Refused::conflict(message).into());
        }
        self.orders.list.push(order.clone());
        let (next, standing) = self.orders.over(&self.files);
        let done = standing.into_iter().find(|it| it.order.id == id);
        // A mode of all that some route has its own order about holds for the others, and for that one later.
        let done_all = done
            .as_ref()
            .filter(|done| !matches!(done.order.act, Act::Mode { route: None, .. }));
        let refused = done_all
            .and_then(|done| done.idle.clone())
            .or_else(|| self.leaves_who_is_spent(&order, &next));
        let result = match refused {
            Some(why) => Err(Refused::conflict(why)),
            None => self.put_in_force().map_err(|error| {
                Refused::conflict(format!(
                    "a simulated provider could not be started: {error}"
                ))
            }),
        };
        if let Err(refused) = result {
            self.orders.list = before;
            return Err(refused.into());
        }
        self.orders.last = number;
        for old in before.iter().filter(|other| order.is_about(other)) {
            self.orders.forget(old);
        }
        self.orders.write(&order);
        let (sentence, until) = (order.sentence(), order.ends());
        tracing::warn!(
            id,
            sentence,
            by = order.by,
            reason = order.reason,
            until,
            "an order holds"
        );
        done.ok_or(SteeringError::Stopping)
    }

    /// Why a drain without force would leave some route to none but targets that a spent budget keeps requests away from,
    /// if it would: `next` is what it makes of the configuration.
    fn leaves_who_is_spent(&self, order: &Order, next: &Config) -> Option<String> {
        let Act::Drain { force: false, .. } = order.act else {
            return None;
        };
        let snapshot = self.publisher.read();
        let mut routes = snapshot.routes.iter().filter(|route| !route.config.closed);
        routes.find_map(|route| {
            let next = next.routes.get(&route.config.name)?;
            let takes = |config: &Route| -> Vec<Option<Spent>> {
                let targets = route.members.iter().zip(&config.targets);
                let targets = targets.filter(|(_, target)| target.weight > Weight::ZERO);
                targets
                    .map(|(member, _)| member.kept_away(Some(route), self.clock))
                    .collect()
            };
            let (before, after) = (takes(&route.config), takes(next));
            let spent: Option<Vec<Spent>> = after.into_iter().collect();
            let spent = spent.filter(|_| before.iter().any(Option::is_none))?;
            let why = spent.first()?.to_string();
            Some(nobody_left(&route.config.name, Some(&why)))
        })
    }

    fn end(&mut self, id: &str, by: &str) -> Result<Order, SteeringError> {
        let Some(order) = self.orders.list.iter().find(|it| it.id == id).cloned() else {
            let id = id.chars().take(100).collect();
            return Err(SteeringError::NoSuchOrder(id));
        };
        let ended = self.without(|it| it.id == id);
        ended.map_err(|error| Refused::conflict(format!("not ended: {error}")))?;
        tracing::warn!(id, sentence = order.sentence(), by, "an order was ended");
        Ok(order)
    }

    /// Ends what has had its time.
    pub(super) fn expire(&mut self, now: u64) {
        if self.orders.list.iter().all(|order| order.until > now) {
            return;
        }
        let over: Vec<Order> = self
            .orders
            .list
            .iter()
            .filter(|it| it.until <= now)
            .cloned()
            .collect();
        match self.without(|order| order.until <= now) {
            Ok(()) => {
                for order in over {
                    let (id, sentence, by) = (order.id.as_str(), order.sentence(), &order.by);
                    tracing::warn!(id, sentence, by, "an order has ended: its time is over");
                }
            }
            Err(error) => tracing::error!(%error, "orders whose time is over could not be ended"),
        }
        self.tell();
    }

    /// Puts in force what is left without some orders; they stay if that cannot be.
    fn without(&mut self, over: impl Fn(&Order) -> bool) -> io::Result<()> {
        let before = self.orders.list.clone();
        self.orders.list.retain(|order| !over(order));
        if let Err(error) = self.put_in_force() {
            self.orders.list = before;
            return Err(error);
        }
        for order in before.iter().filter(|order| over(order)) {
            self.orders.forget(order);
        }
        Ok(())
    }

    /// What `files` say with the orders, and with what was done about keys, on top.
    pub(super) fn effective(&self, files: &Config) -> (Config, Vec<StandingOrder>) {
        let (mut config, standing) = self.orders.over(files);
        config.issued = Arc::clone(&self.keys.issued);
        (config, standing)
    }

    /// Books that were begun anew get the orders again.
    pub(super) fn rewrite_orders(&self) {
        for order in &self.orders.list {
            self.orders.write(order);
        }
        if let Some(thrown) = self.publisher.read().switch.thrown() {
            let row = switch::row(&thrown);
            self.orders.books.write(Write::Steering(row));
        }
    }

    /// The files with the orders on top become what is in force.
    pub(super) fn put_in_force(&mut self) -> io::Result<()> {
        let old = self.publisher.read();
        let (config, standing) = self.effective(&self.files);
        let mut next = next_snapshot(&old, config, self.phase, self.simulate.as_mut())?;
        // The files are the same: generations count them.
        next.generation = old.generation;
        for (route, before) in next.routes.iter_mut().zip(&old.routes) {
            // Those that no order touches go on as they are.
            if Arc::ptr_eq(&route.config, &before.config) {
                let table_version = before.table_version;
                *route = Arc::new(crate::live::Route {
                    table_version,
                    ..(**route).clone()
                });
            }
        }
        self.line_up(&next);
        self.put_tables(&mut next);
        self.publisher.publish(next);
        self.board.steered(standing);
        Ok(())
    }
}
