//! One task a login, as long as the configuration has it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::google::Google;
use super::{Fresh, NoToken};
use crate::config::Login;
use crate::live::{Clock, Published};
use crate::model::Time;
use crate::provider::access::Access;

/// Before the end of a credential that a new one is there.
const MARGIN: Duration = Duration::from_secs(300);
/// Between two looks at one that ends soon: a machine's server hands out the same one until it makes another.
const AGAIN: Duration = Duration::from_secs(15);
/// After the first failure; twice as long after each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Longest time between two tries: what was mended is found within it.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
/// One try.
const LONGEST_TRY: Duration = Duration::from_secs(20);
/// What a start waits for first credentials, so that the first requests have them.
const START: Duration = Duration::from_secs(5);

/// Keeps the credentials of all logins fresh. Owner of their tasks, which end with it.
#[derive(Debug)]
pub struct Keeper {
    published: Published,
    generations: watch::Receiver<u64>,
    clock: Clock,
    google: Google,
    tasks: JoinSet<()>,
    held: Vec<(Arc<Access>, AbortHandle)>,
}

/// One login's task.
pub(super) struct Holder {
    pub(super) provider: String,
    pub(super) login: Login,
    pub(super) access: Arc<Access>,
    pub(super) google: Google,
    pub(super) clock: Clock,
}

// === impl Keeper ===

impl Keeper {
    /// A keeper of the logins that are `published`.
    pub fn new(published: Published, clock: Clock) -> Self {
        Self {
            generations: published.generations(),
            published,
            clock,
            google: Google::default(),
            tasks: JoinSet::new(),
            held: Vec::new(),
        }
    }

    /// Fetches a first credential for each login; returns when each was tried once, and after five seconds anyway.
    pub async fn first(&mut self) {
        let tried = self.line_up();
        let all = async {
            for one in tried {
                // It has tried, or it is gone: both are an end.
                drop(one.await);
            }
        };
        if timeout(START, all).await.is_err() {
            tracing::warn!(
                "not all credentials are there yet; requests that need them go elsewhere"
            );
        }
    }

    /// Renews until `stop` turns true, and follows the configuration.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            drop(self.line_up());
            tokio::select! {
                changed = self.generations.changed() => if changed.is_err() {
                    return;
                },
                Some(ended) = self.tasks.join_next() => {
                    if ended.is_err_and(|error| error.is_panic()) {
                        tracing::error!("the renewal of a credential failed and begins anew");
                    }
                }
                changed = stop.changed() => if changed.is_err() || *stop.borrow() {
                    return;
                },
            }
        }
    }

    /// Ends the tasks of logins that are gone and starts those of new ones; tells when each of these has tried once.
    fn line_up(&mut self) -> Vec<oneshot::Receiver<()>> {
        self.generations.mark_unchanged();
        let snapshot = self.published.read();
        let wanted: Vec<_> = snapshot
            .providers
            .values()
            .filter_map(|it| Some((it, it.config.login.as_ref()?, it.manner.access()?)))
            .collect();
        self.held.retain(|(access, task)| {
            let is_wanted = wanted
                .iter()
                .any(|(.., wanted)| Arc::ptr_eq(wanted, access));
            if !is_wanted {
                task.abort();
            }
            is_wanted && !task.is_finished()
        });
        let mut tried = Vec::new();
        for (provider, login, access) in wanted {
            if self.held.iter().any(|(held, _)| Arc::ptr_eq(held, access)) {
                continue;
            }
            let holder = Holder {
                provider: provider.config.name.to_string(),
                login: login.clone(),
                access: Arc::clone(access),
                google: self.google.clone(),
                clock: self.clock,
            };
            let (told, first) = oneshot::channel();
            let task = self.tasks.spawn(holder.hold(told));
            self.held.push((Arc::clone(access), task));
            tried.push(first);
        }
        tried
    }
}

// === impl Holder ===

impl Holder {
    /// Fetches and renews, without end.
    pub(super) async fn hold(self, tried: oneshot::Sender<()>) {
        let (mut tried, mut backoff, mut end) = (Some(tried), FIRST_BACKOFF, Time::ZERO);
        loop {
            let asked = self.clock.now();
            let fetched = timeout(LONGEST_TRY, self.fetch()).await;
            let fetched =
                fetched.unwrap_or_else(|_| Err(NoToken::Unreachable("no answer in time".into())));
            let pause = match fetched {
                Ok(fresh) => {
                    // Its life began before it arrived.
                    end = asked.after(fresh.life);
                    self.access.put(fresh.pass, end);
                    backoff = FIRST_BACKOFF;
                    pause(fresh.life)
                }
                Err(error) => {
                    self.warn(&error, end, backoff);
                    let now = backoff;
                    backoff = backoff.saturating_mul(2).min(LONGEST_BACKOFF);
                    now
                }
            };
            // Whoever waits for a first try sees the other end go.
            drop(tried.take());
            sleep(pause).await;
        }
    }

    async fn fetch(&self) -> Result<Fresh, NoToken> {
        let unix_seconds = self.clock.unix_seconds();
        match &self.login {
            Login::Google(login) => self.google.fetch(login, unix_seconds).await,
            #[cfg(feature = "aws")]
            Login::Aws { region } => super::aws::fetch(region, unix_seconds).await,
            // The configuration refuses it.
            #[cfg(not(feature = "aws"))]
            Login::Aws { .. } => Err(NoToken::Malformed),
        }
    }

    fn warn(&self, error: &NoToken, end: Time, again: Duration) {
        let left = end.since(self.clock.now()).as_secs();
        let old = if left > 0 {
            format!("the old one is good for {left} s")
        } else {
            "its requests go elsewhere".to_owned()
        };
        tracing::warn!(
            "no new credential for provider \"{}\": {error}; {old}; tried again in {} s",
            self.provider,
            again.as_secs(),
        );
    }
}

/// How long a credential with this `life` is left alone.
pub(super) fn pause(life: Duration) -> Duration {
    let most = life * 4 / 5;
    let early = most.min(life.saturating_sub(MARGIN));
    early.max(AGAIN.min(most)).max(FIRST_BACKOFF)
}
