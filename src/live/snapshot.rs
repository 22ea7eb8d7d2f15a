//! Everything that a request reads, of one generation: configuration, tables, gates, meters.
//!
//! Immutable but for the measuring cells it points to, so configuration and tables can never disagree. A request reads it
//! once and keeps it, also across its retries.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use http::uri::{InvalidUri, Uri};

use super::allowance::Allowance;
use super::budgets::Budgets;
use super::clients::Clients;
use super::clock::Clock;
use super::keys::Keys;
use super::map::Map;
use super::ratings::Ratings;
use super::strangers::Strangers;
use super::switch::Switch;
use super::upstream::{RateGroup, Upstream};
use crate::balance::gate::{GateState, Gates, Row, Standing};
use crate::balance::{self, Decision, Draw, RouteInput, Scored, Seed, Spent, WeightTable};
use crate::config::{self, Capabilities, Config, Endpoint, Phases};
use crate::dialect::Front;
use crate::dialect::any::Target;
use crate::limit::AtLimit;
use crate::model::{TargetIndex, UpstreamName};
use crate::provider::manner::{BadSecret, Manner, PathAsk, Speech};

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

/// A provider with the address it is reached at.
#[derive(Debug)]
pub struct Provider {
    /// As configured.
    pub config: Arc<config::Provider>,
    /// Where its API is; for a simulated one the loopback socket it got.
    pub base: Endpoint,
    /// How it is called.
    pub manner: Manner,
    /// Whom it shares its rate limits with.
    pub group: Option<Arc<RateGroup>>,
    /// Which of its credentials work.
    pub keys: Keys,
    /// What may be spent there.
    pub budget: Option<Arc<Allowance>>,
    /// Addresses that nothing of a request stands in, as they were first asked for: of each front, as it came and said
    /// otherwise.
    uris: [[OnceLock<Uri>; 2]; Front::KNOWN.len()],
}

impl Provider {
    /// A provider at `base`; of `before` it takes over what is known of credentials that it still has.
    ///
    /// # Errors
    /// A credential that cannot stand in a header.
    pub fn new(
        config: Arc<config::Provider>,
        base: Endpoint,
        before: Option<&Self>,
    ) -> Result<Self, BadSecret> {
        let secrets: Vec<&str> = config.api_keys.iter().map(config::Secret::expose).collect();
        let manner = Manner::new(config.kind.interface(), &secrets)?;
        let mut manner = manner.with_headers(&config.headers)?;
        if config.login.is_some() {
            // A token stays good across reloads, but not for another login.
            let same = before.filter(|before| before.config.login == config.login);
            let access = same.and_then(|before| before.manner.access());
            manner = manner.with_access(access.cloned().unwrap_or_default());
        }
        let known = before.map(|before| (before.config.api_keys.as_slice(), &before.keys));
        let keys = Keys::new(&config.api_keys, known);
        Ok(Self {
            config,
            base,
            manner,
            keys,
            group: None,
            budget: None,
            uris: Default::default(),
        })
    }

    /// Where a request goes.
    ///
    /// # Errors
    /// What the request has of its own makes no address.
    pub fn uri(&self, ask: &PathAsk<'_>) -> Result<Uri, InvalidUri> {
        let front = Front::KNOWN.iter().position(|front| *front == ask.front);
        let front = front.filter(|_| self.manner.has_fixed_paths());
        let Some([native, other]) = front.and_then(|front| self.uris.get(front)) else {
            return self.manner.uri(&self.base, ask);
        };
        let known = match ask.speech {
            Speech::Native => native,
            Speech::Translated | Speech::Estimated => other,
        };
        if let Some(uri) = known.get() {
            return Ok(uri.clone());
        }
        let uri = self.manner.uri(&self.base, ask)?;
        Ok(known.get_or_init(|| uri).clone())
    }
}

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

/// 2³² / φ: steps of this size spread evenly over the circle however many are taken (Kronecker sequence).
const GOLDEN: u32 = 0x9E37_79B9;

/// What a route counts between two ticks, and where its draws stand.
#[derive(Debug)]
pub struct RouteCells {
    arrivals: AtomicU32,
    picked: Vec<AtomicU32>,
    picked_ever: Vec<AtomicU64>,
    even: AtomicU32,
    again: AtomicU32,
    /// How far each target is over the route's levels, as bits of an `f64`. Written by the tick alone.
    over: Vec<AtomicU64>,
    /// Whether the route's `min_quality` keeps each target away. Written by the tick alone.
    away: Vec<AtomicBool>,
    /// What applications said of its answers since the last tick.
    scores: Mutex<Vec<Scored>>,
    /// Halvings of the weight of its scores, as bits of an `f64`. Written by the tick alone.
    halvings: AtomicU64,
}

/// Scores of a route that one tick takes: a thousand a second, at four ticks a second. More than that are refused.
const MOST_SCORES: usize = 256;

impl RouteCells {
    /// Cells for `targets` targets; the draw sequences start at `phase`, random per process so that replicas differ.
    pub fn new(targets: usize, phase: u32) -> Self {
        Self {
            arrivals: AtomicU32::new(0),
            picked: (0..targets).map(|_| AtomicU32::new(0)).collect(),
            picked_ever: (0..targets).map(|_| AtomicU64::new(0)).collect(),
            even: AtomicU32::new(phase),
            again: AtomicU32::new(phase.rotate_left(16)),
            over: (0..targets).map(|_| AtomicU64::new(0)).collect(),
            away: (0..targets).map(|_| AtomicBool::new(false)).collect(),
            scores: Mutex::default(),
            halvings: AtomicU64::new(0),
        }
    }

    /// The next place of the low-discrepancy sequence, for first picks.
    pub fn even_draw(&self) -> Draw {
        Draw(self.even.fetch_add(GOLDEN, Ordering::Relaxed))
    }

    /// The next place of a second, independent sequence, for draws after a failure.
    pub fn redraw(&self) -> Draw {
        Draw(self.again.fetch_add(GOLDEN, Ordering::Relaxed))
    }

    /// How far `target` was over the route's levels at the last tick.
    fn over(&self, target: TargetIndex) -> f64 {
        let cell = self.over.get(target.get());
        cell.map_or(0.0, |cell| f64::from_bits(cell.load(Ordering::Relaxed)))
    }

    /// Whether the route's `min_quality` kept `target` away at the last tick.
    fn is_away(&self, target: TargetIndex) -> bool {
        let cell = self.away.get(target.get());
        cell.is_some_and(|cell| cell.load(Ordering::Relaxed))
    }

    /// What was decided: how far each target is over the route's levels, and whether its scores keep it away.
    pub fn found(&self, rows: &[balance::Row]) {
        let cells = self.over.iter().zip(&self.away);
        for ((over, away), row) in cells.zip(rows) {
            over.store(row.over().to_bits(), Ordering::Relaxed);
            away.store(row.is_away(), Ordering::Relaxed);
        }
    }

    /// Somebody rated an answer; tells whether there was room for it.
    pub fn rated(&self, scored: Scored) -> bool {
        let mut scores = self.scores();
        let has_room = scores.len() < MOST_SCORES;
        if has_room {
            scores.push(scored);
        }
        has_room
    }

    /// Halvings of the weight of the route's scores since the beginning, as of the last tick.
    pub fn halvings(&self) -> f64 {
        f64::from_bits(self.halvings.load(Ordering::Relaxed))
    }

    /// So often the weight of scores was halved by now.
    pub fn aged(&self, halvings: f64) {
        self.halvings.store(halvings.to_bits(), Ordering::Relaxed);
    }

    fn scores(&self) -> MutexGuard<'_, Vec<Scored>> {
        self.scores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request came.
    pub fn arrived(&self) {
        self.arrivals.fetch_add(1, Ordering::Relaxed);
    }

    /// `target` was a request's first pick.
    pub fn picked(&self, target: TargetIndex) {
        if let (Some(now), Some(ever)) = (
            self.picked.get(target.get()),
            self.picked_ever.get(target.get()),
        ) {
            now.fetch_add(1, Ordering::Relaxed);
            ever.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// First picks since the start, by target.
    pub fn picked_ever(&self) -> Vec<u64> {
        self.picked_ever
            .iter()
            .map(|cell| cell.load(Ordering::Relaxed))
            .collect()
    }

    /// For the controller: what came since the last tick.
    pub fn collect(&self) -> RouteInput {
        RouteInput {
            arrivals: self.arrivals.swap(0, Ordering::Relaxed),
            picked: self
                .picked
                .iter()
                .map(|cell| cell.swap(0, Ordering::Relaxed))
                .collect(),
            scores: std::mem::take(&mut *self.scores()),
        }
    }
}

/// The model's name in the books of requests that name none.
const UNNAMED: &str = "-";
