//! The recent past as histograms, in slices that leave one by one.
//!
//! Two significant digits in u32 cells from 10 µs to 10 min: 9 KiB a slice, error below 1 %. Three digits in u64 would be
//! fourteen times that for a precision that no provider's latency has. A ring allocates with its first value, so an idle
//! upstream costs nothing.

use std::collections::VecDeque;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::spread::{LEAST, MOST, empty_histogram};
use crate::model::Time;

/// A ring of histogram slices: one live, and up to `keep` closed ones.
#[derive(Clone, Debug)]
pub(super) struct Window {
    span: Duration,
    keep: usize,
    /// Newest last; each with the moment its span began.
    slices: VecDeque<(Time, Histogram<u32>)>,
}

impl Window {
    /// A ring whose slices are `span` long, with `keep` closed ones beside the live one.
    pub(super) const fn new(span: Duration, keep: usize) -> Self {
        Self {
            span,
            keep,
            slices: VecDeque::new(),
        }
    }

    /// Records a value; outside the range it saturates.
    pub(super) fn record(&mut self, now: Time, value: u64) {
        if self
            .slices
            .back()
            .is_none_or(|(began, _)| now.since(*began) >= self.span)
            && let Some(fresh) = self.fresh_slice(now)
        {
            self.slices.push_back((now, fresh));
        }
        if let Some((_, histogram)) = self.slices.back_mut() {
            histogram.saturating_record(value.clamp(LEAST, MOST));
        }
    }

    /// An empty slice: the oldest one reused when the ring is full.
    fn fresh_slice(&mut self, now: Time) -> Option<Histogram<u32>> {
        self.forget(now);
        if self.slices.len() > self.keep {
            let (_, mut oldest) = self.slices.pop_front()?;
            oldest.reset();
            return Some(oldest);
        }
        empty_histogram()
    }

    /// Drops what is older than the ring spans.
    pub(super) fn forget(&mut self, now: Time) {
        let reach = self
            .span
            .saturating_mul(u32::try_from(self.keep + 1).unwrap_or(u32::MAX));
        while self
            .slices
            .front()
            .is_some_and(|(began, _)| now.since(*began) >= reach)
        {
            self.slices.pop_front();
        }
    }

    /// All slices that began within the last `reach`, as one histogram; `None` if there is no value.
    pub(super) fn merged(&self, now: Time, reach: Duration) -> Option<Histogram<u32>> {
        let mut recent = self
            .slices
            .iter()
            .filter(|(began, _)| now.since(*began) < reach);
        let mut sum = recent.next()?.1.clone();
        for (_, slice) in recent {
            // Equal bounds: adding cannot fail.
            if sum.add(slice).is_err() {
                return None;
            }
        }
        (!sum.is_empty()).then_some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_slice_leaves_when_its_span_is_over() {
        let mut window = Window::new(Duration::from_secs(5), 2);
        for second in 0..15 {
            window.record(at(second), 1_000 * (second + 1));
        }
        let all = window.merged(at(14), Duration::from_secs(60)).unwrap();
        assert_eq!(all.len(), 15, "three slices of five seconds are kept");
        window.record(at(15), 99_000);
        let all = window.merged(at(15), Duration::from_secs(60)).unwrap();
        assert_eq!(all.len(), 11, "the first slice left as the fourth began");
        assert!(all.min() >= 5_900, "what left took its small values along");
    }

    #[test]
    fn values_outside_the_range_saturate() {
        let mut window = Window::new(Duration::from_secs(5), 2);
        window.record(at(0), 0);
        window.record(at(0), u64::MAX);
        let all = window.merged(at(0), Duration::from_secs(5)).unwrap();
        assert_eq!(all.len(), 2, "no value is lost");
        assert!(all.max() >= 590_000_000);
    }

    #[test]
    fn an_idle_window_holds_nothing() {
        let window = Window::new(Duration::from_secs(5), 12);
        assert!(window.merged(at(0), Duration::from_secs(60)).is_none());
        assert_eq!(
            window.slices.capacity(),
            0,
            "memory comes with the first value"
        );
    }
}
