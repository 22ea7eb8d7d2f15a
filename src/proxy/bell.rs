//! What a connection rings when it has something to do.
//!
//! Problem: whoever drives a connection and reads from it at once is woken by its own reading: the connection hands a chunk
//! over, which wakes the reader; the reader takes it, which wakes the connection. Each of these would have the task run once
//! more for nothing. Choice: a waker that wakes the task that waits, and only notes the ring while that task is driving. A
//! connection that has not rung has nothing to do and is not polled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// One connection's bell.
#[derive(Debug)]
pub(super) struct Bell {
    /// It rang since the connection was polled last.
    rang: AtomicBool,
    /// Somebody is driving the connection, and looks at `rang` before waiting.
    is_driven: AtomicBool,
    /// Who waits.
    waits: Mutex<Option<Waker>>,
}

impl Bell {
    /// A bell that has rung: what is new wants to be looked at.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            rang: AtomicBool::new(true),
            is_driven: AtomicBool::new(false),
            waits: Mutex::new(None),
        })
    }

    /// Whether it rang since this was asked last.
    pub(super) fn has_rung(&self) -> bool {
        self.rang.swap(false, Ordering::SeqCst)
    }

    /// From here on rings are noted, and wake nobody.
    pub(super) fn drive(&self) {
        self.is_driven.store(true, Ordering::SeqCst);
    }

    /// The driver leaves, and is not to be woken.
    pub(super) fn leave(&self) {
        self.is_driven.store(false, Ordering::SeqCst);
    }

    /// Nobody waits any more.
    pub(super) fn forget(&self) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        *waits = None;
    }

    /// Whether nothing has rung since `task` began to wait: then nothing has changed for it.
    pub(super) fn is_waited_for_by(&self, task: &Waker) -> bool {
        if self.rang.load(Ordering::SeqCst) {
            return false;
        }
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.as_ref().is_some_and(|known| known.will_wake(task))
    }

    /// The driver leaves, and `task` is woken by the next ring. `false` if it has rung meanwhile: then there is no wait.
    pub(super) fn wait(&self, task: &Waker) -> bool {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *waits {
            Some(known) => known.clone_from(task),
            None => *waits = Some(task.clone()),
        }
        drop(waits);
        // Sequentially consistent with a ring: either it sees that nobody drives any more, or its note is seen here.
        self.is_driven.store(false, Ordering::SeqCst);
        !self.rang.load(Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::SeqCst);
        if !self.is_driven.load(Ordering::SeqCst) {
            let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            let task = waits.take();
            drop(waits);
            if let Some(task) = task {
                task.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Task(AtomicU32);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_ring_wakes_who_waits_once_and_nobody_who_drives() {
        let (bell, task) = (Bell::new(), Arc::new(Task::default()));
        let (ring, waker) = (
            Waker::from(Arc::clone(&bell)),
            Waker::from(Arc::clone(&task)),
        );
        assert!(bell.has_rung(), "a new one has");
        bell.drive();
        ring.wake_by_ref();
        assert!(!bell.wait(&waker), "what rang meanwhile is to be looked at");
        assert!(bell.has_rung());
        bell.drive();
        assert!(bell.wait(&waker), "now there is nothing to do");
        assert_eq!(task.0.load(Ordering::Relaxed), 0, "so far it was running");
        ring.wake_by_ref();
        ring.wake_by_ref();
        assert_eq!(task.0.load(Ordering::Relaxed), 1, "once is enough");
        assert!(bell.has_rung() && !bell.has_rung());
    }

    #[test]
    fn no_ring_is_lost_between_looking_and_waiting() {
        for _ in 0..2_000 {
            let (bell, task) = (Bell::new(), Arc::new(Task::default()));
            bell.has_rung();
            bell.drive();
            let ring = Waker::from(Arc::clone(&bell));
            let ringing = std::thread::spawn(move || ring.wake());
            let waits = bell.wait(&Waker::from(Arc::clone(&task)));
            ringing.join().unwrap();
            let woken = task.0.load(Ordering::Relaxed) > 0;
            assert!(woken || !waits, "it rang, and whoever waits was told");
        }
    }
}
