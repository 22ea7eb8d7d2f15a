//! The record of decisions: what was in force, what each tick was told, what it decided, where each request went.
//!
//! Problem: shares that move by themselves have to be answered for. "Why did half the traffic leave azure at 03:12?" is
//! asked the next morning, and "would another objective have been better?" before anything is changed. Choice: since a tick
//! is a pure function, its input is the whole truth about it. The journal keeps the inputs and a digest of what was decided,
//! so [`Player`] decides again and compares byte for byte; [`Comparison`] puts the same inputs before another strategy or
//! configuration; [`Whatif`] weighs past answers by how likely another policy would have asked for them.
//!
//! The journal is lines of JSON (NDJSON), `v` first, then `kind`: `config`, `checkpoint`, `tick`, `draw`, `lost`; see
//! [`Line`]. A file begins with a `config` and a `checkpoint`, and so does whatever follows a loss: reading can start there.
//! No line holds a prompt, an answer or a key.
//!
//! Floats come back with the same bits (`float_roundtrip` of `serde_json` is on): without it 17 % of the numbers of a tick
//! would not, and no replay would be byte-identical.
//!
//! How it fails: a journal of another version of this program may be read and yet decide otherwise, since the algorithm is
//! part of the program. `config` lines name the version.

mod compact;
mod comparison;
mod crowd;
mod digest;
mod draw;
mod estimate;
mod follower;
mod line;
mod load;
mod moment;
mod play;
mod replay;
mod spread;
mod whatif;

pub use compact::tick_text;
pub use comparison::{Comparison, RouteDifference, TargetDifference};
pub use digest::{Digest, digest};
pub use estimate::{Estimate, Interval};
pub use follower::{Follower, Other};
pub use line::{
    CheckpointLine, Chosen, ConfigLine, DrawLine, Line, LineError, LostLine, PlannedRoute,
    PlannedUpstream, TickLine, VERSION, text,
};
pub use moment::{Moment, clock_time};
pub use play::{Played, Player, Step};
pub use replay::{Difference, Heard, Place, Replay, Report};
pub use whatif::{RouteWhatif, Whatif};

/// The program that writes, by its version.
pub fn program() -> String {
    format!("weighbridge {}", env!("CARGO_PKG_VERSION"))
}
