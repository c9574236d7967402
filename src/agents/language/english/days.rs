//! Days in English.

use chrono::{Months, NaiveDate, Weekday};

use super::times::part;
use crate::agents::language::calendar::{day_of_month_ahead, month_day, plus, year};
use crate::agents::language::heard::{Day, Heard, Join, Piece, Which};
use crate::agents::language::reading::{Asked, in_minutes};
use crate::agents::language::words::{Cursor, Kind};

/// Reads a day or several.
pub(super) fn read(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> usize {
    let today = asked.now.date();
    let used = named(cursor, heard, today)
        .or_else(|| relative(cursor, heard, asked))
        .or_else(|| described(cursor, heard, today))
        .or_else(|| piece(cursor, heard))
        .or_else(|| weekday(cursor, heard, 0, Which::Plain))
        .or_else(|| date(cursor, heard, asked))
        .unwrap_or_default();
    if used > 0 {
        heard.end_at(cursor.at + used);
    }
    used
}

fn on(day: Option<NaiveDate>) -> Day {
    day.map_or(Day::None, Day::Date)
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
    heard.day(on(plus(today, days)));
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
            heard.day(on(today.checked_add_months(months)));
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
            heard.day(if days % 7 == 0 { Day::InWeeks(days / 7) } else { on(plus(today, days)) });
        }
        return Some(at);
    }
    if cursor.is(at, &["ago"]) {
        heard.day(on(plus(today, -days)));
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
    heard.day(on(plus(today, days + later)));
    Some(at + 2)
}

/// Which one a word means.
fn which(word: &str) -> Option<Which> {
    Some(match word {
        "next" => Which::Next,
        "coming" | "upcoming" | "following" => Which::Coming,
        "this" => Which::Plain,
        "last" | "past" => Which::Last,
        _ => return None,
    })
}

/// How many weeks or months ahead a word means.
fn ahead(which: Which) -> i64 {
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
            within(heard, today, 7);
            return Some(at + 2);
        }
        _ => {
            let number = cursor.number(at).filter(|number| ahead == 1 && *number <= 60)?;
            let days = match cursor.word(at + 1) {
                "days" => number,
                "weeks" => number * 7,
                _ => return None,
            };
            within(heard, today, days.into());
            return Some(at + 2);
        }
    }
    Some(at + 1)
}

/// The days from tomorrow on.
fn within(heard: &mut Heard, today: NaiveDate, days: i64) {
    heard.bound(Join::From);
    heard.day(on(plus(today, 1)));
    heard.bound(Join::Until);
    heard.day(on(plus(today, days)));
}

/// "Beginning of next week", "late December", "in December".
fn piece(cursor: Cursor<'_>, heard: &mut Heard) -> Option<usize> {
    let piece = match cursor.word(0) {
        "beginning" | "start" | "early" => Piece::Start,
        "middle" | "mid" => Piece::Middle,
        "end" | "late" => Piece::End,
        "in" if month(cursor.word(1)).is_some() && cursor.number(2).is_none() && cursor.ordinal(2).is_none() => {
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
    let day = match cursor.word(at) {
        "monday" | "mon" | "mondays" => Weekday::Mon,
        "tuesday" | "tue" | "tues" | "tuesdays" => Weekday::Tue,
        "wednesday" | "wed" | "weds" | "wednesdays" => Weekday::Wed,
        "thursday" | "thu" | "thur" | "thurs" | "thursdays" => Weekday::Thu,
        "friday" | "fri" | "fridays" => Weekday::Fri,
        "saturday" | "sat" | "saturdays" => Weekday::Sat,
        "sunday" | "sun" | "sundays" => Weekday::Sun,
        _ => return None,
    };
    let after_next = cursor.is(at + 1, &["after"]) && cursor.is(at + 2, &["next"]);
    let which = if after_next { Which::AfterNext } else { which };
    heard.day(Day::Weekday(day, which));
    Some(at + if after_next { 3 } else { 1 })
}

/// The month that a word names.
pub(super) fn month(word: &str) -> Option<u32> {
    Some(match word {
        "january" | "jan" => 1,
        "february" | "feb" => 2,
        "march" | "mar" => 3,
        "april" | "apr" => 4,
        "may" => 5,
        "june" | "jun" => 6,
        "july" | "jul" => 7,
        "august" | "aug" => 8,
        "september" | "sept" | "sep" => 9,
        "october" | "oct" => 10,
        "november" | "nov" => 11,
        "december" | "dec" => 12,
        _ => return None,
    })
}

/// A year at a place, and where it ends.
fn year_at(cursor: Cursor<'_>, at: usize) -> (Option<i32>, usize) {
    let from = at + usize::from(cursor.mark(at, ','));
    let said = match (cursor.number(from), cursor.figures(from)) {
        (Some(number), 4) => Some((number, 1)),
        // "Twenty twenty-six".
        (Some(20), 0) if cursor.figures(from + 1) == 0 => {
            let rest = cursor.number(from + 1).filter(|rest| (20..100).contains(rest));
            rest.map(|rest| (2_000 + rest, 2))
        }
        _ => None,
    };
    let is_hour = cursor.is(from + 1, &["hours"]) || cursor.mark(from + 1, ':');
    let found = said.and_then(|(number, used)| Some((year(number)?, used)));
    match found {
        Some((year, used)) if !is_hour => (Some(year), from + used),
        _ => (None, at),
    }
}

/// A date: "December 5th", "5 December", "the 5th", "12/5".
fn date(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> Option<usize> {
    if let Some(month) = month(cursor.word(0)) {
        let at = 1 + usize::from(cursor.mark(1, '.')) + usize::from(cursor.is(1, &["the"]));
        let is_hour = cursor.mark(at + 1, ':') || cursor.is(at + 1, &["am", "pm", "oclock"]);
        let number = cursor.number(at).filter(|_| cursor.figures(at) < 3 && !is_hour);
        let day = number.or(cursor.ordinal(at))?;
        let (year, used) = year_at(cursor, at + 1);
        heard.day(Day::MonthDay { month, day, year });
        return Some(used);
    }
    let number = cursor.number(0).filter(|_| cursor.figures(0) < 3);
    let day = number.or(cursor.ordinal(0))?;
    let of = usize::from(cursor.is(1, &["of"]));
    if let Some(month) = month(cursor.word(1 + of)) {
        let (year, used) = year_at(cursor, 2 + of);
        heard.day(Day::MonthDay { month, day, year });
        return Some(used);
    }
    if let Some(ahead) = which(cursor.word(1 + of)).map(ahead).filter(|ahead| *ahead >= 0)
        && of == 1
        && cursor.is(3, &["month"])
    {
        let months = u32::try_from(ahead).ok()?;
        heard.day(on(day_of_month_ahead(asked.now.date(), months, day)));
        return Some(4);
    }
    if cursor.figures(0) > 0 && cursor.figures(2) > 0 {
        return in_figures(cursor, heard, day, asked);
    }
    // The day of the month alone. Before another word, "the first" is not a day.
    let day = cursor.ordinal(0).filter(|day| (1..=31).contains(day) && !asked.time_alone)?;
    let next = cursor.token(1);
    let is_noun = cursor.is(1, &["one"])
        || next.is_some_and(|next| next.kind == Kind::Word && !AFTER_DAY.contains(&next.text.as_str()));
    let before = ["the", "on", "or", "until", "till", "from", "to", "and", "by", "before", "after"];
    let introduced = before.contains(&cursor.before(1)) || heard.day_just_before(cursor.at);
    if !introduced || (is_noun && part(cursor.word(1)).is_none()) {
        return None;
    }
    heard.day(Day::DayOfMonth(day));
    Some(1)
}

/// Words that can follow the day of a month.
const AFTER_DAY: &[&str] = &[
    "at", "in", "around", "about", "after", "before", "between", "from", "by", "please", "or", "and", "if", "would",
    "is", "works", "until", "till", "to", "through", "noon", "midday", "early", "late", "half", "quarter", "any",
    "anytime", "sometime", "maybe", "then", "any", "first", "a", "would", "could", "on", "works",
];

/// "12/5", "12/5/2026", "5.12.2026".
fn in_figures(cursor: Cursor<'_>, heard: &mut Heard, one: u32, asked: Asked) -> Option<usize> {
    let mark = ['/', '.'].into_iter().find(|mark| cursor.mark(1, *mark))?;
    let other = cursor.number(2).filter(|_| cursor.figures(2) < 3)?;
    let number = cursor.figures_after(3, mark);
    let year = number.filter(|_| [2, 4].contains(&cursor.figures(4))).and_then(year);
    if mark == '.' {
        // With dots, a date is written as in Europe, and two numbers are a time.
        year?;
        heard.day(Day::MonthDay { month: other, day: one, year });
        return Some(5);
    }
    let today = asked.now.date();
    let american = month_day(today, one, other, year);
    let european = month_day(today, other, one, year);
    heard.day(match (american, european) {
        (Some(american), Some(european)) if american != european => Day::Either(american, european),
        (american, european) => on(american.or(european)),
    });
    Some(if year.is_some() { 5 } else { 3 })
}
