//! Reading files that somebody may be writing at this moment.
//!
//! Problem: the first half of a TOML file is valid TOML, so a file that is being copied (scp, a network file system) looks
//! like a good configuration without some of its routes. Choice: a reading counts if every file was last written a quiet
//! time before it, or if the files were the same, a quiet time apart, before and after it; else they are read again. How it
//! fails: a writer that pauses for longer in the middle is not noticed; those who can should write aside and rename.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::reload::Source;
use crate::config::{Compiled, Problem};

/// Time without a write after which files are taken for whole: an editor's burst of operations fits in it.
pub(super) const QUIET: Duration = Duration::from_millis(150);
/// Readings before it is given up for now: three seconds of writing. Doubled, an operator waits longer to be told.
const MOST_READINGS: u32 = 20;

/// What tells one version of a file from another: its length and when it was written; `None` where there is none.
type Stamp = (PathBuf, Option<(u64, SystemTime)>);

/// Reads `source` once nobody is writing it any more. `wall` reads the clock that files are stamped by, `pause` waits for
/// [`QUIET`].
pub(super) fn read_settled(
    source: &Source,
    wall: impl Fn() -> SystemTime,
    mut pause: impl FnMut(),
) -> Result<Compiled, Vec<Problem>> {
    let mut before = None;
    for _ in 0..MOST_READINGS {
        let began = wall();
        let reading = source.read();
        let after = stamps(reading.watch);
        let is_old = |(_, stamp): &Stamp| stamp.is_none_or(|(_, written)| is_quiet(written, began));
        if after.iter().all(is_old) || before.as_ref() == Some(&after) {
            return reading.result;
        }
        before = Some(after);
        pause();
    }
    let problem = Problem::with_file(
        "the configuration",
        "its files are being written all the time",
    );
    Err(vec![
        problem.hint("they are read again as soon as that ends"),
    ])
}

fn is_quiet(written: SystemTime, now: SystemTime) -> bool {
    now.duration_since(written).is_ok_and(|age| age >= QUIET)
}

/// The stamps of those of `paths` that are no folders: in a folder anything may happen.
fn stamps(paths: Vec<PathBuf>) -> Vec<Stamp> {
    let stamp = |path: PathBuf| match std::fs::metadata(&path) {
        Ok(about) if about.is_dir() => None,
        Ok(about) => Some((path, about.modified().ok().map(|at| (about.len(), at)))),
        Err(_) => Some((path, None)),
    };
    paths.into_iter().filter_map(stamp).collect()
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
