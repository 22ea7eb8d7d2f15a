use std::time::Duration;

use super::*;
use crate::limit::{AtLimit, Budget};
use crate::model::{ProviderName, RouteName, TargetName};
use crate::store::{Sums, UsageKey, Write};

fn usd(dollars: u128) -> PicoUsd {
    PicoUsd::new(dollars * 1_000_000_000_000)
}

/// 2026-11-30 23:30 UTC.
fn now() -> Time {
    Time::from_secs_f64(1_796_081_400.0)
}

fn used(minutes_ago: u64, route: &str, target: &str, upstream: &str, cost: u128) -> Write {
    let key = UsageKey {
        minute: now().as_micros() / 60_000_000 - minutes_ago,
        route: route.to_owned(),
        target: target.to_owned(),
        upstream: upstream.to_owned(),
        ..UsageKey::default()
    };
    let sums = Sums {
        cost: usd(cost),
        ..Sums::default()
    };
    Write::Usage(vec![(key, sums)])
}

fn allowance(scope: Scope) -> Allowance {
    let limits = [Some(usd(100)); 3];
    Allowance::new(
        scope,
        Budget::new(limits, Vec::new(), AtLimit::Alert).unwrap(),
    )
}

fn spent(allowance: &Allowance) -> Vec<PicoUsd> {
    let standings = allowance.standings(now());
    standings.iter().map(|standing| standing.spent).collect()
}

#[test]
fn budgets_begin_with_what_the_books_have_of_their_windows() {
    let folder = tempfile::tempdir().unwrap();
    let (books, _) = Books::open(folder.path(), crate::config::Store::default()).unwrap();
    for write in [
        used(5, "chat", "a", "one/m", 1),
        used(5, "other", "a", "one/m", 2),
        used(5, "chat", "b", "two/m", 4),
        used(50, "chat", "a", "one/n", 8),
        used(2_000, "chat", "a", "one/m", 16),
        used(60_000, "chat", "a", "one/m", 32),
    ] {
        assert!(books.write(write));
    }
    assert!(books.flush(Duration::from_secs(20)));
    let route = RouteName::new("chat").unwrap();
    let target = TargetName::new("a").unwrap();
    for (scope, expected) in [
        (
            Scope::Provider(ProviderName::new("one").unwrap()),
            [usd(3), usd(11), usd(27)],
        ),
        (Scope::Route(route.clone()), [usd(5), usd(13), usd(29)]),
        (Scope::Target(route, target), [usd(1), usd(9), usd(25)]),
    ] {
        let allowance = allowance(scope);
        for window in Window::ALL {
            seed_kind(&[&allowance], window, &books, now()).unwrap();
        }
        assert_eq!(spent(&allowance), expected, "{}", allowance.scope);
    }
    assert!(books.close(Duration::from_secs(20)));
}
