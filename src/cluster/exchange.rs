//! The task that tells the others and hears them.
//!
//! Problem: the engine may be slow, gone, full, restarted empty or cut off from this replica alone, and none of that may be
//! felt by a request or a tick. Choice: one task of its own makes all rounds, one after the other, each under a time limit;
//! after any failure it drops the connection and makes a new one after a pause, so nothing queues up. Who decides with the
//! others is told once when it changes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::changes::CHANNEL;
use super::comings::{Coming, Comings};
use super::inherit::memory;
use super::keys::Keys;
use super::link::{Address, Link};
use super::pace::{EVERY, Extra, pause};
use super::part::{Part, Round};
use super::refusal::words;
use super::talk::Talk;
use crate::live::{Bell, Clock, Membership, Post, Topic, Topics, Twin};
use crate::model::Time;

/// Longest that a connection with its greeting, and a round, may take. An engine that is this slow is of no use to a tick four
/// times a second; halved, one in another region could not be used at all.
const CONNECTING: Duration = Duration::from_secs(2);
const ROUND: Duration = Duration::from_millis(900);
/// Without a good round for this long the replica is by itself: one lost round is no news. It is half of what reports live.
const GRACE: Duration = Duration::from_millis(2_500);
/// What the last round may take: less than the daemon waits for those who put something away.
const LAST: Duration = Duration::from_millis(1_500);
/// Messages of others that wait until a round is over. Two seconds of what a large fleet tells; those beyond it are lost,
/// which the next round mends.
const WAITING: usize = 256;
/// The place of the channel of changes among those that are heard.
const CHANGES: usize = 1;
/// Rounds in which a replica that began without what the fleet has learned asks for it: half as many again as lie between two
/// memories that are put away. Doubled, a fleet in which nobody has learned anything is asked for so much longer; halved, the
/// memory of who comes back at the same time may not be there yet.
const ASKS: u32 = 15;
/// Longest that the memories of the fleet are waited for in a round, which has to be over in less than a second. Halved, a thin
/// link gives none; doubled, it has the round fail.
const REMEMBERING: Duration = Duration::from_millis(400);
/// How long the controller gets to say its last word after the stop.
const LAST_WORD: Duration = Duration::from_millis(100);

/// What a round is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// All that there is to say and hear: its second is over.
    Whole,
    /// What there is news of.
    Hurried,
    /// The last words.
    Last,
}

impl Kind {
    /// Whether reports are read: an allowance that runs low is nobody else's news, and one client that keeps coming at its
    /// rate would have all reports read again and again.
    fn reads(self, news: Topics) -> bool {
        self != Self::Hurried || !news.told().is_empty()
    }
}

/// The task's state.
#[derive(Debug)]
pub struct Exchange {
    address: Address,
    keys: Keys,
    post: Arc<Post>,
    clock: Clock,
    parts: Vec<Box<dyn Part>>,
    /// Rung by what the others publish.
    heard: Arc<Bell>,
    /// What the others tell of their reports.
    changes: (mpsc::Sender<Vec<u8>>, mpsc::Receiver<Vec<u8>>),
    link: Option<Link>,
    talk: Talk,
    comings: Comings,
    /// Whether it was said that another process has this replica's name.
    is_twin_told: bool,
    /// What the others were not told of yet that there is news.
    unsaid: Topics,
    /// How often it may still ask for what the fleet has learned.
    asks: u32,
    failures: u32,
    good_at: Option<Time>,
    /// Whether it was said that it is by itself.
    is_told: bool,
}

impl Exchange {
    /// The exchange of this replica; `parts` are asked in each round, in this order.
    pub fn new(address: Address, post: Arc<Post>, clock: Clock, parts: Vec<Box<dyn Part>>) -> Self {
        let keys = Keys::of(post.namespace());
        Self {
            talk: Talk::new(&post, keys.clone()),
            address,
            keys,
            post,
            clock,
            parts,
            heard: Arc::default(),
            changes: mpsc::channel(WAITING),
            link: None,
            comings: Comings::default(),
            is_twin_told: false,
            unsaid: Topics::NONE,
            asks: ASKS,
            failures: 0,
            good_at: None,
            is_told: false,
        }
    }

    /// Makes rounds until `stop` turns true, and then the last one.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        // Replicas that start together do not come together.
        let mut due = self.clock.now().after(EVERY.mul_f64(0.2 * luck()));
        let mut extra = Extra::from(self.clock.now());
        loop {
            let at = self.clock.instant_of(due);
            let news = tokio::select! {
                () = tokio::time::sleep_until(at) => Topics::NONE,
                news = hurried(&self.post, &self.heard, (&mut extra, self.clock)), if self.link.is_some() => news,
                Some(text) = self.changes.1.recv() => {
                    self.hear(&text);
                    continue;
                }
                () = self.post.told(), if self.link.is_some() => {
                    self.tell().await;
                    continue;
                }
                () = turned(&mut stop) => break,
            };
            let begun = self.clock.now();
            let kind = if begun >= due {
                Kind::Whole
            } else {
                Kind::Hurried
            };
            let before = self.sent();
            tokio::select! {
                () = self.round(kind) => {}
                () = turned(&mut stop) => break,
            }
            if self.link.is_none() {
                due = self.clock.now().after(pause(self.failures.max(1), luck()));
            } else if kind == Kind::Hurried {
                extra.spend(news, self.sent().saturating_sub(before));
            } else {
                due = begun.after(EVERY);
            }
        }
        self.leave().await;
    }

    /// Takes in what others tell, all that has come by now.
    fn hear(&mut self, text: &[u8]) {
        let now = self.clock.now();
        let mut news = self.talk.hear_change(text, now);
        while let Ok(text) = self.changes.1.try_recv() {
            // One that presses is more than one that does not, and either is more than nothing.
            news = news.max(self.talk.hear_change(&text, now));
        }
        self.look_for_twin(now);
        let Some(presses) = news else { return };
        self.post.heard(self.talk.gathering().clone());
        self.look_round(now);
        if presses {
            self.post.hurry().notify_one();
        }
    }

    /// Tells the others what has changed since the last rounds, unless that was done just now.
    async fn tell(&mut self) {
        let (now, presses) = (self.clock.now(), self.post.presses());
        if !self.talk.may_tell(now, presses) {
            return;
        }
        let Some(link) = &mut self.link else { return };
        self.post.passed_on();
        let telling = self.talk.tell(link, &self.post, (now, presses));
        let why = match tokio::time::timeout(ROUND, telling).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => words(&error),
            Err(_) => format!("it did not answer within {ROUND:?}"),
        };
        self.link = None;
        self.ended(Err(why));
    }

    /// Commands that were sent on the connection.
    fn sent(&self) -> u64 {
        self.link.as_ref().map_or(0, Link::sent)
    }

    /// One round, with whatever it takes to make it.
    async fn round(&mut self, kind: Kind) {
        let limit = if kind == Kind::Last { LAST } else { ROUND };
        let result = match self.connected().await {
            Ok(()) => match tokio::time::timeout(limit, self.exchange(kind)).await {
                Ok(result) => result.map_err(|error| words(&error)),
                Err(_) => Err(format!("it did not answer within {limit:?}")),
            },
            Err(why) => Err(why),
        };
        if result.is_err() {
            self.link = None;
        }
        self.ended(result);
    }

    /// Sees to it that there is a connection.
    async fn connected(&mut self) -> Result<(), String> {
        if self.link.is_some() {
            return Ok(());
        }
        let (bell, own) = (Arc::clone(&self.heard), self.post.replica().to_string());
        let changes = self.changes.0.clone();
        let hear = move |channel: usize, text: &[u8]| match channel {
            // Where nobody takes them in they are lost: the engine must not wait for this replica.
            CHANGES => drop(changes.try_send(text.to_vec())),
            _ => {
                if let Some(topic) = topic_of(text, &own) {
                    bell.ring(topic);
                }
            }
        };
        let channels = [self.keys.named("news"), self.keys.named(CHANNEL)];
        let connecting = async {
            let mut link = self.address.connect_hearing(channels, hear).await?;
            self.talk.greet(&mut link, self.clock).await?;
            Ok::<_, redis::RedisError>(link)
        };
        match tokio::time::timeout(CONNECTING, connecting).await {
            Ok(Ok(link)) => {
                self.link = Some(link);
                Ok(())
            }
            Ok(Err(error)) => Err(words(&error)),
            Err(_) => Err(format!("it did not answer within {CONNECTING:?}")),
        }
    }

    /// What a round says and hears.
    async fn exchange(&mut self, kind: Kind) -> redis::RedisResult<()> {
        let own = self.post.bell().take();
        let news = own.and(self.heard.take()).and(self.unsaid);
        self.unsaid = self.unsaid.and(own.told());
        let is_whole = kind != Kind::Hurried;
        if !news.told().is_empty() {
            self.talk.look();
        }
        if kind == Kind::Whole {
            self.ask_memory().await?;
        }
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        if is_whole {
            self.talk.round(link, &self.post, self.clock).await?;
        } else if kind.reads(news) {
            self.talk.hurry(link, &self.post, self.clock).await?;
        }
        let mut refused = None;
        let parts = self.parts.iter_mut();
        for part in parts.filter(|part| is_whole || part.is_hurried_by(news)) {
            let round = Round {
                link: &mut *link,
                keys: &self.keys,
                replica: self.post.replica().as_str(),
                epoch: self.post.epoch(),
                now: self.talk.engine_time(self.clock.now()),
                live: self.talk.live(),
                versions: self.talk.versions(),
                is_last: kind == Kind::Last,
            };
            match part.exchange(round).await {
                Ok(()) => {}
                // What the engine itself refuses is that part's alone; a broken connection is everybody's.
                Err(error) if error.is_io_error() || error.is_connection_dropped() => {
                    return Err(error);
                }
                Err(error) => refused = Some((format!("{part:?}"), error)),
            }
        }
        if kind == Kind::Last {
            let now = self.clock.now();
            self.talk.leave(link, &self.post, now).await?;
        }
        if let Some((part, error)) = refused {
            tracing::debug!(part, %error, "the cluster's engine refused a part of the exchange");
            return Err(error);
        }
        let unsaid = std::mem::take(&mut self.unsaid);
        if !unsaid.is_empty() {
            self.talk.publish(link, unsaid).await?;
        }
        Ok(())
    }

    /// Asks for what the fleet has learned, where this replica began without it.
    async fn ask_memory(&mut self) -> redis::RedisResult<()> {
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        if self.asks == 0 || !self.post.is_awaiting() {
            return Ok(());
        }
        // What stands under its own name is of an earlier process until this one's first round is over.
        let but = (self.asks < ASKS).then(|| self.post.replica().as_str());
        self.asks -= 1;
        let asking = memory(link, &self.keys, self.clock, but);
        match tokio::time::timeout(REMEMBERING, asking).await {
            Ok(Ok(Some(learned))) => self.post.bequeath(*learned),
            Ok(Ok(None)) => {}
            Ok(Err(error)) if error.is_io_error() || error.is_connection_dropped() => {
                return Err(error);
            }
            Ok(Err(error)) => tracing::debug!(%error, "no memory of the fleet can be read"),
            // To go on asking would keep it out of the fleet for as long.
            Err(_) => self.asks = 0,
        }
        Ok(())
    }

    /// The last round: what was learned is put away, and the others need not wait until they miss this replica.
    async fn leave(&mut self) {
        if self.link.is_none() {
            return;
        }
        tokio::time::sleep(LAST_WORD).await;
        self.round(Kind::Last).await;
    }

    /// Has operators told while another process has this replica's name.
    fn look_for_twin(&mut self, now: Time) {
        // In a takeover it is the one that ends.
        let twin = self.talk.twin(now).filter(|_| !self.post.drains());
        self.post.meets(twin);
        let is_told = twin.is_some_and(|twin| now.since(twin.since) >= Twin::TOLD_AFTER);
        match twin {
            Some(twin) if is_told && !self.is_twin_told => {
                tracing::warn!("{}", twin.told(self.post.replica()));
                self.is_twin_told = true;
            }
            // Who drains has found out nothing.
            None if !self.post.drains() && std::mem::take(&mut self.is_twin_told) => {
                tracing::info!(
                    replica = %self.post.replica(),
                    "no other process has this replica's name any more"
                );
            }
            _ => {}
        }
    }

    /// Says who has come and who has gone.
    fn look_round(&mut self, now: Time) {
        let gathering = self.talk.gathering();
        let news = self.comings.look(gathering, self.post.replica(), now);
        for (replica, coming) in news {
            match coming {
                Coming::Came => tracing::info!(%replica, "another replica is there"),
                Coming::Again => tracing::info!(
                    %replica,
                    "another replica has begun again: a later process goes on under its name"
                ),
                Coming::Left => {
                    tracing::info!(%replica, "another replica has gone: it said that it leaves");
                }
                Coming::Silent(span) => tracing::info!(
                    %replica,
                    silent_s = span.as_secs(),
                    "another replica has gone: it is silent, and did not say that it leaves"
                ),
            }
        }
    }

    /// How a round ended, and whether that changes anything.
    fn ended(&mut self, result: Result<(), String>) {
        let now = self.clock.now();
        let before = self.post.membership();
        self.post.round_ended(result.is_ok());
        let Err(why) = result else {
            self.look_for_twin(now);
            self.failures = 0;
            self.good_at = Some(now);
            if !before.is_joined() {
                self.is_told = false;
                self.post.turned(Membership::Joined { since: now });
                let replicas = self.talk.live().len();
                tracing::info!(engine = %self.address, replicas, "decides with the other replicas");
            }
            self.look_round(now);
            return;
        };
        self.failures = self.failures.saturating_add(1);
        if before.is_joined() && self.good_at.is_some_and(|at| now.since(at) < GRACE) {
            tracing::debug!(why, "a round with the other replicas failed");
            return;
        }
        let since = if before.is_joined() {
            now
        } else {
            before.since()
        };
        if !self.is_told {
            self.is_told = true;
            tracing::warn!(
                engine = %self.address, why,
                "the other replicas are out of reach; this one goes on by itself"
            );
        }
        self.post.turned(Membership::Degraded { since, why });
    }
}

/// Returns when there is news, here or elsewhere, that may have a round at once. It may be dropped and called again: what a
/// bell was rung for stays until a round takes it.
async fn hurried(post: &Post, heard: &Bell, (extra, clock): (&mut Extra, Clock)) -> Topics {
    loop {
        let news = post.bell().rung_for().and(heard.rung_for());
        let wait = extra.wait(news, clock.now());
        if !news.is_empty() && wait.is_zero() {
            return news;
        }
        tokio::select! {
            () = post.bell().rung() => {}
            () = heard.rung() => {}
            () = tokio::time::sleep(wait), if !news.is_empty() => {}
        }
    }
}

/// Ready once `flag` is true, or nobody can make it so.
async fn turned(flag: &mut watch::Receiver<bool>) {
    drop(flag.wait_for(|on| *on).await);
}

/// What a published message is about, unless it is this replica's own.
fn topic_of(text: &[u8], own: &str) -> Option<Topic> {
    let text = std::str::from_utf8(text).ok()?;
    let (topic, from) = text.split_once(' ')?;
    if from == own {
        return None;
    }
    Topic::ALL.into_iter().find(|it| it.label() == topic)
}

/// From 0 to 1, evenly.
fn luck() -> f64 {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_for_an_allowance_alone_reads_no_reports() {
        let leases = Topics::of(Topic::Leases);
        assert!(!Kind::Hurried.reads(leases));
        assert!(Kind::Hurried.reads(leases.and(Topics::of(Topic::Keys))));
        assert!(!Kind::Hurried.reads(Topics::of(Topic::Histograms)));
        assert!(Kind::Whole.reads(leases) && Kind::Last.reads(leases));
    }

    #[test]
    fn a_message_says_what_it_is_about_and_from_whom() {
        assert_eq!(topic_of(b"orders b", "a"), Some(Topic::Orders));
        for text in ["orders a", "weather b", "orders", "", " "] {
            assert_eq!(topic_of(text.as_bytes(), "a"), None, "{text:?}");
        }
        assert_eq!(topic_of(&[0xff, b' ', b'b'], "a"), None);
    }
}
