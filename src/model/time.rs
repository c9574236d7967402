//! Instants as Cal.com writes them: `…00Z`, `….000Z`, `…+00:00`, with another offset, or with none, which the server itself
//! reads as UTC (observed: a booking created with an offset-less start).

use chrono::{DateTime, Datelike, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use serde::{Deserializer, Serializer};
use serde_with::{DeserializeAs, SerializeAs};

use super::word::Word;

/// Reads an instant in any spelling that the server uses; `None` if the text is not an instant of a year of four digits, which
/// alone can be written so that it is read again.
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.with_timezone(&Utc))
        .ok()
        .or_else(|| {
            text.parse::<NaiveDateTime>()
                .ok()
                .map(|naive| naive.and_utc())
        })
        .filter(|instant| (0..=9999).contains(&instant.year()))
}

/// Writes an instant the way Cal.com accepts it everywhere: UTC, with `Z`, and a fraction only where there is one.
pub fn format_instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The serde adapter for an instant, to be used with `serde_with`.
#[derive(Debug)]
pub(crate) struct Instant;

impl<'de> DeserializeAs<'de, DateTime<Utc>> for Instant {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        // The text is not repeated in the error: it may be anything.
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
                .map_err(|_| "expected a time of day as HH:MM")
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
}
