//! Dates in English.

use super::days::{ahead, which};
use super::times::part;
use crate::agents::language::calendar::{day_of_month_ahead, month_day, year};
use crate::agents::language::heard::Heard;
use crate::agents::language::reading::Asked;
use crate::agents::language::said::Day;
use crate::agents::language::words::{Cursor, Kind};

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
            let rest = cursor
                .number(from + 1)
                .filter(|rest| (20..100).contains(rest));
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
pub(super) fn read(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> Option<usize> {
    if let Some(month) = month(cursor.word(0)) {
        let at = 1 + usize::from(cursor.mark(1, '.')) + usize::from(cursor.is(1, &["the"]));
        let is_hour = cursor.mark(at + 1, ':') || cursor.is(at + 1, &["am", "pm", "oclock"]);
        let number = cursor
            .number(at)
            .filter(|_| cursor.figures(at) < 3 && !is_hour);
        let day = number.or(cursor.ordinal(at))?;
        let (year, used) = year_at(cursor, at + 1);
        heard.day(Day::Dated { month, day, year });
        return Some(used);
    }
    let number = cursor.number(0).filter(|_| cursor.figures(0) < 3);
    let day = number.or(cursor.ordinal(0))?;
    let of = usize::from(cursor.is(1, &["of"]));
    if let Some(month) = month(cursor.word(1 + of)) {
        let (year, used) = year_at(cursor, 2 + of);
        heard.day(Day::Dated { month, day, year });
        return Some(used);
    }
    if let Some(ahead) = which(cursor.word(1 + of))
        .map(ahead)
        .filter(|ahead| *ahead >= 0)
        && of == 1
        && cursor.is(3, &["month"])
    {
        let months = u32::try_from(ahead).ok()?;
        heard.day(Day::on(day_of_month_ahead(asked.now.date(), months, day)));
        return Some(4);
    }
    if cursor.figures(0) > 0 && cursor.figures(2) > 0 {
        return in_figures(cursor, heard, day, asked);
    }
    // The day of the month alone. Before another word, "the first" is not a day.
    let day = cursor
        .ordinal(0)
        .filter(|day| (1..=31).contains(day) && !asked.time_alone)?;
    let next = cursor.token(1);
    let is_noun = cursor.is(1, &["one"])
        || next.is_some_and(|next| {
            next.kind == Kind::Word && !AFTER_DAY.contains(&next.text.as_str())
        });
    let before = [
        "the", "on", "or", "until", "till", "from", "to", "and", "by", "before", "after",
    ];
    let introduced = before.contains(&cursor.before(1)) || heard.day_just_before(cursor.at);
    if !introduced || (is_noun && part(cursor.word(1)).is_none()) {
        return None;
    }
    heard.day(Day::OfMonth(day));
    Some(1)
}

/// Words that can follow the day of a month.
const AFTER_DAY: &[&str] = &[
    "at", "in", "around", "about", "after", "before", "between", "from", "by", "please", "or",
    "and", "if", "would", "is", "works", "until", "till", "to", "through", "noon", "midday",
    "early", "late", "half", "quarter", "any", "anytime", "sometime", "maybe", "then", "any",
    "first", "a", "would", "could", "on", "works",
];

/// "12/5", "12/5/2026", "5.12.2026".
fn in_figures(cursor: Cursor<'_>, heard: &mut Heard, one: u32, asked: Asked) -> Option<usize> {
    let mark = ['/', '.'].into_iter().find(|mark| cursor.mark(1, *mark))?;
    let other = cursor.number(2).filter(|_| cursor.figures(2) < 3)?;
    let number = cursor.figures_after(3, mark);
    let year = number
        .filter(|_| [2, 4].contains(&cursor.figures(4)))
        .and_then(year);
    if mark == '.' {
        // With dots, a date is written as in Europe, and two numbers are a time.
        year?;
        heard.day(Day::Dated {
            month: other,
            day: one,
            year,
        });
        return Some(5);
    }
    let today = asked.now.date();
    let american = month_day(today, one, other, year);
    let european = month_day(today, other, one, year);
    heard.day(match (american, european) {
        (Some(american), Some(european)) if american != european => Day::Either(american, european),
        (american, european) => Day::on(american.or(european)),
    });
    Some(if year.is_some() { 5 } else { 3 })
}
