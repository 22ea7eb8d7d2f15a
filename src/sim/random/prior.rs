//! What is drawn of a world in which nothing goes wrong: traffic and targets.
//!
//! Figures in brackets are from published measurements: `LLMPerf`'s leaderboard of December 2023 (Apache-2.0), Hugging Face's
//! router of July 2025, calls recorded in public test suites 2023 to 2026, the Azure LLM inference trace of 2023
//! (CC-BY-4.0), `ServeGen` (Apache-2.0).

use std::collections::BTreeMap;

use super::dice::{Dice, short};

/// Requests that a world should have: enough that a difference of 0.01 in mean loss is more than luck, few enough that
/// 500 worlds take minutes.
const REQUESTS: f64 = 4000.0;
/// Bounds of a world's length, in seconds.
const SHORTEST: f64 = 300.0;
const LONGEST: f64 = 7200.0;

/// The shape of the load over time.
#[derive(Clone, Debug)]
enum Shape {
    Level,
    Wave { amplitude: f64, period: f64 },
    Bursts(Vec<(f64, f64, f64)>),
}

/// What comes in.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    /// Mean requests per second outside of bursts.
    pub(super) rps: f64,
    pub(super) seconds: f64,
    pub(super) replicas: usize,
    /// Seconds that a middling target of this world takes for a middling answer.
    pub(super) typical: f64,
    ttft_ms: f64,
    tpot_ms: f64,
    shape: Shape,
    tokens_in: f64,
    tokens_out: f64,
    lengths: f64,
    streamed: f64,
    client_fault: f64,
    timeout: f64,
}

impl Traffic {
    pub(super) fn drawn(dice: &mut Dice) -> Self {
        // From a team's script to a busy product.
        let rps = dice.octaves(0.05, 100.0);
        let seconds = (REQUESTS / rps).clamp(SHORTEST, LONGEST);
        // Medians of 0.2 to 1.1 s to the first token, 5 to 30 ms a token.
        let (ttft_ms, tpot_ms) = (dice.around(500.0, 0.5), dice.around(15.0, 0.4));
        // Azure: median 129 of conversation, ServeGen: 34 to 792.
        let tokens_out = dice.around(150.0, 0.6).clamp(20.0, 800.0);
        let typical = (ttft_ms + tpot_ms * tokens_out) / 1e3;
        Self {
            rps,
            seconds,
            replicas: if dice.chance(0.6) {
                1
            } else {
                dice.whole(2, 10)
            },
            typical,
            ttft_ms,
            tpot_ms,
            shape: Shape::drawn(dice, seconds),
            tokens_in: dice.around(800.0, 1.0).clamp(20.0, 30_000.0),
            tokens_out,
            lengths: dice.between(0.4, 1.1),
            streamed: match dice.whole(0, 3) {
                0 => 0.0,
                1 => dice.between(0.0, 1.0),
                _ => 1.0,
            },
            client_fault: if dice.chance(0.2) {
                dice.between(0.01, 0.3)
            } else {
                0.0
            },
            // What a client waits for: 30 s, or six times a typical answer where that is longer.
            timeout: (6.0 * typical).clamp(30.0, 120.0),
        }
    }

    /// The load's keys and values, in the order of a file.
    pub(super) fn keys(&self) -> [(&'static str, String); 6] {
        let rps = match &self.shape {
            Shape::Level => short(self.rps),
            Shape::Wave { amplitude, period } => format!(
                "{{ base = {}, amplitude = {}, period = {} }}",
                short(self.rps),
                short(amplitude * self.rps),
                short(*period)
            ),
            Shape::Bursts(bursts) => {
                let mut points = vec![format!("[0, {}]", short(self.rps))];
                for (from, to, times) in bursts {
                    points.push(format!("[{}, {}]", short(*from), short(times * self.rps)));
                    points.push(format!("[{}, {}]", short(*to), short(self.rps)));
                }
                format!("[{}]", points.join(", "))
            }
        };
        [
            ("rps", rps),
            ("tokens_in", short(self.tokens_in)),
            (
                "tokens_out",
                format!(
                    "{{ median = {}, spread = {}, min = 5, max = 2000 }}",
                    short(self.tokens_out),
                    short(self.lengths)
                ),
            ),
            ("streamed", short(self.streamed)),
            ("client_fault", short(self.client_fault)),
            ("timeout", short(self.timeout)),
        ]
    }

    /// The most requests per second at any time.
    pub(super) fn peak(&self) -> f64 {
        let times = match &self.shape {
            Shape::Level => 1.0,
            Shape::Wave { amplitude, .. } => 1.0 + amplitude,
            Shape::Bursts(bursts) => bursts.iter().map(|burst| burst.2).fold(1.0, f64::max),
        };
        times * self.rps
    }
}

impl Shape {
    /// Level in two of five worlds, a wave in one, bursts in two. `ServeGen`'s clients have a coefficient of variation of 2 to
    /// 12 in windows of ten minutes.
    fn drawn(dice: &mut Dice, seconds: f64) -> Self {
        match dice.whole(0, 4) {
            0 | 1 => Self::Level,
            2 => Self::Wave {
                amplitude: dice.between(0.3, 0.8),
                period: dice.between(0.3, 1.5) * seconds,
            },
            _ => {
                let count = dice.whole(1, 4);
                let slot = seconds / count as f64;
                let burst = |i: usize| {
                    let from = slot * (i as f64 + dice.between(0.1, 0.5));
                    let to = from + slot * dice.between(0.05, 0.4);
                    (from, to, dice.between(1.5, 4.0))
                };
                Self::Bursts((0..count).map(burst).collect())
            }
        }
    }
}

/// A target: its keys as they will be written.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) name: char,
    pub(super) ttft_ms: f64,
    pub(super) tpot_ms: f64,
    pub(super) error_rate: f64,
    pub(super) price_in: f64,
    pub(super) price_out: f64,
    pub(super) keys: BTreeMap<&'static str, String>,
}

impl Target {
    pub(super) fn set(&mut self, key: &'static str, value: String) {
        self.keys.insert(key, value);
    }
}

/// Two to eight targets.
pub(super) fn targets(dice: &mut Dice, traffic: &Traffic) -> Vec<Target> {
    let count = dice.whole(2, 8);
    // A third of all worlds are one model at equal providers, or copies of a server.
    let alike = dice.chance(0.33);
    let slowness = if alike { 0.03 } else { 0.4 };
    let dearness = if dice.chance(0.4) { 0.0 } else { 0.5 };
    let weights = weights(dice, count);
    let prices = (dice.around(2e6, 0.8), dice.around(8e6, 0.8));
    let names = ('a'..='h').zip(weights);
    let mut all: Vec<Target> = names
        .map(|(name, weight)| {
            let slow = dice.around(1.0, slowness);
            let price = dice.around(1.0, dearness);
            let mut target = Target {
                name,
                ttft_ms: traffic.ttft_ms * slow * dice.around(1.0, slowness / 2.0),
                tpot_ms: traffic.tpot_ms * slow * dice.around(1.0, slowness / 2.0),
                error_rate: dice.octaves(0.0005, 0.01),
                price_in: prices.0 * price,
                price_out: prices.1 * price,
                keys: BTreeMap::new(),
            };
            target.set("weight", short(weight));
            target.set("ttft_ms", short(target.ttft_ms));
            target.set("tpot_ms", short(target.tpot_ms));
            target.set("error_rate", short(target.error_rate));
            target.set("price_in", short(target.price_in));
            target.set("price_out", short(target.price_out));
            // Deviations of ln(time to first token) of 0.14 to 0.9 were measured.
            target.set("spread", short(dice.between(0.15, 0.7)));
            if dice.chance(0.25) {
                let (p, factor) = (dice.octaves(0.005, 0.1), dice.between(3.0, 10.0));
                let tail = format!("{{ p = {}, factor = {} }}", short(p), short(factor));
                target.set("tail", tail);
            }
            target
        })
        .collect();
    limit(dice, traffic, &mut all);
    all
}

/// Equal weights in two of five worlds; else anything, the least a fiftieth.
fn weights(dice: &mut Dice, count: usize) -> Vec<f64> {
    if dice.chance(0.4) {
        return vec![1.0; count];
    }
    let mut raw = || dice.octaves(0.02, 1.0);
    (0..count).map(|_| raw()).collect()
}

/// Some targets take no more than so much, in every second world; never all of them.
fn limit(dice: &mut Dice, traffic: &Traffic, targets: &mut [Target]) {
    if !dice.chance(0.5) {
        return;
    }
    let count = targets.len();
    let spared = dice.whole(0, count - 1);
    for (i, target) in targets.iter_mut().enumerate() {
        if i == spared || !dice.chance(0.5) {
            continue;
        }
        // What it takes, relative to the whole load at its peak.
        let part = dice.between(0.15, 1.0);
        let rate = part * traffic.peak();
        match dice.whole(0, 3) {
            0 | 1 => {
                let seconds = traffic.typical * target.ttft_ms / traffic.ttft_ms;
                let servers = (rate * seconds).ceil().max(1.0);
                target.set("servers", short(servers));
            }
            2 => {
                let burst = (rate * dice.between(1.0, 10.0)).max(1.0).ceil();
                let limit = format!("{{ rps = {}, burst = {} }}", short(rate), short(burst));
                target.set("rate_limit", limit);
            }
            _ => {
                let requests = (rate * 60.0).ceil().max(1.0);
                let limit = format!("{{ requests = {requests}, seconds = 60.0 }}");
                target.set("window_limit", limit);
            }
        }
    }
}
