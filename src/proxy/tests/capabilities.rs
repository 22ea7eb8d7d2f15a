//! Models that are known to lack something are not asked for it.

use serde_json::{Value, json};

use super::faultd::{Act, Faultd, answer_of};
use super::world::{Got, Plan, Spec, World};
use crate::config::{Capabilities, Interface};

/// A target that can do what `can` says, and, unless it is alone, one of which nothing is known.
async fn world(can: Capabilities, alone: bool) -> (World, [Faultd; 2]) {
    let act = || Act::Answer(answer_of("hello"));
    let targets = [Faultd::start(act()).await, Faultd::start(act()).await];
    let mut limited = Spec::new(targets[0].address, 0.5);
    limited.capabilities = can;
    let mut specs = vec![limited, Spec::new(targets[1].address, 0.5)];
    if alone {
        specs.truncate(1);
    }
    (Plan::new(specs).start().await, targets)
}

async fn chats(world: &World, more: &Value) -> Vec<Got> {
    let mut body = json!({"model": "chat", "messages": [{"role": "user", "content": "hi"}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let mut got = Vec::new();
    for _ in 0..4 {
        got.push(world.chat(&body.to_string()).await);
    }
    got
}

fn image() -> Value {
    json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}}]}]})
}

fn tools() -> Value {
    json!({"tools": [{"type": "function", "function": {"name": "f"}}]})
}

fn schema() -> Value {
    json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}})
}

const NO_TOOLS: Capabilities = Capabilities {
    tools: Some(false),
    images: None,
    json_schema: None,
    context: None,
    max_output: None,
};

#[tokio::test]
async fn only_who_can_do_it_is_asked() {
    let can = Capabilities {
        tools: Some(false),
        images: Some(false),
        json_schema: Some(false),
        ..Capabilities::default()
    };
    for more in [tools(), image(), schema()] {
        let (world, [limited, other]) = world(can, false).await;
        let got = chats(&world, &more).await;
        assert!(got.iter().all(|got| got.status == 200), "{more}: {got:?}");
        assert_eq!(limited.seen().len(), 0, "{more}");
        assert_eq!(other.seen().len(), 4, "{more}");
    }
}

#[tokio::test]
async fn what_needs_nothing_special_goes_to_all() {
    let (world, [limited, other]) = world(NO_TOOLS, false).await;
    chats(&world, &image()).await;
    assert_eq!([limited.seen().len(), other.seen().len()], [2, 2]);
}

#[tokio::test]
async fn nobody_who_can_do_it_is_said_with_what_is_lacking() {
    let (world, [limited, _]) = world(NO_TOOLS, true).await;
    let got = chats(&world, &tools()).await;
    assert_eq!(
        (got[0].status, got[0].code().as_str()),
        (503, "no_eligible_target")
    );
    assert!(got[0].body.contains("calls of tools"), "{got:?}");
    assert_eq!(limited.seen().len(), 0);
}

#[tokio::test]
async fn a_prompt_beyond_every_context_is_the_clients_to_shorten() {
    let can = Capabilities {
        context: Some(1_000),
        ..Capabilities::default()
    };
    let long = json!({"messages": [{"role": "user", "content": "some words ".repeat(2_000)}]});
    let (alone, _targets) = world(can, true).await;
    let got = chats(&alone, &long).await;
    let told = (got[0].status, got[0].code());
    assert_eq!(told, (400, "context_length_exceeded".to_owned()));
    let (both, [limited, other]) = world(can, false).await;
    let got = chats(&both, &long).await;
    assert!(got.iter().all(|got| got.status == 200), "{got:?}");
    assert_eq!([limited.seen().len(), other.seen().len()], [0, 4]);
}

#[tokio::test]
async fn a_claude_is_asked_for_as_many_tokens_as_it_has() {
    let target = Faultd::start(Act::Answer(answer_of("x"))).await;
    let mut spec = Spec::speaking(target.address, Interface::Anthropic);
    spec.capabilities.max_output = Some(2_345);
    let world = Plan::new(vec![spec]).start().await;
    chats(&world, &json!({})).await;
    let seen = target.seen();
    assert!(seen[0].contains("\"max_tokens\":2345"), "{seen:?}");
}
