use super::super::rendezvous::{Key, Seed};
use super::*;

/// Targets of these tiers, each with its gate, its seconds, how far it is over the levels, and whether it is away.
struct Few {
    tiers: Vec<u8>,
    gates: Vec<GateState>,
    seconds: Vec<f64>,
    over: Vec<f64>,
    away: Vec<bool>,
}

impl Few {
    /// Alike, and open.
    fn of(tiers: &[u8]) -> Self {
        let count = tiers.len();
        Self {
            tiers: tiers.to_vec(),
            gates: vec![GateState::default(); count],
            seconds: vec![1.0; count],
            over: vec![0.0; count],
            away: vec![false; count],
        }
    }

    fn shut(mut self, target: usize) -> Self {
        self.gates[target].blocked_until = Time::NEVER;
        self
    }

    /// Who is admitted where, for the conversation of this number, by these shares.
    fn admits(&self, number: u32, granted: &[f64]) -> Admitted {
        let names: Vec<Seed> = (0..self.tiers.len())
            .map(|i| Seed::of(&format!("target {i}")))
            .collect();
        let sticky = Sticky {
            key: Key::of("test", &number.to_le_bytes()),
            seeds: &names,
        };
        self.admit(granted, Some(sticky))
    }

    fn admit(&self, granted: &[f64], sticky: Option<Sticky<'_>>) -> Admitted {
        let even = vec![1.0; self.tiers.len()];
        let row = Row {
            granted: &WeightTable::from_fractions(granted).unwrap(),
            configured: &WeightTable::from_fractions(&even).unwrap(),
            guarded: true,
        };
        let ask = Ask {
            eligible: &Mask::ALL,
            draw: Draw(0),
            now: Time::from_secs_f64(100.0),
            may_probe: false,
            sticky,
        };
        admit(row, self, &ask).unwrap()
    }
}

impl Gates for Few {
    fn gate(&self, target: TargetIndex) -> GateState {
        self.gates[target.get()]
    }
    fn standing(&self, target: TargetIndex) -> Standing {
        Standing {
            seconds: Some(self.seconds[target.get()]),
            ..Standing::default()
        }
    }
    fn tier(&self, target: TargetIndex) -> u8 {
        self.tiers[target.get()]
    }
    fn over(&self, target: TargetIndex) -> f64 {
        self.over[target.get()]
    }
    fn is_away(&self, target: TargetIndex) -> bool {
        self.away[target.get()]
    }
}

#[test]
fn a_conversation_whose_home_is_shut_stays_in_the_lowest_open_tier() {
    let targets = Few::of(&[1, 1, 2, 2]).shut(0);
    for number in 0..200 {
        let admitted = targets.admits(number, &[0.4, 0.2, 0.3, 0.1]);
        let moved = admitted.reason == Reason::Redirected;
        assert!(
            !moved || admitted.target.get() == 1,
            "{number}: {admitted:?}"
        );
    }
}

#[test]
fn conversations_of_a_shut_tier_are_spread_over_the_next_by_their_keys() {
    let targets = Few::of(&[1, 2, 2, 3]).shut(0);
    // Nothing was granted to the second tier: the tick did not know yet.
    for granted in [[0.7, 0.1, 0.1, 0.1], [1.0, 0.0, 0.0, 0.0]] {
        let mut met = [0; 4];
        for number in 0..200 {
            let admitted = targets.admits(number, &granted);
            let again = targets.admits(number, &granted);
            assert_eq!(admitted, again, "the same one every time");
            if admitted.reason == Reason::Redirected {
                met[admitted.target.get()] += 1;
            }
        }
        assert!(
            met[1] > 30 && met[2] > 30 && met[0] + met[3] == 0,
            "{met:?}"
        );
    }
}

#[test]
fn a_redirected_request_goes_to_who_meets_the_levels_before_who_is_quicker() {
    let mut targets = Few::of(&[1, 1, 1]).shut(0);
    targets.seconds = vec![1.0, 0.8, 1.2];
    let to = |targets: &Few| targets.admit(&[1.0, 0.0, 0.0], None).target.get();
    assert_eq!(to(&targets), 1, "the quicker one");
    targets.over[1] = 0.1;
    assert_eq!(to(&targets), 2, "a tenth over a level");
    targets.over[2] = 0.3;
    assert_eq!(to(&targets), 1, "both miss it by more than a little");
    targets.over[2] = 0.0;
    targets.gates[2].limit = 4;
    targets.gates[2].in_flight = 7;
    assert_eq!(to(&targets), 1, "but not to who is full twice over");
}

#[test]
fn nobody_is_redirected_to_who_is_away_while_somebody_else_can_be_asked() {
    let mut targets = Few::of(&[1, 1, 2]).shut(0);
    targets.seconds = vec![1.0, 0.5, 2.0];
    targets.away[1] = true;
    let to = |targets: &Few| targets.admit(&[1.0, 0.0, 0.0], None).target.get();
    assert_eq!(to(&targets), 2, "to the upper tier rather than there");
    let shares = [1.0, 0.0, 0.0];
    for number in 0..50 {
        let admitted = targets.admits(number, &shares);
        assert_eq!(admitted.target.get(), 2, "conversations as well");
    }
    targets.gates[2].serving = false;
    assert_eq!(to(&targets), 1, "rather a poor answer than none");
}
