//! Claims about keys that get a new secret while the daemon runs.

use super::super::key_ring::{Fresh, KeyAsk, KeyError};
use super::keys_tests::{OF_FILES, Ringed, compiled, deed, files, wish};
use super::tests::World;
use super::*;
use crate::config::{Families, KeyWish, Rotation};
use crate::live::Holder;

const DAY: u64 = 86_400;

fn rotation(seconds: u64) -> Rotation {
    Rotation {
        seconds: Some(seconds),
        reason: Some("a test".to_owned()),
        by: Some("ada".to_owned()),
    }
}

fn now(world: &Ringed) -> u64 {
    world.clock.unix_seconds()
}

fn rotated(world: &mut Ringed, name: &str, grace: u64) -> Result<Fresh, KeyError> {
    let now = now(world);
    world.controller.rotate_key(name, &rotation(grace), now)
}

fn secret(fresh: &Fresh) -> String {
    fresh.secret.expose().to_owned()
}

/// What becomes of a request with this key so many seconds from now.
fn in_seconds(world: &Ringed, key: &str, seconds: u64) -> &'static str {
    let snapshot = world.controller.publisher.read();
    let at = Time::from_micros((now(world) + seconds) * 1_000_000);
    match snapshot.clients.holder(key.as_bytes()) {
        Holder::Known(client) if client.was_over(at).is_some() => "over",
        Holder::Known(_) => "known",
        Holder::Revoked => "revoked",
        Holder::Unknown => "unknown",
    }
}

#[tokio::test]
async fn both_secrets_are_one_key_until_the_grace_ends_and_a_restart_knows_it() {
    let mut world = Ringed::start(files(OF_FILES));
    let limited = KeyWish {
        requests_per_minute: Some(2),
        team: Some("search".to_owned()),
        ..wish("new")
    };
    let old = world.make(&limited).unwrap();
    let new = secret(&rotated(&mut world, "new", DAY).unwrap());
    assert_ne!(old, new);
    let mut world = world;
    for round in ["at once", "after a restart"] {
        for (key, at, expected) in [
            (&old, 0, "known"),
            (&old, DAY - 5, "known"),
            (&old, DAY + 1, "over"),
            (&new, DAY + 1, "known"),
        ] {
            assert_eq!(in_seconds(&world, key, at), expected, "{round}, {at}");
        }
        let snapshot = world.controller.publisher.read();
        let client = |key: &str| match snapshot.clients.holder(key.as_bytes()) {
            Holder::Known(client) => Arc::clone(client),
            Holder::Revoked | Holder::Unknown => panic!("{round}: not accepted"),
        };
        let (before, after) = (client(&old), client(&new));
        assert_eq!((&*before.key.name, &*after.key.name), ("new", "new"));
        assert_eq!(before.tags, after.tags, "and both are put down to the team");
        let at = world.clock.now();
        assert!(before.enter(at).is_ok() && after.enter(at).is_ok());
        assert!(after.enter(at).is_err(), "two a minute, of both together");
        world = world.restart(files(OF_FILES));
    }
}

#[tokio::test]
async fn a_key_of_the_files_keeps_what_they_give_it_and_the_new_secret_outlives_their_change() {
    let mut world = Ringed::start(files(OF_FILES));
    let fresh = rotated(&mut world, "app", DAY).unwrap();
    let new = secret(&fresh);
    let all = |world: &Ringed, of_files: &str, new: &str| {
        [of_files, new].map(|key| in_seconds(world, key, 0))
    };
    assert_eq!(all(&world, OF_FILES, &new), ["known", "known"]);
    // The files get the new one, as the answer asks for.
    world.controller.apply(files(&new)).unwrap();
    assert_eq!(all(&world, OF_FILES, &new), ["known", "known"]);
    assert_eq!(in_seconds(&world, OF_FILES, DAY + 1), "over");
    world.controller.apply(files(OF_FILES)).unwrap();
    assert_eq!(
        in_seconds(&world, &new, DAY + 1),
        "known",
        "files that are behind"
    );
    // Another key under the name is another family, and no old secret comes with it.
    let other = "wb-the-one-in-its-place";
    world.controller.apply(files(other)).unwrap();
    assert_eq!(all(&world, OF_FILES, &new), ["unknown", "unknown"]);
    world
        .controller
        .apply(compiled("[server]\nrequire_key = true\n"))
        .unwrap();
    assert_eq!(
        all(&world, OF_FILES, &new),
        ["unknown", "unknown"],
        "taken out"
    );
    let snapshot = world.controller.publisher.read();
    let families = Families::of(&snapshot.config.issued);
    assert_eq!(
        families.whole(&fresh.digest).len(),
        2,
        "the books know both"
    );
}

#[tokio::test]
async fn revoking_a_key_revokes_all_of_its_secrets_and_restoring_it_brings_them_back() {
    for (name, in_files) in [("new", false), ("app", true)] {
        let mut world = Ringed::start(files(OF_FILES));
        let old = if in_files {
            OF_FILES.to_owned()
        } else {
            world.make(&wish(name)).unwrap()
        };
        let new = secret(&rotated(&mut world, name, DAY).unwrap());
        assert_eq!(world.revoke(name), Ok(in_files));
        assert_eq!(
            world.revoke(name),
            Ok(in_files),
            "asked twice, told the same"
        );
        let refused = rotated(&mut world, name, DAY).unwrap_err().to_string();
        assert!(refused.contains("is revoked"), "{refused}");
        let mut world = world.restart(files(OF_FILES));
        for key in [&old, &new] {
            assert_eq!(in_seconds(&world, key, 0), "revoked", "{name}");
        }
        world.controller.restore_key(name, &deed("bo")).unwrap();
        let world = world.restart(files(OF_FILES));
        assert_eq!(in_seconds(&world, &old, 0), "known", "{name}");
        assert_eq!(
            in_seconds(&world, &old, DAY + 1),
            "over",
            "its end is the same"
        );
        assert_eq!(in_seconds(&world, &new, DAY + 1), "known", "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_rotated_is_said_with_what_to_do() {
    let mut bookless = World::start();
    let refused = bookless.controller.rotate_key("app", &rotation(1), 1);
    assert_eq!(refused, Err(KeyError::NotKept));
    let mut world = Ringed::start(compiled(
        "[keys.app]\nkey = \"wb-a-key-of-the-files\"\n[keys.old]\nkey = \"wb-a-key-of-long-ago\"\nexpires = 2020-12-31\n",
    ));
    for (name, grace, part) in [
        ("ap", DAY, "did you mean app?"),
        ("old", DAY, "was accepted until 2021-01-01 00:00 UTC"),
        ("app", u64::MAX, "seconds: expected a number from 0 to"),
    ] {
        let refused = rotated(&mut world, name, grace).unwrap_err().to_string();
        assert!(refused.contains(part), "{part}: {refused}");
    }
    for round in 0..8 {
        rotated(&mut world, "app", DAY).unwrap_or_else(|error| panic!("{round}: {error}"));
    }
    let refused = rotated(&mut world, "app", DAY).unwrap_err().to_string();
    assert!(refused.contains("8 older secrets"), "{refused}");
}

#[tokio::test]
async fn a_secret_that_nobody_was_told_goes_and_the_one_before_has_no_end() {
    for (name, in_files) in [("new", false), ("app", true)] {
        let mut world = Ringed::start(files(OF_FILES));
        let old = if in_files {
            OF_FILES.to_owned()
        } else {
            world.make(&wish(name)).unwrap()
        };
        let fresh = rotated(&mut world, name, 0).unwrap();
        assert_eq!(in_seconds(&world, &old, 1), "over");
        let (reply, _answer) = tokio::sync::oneshot::channel();
        let digest = fresh.digest;
        world.controller.do_keys(KeyAsk::Forget { digest, reply });
        let world = world.restart(files(OF_FILES));
        assert_eq!(in_seconds(&world, &old, 2 * DAY), "known", "{name}");
        assert_eq!(in_seconds(&world, &secret(&fresh), 0), "unknown", "{name}");
    }
}

#[tokio::test]
async fn giving_up_the_first_of_two_rotations_leaves_the_second_as_it_was_answered() {
    for (name, in_files) in [("new", false), ("app", true)] {
        let mut world = Ringed::start(files(OF_FILES));
        let old = if in_files {
            OF_FILES.to_owned()
        } else {
            world.make(&wish(name)).unwrap()
        };
        let first = rotated(&mut world, name, DAY).unwrap();
        let second = rotated(&mut world, name, 2 * DAY).unwrap();
        let (reply, _answer) = tokio::sync::oneshot::channel();
        let digest = first.digest;
        world.controller.do_keys(KeyAsk::Forget { digest, reply });
        for round in ["at once", "after a restart"] {
            for (key, at, expected) in [
                (&old, DAY + 5, "known"),
                (&old, 2 * DAY + 1, "over"),
                (&secret(&first), 0, "unknown"),
                (&secret(&second), 3 * DAY, "known"),
            ] {
                let found = in_seconds(&world, key, at);
                assert_eq!(found, expected, "{name}, {round}, {at}");
            }
            world = world.restart(files(OF_FILES));
        }
        assert_eq!(world.revoke(name), Ok(in_files));
        assert_eq!(in_seconds(&world, &old, 0), "revoked", "{name}");
        assert_eq!(in_seconds(&world, &secret(&second), 0), "revoked", "{name}");
    }
}

#[tokio::test]
async fn a_script_that_rotates_in_a_circle_leaves_a_chain_that_grows_no_further() {
    for (name, in_files) in [("new", false), ("app", true)] {
        let mut world = Ringed::start(files(OF_FILES));
        let old = if in_files {
            OF_FILES.to_owned()
        } else {
            world.make(&wish(name)).unwrap()
        };
        let mut secrets = vec![old];
        for round in 0..120 {
            let grace = if round == 20 { DAY } else { 0 };
            secrets.push(secret(&rotated(&mut world, name, grace).unwrap()));
        }
        for round in ["at once", "after a restart"] {
            // The first, the one with a grace, 32 that are over, the current one.
            let snapshot = world.controller.publisher.read();
            assert_eq!(snapshot.config.issued.all.len(), 35, "{name}, {round}");
            for (nth, expected) in [
                (0, "over"),
                (1, "unknown"),
                (20, "known"),
                (87, "unknown"),
                (88, "over"),
                (119, "over"),
                (120, "known"),
            ] {
                let found = in_seconds(&world, &secrets[nth], 1);
                assert_eq!(found, expected, "{name}, {round}, {nth}");
            }
            world = world.restart(files(OF_FILES));
        }
        assert_eq!(world.revoke(name), Ok(in_files));
        for nth in [0, 20, 88, 120] {
            let found = in_seconds(&world, &secrets[nth], 0);
            assert_eq!(found, "revoked", "{name}, {nth}: one chain still");
        }
    }
}

#[tokio::test]
async fn uses_are_told_of_each_secret_and_also_after_its_end() {
    let mut world = Ringed::start(files(OF_FILES));
    let old = world.make(&wish("new")).unwrap();
    let new = secret(&rotated(&mut world, "new", 0).unwrap());
    let snapshot = world.controller.publisher.read();
    let at = Time::from_micros(1_795_896_885_000_000);
    let client = |key: &str| match snapshot.clients.holder(key.as_bytes()) {
        Holder::Known(client) => Arc::clone(client),
        Holder::Revoked | Holder::Unknown => panic!("not known"),
    };
    client(&new).was_used(at);
    assert!(client(&old).was_refused(at), "the first");
    assert!(!client(&old).was_refused(at));
    // A reload keeps what is known.
    world.controller.apply(files(OF_FILES)).unwrap();
    let snapshot = world.controller.publisher.read();
    let last = |key: &str| {
        snapshot
            .clients
            .last_use(&crate::live::key_digest(key.as_bytes()))
    };
    assert_eq!((last(&new).used, last(&new).refused), (Some(at), None));
    assert_eq!((last(&old).used, last(&old).refused), (None, Some(at)));
}
