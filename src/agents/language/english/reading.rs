//! How English is gone through.

use chrono::NaiveDateTime;

use super::numbers::{LEXICON, prepare};
use super::{days, times};
use crate::agents::language::heard::Heard;
use crate::agents::language::reading::{Asked, Grammar};
use crate::agents::language::said::Join;
use crate::agents::language::words::Cursor;
use crate::agents::when::When;

const GRAMMAR: Grammar = Grammar {
    lexicon: LEXICON,
    prepare,
    steps: &[phrases, days::read, times::read, joins],
    fillers: &[
        "a",
        "an",
        "the",
        "at",
        "on",
        "in",
        "of",
        "for",
        "to",
        "around",
        "about",
        "approximately",
        "please",
        "i",
        "id",
        "we",
        "would",
        "like",
        "want",
        "need",
        "could",
        "can",
        "may",
        "come",
        "me",
        "us",
        "it",
        "is",
        "be",
        "that",
        "this",
        "works",
        "good",
        "great",
        "fine",
        "maybe",
        "perhaps",
        "say",
        "lets",
        "some",
        "sometime",
        "somewhere",
        "um",
        "uh",
        "then",
        "appointment",
        "oclock",
        "yes",
        "ok",
        "okay",
        "so",
        "have",
        "how",
        "what",
        "my",
        "with",
        "any",
        "onwards",
        "onward",
        "sharp",
        "exactly",
        "time",
        "day",
        "also",
        "im",
        "ill",
        "does",
        "do",
        "you",
        "your",
        "possible",
        "free",
    ],
};

/// Reads what was said about days and times.
pub(super) fn read(text: &str, now: NaiveDateTime, time_alone: bool) -> When {
    GRAMMAR.read(text, Asked { now, time_alone })
}

/// Phrases that mean something else than their words.
fn phrases(cursor: Cursor<'_>, heard: &mut Heard, _: Asked) -> usize {
    let greets = cursor.is(0, &["good"]);
    if greets && cursor.is(1, &["morning", "afternoon", "evening", "day", "night"]) {
        return 2;
    }
    if cursor.is(0, &["why"]) && cursor.is(1, &["not"]) {
        return 2;
    }
    // Shortly before or after is about then.
    if cursor.is(0, &["shortly", "just"]) && cursor.is(1, &["after", "before", "past"]) {
        return 2;
    }
    let negated = usize::from(cursor.is(0, &["no", "not"]));
    let than = usize::from(cursor.is(negated + 1, &["than"]));
    if negated + than == 0 {
        return 0;
    }
    match (cursor.word(negated), negated > 0) {
        ("earlier" | "sooner", true) | ("later", false) => heard.bound(Join::From),
        ("later", true) => heard.bound(Join::Until),
        ("earlier" | "sooner", false) => heard.bound(Join::Before),
        _ => return 0,
    }
    negated + 1 + than
}

/// Words that join days and times.
fn joins(cursor: Cursor<'_>, heard: &mut Heard, _: Asked) -> usize {
    if cursor.mark(0, '-') && cursor.number(1).is_some() {
        heard.dash();
        return 1;
    }
    match cursor.word(0) {
        "or" => heard.or(),
        "and" => heard.and(),
        "not" | "except" => heard.not(),
        "between" => heard.between(),
        "from" | "starting" => heard.bound(Join::From),
        "after" => heard.bound(Join::After),
        "until" | "till" | "til" | "by" | "through" | "thru" => heard.bound(Join::Until),
        "before" => heard.bound(Join::Before),
        "no" | "actually" | "rather" | "instead" | "sorry" | "wait" => heard.instead(),
        "to" if heard.to() => {}
        _ => return 0,
    }
    1
}
