//! The journal of a simulated replica: the same lines as the daemon's.

use std::collections::BTreeMap;

use super::super::policy::Attempt;
use crate::balance::{Input, Memory, Plan, Stepped};
use crate::journal::{
    CheckpointLine, Chosen, ConfigLine, DrawLine, Line, PlannedRoute, PlannedUpstream, TickLine,
    program,
};
use crate::model::{Finished, Time, UpstreamName};

/// Lines that wait to be taken, and what is needed for the next ones.
#[derive(Debug)]
pub(super) struct Pen {
    lines: Vec<Line>,
    /// The number of the next tick.
    next: u64,
    generation: u64,
    /// Whether something else than ticks changed the plan or the memory.
    begins: bool,
    /// Why the attempt that begins next goes where it goes.
    picked: Option<Chosen>,
    /// The same of those under way, by their number.
    under_way: BTreeMap<u64, Chosen>,
}

impl Default for Pen {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            next: 1,
            generation: 0,
            begins: true,
            picked: None,
            under_way: BTreeMap::new(),
        }
    }
}

impl Pen {
    /// What was written since the last call.
    pub(super) fn lines(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lines)
    }

    /// The plan is another one.
    pub(super) fn begin_anew(&mut self) {
        self.begins = true;
    }

    /// A request was admitted.
    pub(super) fn picked(&mut self, chosen: Chosen) {
        self.picked = Some(chosen);
    }

    /// And sent.
    pub(super) fn began(&mut self, attempt: u64) {
        if let Some(chosen) = self.picked.take() {
            self.under_way.insert(attempt, chosen);
        }
    }

    /// And has ended.
    pub(super) fn ended(&mut self, attempt: &Attempt, upstream: &UpstreamName, end: &Finished) {
        if let Some(chosen) = self.under_way.remove(&attempt.id) {
            let (at, upstream) = (attempt.started, upstream.clone());
            let line = DrawLine::new(at, "route".into(), upstream, chosen, attempt.kind, end);
            self.lines.push(Line::Draw(Box::new(line)));
        }
    }

    /// Before a tick: a heading, if one is due. Virtual time begins in 1970.
    pub(super) fn before(&mut self, now: Time, plan: &Plan, memory: &Memory) {
        if !std::mem::take(&mut self.begins) {
            return;
        }
        self.generation += 1;
        let routes = plan.routes().map(|spec| PlannedRoute {
            spec: spec.clone(),
            obeyed: true,
        });
        let upstreams = plan.upstreams().iter().map(|name| PlannedUpstream {
            name: name.clone(),
            price: None,
        });
        self.lines.push(Line::Config(Box::new(ConfigLine {
            at: now,
            unix_us: now.as_micros(),
            program: program(),
            generation: self.generation,
            routes: routes.collect(),
            upstreams: upstreams.collect(),
            config: serde_json::Value::Null,
        })));
        self.lines.push(Line::Checkpoint(Box::new(CheckpointLine {
            at: now,
            next: self.next,
            continues: false,
            memory: memory.clone(),
        })));
    }

    /// A tick was made.
    pub(super) fn ticked(&mut self, input: Input, stepped: &Stepped) {
        let line = TickLine::of(self.next, input, Some(stepped));
        self.lines.push(Line::Tick(Box::new(line)));
        self.next += 1;
    }
}
