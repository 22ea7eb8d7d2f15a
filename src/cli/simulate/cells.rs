//! The computing: one cell is a scenario under one seed, and cells are spread over the cores.
//!
//! Who computes a cell and when decides nothing: results are put where they belong by number.

use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::super::Failure;
use super::super::progress::line;
use super::worlds::Group;
use crate::model::NameError;
use crate::sim::{Candidate, Failover, Figures, Report, ScenarioReport, SuiteReport, compare};

/// Who is compared, where and how.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    pub(super) groups: &'a [Group],
    pub(super) seeds: RangeInclusive<u64>,
    pub(super) failover: Failover,
    pub(super) candidates: &'a [Candidate],
}

type Cell = Result<Vec<Figures>, NameError>;

impl Question<'_> {
    /// The figures of all, by group and scenario.
    pub(super) fn answer(&self, told: Option<&mut (impl Write + Send)>) -> Result<Report, Failure> {
        let mut found = self.computed(told)?.into_iter();
        let suite = |group: &Group| {
            let reports = group.scenarios.iter().map(|scenario| {
                let by_policy = found.next().unwrap_or_default();
                let names = self.candidates.iter().map(|candidate| candidate.name);
                ScenarioReport::new(scenario, names.zip(by_policy).collect())
            });
            let reports = reports.collect();
            SuiteReport::new(&group.name, reports)
        };
        Ok(Report {
            seeds: self.seeds.clone().count() as u64,
            suites: self.groups.iter().map(suite).collect(),
        })
    }

    /// By scenario and policy: the figures under each seed.
    pub(super) fn computed(
        &self,
        told: Option<&mut (impl Write + Send)>,
    ) -> Result<Vec<Vec<Vec<Figures>>>, Failure> {
        let worlds: Vec<_> = self
            .groups
            .iter()
            .flat_map(|group| &group.scenarios)
            .collect();
        let jobs: Vec<(usize, u64)> = (0..worlds.len())
            .flat_map(|world| self.seeds.clone().map(move |seed| (world, seed)))
            .collect();
        let compute = |(world, seed): (usize, u64)| -> Cell {
            compare(worlds[world], seed, self.failover, self.candidates)
        };
        let results = spread(&jobs, compute, told);
        let mut found = vec![vec![Vec::new(); self.candidates.len()]; worlds.len()];
        for ((world, _), cell) in jobs.iter().zip(results) {
            let name = &worlds[*world].name;
            let told = |error| Failure::Told(format!("scenario {name}: {error}"));
            for (policy, figures) in found[*world].iter_mut().zip(cell.map_err(told)?) {
                policy.push(figures);
            }
        }
        Ok(found)
    }
}

/// Computes all jobs, on a thread a core; results in the order of the jobs.
pub(super) fn spread<J: Copy + Sync, R: Send>(
    jobs: &[J],
    compute: impl Fn(J) -> R + Sync,
    progress: Option<&mut (impl Write + Send)>,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(jobs.len()));
    let progress = Mutex::new(progress);
    let work = || {
        while let Some((place, job)) = claim(jobs, &next) {
            let result = compute(job);
            let done = {
                let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                results.push((place, result));
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
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The next job that nobody has.
fn claim<J: Copy>(jobs: &[J], next: &AtomicUsize) -> Option<(usize, J)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    Some((place, *jobs.get(place)?))
}

/// A bar, where there is somewhere to show it.
fn show(progress: &Mutex<Option<&mut (impl Write + Send)>>, done: usize, all: usize) {
    let mut guard = progress.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(to) = guard.as_mut() else {
        return;
    };
    let line = line(done as u64, all as u64, "");
    drop(to.write_all(line.as_bytes()).and_then(|()| to.flush()));
}
