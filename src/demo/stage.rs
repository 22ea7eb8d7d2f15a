//! What the operator does to the demo's providers, and what came of the traffic since the start.
//!
//! A provider and its copy under fixed weights always fare alike. What an operator does has precedence over the story's own
//! fault, until the provider is healed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::report::percentile;
use super::story::{ADAPTIVE, ENVIRONMENT, FIXED, Pace, SICK, StoryError, sick};
use crate::admin::{Act, Actor, Count, Scene};
use crate::app::Running;
use crate::control::Text;
use crate::law::{Law, Number, NumberError, RateLimit};
use crate::model::Time;

/// How much slower `slow` is.
const SLOWER: f64 = 4.0;
/// Answers that the 95th percentile is taken from.
const LATELY: usize = 500;
/// How a copy under fixed weights is called.
const COPY: &str = "-copy";

/// The stage.
#[derive(Debug)]
pub struct Stage {
    running: Running,
    /// The environment's text: prices are changed there.
    text: Text,
    /// The laws of the environment.
    well: BTreeMap<String, Law>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    acts: BTreeMap<String, Act>,
    /// When the story that is being told began, and how fast it goes.
    story: Option<(Time, Pace)>,
    counts: [Counted; 2],
}

#[derive(Debug, Default)]
struct Counted {
    requests: u64,
    failed: u64,
    lately: VecDeque<f64>,
}

impl Counted {
    fn saw(&mut self, millis: f64, answered: bool) {
        self.requests += 1;
        if !answered {
            // A refusal that comes at once is no quick answer.
            self.failed += 1;
            return;
        }
        if self.lately.len() == LATELY {
            self.lately.pop_front();
        }
        self.lately.push_back(millis);
    }
}

impl Stage {
    /// The stage of a demo that was just started on `text`.
    pub fn new(running: Running, text: Text) -> Self {
        let names = running.laws.names().into_iter();
        let laws = names.filter_map(|name| {
            let law = running.laws.law(&name)?;
            Some((name, (*law).clone()))
        });
        let well: BTreeMap<String, Law> = laws.collect();
        let own = well.keys().filter(|name| !name.ends_with(COPY));
        let acts = own.map(|name| (name.clone(), Act::Heal)).collect();
        Self {
            running,
            text,
            well,
            state: Mutex::new(State {
                acts,
                story: None,
                counts: Default::default(),
            }),
        }
    }

    /// A story begins now: the laws' time begins with it.
    pub(super) fn begin(&self, pace: Pace) -> Result<(), StoryError> {
        let now = self.running.clock.now();
        self.state().story = Some((now, pace));
        self.put_all()
    }

    /// A request of the route ended: how long it took, and whether it was answered.
    pub(super) fn count(&self, route: &str, millis: f64, answered: bool) {
        let mut state = self.state();
        state.counts[usize::from(route != ADAPTIVE)].saw(millis, answered);
    }

    /// Gives each provider and its copy the law that holds for it now.
    fn put_all(&self) -> Result<(), StoryError> {
        let state = self.state();
        for (name, well) in &self.well {
            let own = name.strip_suffix(COPY).unwrap_or(name);
            let act = state.acts.get(own).copied().unwrap_or(Act::Heal);
            let law = match (act, state.story) {
                (Act::Heal, Some((since, pace))) if own == SICK => {
                    let gone = self.running.clock.now().secs_since(since);
                    sick(well, pace, gone)?
                }
                (act, _) => acted(well, act)?,
            };
            let put = self.running.laws.put(name, law);
            put.map_err(|_| StoryError::Missing(SICK))?;
        }
        Ok(())
    }

    fn cost(&self, route: &str) -> f64 {
        let snapshot = self.running.published.read();
        let members = snapshot
            .route(route)
            .map(|route| Arc::clone(&route.members));
        let members = members.iter().flat_map(|members| members.iter());
        members
            .map(|member| member.upstream.totals().cost.usd())
            .sum()
    }

    fn shown(&self, counted: &Counted, route: &str) -> Count {
        let mut lately: Vec<f64> = counted.lately.iter().copied().collect();
        lately.sort_by(f64::total_cmp);
        Count {
            requests: counted.requests,
            failed: counted.failed,
            p95_ms: (!lately.is_empty()).then(|| percentile(&lately, 0.95)),
            cost_usd: self.cost(route),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl crate::admin::Stage for Stage {
    fn scene(&self) -> Scene {
        let state = self.state();
        let actor = |(name, act): (&String, &Act)| Actor {
            name: name.clone(),
            act: *act,
        };
        Scene {
            providers: state.acts.iter().map(actor).collect(),
            adaptive: self.shown(&state.counts[0], ADAPTIVE),
            fixed: self.shown(&state.counts[1], FIXED),
        }
    }

    fn act(&self, provider: &str, act: Act) -> Result<bool, String> {
        let mut state = self.state();
        let Some(before) = state.acts.get(provider).copied() else {
            let names: Vec<&str> = state.acts.keys().map(String::as_str).collect();
            let shown: String = provider.chars().take(60).collect();
            return Err(format!(
                "expected one of {}, found {shown:?}",
                names.join(", ")
            ));
        };
        state.acts.insert(provider.to_owned(), act);
        let dear = |state: &State| {
            let acts = state.acts.iter();
            let dear = acts.filter(|(_, act)| **act == Act::TriplePrice);
            dear.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let priced = before == Act::TriplePrice || act == Act::TriplePrice;
        if priced {
            self.text.set(with_prices(&dear(&state)));
        }
        drop(state);
        self.put_all().map_err(|error| error.to_string())?;
        Ok(priced)
    }

    fn settle(&self) {
        if let Err(problem) = self.put_all() {
            tracing::error!(%problem, "the demo's providers keep the laws of the file");
        }
    }
}

/// The law of a provider to which this was done.
fn acted(well: &Law, act: Act) -> Result<Law, NumberError> {
    let (always, mut law) = (Number::constant(1.0)?, well.clone());
    match act {
        Act::Slow => {
            law.ttft_ms = Number::constant(well.ttft_ms.at(0.0) * SLOWER)?;
            law.tpot_ms = Number::constant(well.tpot_ms.at(0.0) * SLOWER)?;
        }
        Act::Hang => law.black_hole = always,
        Act::Throttle => {
            law.rate_limit = RateLimit {
                rps: always,
                burst: 1.0,
            };
        }
        Act::Cut => law.cut = always,
        Act::Kill => {
            law.error_rate = always;
            law.error_status = Some(503);
            law.error_ms = [1.0, 5.0];
        }
        Act::TriplePrice | Act::Heal => {}
    }
    Ok(law)
}

/// The environment with the prices of these providers and of their copies three times as high.
fn with_prices(dear: &[String]) -> String {
    let lines = ENVIRONMENT.lines().map(|line| {
        let own = line
            .strip_prefix('"')
            .and_then(|rest| rest.split('/').next());
        let own = own.map(|name| name.strip_suffix(COPY).unwrap_or(name));
        if own.is_some_and(|own| dear.iter().any(|name| name == own)) {
            tripled(line)
        } else {
            line.to_owned()
        }
    });
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

/// A line with each `"$…"` in it three times as high.
fn tripled(line: &str) -> String {
    let mut parts = line.split("\"$");
    let begin = parts.next().unwrap_or_default().to_owned();
    let dear = parts.map(|part| {
        let (amount, rest) = part.split_once('"').unwrap_or((part, ""));
        let tripled = amount.parse().map_or(0.0, |amount: f64| amount * 3.0);
        format!("\"${tripled:.2}\"{rest}")
    });
    std::iter::once(begin).chain(dear).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_no_answers_and_answers_are_the_last_ones() {
        let mut counted = Counted::default();
        for _ in 0..100 {
            counted.saw(1.0, false);
        }
        assert!(counted.lately.is_empty(), "no answer was quick");
        for i in 0..LATELY + 7 {
            counted.saw(i as f64, true);
        }
        assert_eq!((counted.requests, counted.failed), (607, 100));
        assert_eq!(counted.lately.len(), LATELY);
        assert!((counted.lately[0] - 7.0).abs() < 1e-9, "the oldest went");
    }

    #[test]
    fn a_tripled_price_is_that_of_the_provider_and_its_copy_alone() {
        let text = with_prices(&["borealis".to_owned()]);
        for line in [
            "\"aurora/large\" = { input = \"$0.50\", output = \"$2.00\" }",
            "\"borealis/large\" = { input = \"$1.50\", output = \"$6.00\" }",
            "\"borealis-copy/large\" = { input = \"$1.50\", output = \"$6.00\" }",
            "\"cirrus/large\" = { input = \"$0.53\", output = \"$2.12\" }",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert_eq!(with_prices(&[]).trim_end(), ENVIRONMENT.trim_end());
    }

    #[test]
    fn each_act_changes_the_law_and_healing_changes_nothing() {
        let well = Law::default();
        for act in [Act::Slow, Act::Hang, Act::Throttle, Act::Cut, Act::Kill] {
            assert_ne!(acted(&well, act).unwrap(), well, "{act:?}");
        }
        for act in [Act::Heal, Act::TriplePrice] {
            assert_eq!(acted(&well, act).unwrap(), well, "{act:?}");
        }
    }
}
