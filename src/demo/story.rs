//! The demo's course: traffic, the fault, what is shown meanwhile, what is reported in the end.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::{Client, Saw};
use super::report::{Report, Tally, percentile, targets};
use super::shares::{LOOK, Record};
use super::stage::Stage;
use super::traffic::{Arrival, arrivals};
use crate::app::Running;
use crate::law::{Law, Number, NumberError};
use crate::live::{NoClient, Route};
use crate::model::Time;

/// The environment.
pub const ENVIRONMENT: &str = include_str!("demo.toml");
/// Its routes.
pub(super) const ADAPTIVE: &str = "chat";
pub(super) const FIXED: &str = "chat-fixed";
/// Who falls sick; its copy falls with it.
pub(super) const SICK: &str = "aurora";
/// How sick: so many times slower, and this part of its answers errors.
const SLOWER: f64 = 8.0;
const ERRORS: f64 = 0.5;
const ERROR_STATUS: u16 = 503;
/// Requests a second, for each of the two routes.
const RATE: f64 = 45.0;
/// How long answers that are still out when the story ends are waited for.
const LAST_ANSWERS: Duration = Duration::from_secs(8);

/// The demo's times: for sixty seconds the fault lasts from 15 to 25.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// The whole story.
    pub seconds: f64,
}

impl Pace {
    /// When the target falls sick.
    pub fn falls_sick(&self) -> f64 {
        self.seconds * 0.25
    }

    /// When it is well again.
    pub fn recovers(&self) -> f64 {
        self.seconds * 25.0 / 60.0
    }

    /// When the story ends.
    pub fn ends(&self) -> f64 {
        self.seconds
    }

    /// The span before an event that counts as "before".
    pub fn look_back(&self) -> f64 {
        self.seconds / 12.0
    }
}

/// Who hears the story as it goes.
pub trait Telling: Send {
    /// A line.
    fn line(&mut self, text: &str);
}

impl<W: Write + Send> Telling for W {
    fn line(&mut self, text: &str) {
        // A closed terminal does not end the demo.
        drop(writeln!(self, "{text}"));
    }
}

/// Both policies' tallies, and the answers of the last seconds.
#[derive(Debug, Default)]
struct Books {
    adaptive: Tally,
    fixed: Tally,
}

/// Why a demo could not be told.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// No client.
    #[error("the demo's client could not be made: {0}")]
    Client(#[from] NoClient),
    /// A law that is none.
    #[error("the demo's fault is no law: {0}")]
    Law(#[from] NumberError),
    /// A provider of the environment is missing.
    #[error("the demo's environment has no {0}")]
    Missing(&'static str),
}

/// Tells the story once against a running daemon and reports it.
pub async fn tell(
    running: &Running,
    stage: &Arc<Stage>,
    pace: Pace,
    seed: u64,
    telling: &mut dyn Telling,
) -> Result<Report, StoryError> {
    let client = Client::new(running.ready.data)?;
    let before = picture(running)?;
    stage.begin(pace)?;
    let books = Arc::new(Mutex::new(Books::default()));
    let start = running.clock.now();
    let mut requests = JoinSet::new();
    let mut record = Record::default();
    let mut due = arrivals(seed, Duration::from_secs_f64(pace.seconds), RATE)
        .into_iter()
        .peekable();
    let mut said = 0.0;
    loop {
        let at = running.clock.now().secs_since(start);
        record.look(&running.published, ADAPTIVE, at);
        while let Some(arrival) = due.next_if(|arrival| arrival.at.as_secs_f64() <= at) {
            send(
                &mut requests,
                &client,
                (running, stage),
                &books,
                start,
                arrival,
            );
        }
        while requests.try_join_next().is_some() {}
        if at >= said {
            telling.line(&line(pace, said, &record, &books, running));
            said += 1.0;
        }
        if at >= pace.ends() {
            break;
        }
        let next = due.peek().map_or(LOOK, |arrival| {
            arrival.at.saturating_sub(Duration::from_secs_f64(at))
        });
        tokio::time::sleep(next.min(LOOK)).await;
    }
    let rest = async { while requests.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_ANSWERS, rest).await.is_err() {
        requests.shutdown().await;
    }
    Ok(report(&before, &picture(running)?, pace, &record, &books))
}

/// Sends one arrival to both routes at once.
fn send(
    requests: &mut JoinSet<()>,
    client: &Client,
    (running, stage): (&Running, &Arc<Stage>),
    books: &Arc<Mutex<Books>>,
    start: Time,
    arrival: Arrival,
) {
    for route in [ADAPTIVE, FIXED] {
        let (client, clock, books) = (client.clone(), running.clock, Arc::clone(books));
        let stage = Arc::clone(stage);
        requests.spawn(async move {
            let saw = client.ask(route, &arrival).await;
            // From the moment it was due: a late sender must not make answers look quicker.
            let took = clock.now().since(start).saturating_sub(arrival.at);
            let millis = took.as_secs_f64() * 1e3;
            stage.count(route, millis, saw == Saw::Answer);
            let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
            let tally = if route == ADAPTIVE {
                &mut books.adaptive
            } else {
                &mut books.fixed
            };
            tally.millis.push(millis);
            tally.failures += u64::from(saw == Saw::Failure);
        });
    }
}

/// The law of a provider that falls sick in a story of which so many seconds are `gone`.
pub(super) fn sick(law: &Law, pace: Pace, gone: f64) -> Result<Law, NumberError> {
    let (from, to) = (pace.falls_sick() - gone, pace.recovers() - gone);
    let steps = |well: f64, ill: f64| {
        let points = [(0.0, well), (from, ill), (to, well)];
        // What has passed already holds from the beginning.
        let passed = points.iter().filter(|(at, _)| *at <= 0.0).count();
        let begin = (0.0, points[passed.max(1) - 1].1);
        let rest = points.into_iter().filter(|(at, _)| *at > 0.0);
        Number::steps(std::iter::once(begin).chain(rest).collect())
    };
    let slower = |number: &Number| steps(number.at(0.0), SLOWER * number.at(0.0));
    Ok(Law {
        ttft_ms: slower(&law.ttft_ms)?,
        tpot_ms: slower(&law.tpot_ms)?,
        error_rate: steps(0.0, ERRORS)?,
        error_status: Some(ERROR_STATUS),
        ..law.clone()
    })
}

/// What the two routes have done so far.
#[derive(Debug)]
struct Picture {
    adaptive: Arc<Route>,
    picked: Vec<u64>,
    costs: [f64; 2],
}

fn picture(running: &Running) -> Result<Picture, StoryError> {
    let snapshot = running.published.read();
    let adaptive = snapshot
        .route(ADAPTIVE)
        .ok_or(StoryError::Missing(ADAPTIVE))?;
    let fixed = snapshot.route(FIXED).ok_or(StoryError::Missing(FIXED))?;
    let cost = |route: &Route| {
        route
            .members
            .iter()
            .map(|member| member.upstream.totals().cost.usd())
            .sum()
    };
    Ok(Picture {
        adaptive: Arc::clone(adaptive),
        picked: adaptive.cells.picked_ever(),
        costs: [cost(adaptive), cost(fixed)],
    })
}

fn report(
    before: &Picture,
    after: &Picture,
    pace: Pace,
    record: &Record,
    books: &Arc<Mutex<Books>>,
) -> Report {
    let route = &after.adaptive;
    let names: Vec<String> = route
        .config
        .targets
        .iter()
        .map(|t| t.name.to_string())
        .collect();
    let configured: Vec<f64> = route
        .configured
        .shares()
        .iter()
        .map(|s| s.fraction())
        .collect();
    let picked: Vec<u64> = after
        .picked
        .iter()
        .zip(&before.picked)
        .map(|(after, before)| after - before)
        .collect();
    let books = books.lock().unwrap_or_else(PoisonError::into_inner);
    Report {
        sick_target: SICK.to_owned(),
        targets: targets(&names, &configured, &picked, SICK, pace, record),
        adaptive: books.adaptive.policy(after.costs[0] - before.costs[0]),
        fixed: books.fixed.policy(after.costs[1] - before.costs[1]),
    }
}

/// One line of the story: the time, the shares, and how both policies fare in their last answers.
fn line(
    pace: Pace,
    at: f64,
    record: &Record,
    books: &Arc<Mutex<Books>>,
    running: &Running,
) -> String {
    let snapshot = running.published.read();
    let shares = record.mean(at - 1.0, at + 1.0).unwrap_or_default();
    let names = snapshot.route(ADAPTIVE).map(|route| {
        route
            .config
            .targets
            .iter()
            .map(|t| t.name.to_string())
            .collect::<Vec<_>>()
    });
    let shown: Vec<String> = names
        .unwrap_or_default()
        .iter()
        .zip(&shares)
        .map(|(name, share)| format!("{name} {:3.0} % {}", share * 100.0, bar(*share)))
        .collect();
    let books = books.lock().unwrap_or_else(PoisonError::into_inner);
    let state = if at >= pace.falls_sick() && at < pace.recovers() {
        "SICK"
    } else {
        "    "
    };
    format!(
        "{at:4.0} s {state}  {}   last 100 answers p95: adaptive {}, fixed {}",
        shown.join("  "),
        lately(&books.adaptive),
        lately(&books.fixed)
    )
}

/// Before the first answer there is nothing to be quick at.
fn lately(tally: &Tally) -> String {
    if tally.millis.is_empty() {
        return "    - ms".to_owned();
    }
    let from = tally.millis.len().saturating_sub(100);
    let mut last = tally.millis[from..].to_vec();
    last.sort_by(f64::total_cmp);
    format!("{:5.0} ms", percentile(&last, 0.95))
}

/// A bar of twelve characters.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share is 0 to 1"
)]
fn bar(share: f64) -> String {
    let full = (share * 12.0).round() as usize;
    format!(
        "{}{}",
        "█".repeat(full.min(12)),
        "░".repeat(12 - full.min(12))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_that_is_put_in_the_middle_of_a_story_goes_on_from_there() {
        let (pace, well) = (Pace { seconds: 60.0 }, Law::default());
        let whole = sick(&well, pace, 0.0).unwrap();
        for gone in [0.0, 10.0, 15.0, 20.0, 25.0, 40.0] {
            let rest = sick(&well, pace, gone).unwrap();
            for after in [0.0, 1.0, 7.0, 12.0] {
                let (a, b) = (whole.error_rate.at(gone + after), rest.error_rate.at(after));
                assert!((a - b).abs() < 1e-9, "{gone} + {after}: {a} {b}");
            }
        }
    }
}
