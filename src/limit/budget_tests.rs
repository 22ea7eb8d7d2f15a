use proptest::prelude::*;

use super::*;

/// 2026-11-30 23:30:00 UTC: the last half hour of an hour, a day and a month.
const EVE: u64 = 1_796_081_400;

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

fn usd(dollars: u128) -> PicoUsd {
    PicoUsd::new(dollars * 1_000_000_000_000)
}

fn budget(hour: Option<u128>, day: Option<u128>, month: Option<u128>) -> Budget {
    let thresholds = Budget::ALERT_AT.iter().map(|part| Threshold::new(*part));
    let limits = [hour, day, month].map(|limit| limit.map(usd));
    Budget::new(limits, thresholds.flatten().collect(), AtLimit::Avoid).unwrap()
}

#[test]
fn windows_are_those_of_the_calendar() {
    let eve = at(EVE);
    for (window, begins) in [
        (Window::Hour, EVE - 1_800),
        (Window::Day, EVE - 84_600),
        (Window::Month, EVE - 84_600 - 29 * 86_400),
    ] {
        assert_eq!(window.begins(eve), at(begins), "{}", window.label());
        assert_eq!(window.ends(eve), at(EVE + 1_800), "all end with November");
        assert_eq!(window.begins(window.ends(eve)), window.ends(eve));
    }
}

#[test]
fn a_window_begins_anew_and_the_longer_ones_go_on() {
    let mut account = Account::default();
    let noon = at(EVE - 11 * 3_600);
    account.add(noon, usd(3));
    let later = noon.after(HOUR);
    account.add(later, usd(4));
    let spent = |window| account.spent(window, later);
    assert_eq!(Window::ALL.map(spent), [usd(4), usd(7), usd(7)]);
    let december = at(EVE + 1_800);
    let spent = |window| account.spent(window, december);
    assert_eq!(Window::ALL.map(spent), [usd(0); 3], "nothing yet");
}

#[test]
fn a_budget_is_spent_until_the_last_of_its_spent_windows_ends() {
    let budget = budget(Some(5), Some(8), None);
    let noon = at(EVE - 11 * 3_600 - 1_800);
    let mut account = Account::default();
    account.add(noon, usd(4));
    assert_eq!(account.spent_until(&budget, noon), None, "a dollar is left");
    account.add(noon, usd(1));
    let hour = Some((Window::Hour, noon.after(HOUR)));
    assert_eq!(account.spent_until(&budget, noon), hour);
    let later = noon.after(HOUR);
    assert_eq!(account.spent_until(&budget, later), None, "the next hour");
    account.add(later, usd(9));
    let day = Some((Window::Day, Window::Day.ends(later)));
    assert_eq!(account.spent_until(&budget, later), day);
}

#[test]
fn books_raise_what_was_spent_and_never_lower_it() {
    let (now, mut account) = (at(EVE), Account::default());
    account.add(now, usd(3));
    account.at_least(Window::Day, now, usd(10));
    account.at_least(Window::Hour, now, usd(1));
    account.add(now, usd(1));
    let spent = |window| account.spent(window, now);
    assert_eq!(Window::ALL.map(spent), [usd(4), usd(11), usd(4)]);
}

#[test]
fn thresholds_are_met_exactly() {
    let half = Threshold::new(0.5).unwrap();
    assert!(half.is_reached(usd(5), usd(10)));
    assert!(!half.is_reached(PicoUsd::new(usd(5).pico() - 1), usd(10)));
    for part in [0.0, -1.0, 10.1, f64::NAN, f64::INFINITY, 1e-9] {
        assert_eq!(Threshold::new(part), None, "{part}");
    }
}

#[test]
fn a_budget_limits_something() {
    assert_eq!(Budget::new([None; 3], Vec::new(), AtLimit::Alert), None);
    let zero = [Some(PicoUsd::ZERO), None, None];
    assert_eq!(Budget::new(zero, Vec::new(), AtLimit::Alert), None);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        rng_seed: proptest::test_runner::RngSeed::Fixed(26),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// What stands in a window is the sum of what was spent since it began, whatever came before.
    #[test]
    fn an_account_is_the_sum_of_its_window(
        spends in prop::collection::vec((0_u64..20 * 86_400, 0_u128..100), 1..60),
        after in 0_u64..3 * 86_400,
    ) {
        let mut spends = spends;
        spends.sort_unstable();
        let mut account = Account::default();
        for (seconds, dollars) in &spends {
            account.add(at(EVE - 10 * 86_400 + seconds), usd(*dollars));
        }
        let last = spends.last().map_or(0, |(seconds, _)| *seconds);
        let now = at(EVE - 10 * 86_400 + last + after);
        for window in Window::ALL {
            let sum: u128 = spends
                .iter()
                .filter(|(seconds, _)| at(EVE - 10 * 86_400 + seconds) >= window.begins(now))
                .map(|(_, dollars)| dollars)
                .sum();
            prop_assert_eq!(account.spent(window, now), usd(sum));
        }
    }

    /// Who asks before each request and lets it go while something is left overshoots by what was under way, no more.
    #[test]
    fn the_overshoot_is_what_was_under_way(
        costs in prop::collection::vec(1_u128..50, 1..80),
        together in 1_usize..8,
        limit in 1_u128..500,
    ) {
        let (budget, now) = (budget(None, Some(limit), None), at(EVE));
        let mut account = Account::default();
        let mut under_way: Vec<u128> = Vec::new();
        let mut refused = false;
        for cost in costs {
            if account.spent_until(&budget, now).is_some() {
                refused = true;
                break;
            }
            under_way.push(cost);
            if under_way.len() == together {
                account.add(now, usd(under_way.remove(0)));
            }
        }
        let at_limit = account.spent(Window::Day, now);
        for cost in &under_way {
            account.add(now, usd(*cost));
        }
        let spent = account.spent(Window::Day, now);
        if refused {
            prop_assert!(spent >= usd(limit));
            let open: u128 = under_way.iter().sum();
            prop_assert_eq!(spent, at_limit + usd(open));
            prop_assert!(at_limit < usd(limit + 50), "one answer beyond");
        } else {
            prop_assert!(at_limit < usd(limit + 50));
        }
    }
}
