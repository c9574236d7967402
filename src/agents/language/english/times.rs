//! Times of day in English.

use super::dates;
use crate::agents::language::heard::Heard;
use crate::agents::language::reading::Asked;
use crate::agents::language::said::{Clock, Day, Half, Join, Part, Piece};
use crate::agents::language::words::Cursor;

/// Words after which a number is an hour.
const INTRO: &[&str] = &[
    "at",
    "around",
    "about",
    "approximately",
    "after",
    "before",
    "between",
    "until",
    "till",
    "til",
    "by",
    "from",
    "past",
];

/// What is counted, so that the number before is no hour.
const COUNTED: &[&str] = &[
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "hour",
    "hours",
    "minute",
    "minutes",
    "person",
    "persons",
    "people",
    "appointment",
    "appointments",
    "year",
    "years",
    "times",
    "slot",
    "slots",
    "kids",
    "of",
    "fortnight",
    "fortnights",
    "thing",
    "moment",
    "second",
    "seconds",
];

/// Reads a time of day or a part of the day.
pub(super) fn read(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> usize {
    if let Some(used) = named(cursor, heard, asked) {
        return used;
    }
    if let Some(used) = range(cursor, heard) {
        return used;
    }
    let dash = cursor.mark(1, '-') && cursor.number(2).is_some() && half(cursor, 3).is_some();
    let until = cursor.is(1, &["until", "till", "til"]) && cursor.number(2).is_some();
    let introduced = dash || until || INTRO.contains(&cursor.before(1)) || heard.expects_time();
    let minutes = (!heard.begins_range()).then(|| relative(cursor)).flatten();
    let found = minutes.or_else(|| absolute(cursor, introduced || asked.time_alone));
    if let Some((mut clock, mut used)) = found {
        if cursor.is(used, &["oclock"]) {
            used += 1;
        }
        if let Some((half, length)) = half(cursor, used) {
            if clock.half.is_none() {
                clock = clock.with_half(half);
            }
            used += length;
        }
        heard.time(clock);
        heard.end_at(cursor.at + used);
        return used;
    }
    // "The one on Tuesday" is no hour.
    let pronoun = cursor.is(0, &["one"]) && cursor.at > 0 && !heard.day_just_before(cursor.at);
    match cursor.number(0).and_then(|hour| Clock::said(hour, 0)) {
        Some(clock)
            if !cursor.is(1, COUNTED)
                && cursor.figures(0) < 3
                && (!pronoun || asked.time_alone) =>
        {
            heard.loose(clock);
            1
        }
        _ => 0,
    }
}

/// "am", "p.m." and how many tokens that takes up.
fn half(cursor: Cursor<'_>, at: usize) -> Option<(Half, usize)> {
    match cursor.word(at) {
        "am" => return Some((Half::Am, 1)),
        "pm" => return Some((Half::Pm, 1)),
        _ => {}
    }
    let half = match cursor.word(at) {
        "a" => Half::Am,
        "p" => Half::Pm,
        _ => return None,
    };
    let m = at + 1 + usize::from(cursor.mark(at + 1, '.'));
    let length = m + 1 - at + usize::from(cursor.mark(m + 1, '.'));
    cursor.is(m, &["m"]).then_some((half, length))
}

/// The part of the day that a word names.
pub(super) fn part(word: &str) -> Option<Part> {
    Some(match word {
        "morning" | "mornings" => Part::Morning,
        "lunchtime" | "lunch" => Part::Noon,
        "afternoon" | "afternoons" => Part::Afternoon,
        "evening" | "evenings" => Part::Evening,
        "night" => Part::Night,
        _ => return None,
    })
}

/// Times with names of their own.
fn named(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> Option<usize> {
    let hour = match cursor.word(0) {
        "noon" | "midday" => Some(12),
        "midnight" => Some(0),
        // "Twelve noon".
        _ if cursor.number(0) == Some(12) && cursor.is(1, &["noon", "midnight", "midday"]) => {
            return Some(1);
        }
        _ => None,
    };
    if let Some(hour) = hour {
        heard.time(Clock::exact(hour, 0, 0)?);
        return Some(1);
    }
    match cursor.word(0) {
        "tonight" => {
            heard.day(Day::Date(asked.now.date()));
            heard.part(Part::Evening, Piece::Whole);
            return Some(1);
        }
        "anytime" | "whenever" | "flexible" => {
            heard.any_time = true;
            return Some(1);
        }
        "any" | "all"
            if cursor.is(1, &["time", "hour"])
                || (cursor.is(0, &["all"]) && cursor.is(1, &["day"])) =>
        {
            heard.any_time = true;
            return Some(2);
        }
        "first" if cursor.is(1, &["thing"]) => {
            heard.part(Part::Morning, Piece::Start);
            return Some(2);
        }
        "early" | "late" if cursor.is(1, &["in", "on"]) => {
            let at = 2 + usize::from(cursor.is(2, &["the"]));
            let piece = if cursor.is(0, &["early"]) {
                Piece::Start
            } else {
                Piece::End
            };
            heard.part(part(cursor.word(at))?, piece);
            return Some(at + 1);
        }
        "early" | "late" | "mid" if part(cursor.word(1)).is_some() => return Some(1),
        _ => {}
    }
    let piece = match cursor.before(1) {
        "early" => Piece::Start,
        "late" => Piece::End,
        _ => Piece::Whole,
    };
    heard.part(part(cursor.word(0))?, piece);
    Some(1)
}

/// The number of an hour on a clock face or in the day.
fn hour(cursor: Cursor<'_>, ahead: usize) -> Option<u32> {
    let number = cursor.number(ahead)?;
    let fits = (1..=24).contains(&number) && cursor.figures(ahead) < 3;
    (fits && !cursor.is(ahead + 1, COUNTED)).then_some(number)
}

/// "Two to four", which is no time before four.
fn range(cursor: Cursor<'_>, heard: &mut Heard) -> Option<usize> {
    let (from, until) = (hour(cursor, 0)?, hour(cursor, 2)?);
    if !cursor.is(1, &["to"]) || heard.begins_range() || from % 5 == 0 || from >= until || from > 12
    {
        return None;
    }
    heard.bound(Join::From);
    heard.time(Clock::said(from, 0)?);
    Some(1)
}

/// A time said by the hour before or after it.
fn relative(cursor: Cursor<'_>) -> Option<(Clock, usize)> {
    let back = |hour: u32, minute| {
        let before = if hour == 1 || hour == 13 {
            hour + 11
        } else {
            hour - 1
        };
        Clock::said(before, minute)
    };
    if cursor.is(0, &["half"]) {
        let at = 1 + usize::from(cursor.is(1, &["past", "after"]));
        return Some((Clock::said(hour(cursor, at)?, 30)?, at + 1));
    }
    let (minutes, at, quarter) = if cursor.is(0, &["quarter"]) {
        (15, 1, true)
    } else {
        let minutes = cursor
            .number(0)
            .filter(|minutes| (1..30).contains(minutes))?;
        (
            minutes,
            1 + usize::from(cursor.is(1, &["minutes", "minute"])),
            false,
        )
    };
    let later = match cursor.word(at) {
        "past" => true,
        "after" if quarter || at > 1 || minutes % 5 == 0 => true,
        "to" | "til" => false,
        "of" | "before" if quarter || at > 1 => false,
        _ => return None,
    };
    let hour = hour(cursor, at + 1)?;
    let clock = if later {
        Clock::said(hour, minutes)
    } else {
        back(hour, 60 - minutes)
    };
    Some((clock?, at + 2))
}

/// A time said by hour and minute.
fn absolute(cursor: Cursor<'_>, introduced: bool) -> Option<(Clock, usize)> {
    let number = cursor.number(0)?;
    if cursor.figures(0) == 4 {
        // "At 1430".
        let fits = introduced && !(1_000..1_300).contains(&number);
        let clock = Clock::exact(number / 100, number % 100, 0);
        return Some((clock.filter(|_| fits)?, 1));
    }
    if cursor.figures(0) > 2 {
        return None;
    }
    let zero_in_front = cursor.figures(0) == 2 && number < 10;
    let read = |minute| {
        let clock = Clock::said(number, minute)?;
        Some(if zero_in_front {
            clock.with_half(Half::Exact)
        } else {
            clock
        })
    };
    if let Some(minute) = cursor.figures_after(1, ':') {
        let seconds = cursor.figures_after(3, ':').is_some();
        return Some((read(minute)?, if seconds { 5 } else { 3 }));
    }
    if let Some(minute) = cursor
        .figures_after(1, '.')
        .filter(|_| cursor.figures(2) == 2)
    {
        let date = cursor.mark(3, '.') && cursor.figures(4) > 0;
        if !date && (introduced || minute > 12 || half(cursor, 3).is_some()) {
            return Some((read(minute)?, 3));
        }
    }
    if cursor.is(1, &["oclock"]) || half(cursor, 1).is_some() {
        return Some((read(0)?, 1));
    }
    if cursor.is(1, COUNTED) || dates::month(cursor.word(1)).is_some() || cursor.mark(1, '/') {
        return None;
    }
    if cursor.is(1, &["oh", "o", "zero"]) {
        let minute = cursor.number(2).filter(|minute| (1..10).contains(minute));
        return Some((read(minute?)?, 3));
    }
    // "Two thirty".
    let minute = cursor.number(1).filter(|minute| (10..60).contains(minute));
    let is_pair = !cursor.is(2, COUNTED) && dates::month(cursor.word(2)).is_none();
    let said = introduced || cursor.figures(0) == 0 || half(cursor, 2).is_some();
    if let Some(minute) = minute.filter(|_| is_pair && said) {
        return Some((read(minute)?, 2));
    }
    let at = if cursor.is(1, &["in"]) && cursor.is(2, &["the"]) {
        3
    } else {
        1 + usize::from(cursor.is(1, &["this"]))
    };
    let named = part(cursor.word(at)).is_some()
        || cursor.is(1, &["tonight"])
        || (cursor.is(1, &["at"]) && cursor.is(2, &["night"]));
    (introduced || named)
        .then(|| read(0))
        .flatten()
        .map(|clock| (clock, 1))
}
