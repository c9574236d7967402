//! Days, times and durations as they are said in English.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::agents::language::calendar::plus;
use crate::agents::language::speech::{Slots, list, needs_year};

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const COUNTS: [&str; 13] = [
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];

/// A number of things, in words up to twelve.
pub(in crate::agents::language) fn count(number: usize) -> String {
    COUNTS
        .get(number)
        .map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// "December 10th", with the year where it is needed.
pub(in crate::agents::language) fn date(date: NaiveDate, today: NaiveDate) -> String {
    let month = MONTHS
        .get(date.month0() as usize)
        .copied()
        .unwrap_or_default();
    let day = date.day();
    let end = match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    if needs_year(date, today) {
        format!("{month} {day}{end}, {}", date.year())
    } else {
        format!("{month} {day}{end}")
    }
}

/// "Today", "tomorrow" or nothing.
fn near(day: NaiveDate, today: NaiveDate) -> Option<&'static str> {
    if day == today {
        Some("today")
    } else if Some(day) == plus(today, 1) {
        Some("tomorrow")
    } else {
        None
    }
}

/// "Thursday, December 10th", or "tomorrow".
pub(in crate::agents::language) fn day(day: NaiveDate, today: NaiveDate) -> String {
    if let Some(near) = near(day, today) {
        return near.to_owned();
    }
    let name = day.weekday().num_days_from_monday() as usize;
    let name = WEEKDAYS.get(name).copied().unwrap_or_default();
    format!("{name}, {}", date(day, today))
}

/// "On Thursday, December 10th", or "tomorrow".
pub(in crate::agents::language) fn on_day(on: NaiveDate, today: NaiveDate) -> String {
    match near(on, today) {
        Some(near) => near.to_owned(),
        None => format!("on {}", day(on, today)),
    }
}

/// "2:30 pm".
pub(in crate::agents::language) fn clock(time: NaiveTime) -> String {
    let (pm, hour) = time.hour12();
    let half = if pm { "pm" } else { "am" };
    match (time.hour(), time.minute()) {
        (0, 0) => "midnight".to_owned(),
        (12, 0) => "noon".to_owned(),
        (_, 0) => format!("{hour} {half}"),
        (_, minute) => format!("{hour}:{minute:02} {half}"),
    }
}

/// A day and what follows it, after the comma that closes the date.
fn then(day: &str, rest: &str) -> String {
    let comma = if day.contains(',') { "," } else { "" };
    format!("{day}{comma} {rest}")
}

/// "On Thursday, December 10th, at 2:30 pm".
pub(in crate::agents::language) fn at(at: NaiveDateTime, today: NaiveDate) -> String {
    let time = clock(at.time());
    then(&on_day(at.date(), today), &format!("at {time}"))
}

/// "Thursday, December 10th, at 2:30 pm".
pub(in crate::agents::language) fn to(at: NaiveDateTime, today: NaiveDate) -> String {
    let time = clock(at.time());
    then(&day(at.date(), today), &format!("at {time}"))
}

/// Times, from which one is to be chosen. On the day that was asked for, it is not said again.
pub(in crate::agents::language) fn slots(
    slots: &Slots,
    today: NaiveDate,
    asked: Option<NaiveDate>,
) -> String {
    match slots {
        Slots::OneDay(day, times) => {
            let times: Vec<String> = times.iter().map(|time| clock(*time)).collect();
            let day = if asked == Some(*day) {
                "the same day".to_owned()
            } else {
                on_day(*day, today)
            };
            then(&day, &format!("at {}", list(&times, "or")))
        }
        Slots::Several(starts) => {
            let starts: Vec<String> = starts.iter().map(|start| at(*start, today)).collect();
            list(&starts, "or")
        }
    }
}

/// "One hour and 15 minutes".
pub(in crate::agents::language) fn duration(minutes: u32) -> String {
    let hours = match minutes / 60 {
        0 => None,
        1 => Some("one hour".to_owned()),
        hours => Some(format!("{hours} hours")),
    };
    let rest = match minutes % 60 {
        0 => None,
        1 => Some("one minute".to_owned()),
        rest => Some(format!("{rest} minutes")),
    };
    match (hours, rest) {
        (Some(hours), Some(rest)) => format!("{hours} and {rest}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "no time".to_owned(),
    }
}
