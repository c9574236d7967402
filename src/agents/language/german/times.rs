//! Times of day in German.

use super::dates;
use crate::agents::language::heard::Heard;
use crate::agents::language::reading::Asked;
use crate::agents::language::said::{Clock, Half, Part, Piece};
use crate::agents::language::words::Cursor;

/// Words after which a number is an hour.
const INTRO: &[&str] = &[
    "um",
    "gegen",
    "nach",
    "vor",
    "ab",
    "bis",
    "punkt",
    "ca",
    "circa",
    "etwa",
    "ungefahr",
    "fruhestens",
    "spatestens",
    "zwischen",
];

/// What is counted, so that the number before is no hour.
const COUNTED: &[&str] = &[
    "tag", "tage", "tagen", "woche", "wochen", "monat", "monate", "monaten", "stunde", "stunden",
    "minute", "minuten", "person", "personen", "leute", "leuten", "termin", "termine", "terminen",
    "jahr", "jahre", "jahren", "euro", "mal", "kinder", "kindern", "viertel",
];

/// Reads a time of day or a part of the day.
pub(super) fn read(cursor: Cursor<'_>, heard: &mut Heard, asked: Asked) -> usize {
    if let Some(used) = part_of_day(cursor, heard) {
        return used;
    }
    if cursor.is(0, &["mitternacht"]) {
        if let Some(clock) = Clock::exact(0, 0, 0) {
            heard.time(clock);
        }
        return 1;
    }
    if cursor.is(
        0,
        &["egal", "ganztagig", "ganztags", "jederzeit", "flexibel"],
    ) || (cursor.is(0, &["ganzen"]) && cursor.is(1, &["tag"]))
    {
        heard.any_time = true;
        return 1 + usize::from(cursor.is(0, &["ganzen"]));
    }
    let range = cursor.number(2).is_some()
        && (cursor.is(1, &["bis"]) || (cursor.mark(1, '-') && cursor.is(3, &["uhr", "h"])));
    let introduced = range || INTRO.contains(&cursor.before(1)) || heard.expects_time();
    if let Some((clock, used)) = clock(cursor, introduced || asked.time_alone) {
        heard.time(clock);
        heard.end_at(cursor.at + used);
        return used;
    }
    // "Ein" is an article too.
    match cursor.number(0).and_then(|hour| Clock::said(hour, 0)) {
        Some(clock)
            if !is_counted(cursor, 1) && cursor.figures(0) < 3 && !cursor.is(0, &["ein"]) =>
        {
            heard.loose(clock);
            1
        }
        _ => 0,
    }
}

fn is_counted(cursor: Cursor<'_>, ahead: usize) -> bool {
    cursor.is(ahead, COUNTED)
}

/// The hour before, for "half three" and the like.
fn hour_before(hour: u32) -> u32 {
    if hour == 1 || hour == 13 {
        hour + 11
    } else {
        hour - 1
    }
}

/// The number of an hour on a clock face or in the day.
fn hour(cursor: Cursor<'_>, ahead: usize) -> Option<u32> {
    let number = cursor.number(ahead)?;
    let fits = (1..=24).contains(&number) && cursor.figures(ahead) < 3;
    (fits && !is_counted(cursor, ahead + 1)).then_some(number)
}

/// A time on the clock, and how many tokens it takes up.
fn clock(cursor: Cursor<'_>, introduced: bool) -> Option<(Clock, usize)> {
    let (clock, used) = relative(cursor).or_else(|| absolute(cursor, introduced))?;
    Some((clock, used + usize::from(cursor.is(used, &["uhr"]))))
}

/// A time said by the hour before or after it.
fn relative(cursor: Cursor<'_>) -> Option<(Clock, usize)> {
    let back = |hour: u32, minute| Clock::said(hour_before(hour), minute);
    match cursor.word(0) {
        "halb" => return Some((back(hour(cursor, 1)?, 30)?, 2)),
        "dreiviertel" => return Some((back(hour(cursor, 1)?, 45)?, 2)),
        "drei" if cursor.is(1, &["viertel"]) => return Some((back(hour(cursor, 2)?, 45)?, 3)),
        "viertel" => {
            return Some(match cursor.word(1) {
                "nach" => (Clock::said(hour(cursor, 2)?, 15)?, 3),
                "vor" => (back(hour(cursor, 2)?, 45)?, 3),
                _ => (back(hour(cursor, 1)?, 15)?, 2),
            });
        }
        _ => {}
    }
    let minutes = cursor
        .number(0)
        .filter(|minutes| (1..30).contains(minutes))?;
    let at = 1 + usize::from(cursor.is(1, &["minuten", "minute"]));
    let later = match cursor.word(at) {
        "nach" => true,
        "vor" => false,
        _ => return None,
    };
    let half = cursor.is(at + 1, &["halb"]);
    let at = at + 1 + usize::from(half);
    let hour = hour(cursor, at)?;
    let clock = match (half, later) {
        (true, true) => back(hour, 30 + minutes),
        (true, false) => back(hour, 30 - minutes),
        (false, true) => Clock::said(hour, minutes),
        (false, false) => back(hour, 60 - minutes),
    };
    Some((clock?, at + 1))
}

/// A time said by hour and minute.
fn absolute(cursor: Cursor<'_>, introduced: bool) -> Option<(Clock, usize)> {
    let hour = cursor.number(0).filter(|_| cursor.figures(0) < 3)?;
    let zero_in_front = cursor.figures(0) == 2 && hour < 10;
    let read = |minute| {
        let clock = Clock::said(hour, minute)?;
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
    if cursor.is(1, &["uhr", "h"]) {
        let and = usize::from(cursor.is(2, &["und"]));
        let minute = cursor.number(2 + and).filter(|minute| *minute < 60);
        let is_minute = !cursor.is(3 + and, &["uhr", "h"])
            && !cursor.mark(3 + and, '.')
            && !cursor.mark(3 + and, ':')
            && dates::month(cursor.word(3 + and)).is_none()
            && (and == 0 || cursor.is(3 + and, &["minuten"]))
            && (!is_counted(cursor, 3 + and) || cursor.is(3 + and, &["minuten"]));
        return Some(match minute {
            Some(minute) if is_minute => {
                let minutes = usize::from(cursor.is(3 + and, &["minuten"]));
                (read(minute)?, 3 + and + minutes)
            }
            _ => (read(0)?, 2),
        });
    }
    if let Some(minute) = cursor
        .figures_after(1, '.')
        .filter(|_| cursor.figures(2) == 2)
    {
        let date = cursor.mark(3, '.') && cursor.number(4).is_some();
        if !date && (introduced || cursor.is(3, &["uhr"]) || minute > 12) {
            return Some((read(minute)?, 3));
        }
    }
    if is_counted(cursor, 1) || dates::month(cursor.word(1)).is_some() || cursor.mark(1, '/') {
        return None;
    }
    // "Fünfzehn dreißig".
    let minute = cursor.number(1).filter(|minute| (10..60).contains(minute));
    let is_pair = !is_counted(cursor, 2) && !cursor.is(2, &["uhr", "h"]) && !cursor.mark(2, '.');
    if let Some(minute) = minute.filter(|_| is_pair && (introduced || cursor.figures(0) == 0)) {
        return Some((read(minute)?, 2));
    }
    let named = part(cursor.word(1)).is_some() || cursor.is(1, &["fruh"]);
    if introduced || (named && !cursor.is(0, &["ein"])) {
        return Some((read(0)?, 1));
    }
    None
}

/// The part of the day that a word names.
pub(super) fn part(word: &str) -> Option<Part> {
    Some(match word {
        "morgens" | "fruhmorgens" => Part::Morning,
        "vormittag" | "vormittags" => Part::Forenoon,
        "mittag" | "mittags" => Part::Noon,
        "nachmittag" | "nachmittags" => Part::Afternoon,
        "abend" | "abends" => Part::Evening,
        "nacht" | "nachts" => Part::Night,
        _ => return None,
    })
}

/// A part of the day, early or late in it.
fn part_of_day(cursor: Cursor<'_>, heard: &mut Heard) -> Option<usize> {
    if let Some(part) = part(cursor.word(0)) {
        let piece = match cursor.before(1) {
            "fruher" | "fruhen" | "fruhem" => Piece::Start,
            "spater" | "spaten" | "spatem" => Piece::End,
            _ => Piece::Whole,
        };
        heard.part(part, piece);
        return Some(1);
    }
    // "As early as possible" is no part of the day.
    let hurried =
        cursor.is(1, &["wie", "genug"]) || ["so", "zu", "moglichst"].contains(&cursor.before(1));
    if cursor.is(0, &["fruh"]) && !hurried {
        // "Früh am Nachmittag" is early in it.
        let at = 1 + usize::from(cursor.is(1, &["am"]));
        match part(cursor.word(at)) {
            Some(part) => {
                heard.part(part, Piece::Start);
                return Some(at + 1);
            }
            None => heard.part(Part::Morning, Piece::Whole),
        }
        return Some(1);
    }
    if cursor.is(0, &["spat"]) && cursor.is(1, &["am"]) {
        heard.part(part(cursor.word(2))?, Piece::End);
        return Some(3);
    }
    cursor
        .is(
            0,
            &["fruher", "fruhen", "fruhem", "spater", "spaten", "spatem"],
        )
        .then(|| {
            // The part of the day that follows looks back at it.
            usize::from(part(cursor.word(1)).is_some())
        })
}
