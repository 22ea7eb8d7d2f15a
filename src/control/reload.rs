//! The way of a reload: read the files once they are whole, compile them, hand them to the controller whole.
//!
//! Reading happens off the async threads and one at a time, so that two wishes never race for the same files.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::assemble::Simulate;
use super::command::{Apply, Asked, Command, Outcome, ReloadAsked, ReloadError};
use super::controller::Controller;
use super::settle::{QUIET, read_settled};
use crate::config::{Layer, Lookup, compile};
use crate::files::{self, Reading};
use crate::identity::Identity;
use crate::live::{Board, Clock, Publisher};

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Files that can change.
    Files {
        /// The folder with `base.toml` and the environments.
        dir: PathBuf,
        /// The environment's name.
        env: String,
    },
    /// A text that is part of the program.
    Text {
        /// Its name in problems.
        name: &'static str,
        /// TOML.
        text: Text,
    },
}

impl Source {
    /// The environment's name.
    pub fn environment(&self) -> &str {
        match self {
            Self::Files { env, .. } => env,
            Self::Text { name, .. } => name,
        }
    }

    /// Reads and compiles it.
    pub fn read(&self) -> Reading {
        match self {
            Self::Files { dir, env } => files::read(dir, env, Identity::check),
            Self::Text { name, text } => {
                let layer = Layer {
                    name: (*name).to_owned(),
                    text: text.read(),
                };
                Reading {
                    result: compile(&[layer], &Nothing),
                    watch: Vec::new(),
                }
            }
        }
    }
}

/// A configuration that the program itself may change. Copies share it.
#[derive(Clone, Debug)]
pub struct Text(Arc<Mutex<String>>);

impl Text {
    /// This text.
    pub fn new(text: &str) -> Self {
        Self(Arc::new(Mutex::new(text.to_owned())))
    }

    /// Another text from now on; in force once it is read.
    pub fn set(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    fn read(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A text that is part of the program refers to nothing outside it.
struct Nothing;

impl Lookup for Nothing {
    fn variable(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn secret_file(&self, path: &str) -> Result<String, String> {
        Err(format!(
            "{path} is not read: this configuration is part of the program"
        ))
    }
}

/// Reads the files whenever it is asked to.
#[derive(Debug)]
pub struct Reloader {
    source: Source,
    board: Arc<Board>,
    clock: Clock,
    asked: mpsc::Receiver<ReloadAsked>,
    applies: mpsc::Sender<Command>,
    /// Where the data plane and the admin API listen until the process ends.
    bound: Option<(SocketAddr, SocketAddr)>,
}

/// The controller and the task that reads files for it.
pub fn reloads(
    source: Source,
    publisher: Publisher,
    board: Arc<Board>,
    clock: Clock,
    phase: u32,
    simulate: Box<dyn Simulate>,
    asked: Asked,
) -> (Controller, Reloader) {
    let Asked {
        reloads: asked,
        applies,
        commands,
    } = asked;
    let controller = Controller::new(
        publisher,
        Arc::clone(&board),
        clock,
        phase,
        simulate,
        commands,
    );
    (
        controller,
        Reloader {
            source,
            board,
            clock,
            asked,
            applies,
            bound: None,
        },
    )
}

impl Reloader {
    /// Refuses files that would leave a listener at these addresses of the data plane and the admin API open to everybody.
    #[must_use]
    pub fn bound_at(mut self, data: SocketAddr, admin: SocketAddr) -> Self {
        self.bound = Some((data, admin));
        self
    }

    /// Serves wishes until nobody can make one or the controller is gone.
    pub async fn run(mut self) {
        while let Some(wish) = self.asked.recv().await {
            let outcome = self.reload(&wish).await;
            if let Some(reply) = wish.reply {
                // Who asked may have left.
                drop(reply.send(outcome));
            }
        }
    }

    async fn reload(&self, wish: &ReloadAsked) -> Outcome {
        let (source, clock) = (self.source.clone(), self.clock);
        let pause = || std::thread::sleep(QUIET);
        let reading =
            tokio::task::spawn_blocking(move || read_settled(&source, || clock.wall(), pause))
                .await;
        let compiled = match reading {
            Ok(Ok(compiled)) => compiled,
            Ok(Err(problems)) => return Err(self.refuse(wish, problems)),
            Err(_) => return Err(ReloadError::Stopping),
        };
        if let Some((data, admin)) = self.bound {
            let problems = compiled.config.refused_where_bound(data, admin);
            if !problems.is_empty() {
                return Err(self.refuse(wish, problems));
            }
        }
        let (reply, answer) = oneshot::channel();
        let apply = Apply {
            compiled: Box::new(compiled),
            why: wish.why,
            reply,
        };
        self.applies
            .send(Command::Apply(Box::new(apply)))
            .await
            .map_err(|_| ReloadError::Stopping)?;
        answer.await.map_err(|_| ReloadError::Stopping)?
    }

    /// A broken file changes nothing; it is said once, and shown until it is mended.
    fn refuse(&self, wish: &ReloadAsked, problems: Vec<crate::config::Problem>) -> ReloadError {
        let known = self
            .board
            .refusal()
            .is_some_and(|refusal| refusal.problems == problems);
        if !known {
            for problem in &problems {
                tracing::error!(why = %wish.why, %problem, "configuration refused, the last good one goes on");
            }
        }
        self.board.refused(self.clock.now(), problems.clone());
        ReloadError::Refused(problems)
    }
}
