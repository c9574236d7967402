//! What can be said of days and times, in no language any more.

use chrono::{NaiveDate, NaiveTime, Weekday};

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
    /// The one in the calendar week this many weeks ahead.
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
    Dated {
        month: u32,
        day: u32,
        year: Option<i32>,
    },
    OfMonth(u32),
    Weekday(Weekday, Which),
    /// The second Thursday of a month, or of the next month that has one to come.
    Nth(u32, Weekday, Option<u32>),
    /// The calendar week this many weeks ahead.
    Week(i64, Piece),
    /// So many weeks from today.
    InWeeks(i64),
    /// The coming weekend; with `true` "the next", of which there are two readings.
    Weekend(bool),
    Month {
        month: u32,
        piece: Piece,
    },
    /// The calendar month this many months ahead.
    MonthAhead(i64, Piece),
}

impl Day {
    /// The place of the last of a month's days of a name.
    pub(super) const LAST: u32 = 6;

    /// A date; `None` if it does not exist.
    pub(super) fn on(date: Option<NaiveDate>) -> Self {
        date.map_or(Self::None, Self::Date)
    }
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
    pub(super) fn flipped(self) -> Self {
        match self {
            Self::From => Self::Before,
            Self::After => Self::Until,
            Self::Until => Self::After,
            Self::Before => Self::From,
            other => other,
        }
    }
}
