//! Clients that keep asking, and lose nothing in silence.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::Client;
use super::daemon::Daemon;
use super::replicas::{ASK, Watch};

/// Clients that ask until they are stopped.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    tasks: JoinSet<()>,
    seen: Arc<Seen>,
}

/// What they saw.
#[derive(Debug, Default)]
struct Seen {
    stop: AtomicBool,
    answered: AtomicU64,
    lost: AtomicU64,
    /// Seconds of each answer.
    took: std::sync::Mutex<Vec<f64>>,
}

impl Clients {
    /// One at each of these, which asks so many times a second, with this key if there is one.
    pub(crate) fn of(daemons: &[Daemon], key: Option<&str>, each_second: f64) -> Self {
        let mut clients = Self::default();
        for daemon in daemons {
            let client = match key {
                Some(key) => Client::with_key(daemon.data, key),
                None => Client::new(daemon.data),
            };
            let seen = Arc::clone(&clients.seen);
            clients.tasks.spawn(load(client, each_second, seen));
        }
        clients
    }

    /// The median and the 99th percentile in milliseconds of what was answered since the last call, and how many that were.
    pub(crate) fn percentiles(&self) -> (f64, f64, usize) {
        let mut took = std::mem::take(&mut *self.seen.took.lock().unwrap());
        took.sort_unstable_by(f64::total_cmp);
        let at = |percent: usize| {
            let place = took.len() * percent / 100;
            took.get(place).copied().unwrap_or_default() * 1e3
        };
        (at(50), at(99), took.len())
    }

    /// Stops them, says what they saw, and claims that nothing was lost.
    pub(crate) async fn lost_nothing(mut self, claim: &str) {
        self.seen.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        let lost = self.seen.lost.load(Ordering::Relaxed);
        let answered = self.seen.answered.load(Ordering::Relaxed);
        println!("{answered} answered, {lost} lost");
        assert!(answered > 0, "they asked");
        assert_eq!(lost, 0, "{claim}");
    }
}

/// Asks so many times a second; each request must be answered. Nothing is tried again.
async fn load(client: Client, each_second: f64, seen: Arc<Seen>) {
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / each_second));
    let mut under_way = JoinSet::new();
    while !seen.stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let (client, seen) = (client.clone(), Arc::clone(&seen));
        under_way.spawn(async move {
            let begun = Watch::start();
            match client.chat(ASK).await {
                Ok(got) if got.is_whole() => {
                    seen.answered.fetch_add(1, Ordering::Relaxed);
                    seen.took.lock().unwrap().push(begun.seconds());
                }
                other => {
                    println!("lost: {other:?}");
                    seen.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}
