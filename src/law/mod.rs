//! How a simulated target behaves: data, and its pure evaluation given draws and the time.
//!
//! A controller is judged in a simulated world and shown in a live one; if the two worlds had their own ideas of what
//! "slow" or "over quota" means, neither would say anything about the other. So there is one law, and the simulator,
//! the mock server, providers of `kind = "simulated"` and the tests all ask [`fate()`]. It reads no clock and draws no
//! luck: time comes in as [`Time`], luck as [`Draws`].
//!
//! What the law leaves out: correlated failures across targets, and what is in a prompt cache (whoever asks says how much of
//! the prompt is not).

use serde::{Deserialize, Serialize};

use crate::model::{Price, Time};

mod check;
mod failure;
mod fate;
mod noise;
mod number;
mod read;
mod sharing;
mod state;

pub(crate) use check::non_negative;
pub use failure::ErrorKind;
pub use fate::{Answer, Ask, Ending, Fate, Hang, MAX_TOKENS, Wrong, fate};
pub use noise::{Draws, Generator, factor, salt};
pub use number::{Number, NumberError};
pub(crate) use number::{fraction as fraction_over_time, non_negative as non_negative_over_time};
pub use read::LawError;
pub use sharing::{Pace, Sharing};
pub use state::{Bucket, Limits, Queue, RateLimit, State, Ticket, Window, WindowLimit};

/// The law of one target.
///
/// All fields are keys of a table in TOML or JSON: of a provider of `kind = "simulated"`, of a file for the mock
/// server, or of `[target.NAME]` in a scenario (which has `weight` beside them). A [`Number`] may change over time.
/// Ranges are checked when it is read. A key that is left out has the value of a healthy, average target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Law {
    /// Mean time to the first token, in milliseconds.
    #[serde(deserialize_with = "number::non_negative")]
    pub ttft_ms: Number,
    /// Mean time per token of the answer, in milliseconds.
    #[serde(deserialize_with = "number::non_negative")]
    pub tpot_ms: Number,
    /// Mean time that the first token takes longer for each thousand tokens of the prompt that are not cached, in
    /// milliseconds.
    #[serde(deserialize_with = "number::non_negative")]
    pub prefill_ms: Number,
    /// Deviation of the logarithm of the time to the first token; that of a whole stream's time is half of it.
    #[serde(deserialize_with = "number::non_negative")]
    pub spread: Number,
    /// Answers that are slower as a whole.
    pub tail: Tail,
    /// Share of requests answered with an error.
    #[serde(deserialize_with = "number::fraction")]
    pub error_rate: Number,
    /// Status of those errors, 400 to 599; without it the one that the provider has for `error_kind`.
    #[serde(deserialize_with = "check::status")]
    pub error_status: Option<u16>,
    /// What those errors say; without it what `error_status` means, and without both a server error.
    pub error_kind: Option<ErrorKind>,
    /// The least and the most time an error takes, in milliseconds.
    #[serde(deserialize_with = "check::range")]
    pub error_ms: [f64; 2],
    /// Share of requests that are never answered: not even a header comes.
    #[serde(deserialize_with = "number::fraction", alias = "hang_header")]
    pub black_hole: Number,
    /// Share of requests that get a header and nothing after it.
    #[serde(deserialize_with = "number::fraction")]
    pub hang_body: Number,
    /// Share of answers that stop in the middle while the connection stays open.
    #[serde(deserialize_with = "number::fraction")]
    pub stall: Number,
    /// Share of answers whose connection is closed in the middle.
    #[serde(deserialize_with = "number::fraction")]
    pub cut: Number,
    /// A way of not speaking the protocol.
    pub misbehave: Option<Misbehave>,
    /// Share of answers that `misbehave` meets.
    #[serde(deserialize_with = "number::fraction")]
    pub misbehave_share: Number,
    /// Micro-dollars per million tokens of the prompt, unless the scenario says otherwise.
    #[serde(deserialize_with = "number::non_negative")]
    pub price_in: Number,
    /// Micro-dollars per million tokens of the answer, unless the scenario says otherwise.
    #[serde(deserialize_with = "number::non_negative")]
    pub price_out: Number,
    /// Part of `price_in` that is taken off for tokens in the cache.
    #[serde(deserialize_with = "number::fraction")]
    pub cached_discount: Number,
    /// Whether the target exists, from 0.5 up; where it does not, requests vanish as in a black hole.
    #[serde(deserialize_with = "number::fraction")]
    pub present: Number,
    /// Servers that work one request at a time, rounded down; 0 is no queue.
    #[serde(deserialize_with = "number::non_negative")]
    pub servers: Number,
    /// What requests in service cost each other.
    pub sharing: Sharing,
    /// A limit by token bucket.
    pub rate_limit: RateLimit,
    /// A limit by fixed windows.
    pub window_limit: WindowLimit,
    /// Whether a 429 says how long to wait.
    pub retry_after: bool,
    /// Share of answers that call a tool, of those to a user's message with tools; where a request demands a call, all
    /// do.
    #[serde(deserialize_with = "number::fraction")]
    pub tools: Number,
    /// Length of answers to requests that don't ask for one.
    pub tokens_out: Length,
    /// Seed of the noise where no scenario has its own.
    pub seed: u64,
    /// Targets of the same `twin` see the same noise for a request of the same number, so that two policies can be
    /// compared on copies of a target; empty is the target's own name.
    pub twin: String,
}

impl Default for Law {
    fn default() -> Self {
        Self {
            ttft_ms: Number::known(500.0),
            tpot_ms: Number::known(15.0),
            spread: Number::known(0.35),
            error_rate: Number::known(0.003),
            price_out: Number::known(1.0),
            ..Self::instant()
        }
    }
}

impl Law {
    /// No delay, no spread, no error, no price: what is left is the cost of the protocol itself.
    pub fn instant() -> Self {
        Self {
            ttft_ms: Number::ZERO,
            tpot_ms: Number::ZERO,
            prefill_ms: Number::ZERO,
            spread: Number::ZERO,
            tail: Tail::default(),
            error_rate: Number::ZERO,
            error_status: None,
            error_kind: None,
            error_ms: [50.0, 150.0],
            black_hole: Number::ZERO,
            hang_body: Number::ZERO,
            stall: Number::ZERO,
            cut: Number::ZERO,
            misbehave: None,
            misbehave_share: Number::known(1.0),
            price_in: Number::ZERO,
            price_out: Number::ZERO,
            cached_discount: Number::ZERO,
            present: Number::known(1.0),
            servers: Number::ZERO,
            sharing: Sharing::default(),
            rate_limit: RateLimit::default(),
            window_limit: WindowLimit::default(),
            retry_after: true,
            tools: Number::ZERO,
            tokens_out: Length::default(),
            seed: 0,
            twin: String::new(),
        }
    }

    /// Requests that are in service at once, at most, `seconds` after the law began; 0 where nobody counts them. A share of
    /// a server is none, and who shares a machine without servers is counted without a bound.
    pub fn places(&self, seconds: f64) -> u64 {
        match whole(self.servers.at(seconds).floor()) {
            0 if self.sharing.is_felt() => u64::MAX,
            servers => servers,
        }
    }

    /// The pace of a request that arrives `now` behind those in `queue`.
    pub fn pace(&self, queue: &Queue, now: Time) -> Pace {
        let moment = now.as_secs_f64();
        let others = if self.sharing.is_felt() {
            queue.others(self.places(moment), now)
        } else {
            0
        };
        self.sharing.pace(others, moment)
    }

    /// The price `seconds` after the law began, rounded to whole micro-dollars per million tokens.
    pub fn price(&self, seconds: f64) -> Price {
        let input = self.price_in.at(seconds);
        Price {
            cached_input: whole(input * (1.0 - self.cached_discount.at(seconds))),
            ..Price::flat(whole(input), whole(self.price_out.at(seconds)))
        }
    }
}

/// Some answers are slower as a whole: to the first token and in the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tail {
    /// Share of such answers.
    #[serde(deserialize_with = "number::fraction")]
    pub p: Number,
    /// How many times slower they are.
    #[serde(deserialize_with = "number::non_negative")]
    pub factor: Number,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            p: Number::ZERO,
            factor: Number::known(1.0),
        }
    }
}

/// Tokens of an answer: log-normal around a median, within bounds, rounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Length {
    /// Half of the answers are longer.
    #[serde(deserialize_with = "number::non_negative")]
    pub median: Number,
    /// Deviation of the logarithm.
    #[serde(deserialize_with = "number::non_negative")]
    pub spread: Number,
    /// The shortest.
    pub min: u64,
    /// The longest.
    pub max: u64,
}

impl Default for Length {
    fn default() -> Self {
        Self {
            median: Number::known(150.0),
            spread: Number::known(0.8),
            min: 5,
            max: 600,
        }
    }
}

impl Length {
    /// Tokens of the answer with this normal draw, `seconds` after the law began; at most [`MAX_TOKENS`].
    pub fn tokens(&self, normal: f64, seconds: f64) -> u64 {
        let length = self.median.at(seconds) * (self.spread.at(seconds) * normal).exp();
        whole(length).min(self.max).max(self.min).min(MAX_TOKENS)
    }
}

/// Ways of not speaking the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misbehave {
    /// Status 200 and a page of HTML, as from a captive portal.
    Html,
    /// Status 302 to another place.
    Redirect,
    /// Status 200 and a body without any byte, or a stream without any event.
    Empty,
    /// Status 200 and JSON that ends in the middle, properly framed.
    HalfJson,
    /// Status 200 and a stream whose first event is an error.
    ErrorFirst,
    /// A stream that breaks off with an error event between its tokens.
    ErrorMidway,
}

/// `value` rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float casts saturate, and what is below zero counts as zero"
)]
pub(crate) fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_of_a_scenario_reads_as_it_is_written() {
        let law: Law = toml::from_str(
            "ttft_ms = [[0, 500], [200, 2000], [400, 500]]
             tpot_ms = { ramp = [[0, 15], [900, 37.5]] }
             spread = 0.35
             tail = { p = 0.12, factor = 6.0 }
             error_rate = [[0, 0.003], [200, 1.0]]
             error_ms = [50, 150]
             servers = 30
             present = [[0, 0], [200, 1]]
             price_out = { base = 2, amplitude = 1, period = 60 }
             rate_limit = { rps = 4.0, burst = 8.0 }
             window_limit = { requests = 150, seconds = 60.0 }
             tokens_out = { median = 150, spread = 0.8, min = 5, max = 600 }",
        )
        .unwrap();
        assert_eq!(law.ttft_ms.at(300.0).to_string(), "2000", "steps");
        assert_eq!(law.tpot_ms.at(450.0).to_string(), "26.25", "a ramp");
        assert_eq!(law.servers.at(0.0).to_string(), "30", "a plain number");
        assert_eq!(law.price(15.0).output, 3, "a wave at its top");
        let again: Law = serde_json::from_str(&serde_json::to_string(&law).unwrap()).unwrap();
        assert_eq!(again, law, "a law survives being written as JSON");
    }

    #[test]
    fn what_is_left_out_is_an_average_healthy_target() {
        let law: Law = toml::from_str("").unwrap();
        assert_eq!(law, Law::default(), "an empty table is the default");
        assert_eq!(law.ttft_ms.at(0.0).to_string(), "500", "as documented");
        assert_eq!(law.present.at(0.0).to_string(), "1", "it exists");
    }

    #[test]
    fn a_broken_law_is_refused_in_words_with_its_line() {
        for (text, words) in [
            ("tft_ms = 5", "unknown field `tft_ms`"),
            ("ttft_ms = -5", "expected a number from 0 up, found -5"),
            (
                "error_rate = [[0, 0.1], [9, 1.5]]",
                "a share from 0 to 1, found 1.5",
            ),
            (
                "spread = { base = 1, amplitude = 2, period = 9 }",
                "found -1",
            ),
            ("error_status = 200", "from 400 to 599, found 200"),
            ("error_kind = \"busy\"", "unknown variant `busy`"),
            ("tools = 1.5", "a share from 0 to 1, found 1.5"),
            ("error_ms = [150, 50]", "[least, most]"),
            ("misbehave = \"dance\"", "unknown variant `dance`"),
            (
                "rate_limit = { rps = 1, burst = -1 }",
                "from 0 up, found -1",
            ),
            ("ttft_ms = nan", "finite"),
        ] {
            let problem = toml::from_str::<Law>(&format!("\n{text}"))
                .unwrap_err()
                .to_string();
            assert!(
                problem.contains(words),
                "{text} should say {words:?}, said {problem}"
            );
            assert!(
                problem.contains("line 2"),
                "{text} should name its line, said {problem}"
            );
        }
    }

    #[test]
    fn prices_round_to_whole_micro_dollars() {
        let law: Law =
            toml::from_str("price_in = 150_000\nprice_out = 600_000.4\ncached_discount = 0.5")
                .unwrap();
        let price = law.price(0.0);
        assert_eq!(
            (price.input, price.cached_input, price.output),
            (150_000, 75_000, 600_000)
        );
    }

    #[test]
    fn lengths_stay_within_their_bounds() {
        let length = Length::default();
        assert_eq!(length.tokens(0.0, 0.0), 150, "the median");
        assert_eq!(length.tokens(-9.0, 0.0), 5, "the shortest");
        assert_eq!(length.tokens(9.0, 0.0), 600, "the longest");
    }
}
