//! Claims about orders: what each makes of a configuration, and what is refused.

use std::collections::BTreeMap;

use super::good;
use crate::balance::{Hold, Share, Strategy, WeightTable};
use crate::config::{
    Act, Config, Fault, LONGEST_LIFE, Mode, Order, Refused, Route, StandingOrder, USUAL_LIFE, Wish,
    overlay,
};
use crate::model::{RouteName, TargetName};

const NOW: u64 = 1_795_896_885;

const FILES: &str = r#"
[providers.one]
kind = "simulated"
[providers.two]
kind = "simulated"
[routes.chat]
fallbacks = ["two/spare", "one/spare"]
[routes.chat.targets]
a = { use = "one/m", weight = 50 }
b = { use = "two/m", weight = 30 }
c = { use = "two/n", weight = 20, min_share = 0.1 }
[routes.chat-small.targets]
a = { use = "one/m" }
[routes.held]
strategy = "fixed"
targets.x = { use = "one/m", weight = 3 }
targets.y = { use = "two/m", weight = 1 }
"#;

fn files() -> Config {
    good(FILES).config
}

fn wish(action: &str) -> Wish {
    Wish {
        action: action.to_owned(),
        reason: "a test".to_owned(),
        by: Some("ada".to_owned()),
        ..Wish::default()
    }
}

fn pin(route: &str, target: &str, share: f64) -> Wish {
    Wish {
        route: Some(route.to_owned()),
        target: Some(target.to_owned()),
        share: Some(share),
        ..wish("pin")
    }
}

fn drain(target: &str) -> Wish {
    Wish {
        target: Some(target.to_owned()),
        ..wish("drain")
    }
}

fn asked(wish: &Wish) -> Result<Order, Refused> {
    let shares = |route: &Route| -> BTreeMap<TargetName, Share> {
        let names = route.targets.iter().map(|it| it.name.clone());
        let shares = [250_000, 700_000, 50_000].map(Share::from_ppm);
        names.zip(shares).collect()
    };
    wish.order("7".to_owned(), &files(), NOW, shares)
}

fn steered(wishes: &[Wish]) -> (Config, Vec<StandingOrder>) {
    let orders: Vec<Order> = wishes.iter().map(|it| asked(it).unwrap()).collect();
    overlay(&files(), &orders)
}

fn route<'a>(config: &'a Config, name: &str) -> &'a Route {
    &config.routes[&RouteName::new(name).unwrap()]
}

fn shares(route: &Route) -> Vec<f64> {
    let weights: Vec<_> = route
        .targets
        .iter()
        .map(|it| (it.weight, it.tier))
        .collect();
    let table = WeightTable::from_tiers(&weights).unwrap();
    table
        .shares()
        .iter()
        .map(|share| share.fraction())
        .collect()
}

#[test]
fn a_pin_is_bounds_that_meet_and_where_nothing_decides_a_weight_too() {
    let (config, standing) = steered(&[pin("chat", "b", 0.6), pin("held", "y", 0.75)]);
    assert!(standing.iter().all(|it| it.idle.is_none()), "{standing:?}");
    let chat = route(&config, "chat");
    let b = &chat.targets[1];
    assert_eq!((b.min_share.ppm(), b.max_share.ppm()), (600_000, 600_000));
    assert_eq!(
        shares(chat),
        [0.5, 0.3, 0.2],
        "what the files say is still known"
    );
    let overruled = b.overruled.as_ref().unwrap();
    assert_eq!(
        (overruled.hold, overruled.by.as_str()),
        (Hold::Pinned, "ada")
    );
    assert_eq!(shares(route(&config, "held")), [0.25, 0.75]);
}

#[test]
fn pins_that_cannot_be_together_are_told() {
    for (wishes, part) in [
        (vec![pin("chat", "a", 0.95)], "makes 105.0 %"),
        (
            vec![pin("chat", "a", 0.5), pin("chat", "b", 0.45)],
            "makes 105.0 %",
        ),
        (
            vec![pin("chat-small", "a", 0.5)],
            "may take the rest only up to 50.0 %",
        ),
        (
            vec![drain("two/m"), pin("chat", "b", 0.5)],
            "b of chat is drained",
        ),
        (
            vec![
                Wish {
                    route: Some("chat".to_owned()),
                    ..wish("freeze")
                },
                pin("chat", "b", 0.5),
            ],
            "are frozen",
        ),
    ] {
        let (_, standing) = steered(&wishes);
        let why = standing.last().unwrap().idle.clone().unwrap();
        assert!(why.contains(part), "{why}");
    }
}

#[test]
fn a_drain_means_a_target_an_upstream_or_a_provider_wherever_it_is() {
    let weights = |config: &Config, name: &str| -> Vec<bool> {
        let targets = route(config, name).targets.iter();
        targets.map(|it| it.weight.value() > 0.0).collect()
    };
    let (config, _) = steered(&[drain("two/m")]);
    assert_eq!(weights(&config, "chat"), [true, false, true]);
    assert_eq!(weights(&config, "held"), [true, false]);
    assert_eq!(route(&config, "chat").fallbacks.len(), 2, "another model");
    let (config, standing) = steered(&[drain("two")]);
    assert_eq!(weights(&config, "chat"), [true, false, false]);
    assert_eq!(
        route(&config, "chat").fallbacks.len(),
        1,
        "nor is it asked as a fallback"
    );
    let names: Vec<&str> = standing[0].routes.iter().map(RouteName::as_str).collect();
    assert_eq!(names, ["chat", "held"]);
    assert_eq!(standing[0].sentence, "drain all of two");
    let only = Wish {
        route: Some("held".to_owned()),
        ..drain("x")
    };
    let (config, _) = steered(&[only]);
    assert_eq!(weights(&config, "held"), [false, true]);
    assert_eq!(weights(&config, "chat"), [true, true, true]);
}

#[test]
fn the_last_target_of_a_route_is_drained_by_force_alone() {
    let (config, standing) = steered(&[drain("one/m")]);
    let why = standing[0].idle.as_ref().unwrap();
    assert!(why.contains("nobody to serve chat-small; --force"), "{why}");
    assert!(!route(&config, "chat-small").closed);
    let forced = Wish {
        force: true,
        ..drain("one/m")
    };
    let (config, standing) = steered(&[forced]);
    assert_eq!(standing[0].idle, None);
    let small = route(&config, "chat-small");
    assert!(small.closed, "nobody is asked");
    assert_eq!(shares(small), [1.0], "and a table is there all the same");
}

#[test]
fn frozen_shares_stay_and_what_is_drained_leaves_its_part_to_the_others() {
    let freeze = Wish {
        route: Some("chat".to_owned()),
        ..wish("freeze")
    };
    let bounds = |config: &Config| -> Vec<u32> {
        let targets = route(config, "chat").targets.iter();
        targets
            .map(|it| {
                assert_eq!(it.min_share, it.max_share, "{}", it.name);
                it.min_share.ppm()
            })
            .collect()
    };
    let (config, _) = steered(std::slice::from_ref(&freeze));
    assert_eq!(bounds(&config), [250_000, 700_000, 50_000]);
    let (config, standing) = steered(&[freeze, drain("b")]);
    let targets = &route(&config, "chat").targets;
    let least: Vec<u32> = targets.iter().map(|it| it.min_share.ppm()).collect();
    assert_eq!(least, [833_334, 0, 166_666]);
    assert!(standing.iter().all(|it| it.idle.is_none()), "{standing:?}");
}

#[test]
fn strategy_and_mode_are_those_of_the_order() {
    let strategy = Wish {
        route: Some("chat".to_owned()),
        strategy: Some(Strategy::Fixed),
        ..wish("strategy")
    };
    let all = Wish {
        mode: Some(Mode::Off),
        ..wish("mode")
    };
    let one = Wish {
        route: Some("held".to_owned()),
        mode: Some(Mode::Shadow),
        ..wish("mode")
    };
    let (config, _) = steered(&[one, strategy, all]);
    assert_eq!(config.mode, Mode::Off);
    assert_eq!(route(&config, "chat").strategy, Strategy::Fixed);
    assert_eq!(route(&config, "chat").mode, Mode::Off);
    assert_eq!(
        route(&config, "held").mode,
        Mode::Shadow,
        "its own goes first"
    );
}

#[test]
fn an_order_about_what_is_gone_is_idle_and_hurts_nobody() {
    let order = asked(&pin("chat", "c", 0.5)).unwrap();
    let without = FILES.replace(
        "c = { use = \"two/n\", weight = 20, min_share = 0.1 }\n",
        "",
    );
    let (config, standing) = overlay(&good(&without).config, std::slice::from_ref(&order));
    assert!(standing[0].routes.is_empty());
    assert_eq!(
        standing[0].idle.as_deref(),
        Some("chat has no target c now")
    );
    assert_eq!(shares(route(&config, "chat")), [0.625, 0.375]);
    let other = FILES.replace("[routes.chat]", "[routes.talk]");
    let other = other.replace("[routes.chat.targets]", "[routes.talk.targets]");
    let (_, standing) = overlay(&good(&other).config, &[order]);
    assert!(standing[0].idle.is_some(), "the whole route may be gone");
}

#[test]
fn what_makes_no_sense_is_refused_with_what_was_expected() {
    let long = Wish {
        seconds: Some(LONGEST_LIFE + 3_600),
        ..drain("b")
    };
    for (wish, kind, part) in [
        (wish("pn"), Fault::Wrong, "found \"pn\""),
        (wish("pin"), Fault::Wrong, "a route's name, found none"),
        (pin("chat", "b", 1.2), Fault::Wrong, "found 1.2"),
        (pin("chat", "b", f64::NAN), Fault::Wrong, "found NaN"),
        (pin("caht", "b", 0.2), Fault::Unknown, "did you mean chat?"),
        (pin("chat", "d", 0.2), Fault::Unknown, "target of chat"),
        (drain("two/mm"), Fault::Unknown, "did you mean two/m?"),
        (
            Wish {
                reason: "  ".to_owned(),
                ..drain("b")
            },
            Fault::Wrong,
            "reason: expected a line",
        ),
        (
            Wish {
                reason: "two\nlines".to_owned(),
                ..drain("b")
            },
            Fault::Wrong,
            "control characters",
        ),
        (long, Fault::Wrong, "thirty days"),
        (
            Wish {
                until: Some(NOW),
                ..drain("b")
            },
            Fault::Wrong,
            "a moment to come",
        ),
        (
            Wish {
                share: Some(0.5),
                ..drain("b")
            },
            Fault::Wrong,
            "share: drain takes none",
        ),
    ] {
        let refused = asked(&wish).unwrap_err();
        assert_eq!(refused.kind, kind, "{refused}");
        assert!(refused.message.contains(part), "{refused}");
    }
}

#[test]
fn an_order_ends_after_four_hours_where_nobody_says_it() {
    let order = asked(&drain("b")).unwrap();
    assert_eq!((order.since, order.until), (NOW, NOW + USUAL_LIFE));
    assert_eq!(order.ends(), "2026-11-29 00:14 UTC");
}

#[test]
fn an_order_is_read_as_it_was_written() {
    let freeze = Wish {
        route: Some("chat".to_owned()),
        ..wish("freeze")
    };
    for wish in [pin("chat", "a", 0.25), drain("two"), freeze] {
        let order = asked(&wish).unwrap();
        let text = serde_json::to_string(&order).unwrap();
        let again: Order = serde_json::from_str(&text).unwrap();
        assert_eq!(again, order, "{text}");
    }
    let text = serde_json::to_string(&asked(&pin("chat", "a", 0.25)).unwrap()).unwrap();
    let expected = r#"{"id":"7","action":"pin","route":"chat","target":"a","share":0.25,"reason":"a test","by":"ada","since":1795896885,"until":1795911285}"#;
    assert_eq!(text, expected);
}

#[test]
fn a_later_order_about_the_same_takes_the_place_of_an_earlier_one() {
    let order = |wish: &Wish| asked(wish).unwrap();
    let first = order(&pin("chat", "a", 0.25));
    assert!(order(&pin("chat", "a", 0.5)).is_about(&first));
    assert!(!order(&pin("chat", "b", 0.25)).is_about(&first));
    assert!(!order(&drain("a")).is_about(&first));
    assert!(matches!(first.act, Act::Pin { .. }));
}

#[test]
fn an_order_that_another_keeps_from_holding_is_still_about_the_route_and_says_why() {
    let freeze = Wish {
        route: Some("chat".to_owned()),
        ..wish("freeze")
    };
    let (config, standing) = steered(&[pin("chat", "b", 0.6), freeze]);
    let chat = route(&config, "chat");
    assert!(standing.iter().all(|it| it.is_about(chat)), "{standing:?}");
    assert!(
        standing[0].told_at(&chat.name).ends_with(
            "a test; does nothing here: the shares of chat are frozen; end that order first"
        ),
        "{}",
        standing[0].told_at(&chat.name)
    );
    assert!(standing[1].told_at(&chat.name).ends_with(": a test"));
    let held = route(&config, "held");
    assert!(!standing.iter().any(|it| it.is_about(held)), "not its own");
}

#[test]
fn a_mode_of_all_says_where_a_route_has_its_own() {
    let all = Wish {
        mode: Some(Mode::Off),
        ..wish("mode")
    };
    let own = Wish {
        route: Some("chat".to_owned()),
        mode: Some(Mode::Shadow),
        ..wish("mode")
    };
    let (config, standing) = steered(&[own, all]);
    let (chat, held) = (route(&config, "chat"), route(&config, "held"));
    assert_eq!((chat.mode, held.mode), (Mode::Shadow, Mode::Off));
    let of_all = &standing[1];
    assert!(of_all.is_about(chat) && of_all.is_about(held));
    assert!(
        of_all
            .told_at(&chat.name)
            .ends_with("does nothing here: order 7, about chat alone, goes before it")
    );
    assert!(of_all.told_at(&held.name).ends_with(": a test"));
    assert!(of_all.told().contains("does nothing at some routes: "));
}

#[test]
fn what_the_files_ask_for_is_known_where_an_order_makes_it_another() {
    let filed = |route: &Route| -> Vec<Option<f64>> {
        let targets = route.targets.iter();
        targets.map(|it| it.as_filed.map(Share::fraction)).collect()
    };
    let (config, _) = steered(&[drain("two/n"), pin("held", "y", 0.75)]);
    let chat = route(&config, "chat");
    assert_eq!(filed(chat), [Some(0.5), Some(0.3), Some(0.2)]);
    assert_eq!(filed(route(&config, "held")), [Some(0.75), Some(0.25)]);
    assert_eq!(filed(route(&config, "chat-small")), [None]);
    let (config, _) = steered(&[pin("chat", "b", 0.6)]);
    assert_eq!(
        filed(route(&config, "chat")),
        [None; 3],
        "bounds, no weights"
    );
}
