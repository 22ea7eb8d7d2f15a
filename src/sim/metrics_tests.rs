use super::*;
use crate::model::Time;
use crate::sim::record::Tried;

const WORLD: &str = "name = \"a\"\nseconds = 400\n[load]\nrps = 10\n[target.a]\nweight = 0.6\n\
                     [target.b]\nweight = 0.4\n[fault]\ntarget = \"a\"\nfrom = 100\nto = 200\n";

fn world(text: &str) -> Scenario {
    Scenario::read(text).unwrap()
}

/// Ten attempts a second of which `a` gets so many at each second.
fn run(of_a: impl Fn(u32) -> u32) -> Run {
    let mut run = Run::default();
    for second in 0..400 {
        for tenth in 0..10 {
            run.tried.push(Tried {
                at: Time::from_secs_f64(f64::from(second) + f64::from(tenth) / 10.0),
                target: usize::from(tenth >= of_a(second)),
            });
            run.served.push(served(2.0, End::Answered));
        }
    }
    run
}

fn served(took: f64, end: End) -> Served {
    Served {
        at: Time::ZERO,
        took,
        first: None,
        end,
        loss: 1.0,
        price: 1.0,
        dollars: 0.002,
        tokens_in: 400,
        cached_in: 0,
        tokens_out: 100,
    }
}

#[test]
fn times_to_shed_and_to_recover_are_those_of_the_share() {
    // Gone from 130 s on, back from 212 s on: ten seconds from 130 hold nothing of it, ten from 210.4 on four fifths.
    let away = |second: u32| (130..212).contains(&second);
    let run = run(|second| if away(second) { 0 } else { 6 });
    let figures = Figures::of(&world(WORLD), &run);
    // A tenth of 0.6 of a hundred attempts is 6: a window that begins in the last second before holds 6.
    assert_eq!(figures.shed90_s, Some(29.0));
    assert_eq!(figures.exposed, Some(29.0 * 6.0));
    // Eight of ten seconds with the whole share are four fifths of it.
    assert_eq!(figures.recover_s, Some(10.0));
}

#[test]
fn who_never_left_was_exposed_all_the_time_and_is_back_at_once() {
    let figures = Figures::of(&world(WORLD), &run(|_| 6));
    assert_eq!(figures.shed90_s, Some(100.0), "the whole fault");
    assert_eq!(figures.exposed, Some(600.0));
    assert_eq!(figures.recover_s, Some(0.0));
    assert_eq!(figures.churn, Some(0.0), "nothing moved");
    assert!(
        figures.unfairness.unwrap() < 1e-9,
        "six of ten are configured"
    );
    assert_eq!(figures.cached_ratio, None, "nobody has a conversation");
}

#[test]
fn a_figure_without_a_meaning_is_none() {
    let healthy = world(WORLD.split("[fault]").next().unwrap());
    let figures = Figures::of(&healthy, &run(|_| 6));
    assert_eq!(figures.shed90_s, None, "no fault, nothing to shed");
    assert_eq!(figures.recover_s, None);
    assert_eq!(figures.exposed, None);
    let unequal = WORLD.replace("weight = 0.4", "weight = 0.4\nttft_ms = 800");
    let figures = Figures::of(&world(&unequal), &run(|_| 6));
    assert_eq!(
        figures.unfairness, None,
        "there is a reason to leave the configured shares"
    );
    let limited = WORLD.replace("weight = 0.4", "weight = 0.4\nservers = 3");
    let figures = Figures::of(&world(&limited), &run(|_| 6));
    assert_eq!(figures.unfairness, None, "likewise");
    let nothing = Figures::of(&world(WORLD), &Run::default());
    assert_eq!(nothing.p99_s, None, "no requests, no times");
    assert_eq!(nothing.error_rate, None);
}

#[test]
fn shares_that_swing_have_churn() {
    let run = run(|second| if second / 10 % 2 == 0 { 10 } else { 0 });
    let figures = Figures::of(&world(WORLD), &run);
    assert_eq!(figures.churn, Some(1.0), "from all to none and back");
}

#[test]
fn what_callers_got_is_counted_by_how_it_ended() {
    let mut run = Run::default();
    for _ in 0..6 {
        run.served.push(served(3.0, End::Answered));
    }
    run.served.push(served(5.0, End::Answered));
    run.served.push(served(30.0, End::TimedOut));
    run.served.push(served(0.1, End::Failed));
    run.served.push(served(0.1, End::Failed));
    run.served.push(served(0.1, End::ClientFault));
    let figures = Figures::of(&world(WORLD), &run);
    assert_eq!(
        figures.error_rate,
        Some(0.3),
        "three of ten; the client's own mistake is none"
    );
    assert_eq!(figures.goodput, Some(0.6), "5 s is more than twice 2 s");
    assert_eq!(figures.p50_s, Some(3.0));
    assert_eq!(
        figures.p99_s,
        Some(30.0),
        "who waited in vain waited; a quick error did not"
    );
    assert!((figures.dollars_per_1000.unwrap() - 2.0).abs() < 1e-9);
}
