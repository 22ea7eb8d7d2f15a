//! Claims about a controller that has others.

use super::super::controller::tests::{ADDRESS, World, good_with};
use super::*;
use crate::config::Wish;
use crate::fleet::{Gathering, ReplicaId, Report};
use crate::live::Membership;
use crate::model::{LONGEST_WAIT, RouteName, UpstreamName};
use crate::store::Resumed;

fn id(name: &str) -> ReplicaId {
    ReplicaId::new(name).unwrap()
}

fn joined() -> (World, Arc<Post>) {
    joining(World::start())
}

fn joining(mut world: World) -> (World, Arc<Post>) {
    let post = Arc::new(Post::new(id("a"), "test", world.clock.now()));
    world.controller = world.controller.joining(Arc::clone(&post));
    (world, post)
}

/// What the replica `b` says, of the same plan as `mine`.
fn other(mine: &Report, sequence: u64) -> Report {
    Report {
        replica: id("b"),
        sequence,
        ..mine.clone()
    }
}

#[test]
fn each_tick_leaves_a_report_with_the_shares_in_force() {
    let (mut world, post) = joined();
    assert!(post.mine().is_none());
    world.controller.tick();
    let first = post.mine().unwrap();
    world.controller.tick();
    let second = post.mine().unwrap();
    assert!(second.number() > first.number());
    assert_eq!((first.replica.as_str(), first.epoch), ("a", post.epoch()));
    let shares = &second.routes[&RouteName::new("chat").unwrap()].shares;
    assert_eq!(shares.values().sum::<u32>(), 1_000_000);
    assert!(!post.membership().is_joined(), "nothing was exchanged yet");
    assert!(matches!(&*post.membership(), Membership::Degraded { .. }));
}

#[test]
fn who_is_blocked_elsewhere_is_blocked_here_and_that_is_no_news() {
    let (mut world, post) = joined();
    world.controller.tick();
    post.bell().take();
    let mut told = other(&post.mine().unwrap(), 1);
    let until = world.clock.now().after(Duration::from_secs(20));
    let name = UpstreamName::new("a/m").unwrap();
    told.upstreams
        .entry(name)
        .or_default()
        .condition
        .blocked_until = until;
    let mut gathering = Gathering::default();
    gathering.hear(told, world.clock.now());
    gathering.exchanged(world.clock.now());
    post.heard(gathering);
    world.controller.tick();
    assert_eq!(world.upstream("a/m").gate().blocked_until, until);
    assert!(post.bell().take().is_empty());
    let mine = post.mine().unwrap();
    assert_eq!(
        mine.upstreams.len(),
        0,
        "what others said is not said again"
    );
    assert_eq!(post.size(world.clock.now()), 2);
    world.controller.tick();
    assert!(post.bell().take().is_empty(), "nor is it a tick later");
}

#[test]
fn a_quota_group_that_is_blocked_elsewhere_is_blocked_here_as_a_whole() {
    let compiled = good_with("first", ADDRESS, "quota_group = \"one\"\n");
    let (mut world, post) = joining(World::of(compiled));
    world.controller.tick();
    let now = world.clock.now();
    let until = now.after(Duration::from_secs(20));
    let mut told = other(&post.mine().unwrap(), 1);
    told.groups.insert("one".to_owned(), until);
    told.groups.insert("another".to_owned(), until);
    let hear = |told: Report| {
        let mut gathering = Gathering::default();
        gathering.hear(told, now);
        gathering.exchanged(now);
        post.heard(gathering);
    };
    hear(told.clone());
    world.controller.tick();
    let stranger = UpstreamName::new("b/a-model-that-no-route-has").unwrap();
    let snapshot = world.controller.publisher.read();
    let stranger = snapshot.member(&stranger).unwrap();
    for gate in [
        world.upstream("a/m").gate(),
        world.upstream("b/m").gate(),
        stranger.upstream.gate(),
    ] {
        assert_eq!(gate.blocked_until, until);
    }
    assert!(post.bell().take().is_empty(), "it is no news of ours");
    let mine = post.mine().unwrap();
    let groups: Vec<_> = mine.groups.iter().collect();
    assert_eq!(groups, [(&"one".to_owned(), &until)], "only what is known");
    // Nobody may have it left alone for longer than a provider may.
    told.sequence += 1;
    told.groups.insert("one".to_owned(), Time::NEVER);
    hear(told);
    world.controller.tick();
    let most = world.clock.now().after(LONGEST_WAIT);
    assert!(world.upstream("b/m").gate().blocked_until <= most);
}

#[test]
fn an_order_is_told_beside_the_files_which_stay_the_same() {
    let (mut world, post) = joined();
    world.controller.tick();
    let before = post.mine().unwrap();
    assert_eq!(before.orders, 0, "none holds");
    let pin = Wish {
        action: "pin".to_owned(),
        route: Some("chat".to_owned()),
        target: Some("a".to_owned()),
        share: Some(0.9),
        reason: "a test".to_owned(),
        seconds: Some(60),
        ..Wish::default()
    };
    let now = world.clock.unix_seconds();
    world.controller.give(&pin, now).unwrap();
    world.controller.tick();
    let after = post.mine().unwrap();
    assert_eq!(after.plan, before.plan, "the files are what they were");
    assert_ne!(after.orders, 0, "an order holds");
}

#[test]
fn how_the_room_is_divided_is_told_when_the_others_are_lost() {
    let (mut world, post) = joined();
    world.controller.tick();
    assert_eq!(post.parts(), Some(1), "nobody else was there");
    let mut gathering = Gathering::default();
    let now = world.clock.now();
    gathering.hear(other(&post.mine().unwrap(), 1), now);
    gathering.exchanged(now);
    post.heard(gathering.clone());
    world.controller.tick();
    assert_eq!(post.parts(), None, "what it said counts");
    let mut old = Gathering::default();
    old.hear(other(&post.mine().unwrap(), 1), Time::ZERO);
    old.exchanged(Time::ZERO);
    post.heard(old);
    world.controller.tick();
    assert_eq!(post.parts(), Some(2), "two were there last");
}

#[test]
fn an_ejection_presses_once() {
    let (mut world, post) = joined();
    world.controller.tick();
    post.passed_on();
    world.refused("a/m");
    world.controller.tick();
    assert!(post.presses());
    let name = UpstreamName::new("a/m").unwrap();
    assert!(
        post.mine().unwrap().upstreams[&name]
            .condition
            .out
            .is_some()
    );
    world.controller.tick();
    assert!(post.presses(), "until the others are told");
    post.passed_on();
    world.controller.tick();
    assert!(!post.presses(), "it is told once");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_wakes_the_controller_before_its_tick() {
    let (mut world, _) = joined();
    world.controller.tick();
    let begun = world.clock.now();
    let fleet = world.controller.fleet.as_ref();
    let woken = Fleet::hurried(fleet, world.clock, begun);
    let waited = tokio::time::timeout(Duration::from_secs(9), woken).await;
    assert!(waited.is_err(), "nothing happened");
    world.refused("a/m");
    let last = world.clock.now();
    Fleet::hurried(fleet, world.clock, last).await;
    assert_eq!(world.clock.now().since(last), LEAST_BETWEEN_TICKS);
}

/// What a fleet has learned after so many answers, where `a` got little.
fn learned(world: &mut World, post: &Post, answers: u64) -> Learned {
    world.controller.tick();
    world.controller.keep_last();
    let learned = post.take_memory().unwrap();
    let mut text = serde_json::to_value(&*learned).unwrap();
    let upstreams = text["memory"]["upstreams"].as_array_mut().unwrap();
    upstreams[0]["samples"] = answers.into();
    serde_json::from_value(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_began_without_the_fleets_memory_takes_it_over_while_it_knows_little_itself() {
    let (mut fleet, left) = joined();
    let learned = learned(&mut fleet, &left, 5_000);
    let is_taken = |world: &World| world.controller.resumed_at == learned.at;
    let (mut world, post) = joined();
    world.tick().await;
    post.bequeath(learned.clone());
    world.tick().await;
    assert!(!is_taken(&world), "it began with what there was");
    post.awaits_bequest();
    post.bequeath(learned.clone());
    world.tick().await;
    assert!(is_taken(&world) && !post.is_awaiting());
    // One that has met something itself keeps it until it is over.
    let (mut world, post) = joined();
    post.awaits_bequest();
    world.refused("a/m");
    world.tick().await;
    post.bequeath(learned.clone());
    world.tick().await;
    assert!(!is_taken(&world) && post.is_awaiting());
    // A memory of less than what this one has measured is of no use.
    let (mut world, post) = joined();
    post.awaits_bequest();
    let none = Learned {
        memory: Memory::new(&world.controller.plan),
        ..learned.clone()
    };
    post.bequeath(none);
    world.tick().await;
    assert!(!is_taken(&world));
    // One that knows enough asks for nothing more.
    world.answered("a/m", 300);
    world.tick().await;
    world.tick().await;
    assert!(!post.is_awaiting());
    post.bequeath(learned.clone());
    world.tick().await;
    assert!(!is_taken(&world));
}

#[test]
fn a_newcomer_goes_on_from_the_fleets_memory_unless_its_own_is_newer() {
    let (mut world, post) = joined();
    world.controller.tick();
    world.controller.keep_last();
    let learned = post.take_memory().expect("it is left at the end");
    let inherited = |at: Time| Resumed {
        learned: Some(Box::new(Learned {
            at,
            ..(*learned).clone()
        })),
        ..Resumed::default()
    };
    let mut newcomer = World::start().controller;
    assert!(newcomer.inherit(inherited(learned.at)));
    assert!(
        !newcomer.inherit(inherited(learned.at)),
        "what it has is as new"
    );
}
