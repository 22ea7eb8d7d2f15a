//! Policies side by side: one cell is one scenario under one seed, and all policies meet the same requests in it.

use super::engine::{Failover, run_oracle};
use super::metrics::Figures;
use super::roster::Candidate;
use super::scenario::Scenario;
use crate::model::NameError;

/// The figures of all `candidates` in one scenario under one seed, in their order.
pub fn compare(
    scenario: &Scenario,
    seed: u64,
    failover: Failover,
    candidates: &[Candidate],
) -> Result<Vec<Figures>, NameError> {
    let oracle = run_oracle(scenario, seed, failover);
    let least = oracle.loss();
    let figures = |candidate: &Candidate| {
        if candidate.is_oracle() {
            return Ok(Figures {
                regret: Some(0.0),
                ..Figures::of(scenario, &oracle)
            });
        }
        let run = candidate.run(scenario, seed, failover)?;
        Ok(Figures {
            regret: Some(run.loss() - least),
            ..Figures::of(scenario, &run)
        })
    };
    candidates.iter().map(figures).collect()
}
