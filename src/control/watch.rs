//! Watches the folders of the configuration.
//!
//! A watch on a file goes blind when an editor renames a new one over it, and Kubernetes swaps a symbolic link whose name
//! is not the file's. So the *folders* are watched, any event means "read again", and the reader compares what it gets.
//! Events are gathered until a quiet moment; a slow poll is the net for what no event tells (network file systems). That a
//! file was opened or read is no change: the reader does so itself, and would wake itself for ever.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::command::{Handle, Why};
use super::reload::Source;
use super::settle::QUIET;

/// Gathering ends after so many quiet times, however much goes on in the folder; whether the files themselves are whole the
/// reader looks at.
const MOST_GATHERED: u32 = 5;
/// The slow poll.
const POLL: Duration = Duration::from_secs(10);

/// Starts watching. The thread ends within the poll's time when nobody listens to `handle` any more.
///
/// # Errors
/// The system gives no thread.
pub fn watch(source: Source, handle: Handle) -> std::io::Result<JoinHandle<()>> {
    let (tell, told) = channel();
    let teller = tell.clone();
    let watcher = notify::recommended_watcher(move |event| {
        if may_change(&event) {
            // The thread is gone: nobody wants to know.
            drop(teller.send(event));
        }
    });
    start(source, handle, watcher, Ears { told, _tell: tell }, POLL)
}

/// What the watcher tells.
struct Ears {
    told: Receiver<notify::Result<Event>>,
    /// Without a watcher nobody else holds the other end, and it must not seem that nobody can tell anything any more.
    _tell: Sender<notify::Result<Event>>,
}

/// Starts the thread. Without a watcher (the user may have used up the system's) all changes are seen by the poll.
fn start(
    source: Source,
    handle: Handle,
    watcher: notify::Result<RecommendedWatcher>,
    ears: Ears,
    poll: Duration,
) -> std::io::Result<JoinHandle<()>> {
    if let Err(error) = &watcher {
        tracing::warn!(
            %error,
            "the folders cannot be watched; changes are seen by the slow poll"
        );
    }
    let mut folders = Folders {
        watcher: watcher.ok(),
        known: BTreeSet::new(),
    };
    folders.follow(source.read().watch);
    // What changed between the daemon's first read and this moment is seen by reading once more.
    handle.nudge(Why::Changed);
    std::thread::Builder::new()
        .name("config-watch".to_owned())
        .spawn(move || run(&source, &handle, folders, &ears, poll))
}

/// Whether files may be others than before: all events but those of reading. An error tells nothing, so it may.
fn may_change(event: &notify::Result<Event>) -> bool {
    let Ok(event) = event else { return true };
    let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
    !event.kind.is_access() || event.kind == written || event.need_rescan()
}

fn run(source: &Source, handle: &Handle, mut folders: Folders, ears: &Ears, poll: Duration) {
    let told = &ears.told;
    loop {
        match told.recv_timeout(poll) {
            Ok(_) => gather(told),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if handle.is_closed() {
            return;
        }
        handle.nudge(Why::Changed);
        folders.follow(source.read().watch);
    }
}

/// Waits until a quiet moment.
fn gather(told: &Receiver<notify::Result<Event>>) {
    for _ in 0..MOST_GATHERED {
        std::thread::sleep(QUIET);
        if told.try_iter().count() == 0 {
            return;
        }
    }
}

/// The folders that are watched; a swapped link leads to new ones.
struct Folders {
    watcher: Option<RecommendedWatcher>,
    known: BTreeSet<PathBuf>,
}

impl Folders {
    fn follow(&mut self, paths: Vec<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let wanted: BTreeSet<PathBuf> = paths.into_iter().filter(|path| path.is_dir()).collect();
        for gone in self.known.difference(&wanted) {
            // A folder that is gone has no watch to end.
            drop(watcher.unwatch(gone));
        }
        let mut watched = BTreeSet::new();
        for path in wanted {
            if self.known.contains(&path) {
                watched.insert(path);
                continue;
            }
            match watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    watched.insert(path);
                }
                Err(error) => tracing::warn!(
                    path = %path.display(), %error,
                    "the folder cannot be watched; its changes are seen by the slow poll"
                ),
            }
        }
        self.known = watched;
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{ModifyKind, RenameMode};

    use super::*;

    fn wakes(kind: EventKind) -> bool {
        may_change(&Ok(Event::new(kind)))
    }

    #[test]
    fn reading_the_files_does_not_wake_their_reader() {
        for reading in [
            AccessKind::Any,
            AccessKind::Read,
            AccessKind::Open(AccessMode::Any),
            AccessKind::Close(AccessMode::Read),
        ] {
            assert!(
                !wakes(EventKind::Access(reading)),
                "{reading:?} would be an endless loop"
            );
        }
    }

    #[tokio::test]
    async fn without_a_watcher_the_files_are_polled() {
        let folder = tempfile::tempdir().unwrap();
        let source = Source::Files {
            dir: folder.path().to_owned(),
            env: "live".to_owned(),
        };
        let (handle, mut asked) = Handle::new();
        let (tell, told) = channel();
        let none = Err(notify::Error::generic("no instance is left"));
        let ears = Ears { told, _tell: tell };
        let thread = start(source, handle, none, ears, Duration::from_millis(1)).unwrap();
        for reading in 0..3 {
            assert!(
                asked.recv().await.is_some(),
                "reading {reading} is asked for"
            );
        }
        drop(asked);
        assert!(thread.join().is_ok(), "it ends when nobody listens");
    }

    #[test]
    fn whatever_else_happens_does() {
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        for kind in [written, renamed, EventKind::Any, EventKind::Other] {
            assert!(wakes(kind), "{kind:?} may be a change");
        }
        let lost = Err(notify::Error::generic("the queue ran over"));
        assert!(may_change(&lost), "what is not known may be a change");
    }
}
