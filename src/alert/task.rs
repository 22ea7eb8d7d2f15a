//! The task that looks, and the handle by which others see what was raised.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::delivery::Deliveries;
use super::lately::Lately;
use super::message::Teller;
use super::register::{Alert, Register};
use super::sight::{Causes, Sight};
use super::telling::{Telling, messages};
use crate::config::AlertKind;
use crate::live::{Board, Clock, Ledger, Published};
use crate::store::{AlertRow, Books, Write};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Alerts of the books that a start takes over, at most: those that are open, and some to show.
const RESUMED: usize = 500;
/// Longest that the right to tell something is waited for: rounds with the engine are a second apart, and each takes less than
/// one. Halved, a busy engine has each replica tell; doubled, a message waits for six seconds where the engine has just gone.
const ASKING: Duration = Duration::from_secs(3);
/// News that are kept for those who follow them: a second of a bad day.
const NEWS: usize = 256;

/// What was raised. Written by the task, read by the admin API and the metrics.
#[derive(Debug, Default)]
pub struct Alerts {
    state: Mutex<State>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    register: Register,
    /// The number of the next piece of news.
    next: u64,
    news: VecDeque<Alert>,
    /// What the last process could not deliver, with the webhook that it is for.
    untold: Vec<(Alert, String)>,
}

impl Alerts {
    /// Goes on with what the books have: what is open there is not told again.
    pub fn resumed(books: &Books) -> Self {
        let read = |open| books.alerts(open, RESUMED).unwrap_or_default();
        let open = read(true).into_iter();
        let over = read(false).into_iter().filter(|row| row.resolved.is_some());
        let rows = open.chain(over);
        let untold = books.untold(RESUMED).unwrap_or_default().into_iter();
        let untold = untold.filter_map(|(row, message)| {
            let mut alert = alert(row)?;
            alert.resolved = alert.resolved.filter(|_| message.is_over);
            Some((alert, message.webhook))
        });
        let state = State {
            register: Register::resumed(rows.filter_map(alert)),
            untold: untold.collect(),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            lost: Arc::default(),
        }
    }

    /// The newest first; those that are over come after those that are open, if they are asked for.
    pub fn list(&self, only_open: bool) -> Vec<Alert> {
        let state = self.state();
        let mut all = state.register.open();
        if !only_open {
            all.extend(state.register.over().cloned());
        }
        all
    }

    /// How many of each kind are open.
    pub fn open(&self) -> Vec<(AlertKind, u64)> {
        let open = self.state().register.open();
        let count = |kind| open.iter().filter(|alert| alert.kind == kind).count() as u64;
        AlertKind::ALL.map(|kind| (kind, count(kind))).to_vec()
    }

    /// Messages that could not be delivered.
    pub fn undelivered(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The number of the next piece of news.
    pub fn now(&self) -> u64 {
        self.state().next
    }

    /// What came from the piece of news with the number `from` on, and the number to ask for next.
    pub fn since(&self, from: u64) -> (Vec<Alert>, u64) {
        let state = self.state();
        let first = state.next - state.news.len() as u64;
        let skip = from.clamp(first, state.next) - first;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        (state.news.iter().skip(skip).cloned().collect(), state.next)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is looked at, and who is told.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Where alerts are kept.
    pub alerts: Arc<Alerts>,
    /// What is in force.
    pub published: Published,
    /// What the controller shows.
    pub board: Arc<Board>,
    /// Requests that ended.
    pub ledger: Arc<Ledger>,
    /// The books.
    pub books: Books,
    /// The daemon's clock.
    pub clock: Clock,
    /// The environment's name, for messages.
    pub environment: String,
}

/// Looks each second until `stop` turns true.
pub async fn watch(watched: Watched, mut stop: watch::Receiver<bool>) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let lost = Arc::clone(&watched.alerts.lost);
    let teller = Teller {
        environment: watched.environment.as_str().into(),
        replica: watched.board.post().map(|it| it.replica().as_str().into()),
    };
    let mut deliveries = Deliveries::new(teller, watched.books.clone(), lost);
    let mut looking = Looking {
        cursor: watched.ledger.now(),
        lately: Lately::default(),
        causes: Causes::default(),
    };
    let mut asking: JoinSet<Vec<Alert>> = JoinSet::new();
    loop {
        let is_over = tokio::select! {
            _ = interval.tick() => false,
            Some(asked) = asking.join_next(), if !asking.is_empty() => {
                asked.unwrap_or_default().iter().for_each(|it| deliveries.send(it));
                continue;
            }
            changed = stop.changed() => changed.is_err() || *stop.borrow(),
        };
        if is_over {
            while let Some(asked) = asking.join_next().await {
                asked
                    .unwrap_or_default()
                    .iter()
                    .for_each(|it| deliveries.send(it));
            }
            deliveries.finish().await;
            return;
        }
        deliveries.follow(&watched.published.read().config.alerts.webhooks);
        let untold = std::mem::take(&mut watched.alerts.state().untold);
        deliveries.send_again(untold, watched.clock.now());
        let (news, open) = looking.look(&watched);
        for alert in &news {
            note(&watched.books, alert);
        }
        for telling in messages(&news, &open) {
            match right(&watched, &deliveries, &telling) {
                Some(answer) => drop(asking.spawn(if_granted(answer, telling, stop.clone()))),
                None => telling.messages.iter().for_each(|it| deliveries.send(it)),
            }
        }
    }
}

/// Asks for the right to tell it, where the other replicas find the same out and can be asked.
fn right(
    watched: &Watched,
    deliveries: &Deliveries,
    telling: &Telling,
) -> Option<oneshot::Receiver<bool>> {
    let post = watched.board.post()?;
    let claim = telling.claim()?;
    let is_told = deliveries.tell(AlertKind::Budget) && post.membership().is_joined();
    is_told.then(|| post.rights().ask(claim))
}

/// What is to be told: nothing where another replica tells it. Where nobody answers in time, and at the end, each tells.
async fn if_granted(
    answer: oneshot::Receiver<bool>,
    telling: Telling,
    mut stop: watch::Receiver<bool>,
) -> Vec<Alert> {
    let is_ours = tokio::select! {
        answer = tokio::time::timeout(ASKING, answer) => !matches!(answer, Ok(Ok(false))),
        _ = stop.wait_for(|stop| *stop) => true,
    };
    if is_ours {
        return telling.messages;
    }
    for alert in &telling.messages {
        tracing::info!(
            id = alert.id,
            "another replica tells webhooks of this alert"
        );
    }
    Vec::new()
}

/// What a look remembers for the next.
#[derive(Debug)]
struct Looking {
    cursor: u64,
    lately: Lately,
    causes: Causes,
}

impl Looking {
    /// Looks once; gives what is new and what is over, and then all that is open.
    fn look(&mut self, watched: &Watched) -> (Vec<Alert>, Vec<Alert>) {
        let (snapshot, now) = (watched.published.read(), watched.clock.now());
        let taken = watched.ledger.since(self.cursor);
        self.cursor = taken.next;
        self.lately.saw(&taken.records, &snapshot, now);
        let condition = watched.books.condition();
        let sight = Sight {
            snapshot: &snapshot,
            board: &watched.board,
            lately: &self.lately,
            store: condition.as_ref(),
            now,
        };
        let mut state = watched.alerts.state();
        let State {
            register,
            next,
            news: told,
            untold: _,
        } = &mut *state;
        let is_raised = |kind, about: &str| register.is_raised(kind, about);
        let conditions = sight.conditions(&mut self.causes, &is_raised);
        let news = register.look(now, conditions);
        for alert in &news {
            if told.len() == NEWS {
                told.pop_front();
            }
            told.push_back(alert.clone());
            *next += 1;
        }
        let open = if news.is_empty() {
            Vec::new()
        } else {
            register.open()
        };
        (news, open)
    }
}

/// Says it in the log and in the books.
fn note(books: &Books, alert: &Alert) {
    let (kind, subject, what) = (alert.kind.label(), &alert.subject, &alert.message);
    if alert.resolved.is_some() {
        tracing::info!(kind, subject, "an alert is over");
    } else {
        tracing::warn!(kind, subject, what, "an alert");
    }
    books.write(Write::Alert(row(alert)));
}

fn row(alert: &Alert) -> AlertRow {
    AlertRow {
        id: alert.id.clone(),
        kind: alert.kind.label().to_owned(),
        subject: alert.subject.clone(),
        since: alert.since,
        resolved: alert.resolved,
        message: alert.message.clone(),
    }
}

/// A row of the books; `None` for a kind of another version.
fn alert(row: AlertRow) -> Option<Alert> {
    Some(Alert {
        kind: AlertKind::named(&row.kind)?,
        id: row.id,
        subject: row.subject,
        message: row.message,
        since: row.since,
        resolved: row.resolved,
    })
}
