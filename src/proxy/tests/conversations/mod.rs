//! Five hundred conversations with thoughts and tools, each moved at every boundary of its turns: nobody is ever given what
//! another one signed, and no client hears of it but in a header.

mod client;
mod converse;
mod target;

use client::{Client, Speaks};
use target::{Down, provider};

use super::faultd::Faultd;
use super::moves::post_to;
use super::world::{Got, Plan, Spec, World};
use crate::config::Interface;
use crate::model::{Class, Outcome};

/// The generator `SplitMix64`.
struct Luck(u64);

impl Luck {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// How the provider of the last turn is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// It is not: the conversation stays.
    None,
    /// It answers 503 from now on.
    Fails,
    /// The proxy was started anew, with its share at 0.
    Drained,
}

/// Conversations that are moved at every boundary.
const FORCED: u64 = 500;
/// Conversations that stay now and then.
const QUIET: u64 = 100;

const NAMES: [&str; 6] = ["p0", "p1", "p2", "p3", "p4", "p5"];

/// Two of Anthropic's, two of OpenAI's, a Gemini that wants its signatures back, and a Claude of Bedrock's.
fn spec(index: usize, target: &Faultd) -> Spec {
    match index {
        0 | 2 => Spec::speaking(target.address, Interface::Anthropic),
        4 => Spec {
            model: "gemini-3-pro",
            ..Spec::speaking(target.address, Interface::Gemini)
        },
        5 => Spec::speaking(target.address, Interface::Bedrock),
        _ => Spec::new(target.address, 1.0),
    }
}

async fn started(targets: &[Faultd], without: Option<&str>, luck: &mut Luck) -> World {
    let specs = targets.iter().enumerate().map(|(index, target)| {
        let mut spec = spec(index, target);
        if without == Some(NAMES[index]) {
            spec.weight = 0.0;
        }
        spec
    });
    let mut plan = Plan::new(specs.collect());
    plan.phase = u32::try_from(luck.below(1 << 32)).unwrap();
    plan.start().await
}

/// What the attempts of a world were worth: no target ever blamed the client or us.
async fn assert_no_refusal(world: &World, case: &str) {
    for (name, outcome) in world.attempts().await {
        let refused = outcome.class() == Class::ClientFault || outcome == Outcome::MoveRefused;
        assert!(!refused, "{case}: {name} ended as {outcome:?}");
    }
}

/// What becomes of the last target before a turn; `quiet` conversations have boundaries at which nothing does.
fn loss_at(turn: u64, quiet: bool, luck: &mut Luck) -> Loss {
    match luck.below(if quiet { 3 } else { 2 }) {
        _ if turn == 0 => Loss::None,
        0 => Loss::Fails,
        1 => Loss::Drained,
        _ => Loss::None,
    }
}

/// Who served a turn: the last target if it could, else another one that says whose thoughts it left out.
fn server_of(got: &Got, turn: u64, loss: Loss, last: &str, case: &str) -> String {
    let served = got.header("x-weighbridge-provider").to_owned();
    let stripped = got.header("x-weighbridge-stripped");
    if loss == Loss::None {
        assert!(turn == 0 || served == last, "{case}: it went to {served}");
        assert!(!stripped.contains(&served), "{case}: {got:?}");
    } else {
        assert_ne!(served, last, "{case}");
        assert_eq!(stripped, last, "{case}: {got:?}");
    }
    served
}

async fn converse(targets: &[Faultd], down: &Down, seed: u64) -> usize {
    let mut luck = Luck(seed);
    let speaks =
        [Speaks::Messages, Speaks::Chat, Speaks::Responses][usize::try_from(seed % 3).unwrap()];
    let mut client = Client::new(speaks, luck.below(2) == 0);
    let turns = 2 + luck.below(5);
    // Those after the five hundred have quiet boundaries too.
    let quiet = seed >= FORCED;
    // Each world begins its draws elsewhere, or all conversations would go the same ways.
    let mut phases = Luck(!seed);
    let mut world = started(targets, None, &mut phases).await;
    let (mut last, mut moves) = (String::new(), 0);
    for turn in 0..turns {
        let loss = loss_at(turn, quiet, &mut luck);
        let case = format!(
            "seed {seed}, {client_kind:?}, turn {turn}, {loss:?} of {last:?}",
            client_kind = client.speaks
        );
        down.lock().unwrap().clear();
        match loss {
            Loss::None => {}
            Loss::Fails => {
                down.lock().unwrap().insert(last.clone());
            }
            Loss::Drained => {
                assert_no_refusal(&world, &case).await;
                world = started(targets, Some(&last), &mut phases).await;
            }
        }
        let asks = if luck.below(2) == 0 {
            "look it up"
        } else {
            "and then?"
        };
        let body = client.say(asks);
        let got = world.send(&post_to(client.path(), &body)).await;
        assert_eq!(got.status, 200, "{case}: {got:?}\n{body}");
        assert!(
            got.whole && !got.body.contains("\"error\":{"),
            "{case}: {got:?}"
        );
        let served = server_of(&got, turn, loss, &last, &case);
        moves += usize::from(loss != Loss::None);
        client.hear(&got);
        let state = client.state();
        let signed = format!("sig_{served}_");
        assert!(
            state.contains(&signed),
            "{case}: it thought nothing\n{state}"
        );
        last = served;
        if loss == Loss::Drained {
            assert_no_refusal(&world, &case).await;
            world = started(targets, None, &mut phases).await;
        }
    }
    assert_no_refusal(&world, &format!("seed {seed}")).await;
    moves
}

#[tokio::test]
async fn five_hundred_conversations_survive_a_move_at_every_boundary() {
    let down = Down::default();
    let mut targets = Vec::new();
    for name in NAMES {
        targets.push(Faultd::start(provider(name, &down)).await);
    }
    let mut moves = 0;
    for seed in 0..FORCED {
        moves += converse(&targets, &down, seed).await;
    }
    assert!(moves > 1_400, "{moves} moves");
    for seed in FORCED..FORCED + QUIET {
        moves += converse(&targets, &down, seed).await;
    }
    println!("{moves} moves");
    for (name, target) in NAMES.iter().zip(&targets) {
        let seen = target.seen().len();
        assert!(seen > 100, "{name} has its part, not {seen} requests");
    }
}
