//! Days, times and durations as they are said in German.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::agents::language::calendar::plus;
use crate::agents::language::speech::{Slots, list, needs_year};

const WEEKDAYS: [&str; 7] = [
    "Montag",
    "Dienstag",
    "Mittwoch",
    "Donnerstag",
    "Freitag",
    "Samstag",
    "Sonntag",
];

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

const COUNTS: [&str; 13] = [
    "null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn",
    "elf", "zwölf",
];

/// A number of things, in words up to twelve.
pub(in crate::agents::language) fn count(number: usize) -> String {
    COUNTS
        .get(number)
        .map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// "10. Dezember", with the year where it is needed.
pub(in crate::agents::language) fn date(date: NaiveDate, today: NaiveDate) -> String {
    let month = MONTHS
        .get(date.month0() as usize)
        .copied()
        .unwrap_or_default();
    if needs_year(date, today) {
        format!("{}. {month} {}", date.day(), date.year())
    } else {
        format!("{}. {month}", date.day())
    }
}

/// "Heute", "morgen" or nothing.
fn near(day: NaiveDate, today: NaiveDate) -> Option<&'static str> {
    if day == today {
        Some("heute")
    } else if Some(day) == plus(today, 1) {
        Some("morgen")
    } else {
        None
    }
}

/// "Donnerstag, den 10. Dezember", or "morgen".
pub(in crate::agents::language) fn day(day: NaiveDate, today: NaiveDate) -> String {
    if let Some(near) = near(day, today) {
        return near.to_owned();
    }
    let name = day.weekday().num_days_from_monday() as usize;
    let name = WEEKDAYS.get(name).copied().unwrap_or_default();
    format!("{name}, den {}", date(day, today))
}

/// "Am Donnerstag, den 10. Dezember", or "morgen".
pub(in crate::agents::language) fn on_day(on: NaiveDate, today: NaiveDate) -> String {
    match near(on, today) {
        Some(near) => near.to_owned(),
        None => format!("am {}", day(on, today)),
    }
}

/// "14 Uhr 30".
pub(in crate::agents::language) fn clock(time: NaiveTime) -> String {
    let hour = time.hour();
    let minute = match time.minute() {
        0 => String::new(),
        minute => format!(" {minute}"),
    };
    // Such hours are in the afternoon unless the morning is named.
    let morning = if (1..7).contains(&hour) {
        " morgens"
    } else {
        ""
    };
    format!("{hour} Uhr{minute}{morning}")
}

/// A day and what follows it, after the comma that closes the date.
fn then(day: &str, rest: &str) -> String {
    let comma = if day.contains(',') { "," } else { "" };
    format!("{day}{comma} {rest}")
}

/// "Am Donnerstag, den 10. Dezember, um 14 Uhr 30".
pub(in crate::agents::language) fn at(at: NaiveDateTime, today: NaiveDate) -> String {
    let time = clock(at.time());
    then(&on_day(at.date(), today), &format!("um {time}"))
}

/// "Donnerstag, den 10. Dezember, um 14 Uhr 30".
pub(in crate::agents::language) fn to(at: NaiveDateTime, today: NaiveDate) -> String {
    let time = clock(at.time());
    then(&day(at.date(), today), &format!("um {time}"))
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
                "am selben Tag".to_owned()
            } else {
                on_day(*day, today)
            };
            then(&day, &format!("um {}", list(&times, "oder")))
        }
        Slots::Several(starts) => {
            let starts: Vec<String> = starts.iter().map(|start| at(*start, today)).collect();
            list(&starts, "oder")
        }
    }
}

/// "Eine Stunde und 15 Minuten".
pub(in crate::agents::language) fn duration(minutes: u32) -> String {
    let hours = match minutes / 60 {
        0 => None,
        1 => Some("eine Stunde".to_owned()),
        hours => Some(format!("{hours} Stunden")),
    };
    let rest = match minutes % 60 {
        0 => None,
        1 => Some("eine Minute".to_owned()),
        rest => Some(format!("{rest} Minuten")),
    };
    match (hours, rest) {
        (Some(hours), Some(rest)) => format!("{hours} und {rest}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "0 Minuten".to_owned(),
    }
}
