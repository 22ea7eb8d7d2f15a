//! Who has something that the other replicas should know at once rings here.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// What there is news of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// An operator's order was given or taken back, or the kill switch thrown.
    Orders,
    /// A key was made or revoked.
    Keys,
    /// An allowance of this replica runs low, which is nobody else's news.
    Leases,
    /// Somebody here waits for the others' histograms.
    Histograms,
}

impl Topic {
    /// All that other replicas hear of.
    pub const ALL: [Self; 2] = [Self::Orders, Self::Keys];

    /// Its name in messages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Keys => "keys",
            Self::Leases => "leases",
            Self::Histograms => "histograms",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Orders => 1,
            Self::Keys => 2,
            Self::Leases => 4,
            Self::Histograms => 8,
        }
    }
}

/// A set of topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics(u8);

impl Topics {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// This one alone.
    pub const fn of(topic: Topic) -> Self {
        Self(topic.bit())
    }

    /// Whether `topic` is one of them.
    pub const fn has(self, topic: Topic) -> bool {
        self.0 & topic.bit() != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of them that other replicas hear of.
    #[must_use]
    pub fn told(self) -> Self {
        let told = Topic::ALL.into_iter().map(Self::of);
        Self(self.0 & told.fold(Self::NONE, Self::and).0)
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Each of them.
    pub fn each(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.has(*topic))
    }
}

/// The bell. Ringing never waits; several rings before somebody listens are one.
#[derive(Debug, Default)]
pub struct Bell {
    rung: AtomicU8,
    notify: Notify,
}

impl Bell {
    /// There is news.
    pub fn ring(&self, topic: Topic) {
        self.rung.fetch_or(topic.bit(), Ordering::AcqRel);
        self.notify.notify_one();
    }

    /// What it was rung for since it was taken last, which it stays.
    pub fn rung_for(&self) -> Topics {
        Topics(self.rung.load(Ordering::Acquire))
    }

    /// What it was rung for since it was asked last.
    pub fn take(&self) -> Topics {
        Topics(self.rung.swap(0, Ordering::AcqRel))
    }

    /// Returns when it was rung, perhaps before this was called. To be asked with [`Bell::take`] for what.
    pub async fn rung(&self) {
        self.notify.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rings_before_somebody_listens_are_heard_once() {
        let bell = Bell::default();
        assert!(bell.take().is_empty());
        bell.ring(Topic::Keys);
        bell.ring(Topic::Orders);
        bell.ring(Topic::Orders);
        bell.rung().await;
        assert!(bell.rung_for().has(Topic::Orders));
        let heard = bell.take();
        assert_eq!(
            heard.each().collect::<Vec<_>>(),
            [Topic::Orders, Topic::Keys]
        );
        assert!(!heard.has(Topic::Leases));
        assert!(bell.take().is_empty());
    }
}
