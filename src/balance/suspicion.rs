//! How often a target fails while it is in trouble, and how many good probes it takes to believe that it is over.
//!
//! Problem: one good answer proves a lot of a target that failed every time, and next to nothing of one that fails three
//! times in ten: it would be let back, fail, and be ejected again for as long as its trouble lasts. So the probes are a
//! sequential test (Wald's): each good one adds what it says for "well" against "as often as it failed", and enough of them
//! let the target back.

use serde::{Deserialize, Serialize};

use super::gate::Cause;

/// What good probes must add up to, as a logarithm: at 2 a target that is still sick is let back one time in seven. Halved,
/// who fails now and then comes back to fail; doubled, each recovery from such trouble takes seconds more.
const PROOF: f64 = 2.0;
/// The same where a fault shows late: whoever is let back wrongly does more harm until it does.
const PROOF_OF_LATE_FAULTS: f64 = 2.5;
/// Most probes: more would take longer than what they spare.
const MOST_PROBES: f64 = 8.0;
/// How often a target fails that is well.
const WELL: f64 = 0.02;
/// Prior that it fails always, in requests: it is overruled by the first answers in trouble.
const PRIOR: f64 = 0.2;
/// Time constant with which earlier trouble fades, in seconds.
const MEMORY: f64 = 60.0;

/// Answers and faults in trouble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    ok: f64,
    faults: f64,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.ok += other.ok;
        self.faults += other.faults;
    }
}

/// What is remembered of a target's trouble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Suspicion {
    /// Since the fault sum was last 0: from there on the trouble began, if it is one.
    run: Seen,
    /// In trouble that led to an ejection, decayed.
    trouble: Seen,
}

impl Suspicion {
    /// A tick's answers and faults; `calm` is whether the fault sum is 0.
    pub(super) fn observe(&mut self, ok: f64, faults: f64, calm: bool, elapsed: f64) {
        let keep = (-elapsed / MEMORY).exp();
        self.trouble.ok *= keep;
        self.trouble.faults *= keep;
        if calm {
            self.run = Seen::default();
        } else {
            self.run.add(Seen { ok, faults });
        }
    }

    /// Among several, where a tick brings the answers of others: what there was since the fleet's fault sum was last 0.
    pub(super) const fn ran(&mut self, ok: f64, faults: f64) {
        self.run = Seen { ok, faults };
    }

    /// It was ejected, `faults` of the reasons being none that were counted; `passed` probes had gone well before.
    pub(super) fn ejected(&mut self, faults: f64, passed: f64) {
        self.trouble.add(self.run);
        self.trouble.add(Seen { ok: passed, faults });
        self.run = Seen::default();
    }

    /// How often it fails in trouble.
    fn fault_rate(&self) -> f64 {
        let seen = self.trouble.ok + self.trouble.faults;
        (self.trouble.faults + PRIOR) / (seen + PRIOR)
    }

    /// Probes that must go well in a row.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1 ..= 8"
    )]
    pub(super) fn passes_needed(&self, cause: Cause) -> u8 {
        let (proof, least) = match cause {
            Cause::Stalls => (PROOF_OF_LATE_FAULTS, 2.0),
            Cause::Faults | Cause::Overdue => (PROOF, 1.0),
            // What somebody has to mend is mended or not.
            Cause::OurFault | Cause::Quota | Cause::AbsurdWait => return 1,
        };
        let rate = self.fault_rate().clamp(2.0 * WELL, 0.99);
        let each = ((1.0 - WELL) / (1.0 - rate)).ln();
        (proof / each).ceil().clamp(least, MOST_PROBES) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ok: f64, faults: f64) -> Suspicion {
        let mut suspicion = Suspicion::default();
        suspicion.observe(ok, faults, false, 0.25);
        suspicion.ejected(0.0, 0.0);
        suspicion
    }

    #[test]
    fn who_always_failed_is_believed_at_once_and_who_sometimes_fails_is_not() {
        assert_eq!(after(0.0, 3.0).passes_needed(Cause::Faults), 1);
        assert_eq!(after(6.0, 4.0).passes_needed(Cause::Faults), 4);
        assert_eq!(after(0.0, 3.0).passes_needed(Cause::Stalls), 2);
        assert_eq!(after(9.0, 4.0).passes_needed(Cause::OurFault), 1);
    }

    #[test]
    fn answers_before_the_trouble_say_nothing_of_it() {
        let mut suspicion = Suspicion::default();
        suspicion.observe(500.0, 0.0, true, 0.25);
        suspicion.observe(0.0, 3.0, false, 0.25);
        suspicion.ejected(0.0, 0.0);
        assert_eq!(suspicion.passes_needed(Cause::Faults), 1);
    }

    #[test]
    fn failed_probes_teach_how_often_it_fails_and_a_quiet_minute_is_forgotten() {
        let mut suspicion = after(0.0, 3.0);
        suspicion.ejected(1.0, 2.0);
        suspicion.ejected(1.0, 3.0);
        assert!(suspicion.passes_needed(Cause::Faults) >= 3);
        suspicion.observe(0.0, 0.0, true, 600.0);
        suspicion.observe(0.0, 3.0, false, 0.25);
        suspicion.ejected(0.0, 0.0);
        assert_eq!(
            suspicion.passes_needed(Cause::Faults),
            1,
            "ten minutes later"
        );
    }
}
