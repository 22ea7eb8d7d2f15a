//! Where the controller and the exchange with other replicas meet: each leaves what it has and takes what is there.
//!
//! Neither waits for the other. The exchange may be slow or gone: then what is there grows old, which whoever folds it in
//! sees by its times.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use crate::fleet::{Gathering, Report};

/// The place where they meet. Cloned freely.
#[derive(Clone, Debug, Default)]
pub struct Post(Arc<Place>);

#[derive(Debug, Default)]
struct Place {
    mine: ArcSwapOption<Report>,
    theirs: ArcSwapOption<Gathering>,
    urgent: Notify,
}

impl Post {
    /// The controller leaves its newest report.
    pub fn leave(&self, report: Report) {
        self.0.mine.store(Some(Arc::new(report)));
    }

    /// The exchange takes the newest report of this replica; `None` before the first tick.
    pub fn mine(&self) -> Option<Arc<Report>> {
        self.0.mine.load_full()
    }

    /// The exchange leaves what it has gathered of the others.
    pub fn deliver(&self, gathering: Gathering) {
        self.0.theirs.store(Some(Arc::new(gathering)));
    }

    /// The controller takes what was gathered of the others; `None` before the first exchange.
    pub fn theirs(&self) -> Option<Arc<Gathering>> {
        self.0.theirs.load_full()
    }

    /// The controller has left something that should not wait for the next second, such as an ejection. Asking twice before
    /// the exchange looks is asking once.
    pub fn hurry(&self) {
        self.0.urgent.notify_one();
    }

    /// The exchange waits here until something is urgent.
    pub async fn urgent(&self) {
        self.0.urgent.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_urgent_word_is_not_lost_when_nobody_waits_yet() {
        let post = Post::default();
        assert!(post.mine().is_none() && post.theirs().is_none());
        post.hurry();
        post.hurry();
        post.urgent().await;
        post.deliver(Gathering::default());
        assert!(post.theirs().is_some());
    }
}
