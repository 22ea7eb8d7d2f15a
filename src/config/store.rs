//! `[store]`: how much the books keep.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Store;
use super::section::Section;
use super::settings::{DAY, set};

/// Shortest and longest time that anything is kept: a day, which is what sweeps delete in one go, and ten years.
const KEPT: RangeInclusive<Duration> = DAY..=days(3_650);
/// Shortest and longest time that minutes are told apart.
const MINUTES: RangeInclusive<Duration> = Duration::from_secs(3_600)..=days(3_650);
/// Below, a busy hour would not fit; above, no file system is meant.
const SIZES: RangeInclusive<u64> = 16 << 20..=1 << 40;

const fn days(count: u64) -> Duration {
    Duration::from_secs(86_400 * count)
}

impl Default for Store {
    /// A year and a month of usage, so that a month can be held against the same one a year before; a fortnight of its
    /// minutes; a month of decisions; a gibibyte, which has room for a year of the hours of some five hundred combinations
    /// of route, target, key and tags.
    fn default() -> Self {
        Self {
            usage: days(400),
            minutes: days(14),
            decisions: days(30),
            alerts: days(400),
            size: 1 << 30,
        }
    }
}

/// `[store]`; it is of no use where nothing `is_kept`.
pub(super) fn store(section: Option<Section<'_>>, is_kept: bool) -> Store {
    let mut store = Store::default();
    let Some(mut section) = section else {
        return store;
    };
    for (key, time, range) in [
        ("usage", &mut store.usage, KEPT),
        ("minutes", &mut store.minutes, MINUTES),
        ("decisions", &mut store.decisions, KEPT),
        ("alerts", &mut store.alerts, KEPT),
    ] {
        let field = section.field(key);
        set(time, field.and_then(|field| field.duration(range)));
    }
    let size = section.field("size");
    set(&mut store.size, size.and_then(|field| field.size(SIZES)));
    if !is_kept && let Some((_, field)) = section.entries().next() {
        field.conflict(
            "[store] says how much the books keep, and none are kept",
            "write state = \"DIR\" in [server], or remove it",
        );
    }
    section.finish(&[]);
    store
}
