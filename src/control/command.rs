//! What the controller can be asked to do.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::key_ring::{Fresh, KeyAsk, KeyError, Revoked};
use super::steering::{Steer, SteeringError};
use crate::config::{Compiled, Deed, KeyWish, Order, Problem, Rotation, StandingOrder, Wish};
use crate::live::TellCell;
use crate::model::counted;
use crate::store::KeyRow;

/// Why the files were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Something changed in their folders, or the slow poll came round.
    Changed,
    /// SIGHUP.
    Signal,
    /// An operator's call.
    Asked,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "the files changed",
            Self::Signal => "SIGHUP",
            Self::Asked => "an operator asked",
        })
    }
}

/// A configuration is in force.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Applied {
    /// Counts applied configurations.
    pub config_generation: u64,
    /// What changed, a line each. Whether anything did, `config_generation` tells.
    pub changes: Vec<String>,
    /// Keys whose value waits for a restart, from this change or an earlier one.
    pub needs_restart: Vec<&'static str>,
}

/// Why a reload changed nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReloadError {
    /// The files are wrong; the last good configuration goes on.
    #[error("the configuration was refused: {}", counted(.0.len(), "problem"))]
    Refused(Vec<Problem>),
    /// The daemon is shutting down.
    #[error("the daemon is shutting down")]
    Stopping,
}

/// How a reload ends.
pub(super) type Outcome = Result<Applied, ReloadError>;

/// A wish to have the files read.
#[derive(Debug)]
pub(super) struct ReloadAsked {
    pub(super) why: Why,
    pub(super) reply: Option<oneshot::Sender<Outcome>>,
}

/// A configuration that was read and is good.
#[derive(Debug)]
pub(super) struct Apply {
    pub(super) compiled: Box<Compiled>,
    pub(super) why: Why,
    pub(super) reply: oneshot::Sender<Outcome>,
}

/// What reaches the controller between two ticks.
#[derive(Debug)]
pub(super) enum Command {
    /// A configuration.
    Apply(Box<Apply>),
    /// Something about orders.
    Steer(Steer),
    /// Something about client keys.
    Keys(KeyAsk),
}

/// Why there is no answer to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silent {
    /// The controller does not answer.
    Stuck,
    /// The daemon is shutting down.
    Stopping,
}

/// How long the controller may take over an order: many ticks.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks for reloads and orders. Cloned freely.
#[derive(Clone, Debug)]
pub struct Handle {
    asks: mpsc::Sender<ReloadAsked>,
    commands: mpsc::Sender<Command>,
    /// Where it is known what other replicas were told.
    told: Arc<OnceLock<Arc<TellCell>>>,
}

/// Where the wishes of a [`Handle`] arrive.
#[derive(Debug)]
pub struct Asked {
    pub(super) reloads: mpsc::Receiver<ReloadAsked>,
    pub(super) applies: mpsc::Sender<Command>,
    pub(super) commands: mpsc::Receiver<Command>,
}

impl Handle {
    /// A handle, and where its wishes arrive.
    pub fn new() -> (Self, Asked) {
        // Wishes are answered one by one; a caller waits for its place.
        let (asks, reloads) = mpsc::channel(64);
        let (applies, commands) = mpsc::channel(1);
        let handle = Self {
            asks,
            commands: applies.clone(),
            told: Arc::default(),
        };
        let asked = Asked {
            reloads,
            applies,
            commands,
        };
        (handle, asked)
    }

    /// Orders and keys are told to other replicas by way of this cell.
    pub(super) fn tells(&self, cell: Arc<TellCell>) {
        self.told.get_or_init(|| cell);
    }

    /// Where it is known what other replicas were told; `None` if there are none.
    pub fn told(&self) -> Option<&Arc<TellCell>> {
        self.told.get()
    }

    /// Has an order carried out; tells what it does.
    ///
    /// # Errors
    /// It cannot be, or nobody answers.
    pub async fn give(&self, wish: Wish) -> Result<StandingOrder, SteeringError> {
        let wish = Box::new(wish);
        self.steer(|reply| Steer::Give { wish, reply }).await
    }

    /// Has the order of this id ended; tells which it was.
    ///
    /// # Errors
    /// There is none, or nobody answers.
    pub async fn end(&self, id: String, by: String) -> Result<Order, SteeringError> {
        self.steer(|reply| Steer::End { id, by, reply }).await
    }

    async fn steer<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<T, SteeringError>>) -> Steer,
    ) -> Result<T, SteeringError> {
        self.command(|reply| Command::Steer(ask(reply))).await
    }

    /// Has a client key made.
    ///
    /// # Errors
    /// It cannot be, or nobody answers.
    pub async fn make_key(&self, wish: KeyWish) -> Result<Fresh, KeyError> {
        let wish = Box::new(wish);
        let ask = |reply| KeyAsk::Make { wish, reply };
        self.command(|reply| Command::Keys(ask(reply))).await
    }

    /// Has the key of this name given a new secret; the one before is accepted for a while beside it.
    ///
    /// # Errors
    /// It cannot be, or nobody answers.
    pub async fn rotate_key(&self, name: String, rotation: Rotation) -> Result<Fresh, KeyError> {
        let ask = |reply| KeyAsk::Rotate {
            name,
            rotation,
            reply,
        };
        self.command(|reply| Command::Keys(ask(reply))).await
    }

    /// Has a secret forgotten that was just made and could not be written down.
    ///
    /// # Errors
    /// Nobody answers.
    pub async fn forget_key(&self, digest: [u8; 32]) -> Result<(), KeyError> {
        let ask = |reply| KeyAsk::Forget { digest, reply };
        self.command(|reply| Command::Keys(ask(reply))).await
    }

    /// Has the key of this name revoked, wherever it comes from.
    ///
    /// # Errors
    /// There is none, or nobody answers.
    pub async fn revoke_key(
        &self,
        name: String,
        by: Option<String>,
        reason: Option<String>,
    ) -> Result<Revoked, KeyError> {
        let ask = |reply| KeyAsk::Revoke {
            name,
            by,
            reason,
            reply,
        };
        self.command(|reply| Command::Keys(ask(reply))).await
    }

    /// Has the key of this name that was revoked last accepted again; tells how it had been revoked.
    ///
    /// # Errors
    /// There is none, or nobody answers.
    pub async fn restore_key(
        &self,
        name: String,
        by: Option<String>,
        reason: String,
    ) -> Result<Deed, KeyError> {
        let ask = |reply| KeyAsk::Restore {
            name,
            by,
            reason,
            reply,
        };
        self.command(|reply| Command::Keys(ask(reply))).await
    }

    /// Hands over the keys of books that could not be read before.
    pub(super) async fn found_keys(&self, rows: Vec<KeyRow>) -> Result<(), KeyError> {
        let ask = |reply| KeyAsk::Found { rows, reply };
        self.command(|reply| Command::Keys(ask(reply))).await
    }

    async fn command<T, E: From<Silent>>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Command,
    ) -> Result<T, E> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            let sent = self.commands.send(command(reply)).await;
            sent.map_err(|_| E::from(Silent::Stopping))?;
            answer.await.map_err(|_| E::from(Silent::Stopping))?
        };
        tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or(Err(E::from(Silent::Stuck)))
    }

    /// Has the files read and waits until they are in force or refused.
    pub async fn reload(&self, why: Why) -> Result<Applied, ReloadError> {
        let (reply, answer) = oneshot::channel();
        let asked = ReloadAsked {
            why,
            reply: Some(reply),
        };
        self.asks
            .send(asked)
            .await
            .map_err(|_| ReloadError::Stopping)?;
        answer.await.map_err(|_| ReloadError::Stopping)?
    }

    /// Has the files read some time soon. From a thread that may not wait: if sixty-four wishes stand in line, one more
    /// would see the same files.
    pub fn nudge(&self, why: Why) {
        drop(self.asks.try_send(ReloadAsked { why, reply: None }));
    }

    /// Whether anybody still listens.
    pub fn is_closed(&self) -> bool {
        self.asks.is_closed()
    }
}
