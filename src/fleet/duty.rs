//! Who of the fleet does what should be done once.
//!
//! Rendezvous hashing over the replicas that are there: all who see the same replicas come to the same one, without a word
//! between them, and one that leaves changes nothing for duties that were not its own. The duty moves with time, so one that
//! cannot do it (its network is broken, it has no request to send) holds it for a slot and no longer.

use super::report::ReplicaId;
use crate::balance::{Key, Seed};
use crate::model::Time;

/// Length of a slot in seconds. Longer than it takes to hear what became of a probe, also where nothing but whole reports
/// arrives, so that two replicas seldom probe at once; doubled, a replica without requests holds up a recovery for twice as long.
pub const SLOT: f64 = 2.0;

/// The one of `replicas` whose duty it is to look after `what` in the slot of `now`; `None` of none.
pub fn duty<'a>(
    replicas: impl Iterator<Item = &'a ReplicaId>,
    what: &str,
    now: Time,
) -> Option<&'a ReplicaId> {
    let slot = now.as_micros() / Time::from_secs_f64(SLOT).as_micros();
    let key = Key::of("duty", format!("{slot} {what}").as_bytes());
    let place = |id: &ReplicaId| Seed::of(id.as_str()).place(key);
    replicas.max_by(|a, b| place(a).total_cmp(&place(b)).then_with(|| a.cmp(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<ReplicaId> {
        let ids = names.iter().map(|name| ReplicaId::new(name).unwrap());
        ids.collect()
    }

    #[test]
    fn a_duty_falls_to_one_whatever_the_order_and_goes_round() {
        let all = ids(&["a", "b", "c"]);
        let mut seen = std::collections::BTreeSet::new();
        for slot in 0..40 {
            let now = Time::from_secs_f64(SLOT * f64::from(slot) + 0.5);
            let one = duty(all.iter(), "p/m", now).unwrap();
            assert_eq!(Some(one), duty(all.iter().rev(), "p/m", now));
            seen.insert(one.clone());
        }
        assert_eq!(seen.len(), 3, "everybody has it at times");
        assert_eq!(duty([].iter(), "p/m", Time::ZERO), None);
    }
}
