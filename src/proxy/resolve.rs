//! What a request asks for, as the pools of targets that may serve it.
//!
//! In this order: the list that the request brings, the route that `model` names, the target that it names as
//! `provider/model`. All become [`Pool`]s, so that everything after this has one case. Who is eligible is settled here,
//! once: for the first draw, the draws after failures, the fallbacks and the last resorts alike.

use std::sync::Arc;
use std::time::Duration;

use super::Proxy;
use super::fitness::lack;
use super::pool::{Pool, Shares};
use super::question::{Question, Whose};
use super::reply::Reject;
use crate::balance::{
    Demand, ListMember, Mask, Rule, Weight, WeightTable, check_eligible, eligible, tilted,
};
use crate::config::{self, Deadlines, Fallback, Mode, OnLostOrigin, Strategy};
use crate::limit::{DEFAULT_CODES, Plan};
use crate::live::{Member, Route, Snapshot};
use crate::model::{Time, UpstreamName};
use crate::provider::surface::NamedBy;
use crate::wire::{Code, Extension, List, ListKind};

/// Everything that may serve a request, and how it is tried.
#[derive(Debug)]
pub(super) struct Asked {
    /// What was asked for.
    pub(super) pool: Pool,
    /// Where it may go when nobody there is left, in order; behind them where it goes when it is too long, and behind those
    /// where it goes when a content policy refuses it.
    pub(super) fallbacks: Vec<Pool>,
    /// How many of them are of which kind.
    pub(super) counts: Counts,
    /// What is tried again.
    pub(super) plan: Plan,
    /// How long each phase may take.
    pub(super) deadlines: Deadlines,
    /// Who chose the models.
    pub(super) named_by: NamedBy,
    /// Whether more than one provider may serve such requests, so that state in answers is marked.
    pub(super) seals: bool,
    /// What becomes of a conversation whose provider is gone.
    pub(super) on_lost_origin: OnLostOrigin,
}

/// How many fallbacks there are for what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// For when nobody else is left.
    pub(super) usual: usize,
    /// For what is too long.
    pub(super) context: usize,
    /// For what a content policy refuses.
    pub(super) filter: usize,
}

/// What everything here is looked up in and for.
#[derive(Clone, Copy, Debug)]
struct Scope<'a> {
    proxy: &'a Proxy,
    snapshot: &'a Snapshot,
    question: &'a Question,
}

/// Finds what `question` asks for.
///
/// # Errors
/// Nobody here is called that, lists are switched off, or no target is eligible.
pub(super) fn resolve(
    proxy: &Proxy,
    snapshot: &Snapshot,
    question: &Question,
) -> Result<Asked, Reject> {
    let asked = everybody(Scope {
        proxy,
        snapshot,
        question,
    })?;
    if asked.pool.eligible == Mask::NONE && asked.fallbacks.is_empty() {
        let message = "the provider that this conversation belongs to is not among the targets";
        return Err(Reject::new(Code::NoEligibleTarget, message).final_word());
    }
    Ok(asked)
}

/// The same; a conversation that belongs to somebody may find nobody.
fn everybody(scope: Scope<'_>) -> Result<Asked, Reject> {
    let Scope {
        proxy,
        snapshot,
        question,
    } = scope;
    let envelope = &question.envelope;
    let extension = &envelope.extension;
    if let Some(provider) = question.named_provider() {
        return at_provider(scope, provider);
    }
    if let Some(list) = &extension.list {
        let pool = list_pool(scope, list)?;
        return with_fallbacks(scope, own(snapshot, pool, extension));
    }
    if let Some(route) = snapshot.route(&envelope.model) {
        return of_route(scope, route);
    }
    let member = member(snapshot, &envelope.model, "model")?;
    let rule = lack(question, &member);
    if let (Some(rule), false) = (&rule, belongs(question)) {
        let rule = rule.clone();
        return Err(nobody_of(
            question,
            &format!("{:?}", envelope.model),
            &[rule],
            [envelope.model.as_str()],
        ));
    }
    let mut pool = single(proxy.labels.direct.clone(), snapshot, member);
    if rule.is_some() {
        pool.eligible = Mask::NONE;
    }
    with_fallbacks(scope, own(snapshot, pool, extension))
}

/// A provider that the path names: it gets the request once, since nobody here knows what a second time would do.
fn at_provider(scope: Scope<'_>, provider: &str) -> Result<Asked, Reject> {
    let (snapshot, model) = (scope.snapshot, &scope.question.envelope.model);
    let Some(member) = snapshot.at_provider(provider, model) else {
        return Err(unknown(snapshot, &format!("{provider}/{model}")).about("model"));
    };
    let pool = single(scope.proxy.labels.direct.clone(), snapshot, member);
    let mut asked = own(snapshot, pool, &Extension::default());
    asked.plan.attempts_max = 1;
    Ok(asked)
}

fn of_route(scope: Scope<'_>, route: &Arc<Route>) -> Result<Asked, Reject> {
    let extension = &scope.question.envelope.extension;
    let demand = demand_of(&route.config);
    let pool = route_pool(scope.question, route, &[demand])?;
    let (mut fallbacks, config, snapshot) = (Vec::new(), &route.config, scope.snapshot);
    if extension.fallbacks.is_empty() {
        for fallback in &config.fallbacks {
            // A fallback that the route's own rules leave nobody in is none.
            fallbacks.extend(fallback_pool(scope, fallback, &[demand]));
        }
    }
    let asked = Asked {
        pool,
        fallbacks,
        counts: Counts::default(),
        plan: plan(
            &config.retry.on_codes,
            config.retry.count,
            config.deadlines.total,
            extension,
        ),
        deadlines: config.deadlines,
        named_by: NamedBy::Operator,
        seals: several(snapshot, &route.members, &config.fallbacks),
        on_lost_origin: config.on_lost_origin,
    };
    let mut asked = with_fallbacks(scope, asked)?;
    for (list, count) in [
        (&config.context_fallbacks, &mut asked.counts.context),
        (&config.content_filter_fallbacks, &mut asked.counts.filter),
    ] {
        let before = asked.fallbacks.len();
        for fallback in list {
            asked
                .fallbacks
                .extend(fallback_pool(scope, fallback, &[demand]));
        }
        *count = asked.fallbacks.len() - before;
    }
    Ok(asked)
}

/// What a request names itself, with the defaults.
fn own(snapshot: &Snapshot, pool: Pool, extension: &Extension) -> Asked {
    let config::Defaults {
        deadlines,
        retry,
        on_lost_origin,
    } = &snapshot.config.defaults;
    Asked {
        seals: several(snapshot, pool.members(), &[]),
        on_lost_origin: *on_lost_origin,
        pool,
        fallbacks: Vec::new(),
        counts: Counts::default(),
        plan: plan(&retry.on_codes, retry.count, deadlines.total, extension),
        deadlines: *deadlines,
        named_by: NamedBy::Client,
    }
}

/// The plan of a route or the defaults, with what the request asks for in its place.
fn plan(on_codes: &[u16], retries: u32, total: Duration, extension: &Extension) -> Plan {
    let ask = extension.retry.clone().unwrap_or_default();
    let fallback_on = extension.fallback_on_codes.clone();
    Plan {
        attempts_max: ask.count.unwrap_or(retries).saturating_add(1),
        on_codes: ask.on_codes.unwrap_or_else(|| on_codes.to_vec()),
        fallback_on_codes: fallback_on.unwrap_or_else(|| DEFAULT_CODES.to_vec()),
        total,
    }
}

/// Adds the fallbacks that the request names; they keep the route's rules.
fn with_fallbacks(scope: Scope<'_>, mut asked: Asked) -> Result<Asked, Reject> {
    let (snapshot, extension) = (scope.snapshot, &scope.question.envelope.extension);
    let demands: Vec<Demand<'_>> = match &asked.pool.shares {
        Shares::Route(route) => vec![demand_of(&route.config)],
        Shares::Own { .. } => Vec::new(),
    };
    let mut pools = Vec::new();
    for (index, name) in extension.fallbacks.iter().enumerate() {
        let fallback = if let Some(route) = snapshot.route(name) {
            Fallback::Route(route.config.name.clone())
        } else {
            let param = format!("fallbacks[{index}].model");
            Fallback::Upstream(member(snapshot, name, &param)?.config.name.clone())
        };
        asked.seals = asked.seals
            || several(
                snapshot,
                asked.pool.members(),
                std::slice::from_ref(&fallback),
            );
        pools.extend(fallback_pool(scope, &fallback, &demands));
    }
    asked.fallbacks.extend(pools);
    asked.counts.usual = asked.fallbacks.len();
    Ok(asked)
}

/// The pool of `fallback`, if anybody in it fulfils the demands.
fn fallback_pool(scope: Scope<'_>, fallback: &Fallback, demands: &[Demand<'_>]) -> Option<Pool> {
    let (proxy, snapshot) = (scope.proxy, scope.snapshot);
    match fallback {
        Fallback::Route(name) => {
            let route = snapshot.route(name.as_str())?;
            let mut demands = demands.to_vec();
            demands.push(demand_of(&route.config));
            let pool = route_pool(scope.question, route, &demands).ok()?;
            (pool.eligible != Mask::NONE).then_some(pool)
        }
        Fallback::Upstream(name) => {
            let member = snapshot.member(name)?;
            check_eligible(&member.provider.config.tags, demands).ok()?;
            if lack(scope.question, &member).is_some() {
                return None;
            }
            Some(single(proxy.labels.direct.clone(), snapshot, member))
        }
    }
}

/// Whether `members` and `fallbacks` are of more than one provider, whoever of them may serve this very request.
fn several(snapshot: &Snapshot, members: &[Member], fallbacks: &[Fallback]) -> bool {
    let Some(first) = members.first() else {
        return false;
    };
    let first = first.config.name.provider();
    let differ = |members: &[Member]| {
        let mut names = members.iter().map(|member| member.config.name.provider());
        names.any(|name| name != first)
    };
    differ(members)
        || fallbacks.iter().any(|fallback| match fallback {
            Fallback::Upstream(name) => name.provider() != first,
            Fallback::Route(name) => {
                let route = snapshot.route(name.as_str());
                route.is_some_and(|route| differ(&route.members))
            }
        })
}

fn demand_of(route: &config::Route) -> Demand<'_> {
    Demand {
        require: &route.require,
        forbid: &route.forbid,
    }
}

fn route_pool(
    question: &Question,
    route: &Arc<Route>,
    demands: &[Demand<'_>],
) -> Result<Pool, Reject> {
    let free = demands
        .iter()
        .all(|demand| demand.require.is_empty() && demand.forbid.is_empty());
    let lack = |place: usize| lack(question, route.members.get(place)?);
    let all_can = || (0..route.members.len()).all(|place| lack(place).is_none());
    let eligible = if free && all_can() {
        // Drained targets have no share, so nobody draws them; the full mask keeps the draw's short way.
        Mask::ALL
    } else {
        let targets = route.config.targets.iter();
        let targets = targets.map(|target| (target.tags.as_slice(), target.weight));
        let found = eligible(targets, demands, lack);
        none_if_it_belongs(question, found).map_err(|broken| {
            let names = route.config.targets.iter();
            let names = names.map(|target| target.name.as_str());
            nobody_of(
                question,
                &format!("route {:?}", route.label),
                &broken,
                names,
            )
        })?
    };
    Ok(Pool {
        label: Arc::clone(&route.label),
        shares: Shares::Route(Arc::clone(route)),
        eligible,
    })
}

/// Whether only one provider may be asked.
const fn belongs(question: &Question) -> bool {
    matches!(question.whose, Whose::Only(_))
}

/// Who is eligible; of a pool without the provider that a conversation belongs to, nobody: it may be among the fallbacks.
fn none_if_it_belongs(
    question: &Question,
    found: Result<Mask, Vec<Rule>>,
) -> Result<Mask, Vec<Rule>> {
    match found {
        Err(_) if belongs(question) => Ok(Mask::NONE),
        found => found,
    }
}

/// The answer when no target is left: a request that nobody can read is the client's mistake.
fn nobody_of<'n>(
    question: &Question,
    whose: &str,
    broken: &[Rule],
    names: impl IntoIterator<Item = &'n str>,
) -> Reject {
    let unreadable = broken
        .iter()
        .any(|rule| matches!(rule, Rule::Unreadable(_)));
    if let (true, Some(Err(misread))) = (unreadable, question.neutral()) {
        let at = misread.at.clone();
        let reject = Reject::new(Code::InvalidRequestError, misread.to_string()).final_word();
        return if at.is_empty() {
            reject
        } else {
            reject.about(&at)
        };
    }
    let too_long = |rule: &Rule| matches!(rule, Rule::TooLong(_));
    let code = if broken.iter().any(too_long) {
        // Clients that shorten their conversations do so by this code.
        Code::ContextLengthExceeded
    } else {
        Code::NoEligibleTarget
    };
    let told: Vec<String> = names
        .into_iter()
        .zip(broken)
        .take(8)
        .map(|(name, rule)| format!("{name}: {rule}"))
        .collect();
    let message = format!(
        "no target of {whose} may serve this request ({})",
        told.join("; ")
    );
    Reject::new(code, message).final_word()
}

/// One target, drawn with certainty.
fn single(label: Arc<str>, snapshot: &Snapshot, member: Member) -> Pool {
    let whole =
        WeightTable::from_weights(&[Weight::DEFAULT]).expect("one positive weight is a table");
    Pool {
        label,
        shares: Shares::Own {
            members: Arc::from([member]),
            configured: whole.clone(),
            granted: whole,
            guarded: snapshot.config.mode == Mode::Auto,
            even: false,
        },
        eligible: Mask::ALL,
    }
}

/// The request's own list.
fn list_pool(scope: Scope<'_>, list: &List) -> Result<Pool, Reject> {
    let (proxy, snapshot) = (scope.proxy, scope.snapshot);
    let requests = &snapshot.config.requests;
    if !requests.lists {
        let message = "this server does not take lists of targets from requests \
                       (requests.lists = false); name a route in \"model\"";
        return Err(Reject::new(Code::InvalidRequestError, message).about("load_balancer"));
    }
    let mut members = Vec::with_capacity(list.entries.len());
    for (index, entry) in list.entries.iter().enumerate() {
        let param = format!("load_balancer.models[{index}].model");
        members.push(member(snapshot, &entry.model, &param)?);
    }
    let weights: Vec<Weight> = list
        .entries
        .iter()
        .map(|entry| effective(list.kind, entry.weight))
        .collect();
    let bad_table = |error: crate::balance::TableError| {
        Reject::new(Code::InvalidRequestError, error.to_string()).about("load_balancer")
    };
    let configured = WeightTable::from_weights(&weights).map_err(bad_table)?;
    let tilts = match list.kind {
        ListKind::Adaptive => true,
        ListKind::Unstated => requests.strategy == Strategy::Adaptive,
        ListKind::Weighted | ListKind::RoundRobin => false,
    };
    let granted = if tilts {
        tilted(&standings(&members, &weights)).map_err(bad_table)?
    } else {
        configured.clone()
    };
    let eligible = list_mask(scope.question, list, &members)?;
    Ok(Pool {
        label: proxy.labels.inline.clone(),
        shares: Shares::Own {
            members: members.into(),
            configured,
            granted,
            guarded: snapshot.config.mode == Mode::Auto,
            even: list.kind == ListKind::RoundRobin,
        },
        eligible,
    })
}

/// Who of a list can be asked.
fn list_mask(question: &Question, list: &List, members: &[Member]) -> Result<Mask, Reject> {
    let lack = |place: usize| lack(question, members.get(place)?);
    if (0..members.len()).all(|place| lack(place).is_none()) {
        return Ok(Mask::ALL);
    }
    let targets = list.entries.iter();
    let targets = targets.map(|entry| ([].as_slice(), entry.weight));
    let found = eligible(targets, &[], lack);
    none_if_it_belongs(question, found).map_err(|broken| {
        let names = list.entries.iter().map(|entry| entry.model.as_str());
        nobody_of(question, "the list", &broken, names)
    })
}

/// In a round robin everybody who is not drained counts the same.
fn effective(kind: ListKind, weight: Weight) -> Weight {
    match kind {
        ListKind::RoundRobin if weight != Weight::ZERO => Weight::DEFAULT,
        ListKind::RoundRobin | ListKind::Weighted | ListKind::Adaptive | ListKind::Unstated => {
            weight
        }
    }
}

fn standings(members: &[Member], weights: &[Weight]) -> Vec<ListMember> {
    let pairs = members.iter().zip(weights);
    pairs
        .map(|(member, weight)| ListMember {
            weight: *weight,
            standing: member.upstream.standing(),
            serving: member.upstream.gate().serving,
        })
        .collect()
}

/// The target that `text` names as `provider/model`.
fn member(snapshot: &Snapshot, text: &str, param: &str) -> Result<Member, Reject> {
    let found = UpstreamName::new(text)
        .ok()
        .and_then(|name| snapshot.member(&name));
    found.ok_or_else(|| unknown(snapshot, text).about(param))
}

/// The answer to a name that nobody here has, with those that look like it.
pub(super) fn unknown(snapshot: &Snapshot, text: &str) -> Reject {
    let shown: String = text.chars().take(100).collect();
    let near = nearest(snapshot, text);
    let hint = if near.is_empty() {
        "; GET /v1/models lists what there is".to_owned()
    } else {
        format!("; did you mean {}?", near.join(" or "))
    };
    let message = format!("no route and no target is called {shown:?}{hint}");
    Reject::new(Code::ModelNotFound, message).final_word()
}

/// Up to three names that are alike, best first.
fn nearest(snapshot: &Snapshot, text: &str) -> Vec<String> {
    let routes = snapshot.routes.iter().map(|route| route.label.to_string());
    let upstreams = snapshot.config.upstreams.keys().map(ToString::to_string);
    let mut alike: Vec<(f64, String)> = routes
        .chain(upstreams)
        .map(|name| (strsim::jaro_winkler(text, &name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    alike.truncate(3);
    alike
        .into_iter()
        .map(|(_, name)| format!("{name:?}"))
        .collect()
}

impl Asked {
    /// When the whole request must be over, if it came in at `started`.
    pub(super) fn due(&self, started: Time) -> Time {
        started.after(self.plan.total)
    }
}
