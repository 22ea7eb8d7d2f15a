//! What works beside the data plane: tasks that last as long as the process, and their end.
//!
//! Problem: at the end some have something to put away and some never end by themselves; and one that only looks on must
//! not take traffic with it when it goes wrong. Choice: keepers are waited for, the others are given a moment; who looks on
//! begins anew ([`again`]), and anybody else who ends, for whatever reason, ends the daemon in order.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;

/// Before one who looks on begins anew after it went wrong.
const PAUSE: Duration = Duration::from_secs(1);
/// How long those who put something away at the end may take: the bookkeeper, the controller, whoever delivers alerts. They
/// are through in milliseconds; the time is for a machine that is busy.
const LAST_ENTRIES: Duration = Duration::from_secs(3);
/// How long the others get that were told to end.
const MOMENT: Duration = Duration::from_millis(50);

/// What works beside the data plane.
#[derive(Debug, Default)]
pub(super) struct Background {
    tasks: JoinSet<&'static str>,
    /// Those who put something away at the end.
    keepers: JoinSet<&'static str>,
}

impl Background {
    pub(super) fn spawn<T: 'static>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) {
        self.tasks.spawn(named(name, work));
    }

    /// The same for one that puts something away when it is told to end.
    pub(super) fn spawn_keeper<T: 'static>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) {
        self.keepers.spawn(named(name, work));
    }

    /// The name of the first that ends, for whatever reason.
    pub(super) async fn first_end(&mut self) -> &'static str {
        let ended = tokio::select! {
            Some(ended) = self.keepers.join_next() => ended,
            Some(ended) = self.tasks.join_next() => ended,
            else => std::future::pending().await,
        };
        ended.unwrap_or("a background task")
    }

    /// Waits for those who put something away, gives the others that were told to end a moment, and ends the rest.
    pub(super) async fn end(mut self) {
        if !all_end(&mut self.keepers, LAST_ENTRIES).await {
            tracing::warn!(
                "not all that was learned, used or to be told could be put away in time"
            );
        }
        all_end(&mut self.tasks, MOMENT).await;
    }
}

/// The work of one who only looks on: traffic goes on if it goes wrong, and so does the work, from its beginning.
pub(super) async fn again<F: Future<Output = ()> + Send + 'static>(
    name: &'static str,
    work: impl Fn() -> F,
) {
    loop {
        let mut one = JoinSet::new();
        one.spawn(work());
        match one.join_next().await {
            Some(Err(problem)) if problem.is_panic() => {
                tracing::error!(name, %problem, "went wrong, and begins anew");
                tokio::time::sleep(PAUSE).await;
            }
            Some(_) | None => return,
        }
    }
}

/// The work with its name at its end.
async fn named<T>(name: &'static str, work: impl Future<Output = T>) -> &'static str {
    drop(work.await);
    name
}

/// Whether all of these end within `patience`; those that do not are ended.
async fn all_end(tasks: &mut JoinSet<&'static str>, patience: Duration) -> bool {
    let all = async { while tasks.join_next().await.is_some() {} };
    let in_time = tokio::time::timeout(patience, all).await.is_ok();
    tasks.shutdown().await;
    in_time
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::watch;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_puts_something_away_at_the_end_is_waited_for() {
        let mut tasks = Background::default();
        tasks.spawn("one that never ends", std::future::pending::<()>());
        let (done, away) = watch::channel(false);
        tasks.spawn_keeper("bookkeeper", async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            done.send_replace(true);
        });
        tasks.end().await;
        assert!(*away.borrow(), "it had its time");
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_looks_on_begins_anew_when_it_goes_wrong() {
        let times = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&times);
        let work = move || {
            let time = counted.fetch_add(1, Ordering::Relaxed);
            async move { assert!(time >= 2, "a panic of a test") }
        };
        let mut tasks = Background::default();
        tasks.spawn("dashboard's feed", again("dashboard's feed", work));
        assert_eq!(tasks.first_end().await, "dashboard's feed");
        let times = times.load(Ordering::Relaxed);
        assert_eq!(times, 3, "it came to its end in the third");
    }
}
