//! Whatever a report says, a tick comes to shares that can be used.

use super::*;
use crate::balance::{Memory, RouteInput, even_route, step};
use crate::fleet::Out;
use crate::fleet::cells::Cells;
use crate::model::TargetName;

/// A generator with a fixed seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 16
    }

    /// A number that somebody might write.
    fn number(&mut self) -> u64 {
        let next = self.next();
        match next % 8 {
            0 => 0,
            1 => 1,
            2 => u64::from(u32::MAX),
            3 => u64::MAX,
            4 => 1 << 53,
            5 => next % 10,
            6 => next % 100_000,
            _ => next.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        }
    }

    fn short(&mut self) -> u32 {
        u32::try_from(self.number()).unwrap_or(u32::MAX)
    }

    fn cells(&mut self) -> Cells {
        let mut cells = Cells::default();
        for _ in 0..self.next() % 4 {
            let cell = u8::try_from(self.next() % 256).unwrap();
            cells.add(cell, self.short());
        }
        cells
    }

    fn evidence(&mut self) -> Evidence {
        let sum = |chance: &mut Self| (chance.number(), chance.number()).into();
        Evidence {
            sent: [0; 2].map(|_| self.number()),
            ends: [0; 6].map(|_| self.number()),
            stale: self.number(),
            gaps: self.number(),
            first: sum(self),
            each: sum(self),
            unary: sum(self),
            due: self.number(),
            totals: self.cells(),
            tokens: [0; 4].map(|_| self.number()),
            line: [0; 6].map(|_| self.number()),
            times: [(); 3].map(|()| self.cells()),
            missing: [0; 3].map(|_| self.number()),
            probes: [0; 2].map(|_| self.number()),
            recent: (0..self.next() % 40).map(|_| self.short()).collect(),
        }
    }

    fn condition(&mut self) -> Condition {
        let cause = Cause::ALL[usize::try_from(self.next()).unwrap() % Cause::ALL.len()];
        Condition {
            out: (self.next().is_multiple_of(3)).then_some(Out {
                cause,
                probing: self.next().is_multiple_of(2),
            }),
            blocked_until: Time::from_micros(self.number()),
            in_flight: self.short(),
            waiting: [(); 2].map(|()| self.cells()),
            headroom: None,
        }
    }
}

fn report(chance: &mut Chance, plan: &Plan, sequence: u64) -> Report {
    let upstreams = plan.upstreams().iter().map(|name| {
        let evidence = chance.evidence();
        let condition = chance.condition();
        (
            name.clone(),
            UpstreamReport {
                evidence,
                condition,
            },
        )
    });
    let upstreams = upstreams.collect();
    let sums = RouteSums {
        arrivals: chance.number(),
        picked: [(TargetName::new("t0").unwrap(), chance.number())].into(),
        shares: BTreeMap::new(),
    };
    let route = plan.routes().next().unwrap().name.clone();
    Report {
        replica: ReplicaId::new("stranger").unwrap(),
        epoch: 1,
        sequence,
        at: Time::from_micros(chance.number()),
        version: String::new(),
        plan: 0,
        orders: 0,
        upstreams,
        routes: [(route, sums)].into(),
        groups: BTreeMap::new(),
    }
}

#[test]
fn no_report_makes_a_decision_that_cannot_be_used_or_shuts_a_target_for_long() {
    let upstream = |name: &str| UpstreamName::new(name).unwrap();
    let targets = [("t0", upstream("p/0")), ("t1", upstream("p/1"))];
    let plan = Plan::new(vec![even_route("r", &targets)], []);
    for seed in 0..150 {
        let mut chance = Chance(seed);
        let mut folding = Folding::new(ReplicaId::new("me").unwrap(), Time::ZERO);
        let (mut gathering, mut memory) = (Gathering::default(), Memory::new(&plan));
        for tick in 1..40_u32 {
            let now = Time::from_secs_f64(f64::from(tick) * 0.25);
            if tick % 4 == 1 {
                gathering.hear(report(&mut chance, &plan, tick.into()), now);
            }
            gathering.exchanged(now);
            let mut input = Input {
                now,
                elapsed: 0.25,
                upstreams: vec![UpstreamInput::default(); 2],
                routes: vec![RouteInput::default(); 1],
            };
            folding.fold(&gathering, &plan, now, &mut input);
            for told in &input.upstreams {
                assert!(told.blocked_until <= now.after(LONGEST_WAIT), "{seed}");
            }
            let stepped = step(&plan, &mut memory, &input);
            for decision in &stepped.decisions {
                let granted = decision.rows.iter().map(|row| row.granted.ppm());
                assert_eq!(granted.sum::<u32>(), 1_000_000, "{seed} at {tick}");
                for row in &decision.rows {
                    assert!(row.terms.loss().is_finite(), "{seed} at {tick}: {row:?}");
                }
            }
            for order in &stepped.orders {
                let sums = order.watch.fault_step + order.standing.faults;
                assert!(sums.is_finite(), "{seed} at {tick}: {order:?}");
            }
        }
    }
}

#[test]
fn names_that_change_with_each_report_are_forgotten() {
    let plan = Plan::new(
        vec![even_route(
            "r",
            &[("t0", UpstreamName::new("p/0").unwrap())],
        )],
        [],
    );
    let mut folding = Folding::new(ReplicaId::new("me").unwrap(), Time::ZERO);
    let mut gathering = Gathering::default();
    for sequence in 1..20_u64 {
        let now = Time::from_micros(sequence * 1_000_000);
        let mut report = report(&mut Chance(sequence), &plan, sequence);
        for number in 0..200 {
            let name = UpstreamName::new(&format!("p/{sequence}-{number}")).unwrap();
            let there = UpstreamReport {
                evidence: Chance(number).evidence(),
                ..UpstreamReport::default()
            };
            report.upstreams.insert(name, there);
        }
        gathering.hear(report, now);
        gathering.exchanged(now);
        let mut input = Input {
            now,
            upstreams: vec![UpstreamInput::default(); 1],
            routes: vec![RouteInput::default(); 1],
            ..Input::default()
        };
        folding.fold(&gathering, &plan, now, &mut input);
    }
    let mark = folding.marks.values().next().unwrap();
    let known = (mark.upstreams.len(), folding.trust.upstreams_known());
    assert!(known.0 <= 2 * 201 && known.1 <= 2, "{known:?}");
}
