use super::bench::{Bench, answers};
use super::*;
use crate::balance::Mask;
use crate::model::{Outcome, TargetIndex};

#[test]
fn every_rival_has_a_name_a_sentence_and_keeps_to_the_eligible() {
    for rival in RIVALS {
        assert!(
            rival.says.len() > 20,
            "{} says too little of itself",
            rival.name
        );
        let mut bench = Bench::of(rival.name, &[0.6, 0.3, 0.1]);
        let one: Mask = [TargetIndex::at(2)].into_iter().collect();
        for round in 0..60 {
            let outcome = if round % 2 == 0 {
                Outcome::Ok
            } else {
                Outcome::ServerError
            };
            let picked = bench.pick_among(&one);
            assert_eq!(
                picked,
                Some(2),
                "{}: only the third is eligible",
                rival.name
            );
            bench.attempt(2, 0.5, outcome);
        }
        let nobody = bench.pick_among(&Mask::NONE);
        assert_eq!(nobody, None, "{}: nobody is eligible", rival.name);
    }
    assert!(
        by_name("unheard-of", &[], 1, 0).is_none(),
        "an unknown name is nobody"
    );
}

#[test]
fn a_rival_repeats_itself_and_replicas_differ() {
    for name in ["equal", "thompson", "bifrost", "p2c-ewma"] {
        let picks = |seed, replica| {
            let configured = [Weight::DEFAULT; 4];
            let mut policy = by_name(name, &configured, seed, replica).unwrap();
            let mask: Mask = (0..4).map(TargetIndex::at).collect();
            let asked = crate::sim::policy::Asked {
                now: crate::model::Time::ZERO,
                request: 0,
                kind: crate::model::AnswerKind::Unary,
                eligible: &mask,
                attempts: 0,
                conversation: None,
            };
            let mut pick = || policy.pick(&asked).unwrap().target;
            (0..40).map(|_| pick()).collect::<Vec<usize>>()
        };
        assert_eq!(picks(1, 0), picks(1, 0), "{name}: same seed, same picks");
        assert_ne!(picks(1, 0), picks(1, 1), "{name}: replicas have own luck");
        assert_ne!(picks(1, 0), picks(2, 0), "{name}: seeds have own luck");
    }
}

#[test]
fn static_draws_by_weight_and_equal_does_not() {
    let shares = Bench::of("static", &[0.6, 0.3, 0.1]).shares(4000, answers(&[1.0, 5.0, 9.0]));
    for (share, weight) in shares.iter().zip([0.6, 0.3, 0.1]) {
        assert!((share - weight).abs() < 0.03, "{share} for {weight}");
    }
    let shares = Bench::of("equal", &[0.6, 0.3, 0.1]).shares(4000, answers(&[1.0, 5.0, 9.0]));
    assert!(
        shares.iter().all(|share| (share - 1.0 / 3.0).abs() < 0.03),
        "{shares:?}"
    );
}

#[test]
fn a_client_s_mistake_says_nothing_about_a_target() {
    for name in ["litellm", "p2c+accrual", "envoy", "openrouter", "cb:equal"] {
        let mut bench = Bench::of(name, &[1.0, 1.0]);
        bench.attempt(1, 2.0, Outcome::Ok);
        bench.attempt(0, 0.5, Outcome::Ok);
        for _ in 0..30 {
            bench.attempt(0, 0.15, Outcome::ClientFault);
        }
        assert!(
            (0..40).any(|_| bench.pick() == 0),
            "{name} should still use a target whose clients were wrong"
        );
    }
}
