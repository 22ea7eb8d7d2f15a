//! The pool of a list that a request brings itself.

use super::Proxy;
use super::allowed::avoided;
use super::fitness::{lack, nobody_of, none_if_others_may};
use super::named::member;
use super::pool::{Pool, Shares};
use super::question::Question;
use super::reply::Reject;
use crate::balance::{ListMember, Mask, Weight, WeightTable, eligible, tilted};
use crate::config::Strategy;
use crate::live::{Member, Snapshot};
use crate::wire::{Code, List, ListKind};

/// The request's own list.
pub(super) fn list_pool(
    proxy: &Proxy,
    snapshot: &Snapshot,
    question: &Question,
    list: &List,
) -> Result<Pool, Reject> {
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
    let eligible = list_mask(proxy, question, list, &members)?;
    Ok(Pool {
        label: proxy.labels.inline.clone(),
        shares: Shares::Own {
            members: members.into(),
            configured,
            granted,
            guarded: snapshot.guards(),
            even: list.kind == ListKind::RoundRobin,
        },
        eligible,
        // The request's weights hold exactly, which keys could not promise.
        key: None,
    })
}

/// Who of a list can be asked.
fn list_mask(
    proxy: &Proxy,
    question: &Question,
    list: &List,
    members: &[Member],
) -> Result<Mask, Reject> {
    let lack = |place: usize| {
        let member = members.get(place)?;
        lack(question, member).or_else(|| avoided(None, member, proxy.clock))
    };
    if (0..members.len()).all(|place| lack(place).is_none()) {
        return Ok(Mask::ALL);
    }
    let targets = list.entries.iter();
    let targets = targets.map(|entry| ([].as_slice(), entry.weight));
    let found = eligible(targets, &[], lack);
    none_if_others_may(question, found).map_err(|broken| {
        let names = list.entries.iter().map(|entry| entry.model.as_str());
        nobody_of(question, "no target of the list may", &broken, names)
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
