//! The computing: one cell is a scenario under one seed, and cells are spread over the cores.
//!
//! Who computes a cell and when decides nothing: results are put where they belong by number.

use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::Failure;
use crate::model::NameError;
use crate::sim::{Candidate, Failover, Figures, Scenario, compare};

/// What is to be computed.
#[derive(Debug)]
pub(super) struct Cells<'a> {
    pub(super) worlds: &'a [&'a Scenario],
    pub(super) seeds: RangeInclusive<u64>,
    pub(super) failover: Failover,
    pub(super) candidates: &'a [Candidate],
}

type Cell = Result<Vec<Figures>, NameError>;

/// By scenario and policy: the figures under each seed.
pub(super) fn computed(
    cells: &Cells<'_>,
    progress: Option<&mut (impl Write + Send)>,
) -> Result<Vec<Vec<Vec<Figures>>>, Failure> {
    let seeds: Vec<u64> = cells.seeds.clone().collect();
    let jobs: Vec<(usize, u64)> = (0..cells.worlds.len())
        .flat_map(|world| seeds.iter().map(move |seed| (world, *seed)))
        .collect();
    let compute = |(world, seed): (usize, u64)| {
        compare(cells.worlds[world], seed, cells.failover, cells.candidates)
    };
    let results = spread(&jobs, compute, progress);
    let mut found = vec![vec![Vec::new(); cells.candidates.len()]; cells.worlds.len()];
    for ((world, _), cell) in jobs.iter().zip(results) {
        let name = &cells.worlds[*world].name;
        let figures = cell.map_err(|error| Failure::Told(format!("scenario {name}: {error}")))?;
        for (policy, figures) in found[*world].iter_mut().zip(figures) {
            policy.push(figures);
        }
    }
    Ok(found)
}

/// Computes all jobs, on a thread a core; results in the order of the jobs.
fn spread(
    jobs: &[(usize, u64)],
    compute: impl Fn((usize, u64)) -> Cell + Sync,
    progress: Option<&mut (impl Write + Send)>,
) -> Vec<Cell> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Cell)>> = Mutex::new(Vec::with_capacity(jobs.len()));
    let progress = Mutex::new(progress);
    let work = || {
        while let Some((place, job)) = claim(jobs, &next) {
            let cell = compute(job);
            let done = {
                let mut results = results
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                results.push((place, cell));
                results.len()
            };
            show(&progress, done, jobs.len());
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..cores.min(jobs.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, cell)| cell).collect()
}

/// The next job that nobody has.
fn claim(jobs: &[(usize, u64)], next: &AtomicUsize) -> Option<(usize, (usize, u64))> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    Some((place, *jobs.get(place)?))
}

/// Columns of the bar.
const WIDTH: usize = 40;

/// One line that is written over; empty in the end. Nobody misses it where it cannot be written.
fn show(progress: &Mutex<Option<&mut (impl Write + Send)>>, done: usize, all: usize) {
    let mut guard = progress
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(to) = guard.as_mut() else {
        return;
    };

    let filled = done * WIDTH / all.max(1);
    let line = if done == all {
        " ".repeat(WIDTH + 24)
    } else {
        format!(
            "[{}{}] {done} of {all}",
            "#".repeat(filled),
            " ".repeat(WIDTH - filled)
        )
    };
    drop(write!(to, "\r{line}\r").and_then(|()| to.flush()));
}
