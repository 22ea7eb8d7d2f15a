//! What a journal shows of an environment: what comes in, how long its upstreams take, how often they fail.
//!
//! Attempts alone are read, which say all of that. Means are over the whole journal: one that was written during an outage
//! teaches an outage, so a quiet day is the better teacher.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use super::super::super::Failure;
use super::super::super::journal::read;
use super::guess::number;
use crate::config::Route;
use crate::journal::{DrawLine, Line};
use crate::law::{Law, Length, whole};
use crate::model::{AnswerKind, Class, Outcome, RouteName, Time, UpstreamName};

/// Fewest requests of a route, and answers of an upstream, that teach anything.
const FEWEST: usize = 30;
/// A pause between two requests that is longer than both of these was no quiet minute, but the daemon was off: so many
/// microseconds, and so many times the usual pause. Where requests come at random one pause in a billion is so long.
const LONGEST_PAUSE_US: u64 = 300_000_000;
const LONGEST_PAUSE: u64 = 30;
/// Least slope and least tokens that a regression of times on tokens can be made of.
const LEAST_SPREAD: f64 = 1.0;

/// What a journal shows.
#[derive(Debug, Default)]
pub(super) struct Learned {
    routes: BTreeMap<RouteName, Requests>,
    upstreams: BTreeMap<UpstreamName, Answers>,
    /// What turns times into dates: a moment in both.
    epoch: (Time, u64),
}

/// First attempts of a route.
#[derive(Debug, Default)]
struct Requests {
    /// When each came, in microseconds since 1970.
    at: Vec<u64>,
    streamed: usize,
    clients_fault: usize,
    tokens_in: Vec<f64>,
    tokens_out: Vec<f64>,
}

/// Attempts at an upstream.
#[derive(Debug, Default)]
struct Answers {
    failed: usize,
    /// Seconds to the first token of streams.
    first: Vec<f64>,
    /// Seconds and tokens after the first one, over all streams.
    after: (f64, f64),
    /// Tokens and seconds of unary answers.
    unary: Vec<(f64, f64)>,
    /// Answers without tokens count for failures alone.
    good: usize,
}

/// What comes in to a route.
#[derive(Clone, Debug)]
pub(super) struct Mix {
    /// Requests a second.
    pub(super) rate: f64,
    pub(super) tokens_in: f64,
    pub(super) tokens_out: Length,
    pub(super) streamed: f64,
    pub(super) client_fault: f64,
}

impl Learned {
    /// Reads a journal: a folder, or one of its files.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let mut learned = Self::default();
        read(path, &mut |_, text, _| {
            // Ticks are most of a journal and say nothing here.
            let head = text.get(..40).unwrap_or(text);
            let skipped = head.windows(6).any(|part| part == b"\"tick\"");
            // A line that cannot be read is one request less.
            if let (false, Ok(line)) = (skipped, Line::read(text)) {
                learned.hear(&line);
            }
            ControlFlow::Continue(())
        })?;
        for requests in learned.routes.values_mut() {
            requests.at.sort_unstable();
        }
        if learned.upstreams.is_empty() {
            let place = path.display();
            return Err(Failure::Told(format!(
                "expected a journal with requests in {place}, found none: is it that of [controller] journal?"
            )));
        }
        Ok(learned)
    }

    fn hear(&mut self, line: &Line) {
        match line {
            Line::Config(config) => self.epoch = (config.at, config.unix_us),
            Line::Draw(draw) => self.draw(draw),
            Line::Checkpoint(_) | Line::Tick(_) | Line::Lost(_) => {}
        }
    }

    fn draw(&mut self, draw: &DrawLine) {
        if draw.attempt == 1
            && let Ok(route) = RouteName::new(&draw.route)
        {
            let (epoch, unix_us) = self.epoch;
            let at = unix_us
                .saturating_add(draw.at.as_micros())
                .saturating_sub(epoch.as_micros());
            self.routes.entry(route).or_default().add(draw, at);
        }
        let answers = self.upstreams.entry(draw.upstream.clone()).or_default();
        answers.add(draw);
    }

    /// What came in to `route`, if it is known.
    pub(super) fn mix(&self, route: &Route) -> Option<Mix> {
        self.routes.get(&route.name)?.mix()
    }

    /// How `upstream` behaves, where `usual` has what is not known, and from how many answers.
    pub(super) fn behaviour(&self, upstream: &UpstreamName, usual: &Law) -> Option<(Law, u64)> {
        self.upstreams.get(upstream)?.law(usual)
    }

    /// What is not known of a route, in a sentence.
    pub(super) fn note(&self, route: &Route) -> Option<String> {
        let came = self.routes.get(&route.name).map_or(0, |it| it.at.len());
        self.mix(route).is_none().then(|| {
            format!(
                "the journal has {came} requests of route {}, which is too few to learn its load from",
                route.name
            )
        })
    }
}

impl Requests {
    fn add(&mut self, draw: &DrawLine, at: u64) {
        self.at.push(at);
        self.streamed += usize::from(draw.answer == AnswerKind::Streamed);
        self.clients_fault += usize::from(draw.outcome.class() == Class::ClientFault);
        if let (Outcome::Ok, Some(tokens)) = (draw.outcome, draw.tokens) {
            self.tokens_in.push(tokens.input as f64);
            self.tokens_out.push(tokens.output as f64);
        }
    }

    fn mix(&self) -> Option<Mix> {
        if self.at.len() < FEWEST {
            return None;
        }
        let count = self.at.len() as f64;
        let usual = Length::default();
        let out = sorted(&self.tokens_out);
        Some(Mix {
            rate: rate(&self.at),
            tokens_in: quantile(&sorted(&self.tokens_in), 0.5).unwrap_or(400.0),
            tokens_out: match (quantile(&out, 0.5), out.first(), out.last()) {
                (Some(median), Some(min), Some(max)) => Length {
                    median: number(median.max(1.0)),
                    spread: number(deviation_of_ln(&out)),
                    min: whole(*min).max(1),
                    max: whole(*max).max(1),
                },
                _ => usual,
            },
            streamed: self.streamed as f64 / count,
            client_fault: self.clients_fault as f64 / count,
        })
    }
}

/// Requests a second, where they came at these moments in microseconds, in their order.
fn rate(at: &[u64]) -> f64 {
    let mut pauses: Vec<u64> = at
        .iter()
        .zip(at.iter().skip(1))
        .map(|(a, b)| b - a)
        .collect();
    pauses.sort_unstable();
    let usual = pauses.get(pauses.len() / 2).copied().unwrap_or(0);
    let longest = LONGEST_PAUSE_US.max(usual.saturating_mul(LONGEST_PAUSE));
    pauses.retain(|pause| *pause <= longest);
    let seconds = pauses.iter().map(|pause| *pause as f64).sum::<f64>() / 1e6;
    // All at one moment: whatever the rate was, nobody knows more.
    pauses.len() as f64 / seconds.max(1.0)
}

impl Answers {
    fn add(&mut self, draw: &DrawLine) {
        match draw.outcome.class() {
            Class::Ok => {}
            Class::Fault | Class::OurFault => {
                self.failed += 1;
                return;
            }
            Class::Throttle | Class::ClientFault | Class::Cancelled => return,
        }
        self.good += 1;
        let total = draw.total_us as f64 / 1e6;
        let tokens = draw.tokens.map(|tokens| tokens.output as f64);
        match (draw.answer, draw.first_us) {
            (AnswerKind::Streamed, Some(first)) => {
                let first = first as f64 / 1e6;
                self.first.push(first);
                if let Some(tokens) = tokens.filter(|tokens| *tokens > 1.0) {
                    self.after.0 += (total - first).max(0.0);
                    self.after.1 += tokens - 1.0;
                }
            }
            (AnswerKind::Unary, _) => self.unary.extend(tokens.map(|tokens| (tokens, total))),
            (AnswerKind::Streamed, None) => {}
        }
    }

    fn law(&self, usual: &Law) -> Option<(Law, u64)> {
        if self.good < FEWEST {
            return None;
        }
        let mut law = usual.clone();
        law.error_rate = number(self.failed as f64 / (self.failed + self.good) as f64);
        if self.first.len() >= FEWEST {
            let mean = self.first.iter().sum::<f64>() / self.first.len() as f64;
            law.ttft_ms = number(1e3 * mean);
            law.spread = number(deviation_of_ln(&self.first));
            if self.after.1 > 0.0 {
                law.tpot_ms = number(1e3 * self.after.0 / self.after.1);
            }
        } else if let Some((first, each)) = line(&self.unary) {
            law.ttft_ms = number(1e3 * first);
            law.tpot_ms = number(1e3 * each);
        }
        Some((law, self.good as u64))
    }
}

/// Base and slope of seconds over tokens, neither below 0; `None` where answers are too few or too alike.
fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    if points.len() < FEWEST {
        return None;
    }
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|it| it.0), mean(|it| it.1));
    let (mut squares, mut products) = (0.0, 0.0);
    for (tokens, seconds) in points {
        squares += (tokens - x) * (tokens - x);
        products += (tokens - x) * (seconds - y);
    }
    if squares < LEAST_SPREAD * count {
        return None;
    }
    let slope = (products / squares).clamp(0.0, y / x.max(1.0));
    Some((y - slope * x, slope))
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

fn quantile(sorted: &[f64], rank: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = usize::try_from(whole(last as f64 * rank)).ok()?;
    sorted.get(place).copied()
}

/// The deviation of the logarithm of values, those below a millionth left out.
fn deviation_of_ln(values: &[f64]) -> f64 {
    let logs: Vec<f64> = values
        .iter()
        .filter(|it| **it > 1e-6)
        .map(|it| it.ln())
        .collect();
    let count = logs.len().max(1) as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let squares: f64 = logs.iter().map(|log| (log - mean) * (log - mean)).sum();
    (squares / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_known_where_requests_are_rare_and_where_the_daemon_was_off() {
        let every =
            |seconds: u64| -> Vec<u64> { (0..200).map(|i| i * seconds * 1_000_000).collect() };
        for seconds in [1, 60, 900] {
            let found = rate(&every(seconds)) * seconds as f64;
            assert!(
                (found - 1.0).abs() < 1e-9,
                "one in {seconds} s: {found} of it"
            );
        }
        let mut off = every(2);
        let night = 36_000_000_000;
        off.extend(every(2).iter().map(|at| at + night));
        assert!((rate(&off) - 0.5).abs() < 1e-9, "found {}", rate(&off));
    }

    #[test]
    fn a_line_through_whole_answers_gives_base_and_pace() {
        let points: Vec<(f64, f64)> = (0..100)
            .map(|i| (10.0 + f64::from(i), 0.5 + 0.02 * (10.0 + f64::from(i))))
            .collect();
        let (base, pace) = line(&points).unwrap();
        assert!((base - 0.5).abs() < 1e-9 && (pace - 0.02).abs() < 1e-9);
        assert_eq!(line(&points[..20]), None, "too few");
        assert_eq!(line(&[(5.0, 1.0); 50]), None, "all alike");
    }
}
