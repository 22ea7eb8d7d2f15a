//! `simulate --write-journal FILE`: the journal that the daemon would have written of one run.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::super::Failure;
use super::cells::Question;
use crate::journal::text;
use crate::sim::journal;

/// Writes the journal of the one run that is asked for.
pub(super) fn write(path: &Path, question: &Question<'_>) -> Result<(), Failure> {
    let mut scenarios = question.groups.iter().flat_map(|group| &group.scenarios);
    let (scenario, more) = (scenarios.next(), scenarios.next());
    let strategy = match question.candidates {
        [candidate] => candidate.strategy(),
        _ => None,
    };
    let seed = *question.seeds.start();
    let one = seed == *question.seeds.end();
    let (Some(scenario), None, Some(strategy), true) = (scenario, more, strategy, one) else {
        let words = "--write-journal is of one run: give it one --scenario or --route, --policy adaptive or fixed, and --seeds 1";
        return Err(Failure::Told(words.to_owned()));
    };
    if scenario.replicas > 1 {
        let words = "--write-journal is of one replica: give it --replicas 1";
        return Err(Failure::Told(words.to_owned()));
    }
    let lines = journal(scenario, strategy, seed, question.failover);
    let lines = lines.map_err(|error| Failure::Told(error.to_string()))?;
    let told = |error: io::Error| {
        let place = path.display();
        Failure::Told(format!("cannot write the journal {place}: {error}"))
    };
    let mut file = BufWriter::new(File::create(path).map_err(told)?);
    for line in &lines {
        let text = text(line).map_err(|error| told(error.into()))?;
        writeln!(file, "{text}").map_err(told)?;
    }
    file.flush().map_err(told)
}
