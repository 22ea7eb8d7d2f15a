use super::*;
use crate::store::ProposedShare;

/// An hour's first minute.
const FIRST: u64 = 30_000_000;

fn tally(requests: f64, cost: f64, failed: f64) -> Tally {
    Tally {
        requests,
        failed,
        cost: cost * requests,
        seconds: 0.2 * requests,
        streams: requests,
    }
}

/// Six hours of a route whose dear target costs ten times the cheap one, each with these requests a minute.
fn hours(dear: f64, cheap: f64) -> BTreeMap<u64, Tallies> {
    let minute = |i: u64| {
        // A little luck, without which nothing has a width.
        let luck = 1.0 + 0.02 * ((i * 7 % 11) as f64 - 5.0);
        let mut tallies = Tallies::new();
        if dear > 0.0 {
            tallies.insert("dear".to_owned(), tally(dear, 0.01 * luck, 0.0));
        }
        if cheap > 0.0 {
            tallies.insert("cheap".to_owned(), tally(cheap, 0.001 * luck, 0.0));
        }
        (FIRST + i, tallies)
    };
    (0..360).map(minute).collect()
}

fn proposal(minute: u64, obeyed: bool, dear: f64) -> Proposal {
    let share = |target: &str, configured: f64, share: f64| ProposedShare {
        target: target.to_owned(),
        configured,
        share,
    };
    Proposal {
        at: Time::from_micros(minute * MINUTE),
        route: "chat".to_owned(),
        obeyed,
        shares: vec![share("dear", 0.5, dear), share("cheap", 0.5, 1.0 - dear)],
    }
}

fn hourly(obeyed: bool, dear: f64) -> Vec<Proposal> {
    let hours = (0..6).map(|hour| proposal(FIRST + 60 * hour, obeyed, dear));
    hours.collect()
}

#[test]
fn what_obeying_would_have_saved_is_found_with_an_interval() {
    let found = of_route("chat", hours(5.0, 5.0), &hourly(false, 0.2));
    let [found] = found.as_slice() else {
        panic!("one stretch: {found:?}");
    };
    assert_eq!(found.instead, Instead::Proposed);
    assert!(found.refused.is_empty(), "{:?}", found.refused);
    let cost = found.cost.unwrap();
    assert!((cost.then - 0.005_5).abs() < 1e-4, "{cost:?}");
    assert!((cost.other.value - 0.002_8).abs() < 1e-4, "{cost:?}");
    assert!(
        cost.change.high < 0.0,
        "a tenth of the price is no luck: {cost:?}"
    );
    let first = found.first_token.unwrap();
    assert!(
        first.change.low < 0.0 && first.change.high > 0.0,
        "equally quick: {first:?}"
    );
}

#[test]
fn where_a_route_was_obeyed_the_question_is_about_its_configured_weights() {
    let found = of_route("chat", hours(2.0, 8.0), &hourly(true, 0.2));
    assert_eq!(found[0].instead, Instead::Configured);
    let cost = found[0].cost.unwrap();
    assert!(
        cost.change.low > 0.0,
        "halves would have been dearer: {cost:?}"
    );
}

#[test]
fn a_route_that_was_switched_in_between_has_both_answers() {
    let mut shares = hourly(false, 0.2);
    for later in &mut shares[3..] {
        later.obeyed = true;
    }
    let found = of_route("chat", hours(5.0, 5.0), &shares);
    let asked: Vec<Instead> = found.iter().map(|it| it.instead).collect();
    assert_eq!(asked, [Instead::Proposed, Instead::Configured]);
    assert_eq!(found[0].requests, found[1].requests, "three hours each");
}

#[test]
fn what_is_left_out_is_told_once() {
    let mut shares = hourly(false, 0.2);
    shares.remove(0);
    for later in &mut shares[2..] {
        later.obeyed = true;
    }
    let found = of_route("chat", hours(5.0, 5.0), &shares);
    let all: u64 = found.iter().map(|it| it.requests + it.left_out).sum();
    assert_eq!((found.len(), all), (2, 3_600), "each request once");
}

#[test]
fn nothing_is_said_of_a_target_that_nobody_asked() {
    let found = of_route("chat", hours(10.0, 0.0), &hourly(false, 0.2));
    assert!(found[0].cost.is_none(), "{found:?}");
    assert!(
        found[0].refused[0].contains("80.0 % of the traffic"),
        "{:?}",
        found[0].refused
    );
}

#[test]
fn little_traffic_is_not_enough_evidence() {
    let hour: BTreeMap<u64, Tallies> = hours(5.0, 5.0).into_iter().take(60).collect();
    let found = of_route("chat", hour, &hourly(false, 0.2));
    assert!(
        found[0].refused[0].contains("not enough evidence"),
        "{:?}",
        found[0].refused
    );
    // A target that had one request an hour says little, however many the other had.
    let mut sparse = hours(5.0, 0.0);
    for (i, tallies) in sparse.values_mut().enumerate() {
        if i % 9 == 0 {
            tallies.insert("cheap".to_owned(), tally(1.0, 0.001, 0.0));
        }
    }
    let found = of_route("chat", sparse, &hourly(false, 0.2));
    assert!(found[0].effective < 100.0, "{found:?}");
    assert!(found[0].cost.is_none(), "{found:?}");
}

#[test]
fn that_no_failure_was_seen_is_not_that_there_is_none() {
    let found = of_route("chat", hours(5.0, 5.0), &hourly(false, 0.2));
    let failed = found[0].failed.unwrap();
    assert!(failed.other.value < 1e-12, "{failed:?}");
    // Three in 1,800 requests at the cheap one, which would have four fifths.
    assert!(
        (failed.other.high - 0.8 * 3.0 / 1_800.0).abs() < 1e-9,
        "{failed:?}"
    );
    assert!(
        failed.change.low < 0.0 && failed.change.high > 0.0,
        "{failed:?}"
    );
}

#[test]
fn minutes_whose_other_shares_nobody_knows_are_left_out() {
    let found = of_route("chat", hours(5.0, 5.0), &[proposal(FIRST, false, 0.2)]);
    // Two hours and no more: the daemon kept nothing since.
    assert_eq!(found[0].requests + found[0].left_out, 3_600);
    assert_eq!(found[0].requests, 1_200, "{found:?}");
    assert!(
        of_route(
            "chat",
            hours(5.0, 5.0),
            &[proposal(FIRST + 720, false, 0.2)]
        )
        .is_empty()
    );
}

#[test]
fn while_the_controller_is_off_there_is_nothing_to_compare_with() {
    let mut shares = hourly(false, 0.2);
    shares[3].shares.clear();
    let found = of_route("chat", hours(5.0, 5.0), &shares);
    assert_eq!(
        (found[0].requests, found[0].left_out),
        (3_000, 600),
        "an hour"
    );
}

#[test]
fn shares_that_were_the_configured_ones_are_the_same_and_not_estimated() {
    for (obeyed, instead) in [(true, Instead::Configured), (false, Instead::Proposed)] {
        let found = of_route("chat", hours(5.0, 5.0), &hourly(obeyed, 0.503));
        assert_eq!((found[0].instead, found[0].same), (instead, true));
        assert!(found[0].refused.is_empty() && found[0].cost.is_none());
        let found = of_route("chat", hours(5.0, 5.0), &hourly(obeyed, 0.6));
        assert!(!found[0].same, "a tenth is a difference");
    }
}
