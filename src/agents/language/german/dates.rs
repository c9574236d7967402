//! Dates in German.

use super::days::{ahead, which};
use super::times::part;
use crate::agents::language::calendar::{day_of_month_ahead, year};
use crate::agents::language::heard::Heard;
use crate::agents::language::reading::Asked;
use crate::agents::language::said::Day;
use crate::agents::language::words::{Cursor, Kind};

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
pub(super) fn read(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> Option<usize> {
    let number = cursor.number(0).filter(|_| cursor.figures(0) < 3);
    let number = number.filter(|number| *number <= 99);
    let day = number.or(cursor.ordinal(0))?;
    let dot = usize::from(cursor.mark(1, '.'));
    // With the month's name, or "am fünften zwölften".
    let named = month(cursor.word(1 + dot));
    let counted = cursor
        .ordinal(0)
        .and(cursor.ordinal(1))
        .filter(|month| *month <= 12);
    if let Some(month) = named.or(counted) {
        let at = 2 + dot + usize::from(cursor.mark(2 + dot, '.'));
        let (year, used) = year_at(cursor, at, false);
        heard.day(Day::Dated { month, day, year });
        return Some(if used > 0 { at + used } else { 2 + dot });
    }
    if cursor.figures(0) > 0 && (dot == 1 || cursor.mark(1, '/')) && cursor.figures(2) > 0 {
        return in_figures(cursor, heard, day, asked);
    }
    // The day of the month alone.
    let after = [
        "am", "den", "dem", "vom", "von", "zwischen", "zum", "ab", "bis", "oder", "und", "nach",
        "vor", "der",
    ];
    if !after.contains(&cursor.before(1)) || !(1..=31).contains(&day) || asked.time_alone {
        return None;
    }
    let written = cursor.number(0).is_none()
        || (cursor.figures(0) > 0 && dot == 1)
        || (cursor.figures(0) > 0
            && cursor.before(1) == "am"
            && !cursor.is(1, &["uhr", "h"])
            && !cursor.mark(1, ':'));
    let next = cursor.token(1 + dot);
    let is_noun = next
        .is_some_and(|next| next.kind == Kind::Word && !AFTER_DAY.contains(&next.text.as_str()));
    if !written || (is_noun && part(cursor.word(1 + dot)).is_none()) {
        return None;
    }
    let of = usize::from(cursor.is(1 + dot, &["des"]));
    let next_month =
        which(cursor.word(1 + dot + of)).filter(|_| cursor.is(2 + dot + of, &["monats"]));
    if let Some(which) = next_month {
        let months = u32::try_from(ahead(which)).ok()?;
        heard.day(Day::on(day_of_month_ahead(asked.now.date(), months, day)));
        return Some(3 + dot + of);
    }
    heard.day(Day::OfMonth(day));
    Some(1 + dot)
}

/// Words that can follow the day of a month; before another word, "der erste" is not a day.
const AFTER_DAY: &[&str] = &[
    "um",
    "gegen",
    "ab",
    "nach",
    "vor",
    "zwischen",
    "oder",
    "und",
    "bis",
    "von",
    "morgens",
    "fruh",
    "fruhmorgens",
    "des",
    "nachsten",
    "dieses",
    "bitte",
    "ginge",
    "geht",
    "passt",
    "ist",
    "ware",
    "wenn",
    "in",
    "am",
    "dann",
    "noch",
    "so",
    "halb",
    "viertel",
    "dreiviertel",
    "egal",
    "ganztagig",
    "mitternacht",
    "kurz",
    "spat",
    "irgendwann",
];

/// "5.12.", "05.12.2026", "5/12".
fn in_figures(cursor: Cursor<'_>, heard: &mut Heard, day: u32, asked: Asked) -> Option<usize> {
    let month = cursor.number(2).filter(|_| cursor.figures(2) < 3)?;
    if !cursor.mark(1, '.') {
        let slash = cursor.mark(3, '/') && cursor.figures(4) > 0;
        let (year, used) = if slash {
            year_at(cursor, 4, true)
        } else {
            (None, 0)
        };
        heard.day(Day::Dated { month, day, year });
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
    let (year, used) = if closed {
        year_at(cursor, 4, true)
    } else {
        (None, 0)
    };
    heard.day(Day::Dated { month, day, year });
    Some(3 + usize::from(closed) + used)
}
