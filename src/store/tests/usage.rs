//! What was used, split by what is asked for, and what it would have cost otherwise.

use super::*;

#[test]
fn usage_is_split_by_what_is_asked_for() {
    let folder = folder();
    let (books, _) = open(folder.path());
    let rows = vec![
        (key(MINUTE, "chat", "red"), sums(1)),
        (key(MINUTE + 60, "chat", "blue"), sums(5)),
        (key(MINUTE + 1_440, "code", "red"), sums(2)),
    ];
    books.write(Write::Usage(rows));
    assert!(books.flush(PATIENCE));
    let rows = |query: &Query| -> Vec<String> {
        let usage = books.usage(query).unwrap();
        let row = |row: &UsageRow| format!("{} {}", row.of.join(" "), row.sums.requests);
        usage.rows.iter().map(row).collect()
    };
    let by_team = everything(&[Dimension::Team]);
    assert_eq!(rows(&by_team), ["blue 5", "red 3"], "the dearest first");
    let by_day = everything(&[Dimension::Day, Dimension::Route]);
    let days = ["2027-01-15 chat 6", "2027-01-16 code 2"];
    assert_eq!(rows(&by_day), days);
    let by_month = everything(&[Dimension::Month, Dimension::Provider, Dimension::Model]);
    assert_eq!(rows(&by_month), ["2027-01 openai gpt/mini 8"]);
    let one_day = Query {
        until: at(MINUTE + 1_000),
        only: vec![(Dimension::Team, "red".to_owned())],
        ..everything(&[Dimension::Hour])
    };
    assert_eq!(rows(&one_day), ["2027-01-15T08:00Z 1"]);
    let first = Query {
        most: 1,
        ..everything(&[Dimension::Team])
    };
    let cut = books.usage(&first).unwrap();
    assert!(cut.is_cut && cut.rows.len() == 1 && cut.total.requests == 8);
    assert_eq!(cut.total.cost, PicoUsd::new(12_000_000_000));
}

#[test]
fn sums_are_exact_beyond_what_sqlite_adds_up() {
    let folder = folder();
    let (books, _) = open(folder.path());
    let dear = PicoUsd::new(9_000_000_000_000_000_001);
    let row = |minute| {
        let sums = Sums {
            cost: dear,
            ..sums(1)
        };
        (key(minute, "chat", ""), sums)
    };
    books.write(Write::Usage((0..10).map(|i| row(MINUTE + i)).collect()));
    assert!(books.flush(PATIENCE));
    let total = books.usage(&everything(&[])).unwrap().total;
    assert_eq!(total.cost, PicoUsd::new(90_000_000_000_000_000_010));
}

#[test]
fn what_shadow_mode_came_to_is_judged_by_what_targets_cost() {
    let folder = folder();
    let (books, _) = open(folder.path());
    let minutes = MINUTE..MINUTE + 240;
    for minute in minutes {
        let mut dear = key(minute, "chat", "red");
        dear.target = "dear".to_owned();
        let mut price = sums(5);
        price.cost = PicoUsd::new(10 * sums(5).cost.pico());
        let rows = vec![(dear, price), (key(minute, "chat", "red"), sums(5))];
        assert!(books.write(Write::Usage(rows)));
    }
    let share = |target: &str, share: f64| ProposedShare {
        target: target.to_owned(),
        configured: 0.5,
        share,
    };
    for hour in 0..4 {
        let proposal = Proposal {
            at: at(MINUTE + 60 * hour),
            route: "chat".to_owned(),
            obeyed: false,
            shares: vec![share("dear", 0.2), share("fast", 0.8)],
        };
        assert!(books.write(Write::Proposed(proposal)));
    }
    assert!(books.flush(PATIENCE));
    let of = |route| books.foregone(at(MINUTE), at(MINUTE + 240), route).unwrap();
    let found = of(None);
    assert_eq!((found.len(), found[0].requests), (1, 2_400));
    let cost = found[0].cost.unwrap();
    // 1.5 and 15 thousandths of a dollar, half and half then.
    assert!((cost.then - 0.008_25).abs() < 1e-9, "{cost:?}");
    assert!((cost.other.value - 0.004_2).abs() < 1e-9, "{cost:?}");
    assert_eq!(of(Some("chat")), found);
    assert!(of(Some("other")).is_empty());
    // The window's start needs the shares from before it.
    let later = books
        .foregone(at(MINUTE + 30), at(MINUTE + 240), None)
        .unwrap();
    assert_eq!((later[0].requests, later[0].left_out), (2_100, 0));
}
