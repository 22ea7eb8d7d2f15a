//! What the gate and the meter hold each other off by: the standard library's, or, with the feature `shuttle`, doubles of them
//! that let a test play every order in which threads may get at them.
//!
//! The feature is for tests alone: outside of a test that plays orders its doubles panic.

#[cfg(not(feature = "shuttle"))]
pub(super) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

#[cfg(feature = "shuttle")]
pub(super) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};
