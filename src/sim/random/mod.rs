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
mod trouble;

use std::fmt::Write as _;

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
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| {
        // Writing to a text cannot fail.
        drop(writeln!(text, "{words}"));
    };
    line(format_args!(
        "# Drawn at random, seed {seed}: {} targets at {} requests/s; {}.",
        targets.len(),
        short(traffic.rps),
        sentence(troubles)
    ));
    line(format_args!("name = \"random-{seed}\""));
    line(format_args!("seconds = {}", short(traffic.seconds)));
    line(format_args!("replicas = {}\n\n[load]", traffic.replicas));
    for (key, value) in traffic.keys() {
        line(format_args!("{key} = {value}"));
    }
    for target in targets {
        line(format_args!("\n[target.{}]", target.name));
        for (key, value) in &target.keys {
            line(format_args!("{key} = {value}"));
        }
    }
    if let Some(fault) = troubles.iter().find(|trouble| trouble.is_followed) {
        line(format_args!("\n[fault]\ntarget = \"{}\"", fault.target));
        line(format_args!("from = {}", short(fault.from)));
        line(format_args!("to = {}", short(fault.to)));
    }
    text
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
