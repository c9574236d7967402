//! Days in English.

use chrono::{Months, NaiveDate, Weekday};

use super::dates::{self, month};
use crate::agents::language::calendar::plus;
use crate::agents::language::heard::Heard;
use crate::agents::language::reading::{Asked, in_minutes};
use crate::agents::language::said::{Day, Piece, Which};
use crate::agents::language::words::Cursor;

/// Reads a day or several.
pub(super) fn read(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> usize {
    let today = asked.now.date();
    let used = named(cursor, heard, today)
        .or_else(|| relative(cursor, heard, asked))
        .or_else(|| counted(cursor, heard))
        .or_else(|| described(cursor, heard, today))
        .or_else(|| piece(cursor, heard))
        .or_else(|| weekday(cursor, heard, 0, Which::Plain))
        .or_else(|| dates::read(cursor, heard, asked))
        .unwrap_or_default();
    if used > 0 {
        heard.end_at(cursor.at + used);
    }
    used
}

/// "Tomorrow" and the like.
fn named(cursor: Cursor<'_>, heard: &mut Heard, today: NaiveDate) -> Option<usize> {
    let (days, used) = match cursor.word(0) {
        "today" => (0, 1),
        "tomorrow" | "tomorrows" => (1, 1),
        "yesterday" => (-1, 1),
        "day" if cursor.is(1, &["after"]) && cursor.is(2, &["tomorrow"]) => (2, 3),
        "day" if cursor.is(1, &["before"]) && cursor.is(2, &["yesterday"]) => (-2, 3),
        "overmorrow" => (2, 1),
        "weekend" => {
            heard.day(Day::Weekend(false));
            return Some(1);
        }
        // "Thursday week".
        "week" if heard.shift(7, cursor.at) => return Some(1),
        "fortnight" if heard.shift(14, cursor.at) => return Some(1),
        "week" if cursor.is(1, &["after"]) && cursor.is(2, &["next"]) => {
            heard.day(Day::Week(2, Piece::Whole));
            return Some(3);
        }
        _ => return None,
    };
    heard.day(Day::on(plus(today, days)));
    Some(used)
}

/// How much of a unit: "a week", "three days"; and how many tokens that takes up.
fn amount(cursor: Cursor<'_>) -> Option<(i64, usize)> {
    if cursor.is(0, &["a", "an"]) {
        return Some((1, 1));
    }
    if cursor.is(0, &["couple"]) {
        return Some((2, 1 + usize::from(cursor.is(1, &["of"]))));
    }
    let number = cursor.number(0).filter(|number| *number <= 999)?;
    Some((number.into(), 1))
}

/// "In three days", "a week from Thursday", "two weeks ago".
fn relative(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> Option<usize> {
    let ahead = usize::from(cursor.is(0, &["in"]));
    if ahead == 1 && cursor.is(1, &["half"]) && cursor.is(3, &["hour"]) {
        in_minutes(heard, asked.now, 30);
        return Some(4);
    }
    let article = usize::from(cursor.is(ahead, &["a"]) && cursor.is(ahead + 1, &["couple"]));
    let (count, length) = amount(cursor.ahead(ahead + article))?;
    let at = ahead + article + length;
    let today = asked.now.date();
    let days = match cursor.word(at) {
        "day" | "days" => count,
        "week" | "weeks" => count * 7,
        "fortnight" | "fortnights" => count * 14,
        "month" | "months" if ahead == 1 => {
            let months = Months::new(u32::try_from(count).ok()?);
            heard.day(Day::on(today.checked_add_months(months)));
            return Some(at + 1);
        }
        "hour" | "hours" if ahead == 1 => {
            in_minutes(heard, asked.now, u32::try_from(count).ok()? * 60);
            return Some(at + 1);
        }
        "minute" | "minutes" if ahead == 1 => {
            in_minutes(heard, asked.now, u32::try_from(count).ok()?);
            return Some(at + 1);
        }
        _ => return None,
    };
    let at = at + 1 + usize::from(cursor.is(at + 1, &["time"]));
    if ahead == 1 {
        if !heard.shift(days, cursor.at) {
            heard.day(if days % 7 == 0 {
                Day::InWeeks(days / 7)
            } else {
                Day::on(plus(today, days))
            });
        }
        return Some(at);
    }
    if cursor.is(at, &["ago"]) {
        heard.day(Day::on(plus(today, -days)));
        return Some(at + 1);
    }
    if !cursor.is(at, &["from", "after", "on"]) {
        return None;
    }
    let later = match cursor.word(at + 1) {
        "now" | "today" => 0,
        "tomorrow" => 1,
        _ => {
            let used = weekday(cursor, heard, at + 1, Which::Plain)?;
            // The day of the week is what was heard last.
            heard.end_at(cursor.at + used);
            heard.shift(days, cursor.at + used);
            return Some(used);
        }
    };
    heard.day(Day::on(plus(today, days + later)));
    Some(at + 2)
}

/// Which one a word means.
pub(super) fn which(word: &str) -> Option<Which> {
    Some(match word {
        "next" => Which::Next,
        "coming" | "upcoming" | "following" => Which::Coming,
        "this" => Which::Plain,
        "last" | "past" => Which::Last,
        _ => return None,
    })
}

/// How many weeks or months ahead a word means.
pub(super) fn ahead(which: Which) -> i64 {
    match which {
        Which::Next | Which::Coming => 1,
        Which::Last => -1,
        _ => 0,
    }
}

/// "Next Tuesday", "this week".
fn described(cursor: Cursor<'_>, heard: &mut Heard, today: NaiveDate) -> Option<usize> {
    let mut which = which(cursor.word(0))?;
    let mut at = 1;
    if which == Which::Plain && cursor.is(1, &["coming", "upcoming"]) {
        which = Which::Coming;
        at = 2;
    }
    if let Some(used) = weekday(cursor, heard, at, which) {
        return Some(used);
    }
    let ahead = ahead(which);
    match cursor.word(at) {
        "week" => heard.day(Day::Week(ahead, Piece::Whole)),
        "month" if ahead >= 0 => heard.day(Day::MonthAhead(ahead, Piece::Whole)),
        "weekend" => heard.day(Day::Weekend(which == Which::Next)),
        "morning" | "afternoon" | "evening" if which == Which::Plain => {
            heard.day(Day::Date(today));
            return Some(at);
        }
        "few" if ahead == 1 && cursor.is(at + 1, &["days"]) => {
            heard.within(today, 7);
            return Some(at + 2);
        }
        _ => {
            let number = cursor
                .number(at)
                .filter(|number| ahead == 1 && *number <= 60)?;
            let days = match cursor.word(at + 1) {
                "days" => number,
                "weeks" => number * 7,
                _ => return None,
            };
            heard.within(today, days.into());
            return Some(at + 2);
        }
    }
    Some(at + 1)
}

/// "Beginning of next week", "late December", "in December".
fn piece(cursor: Cursor<'_>, heard: &mut Heard) -> Option<usize> {
    let piece = match cursor.word(0) {
        "beginning" | "start" | "early" => Piece::Start,
        "middle" | "mid" => Piece::Middle,
        "end" | "late" => Piece::End,
        "in" if month(cursor.word(1)).is_some()
            && cursor.number(2).is_none()
            && cursor.ordinal(2).is_none() =>
        {
            Piece::Whole
        }
        _ => return None,
    };
    let mut at = 1 + usize::from(cursor.is(1, &["of", "in", "-"]));
    at += usize::from(cursor.is(at, &["the"]) || cursor.mark(at, '-'));
    let ahead = which(cursor.word(at)).map(ahead);
    at += usize::from(ahead.is_some());
    let ahead = ahead.unwrap_or_default();
    let day = match cursor.word(at) {
        "week" => Day::Week(ahead, piece),
        "month" if ahead >= 0 => Day::MonthAhead(ahead, piece),
        // "Late December 5th" is a day.
        name if cursor.number(at + 1).is_none() && cursor.ordinal(at + 1).is_none() => Day::Month {
            month: month(name)?,
            piece,
        },
        _ => return None,
    };
    heard.day(day);
    Some(at + 1)
}

/// A day of the week, and what may follow it: "Tuesday after next".
fn weekday(cursor: Cursor<'_>, heard: &mut Heard, at: usize, which: Which) -> Option<usize> {
    let day = name(cursor.word(at))?;
    let after_next = cursor.is(at + 1, &["after"]) && cursor.is(at + 2, &["next"]);
    let which = if after_next { Which::AfterNext } else { which };
    heard.day(Day::Weekday(day, which));
    Some(at + if after_next { 3 } else { 1 })
}

/// The day of the week that a word names.
fn name(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "mon" | "mondays" => Weekday::Mon,
        "tuesday" | "tue" | "tues" | "tuesdays" => Weekday::Tue,
        "wednesday" | "wed" | "weds" | "wednesdays" => Weekday::Wed,
        "thursday" | "thu" | "thur" | "thurs" | "thursdays" => Weekday::Thu,
        "friday" | "fri" | "fridays" => Weekday::Fri,
        "saturday" | "sat" | "saturdays" => Weekday::Sat,
        "sunday" | "sun" | "sundays" => Weekday::Sun,
        _ => return None,
    })
}

/// "The second Thursday in December", "the last Friday of the month".
fn counted(cursor: Cursor<'_>, heard: &mut Heard) -> Option<usize> {
    let last = cursor.is(0, &["last"]);
    let number = cursor.ordinal(0).filter(|place| (1..=5).contains(place));
    let place = if last { Day::LAST } else { number? };
    let day = name(cursor.word(1))?;
    let joined = cursor.is(2, &["in", "of"]);
    let named = month(cursor.word(3)).filter(|_| joined);
    let of_month = joined && cursor.is(3, &["the"]) && cursor.is(4, &["month"]);
    if last && named.is_none() && !of_month {
        return None;
    }
    heard.day(Day::Nth(place, day, named));
    Some(match (named, of_month) {
        (Some(_), _) => 4,
        (None, true) => 5,
        (None, false) => 2,
    })
}
