//! What a route counts between two ticks, and what the last tick found about its targets.
//!
//! Requests write arrivals, first picks and draws, applications scores; the tick takes them and writes how far targets are
//! over the route's levels. All of it is kept across tables and reloads.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::balance::{self, Draw, RouteInput, Scored};
use crate::model::TargetIndex;

/// 2³² / φ: steps of this size spread evenly over the circle however many are taken (Kronecker sequence).
const GOLDEN: u32 = 0x9E37_79B9;

/// What a route counts between two ticks, and where its draws stand.
#[derive(Debug)]
pub struct RouteCells {
    arrivals: AtomicU32,
    picked: Vec<AtomicU32>,
    picked_ever: Vec<AtomicU64>,
    even: AtomicU32,
    again: AtomicU32,
    /// How far each target is over the route's levels, as bits of an `f64`. Written by the tick alone.
    over: Vec<AtomicU64>,
    /// Whether the route's `min_quality` keeps each target away. Written by the tick alone.
    away: Vec<AtomicBool>,
    /// What applications said of its answers since the last tick.
    scores: Mutex<Vec<Scored>>,
    /// Halvings of the weight of its scores, as bits of an `f64`. Written by the tick alone.
    halvings: AtomicU64,
}

/// Scores of a route that one tick takes: a thousand a second, at four ticks a second. More than that are refused.
const MOST_SCORES: usize = 256;

impl RouteCells {
    /// Cells for `targets` targets; the draw sequences start at `phase`, random per process so that replicas differ.
    pub fn new(targets: usize, phase: u32) -> Self {
        Self {
            arrivals: AtomicU32::new(0),
            picked: (0..targets).map(|_| AtomicU32::new(0)).collect(),
            picked_ever: (0..targets).map(|_| AtomicU64::new(0)).collect(),
            even: AtomicU32::new(phase),
            again: AtomicU32::new(phase.rotate_left(16)),
            over: (0..targets).map(|_| AtomicU64::new(0)).collect(),
            away: (0..targets).map(|_| AtomicBool::new(false)).collect(),
            scores: Mutex::default(),
            halvings: AtomicU64::new(0),
        }
    }

    /// The next place of the low-discrepancy sequence, for first picks.
    pub fn even_draw(&self) -> Draw {
        Draw(self.even.fetch_add(GOLDEN, Ordering::Relaxed))
    }

    /// The next place of a second, independent sequence, for draws after a failure.
    pub fn redraw(&self) -> Draw {
        Draw(self.again.fetch_add(GOLDEN, Ordering::Relaxed))
    }

    /// How far `target` was over the route's levels at the last tick.
    pub(super) fn over(&self, target: TargetIndex) -> f64 {
        let cell = self.over.get(target.get());
        cell.map_or(0.0, |cell| f64::from_bits(cell.load(Ordering::Relaxed)))
    }

    /// Whether the route's `min_quality` kept `target` away at the last tick.
    pub(super) fn is_away(&self, target: TargetIndex) -> bool {
        let cell = self.away.get(target.get());
        cell.is_some_and(|cell| cell.load(Ordering::Relaxed))
    }

    /// What was decided: how far each target is over the route's levels, and whether its scores keep it away.
    pub fn found(&self, rows: &[balance::Row]) {
        let cells = self.over.iter().zip(&self.away);
        for ((over, away), row) in cells.zip(rows) {
            over.store(row.over().to_bits(), Ordering::Relaxed);
            away.store(row.is_away(), Ordering::Relaxed);
        }
    }

    /// Somebody rated an answer; tells whether there was room for it.
    pub fn rated(&self, scored: Scored) -> bool {
        let mut scores = self.scores();
        let has_room = scores.len() < MOST_SCORES;
        if has_room {
            scores.push(scored);
        }
        has_room
    }

    /// Halvings of the weight of the route's scores since the beginning, as of the last tick.
    pub fn halvings(&self) -> f64 {
        f64::from_bits(self.halvings.load(Ordering::Relaxed))
    }

    /// So often the weight of scores was halved by now.
    pub fn aged(&self, halvings: f64) {
        self.halvings.store(halvings.to_bits(), Ordering::Relaxed);
    }

    fn scores(&self) -> MutexGuard<'_, Vec<Scored>> {
        self.scores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request came.
    pub fn arrived(&self) {
        self.arrivals.fetch_add(1, Ordering::Relaxed);
    }

    /// `target` was a request's first pick.
    pub fn picked(&self, target: TargetIndex) {
        if let (Some(now), Some(ever)) = (
            self.picked.get(target.get()),
            self.picked_ever.get(target.get()),
        ) {
            now.fetch_add(1, Ordering::Relaxed);
            ever.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// First picks since the start, by target.
    pub fn picked_ever(&self) -> Vec<u64> {
        self.picked_ever
            .iter()
            .map(|cell| cell.load(Ordering::Relaxed))
            .collect()
    }

    /// For the controller: what came since the last tick.
    pub fn collect(&self) -> RouteInput {
        RouteInput {
            arrivals: self.arrivals.swap(0, Ordering::Relaxed),
            picked: self
                .picked
                .iter()
                .map(|cell| cell.swap(0, Ordering::Relaxed))
                .collect(),
            scores: std::mem::take(&mut *self.scores()),
        }
    }
}
