//! What was heard of days and times, in no language any more, and what it means.
//!
//! - A day of the week is the next such day from tomorrow on. If today is one, it is today if a time was
//!   said that is still to come, the one in a week if that time has passed, and either of them if no time
//!   was said.
//! - "Next Tuesday" is the coming one or the one a week later, unless today is a Tuesday.
//! - A date without a year is the next such date, today included. Where a day was said that does not
//!   exist, no day was understood.
//! - An hour from 1 to 6 is in the afternoon, 12 is noon, and 7 to 11 may be in the morning or in the
//!   evening, unless a part of the day is said or the hour is written with a zero in front.
//! - Of "after" and "before" seven to eleven, the morning is meant.
//! - A week begins on Monday. Its beginning is Monday and Tuesday, its middle Tuesday to Thursday, its end
//!   Thursday and Friday.
//! - "From Thursday on" is seven days, "until Thursday" begins today.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Weekday};

use super::meaning;
use crate::agents::when::When;

/// How many days, times or parts of the day are kept; nobody means more.
const MOST: usize = 8;

/// A time on the clock, as it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) hour: u32,
    pub(super) minute: u32,
    second: u32,
    /// Which half of the day; `None` if it was not said.
    pub(super) half: Option<Half>,
}

/// Which half of the day an hour is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Am,
    Pm,
    /// The hour counts from 0 to 24.
    Exact,
}

impl Clock {
    /// A time as it was said; `None` if there is none such.
    pub(super) fn said(hour: u32, minute: u32) -> Option<Self> {
        let exists = hour < 24 || (hour == 24 && minute == 0);
        (exists && minute < 60).then_some(Self {
            hour,
            minute,
            second: 0,
            half: None,
        })
    }

    /// A time that counts from 0 to 24.
    pub(super) fn exact(hour: u32, minute: u32, second: u32) -> Option<Self> {
        let clock = Self::said(hour, minute)?.with_half(Half::Exact);
        (second < 60).then_some(Self { second, ..clock })
    }

    /// Says which half of the day.
    pub(super) fn with_half(self, half: Half) -> Self {
        Self {
            half: Some(half),
            ..self
        }
    }

    /// The time, as the hour counts from 0 to 24.
    pub(super) fn exactly(self) -> Option<NaiveTime> {
        NaiveTime::from_hms_opt(self.hour % 24, self.minute, self.second)
    }

    /// The time some hours later on the clock.
    pub(super) fn at_hour(self, hour: u32) -> Option<NaiveTime> {
        Self { hour, ..self }.exactly()
    }
}

/// A part of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Morning,
    Forenoon,
    Noon,
    Afternoon,
    Evening,
    Night,
}

/// Which piece of a part of the day, of a week or of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Piece {
    #[default]
    Whole,
    Start,
    Middle,
    End,
}

/// Which of the days of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Just the name.
    Plain,
    /// The first from tomorrow on.
    Coming,
    /// "Next", of which there are two readings.
    Next,
    /// The one a week after the coming one.
    AfterNext,
    /// The latest before today.
    Last,
    /// So many weeks after the first from today on.
    Plus(i64),
    /// The one in the calendar week that is so many weeks ahead.
    InWeek(i64),
}

/// A day or several, as they were said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// A date that is known.
    Date(NaiveDate),
    /// A day that does not exist.
    None,
    /// Two dates that can be meant.
    Either(NaiveDate, NaiveDate),
    MonthDay {
        month: u32,
        day: u32,
        year: Option<i32>,
    },
    DayOfMonth(u32),
    Weekday(Weekday, Which),
    /// A calendar week, so many weeks ahead.
    Week(i64, Piece),
    /// So many weeks from today.
    InWeeks(i64),
    /// The coming weekend; with `true` "the next", of which there are two readings.
    Weekend(bool),
    Month {
        month: u32,
        piece: Piece,
    },
    /// A calendar month, so many months ahead.
    MonthAhead(i64, Piece),
}

/// How something belongs to what was heard before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    And,
    Or,
    /// It is the beginning: "from", "after" a time.
    From,
    /// It is what the beginning comes after: "after" a day.
    After,
    /// It is the end.
    Until,
    /// The end, which does not belong to it: "before".
    Before,
}

impl Join {
    pub(super) fn is_bound(self) -> bool {
        !matches!(self, Self::And | Self::Or)
    }

    /// "Not before five" is from five on.
    fn flipped(self) -> Self {
        match self {
            Self::From => Self::Before,
            Self::After => Self::Until,
            Self::Until => Self::After,
            Self::Before => Self::From,
            other => other,
        }
    }
}

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
                _ => meaning::window(part, Piece::Whole).0,
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
                let later = super::calendar::plus(*date, days);
                *day = later.map_or(Day::None, Day::Date);
            }
            _ => return false,
        }
        true
    }

    /// What it means.
    pub(super) fn meaning(mut self, now: NaiveDateTime, time_alone: bool) -> When {
        let nothing_else = self.times.is_empty() && !self.any_time;
        if nothing_else && (time_alone || (!self.unknown && self.loose.len() == 1)) {
            self.times.extend(self.loose.last().map(|clock| (Join::And, *clock)));
        }
        let mut when = When::nothing();
        when.time = meaning::time(&self);
        if !time_alone {
            meaning::days(&self, now, &mut when);
        }
        when
    }
}
