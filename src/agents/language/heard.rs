//! What was heard of days and times, in no language any more, and what it means.
//!
//! The rules are those of [`Language::read_when`](super::Language::read_when).

use chrono::{NaiveDate, NaiveDateTime};

use super::calendar::plus;
use super::said::{Clock, Day, Join, Part, Piece, Which};
use super::{hours, meaning};
use crate::agents::when::When;

/// How many days, times or parts of the day are kept; nobody means more.
const MOST: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Day,
    Time,
}

/// What was heard so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) days: Vec<(Join, Day)>,
    pub(super) times: Vec<(Join, Clock)>,
    pub(super) parts: Vec<(Part, Piece)>,
    /// Any time will do.
    pub(super) any_time: bool,
    /// Numbers that may be hours if nothing else is.
    loose: Vec<Clock>,
    /// Whether there were words that mean nothing here.
    unknown: bool,
    pending: Option<Join>,
    or: bool,
    not: bool,
    instead: bool,
    open: bool,
    fresh: Option<Sort>,
    /// Where the latest thing that was understood ends.
    ends: usize,
}

impl Heard {
    /// A bound before a day or a time: "after", "until".
    pub(super) fn bound(&mut self, join: Join) {
        self.pending = Some(join);
    }

    /// The beginning of a range whose end follows an "and": "between".
    pub(super) fn between(&mut self) {
        self.pending = Some(Join::From);
        self.open = true;
    }

    /// "And", which ends a "between".
    pub(super) fn and(&mut self) {
        if self.open && self.fresh.is_some() {
            self.open = false;
            self.pending = Some(Join::Until);
        } else {
            self.or = true;
        }
    }

    /// "To", which ends a range that has a beginning. Whether it does.
    pub(super) fn to(&mut self) -> bool {
        let before = match self.fresh {
            Some(Sort::Day) => self.days.last().map(|(join, _)| *join),
            Some(Sort::Time) => self.times.last().map(|(join, _)| *join),
            None => None,
        };
        let ends = before == Some(Join::From);
        if ends {
            self.pending = Some(Join::Until);
        }
        ends
    }

    /// A dash, which ends a range of times.
    pub(super) fn dash(&mut self) {
        if self.fresh == Some(Sort::Time) {
            self.pending = Some(Join::Until);
        }
    }

    /// "Or".
    pub(super) fn or(&mut self) {
        self.or = true;
    }

    /// "Not", before a day or a time.
    pub(super) fn not(&mut self) {
        self.not = true;
    }

    /// "No, rather": what follows takes the place of what was said.
    pub(super) fn instead(&mut self) {
        self.instead = true;
    }

    /// A word that means nothing here.
    pub(super) fn unknown(&mut self) {
        self.unknown = true;
        self.pause();
        self.fresh = None;
    }

    /// A comma or the end of a sentence.
    pub(super) fn pause(&mut self) {
        self.not = false;
        self.pending = None;
    }

    /// Notes where the latest thing that was understood ends.
    pub(super) fn end_at(&mut self, at: usize) {
        self.ends = at;
    }

    /// Whether a day was understood just before a place.
    pub(super) fn day_just_before(&self, at: usize) -> bool {
        self.fresh == Some(Sort::Day) && self.ends == at && at > 0
    }

    /// Whether a range begins with what follows.
    pub(super) fn begins_range(&self) -> bool {
        self.pending == Some(Join::From)
    }

    /// Whether a number that follows is an hour: after "from", "until", "at two or".
    pub(super) fn expects_time(&self) -> bool {
        self.pending.is_some() || (self.or && self.fresh == Some(Sort::Time))
    }

    /// How the next thing belongs to the others; `None` if it is not to be.
    fn join(&mut self, sort: Sort) -> Option<Join> {
        let not = std::mem::take(&mut self.not);
        let or = std::mem::take(&mut self.or);
        let bound = self.pending.take();
        let join = match bound {
            Some(bound) if not => bound.flipped(),
            Some(bound) => bound,
            None if not => return None,
            None if or => Join::Or,
            None => Join::And,
        };
        // "From" is not needed: "two until four".
        if join == Join::Until && self.fresh == Some(sort) {
            let before = match sort {
                Sort::Day => self.days.last_mut().map(|(join, _)| join),
                Sort::Time => self.times.last_mut().map(|(join, _)| join),
            };
            if let Some(before) = before.filter(|join| !join.is_bound()) {
                *before = Join::From;
            }
        }
        self.fresh = Some(sort);
        Some(join)
    }

    /// A day.
    pub(super) fn day(&mut self, day: Day) {
        let Some(join) = self.join(Sort::Day) else {
            return;
        };
        if std::mem::take(&mut self.instead) {
            self.days.clear();
        }
        if self.days.len() < MOST {
            self.days.push((join, day));
        }
    }

    /// So many days from tomorrow on.
    pub(super) fn within(&mut self, today: NaiveDate, days: i64) {
        self.bound(Join::From);
        self.day(Day::on(plus(today, 1)));
        self.bound(Join::Until);
        self.day(Day::on(plus(today, days)));
    }

    /// A time.
    pub(super) fn time(&mut self, clock: Clock) {
        let Some(join) = self.join(Sort::Time) else {
            return;
        };
        if std::mem::take(&mut self.instead) {
            self.times.clear();
            self.parts.clear();
        }
        if self.times.len() < MOST {
            self.times.push((join, clock));
        }
    }

    /// A part of the day.
    pub(super) fn part(&mut self, part: Part, piece: Piece) {
        if self.pending.is_some() {
            // "After noon" is from the part's beginning on.
            let hour = match part {
                Part::Noon => 12,
                _ => hours::window(part, Piece::Whole).0,
            };
            if let Some(clock) = Clock::exact(hour, 0, 0) {
                self.time(clock);
            }
            return;
        }
        if std::mem::take(&mut self.not) {
            return;
        }
        if std::mem::take(&mut self.instead) {
            self.times.clear();
            self.parts.clear();
        }
        // "First thing in the morning" is early in it.
        let known = piece == Piece::Whole && self.parts.iter().any(|(known, _)| *known == part);
        if !known && self.parts.len() < MOST {
            self.parts.push((part, piece));
        }
    }

    /// A number that may be an hour if nothing else is.
    pub(super) fn loose(&mut self, clock: Clock) {
        self.loose.push(clock);
        self.loose.truncate(MOST);
    }

    /// Moves the day just before a place by some days: "tomorrow in a week". Whether it did.
    pub(super) fn shift(&mut self, days: i64, at: usize) -> bool {
        if !self.day_just_before(at) {
            return false;
        }
        let Some((_, day)) = self.days.last_mut() else {
            return false;
        };
        match day {
            Day::Weekday(_, which) if days % 7 == 0 => *which = Which::Plus(days / 7),
            Day::Date(date) => {
                *day = Day::on(plus(*date, days));
            }
            _ => return false,
        }
        true
    }

    /// What it means.
    pub(super) fn meaning(mut self, now: NaiveDateTime, time_alone: bool) -> When {
        let nothing_else = self.times.is_empty() && !self.any_time;
        if nothing_else && (time_alone || (!self.unknown && self.loose.len() == 1)) {
            self.times
                .extend(self.loose.last().map(|clock| (Join::And, *clock)));
        }
        let mut when = When::nothing();
        when.time = hours::time(&self);
        if !time_alone {
            meaning::days(&self, now, &mut when);
        }
        when
    }
}
