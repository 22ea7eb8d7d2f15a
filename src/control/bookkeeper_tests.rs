use http::HeaderValue;

use std::collections::HashSet;

use super::super::tag_values::{DAY_MINUTES, OTHERS};
use super::*;
use crate::balance::gate::Reason;
use crate::config::Store;
use crate::live::Tags;
use crate::model::{Operation, Outcome, TargetName, Time, Tokens, UpstreamName};
use crate::store::{Dimension, MOST_VALUES, Query};

const PATIENCE: Duration = Duration::from_secs(20);

fn served(name: &str) -> Served {
    Served {
        name: Some(TargetName::new(name).unwrap()),
        upstream: UpstreamName::new(&format!("sim/{name}")).unwrap(),
    }
}

fn called(name: &str, outcome: Outcome, tokens: Option<u64>) -> Call {
    Call {
        served: served(name),
        reason: Reason::Drawn,
        propensity: None,
        after: Duration::ZERO,
        outcome,
        status: None,
        total: Duration::from_millis(700),
        first_content: None,
        tokens: tokens.map(|input| Tokens {
            input,
            output: 5,
            ..Tokens::default()
        }),
        estimated: false,
        cost: tokens.map(|tokens| PicoUsd::new(u128::from(tokens) * 1_000)),
    }
}

/// A request that failed at `slow` after a hundred tokens, and was answered by `fast`.
fn moved_on(at: Time) -> Arc<RequestEnd> {
    let tags = Tags {
        team: Some("red".into()),
        ..Tags::default()
    };
    Arc::new(RequestEnd {
        id: HeaderValue::from_static("req_1"),
        at,
        key: Some("app".into()),
        tags: Some(Arc::new(tags)),
        trace: None,
        route: "chat".into(),
        operation: Operation::Chat,
        served: Some(served("fast")),
        status: 200,
        code: None,
        outcome: Outcome::Ok,
        sticky: None,
        attempts: 2,
        calls: vec![
            called("slow", Outcome::ServerError, Some(100)),
            called("fast", Outcome::Ok, Some(120)),
        ],
        budget_spent: false,
        total: Duration::from_millis(900),
        first_content: Some(Duration::from_millis(800)),
        overhead: Duration::from_micros(40),
    })
}

#[test]
fn a_request_counts_where_it_ended_and_its_tokens_where_they_were_spent() {
    let at = Time::from_secs_f64(1.8e9);
    let rows = usage(&[moved_on(at), moved_on(at)], &mut Values::default());
    assert_eq!(rows.len(), 2, "a row each target");
    let row = |target: &str| &rows.iter().find(|(key, _)| key.target == target).unwrap().1;
    let (slow, fast) = (row("slow"), row("fast"));
    assert_eq!((slow.requests, slow.calls, slow.tokens_in), (0, 2, 200));
    assert_eq!((fast.requests, fast.calls, fast.tokens_in), (2, 2, 240));
    assert_eq!(slow.cost + fast.cost, PicoUsd::new(440_000));
    assert_eq!((fast.total_n, fast.total_us_sum), (2, 1_800_000));
    assert_eq!(fast.failed + slow.failed, 0, "the client had its answer");
    let (key, _) = &rows[0];
    assert_eq!(
        (key.minute, &*key.team, &*key.key),
        (30_000_000, "red", "app")
    );
}

#[tokio::test]
async fn what_ended_before_the_stop_is_in_the_books() {
    let folder = tempfile::tempdir().unwrap();
    let (books, _) = Books::open(folder.path(), Store::default()).unwrap();
    let ledger = Arc::new(Ledger::default());
    let clock = Clock::start();
    let (stop, stopped) = watch::channel(false);
    let keeping = keep_books(Arc::clone(&ledger), books.clone(), clock, stopped);
    let keeping = tokio::spawn(keeping);
    for _ in 0..3 {
        ledger.ended(&moved_on(clock.now()));
    }
    stop.send_replace(true);
    keeping.await.unwrap();
    assert!(books.close(PATIENCE));
    let query = Query {
        by: vec![Dimension::Team],
        since: Time::ZERO,
        until: clock.now().after_secs(60.0),
        only: Vec::new(),
        most: 10,
    };
    let used = books.usage(&query).unwrap();
    assert_eq!(
        (used.rows[0].of[0].as_str(), used.total.requests),
        ("red", 3)
    );
}

/// A request of a user, in this minute.
fn of_user(minute: u64, number: usize) -> Arc<RequestEnd> {
    let tags = Tags {
        user: Some(format!("u{number}").into()),
        ..Tags::default()
    };
    Arc::new(RequestEnd {
        tags: Some(Arc::new(tags)),
        ..(*moved_on(Time::from_micros(minute * MINUTE_US))).clone()
    })
}

/// Requests of a user in these rows.
fn requests(rows: &[(UsageKey, Sums)], user: &str) -> u64 {
    let rows = rows.iter().filter(|(key, _)| key.user == user);
    rows.map(|(_, sums)| sums.requests).sum()
}

#[test]
fn a_hundred_thousand_users_are_ten_thousand_and_the_others_and_nothing_is_lost() {
    let mut values = Values::default();
    let mut rows = Vec::new();
    for first in (0..100_000).step_by(4_000) {
        let records: Vec<_> = (first..first + 4_000).map(|n| of_user(5, n)).collect();
        rows.extend(usage(&records, &mut values));
    }
    let users: HashSet<&str> = rows.iter().map(|(key, _)| key.user.as_str()).collect();
    assert_eq!(users.len(), MOST_VALUES + 1);
    assert_eq!(requests(&rows, OTHERS), 90_000);
    let all: u64 = rows.iter().map(|(_, sums)| sums.requests).sum();
    assert_eq!(all, 100_000, "nothing is lost");
    let again = usage(&[of_user(6, 3), of_user(6, MOST_VALUES)], &mut values);
    assert_eq!((requests(&again, "u3"), requests(&again, OTHERS)), (1, 1));
    let tomorrow = usage(&[of_user(DAY_MINUTES + 1, MOST_VALUES)], &mut values);
    assert_eq!(requests(&tomorrow, OTHERS), 0, "a new day begins anew");
}

#[test]
fn a_restart_goes_on_with_the_values_that_the_day_has_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (books, _) = Books::open(folder.path(), Store::default()).unwrap();
    let now = Time::from_secs_f64(1.8e9 + 30.0);
    let minute = now.as_micros() / MINUTE_US;
    let records: Vec<_> = (0..MOST_VALUES + 5).map(|n| of_user(minute, n)).collect();
    books.write(Write::Usage(usage(&records, &mut Values::default())));
    assert!(books.flush(PATIENCE));
    let mut values = Values::default();
    // One came while the books were read.
    usage(&[of_user(minute, 7)], &mut values);
    values.merge(seen_today(&books, now).unwrap());
    let rows = usage(&[of_user(minute, 7), of_user(minute, 99_999)], &mut values);
    assert_eq!((requests(&rows, "u7"), requests(&rows, OTHERS)), (1, 1));
    let tomorrow = seen_today(&books, now.after_secs(86_400.0)).unwrap();
    let mut values = Values::default();
    values.merge(tomorrow);
    let rows = usage(&[of_user(minute + DAY_MINUTES, 99_999)], &mut values);
    assert_eq!(
        requests(&rows, OTHERS),
        0,
        "the books of yesterday bound nothing"
    );
    assert!(books.close(PATIENCE));
}
