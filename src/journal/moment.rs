//! Moments as people write them, and as they are shown.

use crate::model::{Time, calendar};

/// Microseconds of a day.
const DAY_US: u64 = 86_400_000_000;

/// A moment that somebody asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Microseconds since 1970.
    Unix(u64),
    /// Microseconds since midnight UTC, of the last day that the journal has.
    OfDay(u64),
}

impl Moment {
    /// Reads `2026-11-28T20:14:45Z` (also with a space, a fraction, without the seconds or the `Z`; always UTC), `20:14:45`,
    /// or seconds since 1970.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        if let Some((date, time)) = text.split_once(['T', 't', ' ']) {
            return Some(Self::Unix(date_us(date)? + time_us(time)?));
        }
        if text.contains(':') {
            return time_us(text).map(Self::OfDay);
        }
        // A simulated journal begins in 1970.
        let seconds: f64 = text.parse().ok()?;
        let is_moment = (0.0..1e11).contains(&seconds);
        is_moment.then(|| Self::Unix(Time::from_secs_f64(seconds).as_micros()))
    }

    /// In microseconds since 1970, where `last_us` is the journal's last moment.
    pub const fn unix_us(self, last_us: u64) -> u64 {
        match self {
            Self::Unix(micros) => micros,
            Self::OfDay(micros) => {
                let today = (last_us - last_us % DAY_US).saturating_add(micros);
                if today > last_us && today >= DAY_US {
                    today - DAY_US
                } else {
                    today
                }
            }
        }
    }
}

fn whole(text: &str, most: u64) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.then(|| text.parse().ok())??;
    (number <= most).then_some(number)
}

/// `2026-11-28` in microseconds since 1970.
fn date_us(text: &str) -> Option<u64> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = (whole(year, 9_999)?, whole(month, 12)?, whole(day, 31)?);
    if year < 1970 || month == 0 || day == 0 {
        return None;
    }
    Some(days_since_1970(year, month, day) * DAY_US)
}

/// `20:14` or `20:14:45.5` in microseconds since midnight.
fn time_us(text: &str) -> Option<u64> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute) = (whole(parts.next()?, 23)?, whole(parts.next()?, 59)?);
    let seconds: f64 = match parts.next() {
        None => 0.0,
        Some(text) if text.starts_with(|c: char| c.is_ascii_digit()) => text.parse().ok()?,
        Some(_) => return None,
    };
    let is_time = (0.0..=60.0).contains(&seconds);
    let seconds = is_time.then(|| Time::from_secs_f64(seconds).as_micros())?;
    Some((hour * 60 + minute) * 60_000_000 + seconds)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar of 1970 or later.
/// Source: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>, read 2026-11-24.
const fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    // Years begin in March, so that the leap day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (year / 400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A moment since 1970 as `2026-11-28 20:14:45.250 UTC`.
pub fn clock_time(unix_us: u64) -> String {
    let (date, time) = calendar(Time::from_micros(unix_us));
    let millis = unix_us % 60_000_000 / 1_000;
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    format!("{date} {time}:{seconds:02}.{millis:03} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_asked_for() {
        for unix_us in [
            0,
            951_782_400_000_000,
            1_795_896_885_250_000,
            4_102_444_799_999_000,
        ] {
            let shown = clock_time(unix_us);
            let read = Moment::read(shown.trim_end_matches(" UTC"));
            assert_eq!(read, Some(Moment::Unix(unix_us)), "{shown}");
        }
        assert_eq!(
            clock_time(1_795_896_885_250_000),
            "2026-11-28 20:14:45.250 UTC"
        );
    }

    #[test]
    fn a_time_of_day_is_of_the_last_day_that_has_it() {
        let last = 1_795_896_885_000_000; // 20:14:45
        let asked = |text: &str| clock_time(Moment::read(text).unwrap().unix_us(last));
        assert_eq!(asked("20:14"), "2026-11-28 20:14:00.000 UTC");
        assert_eq!(asked("23:00:00.5"), "2026-11-27 23:00:00.500 UTC");
        assert_eq!(asked("2026-11-28T20:14Z"), asked("20:14"));
        assert_eq!(asked("1795896885"), "2026-11-28 20:14:45.000 UTC");
        assert_eq!(asked("205"), "1970-01-01 00:03:25.000 UTC");
        let absurd = Moment::OfDay(DAY_US - 1).unix_us(u64::MAX);
        assert!(absurd > u64::MAX - 2 * DAY_US, "no date overflows");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "yesterday",
            "25:00",
            "-12",
            "1e11",
            "2026-13-01T00:00",
            "1969-01-01T00:00",
            "1:2:-3",
            "a:b",
        ] {
            assert_eq!(Moment::read(text), None, "{text:?}");
        }
    }
}
