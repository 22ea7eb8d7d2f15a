//! The kinds of lines, and how one is read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest::{Digest, digest};
use crate::balance::gate::Reason;
use crate::balance::{Input, Memory, Plan, RouteSpec, Stepped, WeightTable};
use crate::model::{
    AnswerKind, Finished, Outcome, PicoUsd, Price, RouteName, TargetName, Time, Tokens,
    UpstreamName,
};

/// The version of the format that is written and read.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Clone, Debug)]
pub enum Line {
    /// What is in force from here on.
    Config(Box<ConfigLine>),
    /// What the controller remembered before the next tick.
    Checkpoint(Box<CheckpointLine>),
    /// One tick.
    Tick(Box<TickLine>),
    /// One attempt of a request.
    Draw(Box<DrawLine>),
    /// Lines that should have stood here.
    Lost(LostLine),
}

/// The configuration, and what the plan is rebuilt from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigLine {
    /// When, by the process's clock.
    pub at: Time,
    /// The same moment in microseconds since 1970: what turns all other times of the file into dates.
    pub unix_us: u64,
    /// Who wrote it: the program's version.
    pub program: String,
    /// Counts applied configurations.
    pub generation: u64,
    /// The plan's routes, in its order.
    pub routes: Vec<PlannedRoute>,
    /// The plan's upstreams, in its order, also those that only requests name.
    pub upstreams: Vec<PlannedUpstream>,
    /// The merged configuration, credentials masked; null where there is none (a simulation).
    #[serde(default)]
    pub config: Value,
}

/// A route of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedRoute {
    /// As the controller wants it.
    pub spec: RouteSpec,
    /// Whether decisions are in force (`mode = "auto"`); else the configured shares are.
    pub obeyed: bool,
}

/// An upstream of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedUpstream {
    /// `provider/model`.
    pub name: UpstreamName,
    /// Its price; a tick repeats it only where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// What the controller remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointLine {
    /// When.
    pub at: Time,
    /// The number of the tick that follows.
    pub next: u64,
    /// Whether it is what the lines before it lead to (a new file, a loss), and not a new beginning (a start, a reload).
    pub continues: bool,
    /// Memories and tables.
    pub memory: Memory,
}

/// One tick: what it was told and the digest of what it decided.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TickLine {
    /// Counts the process's ticks: a number that is missing is a line that is missing.
    pub n: u64,
    /// Digest of decisions and orders; `None` where the tick went wrong and decided nothing.
    pub digest: Option<Digest>,
    /// The tables of those routes whose shares moved.
    #[serde(default)]
    pub moved: BTreeMap<RouteName, WeightTable>,
    /// What it was told.
    pub input: Input,
    /// Upstreams without a price although the `config` line has one for them.
    #[serde(default)]
    pub unpriced: Vec<usize>,
}

/// Why a target was called.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The target's name within its route; `None` if the request named it itself.
    pub target: Option<TargetName>,
    /// Why it was chosen.
    pub reason: Reason,
    /// The probability with which it was chosen, given gates and eligibility; `None` for probes and retries.
    pub propensity: Option<f64>,
    /// Which attempt of its request it is, from 1.
    pub attempt: u32,
}

/// One attempt of a request: where it went, why, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrawLine {
    /// When it was sent.
    pub at: Time,
    /// The route's name, `inline` or `direct`.
    pub route: Arc<str>,
    /// The target's name within its route; `None` if the request named it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// What served it.
    #[serde(rename = "use")]
    pub upstream: UpstreamName,
    /// Why it was chosen.
    pub reason: Reason,
    /// The probability with which it was chosen; `None` for probes and retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f64>,
    /// Which attempt of its request it is, from 1.
    pub attempt: u32,
    /// Streamed or unary.
    pub answer: AnswerKind,
    /// How it ended.
    pub outcome: Outcome,
    /// Microseconds to the first content, where some came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_us: Option<u64>,
    /// Microseconds to the end.
    pub total_us: u64,
    /// Tokens, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Whether they were worked out from sizes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// Pico-dollars, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<PicoUsd>,
}

/// Lines that are missing here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostLine {
    /// When the loss was noticed.
    pub at: Time,
    /// Lost lines of ticks.
    pub ticks: u64,
    /// Lost lines of requests.
    pub draws: u64,
    /// Why, in words.
    pub why: String,
}

/// Why a line cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It is no JSON object with `v` and `kind`, or lacks something.
    #[error("not a line of a journal: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Another version.
    #[error("version {0} of the format, this program reads version {VERSION}")]
    Version(u32),
    /// A kind that this version does not know.
    #[error(
        "kind {0:?} is not known (config, checkpoint, tick, draw and lost are); a later version wrote it?"
    )]
    Kind(String),
}

#[derive(Deserialize)]
struct Head {
    v: u32,
    kind: String,
}

/// A line as it is written: what all have, then its own.
#[derive(Serialize)]
struct Tagged<'a, T> {
    v: u32,
    kind: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

/// `body` as a line of `kind`, without its end.
///
/// # Errors
/// None in practice: all that is written has text keys.
pub(super) fn tagged<T: Serialize>(kind: &'static str, body: &T) -> serde_json::Result<String> {
    serde_json::to_string(&Tagged {
        v: VERSION,
        kind,
        body,
    })
}

/// The text of a line other than a tick, which [`super::tick_text`] writes shorter.
pub fn text(line: &Line) -> serde_json::Result<String> {
    match line {
        Line::Config(line) => tagged("config", &**line),
        Line::Checkpoint(line) => tagged("checkpoint", &**line),
        Line::Tick(line) => super::compact::tick_text(line, &[]),
        Line::Draw(line) => super::draw::draw_text(line),
        Line::Lost(line) => tagged("lost", line),
    }
}

// === impl Line ===

impl Line {
    /// Reads one line. A tick's prices are those that the line itself has; see [`TickLine::priced`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &[u8]) -> Result<Self, LineError> {
        let head: Head = serde_json::from_slice(text)?;
        if head.v != VERSION {
            return Err(LineError::Version(head.v));
        }
        Ok(match head.kind.as_str() {
            "config" => Self::Config(serde_json::from_slice(text)?),
            "checkpoint" => Self::Checkpoint(serde_json::from_slice(text)?),
            "tick" => Self::Tick(serde_json::from_slice(text)?),
            "draw" => Self::Draw(serde_json::from_slice(text)?),
            "lost" => Self::Lost(serde_json::from_slice(text)?),
            _ => return Err(LineError::Kind(head.kind)),
        })
    }
}

// === impl ConfigLine ===

impl ConfigLine {
    /// The plan that was in force.
    pub fn plan(&self) -> Plan {
        let specs = self.routes.iter().map(|route| route.spec.clone()).collect();
        Plan::new(specs, self.upstreams.iter().map(|known| known.name.clone()))
    }

    /// The prices of the plan's upstreams, in its order.
    pub fn prices(&self) -> Vec<Option<Price>> {
        self.upstreams.iter().map(|known| known.price).collect()
    }
}

// === impl TickLine ===

impl TickLine {
    /// The line of tick `n`, which was told `input`; `stepped` is what it decided, unless it went wrong.
    pub fn of(n: u64, input: Input, stepped: Option<&Stepped>) -> Self {
        let moved = |stepped: &Stepped| {
            let moved = stepped.decisions.iter().filter(|decision| decision.moved);
            moved
                .map(|decision| (decision.route.clone(), decision.table.clone()))
                .collect()
        };
        Self {
            n,
            digest: stepped.map(digest),
            moved: stepped.map(moved).unwrap_or_default(),
            input,
            unpriced: Vec::new(),
        }
    }

    /// The same with the prices of the `config` line where it has none of its own.
    #[must_use]
    pub fn priced(mut self, prices: &[Option<Price>]) -> Self {
        for (i, (told, price)) in self.input.upstreams.iter_mut().zip(prices).enumerate() {
            if told.price.is_none() && !self.unpriced.contains(&i) {
                told.price = *price;
            }
        }
        self.unpriced.clear();
        self
    }
}

// === impl DrawLine ===

impl DrawLine {
    /// The line of an attempt that was sent at `at` and ended as `end` says.
    pub fn new(
        at: Time,
        route: Arc<str>,
        upstream: UpstreamName,
        chosen: Chosen,
        answer: AnswerKind,
        end: &Finished,
    ) -> Self {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Self {
            at,
            route,
            target: chosen.target,
            upstream,
            reason: chosen.reason,
            propensity: chosen.propensity,
            attempt: chosen.attempt,
            answer,
            outcome: end.outcome,
            first_us: end.first_content.map(micros),
            total_us: micros(end.total),
            tokens: end.tokens,
            estimated: end.estimated,
            cost: end.cost,
        }
    }
}
