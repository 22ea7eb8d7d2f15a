//! How many values of a tag the books tell apart.
//!
//! Problem: clients choose tags, and each value is a row a minute for as long as usage is kept: a number of its own for every
//! request would fill the disk and push everything else out. Choice: a bound on the values of a tag in a day; what comes
//! beyond them is one more value, so sums stay whole. A start goes on with what the books have of the day, so that restarts
//! do not add up. How it fails: the day's first values are told apart, whoever they are.

use std::collections::HashSet;

use crate::model::Time;
use crate::store::{Books, Dimension, MOST_ROWS, MOST_VALUES, Query, UsageKey};

/// What the values beyond those are booked under.
pub(super) const OTHERS: &str = "(others)";
pub(super) const DAY_MINUTES: u64 = 1_440;
const MINUTE_US: u64 = 60_000_000;

/// The values of tags that a day has seen. Each is up to 100 bytes, so the three tags together take 4 MB at most.
#[derive(Debug, Default)]
pub(super) struct Values {
    day: u64,
    seen: [HashSet<String>; 3],
}

impl Values {
    /// Puts the tags of `key` down as others', where they are beyond the number that is told apart.
    pub(super) fn bound(&mut self, key: &mut UsageKey) {
        let day = key.minute / DAY_MINUTES;
        if day > self.day {
            *self = Self {
                day,
                ..Self::default()
            };
        }
        let tags = [&mut key.team, &mut key.feature, &mut key.user];
        for (tag, seen) in tags.into_iter().zip(&mut self.seen) {
            if tag.is_empty() || seen.contains(tag) {
                continue;
            }
            if seen.len() < MOST_VALUES {
                seen.insert(tag.clone());
            } else {
                OTHERS.clone_into(tag);
            }
        }
    }

    /// Takes in what the books had, if it is of the same day.
    pub(super) fn merge(&mut self, before: Self) {
        if self.day > before.day {
            return;
        }
        self.day = before.day;
        for (seen, before) in self.seen.iter_mut().zip(before.seen) {
            seen.extend(before);
        }
    }
}

/// What the books have of the day of `now`; `None` if they cannot be read or there are none. Reads: a second for a day of
/// millions of rows.
pub(super) fn seen_today(books: &Books, now: Time) -> Option<Values> {
    if !books.are_kept() {
        return None;
    }
    let day = now.as_micros() / MINUTE_US / DAY_MINUTES;
    let mut values = Values {
        day,
        ..Values::default()
    };
    let tags = [Dimension::Team, Dimension::Feature, Dimension::User];
    for (tag, seen) in tags.into_iter().zip(&mut values.seen) {
        let known = books.usage(&Query {
            by: vec![tag],
            since: Time::from_micros(day * DAY_MINUTES * MINUTE_US),
            until: now,
            only: Vec::new(),
            most: MOST_ROWS,
        });
        let rows = known.ok()?.rows.into_iter();
        let texts = rows.filter_map(|row| row.of.into_iter().next());
        seen.extend(texts.filter(|text| !text.is_empty() && text != OTHERS));
    }
    Some(values)
}
