//! The cost of real calls, calculated a second time from the raw price data.
//!
//! Needs the folder that `WEIGHBRIDGE_DATA` names; without it nothing is checked, which is said. The second calculation
//! shares no code with the program: decimal texts become whole numbers of 10⁻¹⁸ dollars here, and are added up in `i128`.
//! The recorded answers are priced in `recordings`, by the same second calculation.

mod raw;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use weighbridge::catalogue;
use weighbridge::model::Tokens;

pub(crate) use self::raw::Raw;
use self::raw::unpacked;
use super::recordings::Usage;

/// Kind, model, and tokens.
fn calls(data: &Path) -> Vec<(String, String, Usage)> {
    let text = unpacked(&data.join("latency/recorded_call_latency.csv.gz"));
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| heads.iter().position(|head| *head == name).unwrap();
    let [provider, model, input, output, cached] = [
        "provider",
        "model",
        "input_tokens",
        "output_tokens",
        "cached_input_tokens",
    ]
    .map(column);
    lines
        .filter_map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let number = |index: usize| cells.get(index)?.parse::<u64>().ok();
            let usage = Usage {
                input: number(input)?,
                cached: number(cached).unwrap_or(0).min(number(input)?),
                output: number(output)?,
                ..Usage::default()
            };
            Some((cells[provider].to_owned(), cells[model].to_owned(), usage))
        })
        .collect()
}

#[test]
fn the_cost_of_recorded_calls_is_exact() {
    let Some(data) = std::env::var_os("WEIGHBRIDGE_DATA").map(PathBuf::from) else {
        println!("skipped: WEIGHBRIDGE_DATA is not set");
        return;
    };
    let raw = Raw::read(&data);
    let calls = calls(&data);
    let mut checked = 0;
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for (provider, model, usage) in &calls {
        let entry = catalogue::find(provider, model);
        let Some((entry, price)) = entry.and_then(|entry| Some((entry, entry.price?))) else {
            *skipped.entry("not in the catalogue").or_default() += 1;
            continue;
        };
        // As recorded, and a thousand times as long: above every tier.
        for factor in [1, 1000] {
            let usage = Usage {
                input: usage.input * factor,
                cached: usage.cached * factor,
                output: usage.output * factor,
                ..*usage
            };
            let Some(expected) = raw.cost(entry, usage) else {
                *skipped
                    .entry("no single price in the raw data")
                    .or_default() += 1;
                continue;
            };
            let ours = price.of(Tokens {
                input: usage.input,
                cached_input: usage.cached,
                output: usage.output,
                ..Tokens::default()
            });
            let ours = i128::try_from(ours.pico()).unwrap() * 1_000_000;
            assert_eq!(ours, expected, "{provider} {model} {usage:?} × {factor}");
            checked += usize::from(factor == 1);
        }
    }
    println!(
        "{checked} of {} calls checked; not: {skipped:?}",
        calls.len()
    );
    assert!(checked >= 500, "{checked} calls checked");
}
