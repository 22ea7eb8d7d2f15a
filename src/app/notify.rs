//! What a service manager is told: that the daemon serves, reads its files, is about to end, and is alive.
//!
//! The protocol is systemd's, a datagram to the socket that `NOTIFY_SOCKET` names; without that variable nothing is sent.
//! Alive means that the controller ticks, since a data plane whose controller hangs still looks well from outside. A tick
//! that goes wrong is a tick: the shares in force hold then, and a restart would only cut what is under way.
//! Source: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>, 2026-11-29.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;

use crate::control::{Applied, ReloadError};
use crate::live::{Board, Clock, Published};
use crate::model::Time;

/// Signs of life in the time after which the manager gives the daemon up. Half as many would leave one lost datagram no
/// room; twice as many tell no more.
const BEATS: u32 = 4;
/// What is asked for beyond the grace of a drain: three seconds for those who put something away, three for a collector of
/// traces, five for the journal and five for the books, and a little.
const AFTER_DRAIN: Duration = Duration::from_secs(20);

/// It serves.
pub(super) fn ready(generation: u64) {
    let status = format!("serving configuration {generation}");
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The files are being read. The manager waits for [`reloaded`].
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(since) => tell(&[NotifyState::Reloading, since]),
        Err(error) => tracing::warn!(%error, "no time for the service manager"),
    }
}

/// The files were read, whatever came of it: the manager knows no refusal, so the status says it.
pub(super) fn reloaded(outcome: &Result<Applied, ReloadError>) {
    let status = match outcome {
        Ok(applied) => format!("serving configuration {}", applied.config_generation),
        Err(error) => format!("{error}; the last good one goes on"),
    };
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// It drains, which may take as long as `grace`.
pub(super) fn stopping(grace: Duration) {
    let time = grace.saturating_add(AFTER_DRAIN).as_micros();
    let time = u32::try_from(time).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(time),
        NotifyState::Status("draining"),
    ]);
}

/// Tells that the daemon is alive, as long as it is and the manager wants to know; ends when `stop` turns true.
pub(super) async fn watchdog(
    published: Published,
    board: Arc<Board>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    let beating = async {
        let Some(patience) = sd_notify::watchdog_enabled() else {
            return std::future::pending().await;
        };
        let mut pulse = Pulse::at(clock.now());
        loop {
            tokio::time::sleep(patience / BEATS).await;
            let tick = published.read().config.controller.tick;
            if pulse.is_felt(board.ticks(), clock.now(), tick) {
                tell(&[NotifyState::Watchdog]);
            }
        }
    };
    tokio::select! {
        () = beating => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Whether the controller ticks.
#[derive(Debug)]
struct Pulse {
    ticks: u64,
    /// When it was last seen to have ticked.
    at: Time,
}

impl Pulse {
    fn at(now: Time) -> Self {
        Self { ticks: 0, at: now }
    }

    /// Whether it has ticked since the last look, or its next tick is not due yet.
    fn is_felt(&mut self, ticks: u64, now: Time, tick: Duration) -> bool {
        if ticks != self.ticks {
            *self = Self { ticks, at: now };
            return true;
        }
        now.since(self.at) < tick * 2
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_that_hangs_has_no_pulse() {
        let at = Time::from_secs_f64;
        let tick = Duration::from_millis(250);
        let mut pulse = Pulse::at(at(0.0));
        assert!(pulse.is_felt(30, at(7.5), tick), "it ticks");
        assert!(pulse.is_felt(60, at(15.0), tick), "and goes on");
        assert!(!pulse.is_felt(60, at(22.5), tick), "then it hangs");
        assert!(pulse.is_felt(61, at(30.0), tick), "and is back");
    }

    #[test]
    fn a_slow_tick_is_no_hang() {
        let at = Time::from_secs_f64;
        let tick = Duration::from_secs(10);
        let mut pulse = Pulse::at(at(0.0));
        assert!(pulse.is_felt(0, at(5.0), tick), "none is due yet");
        assert!(pulse.is_felt(1, at(10.0), tick), "the first");
        assert!(pulse.is_felt(1, at(15.0), tick), "none is due again");
        assert!(!pulse.is_felt(1, at(31.0), tick), "two were missed");
    }
}
