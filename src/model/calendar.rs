//! The Gregorian calendar by UTC, as far as windows of time need it.

use std::time::Duration;

use super::Time;

/// Microseconds of a day.
const DAY_US: u64 = 86_400_000_000;
/// Days from 0000-03-01 to 1970-01-01.
const BEFORE_1970: u64 = 719_468;

/// Year, month (1 to 12) and day (1 to 31) of a moment that counts from 1970.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`: years that begin in March, so
/// that the day that comes every fourth year is their last, in eras of 400 years.
pub fn date_of(at: Time) -> (u64, u64, u64) {
    let days = at.as_micros() / DAY_US + BEFORE_1970;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    (year, month, day)
}

/// The date and the time of day of a moment since 1970, as `2026-11-28` and `20:14`, both UTC.
pub fn calendar(at: Time) -> (String, String) {
    let (year, month, day) = date_of(at);
    let minutes = at.as_micros() % DAY_US / 60_000_000;
    (
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{:02}:{:02}", minutes / 60, minutes % 60),
    )
}

/// A moment to the minute, for people: `2026-12-01 00:00 UTC`.
pub fn minute_of(at: Time) -> String {
    let (date, time) = calendar(at);
    format!("{date} {time} UTC")
}

/// The first moment of a month (1 to 12) of a year from 1970 on.
///
/// Source: as for [`date_of`], `days_from_civil`.
pub fn month_begins(year: u64, month: u64) -> Time {
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    let days = days.saturating_sub(BEFORE_1970);
    Time::ZERO.after(Duration::from_micros(days.saturating_mul(DAY_US)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn months_begin_when_the_calendar_says() {
        for (year, month, seconds) in [
            (1970, 1, 0),
            (1970, 2, 2_678_400),
            (2000, 3, 951_868_800),
            (2024, 3, 1_709_251_200),
            (2026, 12, 1_796_083_200),
        ] {
            assert_eq!(month_begins(year, month), at(seconds), "{year}-{month}");
            assert_eq!(date_of(at(seconds)), (year, month, 1));
        }
    }

    #[test]
    fn every_month_ends_where_the_next_begins() {
        let mut begins = month_begins(1970, 1);
        for number in 0..12 * 500 {
            let (year, month) = (1970 + number / 12, number % 12 + 1);
            assert_eq!(month_begins(year, month), begins);
            let (next_year, next_month) = (1970 + (number + 1) / 12, (number + 1) % 12 + 1);
            let next = month_begins(next_year, next_month);
            let days = next.since(begins).as_secs() / 86_400;
            assert!((28..=31).contains(&days), "{year}-{month} has {days} days");
            let last = Time::from_micros(next.as_micros() - 1);
            let of_last = date_of(last);
            assert_eq!(of_last, (year, month, days), "its last moment");
            begins = next;
        }
    }

    #[test]
    fn people_read_a_moment_to_the_minute() {
        assert_eq!(minute_of(at(1_709_200_859)), "2024-02-29 10:00 UTC");
        assert_eq!(minute_of(at(1_796_083_200)), "2026-12-01 00:00 UTC");
    }

    #[test]
    fn leap_days_and_turns_of_years_are_right() {
        for (unix, date, time) in [
            (0, "1970-01-01", "00:00"),
            (951_782_399, "2000-02-28", "23:59"),
            (951_782_400, "2000-02-29", "00:00"),
            (1_795_896_885, "2026-11-28", "20:14"),
            (1_798_761_600, "2027-01-01", "00:00"),
        ] {
            let shown = calendar(at(unix));
            assert_eq!(shown, (date.to_owned(), time.to_owned()), "{unix}");
        }
    }
}
