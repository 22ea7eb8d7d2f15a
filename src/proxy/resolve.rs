//! What a request asks for, as the pools of targets that may serve it.
//!
//! In this order: the list that the request brings, the route that `model` names, the target that it names as
//! `provider/model`. All become [`Pool`]s, so that everything after this has one case. Who is eligible is settled here,
//! once: for the first draw, the draws after failures, the fallbacks and the last resorts alike.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::Proxy;
use super::allowed::{anew, avoided, refused_for};
use super::fitness::{belongs, lack, nobody_of, none_if_others_may, unmet};
use super::listed::list_pool;
use super::named::{member, unknown};
use super::pool::{Pool, Shares};
use super::question::Question;
use super::reply::Reject;
use super::sticky::key;
use crate::balance::{
    Demand, Hold, Mask, Overruled, Rule, Weight, WeightTable, check_eligible, eligible,
};
use crate::config::{self, Deadlines, Fallback, OnLostOrigin};
use crate::limit::{DEFAULT_CODES, Plan};
use crate::live::{Member, Route, Snapshot};
use crate::model::{TargetIndex, Time, minute_of};
use crate::provider::surface::NamedBy;
use crate::wire::{Code, Extension};

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
    headers: &'a HeaderMap,
    question: &'a Question,
}

/// Finds what `question` asks for.
///
/// # Errors
/// Nobody here is called that, lists are switched off, or no target is eligible.
pub(super) fn resolve(
    proxy: &Proxy,
    snapshot: &Snapshot,
    headers: &HeaderMap,
    question: &Question,
) -> Result<Asked, Reject> {
    let scope = Scope {
        proxy,
        snapshot,
        headers,
        question,
    };
    let asked = everybody(scope)?;
    if asked.pool.eligible == Mask::NONE {
        if let Some(reject) = nothing_left(scope, &asked) {
            return Err(reject);
        }
        if asked.fallbacks.is_empty() {
            let message = match &asked.pool.shares {
                Shares::Route(route) if route.config.closed => closed(route),
                Shares::Route(_) | Shares::Own { .. } => {
                    "the provider that this conversation belongs to is not among the targets"
                        .to_owned()
                }
            };
            return Err(Reject::new(Code::NoEligibleTarget, message).final_word());
        }
    }
    Ok(asked)
}

/// What is said of a route whose targets orders have all take nothing, and until when. Whose orders these are, and why, is for
/// operators.
fn closed(route: &Route) -> String {
    let targets = route.config.targets.iter();
    let ends = targets.filter_map(|target| ordered(target.overruled.as_ref()));
    let until = ends
        .min()
        .map(|until| format!(" until {}", minute_of(until)));
    format!(
        "all targets of this route are drained by an operator's order{}",
        until.unwrap_or_default()
    )
}

/// When the order ends by which a target takes nothing, if it is one's.
fn ordered(overruled: Option<&Overruled>) -> Option<Time> {
    let order = overruled?;
    (order.hold == Hold::Drained).then_some(order.until)
}

/// Why a target without weight takes nothing.
fn idle(target: &config::Target) -> Rule {
    ordered(target.overruled.as_ref()).map_or(Rule::Drained, Rule::Ordered)
}

/// How it begins that nobody of a route may serve a request.
fn nobody_of_route(route: &Route) -> String {
    format!("no target of route {:?} may", route.label)
}

/// The same of a target that a request names.
fn never(target: &str) -> String {
    format!("target {target:?} may not")
}

/// The answer where budgets leave nobody, neither in the pool nor among the fallbacks.
fn nothing_left(scope: Scope<'_>, asked: &Asked) -> Option<Reject> {
    let is_closed = asked.pool.route().is_some_and(|route| route.config.closed);
    if asked.counts.usual > 0 || is_closed {
        return None;
    }
    let (question, clock, pool) = (scope.question, scope.proxy.clock, &asked.pool);
    let rules = pool.members().iter().enumerate().map(|(place, member)| {
        let route = pool.route().map(|route| &*route.config);
        let target = route.and_then(|route| route.targets.get(place));
        let tags = || check_eligible(&target?.tags, &[demand_of(route?)]).err();
        let spent = || avoided(pool.route(), member, clock);
        let rule = tags().or_else(|| lack(question, member)).or_else(spent);
        let rule = rule.unwrap_or_else(|| target.map_or(Rule::Drained, idle));
        let name = pool.name(TargetIndex::at(place));
        let name = name.map_or_else(|| member.config.name.to_string(), |it| it.to_string());
        (name, rule)
    });
    let (names, broken): (Vec<String>, Vec<Rule>) = rules.unzip();
    let until = anew(&broken)?;
    let names = names.iter().map(String::as_str);
    let nobody = match (&pool.shares, pool.members()) {
        (Shares::Route(route), _) => nobody_of_route(route),
        (Shares::Own { .. }, [only]) => never(only.config.name.as_str()),
        (Shares::Own { .. }, _) => "no target of the list may".to_owned(),
    };
    let reject = nobody_of(question, &nobody, &broken, names);
    Some(reject.retry_after(Some(until.since(clock.now()))))
}

/// The same; a conversation that belongs to somebody may find nobody.
fn everybody(scope: Scope<'_>) -> Result<Asked, Reject> {
    let Scope {
        proxy,
        snapshot,
        question,
        ..
    } = scope;
    let envelope = &question.envelope;
    let extension = &envelope.extension;
    if let Some(provider) = question.named_provider() {
        return at_provider(scope, provider);
    }
    if let Some(list) = &extension.list {
        let pool = list_pool(scope.proxy, scope.snapshot, question, list)?;
        return with_fallbacks(scope, own(snapshot, pool, extension));
    }
    if let Some(route) = snapshot.route(&envelope.model) {
        return of_route(scope, route);
    }
    let member = member(snapshot, &envelope.model, "model")?;
    let rule = lack(question, &member);
    let spent = avoided(None, &member, proxy.clock);
    if let (Some(rule), false) = (&rule, belongs(question)) {
        let rule = rule.clone();
        return Err(nobody_of(
            question,
            &never(&envelope.model),
            &[rule],
            [envelope.model.as_str()],
        ));
    }
    let mut pool = single(proxy.labels.direct.clone(), snapshot, member);
    if rule.is_some() || spent.is_some() {
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
    if let Some(rule) = unmet(scope.question, &member) {
        let nobody = format!("no target of provider {provider:?} may");
        return Err(nobody_of(scope.question, &nobody, &[rule], [provider]));
    }
    let spent = avoided(None, &member, scope.proxy.clock);
    let mut pool = single(scope.proxy.labels.direct.clone(), snapshot, member);
    if spent.is_some() {
        pool.eligible = Mask::NONE;
    }
    let mut asked = own(snapshot, pool, &Extension::default());
    asked.plan.attempts_max = 1;
    Ok(asked)
}

fn of_route(scope: Scope<'_>, route: &Arc<Route>) -> Result<Asked, Reject> {
    let extension = &scope.question.envelope.extension;
    let demand = demand_of(&route.config);
    let pool = route_pool(scope, route, &[demand])?;
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
            let pool = route_pool(scope, route, &demands).ok()?;
            (pool.eligible != Mask::NONE).then_some(pool)
        }
        Fallback::Upstream(name) => {
            let member = snapshot.member(name)?;
            check_eligible(&member.provider.config.tags, demands).ok()?;
            if lack(scope.question, &member).is_some()
                || avoided(None, &member, proxy.clock).is_some()
            {
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
    scope: Scope<'_>,
    route: &Arc<Route>,
    demands: &[Demand<'_>],
) -> Result<Pool, Reject> {
    let question = scope.question;
    let free = demands
        .iter()
        .all(|demand| demand.require.is_empty() && demand.forbid.is_empty());
    if let Some(reject) = refused_for(route, scope.proxy.clock) {
        return Err(reject);
    }
    let lack = |place: usize| {
        let member = route.members.get(place)?;
        lack(question, member).or_else(|| avoided(Some(route), member, scope.proxy.clock))
    };
    let all_can = || (0..route.members.len()).all(|place| lack(place).is_none());
    let eligible = if route.config.closed {
        // Fallbacks, if there are any, or nobody.
        Mask::NONE
    } else if free && all_can() {
        // Drained targets have no share, so nobody draws them; the full mask keeps the draw's short way.
        Mask::ALL
    } else {
        let targets = route.config.targets.iter();
        let targets = targets.map(|target| (target.tags.as_slice(), target.weight));
        let found = eligible(targets, demands, lack);
        none_if_others_may(question, found).map_err(|mut broken| {
            for (rule, target) in broken.iter_mut().zip(&route.config.targets) {
                if *rule == Rule::Drained {
                    *rule = idle(target);
                }
            }
            let names = route.config.targets.iter();
            let names = names.map(|target| target.name.as_str());
            nobody_of(question, &nobody_of_route(route), &broken, names)
        })?
    };
    Ok(Pool {
        label: Arc::clone(&route.label),
        shares: Shares::Route(Arc::clone(route)),
        eligible,
        key: key(&route.config.sticky, question, scope.headers),
    })
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
            guarded: snapshot.guards(),
            even: false,
        },
        eligible: Mask::ALL,
        key: None,
    }
}

impl Asked {
    /// When the whole request must be over, if it came in at `started`.
    pub(super) fn due(&self, started: Time) -> Time {
        started.after(self.plan.total)
    }
}
