//! Claims about two controllers that hear each other by what an exchange would carry.

use super::super::told::Wake;
use super::keys_tests::{Ringed, deed, files};
use super::*;
use crate::config::Wish;
use crate::live::{TellCell, Told};

/// A key of the files of both.
const KEY: &str = "a-key-of-the-files-1234567890abcdef";

/// A replica, and its end of the exchange.
struct Replica {
    ringed: Ringed,
    cell: Arc<TellCell>,
}

impl Replica {
    fn start(mark: &str) -> Self {
        Self::of(Ringed::start(files(KEY)), mark)
    }

    fn of(mut ringed: Ringed, mark: &str) -> Self {
        let cell = Arc::new(TellCell::new(mark.to_owned()));
        let (_, heard) = mpsc::channel(1);
        let (handle, _) = super::super::command::Handle::new();
        let wake = Wake(Arc::new(|_| ()));
        ringed.controller = ringed
            .controller
            .telling(Arc::clone(&cell), heard, &handle, wake);
        Self { ringed, cell }
    }

    fn hear(&mut self, other: &Self) {
        let told = other.cell.told();
        self.ringed.controller.hear(&told);
    }

    fn orders(&self) -> Vec<String> {
        let standing = self.ringed.controller.board.steering();
        standing.iter().map(|it| it.order.id.clone()).collect()
    }

    fn freeze(&mut self) -> String {
        let wish = Wish {
            action: "freeze".to_owned(),
            route: Some("chat".to_owned()),
            reason: "a test".to_owned(),
            seconds: Some(600),
            ..Wish::default()
        };
        let now = self.ringed.clock.unix_seconds();
        let controller = &mut self.ringed.controller;
        let id = controller.give(&wish, now).unwrap().order.id;
        controller.tell();
        id
    }

    fn revoke(&mut self) {
        self.ringed.revoke("app").unwrap();
        self.ringed.controller.tell();
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_holds_at_the_other_and_ends_there_too() {
    let (mut a, mut b) = (Replica::start("aaaaaaaa"), Replica::start("bbbbbbbb"));
    let id = a.freeze();
    assert_eq!(id, "1-aaaaaaaa");
    b.hear(&a);
    assert_eq!(b.orders(), std::slice::from_ref(&id));
    // The one that heard of it may end it, and its own number goes on.
    let (reply, _answer) = tokio::sync::oneshot::channel();
    let by = "bob".to_owned();
    b.ringed
        .controller
        .steer(super::super::steering::Steer::End { id, by, reply });
    b.ringed.controller.tell();
    a.hear(&b);
    assert!(a.orders().is_empty());
    b.hear(&a);
    assert!(b.orders().is_empty(), "what has ended does not come back");
    assert_eq!(b.freeze(), "2-bbbbbbbb");
}

#[tokio::test(start_paused = true)]
async fn of_two_freezes_at_once_both_replicas_keep_the_same() {
    let (mut a, mut b) = (Replica::start("aaaaaaaa"), Replica::start("bbbbbbbb"));
    a.freeze();
    b.freeze();
    let of_a = Told::clone(&a.cell.told());
    a.hear(&b);
    b.ringed.controller.hear(&of_a);
    assert_eq!(a.orders(), b.orders());
    assert_eq!(a.orders().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_refused_at_the_other_and_a_restart_knows_it() {
    let (mut a, mut b) = (Replica::start("aaaaaaaa"), Replica::start("bbbbbbbb"));
    assert_eq!(b.ringed.holder(KEY), "known");
    a.revoke();
    b.hear(&a);
    assert_eq!(b.ringed.holder(KEY), "revoked");
    let mut b = Replica::of(b.ringed.restart(files(KEY)), "bbbbbbb2");
    assert_eq!(b.ringed.holder(KEY), "revoked", "it stands in the books");
    b.ringed
        .controller
        .restore_key("app", &deed("bob"))
        .unwrap();
    b.ringed.controller.tell();
    a.hear(&b);
    assert_eq!(a.ringed.holder(KEY), "known");
    b.hear(&a);
    assert_eq!(b.ringed.holder(KEY), "known");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_at_one_is_not_lost_by_a_restoring_at_the_other() {
    let (mut a, mut b) = (Replica::start("aaaaaaaa"), Replica::start("bbbbbbbb"));
    a.revoke();
    b.hear(&a);
    // Cut off from each other, one restores it, and the other one restores it and revokes it again.
    b.ringed
        .controller
        .restore_key("app", &deed("bob"))
        .unwrap();
    b.ringed.controller.tell();
    a.ringed
        .controller
        .restore_key("app", &deed("ada"))
        .unwrap();
    a.ringed.controller.tell();
    a.revoke();
    let of_a = Told::clone(&a.cell.told());
    a.hear(&b);
    b.ringed.controller.hear(&of_a);
    assert_eq!(
        (a.ringed.holder(KEY), b.ringed.holder(KEY)),
        ("revoked", "revoked")
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_made_and_rotated_at_one_is_accepted_at_the_other() {
    let (mut a, mut b) = (Replica::start("aaaaaaaa"), Replica::start("bbbbbbbb"));
    let wish = crate::config::KeyWish {
        name: "made".to_owned(),
        reason: "a test".to_owned(),
        ..crate::config::KeyWish::default()
    };
    let key = a.ringed.make(&wish).unwrap();
    a.ringed.controller.tell();
    b.hear(&a);
    assert_eq!(b.ringed.holder(&key), "known");
    let now = b.ringed.clock.unix_seconds();
    let rotation = crate::config::Rotation {
        seconds: Some(0),
        ..crate::config::Rotation::default()
    };
    let fresh = b
        .ringed
        .controller
        .rotate_key("made", &rotation, now)
        .unwrap();
    b.ringed.controller.tell();
    a.hear(&b);
    assert_eq!(a.ringed.holder(fresh.secret.expose()), "known");
    let snapshot = a.ringed.controller.publisher.read();
    let current = snapshot.clients.named("made").unwrap();
    assert_eq!(current.key.name.as_ref(), "made");
    // What was not written down was told to nobody, and goes everywhere.
    a.ringed.controller.keys.take_back(&fresh.digest);
    a.ringed.controller.put_keys_in_force();
    a.ringed.controller.tell();
    b.hear(&a);
    assert_eq!(b.ringed.holder(fresh.secret.expose()), "unknown");
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_begins_with_what_was_done_before() {
    let (mut a, mut b) = (Replica::start("aaaaaaaa"), Replica::start("bbbbbbbb"));
    let id = a.freeze();
    a.revoke();
    let mut told = Told::clone(&a.cell.told());
    let thrown = crate::live::Thrown {
        off: true,
        by: "ada".to_owned(),
        reason: "a test".to_owned(),
        since: 1,
    };
    told.switch = Some(crate::live::ToldSwitch { at_ms: 1, thrown });
    b.ringed.controller.begin_with(&told);
    assert_eq!((b.orders(), b.ringed.holder(KEY)), (vec![id], "revoked"));
    assert!(b.ringed.controller.publisher.read().switch.is_off());
}

#[tokio::test(start_paused = true)]
async fn a_key_of_a_later_version_that_is_revoked_is_refused_and_not_told_as_restored() {
    let mut a = Replica::start("aaaaaaaa");
    let later = serde_json::json!({
        "name": "app",
        "kept": "of a later version; ".repeat(50),
        "revoked": [{ "at": 1, "by": "ada", "reason": "a test" }],
    });
    let digest = crate::live::key_digest(KEY.as_bytes());
    let later: crate::live::ToldKey = serde_json::from_value(later).unwrap();
    let mut told = Told::default();
    told.keys.insert(digest, Arc::new(later));
    assert_eq!(a.ringed.holder(KEY), "known");
    a.ringed.controller.hear(&told);
    assert_eq!(a.ringed.holder(KEY), "revoked");
    a.ringed.controller.tell();
    assert_eq!(a.cell.told().keys, told.keys, "nothing is lifted");
}
