//! A figure that may change over time.
//!
//! A world is interesting where it changes: a target slows down, comes back, follows the hour of the day. So every
//! figure of a law may be written as a plain number, as steps, as a ramp or as a wave, and is asked for its value at a
//! moment. There is no formula language: four forms cover every scenario so far, and a reader sees at a glance what a
//! line does.

use std::f64::consts::TAU;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A figure over time, in whatever unit its key has. Times are seconds since the law began.
///
/// In files: `v` | `[[t, v], …]` steps | `{ ramp = [[t, v], …] }` | `{ base, amplitude, period }`.
///
/// # Invariants
/// All parts are finite; points are in rising order of time and at least one; a period is above zero.
///
/// # Examples
/// ```
/// use weighbridge::law::Number;
/// let slow_at_200: Number = serde_json::from_str("[[0, 500], [200, 2000]]").unwrap();
/// assert_eq!(slow_at_200.at(199.9), 500.0);
/// assert_eq!(slow_at_200.at(200.0), 2000.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Number(Form);

impl Default for Number {
    fn default() -> Self {
        Self::ZERO
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Constant(f64),
    /// A value holds from its time on; the first one also before it.
    Steps(Vec<(f64, f64)>),
    /// Straight lines between the points, level outside of them.
    Ramp(Vec<(f64, f64)>),
    /// base + amplitude · sin(2π t / period).
    Sine {
        base: f64,
        amplitude: f64,
        period: f64,
    },
}

/// Why a figure over time is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NumberError {
    /// NaN or infinite.
    #[error("expected a finite number, found {0}")]
    NotFinite(f64),
    /// Steps or a ramp without any point.
    #[error("expected at least one [seconds, value], found none")]
    NoPoints,
    /// A point that is not later than the one before it.
    #[error("expected times that rise, found {1} s after {0} s")]
    Order(f64, f64),
    /// A wave that never comes round.
    #[error("expected a period above 0 s, found {0}")]
    Period(f64),
}

impl Number {
    /// The same at all times.
    ///
    /// # Errors
    /// [`NumberError::NotFinite`].
    pub fn constant(value: f64) -> Result<Self, NumberError> {
        Ok(Self(Form::Constant(finite(value)?)))
    }

    /// Zero at all times.
    pub const ZERO: Self = Self(Form::Constant(0.0));

    /// A known constant of this crate; not for values that come from outside.
    pub(super) const fn known(value: f64) -> Self {
        Self(Form::Constant(value))
    }

    /// Each value from its time (seconds) on; the first one also before it.
    pub fn steps(points: Vec<(f64, f64)>) -> Result<Self, NumberError> {
        Ok(Self(Form::Steps(ordered(points)?)))
    }

    /// Straight lines between points (seconds, value), level before the first and after the last.
    pub fn ramp(points: Vec<(f64, f64)>) -> Result<Self, NumberError> {
        Ok(Self(Form::Ramp(ordered(points)?)))
    }

    /// `base + amplitude · sin(2π t / period)`, the period in seconds.
    pub fn sine(base: f64, amplitude: f64, period: f64) -> Result<Self, NumberError> {
        if finite(period)? <= 0.0 {
            return Err(NumberError::Period(period));
        }
        Ok(Self(Form::Sine {
            base: finite(base)?,
            amplitude: finite(amplitude)?,
            period,
        }))
    }

    /// The value `seconds` after the law began.
    pub fn at(&self, seconds: f64) -> f64 {
        match &self.0 {
            Form::Constant(value) => *value,
            Form::Steps(points) => {
                let begun = points.partition_point(|(from, _)| *from <= seconds);
                points
                    .get(begun.saturating_sub(1))
                    .map_or(0.0, |(_, value)| *value)
            }
            Form::Ramp(points) => along(points, seconds),
            Form::Sine {
                base,
                amplitude,
                period,
            } => base + amplitude * (TAU * seconds / period).sin(),
        }
    }

    /// The least and the greatest value at any time.
    pub fn bounds(&self) -> (f64, f64) {
        match &self.0 {
            Form::Constant(value) => (*value, *value),
            Form::Steps(points) | Form::Ramp(points) => points.iter().fold(
                (f64::INFINITY, f64::NEG_INFINITY),
                |(low, high), (_, value)| (low.min(*value), high.max(*value)),
            ),
            Form::Sine {
                base, amplitude, ..
            } => (base - amplitude.abs(), base + amplitude.abs()),
        }
    }
}

/// Where a ramp is at `seconds`.
fn along(points: &[(f64, f64)], seconds: f64) -> f64 {
    let passed = points.partition_point(|(time, _)| *time <= seconds);
    let before = passed.checked_sub(1).and_then(|last| points.get(last));
    match (before, points.get(passed)) {
        (Some((from, start)), Some((to, end))) => {
            start + (end - start) * (seconds - from) / (to - from)
        }
        (Some((_, level)), None) | (None, Some((_, level))) => *level,
        (None, None) => 0.0,
    }
}

fn finite(value: f64) -> Result<f64, NumberError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(NumberError::NotFinite(value))
    }
}

fn ordered(points: Vec<(f64, f64)>) -> Result<Vec<(f64, f64)>, NumberError> {
    if points.is_empty() {
        return Err(NumberError::NoPoints);
    }
    for (time, value) in &points {
        finite(*time)?;
        finite(*value)?;
    }
    for ((earlier, _), (later, _)) in points.iter().zip(points.iter().skip(1)) {
        if later <= earlier {
            return Err(NumberError::Order(*earlier, *later));
        }
    }
    Ok(points)
}

// === reading and writing ===

/// Reads a figure that is never below zero, at any time: durations, counts, prices.
pub(crate) fn non_negative<'de, D: Deserializer<'de>>(from: D) -> Result<Number, D::Error> {
    within(from, f64::INFINITY, "a number from 0 up")
}

/// Reads a share of requests: 0 to 1 at all times.
pub(crate) fn fraction<'de, D: Deserializer<'de>>(from: D) -> Result<Number, D::Error> {
    within(from, 1.0, "a share from 0 to 1")
}

fn within<'de, D: Deserializer<'de>>(
    from: D,
    most: f64,
    expected: &str,
) -> Result<Number, D::Error> {
    let number = Number::deserialize(from)?;
    let (low, high) = number.bounds();
    let outside = if low < 0.0 { low } else { high };
    if low < 0.0 || high > most {
        return Err(de::Error::custom(format_args!(
            "expected {expected}, found {outside}"
        )));
    }
    Ok(number)
}

const FORMS: &str = "a number, steps [[seconds, value], …], { ramp = [[seconds, value], …] } or \
                     { base, amplitude, period }";

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Forms)
    }
}

struct Forms;

impl<'de> Visitor<'de> for Forms {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORMS)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
        Number::constant(value).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
        self.visit_f64(value as f64)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Number, A::Error> {
        let mut points = Vec::new();
        while let Some(point) = items.next_element::<(f64, f64)>()? {
            points.push(point);
        }
        Number::steps(points).map_err(de::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Number, A::Error> {
        let mut shape = Shape::default();
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "ramp" => shape.ramp = Some(entries.next_value()?),
                "base" => shape.base = Some(entries.next_value()?),
                "amplitude" => shape.amplitude = Some(entries.next_value()?),
                "period" => shape.period = Some(entries.next_value()?),
                other => {
                    let known = &["ramp", "base", "amplitude", "period"];
                    return Err(de::Error::unknown_field(other, known));
                }
            }
        }
        shape.number().map_err(de::Error::custom)
    }
}

/// The keys of the two forms that are tables, before it is known which form it is.
#[derive(Default)]
struct Shape {
    ramp: Option<Vec<(f64, f64)>>,
    base: Option<f64>,
    amplitude: Option<f64>,
    period: Option<f64>,
}

impl Shape {
    fn number(self) -> Result<Number, String> {
        match (self.ramp, self.base, self.amplitude, self.period) {
            (Some(points), None, None, None) => Number::ramp(points),
            (None, Some(base), Some(amplitude), Some(period)) => {
                Number::sine(base, amplitude, period)
            }
            (Some(_), _, _, _) => return Err("\"ramp\" stands alone in its table".to_owned()),
            (None, _, _, _) => return Err(format!("expected {FORMS}; a key is missing")),
        }
        .map_err(|problem| problem.to_string())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        match &self.0 {
            Form::Constant(value) => to.serialize_f64(*value),
            Form::Steps(points) => points.serialize(to),
            Form::Ramp(points) => {
                let mut table = to.serialize_map(Some(1))?;
                table.serialize_entry("ramp", points)?;
                table.end()
            }
            Form::Sine {
                base,
                amplitude,
                period,
            } => {
                let mut table = to.serialize_map(Some(3))?;
                table.serialize_entry("base", base)?;
                table.serialize_entry("amplitude", amplitude)?;
                table.serialize_entry("period", period)?;
                table.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, values: &[(f64, f64)]) {
        let number: Number = serde_json::from_str(json).unwrap();
        for (time, expected) in values {
            let found = number.at(*time);
            assert!(
                (found - expected).abs() < 1e-9,
                "{json} at {time} s should be {expected}, was {found}"
            );
        }
        let again: Number = serde_json::from_str(&serde_json::to_string(&number).unwrap()).unwrap();
        assert_eq!(again, number, "{json} should survive being written");
    }

    #[test]
    fn each_form_has_its_value_at_each_time() {
        check("7", &[(0.0, 7.0), (1e9, 7.0)]);
        check(
            "[[10, 1], [20, 2.5]]",
            &[
                (0.0, 1.0),
                (10.0, 1.0),
                (19.999, 1.0),
                (20.0, 2.5),
                (99.0, 2.5),
            ],
        );
        check(
            r#"{"ramp": [[10, 100], [20, 200], [40, 0]]}"#,
            &[
                (0.0, 100.0),
                (15.0, 150.0),
                (20.0, 200.0),
                (30.0, 100.0),
                (50.0, 0.0),
            ],
        );
        check(
            r#"{"base": 12, "amplitude": 9.6, "period": 300}"#,
            &[(0.0, 12.0), (75.0, 21.6), (150.0, 12.0), (225.0, 2.4)],
        );
    }

    #[test]
    fn bounds_hold_every_value() {
        let wave = Number::sine(5.0, -2.0, 10.0).unwrap();
        assert_eq!(
            wave.bounds(),
            (3.0, 7.0),
            "a negative amplitude is still a swing"
        );
        let ramp = Number::ramp(vec![(0.0, 3.0), (1.0, -1.0)]).unwrap();
        assert_eq!(ramp.bounds(), (-1.0, 3.0), "a ramp reaches its points");
    }

    #[test]
    fn what_is_no_figure_over_time_is_refused_in_words() {
        for (json, words) in [
            ("[]", "at least one"),
            ("[[5, 1], [5, 2]]", "times that rise"),
            (
                r#"{"base": 1, "amplitude": 1, "period": 0}"#,
                "period above 0",
            ),
            (r#"{"base": 1}"#, "a key is missing"),
            (r#"{"ramp": [[0, 1]], "base": 1}"#, "stands alone"),
            (r#"{"slope": 1}"#, "unknown field `slope`"),
            (r#""fast""#, "steps [[seconds, value], …]"),
        ] {
            let problem = serde_json::from_str::<Number>(json)
                .unwrap_err()
                .to_string();
            assert!(
                problem.contains(words),
                "{json} should say {words:?}, said {problem:?}"
            );
        }
        assert!(
            toml::from_str::<toml::Table>("v = nan")
                .unwrap()
                .get("v")
                .unwrap()
                .clone()
                .try_into::<Number>()
                .is_err(),
            "NaN is no figure"
        );
    }
}
