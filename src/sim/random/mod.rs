//! Worlds drawn at random, from priors that are written down.
//!
//! Whoever writes scenarios by hand writes the ones that their controller was made for. These are drawn: how many targets,
//! how quick, how dear, how much traffic, what goes wrong, where and when. A world is made as the text of a scenario
//! file and read like any other, so it can be kept, looked at and changed. The same seed is the same text.
//!
//! The priors are in [`prior`] and [`trouble`], and in SCENARIOS.md in words. They are wide on purpose: a prior
//! that is narrow around what one likes is a hand-written scenario again. They were written down before anything was
//! measured with them.

mod dice;
mod prior;
mod standing;
mod trouble;

pub use standing::{Placing, Standings};

use dice::{Dice, short};
use prior::{Target, Traffic};
use trouble::Trouble;

use super::scenario::{Scenario, ScenarioError};

/// The parts of a world in the noise.
const SALT: u64 = 0x57_0B1D;

/// The text of world number `seed`.
pub fn text(seed: u64) -> String {
    let mut dice = Dice::of(seed, SALT);
    let traffic = Traffic::drawn(&mut dice);
    let mut targets = prior::targets(&mut dice, &traffic);
    let troubles = trouble::drawn(&mut dice, &traffic, &mut targets);
    written(seed, &traffic, &targets, &troubles)
}

/// World number `seed`.
///
/// # Errors
/// None: every text that is drawn is a scenario.
pub fn world(seed: u64) -> Result<Scenario, ScenarioError> {
    Scenario::read(&text(seed))
}

/// The file: a sentence, then the world.
fn written(seed: u64, traffic: &Traffic, targets: &[Target], troubles: &[Trouble]) -> String {
    let mut lines = vec![
        format!(
            "# Drawn at random, seed {seed}: {} targets at {} requests/s; {}.",
            targets.len(),
            short(traffic.rps),
            sentence(troubles)
        ),
        format!("name = \"random-{seed}\""),
        format!("seconds = {}", short(traffic.seconds)),
        format!("replicas = {}\n\n[load]", traffic.replicas),
    ];
    let pair = |(key, value): (&str, String)| format!("{key} = {value}");
    lines.extend(traffic.keys().map(pair));
    for target in targets {
        lines.push(format!("\n[target.{}]", target.name));
        lines.extend(
            target
                .keys
                .iter()
                .map(|(key, value)| pair((key, value.clone()))),
        );
    }
    if let Some(fault) = troubles.iter().find(|trouble| trouble.is_followed) {
        lines.push(format!("\n[fault]\ntarget = \"{}\"", fault.target));
        lines.push(format!("from = {}", short(fault.from)));
        lines.push(format!("to = {}", short(fault.to)));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn sentence(troubles: &[Trouble]) -> String {
    if troubles.is_empty() {
        return "nothing goes wrong".to_owned();
    }
    let words = troubles.iter().map(|trouble| trouble.says.clone());
    words.collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests;
