//! What an environment's worlds are made of: a table above the results, and the same for programs.

use serde::Serialize;

use super::super::super::table::{Align, table};
use super::world::{Basis, Taken};
use super::{Environment, Plan};
use crate::law::Number;
use crate::sim::{Cost, Scenario};

/// A route's world, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Assumed<'a> {
    route: &'a str,
    /// What the route has.
    policy: &'a str,
    rps: f64,
    seconds: f64,
    tokens_in: f64,
    tokens_out: f64,
    streamed: f64,
    targets: Vec<AssumedTarget<'a>>,
}

#[derive(Debug, Serialize)]
struct AssumedTarget<'a> {
    name: &'a str,
    #[serde(rename = "use")]
    upstream: &'a str,
    weight: f64,
    tier: u8,
    ttft_ms: f64,
    tpot_ms: f64,
    error_rate: f64,
    /// Dollars for a million tokens; null where no price is known.
    input: Option<f64>,
    output: Option<f64>,
    known_from: String,
}

impl Environment {
    /// What the worlds are made of, for programs.
    pub(super) fn assumed(&self) -> Vec<Assumed<'_>> {
        let worlds = self.group.scenarios.iter().zip(&self.plans);
        worlds.map(|(scenario, plan)| of(scenario, plan)).collect()
    }
}

fn of<'a>(scenario: &'a Scenario, plan: &'a Plan) -> Assumed<'a> {
    let load = &scenario.load;
    let targets = plan.targets.iter().filter_map(|taken| {
        let simulated = scenario.targets.get(&taken.name)?;
        let price = match simulated.terms.cost {
            Cost::Listed(price) => Some((price.input as f64 / 1e6, price.output as f64 / 1e6)),
            Cost::Law | Cost::Unknown => None,
        };
        Some(AssumedTarget {
            name: &taken.name,
            upstream: &taken.upstream,
            weight: simulated.weight.value(),
            tier: simulated.tier,
            ttft_ms: taken.law.ttft_ms.at(0.0),
            tpot_ms: taken.law.tpot_ms.at(0.0),
            error_rate: taken.law.error_rate.at(0.0),
            input: price.map(|(input, _)| input),
            output: price.map(|(_, output)| output),
            known_from: taken.from(),
        })
    });
    Assumed {
        route: &scenario.name,
        policy: plan.own.name,
        rps: load.rps.at(0.0),
        seconds: scenario.seconds,
        tokens_in: load.tokens_in.at(0.0),
        tokens_out: load.tokens_out.median.at(0.0),
        streamed: load.streamed.at(0.0),
        targets: targets.collect(),
    }
}

/// What the worlds are made of: a sentence and a table a route.
pub(in super::super) fn assumed(environment: &Environment) -> String {
    let mut text = String::new();
    for note in &environment.notes {
        let line = format!("note: {note}\n");
        text.push_str(&line);
    }
    for (assumed, plan) in environment.assumed().iter().zip(&environment.plans) {
        let head = format!(
            "route {}, {} by its configuration: {} requests/s for {} s, {:.0} % streamed, prompts of {:.0} and \
             answers of {:.0} tokens\n\n",
            assumed.route,
            assumed.policy,
            short(assumed.rps),
            short(assumed.seconds),
            100.0 * assumed.streamed,
            assumed.tokens_in,
            assumed.tokens_out,
        );
        text.push_str(&head);
        text.push_str(&targets(assumed, plan));
        text.push('\n');
    }
    text
}

fn targets(assumed: &Assumed<'_>, plan: &Plan) -> String {
    let rows = assumed.targets.iter().zip(&plan.targets);
    let rows: Vec<[String; 9]> = rows
        .map(|(target, taken)| {
            let dollars =
                |price: Option<f64>| price.map_or("-".to_owned(), |it| format!("{it:.2}"));
            [
                target.name.to_owned(),
                short(target.weight),
                target.tier.to_string(),
                changing(&taken.law.ttft_ms, target.ttft_ms),
                changing(&taken.law.tpot_ms, target.tpot_ms),
                changing(&taken.law.error_rate, 100.0 * target.error_rate),
                dollars(target.input),
                dollars(target.output),
                target.known_from.clone(),
            ]
        })
        .collect();
    let heads = [
        ("TARGET", Align::Left),
        ("WEIGHT", Align::Right),
        ("TIER", Align::Right),
        ("FIRST ms", Align::Right),
        ("TOKEN ms", Align::Right),
        ("FAILS %", Align::Right),
        ("$/1M IN", Align::Right),
        ("OUT", Align::Right),
        ("TIMES AND FAILURES FROM", Align::Left),
    ];
    table(heads, &rows)
}

impl Taken {
    fn from(&self) -> String {
        match self.from {
            Basis::Law => "its law".to_owned(),
            Basis::Journal(answers) => format!("{answers} answers"),
            Basis::Kind => "its kind of provider".to_owned(),
            Basis::Nothing => "a middling model".to_owned(),
        }
    }
}

/// A figure as it is at the beginning, marked if it changes by itself.
fn changing(number: &Number, shown: f64) -> String {
    let (low, high) = number.bounds();
    let mark = if high > low { "~" } else { "" };
    format!("{mark}{}", short(shown))
}

/// Two digits after the point, or as many as it takes to say two that are not 0; none that say nothing.
fn short(value: f64) -> String {
    let digits = (2..12).find(|digits| value == 0.0 || value.abs() * 10_f64.powi(*digits) >= 10.0);
    let digits = usize::try_from(digits.unwrap_or(2)).unwrap_or(2);
    let text = format!("{value:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_small_ones_are_not_nothing() {
        for (value, said) in [
            (0.0, "0"),
            (10.0, "10"),
            (0.857, "0.86"),
            (0.3, "0.3"),
            (0.05, "0.05"),
            (0.001, "0.001"),
            (0.000_123_4, "0.00012"),
            (900.0, "900"),
        ] {
            assert_eq!(short(value), said);
        }
    }
}
