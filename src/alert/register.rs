//! What was raised: each condition once, until it is over. Pure: a function of what holds and when.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::config::AlertKind;
use crate::model::Time;

/// Alerts that are over and still shown, at most; the books have them for longer.
const MOST_OVER: usize = 500;
/// How long what was raised before a start must be away to be over: a start knows nothing of the minute before it, and has
/// decided nothing, so that what still holds takes a while to be seen. Halved, a slow route's errors are told twice; doubled,
/// what is over is told two minutes late.
const RESUMED_OVER_AFTER: Duration = Duration::from_secs(75);
/// Alerts that are open, at most. What is configured bounds them; beyond this something runs wild.
const MOST_OPEN: usize = 5_000;

/// Something that holds now and should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Of which kind.
    pub kind: AlertKind,
    /// Tells it from others of its kind; stays the same as long as it is the same.
    pub about: String,
    /// About whom, for people.
    pub subject: String,
    /// What is wrong and what to do, in sentences. Holds no credential.
    pub message: String,
    /// How long it must hold before it is raised.
    pub raise_after: Duration,
    /// How long it must be away before it is over.
    pub over_after: Duration,
}

/// A warning that was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Unique: kind, about what, since when.
    pub id: String,
    /// Of which kind.
    pub kind: AlertKind,
    /// About whom, for people.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// Since when.
    pub since: Time,
    /// Since when no more.
    pub resolved: Option<Time>,
}

#[derive(Debug)]
enum State {
    /// Not told yet.
    Held { since: Time },
    /// Told.
    Raised {
        alert: Alert,
        away_since: Option<Time>,
        over_after: Duration,
    },
}

/// All that holds or was raised.
#[derive(Debug, Default)]
pub(super) struct Register {
    known: BTreeMap<(AlertKind, String), State>,
    /// Those that are over, oldest first.
    over: VecDeque<Alert>,
}

impl Register {
    /// A register that goes on with what was raised before, so that it is not told again. What is over is kept to be shown.
    pub(super) fn resumed(alerts: impl IntoIterator<Item = Alert>) -> Self {
        let mut register = Self::default();
        for alert in alerts {
            let about = about(&alert);
            match (alert.resolved, about) {
                (None, Some(about)) => {
                    let key = (alert.kind, about);
                    let raised = State::Raised {
                        alert,
                        away_since: None,
                        over_after: RESUMED_OVER_AFTER,
                    };
                    register.known.insert(key, raised);
                }
                (Some(_), _) | (None, None) => register.over.push_front(alert),
            }
        }
        register
    }

    /// Takes in what holds `now`; gives what is new and what is over.
    pub(super) fn look(&mut self, now: Time, conditions: Vec<Condition>) -> Vec<Alert> {
        let mut news = Vec::new();
        let mut held = BTreeSet::new();
        for condition in conditions {
            held.insert((condition.kind, condition.about.clone()));
            news.extend(self.holds(now, condition));
        }
        self.leave(now, &held, &mut news);
        news
    }

    /// One condition holds; gives it if it is to be told now.
    fn holds(&mut self, now: Time, condition: Condition) -> Option<Alert> {
        let key = (condition.kind, condition.about.clone());
        let room = self.known.len() < MOST_OPEN;
        let known = self.known.get_mut(&key);
        let since = match known {
            Some(State::Raised {
                alert,
                away_since,
                over_after,
            }) => {
                alert.message = condition.message;
                *over_after = condition.over_after;
                *away_since = None;
                return None;
            }
            Some(State::Held { since }) => *since,
            None if room => now,
            None => return None,
        };
        if now.since(since) < condition.raise_after {
            self.known.insert(key, State::Held { since });
            return None;
        }
        let alert = Alert {
            id: format!(
                "{}:{}@{}",
                condition.kind.label(),
                condition.about,
                now.as_micros()
            ),
            kind: condition.kind,
            subject: condition.subject,
            message: condition.message,
            since: now,
            resolved: None,
        };
        let raised = State::Raised {
            alert: alert.clone(),
            away_since: None,
            over_after: condition.over_after,
        };
        self.known.insert(key, raised);
        Some(alert)
    }

    /// What does not hold any more goes, once it has been away for long enough.
    fn leave(&mut self, now: Time, held: &BTreeSet<(AlertKind, String)>, news: &mut Vec<Alert>) {
        let over = &mut self.over;
        self.known.retain(|key, state| {
            if held.contains(key) {
                return true;
            }
            let State::Raised {
                alert,
                away_since,
                over_after,
            } = state
            else {
                return false;
            };
            let since = *away_since.get_or_insert(now);
            if now.since(since) < *over_after {
                return true;
            }
            alert.resolved = Some(now);
            news.push(alert.clone());
            if over.len() == MOST_OVER {
                over.pop_front();
            }
            over.push_back(alert.clone());
            false
        });
    }

    /// Whether this was raised and is not over.
    pub(super) fn is_raised(&self, kind: AlertKind, about: &str) -> bool {
        let key = (kind, about.to_owned());
        matches!(self.known.get(&key), Some(State::Raised { .. }))
    }

    /// Those that are open, the newest first.
    pub(super) fn open(&self) -> Vec<Alert> {
        let raised = self.known.values().filter_map(|state| match state {
            State::Raised { alert, .. } => Some(alert.clone()),
            State::Held { .. } => None,
        });
        let mut open: Vec<Alert> = raised.collect();
        open.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.id.cmp(&b.id)));
        open
    }

    /// Those that are over, the newest first.
    pub(super) fn over(&self) -> impl Iterator<Item = &Alert> {
        self.over.iter().rev()
    }
}

/// What an alert is about, by its id.
fn about(alert: &Alert) -> Option<String> {
    let (key, _) = alert.id.rsplit_once('@')?;
    let about = key.strip_prefix(alert.kind.label())?.strip_prefix(':')?;
    Some(about.to_owned())
}

#[cfg(test)]
#[path = "register_tests.rs"]
mod tests;
