//! Which of the alerts that are new or over are told as messages of their own. Pure.
//!
//! A request that costs more than half of a budget reaches several of its thresholds at once. Each is an alert, counted,
//! listed and over by itself; three messages within a millisecond would only tell the same thrice. So those thresholds of one
//! budget and window that were reached at the same look are one message: the highest, which names the others. Which one that
//! is follows from the alerts themselves, so a start goes on with it: the highest that is open. When that one is over and
//! lower ones are not (a limit was raised), the highest of these is told in its place, so that whatever was told as firing is
//! told as resolved, and whatever holds was told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::register::Alert;
use crate::config::AlertKind;
use crate::limit::Window;
use crate::live::Claim;
use crate::model::Time;

/// Thresholds of one budget's window that were reached together.
type Group = (String, Time);

/// What is told together, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Telling {
    /// The messages.
    pub(super) messages: Vec<Alert>,
    /// Ids of the alerts that the first of them names beside its own.
    pub(super) with: Vec<String>,
}

impl Telling {
    /// What to ask for, where all replicas find the same out: they spend one budget, and its window begins everywhere at the
    /// same moment. `None` where each sees something of its own.
    pub(super) fn claim(&self) -> Option<Claim> {
        let first = self.messages.first()?;
        let ((window, _), _) = threshold(first)?;
        let with = self.with.iter().filter_map(|id| shared_id(id));
        Some(Claim {
            about: shared_id(&first.id)?.to_owned(),
            with: with.map(str::to_owned).collect(),
            is_over: first.resolved.is_some(),
            life: life(&window),
        })
    }
}

/// How long it is remembered who told: as long as its window, and a day more, in which its end is told.
fn life(window: &str) -> Duration {
    let label = window.rsplit('/').nth(1);
    let window = Window::ALL.into_iter().find(|it| Some(it.label()) == label);
    let days = match window {
        Some(Window::Hour) => 1,
        Some(Window::Day) => 2,
        Some(Window::Month) | None => 32,
    };
    Duration::from_secs(days * 86_400)
}

/// An alert's id without the moment at which this replica saw it: the same at all that see it.
pub(super) fn shared_id(id: &str) -> Option<&str> {
    id.rsplit_once('@').map(|(about, _)| about)
}

/// The messages about what is new or over, where `open` are the alerts that are open now.
pub(super) fn messages(news: &[Alert], open: &[Alert]) -> Vec<Telling> {
    let mut all = Vec::new();
    let mut groups: BTreeMap<Group, Vec<&Alert>> = BTreeMap::new();
    for alert in news {
        match threshold(alert) {
            Some((group, _)) => groups.entry(group).or_default().push(alert),
            None => all.push(Telling {
                messages: vec![alert.clone()],
                with: Vec::new(),
            }),
        }
    }
    for (group, news) in groups {
        let of_group = open.iter().filter(|alert| of(alert, &group));
        let now: Vec<&Alert> = of_group.collect();
        let over = || news.iter().filter(|alert| alert.resolved.is_some());
        let is_new = |alert: &&&Alert| news.iter().any(|it| it.id == alert.id);
        let before = now.iter().filter(|alert| !is_new(alert)).chain(over());
        let (told, to_tell) = (highest(before.copied()), highest(now.iter().copied()));
        let (mut messages, mut named) = (Vec::new(), None);
        if let Some(told) = told.filter(|told| told.resolved.is_some()) {
            let with: Vec<&Alert> = over().copied().filter(|it| it.id != told.id).collect();
            messages.push(naming(told, &with, "the same holds of"));
            named = Some(with);
        }
        if let Some(to_tell) = to_tell.filter(|it| told.is_none_or(|told| told.id != it.id)) {
            let others = now.iter().copied();
            let with: Vec<&Alert> = others.filter(|it| it.id != to_tell.id).collect();
            messages.push(naming(to_tell, &with, "reached with it:"));
            named.get_or_insert(with);
        }
        let with = named.unwrap_or_default().into_iter();
        let with = with.map(|it| it.id.clone()).collect();
        if !messages.is_empty() {
            all.push(Telling { messages, with });
        }
    }
    all
}

/// The group of a budget's alert, and its threshold in per cent; `None` of any other.
fn threshold(alert: &Alert) -> Option<(Group, f64)> {
    if alert.kind != AlertKind::Budget {
        return None;
    }
    let (about, _) = alert.id.rsplit_once('@')?;
    let (window, percent) = about.rsplit_once('/')?;
    let group = (window.to_owned(), alert.since);
    Some((group, percent.parse().ok()?))
}

fn of(alert: &Alert, group: &Group) -> bool {
    threshold(alert).is_some_and(|(its, _)| its == *group)
}

fn highest<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Option<&'a Alert> {
    let percent = |alert: &Alert| threshold(alert).map_or(0.0, |(_, percent)| percent);
    alerts.max_by(|a, b| percent(a).total_cmp(&percent(b)))
}

/// `alert` with the thresholds of others named in its message, the lowest first.
fn naming(alert: &Alert, others: &[&Alert], words: &str) -> Alert {
    let mut percents: Vec<f64> = others
        .iter()
        .filter_map(|other| Some(threshold(other)?.1))
        .collect();
    if percents.is_empty() {
        return alert.clone();
    }
    percents.sort_by(f64::total_cmp);
    let percents: Vec<String> = percents.iter().map(|it| format!("{it} %")).collect();
    let (message, percents) = (&alert.message, percents.join(" and "));
    Alert {
        message: format!("{message} ({words} {percents})"),
        ..alert.clone()
    }
}

#[cfg(test)]
#[path = "telling_tests.rs"]
mod tests;
