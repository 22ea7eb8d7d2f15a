//! What was learned outlives the process: it is stored, and a start goes on from it, or from what another replica learned.

use super::controller::Controller;
use super::keepsake::{Keepsake, resume};
use crate::model::Time;
use crate::store::{Books, Resumed};

impl Controller {
    /// What is learned is kept in these books, and the start goes on from what they `resumed`: as at a reload, shares and
    /// memory are taken over by name.
    #[must_use]
    pub fn keeping(mut self, books: &Books, resumed: Resumed) -> Self {
        if !books.are_kept() {
            return self;
        }
        self.keepsake = Some(Keepsake::new(books.clone(), self.clock.now()));
        self.go_on_from(resumed);
        self.resume_keys(books);
        self.resume_orders(books);
        self
    }

    /// Goes on from what another replica learned, if that is newer than what this one knows: shares and memory are taken over
    /// by name. Whether it is.
    pub fn inherit(&mut self, resumed: Resumed) -> bool {
        written_at(&resumed) > self.resumed_at && self.go_on_from(resumed)
    }

    /// Goes on from what the fleet has learned, where that could not be had at the start, has come by now and is more than
    /// what this replica knows. The tick that follows puts the shares in force, under the orders and the mode that hold.
    pub(super) fn take_over(&mut self) {
        let fleet = self.fleet.as_ref();
        let Some(learned) = fleet.and_then(|fleet| fleet.bequest(&self.plan)) else {
            return;
        };
        let at = learned.at;
        let resumed = Resumed {
            learned: Some(Box::new(learned)),
            ..Resumed::default()
        };
        let is_newer = at > self.resumed_at;
        let memory = is_newer.then(|| resume(resumed, &self.plan, self.clock));
        let Some(memory) = memory.flatten() else {
            return;
        };
        tracing::info!(
            "has what the other replicas have learned, which could not be had at the start"
        );
        self.resumed_at = at;
        self.memory = memory;
        self.begin_anew();
    }

    fn go_on_from(&mut self, resumed: Resumed) -> bool {
        let at = written_at(&resumed);
        let Some(memory) = resume(resumed, &self.plan, self.clock) else {
            return false;
        };
        self.resumed_at = at;
        self.memory = memory;
        self.begin_anew();
        let mut next = (*self.publisher.read()).clone();
        self.put_tables(&mut next);
        self.publisher.publish(next);
        true
    }

    /// Stores what was learned, once more.
    pub(super) fn keep_last(&mut self) {
        let now = self.clock.now();
        if let Some(keepsake) = &mut self.keepsake {
            keepsake.last(&self.plan, &self.memory, now);
        }
        if let Some(fleet) = &mut self.fleet {
            fleet.remember(&self.plan, &self.memory, now);
        }
    }
}

/// When what a start may go on from was remembered.
fn written_at(resumed: &Resumed) -> Time {
    let learned = resumed.learned.as_ref().map(|it| it.at);
    let shares = resumed.shares.as_ref().map(|it| it.at);
    learned.max(shares).unwrap_or(Time::ZERO)
}
