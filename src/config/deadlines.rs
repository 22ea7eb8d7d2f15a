//! `deadlines`: of everything, of a route, of a provider, of a target. The narrower one wins, phase by phase.

use std::time::Duration;

use super::Deadlines;
use super::section::Section;
use super::settings::{DAY, MILLISECOND, set};

/// How long the phases of an attempt may take at one provider or target; `None` where a wider setting holds. The time of
/// the whole request is the route's alone, since it may visit many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Until the connection stands.
    pub connect: Option<Duration>,
    /// Until the response's header of a streamed answer.
    pub header_streamed: Option<Duration>,
    /// Until the response's header of a unary answer.
    pub header_unary: Option<Duration>,
    /// Until the first content of a streamed answer.
    pub first_token: Option<Duration>,
    /// Between two pieces of content.
    pub between_tokens: Option<Duration>,
    /// One attempt.
    pub attempt: Option<Duration>,
}

// === impl Phases ===

impl Phases {
    /// These, and where they say nothing, `wider`.
    #[must_use]
    pub fn or(self, wider: Self) -> Self {
        Self {
            connect: self.connect.or(wider.connect),
            header_streamed: self.header_streamed.or(wider.header_streamed),
            header_unary: self.header_unary.or(wider.header_unary),
            first_token: self.first_token.or(wider.first_token),
            between_tokens: self.between_tokens.or(wider.between_tokens),
            attempt: self.attempt.or(wider.attempt),
        }
    }

    /// `deadlines` with these in their places.
    pub fn over(self, deadlines: Deadlines) -> Deadlines {
        let Deadlines {
            connect,
            header_streamed,
            header_unary,
            first_token,
            between_tokens,
            attempt,
            total,
        } = deadlines;
        Deadlines {
            connect: self.connect.unwrap_or(connect),
            header_streamed: self.header_streamed.unwrap_or(header_streamed),
            header_unary: self.header_unary.unwrap_or(header_unary),
            first_token: self.first_token.unwrap_or(first_token),
            between_tokens: self.between_tokens.unwrap_or(between_tokens),
            attempt: self.attempt.unwrap_or(attempt),
            total,
        }
    }
}

/// A table of deadlines over `base`; what it does not name stays.
pub(super) fn deadlines(section: Option<Section<'_>>, base: Deadlines) -> Deadlines {
    let Some(mut section) = section else {
        return base;
    };
    let mut deadlines = read(&mut section).over(base);
    let total = section.field("total");
    let total = total.and_then(|field| field.duration(MILLISECOND..=DAY));
    set(&mut deadlines.total, total);
    section.finish(&["queue"]);
    deadlines
}

/// The table of a provider or a target.
pub(super) fn phases(section: Option<Section<'_>>) -> Phases {
    let Some(mut section) = section else {
        return Phases::default();
    };
    let phases = read(&mut section);
    if let Some(field) = section.field("total") {
        field.problem(
            "`total` is the time of the whole request, which may visit several targets",
            "write it into [routes.NAME.deadlines] or [defaults.deadlines]; `attempt` is one call",
        );
    }
    section.finish(&["queue"]);
    phases
}

fn read(section: &mut Section<'_>) -> Phases {
    let mut time = |key: &'static str| section.field(key)?.duration(MILLISECOND..=DAY);
    Phases {
        connect: time("connect"),
        header_streamed: time("header_streamed"),
        header_unary: time("header_unary"),
        first_token: time("first_token"),
        between_tokens: time("between_tokens"),
        attempt: time("attempt"),
    }
}
