//! Claims about keys that are made and revoked while the daemon runs.

use tempfile::TempDir;

use super::super::key_ring::{KeyAsk, KeyError};
use super::tests::World;
use super::*;
use crate::config::{Compiled, Deed, KeyBudget, KeyWish, Layer, compile};
use crate::live::{Holder, Published};
use crate::store::{Books, Write};

const PATIENCE: Duration = Duration::from_secs(20);
pub(super) const OF_FILES: &str = "wb-a-key-of-the-files";

/// A controller whose files have one key, and books.
pub(super) struct Ringed {
    pub(super) controller: Controller,
    pub(super) clock: Clock,
    books: Books,
    folder: TempDir,
}

pub(super) fn compiled(keys: &str) -> Compiled {
    let text = format!(
        "[providers.a]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\napi_key = \"of-a\"\n\
         [routes.chat.targets]\na = {{ use = \"a/m\" }}\n{keys}"
    );
    let layer = Layer {
        name: "test.toml".to_owned(),
        text,
    };
    compile(&[layer], &tests::Nobody).unwrap()
}

pub(super) fn files(key: &str) -> Compiled {
    compiled(&format!("[keys.app]\nkey = \"{key}\"\n"))
}

impl Ringed {
    pub(super) fn start(compiled: Compiled) -> Self {
        Self::over(tempfile::tempdir().unwrap(), compiled)
    }

    /// What a start finds in `folder`.
    pub(super) fn over(folder: TempDir, compiled: Compiled) -> Self {
        let clock = Clock::start();
        let (books, resumed) = Books::open(folder.path(), crate::config::Store::default()).unwrap();
        let snapshot =
            super::super::assemble::first_snapshot(compiled.config, 7, &mut tests::Nobody);
        let (_, publisher) = Published::first(snapshot.unwrap());
        let board = Arc::new(Board::starting_with(compiled.shown));
        let (_, commands) = mpsc::channel(1);
        let simulate = Box::new(tests::Nobody);
        let controller = Controller::new(publisher, board, clock, 7, simulate, commands);
        Self {
            controller: controller.keeping(&books, resumed),
            clock,
            books,
            folder,
        }
    }

    pub(super) fn restart(self, compiled: Compiled) -> Self {
        assert!(self.books.close(PATIENCE));
        Self::over(self.folder, compiled)
    }

    pub(super) fn make(&mut self, wish: &KeyWish) -> Result<String, KeyError> {
        let now = self.clock.unix_seconds();
        let fresh = self.controller.make_key(wish, now)?;
        Ok(fresh.secret.expose().to_owned())
    }

    pub(super) fn revoke(&mut self, name: &str) -> Result<bool, KeyError> {
        let deed = deed("ada");
        Ok(self.controller.revoke_key(name, &deed)?.in_files)
    }

    /// What becomes of a request with this key.
    pub(super) fn holder(&self, key: &str) -> &'static str {
        let snapshot = self.controller.publisher.read();
        match snapshot.clients.holder(key.as_bytes()) {
            Holder::Known(_) => "known",
            Holder::Revoked => "revoked",
            Holder::Unknown => "unknown",
        }
    }
}

pub(super) fn deed(by: &str) -> Deed {
    Deed {
        at: 1_795_896_885,
        by: by.to_owned(),
        reason: "a test".to_owned(),
    }
}

pub(super) fn wish(name: &str) -> KeyWish {
    KeyWish {
        name: name.to_owned(),
        reason: "a test".to_owned(),
        ..KeyWish::default()
    }
}

#[tokio::test]
async fn a_key_that_is_made_is_accepted_until_it_is_revoked_and_restarts_know_both() {
    let mut world = Ringed::start(files(OF_FILES));
    let limited = KeyWish {
        routes: Some(vec!["chat".to_owned()]),
        requests_per_minute: Some(5),
        budget: Some(KeyBudget {
            day_usd: Some(1.0),
            ..KeyBudget::default()
        }),
        seconds: Some(3_600),
        ..wish("new")
    };
    let (kept, gone) = (
        world.make(&limited).unwrap(),
        world.make(&wish("gone")).unwrap(),
    );
    assert_ne!(kept, gone);
    assert_eq!(
        (world.holder(&kept), world.holder(&gone)),
        ("known", "known")
    );
    assert_eq!(world.revoke("gone"), Ok(false));
    assert_eq!(world.holder(&gone), "revoked");
    let mut world = world.restart(files(OF_FILES));
    assert_eq!(
        (world.holder(&kept), world.holder(&gone)),
        ("known", "revoked")
    );
    let snapshot = world.controller.publisher.read();
    let client = snapshot.clients.named("new").unwrap();
    assert_eq!(client.key.requests_per_minute, Some(5));
    assert!(client.key.expires.is_some() && client.budget.is_some());
    assert_eq!(snapshot.generation, 1, "the files are the same");
    let restored = world.controller.restore_key("gone", &deed("bo")).unwrap();
    assert_eq!(restored.by, "ada", "who had revoked it");
    let world = world.restart(files(OF_FILES));
    assert_eq!(world.holder(&gone), "known");
}

#[tokio::test]
async fn a_key_of_the_files_is_revoked_by_what_it_is_told_by_not_by_its_name() {
    let mut world = Ringed::start(files(OF_FILES));
    assert_eq!(world.revoke("app"), Ok(true));
    assert_eq!(world.holder(OF_FILES), "revoked");
    let other = "wb-the-one-in-its-place";
    world.controller.apply(files(other)).unwrap();
    assert_eq!(
        (world.holder(other), world.holder(OF_FILES)),
        ("known", "revoked")
    );
    let mut world = world.restart(files(OF_FILES));
    assert_eq!(
        world.holder(OF_FILES),
        "revoked",
        "and it does not come back"
    );
    assert_eq!(
        world.revoke("app"),
        Ok(true),
        "whoever asks twice is told the same"
    );
    world.controller.restore_key("app", &deed("bo")).unwrap();
    assert_eq!(world.holder(OF_FILES), "known");
    let again = world
        .controller
        .restore_key("app", &deed("bo"))
        .unwrap_err();
    assert!(again.to_string().contains("is not revoked"), "{again}");
}

#[tokio::test]
async fn what_cannot_be_made_is_said_with_what_to_do() {
    let mut open = Ringed::start(compiled(""));
    let refused = open.make(&wish("new")).unwrap_err().to_string();
    assert!(refused.contains("server.require_key = true"), "{refused}");
    let mut bookless = World::start();
    let refused = bookless.controller.make_key(&wish("new"), 1).unwrap_err();
    assert_eq!(refused, KeyError::NotKept);
    let mut world = Ringed::start(compiled("[server]\nrequire_key = true\n"));
    assert!(
        world.controller.publisher.read().clients.asks(),
        "with no key at all"
    );
    world.make(&wish("new")).unwrap();
    for (wish, part) in [
        (wish("new"), "is called \"new\" already"),
        (wish(".."), "name: expected"),
        (wish("a b"), "name: expected"),
        (
            KeyWish {
                routes: Some(vec!["chta".to_owned()]),
                ..wish("a")
            },
            "did you mean chat?",
        ),
        (
            KeyWish {
                routes: Some(Vec::new()),
                ..wish("a")
            },
            "routes: expected some",
        ),
        (
            KeyWish {
                requests_per_minute: Some(0),
                ..wish("a")
            },
            "requests_per_minute: expected",
        ),
        (
            KeyWish {
                budget: Some(KeyBudget::default()),
                ..wish("a")
            },
            "found none",
        ),
        (
            KeyWish {
                expires: Some("2020-01-01".to_owned()),
                ..wish("a")
            },
            "a day to come",
        ),
        (
            KeyWish {
                reason: String::new(),
                ..wish("a")
            },
            "reason: expected",
        ),
    ] {
        let refused = world.make(&wish).unwrap_err().to_string();
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let refused = world.revoke("nwe").unwrap_err().to_string();
    assert!(refused.contains("did you mean new?"), "{refused}");
}

#[tokio::test]
async fn files_hold_against_a_key_of_the_same_name_and_no_reload_opens_the_door() {
    let mut world = Ringed::start(files(OF_FILES));
    let made = world.make(&wish("new")).unwrap();
    let of_files = "wb-another-key-of-that-name";
    let both = compiled(&format!("[keys.new]\nkey = \"{of_files}\"\n"));
    world.controller.apply(both).unwrap();
    assert_eq!(
        (world.holder(of_files), world.holder(&made)),
        ("known", "unknown")
    );
    world.controller.apply(compiled("")).unwrap();
    assert_eq!(world.holder(&made), "known", "once the name is free");
    let snapshot = world.controller.publisher.read();
    assert!(snapshot.clients.asks(), "a key that was made is asked for");
    world.revoke("new").unwrap();
    let asks = |world: &Ringed| world.controller.publisher.read().clients.asks();
    assert!(asks(&world), "revoking the last key opens nothing");
    let opened = compiled("[server]\nrequire_key = false\n");
    world.controller.apply(opened).unwrap();
    assert!(!asks(&world), "files that say so do");
    world.controller.apply(compiled("")).unwrap();
    assert!(asks(&world), "and no longer when they do not");
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_not_accepted_and_that_is_said() {
    let mut world = Ringed::start(files(OF_FILES));
    let made = world.make(&wish("new")).unwrap();
    assert!(world.books.flush(PATIENCE));
    let mut row = world.books.keys().unwrap().remove(0);
    row.json = row.json.replace(
        "\"require\"",
        "\"a_limit_of_a_later_version\":1,\"require\"",
    );
    assert!(world.books.write(Write::Key(row)));
    let world = world.restart(files(OF_FILES));
    assert_eq!(world.holder(&made), "unknown");
    let snapshot = world.controller.publisher.read();
    let missing = snapshot.clients.missing().unwrap();
    assert!(missing.contains("1 of the books' client keys"), "{missing}");
}

#[tokio::test]
async fn broken_books_lose_keys_with_words_and_books_that_break_meanwhile_get_them_again() {
    let mut world = Ringed::start(files(OF_FILES));
    let made = world.make(&wish("new")).unwrap();
    world.revoke("app").unwrap();
    assert!(world.books.flush(PATIENCE));
    std::fs::remove_file(crate::store::path(world.folder.path())).unwrap();
    // The writer finds out when it writes next.
    world.make(&wish("other")).unwrap();
    assert!(world.books.flush(PATIENCE));
    world.controller.tick();
    let world = world.restart(files(OF_FILES));
    assert_eq!(
        (world.holder(&made), world.holder(OF_FILES)),
        ("known", "revoked")
    );

    let Ringed { books, folder, .. } = world;
    assert!(books.close(PATIENCE));
    std::fs::write(
        crate::store::path(folder.path()),
        "no books at all".repeat(99),
    )
    .unwrap();
    let world = Ringed::over(folder, files(OF_FILES));
    assert_eq!(world.holder(&made), "unknown");
    assert_eq!(world.holder(OF_FILES), "known", "which is alarmed");
    let snapshot = world.controller.publisher.read();
    assert!(snapshot.clients.asks());
    let missing = snapshot.clients.missing().unwrap();
    assert!(missing.contains("it is kept as"), "{missing}");
}

#[tokio::test]
async fn books_that_cannot_be_read_yet_refuse_what_they_have_until_they_can() {
    let mut world = Ringed::start(files(OF_FILES));
    let made = world.make(&wish("new")).unwrap();
    world.revoke("app").unwrap();
    let Ringed { books, folder, .. } = world;
    assert!(books.close(PATIENCE));
    let (there, aside) = (
        crate::store::path(folder.path()),
        folder.path().join("aside"),
    );
    std::fs::rename(&there, &aside).unwrap();
    // No file can be opened there, and none be begun in its place.
    std::fs::create_dir(&there).unwrap();
    let mut world = Ringed::over(folder, files(OF_FILES));
    assert_eq!(world.holder(&made), "unknown");
    let snapshot = world.controller.publisher.read();
    let missing = snapshot.clients.missing().unwrap();
    assert!(missing.contains("cannot be read"), "{missing}");
    let refused = world.make(&wish("other")).unwrap_err();
    assert!(matches!(refused, KeyError::Unread(_)), "{refused}");
    std::fs::remove_dir(&there).unwrap();
    std::fs::rename(&aside, &there).unwrap();
    let rows = Books::to_read(world.folder.path()).keys().unwrap();
    let (reply, _answer) = tokio::sync::oneshot::channel();
    world.controller.do_keys(KeyAsk::Found { rows, reply });
    assert_eq!(
        (world.holder(&made), world.holder(OF_FILES)),
        ("known", "revoked")
    );
    assert!(
        world
            .controller
            .publisher
            .read()
            .clients
            .missing()
            .is_none()
    );
    let printed = format!("{:?}", world.controller.publisher.read().config);
    assert!(
        !printed.contains("Digest") && printed.contains("keys: 2"),
        "no digest is printed"
    );
}
