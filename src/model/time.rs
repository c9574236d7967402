//! Timestamps in Cal.com's formats: `…00Z`, `….000Z`, `…+00:00`, another offset, or no offset.
//!
//! The server itself interprets a timestamp without an offset as UTC (observed: a booking created
//! with such a start).

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Timelike,
    Utc,
};
use serde::{Deserializer, Serializer};
use serde_with::{DeserializeAs, SerializeAs};

use super::word::Word;

/// Parses a timestamp in any format that the server uses.
///
/// Returns `None` if the string is not a timestamp with a four-digit year, because only those can
/// be formatted and parsed again.
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    parse_usual(text)
        .or_else(|| parse_any(text))
        .filter(|instant| (0..=9999).contains(&instant.year()))
}

/// Parses the formats that Cal.com is known to use, much faster than chrono's general parser.
///
/// `None` does not mean that the string is invalid.
fn parse_usual(text: &str) -> Option<DateTime<Utc>> {
    #[rustfmt::skip]
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, rest @ ..] =
        text.as_bytes() else { return None };
    let (millisecond, zone) = match rest {
        [b'.', f0, f1, f2, zone @ ..] => (number([*f0, *f1, *f2])?, zone),
        zone => (0, zone),
    };
    let offset = match zone {
        [] | [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h0, h1, b':', n0, n1] => {
            let (hours, minutes) = (number([*h0, *h1])?, number([*n0, *n1])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let year = i32::try_from(number([*y0, *y1, *y2, *y3])?).ok()?;
    let (month, day) = (number([*m0, *m1])?, number([*d0, *d1])?);
    let (hour, minute, second) = (
        number([*h0, *h1])?,
        number([*n0, *n1])?,
        number([*s0, *s1])?,
    );
    let there = NaiveDate::from_ymd_opt(year, month, day)?
        .and_hms_milli_opt(hour, minute, second, millisecond)?
        .and_utc();
    if offset == 0 {
        return Some(there);
    }
    there.checked_sub_signed(TimeDelta::seconds(offset))
}

fn number<const N: usize>(digits: [u8; N]) -> Option<u32> {
    digits.into_iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u32::from(digit - b'0'))
    })
}

fn parse_any(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.with_timezone(&Utc))
        .ok()
        .or_else(|| {
            text.parse::<NaiveDateTime>()
                .ok()
                .map(|naive| naive.and_utc())
        })
}

/// Formats a timestamp in the way that Cal.com accepts everywhere: in UTC, with `Z`, and with a
/// fraction only if there is one.
pub fn format_instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The serde adapter for a timestamp, to be used with `serde_with`.
#[derive(Debug)]
pub(crate) struct Instant;

impl<'de> DeserializeAs<'de, DateTime<Utc>> for Instant {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        // The error does not repeat the string, which may contain anything.
        deserializer.deserialize_str(Word(|text: &str| {
            parse_instant(text).ok_or("expected an ISO 8601 date and time")
        }))
    }
}

impl SerializeAs<DateTime<Utc>> for Instant {
    fn serialize_as<S: Serializer>(
        instant: &DateTime<Utc>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_instant(*instant))
    }
}

/// The serde adapter for a time of day as `HH:MM`.
#[derive(Debug)]
pub(crate) struct HourAndMinute;

impl<'de> DeserializeAs<'de, NaiveTime> for HourAndMinute {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        deserializer.deserialize_str(Word(|text: &str| {
            NaiveTime::parse_from_str(text, "%H:%M")
                .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S"))
                .ok()
                // Seconds cannot be written, so they are not read.
                .and_then(|time| NaiveTime::from_hms_opt(time.hour(), time.minute(), 0))
                .ok_or("expected a time of day as HH:MM")
        }))
    }
}

impl SerializeAs<NaiveTime> for HourAndMinute {
    fn serialize_as<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_one_instant_is_the_same_instant() {
        let spellings = [
            "2026-12-07T14:00:00Z",
            "2026-12-07T14:00:00.000Z",
            "2026-12-07T14:00:00+00:00",
            "2026-12-07T15:00:00.000+01:00",
            "2026-12-07T14:00:00",
        ];
        for text in spellings {
            let instant = parse_instant(text).expect(text);
            assert_eq!(format_instant(instant), "2026-12-07T14:00:00Z", "{text}");
        }
        assert_eq!(parse_instant("soon"), None);
        assert_eq!(parse_instant("2026-12-07"), None);
        for text in ["+10000-01-01T00:00:00", "9999-12-31T23:00:00-02:00"] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    /// Two digits, usually in or just outside the range of a field.
    fn two_digits() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => (0..=31_u32).prop_map(|n| format!("{n:02}")),
            1 => (0..=99_u32).prop_map(|n| format!("{n:02}")),
            1 => Just("60".to_owned()),
        ]
    }

    /// Strings that are timestamps or nearly so.
    fn near_instant() -> impl Strategy<Value = String> {
        let year = prop_oneof![
            6 => "20[0-9]{2}",
            1 => "(0000|9999|[0-9]{4}|[+-][0-9]{4,6})",
        ];
        let date_time = (
            (
                year,
                prop_oneof![3 => (1..=12_u32).prop_map(|n| format!("{n:02}")), 1 => two_digits()],
            ),
            (
                two_digits(),
                prop_oneof![20 => Just("T"), 1 => Just(" "), 1 => Just("t")],
            ),
            (two_digits(), two_digits(), two_digits()),
        );
        let fraction =
            prop_oneof![2 => Just(String::new()), 2 => "\\.[0-9]{3}", 1 => "[.,][0-9]{0,12}"];
        let zone = prop_oneof![
            2 => Just(String::new()),
            3 => Just("Z".to_owned()),
            1 => "z|UTC|[+-]00:00| Z|\u{2212}01:00",
            3 => "[+-][0-2][0-9]:[0-6][0-9]",
            1 => "[+-][0-9]{2}:?[0-9]{0,2}",
        ];
        (date_time, fraction, zone).prop_map(|(((y, m), (d, t), (h, n, s)), fraction, zone)| {
            format!("{y}-{m}-{d}{t}{h}:{n}:{s}{fraction}{zone}")
        })
    }

    fn by_chrono(text: &str) -> Option<DateTime<Utc>> {
        parse_any(text).filter(|instant| (0..=9999).contains(&instant.year()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn every_text_is_read_as_chrono_reads_it(text in near_instant()) {
            prop_assert_eq!(parse_instant(&text), by_chrono(&text));
        }

        #[test]
        fn also_with_a_character_changed_left_out_or_added(
            text in near_instant(),
            at: prop::sample::Index,
            removed in 0..=1_usize,
            added in prop_oneof![Just(String::new()), "[0-9:.+TZ-]", any::<char>().prop_map(String::from)],
        ) {
            let mut characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len());
            characters.splice(at..at + removed, added.chars());
            let text: String = characters.into_iter().collect();
            prop_assert_eq!(parse_instant(&text), by_chrono(&text));
        }

        #[test]
        fn and_any_text_at_all(text: String) {
            prop_assert_eq!(parse_instant(&text), by_chrono(&text));
        }
    }

    #[test]
    fn a_time_of_day_is_read_as_it_is_written() {
        use serde_with::{DeserializeAs, SerializeAs};

        for text in ["12:34", "12:34:56", "12:34:60"] {
            let read = HourAndMinute::deserialize_as(serde_json::Value::from(text)).unwrap();
            let written = HourAndMinute::serialize_as(&read, serde_json::value::Serializer);
            assert_eq!(written.unwrap(), "12:34");
            assert_eq!(Some(read), NaiveTime::from_hms_opt(12, 34, 0));
        }
    }

    #[test]
    fn the_usual_spellings_do_not_need_chronos_parser() {
        for text in [
            "2026-12-07T14:00:00Z",
            "2026-12-07T14:00:00.000Z",
            "2026-12-07T15:00:00.000+01:00",
        ] {
            assert!(parse_usual(text).is_some(), "{text}");
        }
        for text in [
            "2016-12-31T23:59:60Z",
            "2026-02-29T00:00:00Z",
            "2026-12-07T24:00:00Z",
        ] {
            assert_eq!(parse_usual(text), None, "{text}");
        }
    }
}
