use super::*;

fn money(worth: f64) -> Objective {
    Objective {
        second_is_worth: Some(worth),
        ..Objective::default()
    }
}

/// The loss of a healthy target by a route's weights.
fn loss(weights: &Weights, slowness: f64, cost: f64) -> f64 {
    let estimate = Estimate {
        slowness,
        variance: 0.0,
        measured_variance: 0.0,
        faults: 0.0,
        faults_variance: 0.0,
    };
    weights.signal(&estimate, MEAN_SLOWNESS, cost).loss()
}

#[test]
fn money_ranks_targets_by_what_they_cost_with_the_time_they_take() {
    // The mean target takes 3 s and asks $0.004; a second is worth $0.002: $0.010 in all.
    let weights = Weights::of(&money(0.002), 3.0, Some(0.004));
    assert!(
        (loss(&weights, 1.0, 1.0) - MEAN_LOSS).abs() < 1e-9,
        "the mean keeps its scale"
    );
    // 2 s less are worth as much as $0.004 more.
    let (quick, cheap) = (loss(&weights, 1.0 / 3.0, 2.0), loss(&weights, 1.0, 1.0));
    assert!(
        (quick - cheap).abs() < 1e-9,
        "$0.002 + $0.008 = $0.006 + $0.004: {quick} and {cheap}"
    );
    let double = loss(&weights, 2.0, 2.0);
    assert!(
        (double / MEAN_LOSS - 2.0).abs() < 1e-9,
        "twice the dollars are twice the loss"
    );
}

#[test]
fn without_prices_only_time_is_money() {
    let weights = Weights::of(&money(0.002), 3.0, None);
    assert!((weights.latency - MEAN_LOSS / MEAN_SLOWNESS).abs() < 1e-9);
    assert_eq!(weights.cost.to_bits(), 0.0f64.to_bits());
}

#[test]
fn without_a_price_of_time_the_weights_are_the_objectives() {
    let objective = Objective::default();
    let weights = Weights::of(&objective, 3.0, Some(0.004));
    assert_eq!(
        (weights.latency, weights.cost, weights.errors),
        (objective.latency, objective.cost, objective.errors)
    );
}
