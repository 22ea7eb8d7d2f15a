//! What goes wrong in a world, where and when.
//!
//! Nothing in one of seven worlds, one thing in half of them, two or three in the rest. Each kind of trouble is as
//! likely as any other: how often each happens in life is known badly, and the rare ones are those that a controller
//! is for. Lengths are drawn over octaves, as incidents on status pages are spread (median 70 to 79 minutes, 90th
//! percentile 330 to 380; FAILS, 2020 to 2025), and scaled to the length of a world.

use super::dice::{Dice, short};
use super::prior::{Target, Traffic};

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) target: char,
    pub(super) from: f64,
    pub(super) to: f64,
    /// What a person would call it.
    pub(super) says: String,
    /// Whether a report can follow the target's share through it.
    pub(super) is_followed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Brownout,
    Drift,
    Outage,
    Errors,
    Flapping,
    BlackHole,
    HangingBody,
    Stalls,
    Cuts,
    Garbage,
    Tail,
    Dearer,
    Cheaper,
    Joins,
    Leaves,
}

const KINDS: [Kind; 15] = [
    Kind::Brownout,
    Kind::Drift,
    Kind::Outage,
    Kind::Errors,
    Kind::Flapping,
    Kind::BlackHole,
    Kind::HangingBody,
    Kind::Stalls,
    Kind::Cuts,
    Kind::Garbage,
    Kind::Tail,
    Kind::Dearer,
    Kind::Cheaper,
    Kind::Joins,
    Kind::Leaves,
];

/// Draws what goes wrong and writes it into the targets.
pub(super) fn drawn(dice: &mut Dice, traffic: &Traffic, targets: &mut [Target]) -> Vec<Trouble> {
    let count = match dice.whole(0, 13) {
        0 | 1 => 0,
        2..=8 => 1,
        9..=11 => 2,
        _ => 3,
    };
    let mut well: Vec<usize> = (0..targets.len()).collect();
    let mut troubles = Vec::new();
    for _ in 0..count {
        // One trouble a target: two at once would be a kind of their own.
        let (Some(place), Some(kind)) = (dice.one_of(&well), dice.one_of(&KINDS)) else {
            break;
        };
        // Somebody must be there at all times.
        if well.len() == 1 && matches!(kind, Kind::Joins | Kind::Leaves) {
            continue;
        }
        well.retain(|other| *other != place);
        let span = span(dice, traffic.seconds);
        troubles.push(befall(dice, kind, span, &mut targets[place]));
    }
    troubles
}

/// When it begins and ends.
fn span(dice: &mut Dice, seconds: f64) -> (f64, f64) {
    let from = seconds * dice.between(0.15, 0.6);
    let length = seconds * dice.octaves(0.02, 0.4);
    (from.round(), (from + length).min(0.97 * seconds).round())
}

fn befall(dice: &mut Dice, kind: Kind, (from, to): (f64, f64), target: &mut Target) -> Trouble {
    let name = target.name;
    let at = format!("{name} from {from} s");
    let during = format!("{name} from {from} to {to} s");
    let mut is_followed = true;
    let says = match kind {
        Kind::Brownout | Kind::Drift => slow(dice, kind, (from, to), target),
        Kind::Outage | Kind::Errors | Kind::Flapping => fail(dice, kind, (from, to), target),
        Kind::BlackHole => share(dice, target, "black_hole", (from, to), "silence"),
        Kind::HangingBody => share(dice, target, "hang_body", (from, to), "hanging answers"),
        Kind::Stalls => share(dice, target, "stall", (from, to), "stalling streams"),
        Kind::Cuts => share(dice, target, "cut", (from, to), "cut answers"),
        Kind::Garbage => {
            let how = ["html", "empty", "half_json", "error_first"];
            let how = dice.one_of(&how).unwrap_or("html");
            target.set("misbehave", format!("\"{how}\""));
            share(dice, target, "misbehave_share", (from, to), how)
        }
        Kind::Tail => {
            let (p, factor) = (dice.between(0.02, 0.2), dice.between(4.0, 12.0));
            let p = steps(0.0, p, (from, to));
            let tail = format!("{{ p = {p}, factor = {} }}", short(factor));
            target.set("tail", tail);
            format!("slow answers at {during}")
        }
        Kind::Dearer | Kind::Cheaper => {
            is_followed = false;
            let times = dice.octaves(1.5, 5.0);
            let times = if kind == Kind::Dearer {
                times
            } else {
                1.0 / times
            };
            for (key, price) in [
                ("price_in", target.price_in),
                ("price_out", target.price_out),
            ] {
                let value = format!(
                    "[[0, {}], [{from}, {}]]",
                    short(price),
                    short(price * times)
                );
                target.set(key, value);
            }
            format!("{} times the price at {at}", short(times))
        }
        Kind::Joins | Kind::Leaves => {
            is_followed = false;
            let before = u8::from(kind == Kind::Leaves);
            let value = format!("[[0, {before}], [{from}, {}]]", 1 - before);
            target.set("present", value);
            let word = if kind == Kind::Joins {
                "joins"
            } else {
                "leaves"
            };
            format!("{name} {word} at {from} s")
        }
    };
    Trouble {
        target: name,
        from,
        to,
        says,
        is_followed,
    }
}

/// `usual`, and `sick` between the two moments.
fn steps(usual: f64, sick: f64, (from, to): (f64, f64)) -> String {
    let (usual, sick) = (short(usual), short(sick));
    format!("[[0, {usual}], [{from}, {sick}], [{to}, {usual}]]")
}

/// A share of requests that something happens to: all of them in three of ten cases.
fn share(
    dice: &mut Dice,
    target: &mut Target,
    key: &'static str,
    span: (f64, f64),
    what: &str,
) -> String {
    let part = if dice.chance(0.3) {
        1.0
    } else {
        dice.between(0.05, 0.9)
    };
    target.set(key, steps(0.0, part, span));
    format!(
        "{what} ({}) at {} from {} to {} s",
        short(part),
        target.name,
        span.0,
        span.1
    )
}

/// Slow at once, or ever slower until the end.
fn slow(dice: &mut Dice, kind: Kind, (from, to): (f64, f64), target: &mut Target) -> String {
    let times = dice.octaves(1.3, 8.0);
    for (key, usual) in [("ttft_ms", target.ttft_ms), ("tpot_ms", target.tpot_ms)] {
        let sick = usual * times;
        let value = if kind == Kind::Brownout {
            steps(usual, sick, (from, to))
        } else {
            let (usual, sick) = (short(usual), short(sick));
            format!("{{ ramp = [[{from}, {usual}], [{to}, {sick}]] }}")
        };
        target.set(key, value);
    }
    let word = if kind == Kind::Brownout {
        "slow"
    } else {
        "slower and slower"
    };
    format!(
        "{word} ({}x) at {} from {from} to {to} s",
        short(times),
        target.name
    )
}

/// Errors: all, some, or all and none in turn.
fn fail(dice: &mut Dice, kind: Kind, (from, to): (f64, f64), target: &mut Target) -> String {
    let usual = target.error_rate;
    // Some errors come at once, others after the provider's own time-out.
    let (least, most) = if dice.chance(0.8) {
        (50.0, 150.0)
    } else {
        (1000.0, 10_000.0)
    };
    target.set("error_ms", format!("[{least}, {most}]"));
    let rate = if kind == Kind::Errors {
        dice.between(0.05, 0.7)
    } else {
        1.0
    };
    let value = if kind == Kind::Flapping {
        let each = ((to - from) / 12.0).max(dice.between(3.0, 30.0));
        let mut points = vec![format!("[0, {}]", short(usual))];
        let mut at = from;
        while at + each < to {
            points.push(format!("[{}, 1]", short(at)));
            points.push(format!("[{}, {}]", short(at + each / 2.0), short(usual)));
            at += each;
        }
        format!("[{}]", points.join(", "))
    } else {
        steps(usual, rate, (from, to))
    };
    target.set("error_rate", value);
    let word = match kind {
        Kind::Flapping => "on and off".to_owned(),
        _ => format!("errors ({})", short(rate)),
    };
    format!("{word} at {} from {from} to {to} s", target.name)
}
