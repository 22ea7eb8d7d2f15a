//! What was learned, as the books store it: whatever is accepted, ticks that go on from it give whole tables.

use weighbridge::balance::{
    Input, Learned, LearnedShares, Memory, Plan, RouteInput, Stepped, UpstreamInput, step,
};
use weighbridge::model::Time;

/// Plans of more than this are a matter of time, not of form.
const MOST: usize = 16;

/// A quarter of a second of ten requests, all answered as usual.
fn told(plan: &Plan, now: Time) -> Input {
    let upstream = |_| {
        let mut told = UpstreamInput::default();
        for _ in 0..5 {
            told.batch.dispatched[0] += 1;
            told.batch.classes[0] += 1;
            told.batch.first_token.add(1.0);
            told.batch.per_token.add(1.0);
        }
        told
    };
    let route = |targets: usize| RouteInput {
        arrivals: 10,
        picked: vec![5; targets],
        scores: Vec::new(),
    };
    Input {
        now,
        elapsed: 0.25,
        upstreams: plan.upstreams().iter().map(upstream).collect(),
        routes: plan.routes().map(|it| route(it.targets.len())).collect(),
    }
}

fn is_whole(stepped: &Stepped) {
    for decision in &stepped.decisions {
        let shares = decision.table.shares();
        let sum: u64 = shares.iter().map(|share| u64::from(share.ppm())).sum();
        assert_eq!(sum, 1_000_000, "{}: the shares are whole", decision.route);
        for row in &decision.rows {
            assert!(
                row.terms.loss().is_finite(),
                "{}: {} has a loss that is a number",
                decision.route,
                row.name
            );
        }
    }
}

/// What the target claims: a line of what was learned, and a line of shares if they are stored apart.
///
/// # Panics
/// A claim does not hold.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let learned: Option<Learned> = lines
        .next()
        .and_then(|line| serde_json::from_slice(line).ok());
    let shares: Option<LearnedShares> = lines
        .next()
        .and_then(|line| serde_json::from_slice(line).ok());
    let Some(learned) = learned else {
        return;
    };
    let targets: usize = learned.routes.iter().map(|route| route.targets.len()).sum();
    if targets > MOST || learned.upstreams.len() > MOST || learned.routes.len() > MOST {
        return;
    }
    let plan = Plan::new(learned.routes.clone(), learned.upstreams.iter().cloned());
    let at = learned.at;
    let resumed = learned.resumed(shares.as_ref(), &plan, at.after_secs(3.0));
    let apart = || shares.as_ref().map(|shares| shares.resumed(&plan));
    let resumed = resumed.map(|mended| mended.memory);
    let mut memory: Memory = match resumed.or_else(apart) {
        Some(memory) => memory,
        None => Memory::new(&plan),
    };
    for n in 0..8 {
        let now = at.after_secs(3.0 + 0.25 * f64::from(n));
        is_whole(&step(&plan, &mut memory, &told(&plan, now)));
    }
}
