//! Conversations stay with their target, over real sockets.

use std::sync::Arc;

use super::faultd::{Act, Faultd, Reply, answer_of, completion, response};
use super::moves::post_to;
use super::world::{Got, Plan, Spec, World};
use crate::config::Sticky;
use crate::live::Stuck;

/// Answers chats and responses.
fn well() -> Act {
    let reply: Reply = Arc::new(|request: &str| {
        if request.starts_with("POST /v1/responses") {
            let body = r#"{"id":"resp_1","object":"response","status":"completed","model":"m","output":[{"type":"message",
                "id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"hello",
                "annotations":[]}]}],"usage":{"input_tokens":9,"output_tokens":2,"total_tokens":11}}"#;
            return response("200 OK", "application/json", body);
        }
        response("200 OK", "application/json", &completion("hello"))
    });
    Act::Reply(reply)
}

fn down() -> Act {
    Act::Answer(response(
        "500 Internal Server Error",
        "application/json",
        "{}",
    ))
}

async fn world(
    weights: &[f64],
    sticky: Sticky,
    change: impl FnOnce(&mut Plan),
) -> (World, Vec<Faultd>) {
    let mut targets = Vec::new();
    for _ in weights {
        targets.push(Faultd::start(well()).await);
    }
    let specs = targets
        .iter()
        .zip(weights)
        .map(|(target, weight)| Spec::new(target.address, *weight));
    let mut plan = Plan::new(specs.collect());
    plan.sticky = sticky;
    change(&mut plan);
    (plan.start().await, targets)
}

async fn sent(world: &World, path: &str, headers: &str, body: &str) -> Got {
    let request = String::from_utf8(post_to(path, body)).unwrap();
    let request = request.replacen("\r\n\r\n", &format!("\r\n{headers}\r\n"), 1);
    let got = world.send(request.as_bytes()).await;
    assert_eq!(got.status, 200, "{path}: {}", got.body);
    got
}

/// Which target served.
async fn served(world: &World, path: &str, headers: &str, body: &str) -> String {
    let got = sent(world, path, headers, body).await;
    got.header("x-weighbridge-provider").to_owned()
}

/// Turn `turn` of conversation `name`, as a client of each front sends it.
fn turn(front: &str, name: &str, turn: usize) -> String {
    let asked = |role: &str, text: String| format!(r#"{{"role":"{role}","content":"{text}"}}"#);
    let mut said = vec![asked("user", format!("question of {name}"))];
    for more in 1..=turn {
        said.push(asked("assistant", format!("answer {more}")));
        said.push(asked("user", format!("and {more}?")));
    }
    let said = said.join(",");
    match front {
        "/v1/responses" => {
            format!(r#"{{"model":"chat","instructions":"be kind","input":[{said}]}}"#)
        }
        "/v1/messages" => {
            format!(r#"{{"model":"chat","max_tokens":9,"system":"be kind","messages":[{said}]}}"#)
        }
        _ => format!(
            r#"{{"model":"chat","messages":[{{"role":"system","content":"be kind"}},{said}]}}"#
        ),
    }
}

#[tokio::test]
async fn a_conversation_stays_with_its_target_on_every_front() {
    let (world, _targets) = world(&[1.0, 1.0, 1.0], Sticky::Conversation, |_| {}).await;
    for front in ["/v1/chat/completions", "/v1/messages", "/v1/responses"] {
        let mut homes = std::collections::BTreeSet::new();
        for name in 0..12 {
            let name = format!("c{name}");
            let home = served(&world, front, "", &turn(front, &name, 0)).await;
            for later in 1..4 {
                let there = served(&world, front, "", &turn(front, &name, later)).await;
                assert_eq!(there, home, "{front}, {name}, turn {later}");
            }
            homes.insert(home);
        }
        assert_eq!(
            homes.len(),
            3,
            "{front}: twelve conversations are not all at one target"
        );
    }
}

#[tokio::test]
async fn a_named_conversation_stays_whatever_it_says() {
    let (world, _targets) = world(&[1.0, 1.0, 1.0, 1.0], Sticky::Conversation, |_| {}).await;
    let chat = "/v1/chat/completions";
    let body = |members: &str, text: &str| {
        format!(r#"{{"model":"chat",{members}"messages":[{{"role":"user","content":"{text}"}}]}}"#)
    };
    for name in ["a", "b", "c"] {
        let key = format!(r#""prompt_cache_key":"{name}","#);
        let thread = format!(r#""thread":{{"id":"{name}"}},"#);
        let header = format!("x-claude-code-session-id: {name}\r\n");
        let home = served(&world, chat, "", &body(&key, "one")).await;
        for (headers, members) in [("", &key), ("", &thread), (header.as_str(), &String::new())] {
            let there = served(&world, chat, headers, &body(members, "another")).await;
            assert_eq!(there, home, "{name}: {headers}{members}");
        }
    }
}

#[tokio::test]
async fn failover_moves_a_conversation_and_it_stays_moved_only_while_needed() {
    let (world, targets) = world(&[1.0, 1.0, 1.0], Sticky::Conversation, |_| {}).await;
    let front = "/v1/chat/completions";
    let home = served(&world, front, "", &turn(front, "x", 0)).await;
    let place: usize = home.strip_prefix('p').unwrap().parse().unwrap();
    targets[place].now_do(down());
    let away = served(&world, front, "", &turn(front, "x", 1)).await;
    assert_ne!(away, home, "another one serves");
    let there = served(&world, front, "", &turn(front, "x", 2)).await;
    assert_eq!(
        there, away,
        "the same other one, so that it builds up its cache once"
    );
    targets[place].now_do(well());
    assert!(
        world.upstreams[place].gate().serving,
        "two faults do not eject"
    );
    let back = served(&world, front, "", &turn(front, "x", 3)).await;
    assert_eq!(back, home, "home again");
}

#[tokio::test]
async fn over_many_conversations_the_shares_hold() {
    let (world, _targets) = world(&[0.6, 0.3, 0.1], Sticky::Conversation, |_| {}).await;
    let (many, front) = (1_500, "/v1/chat/completions");
    let mut counts = [0.0; 3];
    for name in 0..many {
        let home = served(&world, front, "", &turn(front, &name.to_string(), 0)).await;
        counts[home.strip_prefix('p').unwrap().parse::<usize>().unwrap()] += 1.0;
    }
    for (count, share) in counts.iter().zip([0.6, 0.3, 0.1]) {
        let error = (share * (1.0 - share) / f64::from(many)).sqrt();
        let part = count / f64::from(many);
        assert!((part - share).abs() < 4.0 * error, "{counts:?} of {many}");
    }
}

#[tokio::test]
async fn users_and_tenants_stay_together_and_others_are_drawn() {
    let front = "/v1/chat/completions";
    let body = |user: &str| {
        format!(r#"{{"model":"chat",{user}"messages":[{{"role":"user","content":"hi"}}]}}"#)
    };
    let (by_user, _first) = world(&[1.0, 1.0], Sticky::User, |_| {}).await;
    let (by_tenant, _second) = world(&[1.0, 1.0], Sticky::Header("x-tenant".into()), |_| {}).await;
    for name in ["a", "b", "c", "d"] {
        let user = body(&format!(r#""user":"{name}","#));
        let tenant = format!("X-Tenant: {name}\r\n");
        let home = served(&by_user, front, "", &user).await;
        let place = served(&by_tenant, front, &tenant, &body("")).await;
        for _ in 0..3 {
            assert_eq!(served(&by_user, front, "", &user).await, home);
            assert_eq!(served(&by_tenant, front, &tenant, &body("")).await, place);
        }
    }
    for world in [&by_user, &by_tenant] {
        let first = served(world, front, "", &body("")).await;
        let second = served(world, front, "", &body("")).await;
        assert_ne!(first, second, "who says nothing is drawn, evenly");
    }
}

#[tokio::test]
async fn eligibility_wins_over_stickiness() {
    let (world, targets) = world(&[1.0, 1.0, 1.0], Sticky::Conversation, |plan| {
        plan.targets[1].tags = vec!["eu".into()];
        plan.require = vec!["eu".into()];
    })
    .await;
    let front = "/v1/chat/completions";
    for name in 0..20 {
        let there = served(&world, front, "", &turn(front, &name.to_string(), 0)).await;
        assert_eq!(there, "p1");
    }
    assert!(targets[0].seen().is_empty() && targets[2].seen().is_empty());
}

#[tokio::test]
async fn a_requests_own_list_is_drawn_as_it_says() {
    let (world, targets) = world(&[1.0, 1.0], Sticky::Conversation, |_| {}).await;
    for target in &targets {
        target.now_do(Act::Answer(answer_of("hello")));
    }
    let list = r#"{"model":"chat","prompt_cache_key":"same","messages":[{"role":"user","content":"hi"}],
        "load_balancer":{"type":"round_robin","models":[{"model":"p0/m"},{"model":"p1/m"}]}}"#;
    let front = "/v1/chat/completions";
    let first = served(&world, front, "", list).await;
    let second = served(&world, front, "", list).await;
    assert_ne!(
        first, second,
        "its weights hold exactly; it brings no promise to stay"
    );
}

#[tokio::test]
async fn it_is_told_which_requests_were_kept_and_which_were_moved() {
    let (world, targets) = world(&[1.0, 1.0], Sticky::Conversation, |_| {}).await;
    let front = "/v1/chat/completions";
    let home = served(&world, front, "", &turn(front, "one", 0)).await;
    let place = usize::from(home == "p1");
    targets[place].now_do(down());
    let away = served(&world, front, "", &turn(front, "one", 1)).await;
    assert_ne!(away, home, "it failed over");
    let list = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}],
        "load_balancer":{"models":[{"model":"p0/m"},{"model":"p1/m"}]}}"#;
    sent(&world, front, "", list).await;
    let told: Vec<_> = world
        .requests()
        .await
        .iter()
        .map(|end| end.sticky)
        .collect();
    assert_eq!(told, [Some(Stuck::Kept), Some(Stuck::Moved), None]);
}
