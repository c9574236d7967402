//! Days in German.

use chrono::{Months, NaiveDate, Weekday};

use super::dates::{self, month};
use super::times::part;
use crate::agents::language::calendar::plus;
use crate::agents::language::heard::Heard;
use crate::agents::language::reading::{Asked, in_minutes};
use crate::agents::language::said::{Day, Part, Piece, Which};
use crate::agents::language::words::Cursor;

/// Reads a day or several.
pub(super) fn read(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> usize {
    let today = asked.now.date();
    let used = named(cursor, heard, asked)
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
fn named(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> Option<usize> {
    let days = match cursor.word(0) {
        "heute" => 0,
        "morgen" if cursor.before(1) == "jeden" => return Some(1),
        "morgen" if ["fruhen", "fruhem"].contains(&cursor.before(1)) => {
            heard.part(Part::Morning, Piece::Start);
            return Some(1);
        }
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
    heard.day(Day::on(plus(asked.now.date(), days)));
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
    let number = if one {
        1
    } else {
        cursor.number(1).filter(|number| *number <= 999)?
    };
    let count = if past {
        -i64::from(number)
    } else {
        i64::from(number)
    };
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
                heard.day(Day::on(plus(today, count)));
            }
        }
        "woche" | "wochen" => {
            if !heard.shift(count * 7, cursor.at) {
                heard.day(Day::InWeeks(count));
            }
        }
        "monat" | "monate" | "monaten" if !past => {
            heard.day(Day::on(today.checked_add_months(Months::new(number))));
        }
        "stunde" | "stunden" if !past => in_minutes(heard, asked.now, number * 60),
        "minute" | "minuten" if !past => in_minutes(heard, asked.now, number),
        _ => return None,
    }
    Some(3)
}

/// Which one an adjective means.
pub(super) fn which(word: &str) -> Option<Which> {
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
pub(super) fn ahead(which: Which) -> i64 {
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
        "wochenende" => heard.day(Day::Weekend(matches!(
            which,
            Which::Next | Which::AfterNext
        ))),
        "morgen" if which == Which::Next => {
            heard.day(Day::on(plus(today, 1)));
            heard.part(Part::Morning, Piece::Whole);
        }
        "tage" | "tagen" if ahead == 1 => heard.within(today, 7),
        _ => {
            let number = cursor
                .number(1)
                .filter(|number| ahead == 1 && *number <= 60)?;
            let days = match cursor.word(2) {
                "tage" | "tagen" => number,
                "wochen" => number * 7,
                _ => return None,
            };
            heard.within(today, days.into());
            return Some(3);
        }
    }
    Some(2)
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
    let (day, rest) = name(word)?;
    // Short ones are words of their own as well.
    if word.len() == 2 && at == 0 && !is_short(cursor) {
        return None;
    }
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

/// "The second Thursday in December", "the last Friday of the month".
fn counted(cursor: Cursor<'_>, heard: &mut Heard) -> Option<usize> {
    let last = cursor.is(0, &["letzten", "letzter"]);
    let dot = usize::from(cursor.figures(0) == 1 && cursor.mark(1, '.'));
    let number = cursor.number(0).filter(|_| dot > 0).or(cursor.ordinal(0));
    let place = if last {
        Day::LAST
    } else {
        number.filter(|place| (1..=5).contains(place))?
    };
    let (day, _) = name(cursor.word(1 + dot)).filter(|(_, rest)| rest.is_empty())?;
    let at = 2 + dot;
    let named = month(cursor.word(at + 1)).filter(|_| cursor.is(at, &["im"]));
    let of_month = cursor.is(at, &["des", "im"]) && cursor.is(at + 1, &["monats", "monat"]);
    let told = named.is_some() || of_month;
    if last && !told {
        return None;
    }
    heard.day(Day::Nth(place, day, named));
    Some(if told { at + 2 } else { at })
}

/// Whether a short word can only be a day of the week.
fn is_short(cursor: Cursor<'_>) -> bool {
    let before = ["am", "vom", "bis", "zum", "oder"].contains(&cursor.before(1));
    let marks = usize::from(cursor.mark(1, '.')) + usize::from(cursor.mark(1, ','));
    let dated = cursor.number(1 + marks).is_some() && cursor.mark(2 + marks, '.');
    let alone = cursor.at == 0 && cursor.token(1 + marks).is_none();
    let chosen = cursor.is(1, &["oder", "bis"]) && name(cursor.word(2)).is_some();
    before || dated || alone || chosen
}

/// The day of the week that a word begins with, and the rest of the word.
fn name(word: &str) -> Option<(Weekday, &str)> {
    let mut names = WEEKDAYS.iter();
    let long = names.find_map(|(name, _, day)| Some((*day, word.strip_prefix(name)?)));
    let short = || {
        let mut names = WEEKDAYS.iter();
        names.find_map(|(_, short, day)| (*short == word).then_some((*day, "")))
    };
    long.or_else(short)
}
