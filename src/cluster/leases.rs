//! Budgets and rates in a round: one script for all budgets, one for all rates that are in use.
//!
//! Problem: a lease must be granted by one who sees all lines, at once and whole. Choice: scripts in the engine
//! (`leases.lua`, `rates.lua`), which do what [`crate::limit::lease`] and [`crate::limit::common_rate`] say and are held
//! against them by tests. They go by the engine's clock, since lines of replicas whose clocks differ are compared.
//! What comes back is taken for what anybody may have written: it is read strictly, and bounded by the limit where it is
//! taken over. How it fails: what cannot be read counts as no answer, so the last lease goes on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::{RedisResult, Script};

use super::part::{Exchanging, Part, Round};
use crate::limit::common_rate::{RateAsk, RateGranted};
use crate::limit::lease::Granted;
use crate::live::{Allowance, Client, Clock, Published, RateKind, Topic, Topics, WindowAsk};
use crate::model::Time;

/// Most lines of sheets that each round tells whole; beyond it, every tenth does. Each is about 80 bytes.
const MOST_TOLD: usize = 500;
/// For so long and up to ten seconds more a budget of which nothing is spent is not asked for, where there are more than
/// [`MOST_AT_ONCE`]. Halved, ten thousand of them are two thousand lines a second; it must stay well below the minute that
/// a lease lives.
const REST: Duration = Duration::from_secs(5);
/// Most budgets or rates of one call, so that the engine is never held up for long.
const MOST_AT_ONCE: usize = 200;

/// Budgets and rates.
#[derive(Debug)]
pub struct Leases {
    published: Published,
    clock: Clock,
    budgets: Script,
    rates: Script,
    /// What was told of each sheet, by its key.
    remembered: HashMap<String, Remembered>,
    rounds: u64,
}

/// What a holder remembers of a sheet.
#[derive(Debug, Default)]
struct Remembered {
    ends: Time,
    /// What tells the sheet from one that was made anew.
    born: String,
    /// As the script reads it.
    memory: String,
    lines: usize,
}

struct OfBudget {
    allowance: Arc<Allowance>,
    asked: WindowAsk,
    key: String,
}

struct OfRate {
    client: Arc<Client>,
    kind: RateKind,
    ask: RateAsk,
    key: String,
}

impl Leases {
    /// Those of what is published.
    pub fn new(published: Published, clock: Clock) -> Self {
        Self {
            published,
            clock,
            budgets: Script::new(include_str!("leases.lua")),
            rates: Script::new(include_str!("rates.lua")),
            remembered: HashMap::new(),
            rounds: 0,
        }
    }

    async fn round(&mut self, round: Round<'_>) -> RedisResult<()> {
        let snapshot = self.published.read();
        snapshot.budgets.sharing().met(round.live.len());
        self.rounds += 1;
        let now = self.clock.now();
        self.remembered.retain(|_, it| it.ends > now);
        let who = format!("{}:{}", round.replica, round.epoch);
        let all = snapshot.budgets.all();
        let may_rest = all.len() > MOST_AT_ONCE && !round.is_last;
        let due = all.iter().enumerate().filter(|(place, allowance)| {
            // Of different lengths, so that those that were asked for together do not come together again.
            let span = REST.saturating_add(Duration::from_secs(*place as u64 % 10));
            !(may_rest && allowance.rests(now, span))
        });
        let asked = due.flat_map(|(_, allowance)| {
            let asks = allowance.asks(now, round.is_last).into_iter();
            asks.map(|asked| OfBudget {
                key: key_of(allowance, &asked),
                allowance: Arc::clone(allowance),
                asked,
            })
        });
        let asked: Vec<OfBudget> = asked.collect();
        for some in asked.chunks(MOST_AT_ONCE) {
            let lost = self.ask_budgets(some, &who, round.link, round.keys, false);
            let lost = lost.await?;
            if !lost.is_empty() {
                // The engine has forgotten; what is remembered of all replicas comes before anything is granted.
                let lost: Vec<OfBudget> = lost;
                self.ask_budgets(&lost, &who, round.link, round.keys, true)
                    .await?;
            }
        }
        let clients = snapshot.clients.all().flat_map(|client| {
            let kinds = RateKind::ALL.into_iter();
            kinds.filter_map(|kind| {
                let ask = client.rate_ask(kind, now, round.is_last)?;
                Some(OfRate {
                    key: format!("rate:{}:{}", client.key.name, kind.label()),
                    client: Arc::clone(client),
                    kind,
                    ask,
                })
            })
        });
        let rates: Vec<OfRate> = clients.collect();
        for some in rates.chunks(MOST_AT_ONCE) {
            self.ask_rates(some, &who, round.link, round.keys).await?;
        }
        Ok(())
    }

    /// Asks for these; gives back those of which the engine has forgotten what it had.
    async fn ask_budgets(
        &mut self,
        asked: &[OfBudget],
        who: &str,
        link: &mut super::Link,
        keys: &super::Keys,
        remembers: bool,
    ) -> RedisResult<Vec<OfBudget>> {
        let known: usize = self.remembered.values().map(|it| it.lines).sum();
        let tell = remembers || known <= MOST_TOLD || self.rounds.is_multiple_of(10);
        let mut script = self.budgets.prepare_invoke();
        script.arg(who).arg(u8::from(tell));
        let nothing = Remembered::default();
        for of in asked {
            let known = self.remembered.get(&of.key).unwrap_or(&nothing);
            let ask = &of.asked.ask;
            script.key(keys.named(&of.key));
            script.key(keys.named(&format!("{}:away", of.key)));
            for number in [
                ask.sequence,
                ask.used,
                ask.cap,
                ask.seed,
                ask.want,
                ask.least,
                ask.limit,
                u64::from(ask.is_last),
                of.asked.ends.as_micros() / 1_000_000,
            ] {
                script.arg(number);
            }
            script.arg(known.born.as_str());
            script.arg(if remembers { known.memory.as_str() } else { "" });
        }
        let answers = texts(script.invoke_async(link).await?);
        let now = self.clock.now();
        let mut lost = Vec::new();
        for (of, answer) in asked.iter().zip(answers) {
            if answer.first().is_some_and(|word| word == "lost") {
                lost.push(OfBudget {
                    allowance: Arc::clone(&of.allowance),
                    key: of.key.clone(),
                    asked: of.asked,
                });
                continue;
            }
            let Some(granted) = granted(&answer) else {
                continue;
            };
            let (window, ends) = (of.asked.window, of.asked.ends);
            of.allowance.answered(window, ends, granted, now);
            let remembered = self.remembered.entry(of.key.clone()).or_default();
            remembered.take(&answer, ends, tell);
        }
        Ok(lost)
    }

    async fn ask_rates(
        &self,
        asked: &[OfRate],
        who: &str,
        link: &mut super::Link,
        keys: &super::Keys,
    ) -> RedisResult<()> {
        let mut script = self.rates.prepare_invoke();
        script.arg(who);
        for of in asked {
            let ask = &of.ask;
            script.key(keys.named(&of.key));
            for number in [ask.sequence, ask.used, ask.cap, ask.charged, ask.want] {
                script.arg(number);
            }
            script.arg(ask.per_minute).arg(ask.level);
            script.arg(u8::from(ask.is_last));
        }
        let answers = texts(script.invoke_async(link).await?);
        let now = self.clock.now();
        for (of, answer) in asked.iter().zip(answers) {
            if let Some(granted) = rate_granted(&answer) {
                of.client.rate_answered(of.kind, granted, now);
            }
        }
        Ok(())
    }
}

impl Part for Leases {
    fn is_hurried_by(&self, news: Topics) -> bool {
        news.has(Topic::Leases)
    }

    fn exchange<'a>(&'a mut self, round: Round<'a>) -> Exchanging<'a> {
        Box::pin(self.round(round))
    }
}

impl Remembered {
    fn take(&mut self, answer: &[String], ends: Time, is_told: bool) {
        let (Some(born), Some(settled)) = (answer.get(7), answer.get(8)) else {
            return;
        };
        self.ends = ends;
        self.born.clone_from(born);
        if is_told {
            let lines = answer.get(9..).unwrap_or_default();
            let (pairs, _) = lines.as_chunks::<2>();
            let lines = pairs.iter().map(|[who, line]| format!(";{who} {line}"));
            self.lines = pairs.len();
            self.memory = std::iter::once(settled.clone()).chain(lines).collect();
        }
    }
}

/// Answers as text: the name of a line that somebody else wrote may be none, and is no reason to hear nothing at all.
fn texts(answers: Vec<Vec<Vec<u8>>>) -> Vec<Vec<String>> {
    let text = |word: Vec<u8>| String::from_utf8_lossy(&word).into_owned();
    let answers = answers.into_iter();
    answers
        .map(|answer| answer.into_iter().map(text).collect())
        .collect()
}

/// The key of a budget's sheet in one window.
fn key_of(allowance: &Allowance, asked: &WindowAsk) -> String {
    let scope = &allowance.scope;
    format!(
        "spent:{}:{}:{}:{}",
        scope.kind(),
        scope.subject(),
        asked.window.label(),
        asked.ends.as_micros() / 1_000_000
    )
}

/// The numbers of an answer from its second word on; `None` if it is none, or one of them is no number.
fn numbers<const N: usize>(answer: &[String]) -> Option<[u64; N]> {
    let (word, rest) = answer.split_first()?;
    let mut found = [0; N];
    for (number, text) in found.iter_mut().zip(rest.get(..N)?) {
        *number = text.parse().ok()?;
    }
    (word == "ok").then_some(found)
}

fn granted(answer: &[String]) -> Option<Granted> {
    let [sequence, cap, fair, others, base, lines] = numbers(answer)?;
    Some(Granted {
        sequence,
        cap,
        fair,
        others,
        base,
        lines,
    })
}

fn rate_granted(answer: &[String]) -> Option<RateGranted> {
    let [sequence, cap, fair] = numbers(answer)?;
    let level: f64 = answer.get(4)?.parse().ok()?;
    level.is_finite().then_some(RateGranted {
        sequence,
        cap,
        fair,
        level,
    })
}

#[cfg(test)]
#[path = "leases_tests.rs"]
mod tests;
