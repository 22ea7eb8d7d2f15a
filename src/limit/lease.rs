//! Allowances of a common limit, so that several replicas spend it once and none asks before it spends.
//!
//! Problem: a limit that holds for all replicas together must not cost a request a round trip, and must hold although
//! messages are lost, repeated and late. Choice: a *lease*. Each process of a replica has a counter of its own that only
//! grows ([`Line::used`]) and a cap that it may grow to ([`Line::cap`]); a common [`Sheet`] has all lines and raises a cap
//! only by what no other line has used or may still use. A holder lowers its cap itself, before it tells the sheet. So the
//! larger of both always stands in the sheet, and the caps together never exceed the limit. Counters of one process are
//! taken by their maximum, asks are numbered, so repeating or losing any message lets nothing more through.
//! Rejected: asking for each request (a round trip on its path), and dividing by the number of replicas, which leaves most
//! of a limit in the hands of those with no traffic.
//!
//! How much a line gets is geometric: half of what is left, divided by the lines that live, or what it needs for two seconds
//! if that is more. So much is left for long when the engine is gone, and little in idle hands when the limit is near.
//! How it fails: a holder that hears nothing any more goes on with the cap that it has. After [`LIFE_MS`] the sheet counts
//! only what it used, so the rest may be spent twice: half of what was left at its last round, divided by the replicas, at
//! most. What is under way when a cap is met comes on top, as with one replica.
//!
//! Amounts are whole numbers of any one unit: pico-dollars of a budget, requests or tokens of a rate. The script that does
//! the same in the engine counts in 53-bit floats, so beyond 9,007 dollars its sums are right to 16 digits.

use std::collections::BTreeMap;

/// How long the sheet keeps for a line what it may still use, in milliseconds. Halved, a replica that is cut off for half a
/// minute may find its rest given away; doubled, what a killed replica held is missing for two minutes.
pub const LIFE_MS: u64 = 60_000;
/// A line that was silent for so long is put away: its sum stays, the line is looked at no more.
pub const SETTLED_AFTER_MS: u64 = 600_000;
/// How many seconds of its own spending a holder wants ahead. A round comes every second: with half of it one lost round
/// stops traffic near the limit, with twice of it less of a limit's end can be used by others.
pub const AHEAD_SECONDS: u64 = 2;

/// What one process of a replica has used and may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The number of the ask that made it: later ones are greater.
    pub sequence: u64,
    /// What the process has used. Only grows.
    pub used: u64,
    /// What it may use; what counts is the larger of both.
    pub cap: u64,
    /// What its replica used before, as far as its books say more than the sheet has.
    pub base: u64,
    /// Until when the cap is kept for it, by the engine's clock in milliseconds.
    pub until_ms: u64,
}

impl Line {
    /// What it has used and may still use.
    pub fn held(&self, now_ms: u64) -> u64 {
        let cap = if now_ms < self.until_ms { self.cap } else { 0 };
        self.base.saturating_add(self.used.max(cap))
    }

    /// What it has used.
    pub fn spent(&self) -> u64 {
        self.base.saturating_add(self.used)
    }

    /// The later of two reports of one process; counters never go back.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        let later = if other.sequence > self.sequence {
            other
        } else {
            self
        };
        Self {
            used: self.used.max(other.used),
            ..later
        }
    }
}

/// An ask of a holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Its number: each of a process is greater than the one before.
    pub sequence: u64,
    /// What the process has used.
    pub used: u64,
    /// What it may use at the moment, after it has lowered it as far as it does.
    pub cap: u64,
    /// What its replica used before the process began, by its books.
    pub seed: u64,
    /// What it wants beyond what it has used.
    pub want: u64,
    /// The least that is of use to it: what one request takes.
    pub least: u64,
    /// The limit, as this replica knows it.
    pub limit: u64,
    /// Whether it gives back all that it has not used.
    pub is_last: bool,
}

/// What the sheet answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// The number of the ask.
    pub sequence: u64,
    /// What the holder may use now.
    pub cap: u64,
    /// What it should keep beyond its use, and give back the rest of.
    pub fair: u64,
    /// What all the others have used.
    pub others: u64,
    /// What the sheet counts for this replica from before its process.
    pub base: u64,
    /// Lines that live, this one counted.
    pub lines: u64,
}

/// All lines of one limit in one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// By `replica:epoch`.
    pub lines: BTreeMap<String, Line>,
    /// What the lines used that were put away.
    pub settled: u64,
    /// Those lines, each with what it used.
    pub put_away: BTreeMap<String, u64>,
}

/// How much of `room` a line gets beyond what it has used, if `lines` live.
pub fn grant(room: u64, want: u64, least: u64, lines: u64) -> u64 {
    let fair = room / (2 * lines.max(1));
    let wanted = want.max(fair).min(room / 2);
    wanted.max(least).min(room)
}

impl Sheet {
    /// What all lines have used.
    pub fn spent(&self) -> u64 {
        let lines = self.lines.values().map(Line::spent);
        lines.fold(self.settled, u64::saturating_add)
    }

    /// What all lines have used and may still use.
    pub fn held(&self, now_ms: u64) -> u64 {
        let lines = self.lines.values().map(|line| line.held(now_ms));
        lines.fold(self.settled, u64::saturating_add)
    }

    /// What a holder remembers of an earlier answer is put back, for a sheet that was lost.
    pub fn put_back(&mut self, remembered: &Self) {
        self.settled = self.settled.max(remembered.settled);
        for (who, line) in &remembered.lines {
            if !self.put_away.contains_key(who) {
                let known = self.lines.entry(who.clone()).or_insert(*line);
                *known = known.joined(*line);
            }
        }
    }

    /// Answers `who`; `None` to an ask that is not later than the last one.
    pub fn answer(&mut self, who: &str, ask: &Ask, now_ms: u64) -> Option<Granted> {
        self.settle(who, now_ms);
        let known = match self.lines.get(who) {
            Some(known) => *known,
            None => Line {
                base: self.base(who, ask.seed),
                used: self.come_back(who),
                ..Line::default()
            },
        };
        if known.sequence >= ask.sequence {
            return None;
        }
        let (mut held, mut others, mut lines) = (self.settled, self.settled, 1);
        for (_, line) in self.lines.iter().filter(|(other, _)| *other != who) {
            held = held.saturating_add(line.held(now_ms));
            others = others.saturating_add(line.spent());
            lines += u64::from(now_ms < line.until_ms);
        }
        let used = known.used.max(ask.used);
        let own = known.base.saturating_add(used);
        let room = ask.limit.saturating_sub(held.saturating_add(own));
        let fair = if ask.is_last {
            0
        } else {
            grant(room, ask.want, ask.least, lines)
        };
        let cap = ask.cap.max(used.saturating_add(fair));
        let line = Line {
            sequence: ask.sequence,
            used,
            cap,
            base: known.base,
            until_ms: if ask.is_last { 0 } else { now_ms + LIFE_MS },
        };
        self.lines.insert(who.to_owned(), line);
        Some(Granted {
            sequence: ask.sequence,
            cap,
            fair,
            others,
            base: known.base,
            lines,
        })
    }

    /// What `seed` says beyond the lines of earlier processes of the same replica.
    fn base(&self, who: &str, seed: u64) -> u64 {
        let replica = who.split_once(':').map_or(who, |(replica, _)| replica);
        let is_of = |other: &str| other != who && other.split(':').next() == Some(replica);
        let lines = self.lines.iter().filter(|(other, _)| is_of(other));
        let known = lines
            .map(|(_, line)| line.spent())
            .fold(0, u64::saturating_add);
        let away = self.put_away.iter().filter(|(other, _)| is_of(other));
        let known = away.map(|(_, sum)| *sum).fold(known, u64::saturating_add);
        seed.saturating_sub(known)
    }

    /// What a line that was put away had used, which is taken out of the sum again.
    fn come_back(&mut self, who: &str) -> u64 {
        let used = self.put_away.remove(who).unwrap_or(0);
        self.settled = self.settled.saturating_sub(used);
        used
    }

    fn settle(&mut self, but: &str, now_ms: u64) {
        let is_over = |line: &Line| line.until_ms.saturating_add(SETTLED_AFTER_MS) < now_ms;
        let over = self.lines.iter();
        let over = over.filter(|(who, line)| *who != but && is_over(line));
        let over: Vec<(String, u64)> = over
            .map(|(who, line)| (who.clone(), line.spent()))
            .collect();
        for (who, spent) in over {
            self.lines.remove(&who);
            self.settled = self.settled.saturating_add(spent);
            self.put_away.insert(who, spent);
        }
    }
}

/// A lease, as its holder has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    sequence: u64,
    /// What was answered last; `None` until then.
    granted: Option<Granted>,
    /// What may be used, as far as the holder itself has not lowered it.
    cap: u64,
}

/// What a holder knows of its own use when it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// What it has used in the window since the process began.
    pub used: u64,
    /// What its replica had used before, by its books.
    pub seed: u64,
    /// What requests under way will use, as far as can be guessed.
    pub under_way: u64,
    /// What it uses in a second.
    pub each_second: u64,
    /// What one request uses.
    pub least: u64,
    /// The limit.
    pub limit: u64,
}

impl Lease {
    /// The next ask. What is not needed is given up here, before anybody is told.
    pub fn ask(&mut self, need: Need, is_last: bool) -> Ask {
        self.sequence += 1;
        let fair = match (is_last, &self.granted) {
            (true, _) => need.under_way,
            (false, Some(granted)) => granted.fair.max(need.under_way),
            // Nothing was granted: what the holder went by until now is its part of the limit, and nobody counts it.
            (false, None) => 0,
        };
        self.cap = self.cap.min(need.used.saturating_add(fair));
        let ahead = need.each_second.saturating_mul(AHEAD_SECONDS);
        Ask {
            sequence: self.sequence,
            used: need.used,
            cap: self.cap,
            seed: need.seed,
            want: ahead.saturating_add(need.under_way),
            least: need.least,
            limit: need.limit,
            is_last,
        }
    }

    /// Takes an answer over; one to another ask than the last changes nothing. Whoever can write to the engine can answer
    /// anything, so a cap is never above the limit: with `limit` each replica stays within what it would have alone.
    pub fn answered(&mut self, granted: Granted, limit: u64) {
        if granted.sequence != self.sequence {
            return;
        }
        self.cap = granted.cap.min(limit);
        self.granted = Some(granted);
    }

    /// What may be used, of the holder's own counter; `None` as long as nothing was granted.
    pub fn cap(&self) -> Option<u64> {
        self.granted.map(|_| self.cap)
    }

    /// What was answered last.
    pub const fn granted(&self) -> Option<&Granted> {
        self.granted.as_ref()
    }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
