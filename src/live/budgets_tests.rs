use super::*;
use crate::config::{Layer, Lookup, compile};
use crate::limit::{AtLimit, Threshold, Window};
use crate::live::record::Served;
use crate::live::record::tests::ended;
use crate::model::{PicoUsd, Time, UpstreamName};

struct Nothing;

impl Lookup for Nothing {
    fn variable(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn secret_file(&self, _: &str) -> Result<String, String> {
        Err("there is none".to_owned())
    }
}

fn config(provider: &str, route: &str, target: &str) -> Config {
    let text = format!(
        "[providers.sim]\nkind = \"simulated\"\n{provider}\n[prices.\"sim/m\"]\ninput = \"$0\"\noutput = \"$1 / 1M tokens\"\n\
         [routes.chat]\n{route}\ntargets.only = {{ use = \"sim/m\", weight = 1{target} }}\n"
    );
    let layers = [Layer {
        name: "a.toml".to_owned(),
        text,
    }];
    compile(&layers, &Nothing).unwrap().config
}

fn usd(dollars: u128) -> PicoUsd {
    PicoUsd::new(dollars * 1_000_000_000_000)
}

fn now() -> Time {
    Time::from_secs_f64(1_796_081_400.0)
}

fn at_month(budgets: &Budgets) -> Vec<(String, PicoUsd)> {
    let all = budgets.all().iter();
    all.map(|it| (it.scope.to_string(), it.standings(now())[0].spent))
        .collect()
}

#[test]
fn what_ends_is_counted_at_its_provider_its_route_and_its_target() {
    let config = config(
        "budget = { month_usd = 10 }",
        "budget = { month_usd = 20, at_limit = \"refuse\" }",
        ", budget = { month_usd = 30, at_limit = \"avoid\" }",
    );
    let budgets = Budgets::new(&config, &Budgets::default());
    let upstream = Upstream::new(UpstreamName::new("sim/m").unwrap());
    let end = Finished {
        cost: Some(usd(3)),
        ..finished()
    };
    budgets.attempt_ended(&upstream, &end, now());
    budgets.request_ended(&request(Some(usd(3))), now());
    budgets.request_ended(&request(None), now());
    let spent = |scope: &str| (scope.to_owned(), usd(3));
    assert_eq!(
        at_month(&budgets),
        [
            spent("provider \"sim\""),
            spent("route \"chat\""),
            spent("target \"chat/only\"")
        ]
    );
}

fn finished() -> Finished {
    Finished {
        outcome: crate::model::Outcome::Ok,
        total: std::time::Duration::ZERO,
        first_content: None,
        tokens: None,
        estimated: false,
        cost: None,
        wait: None,
    }
}

/// A request of the route `chat` with one call to its only target.
fn request(cost: Option<PicoUsd>) -> RequestEnd {
    let mut end = ended("chat", 200);
    let mut call = crate::live::Call {
        served: Served {
            name: Some(TargetName::new("only").unwrap()),
            upstream: UpstreamName::new("sim/m").unwrap(),
        },
        reason: crate::balance::gate::Reason::Drawn,
        propensity: None,
        after: std::time::Duration::ZERO,
        outcome: crate::model::Outcome::Cancelled,
        status: None,
        total: std::time::Duration::ZERO,
        first_content: None,
        tokens: None,
        estimated: false,
        cost: None,
    };
    call.ended(&Finished { cost, ..finished() });
    end.calls.push(call);
    end
}

#[test]
fn what_was_spent_goes_on_over_reloads_under_another_limit() {
    let first = Budgets::new(
        &config("budget = { month_usd = 10 }", "", ""),
        &Budgets::default(),
    );
    first.all()[0].spend(now(), usd(4));
    let text = "budget = { month_usd = 4, at_limit = \"avoid\" }";
    let next = Budgets::new(&config(text, "", ""), &first);
    let spent = |budgets: &Budgets| budgets.all()[0].spent_until(AtLimit::Avoid, now());
    assert_eq!(spent(&first), None, "which only tells");
    assert!(
        spent(&next).is_some(),
        "the new limit is met by what was spent before"
    );
    first.all()[0].spend(now(), usd(1));
    let standing = next.all()[0].standings(now())[0];
    assert_eq!(standing.spent, usd(5), "what ends under the old one counts");
    assert!(next.all()[0].spent_until(AtLimit::Refuse, now()).is_none());
}

#[test]
fn the_books_are_asked_once_also_over_reloads() {
    let first = Budgets::new(
        &config("budget = { day_usd = 9 }", "", ""),
        &Budgets::default(),
    );
    assert!(!first.all()[0].take_seeding(), "nobody has yet");
    first.all()[0].seed(Window::Day, now(), usd(7));
    let next = Budgets::new(&config("budget = { day_usd = 8 }", "", ""), &first);
    assert!(next.all()[0].take_seeding());
    assert_eq!(next.all()[0].standings(now())[0].spent, usd(7));
}

#[test]
fn who_asks_while_others_count_sees_no_sum_of_the_window_before() {
    let limits = [Some(usd(1_000)), None, None];
    let thresholds = vec![Threshold::new(1.0).unwrap()];
    let budget = Budget::new(limits, thresholds, AtLimit::Avoid).unwrap();
    let scope = Scope::Route(RouteName::new("chat").unwrap());
    let allowance = Allowance::new(scope, budget);
    let hour = std::time::Duration::from_secs(3_600);
    allowance.spend(now(), usd(2_000));
    let next = now().after(hour);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for _ in 0..500 {
                allowance.spend(next, usd(1));
            }
        });
        for _ in 0..500 {
            let standing = allowance.standings(next)[0];
            assert!(standing.spent <= usd(500), "{standing:?}");
        }
    });
    assert_eq!(allowance.standings(next)[0].spent, usd(500));
}
