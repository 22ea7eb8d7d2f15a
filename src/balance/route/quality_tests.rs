use super::super::super::gate::Cause;
use super::super::super::plan::tests::route;
use super::super::super::{
    Decision, Input, Memory, News, Overruled, Plan, Rail, RouteInput, RouteSpec, Scored,
    UpstreamInput, Weight, step,
};
use super::*;
use crate::model::{Time, UpstreamName};

/// A route of which the answers are rated.
struct Played {
    plan: Plan,
    memory: Memory,
    now: Time,
}

fn spec(min_quality: Option<f64>) -> RouteSpec {
    RouteSpec {
        min_quality,
        ..route(0, &[0, 1])
    }
}

impl Played {
    fn new(spec: RouteSpec) -> Self {
        let plan = Plan::new(vec![spec], []);
        Self {
            memory: Memory::new(&plan),
            plan,
            now: Time::from_secs_f64(1.8e9),
        }
    }

    fn tick(&mut self, scores: &[(u32, f64)], told: impl Fn(usize) -> UpstreamInput) -> Decision {
        self.now = self.now.after_secs(0.25);
        let scored = |(target, score): &(u32, f64)| Scored {
            target: *target,
            score: *score,
            instead: None,
        };
        let input = Input {
            now: self.now,
            elapsed: 0.25,
            upstreams: (0..self.plan.upstreams().len()).map(told).collect(),
            routes: vec![RouteInput {
                arrivals: 3,
                picked: Vec::new(),
                scores: scores.iter().map(scored).collect(),
            }],
        };
        step(&self.plan, &mut self.memory, &input)
            .decisions
            .remove(0)
    }

    /// So many scores for each target, and then ten seconds of nothing.
    fn rated(&mut self, times: usize, scores: [f64; 2]) -> Decision {
        let told = |_| UpstreamInput::default();
        for _ in 0..times {
            self.tick(&[(0, scores[0]), (1, scores[1])], told);
        }
        let ticks = (0..40).map(|_| self.tick(&[], told));
        ticks.last().unwrap()
    }
}

fn shares(decision: &Decision) -> Vec<f64> {
    let rows = decision.rows.iter();
    rows.map(|row| row.granted.fraction()).collect()
}

#[test]
fn who_is_rated_worse_gets_less_where_quality_has_a_weight() {
    let mut weighed = spec(None);
    weighed.objective.quality = 2.0;
    let decision = Played::new(weighed).rated(60, [0.9, 0.4]);
    assert!(shares(&decision)[1] < 0.2, "{decision:?}");
    assert!(decision.rows[1].terms.quality > 0.5, "{decision:?}");
    let unweighed = Played::new(spec(None)).rated(60, [0.9, 0.4]);
    assert_eq!(shares(&unweighed), [0.5, 0.5], "shown, and not followed");
    let quality = unweighed.rows[1].evidence.quality.unwrap();
    assert!((quality.mean - 0.4).abs() < 1e-9);
}

#[test]
fn who_is_below_the_floor_leaves_and_nobody_is_left_alone_with_it() {
    let decision = Played::new(spec(Some(0.7))).rated(30, [0.9, 0.4]);
    assert_eq!(shares(&decision), [1.0, 0.0]);
    assert!(decision.rows[1].rails.contains(&Rail::MinQuality));
    let both = Played::new(spec(Some(0.7))).rated(30, [0.3, 0.4]);
    assert_eq!(shares(&both), [0.5, 0.5], "somebody has to answer");
    for row in &both.rows {
        assert!(row.rails.contains(&Rail::MinQualityLifted), "{row:?}");
    }
}

#[test]
fn a_target_below_the_floor_serves_when_the_others_are_ejected() {
    let mut played = Played::new(spec(Some(0.7)));
    assert_eq!(shares(&played.rated(30, [0.9, 0.4])), [1.0, 0.0]);
    let now = played.now;
    let ejected = |i: usize| UpstreamInput {
        news: News {
            ejected: (i == 0).then_some((now, Cause::Faults)),
            ..News::default()
        },
        ..UpstreamInput::default()
    };
    let decision = played.tick(&[], ejected);
    assert_eq!(shares(&decision), [0.0, 1.0], "{decision:?}");
}

#[test]
fn a_week_without_a_score_brings_it_back() {
    let mut played = Played::new(spec(Some(0.7)));
    assert_eq!(shares(&played.rated(30, [0.9, 0.4])), [1.0, 0.0]);
    let mut seen = Vec::new();
    for _ in 0..8 {
        // As a start after a day.
        played.memory.routes[0].rest(86_400.0);
        let ticks = (0..60).map(|_| played.tick(&[], |_| UpstreamInput::default()));
        seen.push(shares(&ticks.last().unwrap())[1]);
    }
    assert!(seen.is_sorted(), "more and more: {seen:?}");
    assert!(seen[7] > 0.45, "and nearly all in the end: {seen:?}");
}

#[test]
fn an_order_that_gives_a_share_is_stronger_than_the_floor() {
    let mut pinned = spec(Some(0.7));
    let order = |hold| Overruled {
        hold,
        by: "ann".into(),
        reason: "a test".into(),
        until: Time::from_secs_f64(1.9e9),
    };
    pinned.targets[1].overruled = Some(order(Hold::Pinned));
    let decision = Played::new(pinned).rated(30, [0.9, 0.4]);
    assert_eq!(shares(&decision), [0.5, 0.5]);
}

#[test]
fn scores_stay_with_the_model_that_gave_the_answers() {
    let mut played = Played::new(spec(Some(0.7)));
    let known = |decision: &Decision| decision.rows[1].evidence.quality.map(|it| it.mean);
    assert!(known(&played.rated(30, [0.9, 0.4])).is_some());
    let follow = |played: &mut Played, spec: RouteSpec| {
        let plan = Plan::new(vec![spec], []);
        played.memory = played.memory.carried(&played.plan, &plan);
        played.plan = plan;
        played.tick(&[], |_| UpstreamInput::default())
    };
    let mut drained = spec(Some(0.7));
    drained.targets[1].weight = Weight::new(0.0).unwrap();
    follow(&mut played, drained);
    let back = follow(&mut played, spec(Some(0.7)));
    assert!(known(&back).is_some(), "a drain changes no answer");
    assert_eq!(shares(&back), [1.0, 0.0], "{back:?}");
    let mut other = spec(Some(0.7));
    other.targets[1].upstream = UpstreamName::new("p/another").unwrap();
    let other = follow(&mut played, other);
    assert_eq!(known(&other), None, "another model is not rated yet");
}
