//! How a text is gone through, in any language.

use chrono::{NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use super::heard::Heard;
use super::iso::{self, Iso};
use super::said::{Clock, Day};
use super::words::{Cursor, Kind, Lexicon};
use crate::agents::when::{When, WhenTime};

/// What a text is read for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) now: NaiveDateTime,
    /// Whether only the time of day counts.
    pub(super) time_alone: bool,
}

/// Understands what begins at a place, and says how many tokens that takes up; 0 if nothing was understood.
pub(super) type Step = fn(Cursor<'_>, &mut Heard, Asked) -> usize;

/// How a language is read.
pub(super) struct Grammar {
    pub(super) lexicon: Lexicon,
    /// Brings the tokens to the form in which the steps read them.
    pub(super) prepare: fn(Vec<super::words::Token>) -> Vec<super::words::Token>,
    /// The first that understands something is right.
    pub(super) steps: &'static [Step],
    /// Words that may stand between others without a meaning.
    pub(super) fillers: &'static [&'static str],
}

impl Grammar {
    /// Reads a text. Each step looks a bounded number of tokens ahead.
    pub(super) fn read(&self, text: &str, asked: Asked) -> When {
        let tokens = (self.prepare)(self.lexicon.tokens(text));
        let mut cursor = Cursor::new(&tokens);
        if let Some((clock, length)) = iso::time(cursor)
            && length == tokens.len()
            && let Some(time) = clock.exactly()
        {
            return When::nothing().with_time(WhenTime::At(time));
        }
        let mut heard = Heard::default();
        while !cursor.done() {
            if let Some(iso) = Iso::read(cursor) {
                if let Some(instant) = iso.instant() {
                    return When::exactly(instant);
                }
                heard.day(Day::on(iso.date));
                if let Some(clock) = iso.time {
                    heard.time(clock);
                }
                cursor.at += iso.length;
                heard.end_at(cursor.at);
                continue;
            }
            let mut steps = self.steps.iter();
            let used = steps.find_map(|step| {
                let used = step(cursor, &mut heard, asked);
                (used > 0).then_some(used)
            });
            if let Some(used) = used {
                cursor.at += used;
                continue;
            }
            match cursor.token(0).map(|token| token.kind) {
                Some(Kind::Mark(',' | '.')) => heard.pause(),
                Some(Kind::Mark(_)) => {}
                _ if self.fillers.contains(&cursor.word(0)) => {}
                _ => heard.unknown(),
            }
            cursor.at += 1;
        }
        heard.meaning(asked.now, asked.time_alone)
    }
}

/// Records a time the given number of minutes from now.
pub(super) fn in_minutes(heard: &mut Heard, now: NaiveDateTime, minutes: u32) {
    let later = now.checked_add_signed(TimeDelta::minutes(minutes.into()));
    let Some(later) = later else { return };
    let time: NaiveTime = later.time();
    if let Some(clock) = Clock::exact(time.hour(), time.minute(), 0) {
        heard.day(Day::Date(later.date()));
        heard.time(clock);
    }
}
