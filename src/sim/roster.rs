//! Who can be compared, by the name that the command line and the reports use.

use super::engine::{Failover, run, run_fleet, run_oracle};
use super::ours::Ours;
use super::policy::Policy;
use super::record::Run;
use super::rival;
use super::scenario::Scenario;
use crate::balance::{Strategy, Trial};
use crate::model::NameError;

/// Somebody who can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub says: &'static str,
    kind: Kind,
}

/// Whose a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Weighbridge as it comes.
    Ours,
    /// Another core on Weighbridge's safety layer.
    Layer,
    /// A rival as its own project describes it.
    Rival,
    /// The oracle.
    Yardstick,
}

impl Side {
    /// As reports say it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Layer => "on our safety layer",
            Self::Rival => "bare rival",
            Self::Yardstick => "yardstick",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ours(Strategy),
    Rival,
    Oracle,
}

const OURS: [Candidate; 2] = [
    Candidate {
        name: "adaptive",
        says: "Weighbridge: shares follow latency, cost and errors, on the safety layer",
        kind: Kind::Ours(Strategy::Adaptive),
    },
    Candidate {
        name: "fixed",
        says: "Weighbridge with the configured shares, on the safety layer",
        kind: Kind::Ours(Strategy::Fixed),
    },
];

/// Told apart from rivals in reports: what the safety layer is worth, and what the core adds.
const TRIALS: [Candidate; 2] = [
    Candidate {
        name: "thompson+gate",
        says: "Thompson sampling as the core on Weighbridge's safety layer",
        kind: Kind::Ours(Strategy::Trial(Trial::Thompson)),
    },
    Candidate {
        name: "latency+gate",
        says: "weight times loss to the power of -12 as the core on Weighbridge's safety layer",
        kind: Kind::Ours(Strategy::Trial(Trial::Latency)),
    },
];

const ORACLE: Candidate = Candidate {
    name: "oracle",
    says: "knows all laws, queues and quotas, though not the luck of single requests",
    kind: Kind::Oracle,
};

impl Candidate {
    /// All, in the order of the reports.
    pub fn all() -> impl Iterator<Item = Self> {
        let rivals = rival::RIVALS.iter().map(|rival| Self {
            name: rival.name,
            says: rival.says,
            kind: Kind::Rival,
        });
        OURS.into_iter().chain(TRIALS).chain(rivals).chain([ORACLE])
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|candidate| candidate.name == name)
    }

    /// Runs it through a scenario, with a mind of its own for each replica.
    pub fn run(
        &self,
        scenario: &Scenario,
        seed: u64,
        failover: Failover,
    ) -> Result<Run, NameError> {
        let replicas = 0..u64::from(scenario.replicas);
        match self.kind {
            Kind::Oracle => Ok(run_oracle(scenario, seed, failover)),
            Kind::Ours(strategy) => {
                let ours = replicas.map(|replica| {
                    let ours = Ours::new(scenario, strategy, seed, replica)?;
                    Ok(if scenario.shared {
                        ours.sharing()
                    } else {
                        ours
                    })
                });
                let mut ours = ours.collect::<Result<Vec<_>, NameError>>()?;
                if scenario.shared {
                    return Ok(run_fleet(scenario, seed, failover, &mut ours));
                }
                Ok(run(scenario, seed, failover, &mut ours))
            }
            Kind::Rival => {
                let weights = scenario.weights(0.0);
                let mut rivals: Vec<Box<dyn Policy>> = replicas
                    .filter_map(|replica| rival::by_name(self.name, &weights, seed, replica))
                    .collect();
                Ok(run(scenario, seed, failover, &mut rivals))
            }
        }
    }

    /// Whose it is.
    pub fn side(&self) -> Side {
        match self.kind {
            Kind::Ours(Strategy::Adaptive) => Side::Ours,
            Kind::Ours(Strategy::Fixed | Strategy::Trial(_)) => Side::Layer,
            Kind::Rival => Side::Rival,
            Kind::Oracle => Side::Yardstick,
        }
    }

    /// The strategy, if it is Weighbridge.
    pub fn strategy(&self) -> Option<Strategy> {
        match self.kind {
            Kind::Ours(strategy) => Some(strategy),
            Kind::Rival | Kind::Oracle => None,
        }
    }

    /// Whether it is the yardstick itself.
    pub fn is_oracle(&self) -> bool {
        self.kind == Kind::Oracle
    }
}
