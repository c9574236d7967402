//! Times and spans as a person types them.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// A day at midnight UTC, or a time with its zone.
pub(crate) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    let at = DateTime::parse_from_rfc3339(text);
    at.map(|at| at.with_timezone(&Utc)).map_err(|_| {
        "write a day, such as 2026-12-01, or a time with its zone, such as 2026-12-01T09:00:00Z"
            .to_owned()
    })
}

/// A number and a unit: `ms`, `s`, `m`, `h` or `d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let how = || "write a number and a unit, such as 100ms, 30s, 15m, 24h or 7d".to_owned();
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(how)?;
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().map_err(|_| how())?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    let span = match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" | "min" => seconds(60),
        "h" => seconds(60 * 60),
        "d" => seconds(24 * 60 * 60),
        _ => None,
    };
    // Longer ones cannot be subtracted from a date.
    const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    span.filter(|span| *span <= LONGEST).ok_or_else(how)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("90 s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in [
            "",
            "15",
            "m",
            "-1s",
            "1.5h",
            "1w",
            "99999999999999999999s",
            "40000000d",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        let day = instant("2026-12-01").unwrap();
        assert_eq!(day, instant("2026-12-01T01:00:00+01:00").unwrap());
        assert!(instant("2026-12-01T09:00:00").is_err());
        assert!(instant("tomorrow").is_err());
    }
}
