//! The noise of one request at one target, made by hashing rather than drawn from a stream.
//!
//! Two policies can only be compared fairly if the same request meets the same luck at the same target under both. A
//! generator that is drawn from in the order of events can't do that: the first different choice shifts everything
//! after it. So the luck of (seed, request number, target) is a pure function of the three. A target's part is its
//! name's hash, so that adding a target changes nobody else's luck.
//!
//! The generator is splitmix64: a counter that rises by the golden ratio, and a finaliser of two multiplications and
//! three shifts. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. It is
//! integer arithmetic, so it gives the same bits everywhere. Normals come by Box and Muller through `ln` and `cos`,
//! whose last bit may differ between platforms; they are rounded to multiples of 2⁻³², which hides that.

use std::f64::consts::TAU;

/// The golden ratio's 64 bits, an odd number: the step of splitmix64's counter.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// splitmix64's finaliser: every input bit reaches every output bit.
const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// A short, repeatable stream of draws: splitmix64 from a hashed start.
#[derive(Clone, Debug)]
pub struct Generator(u64);

impl Generator {
    /// The stream that belongs to these three numbers; a change of one bit in any of them is another stream.
    pub const fn of(seed: u64, number: u64, salt: u64) -> Self {
        let seeded = mix(seed.wrapping_add(STEP));
        let numbered = mix((seeded ^ number).wrapping_add(STEP));
        Self(mix((numbered ^ salt).wrapping_add(STEP)))
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Evenly in [0, 1), a multiple of 2⁻⁵³.
    pub const fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal with mean 0 and deviation 1, a multiple of 2⁻³² within ±8.6; takes two draws.
    pub fn normal(&mut self) -> f64 {
        // From (0, 1]: the logarithm of 0 would be infinite.
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let normal = radius * (TAU * self.uniform()).cos();
        let grid = (1_u64 << 32) as f64;
        (normal * grid).round() / grid
    }
}

/// The part of a target in its noise: FNV-1a of its name.
///
/// Source: Fowler, Noll, Vo; <http://www.isthe.com/chongo/tech/comp/fnv/>, 64-bit parameters.
pub fn salt(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// All the luck of one request at one target. Which of it matters is the law's affair.
///
/// The draws are made in the order of the fields. A new field goes to the end, or recorded runs change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draws {
    /// Uniform: is it swallowed (`black_hole`, `hang_body`)?
    pub hole: f64,
    /// Uniform: is it an error?
    pub error: f64,
    /// Uniform: where between the bounds of `error_ms` the error comes.
    pub error_time: f64,
    /// Uniform: is it one of the slow ones of `tail`?
    pub tail: f64,
    /// Normal: time to the first token.
    pub first: f64,
    /// Normal: time of the stream.
    pub stream: f64,
    /// Uniform: does its stream stall?
    pub stall: f64,
    /// Uniform: is its stream cut?
    pub cut: f64,
    /// Uniform: how far through the stream it stalls or is cut.
    pub place: f64,
    /// Normal: length of the answer.
    pub tokens: f64,
    /// Uniform: does it meet `misbehave`?
    pub misbehave: f64,
    /// Uniform: does it call a tool?
    pub tools: f64,
}

impl Draws {
    /// The luck of request `number` at the target with this [`salt`].
    pub fn of(seed: u64, number: u64, salt: u64) -> Self {
        let mut from = Generator::of(seed, number, salt);
        Self {
            hole: from.uniform(),
            error: from.uniform(),
            error_time: from.uniform(),
            tail: from.uniform(),
            first: from.normal(),
            stream: from.normal(),
            stall: from.uniform(),
            cut: from.uniform(),
            place: from.uniform(),
            tokens: from.normal(),
            misbehave: from.uniform(),
            tools: from.uniform(),
        }
    }
}

/// The factor exp(σ z − σ²/2): log-normal with mean 1, `spread` = σ of its logarithm, `normal` = z.
pub fn factor(spread: f64, normal: f64) -> f64 {
    (spread * normal - spread * spread / 2.0).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: u64 = 200_000;

    /// Mean and standard deviation of `value` over many requests.
    fn moments(value: impl Fn(&Draws) -> f64) -> (f64, f64) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for number in 0..MANY {
            let found = value(&Draws::of(1, number, salt("a")));
            sum += found;
            squares += found * found;
        }
        let mean = sum / MANY as f64;
        (mean, (squares / MANY as f64 - mean * mean).sqrt())
    }

    #[test]
    fn noise_has_mean_one_and_the_stated_spread() {
        for spread in [0.0, 0.175, 0.35, 0.8] {
            let (mean, _) = moments(|draws| factor(spread, draws.first));
            // Deviation of the factor is sqrt(exp(σ²) − 1), of the mean that over sqrt(n).
            let error = ((spread * spread).exp_m1() / MANY as f64).sqrt();
            assert!(
                (mean - 1.0).abs() <= 5.0 * error,
                "noise of spread {spread} should have mean 1, has {mean}"
            );
        }
        let (_, deviation) = moments(|draws| factor(0.35, draws.stream).ln());
        assert!(
            (deviation - 0.35).abs() < 0.005,
            "spread is the deviation of the logarithm, found {deviation}"
        );
    }

    #[test]
    fn uniforms_are_even() {
        for draw in [
            |draws: &Draws| draws.hole,
            |draws: &Draws| draws.error,
            |draws: &Draws| draws.misbehave,
        ] {
            let (mean, deviation) = moments(draw);
            assert!((mean - 0.5).abs() < 0.004, "mean of a uniform is ½: {mean}");
            assert!(
                (deviation - (1.0_f64 / 12.0).sqrt()).abs() < 0.003,
                "deviation of a uniform is 1/√12: {deviation}"
            );
        }
    }

    #[test]
    fn luck_depends_on_all_three_numbers_and_on_nothing_else() {
        let luck = Draws::of(7, 42, salt("a"));
        assert_eq!(luck, Draws::of(7, 42, salt("a")), "asked twice, same luck");
        assert_ne!(luck, Draws::of(8, 42, salt("a")), "another seed");
        assert_ne!(luck, Draws::of(7, 43, salt("a")), "another request");
        assert_ne!(luck, Draws::of(7, 42, salt("b")), "another target");
    }

    #[test]
    fn the_generator_keeps_its_bits() {
        // The first outputs of splitmix64 started at 0, as its authors' C program prints them.
        let mut plain = Generator(0);
        assert_eq!(
            [plain.bits(), plain.bits(), plain.bits()],
            [
                0xE220_A839_7B1D_CDAF,
                0x6E78_9E6A_A1B9_65F4,
                0x06C4_5D18_8009_454F
            ],
            "another sequence would change every recorded run"
        );
        assert_eq!(salt(""), 0xCBF2_9CE4_8422_2325, "FNV-1a's offset basis");
        assert_eq!(salt("a"), 0xAF63_DC4C_8601_EC8C, "FNV-1a of one letter");
    }

    #[test]
    fn luck_at_two_targets_is_unrelated() {
        let (a, b) = (salt("a"), salt("b"));
        let product = (0..MANY)
            .map(|number| Draws::of(1, number, a).first * Draws::of(1, number, b).first)
            .sum::<f64>()
            / MANY as f64;
        assert!(
            product.abs() < 0.012,
            "correlation should be 0, is {product}"
        );
    }
}
