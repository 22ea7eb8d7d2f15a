//! Claims about what is told.

use std::slice::from_ref;

use super::*;

fn at(second: u64) -> Time {
    Time::from_micros(second * 1_000_000)
}

fn reached(percent: u32, since: u64) -> Alert {
    let since = at(since);
    Alert {
        id: format!("budget:provider/one/day/0/{percent}@{}", since.as_micros()),
        kind: AlertKind::Budget,
        subject: "provider one, day".to_owned(),
        message: format!("{percent} % are spent"),
        since,
        resolved: None,
    }
}

fn over(alert: &Alert) -> Alert {
    Alert {
        resolved: Some(at(90)),
        ..alert.clone()
    }
}

fn told(news: &[Alert], open: &[Alert]) -> Vec<(String, bool)> {
    let message = |it: Alert| (it.message, it.resolved.is_some());
    let all = messages(news, open).into_iter();
    all.flat_map(|it| it.messages).map(message).collect()
}

fn said(message: &str, is_over: bool) -> (String, bool) {
    (message.to_owned(), is_over)
}

#[test]
fn thresholds_reached_together_are_one_message_and_are_over_as_one() {
    let all = [50, 80, 100].map(|percent| reached(percent, 10));
    let together = "100 % are spent (reached with it: 50 % and 80 %)";
    assert_eq!(told(&all, &all), [said(together, false)]);
    let gone = all.each_ref().map(over);
    let over_together = "100 % are spent (the same holds of 50 % and 80 %)";
    assert_eq!(told(&gone, &[]), [said(over_together, true)]);
}

#[test]
fn thresholds_reached_one_after_the_other_are_told_and_over_by_themselves() {
    let (half, whole) = (reached(50, 10), reached(100, 20));
    let half_alone = [said("50 % are spent", false)];
    assert_eq!(told(from_ref(&half), from_ref(&half)), half_alone);
    let open = [half.clone(), whole.clone()];
    assert_eq!(
        told(from_ref(&whole), &open),
        [said("100 % are spent", false)]
    );
    let gone = [over(&half), over(&whole)];
    let both = [said("50 % are spent", true), said("100 % are spent", true)];
    assert_eq!(told(&gone, &[]), both);
}

#[test]
fn a_raised_limit_leaves_what_still_holds_told() {
    let [half, more, whole] = [50, 80, 100].map(|percent| reached(percent, 10));
    let open = [half.clone(), more.clone()];
    assert_eq!(
        told(&[over(&whole)], &open),
        [
            said("100 % are spent", true),
            said("80 % are spent (reached with it: 50 %)", false),
        ]
    );
    // From here on the one of 80 % stands for both.
    assert_eq!(told(&[over(&half)], from_ref(&more)), []);
    assert_eq!(told(&[over(&more)], &[]), [said("80 % are spent", true)]);
}

#[test]
fn whatever_is_no_budget_is_told_as_it_is() {
    let other = Alert {
        id: "ejected:a/m@1".to_owned(),
        kind: AlertKind::Ejected,
        ..reached(50, 10)
    };
    let told = messages(from_ref(&other), from_ref(&other));
    assert_eq!(told[0].messages, [other]);
    assert_eq!(told[0].claim(), None, "each sees its own");
}

#[test]
fn replicas_that_reach_a_threshold_at_other_moments_ask_for_the_same_right() {
    let claims = [10, 11].map(|moment| {
        let all = [50, 80].map(|percent| reached(percent, moment));
        messages(&all, &all)[0].claim().unwrap()
    });
    assert_eq!(claims[0], claims[1]);
    let [claim, _] = claims;
    assert_eq!(claim.about, "budget:provider/one/day/0/80");
    assert_eq!(claim.with, ["budget:provider/one/day/0/50"]);
    assert_eq!(
        (claim.is_over, claim.life),
        (false, Duration::from_secs(172_800))
    );
    let gone = over(&reached(80, 10));
    let over = messages(from_ref(&gone), &[])[0].claim().unwrap();
    assert!(over.is_over && over.about == claim.about);
}

#[test]
fn what_is_told_in_place_of_what_is_over_is_told_by_the_same() {
    let [more, whole] = [80, 100].map(|percent| reached(percent, 10));
    let told = messages(&[over(&whole)], from_ref(&more));
    assert_eq!((told.len(), told[0].messages.len()), (1, 2));
    let claim = told[0].claim().unwrap();
    assert!(claim.is_over && claim.with.is_empty(), "{claim:?}");
}
