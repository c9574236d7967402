//! Days relative to today.

use chrono::{Datelike, Days, Months, NaiveDate, TimeDelta, Weekday};

/// The day some days later; `None` where the calendar ends.
pub(super) fn plus(day: NaiveDate, days: i64) -> Option<NaiveDate> {
    day.checked_add_signed(TimeDelta::try_days(days)?)
}

/// The first such day of the week, from a day on.
pub(super) fn weekday_from(day: NaiveDate, weekday: Weekday) -> Option<NaiveDate> {
    plus(day, i64::from(weekday.days_since(day.weekday())))
}

/// The Monday of a day's week.
pub(super) fn monday(day: NaiveDate) -> Option<NaiveDate> {
    day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()))
}

/// The next day of this month and day of the month, from today on; in a year, that one. `None` if there is
/// no such day.
pub(super) fn month_day(
    today: NaiveDate,
    month: u32,
    day: u32,
    year: Option<i32>,
) -> Option<NaiveDate> {
    if let Some(year) = year {
        return NaiveDate::from_ymd_opt(year, month, day);
    }
    // 29 February is eight years away at most.
    let years = today.year()..=today.year().saturating_add(8);
    let mut dates = years.filter_map(|year| NaiveDate::from_ymd_opt(year, month, day));
    dates.find(|date| *date >= today)
}

/// The next day of the month, from today on: "the 5th".
pub(super) fn day_of_month(today: NaiveDate, day: u32) -> Option<NaiveDate> {
    let first = today.with_day(1)?;
    let months = (0..=12).filter_map(|ahead| first.checked_add_months(Months::new(ahead)));
    let mut dates = months.filter_map(|month| month.with_day(day));
    dates.find(|date| *date >= today)
}

/// A day of the month, the given number of months ahead: "the 5th of next month".
pub(super) fn day_of_month_ahead(today: NaiveDate, months: u32, day: u32) -> Option<NaiveDate> {
    let first = today.with_day(1)?;
    first.checked_add_months(Months::new(months))?.with_day(day)
}

/// The last day of a month.
pub(super) fn last_of_month(first: NaiveDate) -> Option<NaiveDate> {
    first.checked_add_months(Months::new(1))?.pred_opt()
}

/// A year as it is written: `26` is 2026.
pub(super) fn year(number: u32) -> Option<i32> {
    match number {
        0..=99 => i32::try_from(number).ok().map(|year| 2_000 + year),
        1_900..=2_999 => i32::try_from(number).ok(),
        _ => None,
    }
}

/// The first, second or [last](super::said::Day::LAST) such day of the week in a month; the next one that
/// is still to come, of any month or of one. `None` if that month has no such day.
pub(super) fn nth(
    today: NaiveDate,
    place: u32,
    weekday: Weekday,
    month: Option<u32>,
) -> Option<NaiveDate> {
    let this = today.with_day(1)?;
    let months = (0..=13).filter_map(|ahead| this.checked_add_months(Months::new(ahead)));
    let mut days = months
        .filter(|first| month.is_none_or(|month| first.month() == month))
        .map(|first| nth_of(first, place, weekday));
    days.find(|day| day.map_or(month.is_some(), |day| day >= today))?
}

/// The first, second or last such day of the week in the month that begins on a day.
fn nth_of(first: NaiveDate, place: u32, weekday: Weekday) -> Option<NaiveDate> {
    let end = last_of_month(first)?;
    let mut day = weekday_from(first, weekday)?;
    for _ in 1..place {
        match plus(day, 7).filter(|day| *day <= end) {
            Some(next) => day = next,
            None if place == super::said::Day::LAST => break,
            None => return None,
        }
    }
    Some(day)
}
