//! Everything that a request reads, of one generation: configuration, tables, gates, meters.
//!
//! Immutable but for the measuring cells it points to, so configuration and tables can never disagree. A request reads it
//! once and keeps it, also across its retries.

use std::sync::Arc;

use super::allowance::Allowance;
use super::budgets::Budgets;
use super::cells::RouteCells;
use super::clients::Clients;
use super::clock::Clock;
use super::map::Map;
use super::member::Member;
use super::provider::Provider;
use super::ratings::Ratings;
use super::strangers::Strangers;
use super::switch::Switch;
use crate::balance::gate::Row;
use crate::balance::{Decision, Seed, WeightTable};
use crate::config::{self, Config};
use crate::model::UpstreamName;

/// The model's name in the books of requests that name none.
const UNNAMED: &str = "-";

/// One generation.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Counts applied configurations, from 1.
    pub generation: u64,
    /// The configuration.
    pub config: Arc<Config>,
    /// Providers by name, with the address they are reached at.
    pub providers: Arc<Map<String, Arc<Provider>>>,
    /// Routes by the order of their names.
    pub routes: Vec<Arc<Route>>,
    /// Positions in `routes` by name.
    pub route_index: Arc<Map<String, usize>>,
    /// Configured upstreams by name.
    pub upstreams: Arc<Map<String, Member>>,
    /// Upstreams that only requests have named.
    pub strangers: Arc<Strangers>,
    /// The kill switch, one for all snapshots of a process.
    pub switch: Arc<Switch>,
    /// What may be spent, and what was.
    pub budgets: Arc<Budgets>,
    /// Who may call.
    pub clients: Arc<Clients>,
    /// Which answers can be rated, the same in all snapshots of a process.
    pub ratings: Arc<Ratings>,
}

/// A route with its shares.
#[derive(Clone, Debug)]
pub struct Route {
    /// As configured.
    pub config: Arc<config::Route>,
    /// Its name, for labels.
    pub label: Arc<str>,
    /// Its targets, in the order of the tables.
    pub members: Arc<[Member]>,
    /// The configured shares.
    pub configured: WeightTable,
    /// The shares in force.
    pub granted: WeightTable,
    /// Counts the tables published for this route.
    pub table_version: u64,
    /// Arrivals, first picks and the draw sequences; kept across tables.
    pub cells: Arc<RouteCells>,
    /// What its targets' scores for a conversation are made with, in the order of the tables.
    pub seeds: Arc<[Seed]>,
    /// The kill switch.
    pub switch: Arc<Switch>,
    /// What may be spent for its requests.
    pub budget: Option<Arc<Allowance>>,
}

impl Snapshot {
    /// The route of this name.
    pub fn route(&self, name: &str) -> Option<&Arc<Route>> {
        self.routes.get(*self.route_index.get(name)?)
    }

    /// Whether requests that bring their own targets are guarded.
    pub fn guards(&self) -> bool {
        self.config.mode == config::Mode::Auto && !self.switch.is_off()
    }

    /// What serves a request that names the `provider` and, perhaps, a `model`; `None` if there is no such provider, or it
    /// is not to serve that model.
    pub fn at_provider(&self, provider: &str, model: &str) -> Option<Member> {
        let found = self.providers.get(provider)?;
        if let Ok(name) = UpstreamName::new(&format!("{provider}/{model}")) {
            return self.member(&name);
        }
        let name = UpstreamName::new(&format!("{provider}/{UNNAMED}")).ok()?;
        let upstream = config::Upstream {
            name,
            provider: Arc::clone(&found.config),
            price: None,
        };
        let group = found.group.as_ref();
        let cells = self.strangers.upstream(&upstream.name, group);
        Some(Member::new(cells, Arc::new(upstream), Arc::clone(found)))
    }

    /// `member` has answered: if only requests name it, it is known by its own name from now on.
    pub fn served(&self, member: &Member) {
        let name = &member.config.name;
        if !self.upstreams.contains_key(name.as_str()) {
            self.strangers.served(name, member.provider.group.as_ref());
        }
    }

    /// What serves `provider/model`, if the provider exists and takes the model.
    pub fn member(&self, name: &UpstreamName) -> Option<Member> {
        if let Some(member) = self.upstreams.get(name.as_str()) {
            return Some(member.clone());
        }
        let provider = self.providers.get(name.provider().as_str())?;
        let models = &provider.config.models;
        if !models.is_empty() && !models.iter().any(|model| model == name.model()) {
            return None;
        }
        let price = self.config.price(name, &provider.config);
        let upstream = config::Upstream {
            name: name.clone(),
            provider: Arc::clone(&provider.config),
            price,
        };
        let cells = self.strangers.upstream(name, provider.group.as_ref());
        Some(Member::new(cells, Arc::new(upstream), Arc::clone(provider)))
    }
}

impl Route {
    /// Notes in a `decision` about this route which targets a spent budget keeps requests away from, or refuses those of.
    pub fn note_spent(&self, decision: &mut Decision, clock: Clock) {
        for (row, member) in decision.rows.iter_mut().zip(self.members.iter()) {
            row.spent = member.out_of_budget(self, clock);
        }
    }

    /// The shares that a request of this route is drawn from.
    pub fn row(&self) -> Row<'_> {
        Row {
            granted: self.in_force(),
            configured: &self.configured,
            guarded: self.config.mode == config::Mode::Auto && !self.switch.is_off(),
        }
    }

    /// The shares in force: those that were granted, unless the kill switch is off.
    pub fn in_force(&self) -> &WeightTable {
        if self.switch.is_off() {
            &self.configured
        } else {
            &self.granted
        }
    }

    /// What the scores of a route's targets are made with, from their names.
    pub fn seeds(config: &config::Route) -> Arc<[Seed]> {
        let names = config.targets.iter().map(|target| target.name.as_str());
        names.map(Seed::of).collect()
    }
}
