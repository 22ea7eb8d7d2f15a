//! `--exposure`: requests that meet a dead target, by rate and policy.

use std::io::Write;

use serde_json::{Value, json};

use super::super::table::{Align, columns};
use super::super::{Failure, print_json};
use super::{Args, Format, cells};
use crate::sim::{Candidate, Death, Exposure, RATES, by_share, exposure};

/// What is asked: a candidate's place, a rate, a death.
type Job = (usize, f64, Death);

/// By rate and candidate.
pub(super) type ByRate = Vec<(f64, Vec<Exposure>)>;

/// By death, rate and candidate.
pub(super) type Found = Vec<(Death, ByRate)>;

/// Lets each candidate meet each death at each rate.
pub(super) fn found(
    args: &Args,
    candidates: &[Candidate],
    progress: &mut Option<&mut (impl Write + Send)>,
) -> Result<Found, Failure> {
    let among = |death: Death, rate: f64| (0..candidates.len()).map(move |i| (i, rate, death));
    let jobs: Vec<Job> = Death::ALL
        .iter()
        .flat_map(|death| RATES.iter().flat_map(move |rate| among(*death, *rate)))
        .collect();
    let compute = |(i, rate, death): Job| {
        exposure(
            &candidates[i],
            rate,
            death,
            args.all_seeds(),
            args.failover().into(),
        )
    };
    let results = cells::spread(&jobs, compute, progress.as_deref_mut());
    let results: Result<Vec<Exposure>, _> = results.into_iter().collect();
    let results = results.map_err(|error| Failure::Told(error.to_string()))?;
    let mut rows = results
        .chunks(candidates.len().max(1))
        .map(<[Exposure]>::to_vec);
    let mut row = |rate: &f64| (*rate, rows.next().unwrap_or_default());
    let mut rates = |death: Death| (death, RATES.iter().map(&mut row).collect());
    Ok(Death::ALL.into_iter().map(&mut rates).collect())
}

/// Prints what was found.
pub(super) fn run(
    args: &Args,
    candidates: &[Candidate],
    out: &mut dyn Write,
    progress: &mut Option<&mut (impl Write + Send)>,
) -> Result<(), Failure> {
    let found = found(args, candidates, progress)?;
    match args.format {
        Format::Json => print_json(out, &document(&found, candidates)),
        Format::Csv => {
            writeln!(out, "death,rate,policy,before,whole,failed")?;
            for (death, rate, candidate, found) in lines(&found, candidates) {
                let Exposure {
                    before,
                    whole,
                    failed,
                } = found;
                let (death, name) = (death.label(), candidate.name);
                writeln!(out, "\"{death}\",{rate},{name},{before},{whole},{failed}")?;
            }
            Ok(())
        }
        Format::Table => Ok(write!(out, "{}", tables(&found, candidates))?),
    }
}

/// One line a death, rate and candidate.
fn lines<'a>(
    found: &'a Found,
    candidates: &'a [Candidate],
) -> impl Iterator<Item = (Death, f64, &'a Candidate, &'a Exposure)> {
    found.iter().flat_map(move |(death, rates)| {
        rates.iter().flat_map(move |(rate, exposures)| {
            let pairs = candidates.iter().zip(exposures);
            pairs.map(move |(candidate, found)| (*death, *rate, candidate, found))
        })
    })
}

fn document(found: &Found, candidates: &[Candidate]) -> Value {
    let lines = lines(found, candidates).map(|(death, rate, candidate, found)| {
        json!({
            "death": death.label(),
            "rate": rate,
            "policy": candidate.name,
            "by_share": by_share(rate),
            "before": found.before,
            "whole": found.whole,
            "failed": found.failed,
        })
    });
    json!({ "exposure": lines.collect::<Vec<_>>() })
}

/// A table for each death: attempts that met the target before it was left / in all / requests that failed.
fn tables(found: &Found, candidates: &[Candidate]) -> String {
    let mut text = String::new();
    for (death, rates) in found {
        text.push_str(death.label());
        text.push_str(
            ": attempts that met it before it was left / in all / requests that failed\n\n",
        );
        let heads: Vec<String> = rates.iter().map(|(rate, _)| format!("{rate}/s")).collect();
        let mut all = vec![("POLICY", Align::Left)];
        all.extend(heads.iter().map(|head| (head.as_str(), Align::Right)));
        let by_share = rates
            .iter()
            .map(|(rate, _)| format!("{:.0}", by_share(*rate)));
        let mut rows = vec![
            std::iter::once("(by its share)".to_owned())
                .chain(by_share)
                .collect(),
        ];
        for (i, candidate) in candidates.iter().enumerate() {
            let cells = rates.iter().map(|(_, found)| {
                let found = found.get(i).copied().unwrap_or_default();
                format!(
                    "{:.1} / {:.1} / {:.1}",
                    found.before, found.whole, found.failed
                )
            });
            rows.push(
                std::iter::once(candidate.name.to_owned())
                    .chain(cells)
                    .collect::<Vec<_>>(),
            );
        }
        text.push_str(&columns(&all, &rows));
        text.push('\n');
    }
    text
}
