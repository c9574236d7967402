//! How German is gone through.

use chrono::NaiveDateTime;

use super::numbers::LEXICON;
use super::{days, times};
use crate::agents::language::heard::Heard;
use crate::agents::language::reading::{Asked, Grammar};
use crate::agents::language::said::Join;
use crate::agents::language::words::Cursor;
use crate::agents::when::When;

const GRAMMAR: Grammar = Grammar {
    lexicon: LEXICON,
    prepare: |tokens| tokens,
    steps: &[phrases, days::read, times::read, joins],
    fillers: &[
        "am",
        "um",
        "im",
        "in",
        "an",
        "der",
        "die",
        "das",
        "den",
        "dem",
        "des",
        "zu",
        "zum",
        "zur",
        "so",
        "gegen",
        "circa",
        "ca",
        "etwa",
        "ungefahr",
        "uhr",
        "bitte",
        "gerne",
        "gern",
        "ich",
        "wir",
        "hatte",
        "mochte",
        "wurde",
        "will",
        "brauche",
        "einen",
        "eine",
        "ein",
        "einem",
        "einer",
        "termin",
        "es",
        "mir",
        "uns",
        "ginge",
        "geht",
        "passt",
        "ware",
        "dann",
        "ja",
        "also",
        "ahm",
        "ah",
        "punkt",
        "kommen",
        "spatestens",
        "fruhestens",
        "genau",
        "haben",
        "eher",
        "vielleicht",
        "noch",
        "schon",
        "schnell",
        "moglichst",
        "h",
        "bin",
        "kann",
        "konnte",
    ],
};

/// Reads what was said about days and times.
pub(super) fn read(text: &str, now: NaiveDateTime, time_alone: bool) -> When {
    GRAMMAR.read(text, Asked { now, time_alone })
}

/// Phrases that are about no time, though they have a word for one.
fn phrases(cursor: Cursor<'_>, _: &mut Heard, _: Asked) -> usize {
    let greets = cursor.is(0, &["guten", "schonen"]);
    if greets && cursor.is(1, &["morgen", "tag", "mittag", "abend", "nachmittag"]) {
        return 2;
    }
    if cursor.is(0, &["warum", "wieso"]) && cursor.is(1, &["nicht"]) {
        return 2;
    }
    // Shortly before or after is about then.
    if cursor.is(0, &["kurz"]) && cursor.is(1, &["nach", "vor"]) {
        return 2;
    }
    0
}

/// Words that join days and times.
fn joins(cursor: Cursor<'_>, heard: &mut Heard, _: Asked) -> usize {
    if cursor.mark(0, '-') && cursor.number(1).is_some() {
        heard.dash();
        return 1;
    }
    match cursor.word(0) {
        "oder" => heard.or(),
        "und" => heard.and(),
        "nicht" | "kein" | "keinen" | "keinesfalls" | "ausser" => heard.not(),
        "zwischen" => heard.between(),
        "von" | "vom" | "ab" | "fruhestens" => heard.bound(Join::From),
        "nach" => heard.bound(Join::After),
        "bis" | "spatestens" => heard.bound(Join::Until),
        "vor" => heard.bound(Join::Before),
        "sondern" | "lieber" | "nein" | "quatsch" | "vielmehr" | "korrektur" => heard.instead(),
        _ => return 0,
    }
    1
}
