//! Dates and times as the API reads them.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::state::is_bookable;

/// What a text is that should be an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Iso {
    /// No date.
    No,
    /// Spelled like a date, and there is no such day or time.
    Impossible,
    /// An instant; a day counts as its first moment in UTC, and a time without an offset as UTC.
    At(DateTime<Utc>),
}

impl Iso {
    pub(super) fn read(text: &str) -> Self {
        let bytes = text.as_bytes();
        let Some(date) = text.get(..10).filter(|date| looks_like(date, "0000-00-00")) else {
            return Self::No;
        };
        let time = match bytes.get(10) {
            None => "",
            Some(b'T' | b' ') => &text[11..],
            Some(_) => return Self::No,
        };
        let Some((clock, east)) = split_offset(time) else {
            return Self::No;
        };
        let clock = match clock.len() {
            0 if bytes.len() == 10 => "00:00:00".to_owned(),
            5 if looks_like(clock, "00:00") => format!("{clock}:00"),
            _ if looks_like(clock.get(..8).unwrap_or_default(), "00:00:00")
                && is_fraction(&clock[8..]) =>
            {
                clock.to_owned()
            }
            _ => return Self::No,
        };
        let instant = || {
            let date: NaiveDate = date.parse().ok()?;
            let time: NaiveTime = clock.parse().ok()?;
            date.and_time(time)
                .and_utc()
                .checked_sub_signed(TimeDelta::minutes(east))
        };
        match instant() {
            Some(instant) if is_bookable(instant) => Self::At(instant),
            _ => Self::Impossible,
        }
    }

    pub(super) fn instant(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(instant) => Some(instant),
            _ => None,
        }
    }
}

/// Whether a text has digits where the pattern has zeros, and is the same elsewhere.
fn looks_like(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(one, expected)| {
            if expected == b'0' {
                one.is_ascii_digit()
            } else {
                one == expected
            }
        })
}

fn is_fraction(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix('.')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// A time and its offset in minutes east of UTC.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (clock, offset) = time.split_at(at);
    let digits: String = offset[1..].chars().filter(|c| *c != ':').collect();
    let known = looks_like(&offset[1..], "00:00")
        || looks_like(&offset[1..], "0000")
        || looks_like(&offset[1..], "00");
    if !known {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> i64 {
        digits
            .get(range)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    };
    let minutes = number(0..2) * 60 + number(2..4);
    Some((
        clock,
        if offset.starts_with('-') {
            -minutes
        } else {
            minutes
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_the_real_server_reads_them() {
        let at = |text: &str| Iso::At(text.parse().unwrap());
        for (text, read) in [
            ("2027-01-28T12:00Z", at("2027-01-28T12:00:00Z")),
            ("2027-01-28", at("2027-01-28T00:00:00Z")),
            ("2027-01-28T10:00:00", at("2027-01-28T10:00:00Z")),
            ("2027-01-28T11:00:00+01:00", at("2027-01-28T10:00:00Z")),
            ("2027-01-28T11:00:00.000Z", at("2027-01-28T11:00:00Z")),
            ("2027-02-30T10:00:00Z", Iso::Impossible),
            ("tomorrow", Iso::No),
            ("2027-01-28T", Iso::No),
            ("2027-01-28Tx", Iso::No),
            ("", Iso::No),
            ("äöüäöüäöü", Iso::No),
        ] {
            assert_eq!(Iso::read(text), read, "{text}");
        }
    }
}
