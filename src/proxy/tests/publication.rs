//! Snapshots are swapped under readers: each reads one that is whole, and none goes back in time.

use std::sync::atomic::{AtomicBool, Ordering};

use super::world::{Plan, Spec, snapshot};
use crate::live::{Published, Snapshot};

/// Swaps while two readers look.
const SWAPS: u64 = 3_000;

/// The snapshot of a generation: what its first target gets says which it is.
fn of(generation: u64) -> Snapshot {
    let nobody = ([127, 0, 0, 1], 9).into();
    let weights = [weight(generation), 100.0];
    let plan = Plan::new(weights.map(|weight| Spec::new(nobody, weight)).to_vec());
    Snapshot {
        generation,
        ..snapshot(plan.config(), 0)
    }
}

fn weight(generation: u64) -> f64 {
    (generation % 89 + 1) as f64
}

/// Reads until it is told to stop; how many different generations it saw.
fn read(published: &Published, stop: &AtomicBool) -> u64 {
    let (mut last, mut seen) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let snapshot = published.read();
        let generation = snapshot.generation;
        assert!(generation >= last, "{generation} after {last}");
        seen += u64::from(generation > last);
        last = generation;
        let weights = snapshot.routes[0].config.targets.iter();
        let weights: Vec<f64> = weights.map(|target| target.weight.value()).collect();
        assert_eq!(
            weights,
            [weight(generation), 100.0],
            "all of one generation"
        );
        assert_eq!(snapshot.routes[0].configured.len(), 2, "with its table");
    }
    seen
}

#[test]
fn readers_see_whole_snapshots_in_their_order() {
    let (published, mut publisher) = Published::first(of(1));
    let stop = AtomicBool::new(false);
    let seen: Vec<u64> = std::thread::scope(|scope| {
        let readers = [(); 2].map(|()| scope.spawn(|| read(&published, &stop)));
        for generation in 2..=SWAPS {
            publisher.publish(of(generation));
        }
        stop.store(true, Ordering::Relaxed);
        readers.map(|reader| reader.join().unwrap()).to_vec()
    });
    println!("{SWAPS} swaps, of which the readers saw {seen:?}");
    assert_eq!(published.read().generation, SWAPS);
    assert_eq!(*published.generations().borrow(), SWAPS, "and it is told");
}
