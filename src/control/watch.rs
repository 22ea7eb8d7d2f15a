//! Watches the folders of the configuration.
//!
//! A watch on a file goes blind when an editor renames a new one over it, and Kubernetes swaps a symbolic link whose name
//! is not the file's. So the *folders* are watched, and any event means "read again".
//! Events are gathered until a quiet moment; a slow poll is the net for what no event tells (network file systems). That a
//! file was opened or read is no change: the reader does so itself, and would wake itself for ever.
//!
//! Others may write beside the files, a log beside a credential for example, and all the time. What is read then is the same
//! as before: no reload is asked for, and the next look is a second later.

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
use crate::files::Reading;

/// Gathering ends after so many quiet times, however much goes on in the folder; whether the files themselves are whole the
/// reader looks at.
const MOST_GATHERED: u32 = 5;
/// How long events are left alone after they turned out to be about other files: at most one look a second in a folder
/// that is written to all the time. Halved, it looks twice as often for nothing; doubled, a real change right after is in
/// force two seconds later.
const CALM: Duration = Duration::from_secs(1);
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
    let mut known = Known::default();
    let reading = source.read();
    known.is_other(&reading);
    folders.follow(reading.watch);
    // What changed between the daemon's first read and this moment is seen by reading once more.
    handle.nudge(Why::Changed);
    std::thread::Builder::new()
        .name("config-watch".to_owned())
        .spawn(move || run(&source, &handle, (folders, known), &ears, poll))
}

/// Whether files may be others than before: all events but those of reading. An error tells nothing, so it may.
fn may_change(event: &notify::Result<Event>) -> bool {
    let Ok(event) = event else { return true };
    let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
    !event.kind.is_access() || event.kind == written || event.need_rescan()
}

fn run(
    source: &Source,
    handle: &Handle,
    (mut folders, mut known): (Folders, Known),
    ears: &Ears,
    poll: Duration,
) {
    let told = &ears.told;
    loop {
        let is_told = match told.recv_timeout(poll) {
            Ok(_) => {
                gather(told);
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if handle.is_closed() {
            return;
        }
        let reading = source.read();
        // The poll asks in any case: it is the net for what was missed here.
        if known.is_other(&reading) || !is_told {
            handle.nudge(Why::Changed);
        } else {
            std::thread::sleep(CALM);
        }
        folders.follow(reading.watch);
    }
}

/// What was read last; nothing if it was no good.
#[derive(Debug, Default)]
struct Known(Option<u64>);

impl Known {
    /// Whether `reading` may say something else than the one before; from now on it is the one before.
    fn is_other(&mut self, reading: &Reading) -> bool {
        let good = reading.result.as_ref().ok();
        let digest = good.map(|compiled| compiled.config.digest);
        let before = std::mem::replace(&mut self.0, digest);
        digest.is_none() || digest != before
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
                asked.reloads.recv().await.is_some(),
                "reading {reading} is asked for"
            );
        }
        drop(asked);
        assert!(thread.join().is_ok(), "it ends when nobody listens");
    }

    #[test]
    fn what_is_written_beside_the_files_is_no_change_and_a_credential_is() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("key", "k-1");
        let config = "[providers.p]\nkind = \"openai\"\napi_key = { file = \"key\" }\n";
        write(
            "live.toml",
            &format!("{config}[routes.r.targets]\na = {{ use = \"p/m\" }}\n"),
        );
        let source = Source::Files {
            dir: folder.path().to_owned(),
            env: "live".to_owned(),
        };
        let mut known = Known::default();
        let mut is_other = || known.is_other(&source.read());
        assert!(is_other(), "the first reading");
        write("log", "a line");
        assert!(!is_other(), "a log beside it");
        write("key", "k-2");
        assert!(is_other(), "another credential");
        write("live.toml", "[");
        assert!(is_other(), "what cannot be read may be anything");
        assert!(is_other(), "also the second time");
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
