//! Reads lines in their order and decides each tick again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::digest::{Digest, digest};
use super::line::{CheckpointLine, ConfigLine, Line, TickLine};
use crate::balance::{Input, Memory, Plan, Stepped, step};
use crate::model::{Price, RouteName};

/// Follows a journal line by line, with the plan and the memory that were in force.
///
/// It can begin anywhere: ticks before the first `checkpoint` are passed over, and so are those after a loss until the next
/// one.
#[derive(Debug, Default)]
pub struct Player {
    config: Option<ConfigLine>,
    plan: Plan,
    prices: Vec<Option<Price>>,
    memory: Option<Memory>,
    /// The number of the tick that should come next.
    next: u64,
}

/// What came of a line.
#[derive(Debug)]
pub enum Played {
    /// Nothing that concerns decisions: an attempt of a request.
    Nothing,
    /// Another configuration or the same again.
    Configured,
    /// A checkpoint. Whether it agrees with what the lines before it lead to; `None` where they lead nowhere, or it does not
    /// claim to follow from them.
    Resumed(Option<bool>),
    /// A tick was decided again.
    Stepped(Box<Step>),
    /// The tick went wrong when it was recorded; nothing was decided.
    WentWrong,
    /// A tick before the first checkpoint, or after a loss.
    Waiting,
    /// Ticks are missing before this one: the numbers of the first and the last.
    Missing(u64, u64),
    /// A loss that the journal itself tells of.
    Lost,
    /// The line does not go with the plan that it follows.
    Unfit,
}

/// A tick, decided again.
#[derive(Debug)]
pub struct Step {
    /// Its number.
    pub n: u64,
    /// What it was told.
    pub input: Input,
    /// What was decided now.
    pub stepped: Stepped,
    /// The digest of that.
    pub digest: Digest,
    /// The digest of what was decided then.
    pub recorded: Digest,
    /// The line.
    pub line: TickLine,
}

impl Step {
    /// Whether both decisions are the same, byte for byte.
    pub fn agrees(&self) -> bool {
        self.digest == self.recorded
    }
}

impl Player {
    /// A player that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The plan in force.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The last `config` line.
    pub fn config(&self) -> Option<&ConfigLine> {
        self.config.as_ref()
    }

    /// Whether the decisions about this route were in force (`mode = "auto"`); else its configured shares were.
    pub fn obeys(&self, route: &RouteName) -> bool {
        self.config.as_ref().is_none_or(|config| {
            let mut routes = config.routes.iter();
            routes.any(|planned| planned.spec.name == *route && planned.obeyed)
        })
    }

    /// Whether the process that the lines are of has made no tick yet: one that starts anew counts from 1.
    pub fn begins(&self) -> bool {
        self.next == 1
    }

    /// What the controller remembered after the last line; `None` where that is not known.
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// A line that cannot be read may have been anything.
    pub fn stumble(&mut self) {
        self.memory = None;
    }

    /// Takes the next line.
    pub fn play(&mut self, line: Line) -> Played {
        match line {
            Line::Config(line) => self.configure(*line),
            Line::Checkpoint(line) => self.resume(*line),
            Line::Tick(line) => self.tick(*line),
            Line::Draw(_) => Played::Nothing,
            Line::Lost(lost) => {
                if lost.ticks > 0 {
                    self.memory = None;
                }
                Played::Lost
            }
        }
    }

    fn configure(&mut self, line: ConfigLine) -> Played {
        let plan = line.plan();
        let names = plan.upstreams().iter();
        if !names.eq(line.upstreams.iter().map(|known| &known.name)) {
            self.memory = None;
            return Played::Unfit;
        }
        if plan != self.plan {
            self.memory = None;
            self.plan = plan;
        }
        self.prices = line.prices();
        self.config = Some(line);
        Played::Configured
    }

    fn resume(&mut self, line: CheckpointLine) -> Played {
        if !line.memory.fits(&self.plan) {
            self.memory = None;
            return Played::Unfit;
        }
        let before = self.memory.take().filter(|_| line.continues);
        let agrees = before.map(|memory| memory == line.memory && self.next == line.next);
        self.memory = Some(line.memory);
        self.next = line.next;
        Played::Resumed(agrees)
    }

    fn tick(&mut self, line: TickLine) -> Played {
        if self.memory.is_none() {
            return Played::Waiting;
        }
        if line.n != self.next {
            self.memory = None;
            return Played::Missing(self.next, line.n.saturating_sub(1));
        }
        self.next = self.next.saturating_add(1);
        let Some(recorded) = line.digest else {
            return Played::WentWrong;
        };
        let line = line.priced(&self.prices);
        let fits = line.input.upstreams.len() == self.plan.upstreams().len()
            && line.input.routes.len() == self.plan.routes().len();
        let stepped = self.memory.as_mut().filter(|_| fits).and_then(|memory| {
            let work = AssertUnwindSafe(|| step(&self.plan, memory, &line.input));
            catch_unwind(work).ok()
        });
        let Some(stepped) = stepped else {
            self.memory = None;
            return Played::Unfit;
        };
        Played::Stepped(Box::new(Step {
            n: line.n,
            input: line.input.clone(),
            digest: digest(&stepped),
            stepped,
            recorded,
            line,
        }))
    }
}
