//! The scenarios that come with the program.

use super::scenario::{Scenario, ScenarioError};

/// A suite: its name, and its scenarios' names and texts.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Its name.
    pub name: &'static str,
    texts: &'static [(&'static str, &'static str)],
}

macro_rules! suite {
    ($suite:literal, [$($name:literal,)*]) => {
        Suite {
            name: $suite,
            texts: &[$((
                $name,
                include_str!(concat!("../../config/scenarios/", $suite, "/", $name, ".toml")),
            ),)*],
        }
    };
}

/// All suites.
pub const SUITES: [Suite; 2] = [
    suite!(
        "base",
        [
            "01-stationary",
            "02-brownout",
            "03-latency-step",
            "04-slow-drift",
            "05-hard-outage",
            "06-error-burst-30",
            "07-429-quota",
            "08-cost-change",
            "09-flapping",
            "10-heavy-tail",
            "11-diurnal-capacity",
            "12-capacity-knee",
            "13-cold-start",
            "13b-cold-start-bad",
            "14-tiny-traffic",
            "15-near-equal",
            "16-black-hole",
            "17-n50",
            "18-10-replicas",
            "18b-10-replicas-brownout",
            "19-client-faults",
            "20-identical-633",
            "21-cost-vs-latency",
            "22-high-rps-brownout",
            "23-slow-providers-x2.5",
            "24-stall-midstream",
            "25-rpm-window",
            "26-blips",
        ]
    ),
    suite!(
        "extra",
        [
            "30-azure-slow-mode",
            "31-azure-slow-few",
            "32-incident-median",
            "33-incident-critical",
            "34-servegen-bursts",
            "35-burstgpt-day",
            "36-vllm-knee",
            "37-prepaid-first",
            "38-mixed-kinds",
            "39-rate-0.05",
            "40-rate-0.5",
            "41-deploy-adds-target",
            "42-price-drift",
            "43-off-peak-price",
            "44-token-limit",
            "45-regional-outage",
            "46-heavy-tails",
            "47-three-replicas",
            "48-mostly-429",
            "49-six-models",
            "50-all-down",
            "51-new-model-cuts",
            "52-conversations-brownout",
            "53-conversations-dearer",
            "54-own-machines",
        ]
    ),
];

/// What takes too long for a suite: found by name alone.
const LONG: Suite = suite!("long", ["do-no-harm",]);

impl Suite {
    /// Its scenarios, in the order of their names.
    ///
    /// # Errors
    /// None in a build that passed its tests.
    pub fn scenarios(&self) -> Result<Vec<Scenario>, ScenarioError> {
        self.texts
            .iter()
            .map(|(_, text)| Scenario::read(text))
            .collect()
    }

    /// The scenario of this name, in any suite or too long for one.
    pub fn scenario(name: &str) -> Option<Result<Scenario, ScenarioError>> {
        let suites = SUITES.iter().chain([&LONG]);
        let mut texts = suites.flat_map(|suite| suite.texts);
        let (_, text) = texts.find(|(known, _)| *known == name)?;
        Some(Scenario::read(text))
    }

    /// Names of all scenarios that come along.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SUITES
            .iter()
            .chain([&LONG])
            .flat_map(|suite| suite.texts)
            .map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_suite_is_built_in_and_says_its_own_name() {
        for suite in SUITES.into_iter().chain([LONG]) {
            let folder = format!(
                "{}/config/scenarios/{}",
                env!("CARGO_MANIFEST_DIR"),
                suite.name
            );
            let files = std::fs::read_dir(&folder).map_or(Vec::new(), Iterator::collect);
            let files = files.into_iter().map(|file| file.unwrap().path());
            let mut names: Vec<String> = files
                .filter(|path| path.extension().is_some_and(|end| end == "toml"))
                .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
                .collect();
            names.sort();
            let known: Vec<&str> = suite.texts.iter().map(|(name, _)| *name).collect();
            assert_eq!(known, names, "{folder} and the list say the same");
            for (scenario, name) in suite.scenarios().unwrap().iter().zip(known) {
                assert_eq!(
                    scenario.name, name,
                    "a file is found by the name that it says"
                );
            }
        }
    }
}
