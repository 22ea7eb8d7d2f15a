//! Where the data plane and the control plane meet; and the one clock.

mod clock;

pub use clock::Clock;
