//! ISO 8601.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc};

use super::said::Clock;
use super::words::Cursor;

/// A date, and the time that follows it.
pub(super) struct Iso {
    /// `None` if there is no such day.
    pub(super) date: Option<NaiveDate>,
    pub(super) time: Option<Clock>,
    /// The offset from UTC in seconds.
    offset: Option<i32>,
    /// How many tokens it takes up.
    pub(super) length: usize,
}

impl Iso {
    /// The instant, if there is an offset.
    pub(super) fn instant(&self) -> Option<DateTime<Utc>> {
        let offset = FixedOffset::east_opt(self.offset?)?;
        let local = NaiveDateTime::new(self.date?, self.time?.exactly()?);
        Some(local.and_local_timezone(offset).single()?.to_utc())
    }

    /// Reads a date, with or without a time, at the cursor.
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        let (date, mut length) = date(cursor)?;
        let mut iso = Self {
            date,
            time: None,
            offset: None,
            length,
        };
        let marked = cursor.is(length, &["t"]);
        length += usize::from(marked);
        if let Some((time, used)) = time(cursor.ahead(length)) {
            iso.time = Some(time);
            iso.length = length + used;
            if let Some((offset, used)) = offset(cursor.ahead(iso.length), marked) {
                iso.offset = Some(offset);
                iso.length += used;
            }
        }
        Some(iso)
    }
}

/// `2026-12-10` or `20261210`.
fn date(cursor: Cursor<'_>) -> Option<(Option<NaiveDate>, usize)> {
    let year = cursor.number(0)?;
    let date =
        |year: u32, month, day| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day);
    match cursor.figures(0) {
        4 => {
            let month = cursor.figures_after(1, '-')?;
            let day = cursor.figures_after(3, '-')?;
            Some((date(year, month, day), 5))
        }
        8 => {
            let date = date(year / 10_000, year / 100 % 100, year % 100)?;
            Some((Some(date), 1))
        }
        _ => None,
    }
}

/// `14:30`, `14:30:00`, `14:30:00.000` or, after a `T`, `143000`.
pub(super) fn time(cursor: Cursor<'_>) -> Option<(Clock, usize)> {
    let number = cursor.number(0)?;
    let (hour, minute, second, mut length) = match cursor.figures(0) {
        2 if cursor.figures(2) == 2 => {
            let minute = cursor.figures_after(1, ':')?;
            match cursor.figures_after(3, ':') {
                Some(second) => (number, minute, second, 5),
                None => (number, minute, 0, 3),
            }
        }
        4 if cursor.before(1) == "t" => (number / 100, number % 100, 0, 1),
        6 if cursor.before(1) == "t" => (number / 10_000, number / 100 % 100, number % 100, 1),
        _ => return None,
    };
    if cursor.figures_after(length, '.').is_some() {
        length += 2;
    }
    Some((Clock::exact(hour, minute, second)?, length))
}

/// `Z`, `+01:00`, `+0100` or `+01`, in seconds. A minus after a time without a `T` means "until".
fn offset(cursor: Cursor<'_>, marked: bool) -> Option<(i32, usize)> {
    if cursor.is(0, &["z"]) {
        return Some((0, 1));
    }
    let sign = match (cursor.mark(0, '+'), cursor.mark(0, '-')) {
        (true, _) => 1,
        (_, true) if marked => -1,
        _ => return None,
    };
    if !cursor.glued(0) || !cursor.glued(1) {
        return None;
    }
    let number = i32::try_from(cursor.number(1)?).ok()?;
    let (hours, minutes, length) = match (cursor.figures(1), cursor.figures_after(2, ':')) {
        (2, Some(minutes)) => (number, i32::try_from(minutes).ok()?, 4),
        (2, None) => (number, 0, 2),
        (4, _) => (number / 100, number % 100, 2),
        _ => return None,
    };
    let exists = hours < 24 && minutes < 60;
    exists.then_some((sign * (hours * 60 + minutes) * 60, length))
}
