//! `simulate --plot DIR`: which pictures, and where they are put.

use std::path::Path;

use super::super::Failure;
use super::picture::Picture;
use super::unwritten;
use super::worlds::Group;
use crate::sim::{Candidate, Failover, Scenario, Timeline};

/// What is drawn: each policy in each scenario, under the first seed.
#[derive(Debug)]
pub(super) struct Plot<'a> {
    pub(super) folder: &'a Path,
    pub(super) groups: &'a [Group],
    pub(super) candidates: &'a [Candidate],
    pub(super) seed: u64,
    pub(super) failover: Failover,
}

impl Plot<'_> {
    /// Writes `SCENARIO-POLICY.svg` for each of both, and says how many.
    pub(super) fn draw(&self) -> Result<usize, Failure> {
        let scenarios = || self.groups.iter().flat_map(|group| &group.scenarios);
        for scenario in scenarios() {
            for candidate in self.candidates {
                self.one(scenario, candidate)?;
            }
        }
        Ok(scenarios().count() * self.candidates.len())
    }

    fn one(&self, scenario: &Scenario, candidate: &Candidate) -> Result<(), Failure> {
        let name = format!("{}-{}", scenario.name, candidate.name);
        let told = |error: &dyn std::fmt::Display| Failure::Told(format!("{name}: {error}"));
        let run = candidate.run(scenario, self.seed, self.failover);
        let run = run.map_err(|error| told(&error))?;
        let timeline = Timeline::of(scenario, &run);
        let picture = Picture {
            scenario,
            policy: candidate.name,
            seed: self.seed,
            timeline: &timeline,
        };
        let svg = picture.svg().map_err(|error| told(&error))?;
        let path = self.folder.join(format!("{}.svg", file_name(&name)));
        std::fs::write(&path, svg).map_err(|error| unwritten(&path, &error))
    }
}

/// Makes the folder, before anything is computed for it.
pub(super) fn make(folder: &Path) -> Result<(), Failure> {
    let place = folder.display();
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::Told(format!("cannot make the folder {place}: {error}")))
}

/// A name that any file system takes and that stays within the folder, whatever a scenario is called.
fn file_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    name.chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_the_folder() {
        assert_eq!(
            file_name("05-hard-outage-cb:thompson"),
            "05-hard-outage-cb_thompson"
        );
        assert_eq!(file_name("../../etc/x"), ".._.._etc_x");
    }
}
