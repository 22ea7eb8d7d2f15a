//! Moments as dates.

use super::Time;

/// Microseconds of a day.
const DAY_US: u64 = 86_400_000_000;

/// The date and the time of day of a moment since 1970, as `2026-11-28` and `20:14`, both UTC.
/// Source: <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>, read 2026-11-23.
pub fn calendar(at: Time) -> (String, String) {
    let unix_us = at.as_micros();
    let shifted = unix_us / DAY_US + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let minutes = unix_us % DAY_US / 60_000_000;
    (
        format!("{:04}-{month:02}-{day:02}", year + era * 400 + carry),
        format!("{:02}:{:02}", minutes / 60, minutes % 60),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_turns_of_years_are_right() {
        for (unix, date, time) in [
            (0, "1970-01-01", "00:00"),
            (951_782_399, "2000-02-28", "23:59"),
            (951_782_400, "2000-02-29", "00:00"),
            (1_795_896_885, "2026-11-28", "20:14"),
            (1_798_761_600, "2027-01-01", "00:00"),
        ] {
            let shown = calendar(Time::from_micros(unix * 1_000_000));
            assert_eq!(shown, (date.to_owned(), time.to_owned()), "{unix}");
        }
    }
}
