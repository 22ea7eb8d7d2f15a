//! The control plane: one task that decides, one way to change the configuration.
//!
//! The controller is the only writer of the snapshot. Ticks and reloads reach it as commands of one loop, so nothing has
//! to be locked against anything; a reload is prepared elsewhere and arrives whole.

mod applying;
mod assemble;
mod bookkeeper;
mod command;
mod controller;
mod fleet;
mod journal;
mod keepsake;
mod key_ring;
mod keys;
mod obeying;
mod plan;
mod reload;
mod resuming;
mod rotation;
mod scribe;
mod seeding;
mod settle;
mod steering;
mod switch;
mod tag_values;
mod told;
mod watch;

pub use assemble::{Simulate, first_snapshot};
pub use bookkeeper::keep_books;
pub use command::{Applied, Asked, Handle, ReloadError, Why};
pub use controller::Controller;
pub use journal::write_journal;
pub use key_ring::{Fresh, KeyError, Revoked};
pub use keys::find_keys;
pub use plan::specs;
pub use reload::{Reloader, Source, Text, reloads};
pub use seeding::{keep_seeding, seed};
pub use steering::SteeringError;
pub use switch::throw;
pub use told::{News, Wake};
pub use watch::watch;
