use std::io;

use super::super::assemble::first_snapshot;
use super::*;
use crate::config::{Compiled, Endpoint, Layer, Lookup, compile};
use crate::law::Law;
use crate::live::{Account, Asked, Attempt, Published, Upstream, Witness};
use crate::model::{AnswerKind, Finished, Outcome, ProviderName};

/// Simulated providers that are never called.
#[derive(Debug)]
pub(super) struct Nobody;

impl Simulate for Nobody {
    fn endpoint(&mut self, _: &ProviderName, _: &Law) -> io::Result<Endpoint> {
        Endpoint::new("http://127.0.0.1:9/v1").map_err(io::Error::other)
    }

    fn keep_only(&mut self, _: &Config) {}
}

impl Witness for Nobody {
    fn attempt_ended(&self, _: &str, _: &Upstream, _: Asked, _: &Finished) {}
}

impl Lookup for Nobody {
    fn variable(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn secret_file(&self, path: &str) -> Result<String, String> {
        Err(format!("{path} is not there"))
    }
}

/// A route of two targets; the first one's provider is called with `key` at `address`.
pub(super) fn good(key: &str, address: &str) -> Compiled {
    good_with(key, address, "")
}

/// The same with what both providers have `more`.
pub(in crate::control) fn good_with(key: &str, address: &str, more: &str) -> Compiled {
    let text = format!(
        "[providers.a]\nkind = \"openai\"\nbase_url = \"{address}\"\napi_key = \"{key}\"\n{more}\
         [providers.b]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\napi_key = \"of-b\"\n{more}\
         [routes.chat.targets]\na = {{ use = \"a/m\", weight = 1 }}\nb = {{ use = \"b/m\", weight = 1 }}\n"
    );
    let layer = Layer {
        name: "test.toml".to_owned(),
        text,
    };
    compile(&[layer], &Nobody).unwrap()
}

pub(in crate::control) const ADDRESS: &str = "http://127.0.0.1:9/v1";

pub(in crate::control) struct World {
    pub(in crate::control) controller: Controller,
    pub(in crate::control) clock: Clock,
}

impl World {
    pub(in crate::control) fn start() -> Self {
        Self::of(good("first", ADDRESS))
    }

    pub(in crate::control) fn of(compiled: Compiled) -> Self {
        let clock = Clock::start();
        let snapshot = first_snapshot(compiled.config, 7, &mut Nobody).unwrap();
        let (_, publisher) = Published::first(snapshot);
        let board = Arc::new(Board::starting_with(compiled.shown));
        let (_, commands) = mpsc::channel(1);
        let controller = Controller::new(publisher, board, clock, 7, Box::new(Nobody), commands);
        Self { controller, clock }
    }

    pub(in crate::control) fn upstream(&self, name: &str) -> Arc<Upstream> {
        let snapshot = self.controller.publisher.read();
        Arc::clone(&snapshot.upstreams[name].upstream)
    }

    /// Two requests whose credential is refused: one alone ejects nobody.
    pub(in crate::control) fn refused(&self, name: &str) {
        for _ in 0..2 {
            let upstream = self.upstream(name);
            let witness = Arc::new(Nobody);
            let kind = AnswerKind::Unary;
            let attempt = Attempt::begin(upstream, "chat".into(), witness, self.clock, kind, false);
            attempt.finish(Outcome::Auth, Account::default());
        }
    }

    /// So many good answers.
    pub(in crate::control) fn answered(&self, name: &str, count: u32) {
        for _ in 0..count {
            let upstream = self.upstream(name);
            let witness = Arc::new(Nobody);
            let kind = AnswerKind::Unary;
            let attempt = Attempt::begin(upstream, "chat".into(), witness, self.clock, kind, false);
            attempt.finish(Outcome::Ok, Account::default());
        }
    }

    /// A quarter of a second later.
    pub(in crate::control) async fn tick(&mut self) {
        tokio::time::advance(Duration::from_millis(250)).await;
        self.controller.tick();
    }
}

#[tokio::test(start_paused = true)]
async fn an_ejection_that_a_lost_tick_heard_of_is_not_forgotten() {
    let mut world = World::start();
    world.tick().await;
    let good = world.controller.memory.clone();
    world.refused("a/m");
    assert!(
        !world.upstream("a/m").gate().serving,
        "the gate ejects at once"
    );
    world.controller.memory = Memory::new(&Plan::default());
    world.tick().await;
    assert!(world.controller.failing.is_some(), "the tick went wrong");
    world.controller.memory = good;
    world.tick().await;
    assert!(world.controller.failing.is_none(), "the next one did not");
    assert!(
        !world.upstream("a/m").gate().serving,
        "and it keeps out what the gate ejected"
    );
    // Where no requests come, a probe is ten minutes away.
    for _ in 0..2_500 {
        world.tick().await;
    }
    assert!(
        world.upstream("a/m").gate().probe_wanted,
        "the ejection takes its course"
    );
}

#[tokio::test(start_paused = true)]
async fn a_mended_credential_is_tried_at_once() {
    for (key, address, is_probed) in [
        ("second", ADDRESS, true),
        ("first", "http://127.0.0.1:10/v1", true),
        ("first", ADDRESS, false),
    ] {
        let mut world = World::start();
        world.refused("a/m");
        world.refused("b/m");
        world.tick().await;
        world.controller.apply(good(key, address)).unwrap();
        world.tick().await;
        let gate = |name| world.upstream(name).gate();
        assert!(!gate("a/m").serving, "first one request tries it");
        assert_eq!(gate("a/m").probe_wanted, is_probed, "{key} at {address}");
        assert!(!gate("b/m").probe_wanted, "nothing changed for the other");
    }
}
