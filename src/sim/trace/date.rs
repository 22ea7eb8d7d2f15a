//! Dates with a clock time, as logs write them.

/// Seconds since 1970 of `2023-11-16 18:15:46.68`, with a `T` or a space between, and with or without a zone.
///
/// `None` if it is no such date.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    if !(0..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (clock, zone) = zone(clock)?;
    let mut clock = clock.splitn(3, ':');
    let hour = clock.next()?.parse::<f64>().ok()?;
    let minute = clock.next()?.parse::<f64>().ok()?;
    let second = clock.next()?.parse::<f64>().ok()?;
    let within = |value: f64, limit: f64| (0.0..limit).contains(&value);
    if !(within(hour, 24.0) && within(minute, 60.0) && within(second, 61.0)) {
        return None;
    }
    let days = days(year, month, day) as f64;
    Some(days * 86_400.0 + hour * 3600.0 + minute * 60.0 + second - zone)
}

/// The clock time without its zone, and what the zone is ahead, in seconds.
fn zone(clock: &str) -> Option<(&str, f64)> {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']) {
        return Some((clock, 0.0));
    }
    let Some((time, offset)) = clock.rsplit_once(['+', '-']) else {
        return Some((clock, 0.0));
    };
    let ahead = if clock.contains('+') { 1.0 } else { -1.0 };
    let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "0"));
    let seconds = hours.parse::<f64>().ok()? * 3600.0 + minutes.parse::<f64>().ok()? * 60.0;
    (seconds.abs() <= 86_400.0).then_some((time, ahead * seconds))
}

/// Days since 1970-01-01 in the Gregorian calendar. Source: Howard Hinnant, "chrono-compatible low-level date algorithms",
/// `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_from_1970_in_any_usual_form() {
        for (text, expected) in [
            ("1970-01-01 00:00:00", 0.0),
            ("2000-03-01T00:00:00Z", 951_868_800.0),
            ("2023-11-16 18:15:46.68", 1_700_158_546.68),
            ("2024-02-29 12:00:00+02:00", 1_709_200_800.0),
            ("2024-02-29 12:00:00.5-05:30", 1_709_227_800.5),
        ] {
            let found = seconds(text).unwrap();
            assert!((found - expected).abs() < 1e-3, "{text} is {found}");
        }
        for text in [
            "",
            "yesterday",
            "2024-13-01 00:00:00",
            "2024-01-01 25:00:00",
            "2024-01-01",
            "9223372036854775807-01-01 00:00:00",
            "2024-01-01 00:00:00+inf",
            "2024-01-01 00:00:00+nan",
        ] {
            assert_eq!(seconds(text), None, "{text:?} is no date");
        }
    }
}
