//! What upstreams that are compared with each other have in common.

use serde::{Deserialize, Serialize};

use super::filter::{LEAST_NOISE, MOST_NOISE, Quantity};
use super::hazard::Hazard;
use super::input::{Reference, UpstreamInput};
use super::possible::{MOST_SECONDS, MOST_TOKENS, Mending, number, numbers};
use super::prompts::Usual;
use super::upstream::UpstreamMemory;

/// Weight of one answer in the running means of the token mix.
const MIX_GAIN: f64 = 0.02;
/// Gain of the pooled noise for each member that answered.
const POOLED_GAIN: f64 = 0.01;
/// Tokens of a typical answer before any was seen.
const FIRST_MIX: (f64, f64) = (400.0, 150.0);
/// The reference moves when the typical normalised time leaves this range: inside it the filters' fixed constants fit.
const FIT: std::ops::Range<f64> = 0.4..2.5;

/// Seconds that a reference may have; beyond them times are noise of a clock or a mistake.
const FIRST_TOKEN: (f64, f64) = (1e-4, 1e4);
const PER_TOKEN: (f64, f64) = (1e-7, 1e2);

/// Bounds on ratios between kinds of answers: beyond them products leave what f64 can hold.
pub(super) const RATIO: (f64, f64) = (1e-6, 1e6);

/// What a cohort remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CohortMemory {
    /// What times are divided by.
    pub(super) reference: Reference,
    /// Pooled noise of the three filters.
    pub(super) noise: [f64; 3],
    /// Running mean of an answer's tokens in and out.
    pub(super) tokens: (f64, f64),
    /// Running mean of the tokens in that were cached.
    #[serde(default)]
    pub(super) cached: f64,
    /// How long unary answers take.
    pub(super) hazard: Hazard,
    /// The normalised unary total that the hazard's ages are of: 1 when it was first filled, and re-expressed with the
    /// reference.
    pub(super) hazard_unit: f64,
    /// Ratio of a unary answer's normalised total to the slowness that streams show.
    pub(super) unary_ratio: f64,
    /// What long prompts cost.
    #[serde(default)]
    pub(super) prompts: Usual,
    /// Seconds since the cohort began.
    pub(super) age: f64,
}

impl Default for CohortMemory {
    fn default() -> Self {
        let first = [Quantity::FirstToken, Quantity::PerToken, Quantity::Unary];
        Self {
            reference: Reference::default(),
            noise: first.map(Quantity::first_noise),
            tokens: FIRST_MIX,
            cached: 0.0,
            hazard: Hazard::default(),
            hazard_unit: 1.0,
            unary_ratio: 1.0,
            prompts: Usual::default(),
            age: 0.0,
        }
    }
}

/// Means over a cohort's members at the last tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pool {
    /// Geometric mean of the filters of those that have data, 1 where nobody has: one sick member moves it little.
    pub(super) means: [f64; 3],
    /// The same of those that serve, if any of them has data: what a member without data is taken for. What is known of who
    /// is out is its illness, and nobody else has that.
    usual: [f64; 3],
    /// Decayed answers and faults of all.
    pub(super) ok: f64,
    pub(super) faults: f64,
}

impl Pool {
    pub(super) fn of<'a>(members: impl Iterator<Item = &'a UpstreamMemory> + Clone) -> Self {
        let mean = |quantity: Quantity, serving: bool| {
            let members = members.clone();
            let members = members.filter(|member| !serving || member.health.is_serving());
            let known = members.filter_map(|member| member.filter(quantity).known());
            let logs = known.map(|mean| mean.max(1e-9).ln());
            let (sum, n) = logs.fold((0.0, 0.0), |(sum, n), log| (sum + log, n + 1.0));
            (n > 0.0).then(|| f64::exp(sum / n))
        };
        let quantities = [Quantity::FirstToken, Quantity::PerToken, Quantity::Unary];
        let means = quantities.map(|quantity| mean(quantity, false).unwrap_or(1.0));
        let usual = quantities.map(|quantity| {
            let serving = mean(quantity, true);
            serving.unwrap_or(means[quantity.index()])
        });
        let (ok, faults) =
            members.fold((0.0, 0.0), |(ok, faults), m| (ok + m.ok, faults + m.faults));
        Self {
            means,
            usual,
            ok,
            faults,
        }
    }

    pub(super) const fn mean(&self, quantity: Quantity) -> f64 {
        self.means[quantity.index()]
    }

    /// What a member without data is taken for.
    pub(super) const fn usual(&self, quantity: Quantity) -> f64 {
        self.usual[quantity.index()]
    }

    /// Fault rate of all members, with a prior of 1 % on 20 requests.
    pub(super) fn fault_rate(&self) -> f64 {
        (self.faults + 0.2) / (self.ok + self.faults + 20.0)
    }

    /// Fault rate of all but one member: a target is compared with its peers, not with itself.
    pub(super) fn peers_fault_rate(&self, own: &UpstreamMemory) -> f64 {
        let (ok, faults) = (
            (self.ok - own.ok).max(0.0),
            (self.faults - own.faults).max(0.0),
        );
        (faults + 0.2) / (ok + faults + 20.0)
    }
}

impl CohortMemory {
    /// The part of a typical answer's time that is its time to first token.
    pub(super) fn first_part(&self) -> f64 {
        self.reference.first_token / self.typical_seconds()
    }

    /// Seconds that a typical answer takes at the reference.
    pub(super) fn typical_seconds(&self) -> f64 {
        self.seconds_at(self.reference)
    }

    /// Seconds that a typical answer would take at another reference.
    pub(super) fn seconds_at(&self, reference: Reference) -> f64 {
        reference.first_token + reference.per_token * self.tokens.1.max(1.0)
    }

    /// Takes the members' batches into the token mix.
    pub(super) fn mix<'a>(&mut self, inputs: impl Iterator<Item = &'a UpstreamInput>) {
        let sums = inputs.fold((0.0, 0.0, 0.0, 0.0), |(n, i, o, c), input| {
            let batch = &input.batch;
            (
                n + f64::from(batch.counted),
                i + batch.tokens_in as f64,
                o + batch.tokens_out as f64,
                c + batch.tokens_cached.min(batch.tokens_in) as f64,
            )
        });
        let (n, tokens_in, tokens_out, cached) = sums;
        if n > 0.0 {
            let gain = 1.0 - (1.0 - MIX_GAIN).powf(n);
            self.tokens.0 += gain * (tokens_in / n - self.tokens.0);
            self.tokens.1 += gain * (tokens_out / n - self.tokens.1);
            self.cached += gain * (cached / n - self.cached);
        }
    }

    /// Takes what members' single values deviate by into the pooled noise.
    pub(super) fn learn_noise<'a>(
        &mut self,
        members: impl ExactSizeIterator<Item = &'a UpstreamMemory>,
    ) {
        let before = self.noise;
        let gain = POOLED_GAIN.min(0.5 / (members.len().max(1) as f64));
        for member in members {
            for (i, residual) in member.residuals.iter().enumerate() {
                self.noise[i] += residual.map_or(0.0, |residual| gain * (residual - before[i]));
            }
        }
        self.noise = self.noise.map(|noise| noise.max(LEAST_NOISE));
    }

    /// Moves the reference towards what is seen, where it has drifted out of the range that the filters' constants are
    /// made for; the members' filters are re-expressed, so that nothing else changes. Tells by what a slowness is to be
    /// multiplied that was known before.
    pub(super) fn refit(&mut self, members: &mut [&mut UpstreamMemory]) -> f64 {
        let before = self.typical_seconds();
        let first = typical(members, Quantity::FirstToken);
        let each = typical(members, Quantity::PerToken);
        let unary = typical(members, Quantity::Unary);
        if let Some(first) = first.filter(|mean| !FIT.contains(mean)) {
            let first = within(self.reference.first_token, first, FIRST_TOKEN);
            self.reference.first_token *= first;
            rescale(members, Quantity::FirstToken, 1.0 / first);
        }
        if let Some(each) = each.filter(|mean| !FIT.contains(mean)) {
            let each = within(self.reference.per_token, each, PER_TOKEN);
            self.reference.per_token *= each;
            rescale(members, Quantity::PerToken, 1.0 / each);
        }
        // Without streams the two parts cannot be told apart: both move.
        if let (None, Some(unary)) = (each, unary.filter(|mean| !FIT.contains(mean))) {
            self.reference.first_token *= within(self.reference.first_token, unary, FIRST_TOKEN);
            self.reference.per_token *= within(self.reference.per_token, unary, PER_TOKEN);
        }
        let factor = before / self.typical_seconds();
        if (factor - 1.0).abs() > 1e-12 {
            rescale(members, Quantity::Unary, factor);
            self.hazard_unit = (self.hazard_unit * factor).clamp(RATIO.0, RATIO.1);
        }
        factor
    }
}

impl CohortMemory {
    /// Lets go of what no run can have written; whether what times are divided by was among it.
    pub(super) fn mend(&mut self, mending: &mut Mending) -> bool {
        let fresh = Self::default();
        mending.part(
            "pooled noise",
            &mut self.noise,
            |noise| numbers("noise", noise, (LEAST_NOISE, MOST_NOISE)),
            || fresh.noise,
        );
        let tokens =
            |tokens: &(f64, f64)| numbers("tokens", [&tokens.0, &tokens.1], (0.0, MOST_TOKENS));
        mending.part("tokens of an answer", &mut self.tokens, tokens, || {
            fresh.tokens
        });
        let cached = |cached: &f64| number("cached", *cached, (0.0, MOST_TOKENS));
        mending.part("cached tokens", &mut self.cached, cached, || fresh.cached);
        let ratio = |ratio: &f64| number("unary_ratio", *ratio, RATIO);
        mending.part("unary answers", &mut self.unary_ratio, ratio, || 1.0);
        let age = |age: &f64| number("age", *age, (0.0, MOST_SECONDS));
        mending.part("age", &mut self.age, age, || 0.0);
        let hazard = mending.part(
            "how long unary answers take",
            &mut self.hazard,
            Hazard::possible,
            Hazard::default,
        );
        let unit = |unit: &f64| number("hazard_unit", *unit, RATIO);
        if mending.part("unit of unary answers", &mut self.hazard_unit, unit, || 1.0) {
            // Its ages are of a unit that is gone.
            self.hazard = Hazard::default();
        } else if hazard {
            self.hazard_unit = 1.0;
        }
        mending.part(
            "what long prompts cost",
            &mut self.prompts,
            Usual::possible,
            Usual::default,
        );
        let lost = mending.part(
            "what times are divided by",
            &mut self.reference,
            |reference| {
                // Rounding may leave a reference that was held at a bound a little beside it.
                let about = |(least, most): (f64, f64)| (0.999 * least, 1.001 * most);
                number("first_token", reference.first_token, about(FIRST_TOKEN))?;
                number("per_token", reference.per_token, about(PER_TOKEN))
            },
            Reference::default,
        );
        if lost {
            (self.hazard, self.hazard_unit) = (Hazard::default(), 1.0);
            self.unary_ratio = 1.0;
        }
        lost
    }
}

fn rescale(members: &mut [&mut UpstreamMemory], quantity: Quantity, by: f64) {
    for member in members {
        member.filter_mut(quantity).rescale(by);
    }
}

/// The factor nearest to `factor` that keeps `value` within the range.
fn within(value: f64, factor: f64, (least, most): (f64, f64)) -> f64 {
    (value * factor).clamp(least, most) / value
}

/// Geometric mean of what members' filters hold: one sick member moves it little.
fn typical(members: &[&mut UpstreamMemory], quantity: Quantity) -> Option<f64> {
    let known = members
        .iter()
        .filter_map(|member| member.filter(quantity).known());
    let (sum, n) = known.fold((0.0, 0.0), |(sum, n), mean| {
        (sum + mean.max(1e-9).ln(), n + 1.0)
    });
    (n > 0.0).then(|| f64::exp(sum / n))
}
