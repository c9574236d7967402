//! Days in German.

use chrono::{Months, NaiveDate, Weekday};

use super::times::part;
use crate::agents::language::calendar::{day_of_month_ahead, plus, year};
use crate::agents::language::heard::{Day, Heard, Join, Part, Piece, Which};
use crate::agents::language::reading::{Asked, in_minutes};
use crate::agents::language::words::{Cursor, Kind};

/// Reads a day or several.
pub(super) fn read(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> usize {
    let today = asked.now.date();
    let used = named(cursor, heard, asked)
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
fn named(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> Option<usize> {
    let days = match cursor.word(0) {
        "heute" => 0,
        "morgen" if cursor.before(1) == "jeden" => return Some(1),
        // The same word is "tomorrow" and "morning".
        "morgen"
            if asked.time_alone
                || ["am", "diesen"].contains(&cursor.before(1))
                || heard.day_just_before(cursor.at) =>
        {
            heard.part(Part::Morning, Piece::Whole);
            return Some(1);
        }
        "morgen" => 1,
        "ubermorgen" => 2,
        "gestern" => -1,
        "vorgestern" => -2,
        "wochenende" => {
            heard.day(Day::Weekend(false));
            return Some(1);
        }
        _ => return None,
    };
    heard.day(on(plus(asked.now.date(), days)));
    Some(1)
}

/// "In three days", "a week ago".
fn relative(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> Option<usize> {
    let past = cursor.is(0, &["vor"]);
    if !past && !cursor.is(0, &["in", "nach"]) {
        return None;
    }
    let one = cursor.is(1, &["einer", "einem", "eine", "einen"]);
    let half = cursor.is(1 + usize::from(one), &["halben"]);
    if !past && (one || half) {
        let at = 1 + usize::from(one) + usize::from(half);
        let minutes = match cursor.word(at) {
            "stunde" if half => 30,
            "viertelstunde" => 15,
            "dreiviertelstunde" => 45,
            _ => 0,
        };
        if minutes > 0 {
            in_minutes(heard, asked.now, minutes);
            return Some(at + 1);
        }
    }
    if !past && cursor.is(1, &["anderthalb", "eineinhalb"]) && cursor.is(2, &["stunden"]) {
        in_minutes(heard, asked.now, 90);
        return Some(3);
    }
    let number = if one { 1 } else { cursor.number(1).filter(|number| *number <= 999)? };
    let count = if past { -i64::from(number) } else { i64::from(number) };
    let today = asked.now.date();
    match cursor.word(2) {
        // A week has eight days when both ends are counted.
        "tagen" if count == 8 => {
            if !heard.shift(7, cursor.at) {
                let days = plus(today, 7).zip(plus(today, 8));
                heard.day(days.map_or(Day::None, |(one, other)| Day::Either(one, other)));
            }
        }
        "tag" | "tage" | "tagen" => {
            if !heard.shift(count, cursor.at) {
                heard.day(on(plus(today, count)));
            }
        }
        "woche" | "wochen" => {
            if !heard.shift(count * 7, cursor.at) {
                heard.day(Day::InWeeks(count));
            }
        }
        "monat" | "monate" | "monaten" if !past => {
            heard.day(on(today.checked_add_months(Months::new(number))));
        }
        "stunde" | "stunden" if !past => in_minutes(heard, asked.now, number * 60),
        "minute" | "minuten" if !past => in_minutes(heard, asked.now, number),
        _ => return None,
    }
    Some(3)
}

/// Which one an adjective means.
fn which(word: &str) -> Option<Which> {
    let stem = word.strip_suffix(['n', 'r', 's', 'm']).unwrap_or(word);
    Some(match stem {
        "nachste" => Which::Next,
        "kommende" => Which::Coming,
        "diese" => Which::Plain,
        "ubernachste" => Which::AfterNext,
        "letzte" | "vergangene" | "vorige" => Which::Last,
        _ => return None,
    })
}

/// How many weeks or months ahead an adjective means.
fn ahead(which: Which) -> i64 {
    match which {
        Which::Next | Which::Coming => 1,
        Which::AfterNext => 2,
        Which::Last => -1,
        _ => 0,
    }
}

/// "Next Tuesday", "this week".
fn described(cursor: Cursor<'_>, heard: &mut Heard, today: NaiveDate) -> Option<usize> {
    let which = which(cursor.word(0))?;
    if let Some(used) = weekday(cursor, heard, 1, which) {
        return Some(used);
    }
    let ahead = ahead(which);
    match cursor.word(1) {
        "woche" => heard.day(Day::Week(ahead, Piece::Whole)),
        "monat" | "monats" if ahead >= 0 => heard.day(Day::MonthAhead(ahead, Piece::Whole)),
        "wochenende" => heard.day(Day::Weekend(matches!(which, Which::Next | Which::AfterNext))),
        "morgen" if which == Which::Next => {
            heard.day(on(plus(today, 1)));
            heard.part(Part::Morning, Piece::Whole);
        }
        "tage" | "tagen" if ahead == 1 => within(heard, today, 7),
        _ => {
            let number = cursor.number(1).filter(|number| ahead == 1 && *number <= 60)?;
            let days = match cursor.word(2) {
                "tage" | "tagen" => number,
                "wochen" => number * 7,
                _ => return None,
            };
            within(heard, today, days.into());
            return Some(3);
        }
    }
    Some(2)
}

/// The days from tomorrow on.
fn within(heard: &mut Heard, today: NaiveDate, days: i64) {
    heard.bound(Join::From);
    heard.day(on(plus(today, 1)));
    heard.bound(Join::Until);
    heard.day(on(plus(today, days)));
}

/// "Beginning of next week", "end of December", "in December".
fn piece(cursor: Cursor<'_>, heard: &mut Heard) -> Option<usize> {
    let piece = match cursor.word(0) {
        "anfang" => Piece::Start,
        "mitte" => Piece::Middle,
        "ende" => Piece::End,
        "im" if month(cursor.word(1)).is_some() => Piece::Whole,
        _ => return None,
    };
    let mut at = 1 + usize::from(cursor.is(1, &["der", "des"]));
    let ahead = which(cursor.word(at)).map(ahead);
    at += usize::from(ahead.is_some());
    let ahead = ahead.unwrap_or_default();
    let day = match cursor.word(at) {
        "woche" => Day::Week(ahead, piece),
        "monat" | "monats" if ahead >= 0 => Day::MonthAhead(ahead, piece),
        name => Day::Month {
            month: month(name)?,
            piece,
        },
    };
    heard.day(day);
    Some(at + 1)
}

const WEEKDAYS: [(&str, &str, Weekday); 8] = [
    ("montag", "mo", Weekday::Mon),
    ("dienstag", "di", Weekday::Tue),
    ("mittwoch", "mi", Weekday::Wed),
    ("donnerstag", "do", Weekday::Thu),
    ("freitag", "fr", Weekday::Fri),
    ("samstag", "sa", Weekday::Sat),
    ("sonnabend", "sa", Weekday::Sat),
    ("sonntag", "so", Weekday::Sun),
];

/// A day of the week, alone or with a part of the day: "Donnerstagnachmittag".
fn weekday(cursor: Cursor<'_>, heard: &mut Heard, at: usize, which: Which) -> Option<usize> {
    let word = cursor.word(at);
    let mut names = WEEKDAYS.iter();
    let long = names.find_map(|(name, _, day)| Some((*day, word.strip_prefix(name)?)));
    let (day, rest) = match long {
        Some(found) => found,
        // Short ones are words of their own as well.
        None if at > 0 || is_short(cursor) => {
            let mut names = WEEKDAYS.iter();
            (names.find_map(|(_, short, day)| (*short == word).then_some(*day))?, "")
        }
        None => return None,
    };
    let part = match rest {
        "" | "s" => None,
        "morgen" | "fruh" => Some(Part::Morning),
        rest => Some(part(rest)?),
    };
    heard.day(Day::Weekday(day, which));
    if let Some(part) = part {
        heard.part(part, Piece::Whole);
    }
    Some(at + 1)
}

/// Whether a short word can only be a day of the week.
fn is_short(cursor: Cursor<'_>) -> bool {
    let before = ["am", "vom", "bis", "zum", "oder"].contains(&cursor.before(1));
    let marks = usize::from(cursor.mark(1, '.')) + usize::from(cursor.mark(1, ','));
    let dated = cursor.number(1 + marks).is_some() && cursor.mark(2 + marks, '.');
    let alone = cursor.at == 0 && cursor.token(1 + marks).is_none();
    before || dated || alone
}

/// The month that a word names.
pub(super) fn month(word: &str) -> Option<u32> {
    Some(match word {
        "januar" | "janner" | "jan" => 1,
        "februar" | "feber" | "feb" => 2,
        "marz" | "mrz" => 3,
        "april" | "apr" => 4,
        "mai" => 5,
        "juni" | "juno" | "jun" => 6,
        "juli" | "julei" | "jul" => 7,
        "august" | "aug" => 8,
        "september" | "sept" | "sep" => 9,
        "oktober" | "okt" => 10,
        "november" | "nov" => 11,
        "dezember" | "dez" => 12,
        _ => return None,
    })
}

/// A year at a place, and how many tokens it takes up.
fn year_at(cursor: Cursor<'_>, at: usize, short: bool) -> (Option<i32>, usize) {
    let number = cursor.number(at).filter(|number| match cursor.figures(at) {
        4 => true,
        2 => short,
        0 => *number >= 2_000,
        _ => false,
    });
    let is_hour = cursor.is(at + 1, &["uhr"]) || cursor.mark(at + 1, ':');
    match number.and_then(year) {
        Some(year) if !is_hour => (Some(year), 1),
        _ => (None, 0),
    }
}

/// A date: "5.12.", "fünfter Dezember", "am Fünften".
fn date(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> Option<usize> {
    let number = cursor.number(0).filter(|_| cursor.figures(0) < 3);
    let number = number.filter(|number| *number <= 99);
    let day = number.or(cursor.ordinal(0))?;
    let dot = usize::from(cursor.mark(1, '.'));
    // With the month's name, or "am fünften zwölften".
    let named = month(cursor.word(1 + dot));
    let counted = cursor.ordinal(0).and(cursor.ordinal(1)).filter(|month| *month <= 12);
    if let Some(month) = named.or(counted) {
        let at = 2 + dot + usize::from(cursor.mark(2 + dot, '.'));
        let (year, used) = year_at(cursor, at, false);
        heard.day(Day::MonthDay { month, day, year });
        return Some(if used > 0 { at + used } else { 2 + dot });
    }
    if cursor.figures(0) > 0 && (dot == 1 || cursor.mark(1, '/')) && cursor.figures(2) > 0 {
        return in_figures(cursor, heard, day, asked);
    }
    // The day of the month alone.
    let after = ["am", "den", "dem", "vom", "zum", "ab", "bis", "oder", "und", "nach", "vor", "der"];
    if !after.contains(&cursor.before(1)) || !(1..=31).contains(&day) || asked.time_alone {
        return None;
    }
    let written = cursor.number(0).is_none()
        || (cursor.figures(0) > 0 && dot == 1)
        || (cursor.figures(0) > 0 && cursor.before(1) == "am" && !cursor.is(1, &["uhr", "h"]) && !cursor.mark(1, ':'));
    let next = cursor.token(1 + dot);
    let is_noun = next.is_some_and(|next| next.kind == Kind::Word && !AFTER_DAY.contains(&next.text.as_str()));
    if !written || (is_noun && part(cursor.word(1 + dot)).is_none()) {
        return None;
    }
    let of = usize::from(cursor.is(1 + dot, &["des"]));
    let next_month = which(cursor.word(1 + dot + of)).filter(|_| cursor.is(2 + dot + of, &["monats"]));
    if let Some(which) = next_month {
        let months = u32::try_from(ahead(which)).ok()?;
        heard.day(on(day_of_month_ahead(asked.now.date(), months, day)));
        return Some(3 + dot + of);
    }
    heard.day(Day::DayOfMonth(day));
    Some(1 + dot)
}

/// Words that can follow the day of a month; before another word, "der erste" is not a day.
const AFTER_DAY: &[&str] = &[
    "um", "gegen", "ab", "nach", "vor", "zwischen", "oder", "und", "bis", "von", "morgens", "fruh", "fruhmorgens", "des",
    "nachsten", "dieses", "bitte", "ginge", "geht", "passt", "ist", "ware", "wenn", "in", "am", "dann", "noch", "so",
    "halb", "viertel", "dreiviertel", "egal", "ganztagig", "mitternacht", "kurz", "spat", "irgendwann",
];

/// "5.12.", "05.12.2026", "5/12".
fn in_figures(cursor: Cursor<'_>, heard: &mut Heard, day: u32, asked: Asked) -> Option<usize> {
    let month = cursor.number(2).filter(|_| cursor.figures(2) < 3)?;
    if !cursor.mark(1, '.') {
        let slash = cursor.mark(3, '/') && cursor.figures(4) > 0;
        let (year, used) = if slash { year_at(cursor, 4, true) } else { (None, 0) };
        heard.day(Day::MonthDay { month, day, year });
        return Some(if used > 0 { 5 } else { 3 });
    }
    let closed = cursor.mark(3, '.');
    let is_time = cursor.is(3, &["uhr", "h"]) || cursor.mark(3, ':');
    if is_time || (!closed && (month > 12 || asked.time_alone || cursor.before(1) == "um")) {
        return None;
    }
    if !closed && !cursor.glued(2) {
        return None;
    }
    let (year, used) = if closed { year_at(cursor, 4, true) } else { (None, 0) };
    heard.day(Day::MonthDay { month, day, year });
    Some(3 + usize::from(closed) + used)
}
