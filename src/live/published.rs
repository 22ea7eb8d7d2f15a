//! The swap: many readers, one writer.
//!
//! A reader gets an owned `Arc` and holds it across its awaits; the writer is never waited for. arc-swap rather than a
//! lock for never blocking, not for speed: beside a model call both vanish.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::snapshot::Snapshot;

/// What is in force. Cloned freely; reading is its only use.
#[derive(Clone, Debug)]
pub struct Published(Arc<Place>);

#[derive(Debug)]
struct Place {
    snapshot: ArcSwap<Snapshot>,
    generation: watch::Sender<u64>,
}

/// The right to publish. There is one, and the controller has it.
#[derive(Debug)]
pub struct Publisher(Published);

impl Published {
    /// Puts the first snapshot in force.
    pub fn first(snapshot: Snapshot) -> (Self, Publisher) {
        let published = Self(Arc::new(Place {
            generation: watch::Sender::new(snapshot.generation),
            snapshot: ArcSwap::from_pointee(snapshot),
        }));
        (published.clone(), Publisher(published))
    }

    /// The snapshot in force. A request calls this once.
    pub fn read(&self) -> Arc<Snapshot> {
        self.0.snapshot.load_full()
    }

    /// Tells each new generation: what changes with the configuration, not with each tick.
    pub fn generations(&self) -> watch::Receiver<u64> {
        self.0.generation.subscribe()
    }
}

impl Publisher {
    /// The snapshot in force.
    pub fn read(&self) -> Arc<Snapshot> {
        self.0.read()
    }

    /// Puts another one in force, whole.
    pub fn publish(&mut self, snapshot: Snapshot) {
        let (place, generation) = (&self.0.0, snapshot.generation);
        place.snapshot.store(Arc::new(snapshot));
        place.generation.send_if_modified(|known| {
            let is_new = *known != generation;
            *known = generation;
            is_new
        });
    }
}
