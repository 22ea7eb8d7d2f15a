//! How a simulated target behaves: data, and its pure evaluation given draws and the time.
//!
//! The simulator and the mock server read the same laws, so that both worlds agree.

use serde::{Deserialize, Serialize};

/// The law of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Law {
    /// Mean time to the first token, in milliseconds.
    pub ttft_ms: f64,
}

impl Default for Law {
    fn default() -> Self {
        Self { ttft_ms: 500.0 }
    }
}
