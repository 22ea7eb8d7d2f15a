use super::super::line::{CheckpointLine, Line, PlannedRoute, PlannedUpstream};
use super::*;
use crate::balance::{LearnedShares, Share, TargetSpec, even_route};
use crate::model::{TargetName, Time};

fn spec() -> RouteSpec {
    let used = |name: &str| UpstreamName::new(&format!("p/{name}")).unwrap();
    even_route("chat", &[("a", used("a")), ("b", used("b"))])
}

/// The lines with which a file begins, before tick `next`, where `a` has `share` parts per million.
fn heading(at: Time, next: u64, share: u32) -> [Line; 2] {
    let plan = Plan::new(vec![spec()], []);
    let shares = [("a", share), ("b", 1_000_000 - share)];
    let shares = shares.map(|(name, ppm)| (TargetName::new(name).unwrap(), Share::from_ppm(ppm)));
    let learned = LearnedShares {
        at,
        routes: vec![(spec().name, shares.to_vec())],
    };
    let planned = |target: &TargetSpec| PlannedUpstream {
        name: target.upstream.clone(),
        price: None,
    };
    let config = ConfigLine {
        at,
        unix_us: at.as_micros(),
        program: "a test".to_owned(),
        generation: 1,
        routes: vec![PlannedRoute {
            spec: spec(),
            obeyed: true,
        }],
        upstreams: spec().targets.iter().map(planned).collect(),
        config: serde_json::Value::Null,
    };
    let checkpoint = CheckpointLine {
        at,
        next,
        continues: false,
        memory: learned.resumed(&plan),
    };
    [
        Line::Config(Box::new(config)),
        Line::Checkpoint(Box::new(checkpoint)),
    ]
}

#[test]
fn the_other_starts_anew_where_a_process_does_and_nowhere_else() {
    let mut player = Player::new();
    let mut follower = Follower::new(Other::Strategy(Strategy::Fixed));
    let mut share = |lines: [Line; 2]| {
        for line in lines {
            player.play(line);
        }
        follower.configured(&player);
        follower.resumed(&player);
        let memory = follower.memory.as_ref().unwrap();
        memory.tables().next().unwrap().shares()[0].ppm()
    };
    let at = |seconds: f64| Time::from_secs_f64(1.8e9 + seconds);
    assert_eq!(share(heading(at(0.0), 1, 300_000)), 300_000, "the first");
    let reload = share(heading(at(60.0), 241, 600_000));
    assert_eq!(reload, 300_000, "a reload leaves it what it knows");
    let restart = share(heading(at(120.0), 1, 800_000));
    assert_eq!(
        restart, 800_000,
        "a restart does not, whatever the clock says"
    );
}

#[test]
fn scores_go_to_the_same_target_wherever_it_stands_in_the_other_route() {
    let then = Plan::new(vec![spec()], []);
    let used = |name: &str| UpstreamName::new(&format!("p/{name}")).unwrap();
    let other = even_route(
        "chat",
        &[("new", used("new")), ("b", used("b")), ("a", used("else"))],
    );
    assert_eq!(
        targets(&then, &other),
        [None, Some(1)],
        "a has another model there, and b another place"
    );
    let (chat, none) = (spec(), even_route("talk", &[("a", used("a"))]));
    assert_eq!(targets(&then, &chat), [Some(0), Some(1)]);
    assert_eq!(targets(&then, &none), [], "no such route then");
}
