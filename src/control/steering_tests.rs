//! Claims about orders and the kill switch.

use super::super::command::Handle;
use super::super::steering::SteeringError;
use super::super::switch::throw;
use super::tests::{ADDRESS, World, good};
use super::*;
use crate::balance::Rail;
use crate::config::{StandingOrder, Wish};
use crate::live::{Published, Thrown};
use crate::store::{Books, SteeringRow, Write};

const NOW: u64 = 1_795_896_885;
const PATIENCE: Duration = Duration::from_secs(20);

fn wish(action: &str) -> Wish {
    Wish {
        action: action.to_owned(),
        reason: "a test".to_owned(),
        seconds: Some(60),
        ..Wish::default()
    }
}

fn pin(target: &str, share: f64) -> Wish {
    Wish {
        route: Some("chat".to_owned()),
        target: Some(target.to_owned()),
        share: Some(share),
        ..wish("pin")
    }
}

impl World {
    fn order(&mut self, wish: &Wish) -> StandingOrder {
        let now = self.clock.unix_seconds();
        self.controller.give(wish, now).unwrap()
    }

    /// The first target's share in force, in parts per million.
    fn first(&self) -> u32 {
        let snapshot = self.controller.publisher.read();
        let route = snapshot.route("chat").unwrap();
        route.row().granted.shares()[0].ppm()
    }

    fn later(&self, seconds: u64) -> u64 {
        self.clock.unix_seconds() + seconds
    }
}

#[tokio::test(start_paused = true)]
async fn a_pin_is_in_force_with_the_next_tick_and_over_when_its_time_is() {
    let mut world = World::start();
    world.tick().await;
    let generation = world.controller.publisher.read().generation;
    world.order(&pin("a", 0.2));
    world.tick().await;
    assert_eq!(world.first(), 200_000);
    let decision = world.controller.board.decision("chat").unwrap();
    assert!(decision.rows[0].rails.contains(&Rail::Pinned));
    assert_eq!(decision.rows[0].configured.ppm(), 500_000);
    let snapshot = world.controller.publisher.read();
    assert_eq!(snapshot.generation, generation, "files are counted");
    world.controller.expire(world.later(30));
    assert_eq!(world.controller.board.steering().len(), 1, "not yet");
    world.controller.expire(world.later(61));
    assert!(world.controller.board.steering().is_empty());
    for _ in 0..40 {
        world.tick().await;
    }
    assert!(
        world.first().abs_diff(500_000) < 20_000,
        "{}",
        world.first()
    );
}

#[tokio::test(start_paused = true)]
async fn a_drained_target_takes_nothing_at_once_and_a_reload_leaves_it_so() {
    let mut world = World::start();
    world.tick().await;
    let drain = Wish {
        target: Some("a/m".to_owned()),
        ..wish("drain")
    };
    world.order(&drain);
    assert_eq!(world.first(), 0, "without a tick");
    world.controller.apply(good("second", ADDRESS)).unwrap();
    assert_eq!(world.first(), 0, "the files know nothing of it");
    world.tick().await;
    assert_eq!(world.first(), 0);
    let again = world.controller.apply(good("second", ADDRESS)).unwrap();
    assert!(again.changes.is_empty(), "the same files are no change");
    let rows = &world.controller.board.decision("chat").unwrap().rows;
    assert!(rows[0].rails.contains(&Rail::Drained));
    let overruled = rows[0].overruled.as_ref().unwrap();
    assert_eq!(
        (overruled.by.as_str(), overruled.reason.as_str()),
        ("api", "a test")
    );
}

#[tokio::test(start_paused = true)]
async fn frozen_shares_are_those_of_the_moment() {
    let mut world = World::start();
    world.order(&pin("a", 0.3));
    world.tick().await;
    let freeze = Wish {
        route: Some("chat".to_owned()),
        ..wish("freeze")
    };
    world.order(&freeze);
    world.tick().await;
    assert_eq!(world.first(), 300_000);
    let standing = world.controller.board.steering();
    assert!(standing[0].idle.is_some(), "the pin has nothing to say now");
    let decision = world.controller.board.decision("chat").unwrap();
    assert!(decision.rows[0].rails.contains(&Rail::Frozen));
}

#[tokio::test(start_paused = true)]
async fn a_refused_order_changes_nothing() {
    let mut world = World::start();
    world.order(&pin("a", 0.3));
    let before = world.controller.board.times_steered();
    for wish in [pin("b", 0.9), pin("c", 0.1)] {
        let refused = world.controller.give(&wish, NOW);
        assert!(
            matches!(refused, Err(SteeringError::Refused(_))),
            "{refused:?}"
        );
    }
    assert_eq!(world.controller.board.times_steered(), before);
    let later = world.order(&pin("a", 0.4));
    assert_eq!(world.controller.board.steering().len(), 1, "{later:?}");
    world.tick().await;
    assert_eq!(world.first(), 400_000, "the later one holds");
}

#[tokio::test]
async fn an_order_given_while_the_books_cannot_be_opened_is_in_them_once_they_can() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("books");
    std::fs::write(&in_the_way, "").unwrap();
    let (books, _) = Books::open(&in_the_way, crate::config::Store::default()).unwrap();
    let mut world = World::start();
    world.controller.resume_orders(&books);
    let given = world.order(&pin("a", 0.2));
    std::fs::remove_file(&in_the_way).unwrap();
    assert!(books.flush(PATIENCE), "it waited");
    let kept = books.steering().unwrap();
    let ids: Vec<&str> = kept.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, [given.order.id]);
}

#[tokio::test]
async fn books_that_are_begun_anew_get_the_orders_and_the_switch() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (books, _) = Books::open(&state, crate::config::Store::default()).unwrap();
    let mut world = World::start();
    world.controller.resume_orders(&books);
    world.controller.resume_keys(&books);
    let given = world.order(&pin("a", 0.2));
    let thrown = Thrown {
        off: true,
        by: "ada".to_owned(),
        reason: "a test".to_owned(),
        since: NOW,
    };
    world.controller.publisher.read().switch.throw(&thrown);
    assert!(books.flush(PATIENCE));
    std::fs::remove_dir_all(&state).unwrap();
    books.write(Write::SteeringEnded("of before".to_owned()));
    assert!(books.flush(PATIENCE), "another file is begun");
    world.controller.rewrite();
    assert!(books.flush(PATIENCE));
    let kept = books.steering().unwrap();
    let ids: Vec<&str> = kept.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, [given.order.id.as_str(), "switch"]);
}

#[tokio::test]
async fn an_order_whose_time_was_over_before_the_start_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (books, _) = Books::open(folder.path(), crate::config::Store::default()).unwrap();
    let mut world = World::start();
    world.controller.resume_orders(&books);
    let given = world.order(&pin("a", 0.2)).order;
    let mut over = given.clone();
    over.id = "7".to_owned();
    over.until = given.since - 1;
    let json = serde_json::to_string(&over).unwrap();
    let id = over.id.clone();
    books.write(Write::Steering(SteeringRow { id, json }));
    assert!(books.flush(PATIENCE));
    let mut next = World::start();
    next.controller.resume_orders(&books);
    let holds = next.controller.board.steering();
    let ids: Vec<&str> = holds.iter().map(|it| it.order.id.as_str()).collect();
    assert_eq!(ids, [given.id], "the other is not put in force first");
    assert!(books.flush(PATIENCE));
    assert_eq!(books.steering().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_kill_switch_acts_while_the_controller_is_stuck() {
    let mut world = World::start();
    world.order(&pin("a", 0.2));
    world.tick().await;
    let (published, publisher) = Published::first((*world.controller.publisher.read()).clone());
    // From here on nobody ticks, and nobody hears what is asked.
    let (handle, _unheard) = Handle::new();
    let stuck = handle.give(pin("a", 0.9)).await;
    assert_eq!(stuck, Err(SteeringError::Stuck));
    let row = |off: bool| {
        let thrown = Thrown {
            off,
            by: "ada".to_owned(),
            reason: "it hangs".to_owned(),
            since: NOW,
        };
        throw(&published, &Books::none(), &thrown);
        let snapshot = published.read();
        let row = snapshot.route("chat").unwrap().row();
        (row.granted.shares()[0].ppm(), row.guarded)
    };
    assert_eq!(row(true), (500_000, false), "configured shares, unguarded");
    assert_eq!(row(false), (200_000, true), "and back");
    drop(publisher);
}
