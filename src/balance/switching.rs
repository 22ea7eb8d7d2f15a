//! What it costs to move conversations, and gaps that only count where moving pays.
//!
//! A conversation that moves finds nothing cached in its next turn:
//!
//! ```text
//! S = Σ share · (a_C · cached · (input − cached_input) / mean cost + a_L · x · cached · seconds per token / mean seconds)
//! ```
//!
//! in the units of the loss, for a request: `cached` tokens of a mean prompt are paid in full (dollars over the mean dollars
//! of an answer) and read again (seconds over the mean seconds of an answer; x = 1.1 is the mean slowness). It is paid once
//! for each conversation, and there are as many as requests come in the time between two turns, [`TURN`]. The gain, the gap
//! in loss, comes with every request for as long as the difference lasts. So a move pays when
//!
//! ```text
//! gap · (seconds that it lasts) > S · TURN
//! ```
//!
//! How long it will last nobody knows; that it goes on for as long as it has lasted is the guess that is never more than
//! twice as dear as knowing (the ski-rental problem). Hence the gap that a sticky route's shares go by follows the one that
//! is measured with the time constant at which a move has paid:
//!
//! ```text
//! d(followed)/dt = (gap − followed) / T        T = S · TURN / max(gap, followed), falling at most RETURN
//! ```
//!
//! Chance and small gains, which T is minutes for, move nothing. Large gaps move at once, since shares fall with the
//! exponent of the gap: at S = 0.5 an answer that takes four times as long (a gap of about 3) has lost nine tenths of its
//! share within half a second. Where nothing is cached S is nothing and shares move as on any route.
//!
//! Rejected: staying within a band around the present shares. It makes the cost of each step right and the sum wrong: a
//! short spike pushes shares to the band's end, where they stay; identical targets strayed by 8 points in the median.

/// Seconds between two turns of a conversation, as far as the number of those under way goes by it. It is not measured, for
/// that would take a table of conversations. In the day in which nothing differs (`cargo bench --bench harm`) shares are
/// within 1.9 points of the configured ones; with 30 s they are within 2.6, where at most 2 are asked for. Halved or doubled,
/// it takes half or twice as long until a small difference moves shares.
const TURN: f64 = 45.0;
/// Longest time constant on the way back, in seconds: coming back to the configured shares gains little in loss, and is
/// what people asked for.
const RETURN: f64 = 30.0;
/// Losses of one turn above this are taken for this.
const MOST: f64 = 5.0;

/// The gap that shares go by after `elapsed` seconds in which `gap` was measured, from `followed` before; `lost` is the loss
/// of a turn that finds nothing cached.
pub(super) fn followed(followed: f64, gap: f64, lost: f64, elapsed: f64) -> f64 {
    let lost = if lost.is_finite() {
        lost.clamp(0.0, MOST)
    } else {
        0.0
    };
    let rate = gap.max(followed) / (lost * TURN);
    let rate = if gap < followed {
        rate.max(1.0 / RETURN)
    } else {
        rate
    };
    // Without a loss the rate is infinite, or no number where there is no gap either.
    if !rate.is_finite() {
        return gap;
    }
    let value = gap + (followed - gap) * (-rate * elapsed.max(0.0)).exp();
    // Rounding must not carry it further than either.
    value.max(gap.min(followed)).min(gap.max(followed))
}

#[cfg(test)]
#[path = "switching_tests.rs"]
mod tests;
