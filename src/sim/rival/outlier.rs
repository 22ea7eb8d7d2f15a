//! Envoy's outlier detection: hosts that fail are ejected for a while.
//!
//! Source: <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier> and the `OutlierDetection`
//! message of the cluster API, read in October 2026.
//!
//! A host is ejected after five server errors in a row (`consecutive_5xx`; a time-out counts as one), and, every ten
//! seconds, when its success rate is more than 1.9 deviations below the mean of at least five hosts with at least a
//! hundred requests each. It stays out for thirty seconds times the number of its ejections, at most 300; each interval
//! that it spends among the others takes one off. A 429 is no server error there, so it ejects nobody.
//!
//! Tuned: at most half of the hosts are out (`max_ejection_percent`, 10 % by default, which with few hosts would be
//! one); and a host returns the moment its time is over, where Envoy waits for the interval's end.

use super::verdict::Verdict;
use crate::model::Time;

/// `consecutive_5xx`.
const IN_A_ROW: u32 = 5;
/// `interval`, in seconds.
const INTERVAL: f64 = 10.0;
/// `base_ejection_time` and `max_ejection_time`, in seconds.
const EJECTION: f64 = 30.0;
const LONGEST_EJECTION: f64 = 300.0;
/// `max_ejection_percent`, as a fraction.
const MOST_EJECTED: f64 = 0.5;
/// `success_rate_minimum_hosts`, `success_rate_request_volume` and `success_rate_stdev_factor`.
const RATE_HOSTS: usize = 5;
const RATE_REQUESTS: u32 = 100;
const RATE_DEVIATIONS: f64 = 1.9;

#[derive(Clone, Debug, Default)]
struct Host {
    present: bool,
    errors_in_a_row: u32,
    ejected_until: Time,
    /// How many times the base time the next ejection lasts, less one.
    ejections: u32,
    /// Of this interval.
    requests: u32,
    successes: u32,
}

/// Who is ejected.
#[derive(Debug)]
pub(super) struct Outliers {
    hosts: Vec<Host>,
    interval_ends: Time,
}

impl Outliers {
    pub(super) fn new(count: usize) -> Self {
        Self {
            hosts: vec![Host::default(); count],
            interval_ends: Time::ZERO.after_secs(INTERVAL),
        }
    }

    pub(super) fn set_present(&mut self, host: usize, present: bool) {
        self.hosts[host].present = present;
    }

    pub(super) fn is_ejected(&self, host: usize, now: Time) -> bool {
        self.hosts[host].ejected_until > now
    }

    /// Takes in what an attempt came to.
    pub(super) fn note(&mut self, host: usize, verdict: Verdict, now: Time) {
        let error = matches!(verdict, Verdict::Failed | Verdict::TimedOut);
        let state = &mut self.hosts[host];
        state.requests += 1;
        state.successes += u32::from(!error);
        state.errors_in_a_row = if error { state.errors_in_a_row + 1 } else { 0 };
        if state.errors_in_a_row >= IN_A_ROW && state.ejected_until <= now {
            self.eject(host, now);
        }
    }

    /// Ends an interval when it is time to.
    pub(super) fn tick(&mut self, now: Time) {
        if now < self.interval_ends {
            return;
        }
        self.interval_ends = now.after_secs(INTERVAL);
        for host in &mut self.hosts {
            if host.ejected_until <= now {
                host.ejections = host.ejections.saturating_sub(1);
            }
        }
        for host in self.below_the_others() {
            if !self.is_ejected(host, now) {
                self.eject(host, now);
            }
        }
        for host in &mut self.hosts {
            (host.requests, host.successes) = (0, 0);
        }
    }

    fn eject(&mut self, host: usize, now: Time) {
        let present = self.hosts.iter().filter(|host| host.present).count();
        let out = (0..self.hosts.len()).filter(|other| self.is_ejected(*other, now));
        let room = (MOST_EJECTED * present as f64).max(1.0);
        if (out.count() + 1) as f64 > room {
            return;
        }
        let state = &mut self.hosts[host];
        state.ejections += 1;
        let length = (EJECTION * f64::from(state.ejections)).min(LONGEST_EJECTION);
        state.ejected_until = now.after_secs(length);
        state.errors_in_a_row = 0;
    }

    /// Hosts whose success rate of this interval is too far below the mean.
    fn below_the_others(&self) -> Vec<usize> {
        let hosts = self.hosts.iter().enumerate();
        let busy = hosts.filter(|(_, host)| host.requests >= RATE_REQUESTS);
        let rates: Vec<(usize, f64)> = busy
            .map(|(i, host)| (i, f64::from(host.successes) / f64::from(host.requests)))
            .collect();
        if rates.len() < RATE_HOSTS {
            return Vec::new();
        }
        let count = rates.len() as f64;
        let mean = rates.iter().map(|(_, rate)| rate).sum::<f64>() / count;
        let squares = rates.iter().map(|(_, rate)| (rate - mean).powi(2));
        let deviation = (squares.sum::<f64>() / count).sqrt();
        let bound = mean - RATE_DEVIATIONS * deviation;
        let low = rates.iter().filter(|(_, rate)| *rate < bound);
        low.map(|(host, _)| *host).collect()
    }
}
