//! What the controller tells the journal.

use std::sync::Arc;
use std::time::SystemTime;

use super::plan::specs;
use crate::balance::{Input, Memory, Stepped};
use crate::config::Mode;
use crate::journal::{CheckpointLine, ConfigLine, PlannedRoute, PlannedUpstream, program};
use crate::live::{Board, Clock, Heading, Journal, Member, Snapshot, Ticked};
use crate::model::Time;

/// The controller's pen: counts ticks, and knows when reading must begin anew.
#[derive(Debug)]
pub(super) struct Scribe {
    journal: Arc<Journal>,
    clock: Clock,
    /// The number of the next tick.
    next: u64,
    /// Whether something else than ticks changed the plan or the memory.
    begins: bool,
}

/// What is in force and remembered before a tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct InForce<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// The plan's upstreams, in its order.
    pub(super) upstreams: &'a [Member],
    pub(super) memory: &'a Memory,
    pub(super) board: &'a Board,
}

impl Scribe {
    /// A pen that has written nothing.
    pub(super) fn new(journal: Arc<Journal>, clock: Clock) -> Self {
        Self {
            journal,
            clock,
            next: 1,
            begins: true,
        }
    }

    /// The plan or the memory is another one than ticks have led to.
    pub(super) fn begin_anew(&mut self) {
        self.begins = true;
    }

    /// Before a tick: a heading, if one is due.
    pub(super) fn before(&mut self, now: Time, in_force: InForce<'_>) {
        if !self.begins && !self.journal.wants_heading(now) {
            return;
        }
        let checkpoint = CheckpointLine {
            at: now,
            next: self.next,
            continues: !self.begins,
            memory: in_force.memory.clone(),
        };
        self.begins = false;
        self.journal.headed(Heading {
            config: self.config(now, in_force),
            checkpoint,
        });
    }

    fn config(&self, now: Time, in_force: InForce<'_>) -> ConfigLine {
        let config = &in_force.snapshot.config;
        let is_off = in_force.snapshot.switch.is_off();
        let specs = specs(config).into_iter().zip(config.routes.values());
        let routes = specs.map(|(spec, route)| PlannedRoute {
            spec,
            obeyed: route.mode == Mode::Auto && !is_off,
        });
        let upstreams = in_force.upstreams.iter().map(|member| PlannedUpstream {
            name: member.upstream.name().clone(),
            price: member.config.price,
        });
        let since_1970 = self.clock.wall().duration_since(SystemTime::UNIX_EPOCH);
        let micros = since_1970.map_or(0, |since| since.as_micros());
        let shown = in_force.board.shown();
        ConfigLine {
            at: now,
            unix_us: u64::try_from(micros).unwrap_or(u64::MAX),
            program: program(),
            generation: in_force.snapshot.generation,
            routes: routes.collect(),
            upstreams: upstreams.collect(),
            config: shown.map_or(serde_json::Value::Null, |shown| shown.to_json()),
        }
    }

    /// A tick was made; `stepped` is what it decided, unless it went wrong.
    pub(super) fn ticked(&mut self, input: Input, stepped: Option<Stepped>) {
        let n = self.next;
        self.next += 1;
        self.journal.ticked(Ticked { n, input, stepped });
    }
}
