//! Which of the alerts that are new or over are told as messages of their own. Pure.
//!
//! A request that costs more than half of a budget reaches several of its thresholds at once. Each is an alert, counted,
//! listed and over by itself; three messages within a millisecond would only tell the same thrice. So those thresholds of one
//! budget and window that were reached at the same look are one message: the highest, which names the others. Which one that
//! is follows from the alerts themselves, so a start goes on with it: the highest that is open. When that one is over and
//! lower ones are not (a limit was raised), the highest of these is told in its place, so that whatever was told as firing is
//! told as resolved, and whatever holds was told.

use std::collections::BTreeMap;

use super::register::Alert;
use crate::config::AlertKind;
use crate::model::Time;

/// Thresholds of one budget's window that were reached together.
type Group = (String, Time);

/// The messages about what is new or over, where `open` are the alerts that are open now.
pub(super) fn messages(news: &[Alert], open: &[Alert]) -> Vec<Alert> {
    let mut messages = Vec::new();
    let mut groups: BTreeMap<Group, Vec<&Alert>> = BTreeMap::new();
    for alert in news {
        match threshold(alert) {
            Some((group, _)) => groups.entry(group).or_default().push(alert),
            None => messages.push(alert.clone()),
        }
    }
    for (group, news) in groups {
        let of_group = open.iter().filter(|alert| of(alert, &group));
        let now: Vec<&Alert> = of_group.collect();
        let over = || news.iter().filter(|alert| alert.resolved.is_some());
        let is_new = |alert: &&&Alert| news.iter().any(|it| it.id == alert.id);
        let before = now.iter().filter(|alert| !is_new(alert)).chain(over());
        let (told, to_tell) = (highest(before.copied()), highest(now.iter().copied()));
        if let Some(told) = told.filter(|told| told.resolved.is_some()) {
            let with: Vec<&Alert> = over().copied().filter(|it| it.id != told.id).collect();
            messages.push(naming(told, &with, "the same holds of"));
        }
        if let Some(to_tell) = to_tell.filter(|it| told.is_none_or(|told| told.id != it.id)) {
            let with: Vec<&Alert> = now
                .iter()
                .copied()
                .filter(|it| it.id != to_tell.id)
                .collect();
            messages.push(naming(to_tell, &with, "reached with it:"));
        }
    }
    messages
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
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn at(second: u64) -> Time {
        Time::from_micros(second * 1_000_000)
    }

    fn reached(percent: u32, since: u64) -> Alert {
        let since = at(since);
        Alert {
            id: format!("budget:provider/one/day/0/{percent}@{}", since.as_micros()),
            kind: AlertKind::Budget,
            subject: "provider one, day".to_owned(),
            message: format!("{percent} % are spent"),
            since,
            resolved: None,
        }
    }

    fn over(alert: &Alert) -> Alert {
        Alert {
            resolved: Some(at(90)),
            ..alert.clone()
        }
    }

    fn told(news: &[Alert], open: &[Alert]) -> Vec<(String, bool)> {
        let message = |it: Alert| (it.message, it.resolved.is_some());
        messages(news, open).into_iter().map(message).collect()
    }

    fn said(message: &str, is_over: bool) -> (String, bool) {
        (message.to_owned(), is_over)
    }

    #[test]
    fn thresholds_reached_together_are_one_message_and_are_over_as_one() {
        let all = [50, 80, 100].map(|percent| reached(percent, 10));
        let together = "100 % are spent (reached with it: 50 % and 80 %)";
        assert_eq!(told(&all, &all), [said(together, false)]);
        let gone = all.each_ref().map(over);
        let over_together = "100 % are spent (the same holds of 50 % and 80 %)";
        assert_eq!(told(&gone, &[]), [said(over_together, true)]);
    }

    #[test]
    fn thresholds_reached_one_after_the_other_are_told_and_over_by_themselves() {
        let (half, whole) = (reached(50, 10), reached(100, 20));
        let half_alone = [said("50 % are spent", false)];
        assert_eq!(told(from_ref(&half), from_ref(&half)), half_alone);
        let open = [half.clone(), whole.clone()];
        assert_eq!(
            told(from_ref(&whole), &open),
            [said("100 % are spent", false)]
        );
        let gone = [over(&half), over(&whole)];
        let both = [said("50 % are spent", true), said("100 % are spent", true)];
        assert_eq!(told(&gone, &[]), both);
    }

    #[test]
    fn a_raised_limit_leaves_what_still_holds_told() {
        let [half, more, whole] = [50, 80, 100].map(|percent| reached(percent, 10));
        let open = [half.clone(), more.clone()];
        assert_eq!(
            told(&[over(&whole)], &open),
            [
                said("100 % are spent", true),
                said("80 % are spent (reached with it: 50 %)", false),
            ]
        );
        // From here on the one of 80 % stands for both.
        assert_eq!(told(&[over(&half)], from_ref(&more)), []);
        assert_eq!(told(&[over(&more)], &[]), [said("80 % are spent", true)]);
    }

    #[test]
    fn whatever_is_no_budget_is_told_as_it_is() {
        let other = Alert {
            id: "ejected:a/m@1".to_owned(),
            kind: AlertKind::Ejected,
            ..reached(50, 10)
        };
        assert_eq!(messages(from_ref(&other), from_ref(&other)), [other]);
    }
}
