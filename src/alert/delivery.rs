//! Webhooks: a bounded queue and a task each, tried again with growing pauses.
//!
//! What a webhook has not taken stands in the books, so that a process that ends or is killed meanwhile leaves it to the
//! next one: a message may come twice, with the same id, rather than never.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::message::{Teller, body};
use super::register::Alert;
use crate::config::{AlertKind, Webhook};
use crate::live::{Patience, direct_client};
use crate::model::Time;
use crate::store::{Books, Message, Write};

/// Messages that may wait for one webhook: more than a bad hour brings. Half of it and an outage of everything, with the
/// webhook away, loses some; twice of it tells nobody more.
const WAITING: usize = 256;
/// Times that a message is tried. The pauses between them, from one second and doubled up to a minute, are four minutes in
/// all: longer than a deployment of whatever listens there takes.
const TRIES: u32 = 9;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// For what waits when the daemon ends: a webhook that answers takes it in less; one that does not holds up nobody.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How old a message may be that another process left: what is older is in the list of alerts, and wakes nobody.
const NEWS: Duration = Duration::from_secs(86_400);
/// For a connection, and for an answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);

/// The webhooks of the configuration in force, each with its queue.
#[derive(Debug)]
pub struct Deliveries {
    /// Made for the first webhook; `None` if this machine has no certificates to check others by, which is said once.
    http: OnceLock<Option<Client>>,
    teller: Teller,
    queues: BTreeMap<String, (Webhook, mpsc::Sender<Alert>)>,
    tasks: JoinSet<()>,
    /// Messages that were taken in and neither delivered nor given up.
    waiting: Arc<AtomicU64>,
    books: Books,
    lost: Arc<AtomicU64>,
}

fn message(alert: &Alert, webhook: &str) -> Message {
    Message {
        id: alert.id.clone(),
        webhook: webhook.to_owned(),
        is_over: alert.resolved.is_some(),
    }
}

impl Deliveries {
    /// No webhooks yet; what cannot be delivered is counted in `lost`.
    pub(super) fn new(teller: Teller, books: Books, lost: Arc<AtomicU64>) -> Self {
        Self {
            http: OnceLock::new(),
            teller,
            queues: BTreeMap::new(),
            tasks: JoinSet::new(),
            waiting: Arc::default(),
            books,
            lost,
        }
    }

    /// These webhooks are told from now on. What waits for another one, or one that is configured otherwise now, is still
    /// delivered as it was to be.
    pub(super) fn follow(&mut self, webhooks: &BTreeMap<String, Webhook>) {
        while self.tasks.try_join_next().is_some() {}
        let same = |name: &String, known: &Webhook| webhooks.get(name) == Some(known);
        self.queues.retain(|name, (known, _)| same(name, known));
        for (name, webhook) in webhooks {
            if self.queues.contains_key(name) {
                continue;
            }
            let Some(http) = self.http() else {
                continue;
            };
            let (sender, waiting) = mpsc::channel(WAITING);
            let post = Post {
                http,
                name: name.clone(),
                webhook: webhook.clone(),
                teller: self.teller.clone(),
                waiting: Arc::clone(&self.waiting),
                books: self.books.clone(),
                lost: Arc::clone(&self.lost),
            };
            self.tasks.spawn(post.run(waiting));
            self.queues.insert(name.clone(), (webhook.clone(), sender));
        }
    }

    /// The client, if there can be one.
    fn http(&self) -> Option<Client> {
        let make = || {
            let made = direct_client(Patience {
                connect: CONNECT,
                whole: ANSWER,
            });
            if let Err(problem) = &made {
                tracing::error!(%problem, "no alert can be delivered to webhooks");
            }
            made.ok()
        };
        self.http.get_or_init(make).clone()
    }

    /// Whether anybody is told of this kind.
    pub(super) fn tell(&self, kind: AlertKind) -> bool {
        let mut queues = self.queues.values();
        queues.any(|(webhook, _)| webhook.kinds.contains(&kind))
    }

    /// Has `alert` delivered to all who are told of its kind. Never waits.
    pub(super) fn send(&self, alert: &Alert) {
        for (name, (webhook, queue)) in &self.queues {
            if webhook.kinds.contains(&alert.kind) {
                self.books.write(Write::Telling(message(alert, name)));
                self.put(queue, name, alert);
            }
        }
    }

    /// Has what the last process could not deliver delivered, where its webhook is still there and it is not old news `now`.
    pub(super) fn send_again(&self, untold: Vec<(Alert, String)>, now: Time) {
        for (alert, name) in untold {
            let is_news = now.since(alert.resolved.unwrap_or(alert.since)) < NEWS;
            match self.queues.get(&name) {
                Some((webhook, queue)) if is_news && webhook.kinds.contains(&alert.kind) => {
                    let (webhook, id) = (name.as_str(), alert.id.as_str());
                    tracing::info!(webhook, alert = id, "an alert of before is told");
                    self.put(queue, &name, &alert);
                }
                Some(_) | None => drop(self.books.write(Write::Told(message(&alert, &name)))),
            }
        }
    }

    fn put(&self, queue: &mpsc::Sender<Alert>, name: &str, alert: &Alert) {
        // Before it is sent: whoever delivers it counts it out again.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if queue.try_send(alert.clone()).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                webhook = name,
                alert = alert.id,
                "an alert found no room in its queue"
            );
        }
    }

    /// Nothing more is sent: gives what waits a moment, and says what was not delivered: with books the next start sends it.
    pub(super) async fn finish(mut self) {
        self.queues.clear();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
            self.tasks.shutdown().await;
        }
        let left = self.waiting.load(Ordering::Relaxed);
        if left > 0 && self.books.are_kept() {
            tracing::warn!(
                messages = left,
                "alerts are left to the next start to deliver"
            );
        } else if left > 0 {
            self.lost.fetch_add(left, Ordering::Relaxed);
            tracing::error!(
                messages = left,
                "alerts could not be delivered before the end, and no books remember them"
            );
        }
    }
}

/// What one webhook is told by.
#[derive(Debug)]
struct Post {
    http: Client,
    name: String,
    webhook: Webhook,
    teller: Teller,
    waiting: Arc<AtomicU64>,
    books: Books,
    lost: Arc<AtomicU64>,
}

/// Why a message is given up.
enum GivenUp {
    /// It may be taken later: the next process tries again.
    ForNow(String),
    /// It will not be taken.
    ForGood(String),
}

/// What came of one try.
enum Tried {
    Taken,
    /// It may be taken later; why it was not.
    Again(String),
    /// It will not be taken.
    Never(String),
}

impl Post {
    /// Delivers one after the other until nobody can send any more.
    async fn run(self, mut waiting: mpsc::Receiver<Alert>) {
        while let Some(alert) = waiting.recv().await {
            let delivered = self.deliver(&alert).await;
            if !matches!(delivered, Err(GivenUp::ForNow(_))) {
                self.books.write(Write::Told(message(&alert, &self.name)));
            }
            if let Err(GivenUp::ForNow(why) | GivenUp::ForGood(why)) = delivered {
                self.lost.fetch_add(1, Ordering::Relaxed);
                let (webhook, alert) = (self.name.as_str(), alert.id);
                tracing::error!(webhook, alert, why, "an alert could not be delivered");
            }
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn deliver(&self, alert: &Alert) -> Result<(), GivenUp> {
        let body = body(self.webhook.format, &self.teller, alert);
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            match self.attempt(body.clone()).await {
                Tried::Taken => return Ok(()),
                Tried::Never(why) => return Err(GivenUp::ForGood(why)),
                Tried::Again(why) if tries == TRIES => {
                    return Err(GivenUp::ForNow(format!("{why}, {TRIES} times")));
                }
                Tried::Again(why) => {
                    tracing::debug!(webhook = self.name, why, "an alert is sent again");
                }
            }
            tries += 1;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends it once. Nothing that is said of it has the address, which may be a credential.
    async fn attempt(&self, body: String) -> Tried {
        let request = self.http.post(self.webhook.url.expose());
        let request = request.header("content-type", "application/json");
        let mut request = request.body(body);
        for (name, value) in &self.webhook.headers {
            request = request.header(name, value.expose());
        }
        if let Some(token) = &self.webhook.token {
            request = request.bearer_auth(token.expose());
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_builder() => return Tried::Never("it is no request".to_owned()),
            Err(error) if error.is_timeout() => {
                return Tried::Again("no answer in time".to_owned());
            }
            Err(error) if error.is_connect() => return Tried::Again("no connection".to_owned()),
            Err(_) => return Tried::Again("the connection broke off".to_owned()),
        };
        let status = answer.status();
        let why = format!("status {}", status.as_u16());
        if status.is_success() {
            Tried::Taken
        } else if status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::REQUEST_TIMEOUT
        {
            Tried::Again(why)
        } else {
            Tried::Never(why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AlertKind, Secret, WebhookFormat};

    #[tokio::test]
    async fn what_is_not_delivered_when_the_daemon_ends_is_counted() {
        // Nobody listens there: each try fails at once, and the next is a second later.
        let webhook = Webhook {
            url: Secret::new("http://127.0.0.1:9/".to_owned()),
            format: WebhookFormat::Json,
            headers: Vec::new(),
            token: None,
            kinds: AlertKind::ALL.to_vec(),
        };
        let lost = Arc::new(AtomicU64::new(0));
        let teller = Teller {
            environment: "test".into(),
            replica: None,
        };
        let mut deliveries = Deliveries::new(teller, Books::none(), Arc::clone(&lost));
        deliveries.follow(&BTreeMap::from([("hook".to_owned(), webhook)]));
        let alert = Alert {
            id: "ejected:a@1".to_owned(),
            kind: AlertKind::Ejected,
            subject: "a".to_owned(),
            message: "it is out".to_owned(),
            since: Time::ZERO,
            resolved: None,
        };
        for _ in 0..3 {
            deliveries.send(&alert);
        }
        deliveries.finish().await;
        assert_eq!(lost.load(Ordering::Relaxed), 3);
    }
}
