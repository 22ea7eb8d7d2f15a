//! Who of several replicas tells what all of them find out.
//!
//! Whoever has something to tell asks here, the exchange takes what was asked to the engine, and the first that asks there has
//! the right. Nobody waits for it for long: where no answer comes, each tells by itself.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// Questions that wait for a round, at most: a second of a bad day. Who finds no room tells by itself.
const MOST: usize = 256;

/// What a replica wants to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it is about; the same at all replicas.
    pub about: String,
    /// What is told with it, which nobody need tell after that.
    pub with: Vec<String>,
    /// Whether it is told that it is over, which is a right of its own.
    pub is_over: bool,
    /// How long it is remembered that it was told, at least.
    pub life: Duration,
}

/// A claim, and who waits for the answer: whether the right is this replica's. Dropped, there is none.
#[derive(Debug)]
pub struct Claimed {
    /// What it wants to tell.
    pub claim: Claim,
    /// For the answer.
    pub reply: oneshot::Sender<bool>,
}

/// Claims that wait for a round of the exchange.
#[derive(Debug, Default)]
pub struct Rights(Mutex<Vec<Claimed>>);

impl Rights {
    /// Asks for the right to tell something. The caller bounds how long it waits; an error is no answer.
    pub fn ask(&self, claim: Claim) -> oneshot::Receiver<bool> {
        let (reply, answer) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.push(Claimed { claim, reply });
        }
        answer
    }

    /// For the exchange: takes what waits, and is still waited for.
    pub fn take(&self) -> Vec<Claimed> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|it| !it.reply.is_closed());
        std::mem::take(&mut *waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(number: usize) -> Claim {
        Claim {
            about: number.to_string(),
            with: Vec::new(),
            is_over: false,
            life: Duration::from_secs(1),
        }
    }

    #[tokio::test]
    async fn who_waits_is_answered_and_who_does_not_asks_for_nothing() {
        let rights = Rights::default();
        let (waits, gone) = (rights.ask(claim(1)), rights.ask(claim(2)));
        drop(gone);
        let taken = rights.take();
        let abouts: Vec<&str> = taken.iter().map(|it| it.claim.about.as_str()).collect();
        assert_eq!(abouts, ["1"]);
        for claimed in taken {
            claimed.reply.send(true).unwrap();
        }
        assert_eq!(waits.await, Ok(true));
        assert!(rights.take().is_empty(), "it is asked once");
    }

    #[tokio::test]
    async fn who_finds_no_room_has_no_answer_at_once() {
        let rights = Rights::default();
        let waiting: Vec<_> = (0..MOST).map(|number| rights.ask(claim(number))).collect();
        assert!(rights.ask(claim(MOST)).await.is_err());
        drop(waiting);
    }
}
