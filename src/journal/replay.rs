//! A whole journal decided again: is it what was decided then?

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::line::{DrawLine, Line, LineError};
use super::moment::clock_time;
use super::play::{Played, Player, Step};
use crate::balance::{Plan, Share, WeightTable};
use crate::model::{RouteName, Time};

/// Most remarks that a report keeps; the rest is counted.
const MOST_NOTES: usize = 20;

/// Where a line stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// The line's number, from 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A decision that is not the one of then.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Where the tick stands.
    #[serde(flatten)]
    pub place: Place,
    /// The tick's number.
    pub tick: u64,
    /// When, in microseconds since 1970.
    pub unix_us: u64,
    /// What differs, in words.
    pub words: Vec<String>,
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Lines read.
    pub lines: u64,
    /// Configurations, as often as they are told.
    pub configs: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Of those, the ones that follow from the lines before, and do.
    pub checkpoints_confirmed: u64,
    /// Ticks decided again.
    pub ticks: u64,
    /// Of those, the ones whose decision is not the one of then.
    pub different: u64,
    /// Ticks that could not be decided again: what the controller remembered is not known there.
    pub ticks_passed_over: u64,
    /// Attempts of requests.
    pub draws: u64,
    /// The first and the last tick that was decided again, in microseconds since 1970.
    pub span: Option<(u64, u64)>,
    /// The first difference.
    pub first_difference: Option<Difference>,
    /// What is odd about the journal, a sentence each; at most twenty.
    pub notes: Vec<String>,
    /// Further remarks that did not fit.
    pub notes_more: u64,
}

impl Report {
    /// Whether every decision is the one of then, and there was one.
    pub fn agrees(&self) -> bool {
        self.ticks > 0 && self.different == 0 && self.first_difference.is_none()
    }
}

/// What a line was.
#[derive(Debug)]
pub enum Heard {
    /// A configuration.
    Config,
    /// A checkpoint.
    Checkpoint,
    /// A tick, decided again.
    Tick(Box<Step>),
    /// An attempt of a request.
    Draw(Box<DrawLine>),
    /// Anything else; the report has it.
    Other,
}

/// Decides a journal again, line by line.
#[derive(Debug, Default)]
pub struct Replay {
    player: Player,
    report: Report,
    /// What turns times into dates: a moment in both.
    epoch: (Time, u64),
    /// The tables that were in force then, as far as lines have told.
    tables: BTreeMap<RouteName, WeightTable>,
}

impl Replay {
    /// A replay that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was found.
    pub fn report(self) -> Report {
        self.report
    }

    /// The player, as it stands after the last line.
    pub fn player(&self) -> &Player {
        &self.player
    }

    /// `at` in microseconds since 1970.
    pub fn unix_us(&self, at: Time) -> u64 {
        let (epoch, unix_us) = self.epoch;
        unix_us
            .saturating_add(at.as_micros())
            .saturating_sub(epoch.as_micros())
    }

    /// Takes the next line; `is_whole` is false for one without its end, which only a file's last can be.
    pub fn line(&mut self, place: &Place, text: &[u8], is_whole: bool) -> Heard {
        self.report.lines += 1;
        match Line::read(text) {
            Ok(line) => self.hear(place, line),
            Err(error) => {
                self.player.stumble();
                self.note(unreadable(place, &error, is_whole));
                Heard::Other
            }
        }
    }

    /// Takes a line that was read already.
    pub fn hear(&mut self, place: &Place, line: Line) -> Heard {
        if let Line::Draw(draw) = line {
            self.report.draws += 1;
            return Heard::Draw(draw);
        }
        match &line {
            Line::Config(config) => self.epoch = (config.at, config.unix_us),
            Line::Lost(lost) => self.note(format!(
                "{place}: {} ticks and {} requests were not written ({})",
                lost.ticks, lost.draws, lost.why
            )),
            Line::Draw(_) | Line::Checkpoint(_) | Line::Tick(_) => {}
        }
        match self.player.play(line) {
            Played::Nothing | Played::Lost => {}
            Played::Configured => {
                self.report.configs += 1;
                return Heard::Config;
            }
            Played::Resumed(agrees) => {
                self.resumed(place, agrees);
                return Heard::Checkpoint;
            }
            Played::WentWrong => {
                self.report.ticks_passed_over += 1;
                self.note(format!("{place}: this tick went wrong and decided nothing"));
            }
            Played::Waiting => self.report.ticks_passed_over += 1,
            Played::Missing(from, to) => {
                self.report.ticks_passed_over += 1;
                let words = "what follows waits for the next checkpoint";
                self.note(format!(
                    "{place}: ticks {from} to {to} are missing; {words}"
                ));
            }
            Played::Unfit => {
                self.report.ticks_passed_over += 1;
                self.note(format!(
                    "{place}: this line does not go with the configuration before it"
                ));
            }
            Played::Stepped(step) => {
                self.stepped(place, &step);
                return Heard::Tick(step);
            }
        }
        Heard::Other
    }

    fn resumed(&mut self, place: &Place, agrees: Option<bool>) {
        self.report.checkpoints += 1;
        if agrees == Some(true) {
            self.report.checkpoints_confirmed += 1;
        }
        if let Some(memory) = self.player.memory() {
            let names = self.player.plan().routes().map(|route| route.name.clone());
            self.tables = names.zip(memory.tables().cloned()).collect();
        }
        if agrees == Some(false) {
            let words =
                "what the controller remembered is not what the lines before lead to".to_owned();
            self.differs(place, 0, 0, vec![words]);
        }
    }

    fn stepped(&mut self, place: &Place, step: &Step) {
        let at = self.unix_us(step.input.now);
        self.report.ticks += 1;
        let from = self.report.span.map_or(at, |(from, _)| from);
        self.report.span = Some((from, at));
        for (route, table) in &step.line.moved {
            self.tables.insert(route.clone(), table.clone());
        }
        if !step.agrees() {
            self.report.different += 1;
            let words = self.words(step);
            self.differs(place, step.n, at, words);
        }
    }

    fn differs(&mut self, place: &Place, tick: u64, unix_us: u64, words: Vec<String>) {
        if self.report.first_difference.is_none() {
            let place = place.clone();
            self.report.first_difference = Some(Difference {
                place,
                tick,
                unix_us,
                words,
            });
        }
    }

    /// In which shares a decision is not the one of then.
    fn words(&self, step: &Step) -> Vec<String> {
        let mut words = Vec::new();
        for decision in &step.stepped.decisions {
            match self.tables.get(&decision.route) {
                Some(then) if *then != decision.table => {
                    let route = &decision.route;
                    let names = decision.rows.iter().map(|row| row.name.as_str());
                    let now = shares(names.clone(), decision.table.shares());
                    let then = shares(names, then.shares());
                    words.push(format!("route {route}: then {then}; now {now}"));
                }
                Some(_) | None => {}
            }
        }
        if words.is_empty() {
            let (now, then) = (step.digest, step.recorded);
            words.push(format!(
                "the shares are the same; their reasons or what the gates were told is not (digest {then} then, {now} now)"
            ));
        }
        if let Some(config) = self
            .player
            .config()
            .filter(|config| config.program != super::program())
        {
            words.push(format!(
                "{} wrote it, this is {}",
                config.program,
                super::program()
            ));
        }
        words
    }

    fn note(&mut self, words: String) {
        if self.report.notes.len() < MOST_NOTES {
            self.report.notes.push(words);
        } else {
            self.report.notes_more += 1;
        }
    }

    /// The plan that is in force.
    pub fn plan(&self) -> &Plan {
        self.player.plan()
    }

    /// `at` as a date.
    pub fn date(&self, at: Time) -> String {
        clock_time(self.unix_us(at))
    }
}

/// Shares by name, in per cent with all digits that they have.
fn shares<'a>(names: impl Iterator<Item = &'a str>, shares: &[Share]) -> String {
    let parts: Vec<String> = names
        .zip(shares)
        .map(|(name, share)| format!("{name} {} ppm", share.ppm()))
        .collect();
    parts.join(", ")
}

fn unreadable(place: &Place, error: &LineError, is_whole: bool) -> String {
    if is_whole {
        format!("{place}: {error}; what follows waits for the next checkpoint")
    } else {
        format!("{place}: the last line is cut off, as by a crash or a full disk")
    }
}
