//! Records of requests for those who look back: the store, the dashboard's curves, its list of recent requests.
//!
//! Problem: several readers want every record, none may hold up a request, and memory must not grow while one of them is
//! slow. Choice: a ring behind a lock of a few instructions, and a number for each record; a reader asks for what came
//! after the number it has, and learns how many it came too late for. How it fails: a reader that looks four times a
//! second misses records from 32,000 requests a second on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::record::RequestEnd;

/// Records that are kept: some 10 MB (one with a call takes 1.1 kB), and a quarter of a second at 32,000 requests a second.
const KEPT: usize = 8_192;
/// Failed ones that are kept beside them, so that a busy hour does not wash them away.
const FAILED: usize = 512;

/// The ring.
#[derive(Debug, Default)]
pub struct Ledger {
    rings: Mutex<Rings>,
}

#[derive(Debug, Default)]
struct Rings {
    /// The number of the next record.
    next: u64,
    all: VecDeque<Arc<RequestEnd>>,
    failed: VecDeque<(u64, Arc<RequestEnd>)>,
}

/// What came since a reader looked last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// The records, oldest first.
    pub records: Vec<Arc<RequestEnd>>,
    /// What to ask for next time.
    pub next: u64,
    /// Records that were gone before this reader looked.
    pub missed: u64,
}

impl Ledger {
    /// A request is over.
    pub fn ended(&self, end: &Arc<RequestEnd>) {
        let mut rings = self.rings();
        let number = rings.next;
        rings.next += 1;
        if rings.all.len() == KEPT {
            rings.all.pop_front();
        }
        rings.all.push_back(Arc::clone(end));
        if !end.is_good() {
            if rings.failed.len() == FAILED {
                rings.failed.pop_front();
            }
            rings.failed.push_back((number, Arc::clone(end)));
        }
    }

    /// What came from the record with the number `from` on; 0 at first.
    pub fn since(&self, from: u64) -> Taken {
        let rings = self.rings();
        let first = rings.next - rings.all.len() as u64;
        let start = from.clamp(first, rings.next);
        let skip = usize::try_from(start - first).unwrap_or(usize::MAX);
        Taken {
            records: rings.all.iter().skip(skip).cloned().collect(),
            next: rings.next,
            missed: first.saturating_sub(from),
        }
    }

    /// The number of the next record: a reader who starts here is told only of what is to come.
    pub fn now(&self) -> u64 {
        self.rings().next
    }

    /// The latest records that are `wanted`, newest first, each with its number; only those before the number `before`.
    pub fn latest(
        &self,
        most: usize,
        before: Option<u64>,
        wanted: impl Fn(&RequestEnd) -> bool,
    ) -> Vec<(u64, Arc<RequestEnd>)> {
        let rings = self.rings();
        let first = rings.next - rings.all.len() as u64;
        let all = (0..rings.next).rev().zip(rings.all.iter().rev());
        let older = rings.failed.iter().rev();
        let older = older.filter(|(number, _)| *number < first);
        let older = older.map(|(number, end)| (*number, end));
        all.chain(older)
            .filter(|(number, _)| before.is_none_or(|before| *number < before))
            .filter(|(_, end)| wanted(end))
            .take(most)
            .map(|(number, end)| (number, Arc::clone(end)))
            .collect()
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::record::tests::ended;

    fn told(ledger: &Ledger, status: u16) {
        ledger.ended(&Arc::new(ended("chat", status)));
    }

    #[test]
    fn each_reader_gets_each_record_once() {
        let ledger = Ledger::default();
        let (mut store, mut curves) = (Taken::default(), Taken::default());
        let mut seen = [0, 0];
        for round in 0..5 {
            for _ in 0..round {
                told(&ledger, 200);
            }
            store = ledger.since(store.next);
            seen[0] += store.records.len();
            if round % 2 == 0 {
                curves = ledger.since(curves.next);
                seen[1] += curves.records.len();
            }
        }
        assert_eq!(seen, [10, 10], "0 + 1 + 2 + 3 + 4");
        assert_eq!(ledger.since(store.next).records, Vec::new(), "and no more");
    }

    #[test]
    fn a_slow_reader_is_told_what_it_missed() {
        let ledger = Ledger::default();
        for _ in 0..KEPT + 10 {
            told(&ledger, 200);
        }
        let taken = ledger.since(0);
        assert_eq!(
            (taken.records.len(), taken.missed),
            (KEPT, 10),
            "the newest"
        );
        told(&ledger, 200);
        let next = ledger.since(taken.next);
        assert_eq!((next.records.len(), next.missed), (1, 0), "and then all");
    }

    #[test]
    fn failures_outlive_the_answers_around_them() {
        let ledger = Ledger::default();
        told(&ledger, 502);
        for _ in 0..KEPT {
            told(&ledger, 200);
        }
        let failed = ledger.latest(10, None, |end| !end.is_good());
        let numbers: Vec<u64> = failed.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [0], "the first record of all");
        let latest = ledger.latest(2, Some(5), |_| true);
        let numbers: Vec<u64> = latest.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [4, 3], "newest first, before the fifth");
    }
}
