//! Where independent draws come from: one generator per process, seeded by the system, or by a test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::balance::Draw;

/// 2³² / φ, as for routes: steps of this size spread evenly over the circle.
const GOLDEN: u32 = 0x9E37_79B9;

/// The generator. Its lock is held for some nanoseconds.
#[derive(Debug)]
pub struct Chance {
    generator: Mutex<SmallRng>,
    even: AtomicU32,
}

impl Chance {
    /// A generator whose draws are different in every process.
    pub fn from_system() -> Self {
        Self::of(rand::make_rng())
    }

    /// A generator whose draws are those of `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self::of(SmallRng::seed_from_u64(seed))
    }

    fn of(mut generator: SmallRng) -> Self {
        let phase = generator.next_u32();
        Self {
            generator: Mutex::new(generator),
            even: AtomicU32::new(phase),
        }
    }

    /// A place in the shares, independent of all others.
    pub(super) fn draw(&self) -> Draw {
        Draw(self.number())
    }

    /// The next place of a sequence that all evenly drawn lists share.
    pub(super) fn even_draw(&self) -> Draw {
        Draw(self.even.fetch_add(GOLDEN, Ordering::Relaxed))
    }

    /// 32 random bits.
    pub(super) fn number(&self) -> u32 {
        let mut generator = self
            .generator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        generator.next_u32()
    }

    /// 64 random bits.
    pub(super) fn long_number(&self) -> u64 {
        let mut generator = self
            .generator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        generator.next_u64()
    }
}
