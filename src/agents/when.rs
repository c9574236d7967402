//! What was said about a time.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// What was said about a time of day.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenTime {
    /// A time: "half past two".
    At(NaiveTime),
    /// One of several: "at seven", in the morning or in the evening. The likeliest comes first.
    OneOf(Vec<NaiveTime>),
    /// A part of the day, from one time to another: "in the afternoon", "after five". The end does not
    /// belong to it; midnight as the end is the end of the day.
    Between(NaiveTime, NaiveTime),
}

/// What was said about a time, as far as it was understood; in the time zone of the business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct When {
    /// The first and the last day; `None` if nothing was said of a day.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Other days that can be meant as well: "next Tuesday".
    pub other_days: Vec<NaiveDate>,
    /// The time of day; `None` if nothing was said of one.
    pub time: Option<WhenTime>,
    /// An instant, where one was named exactly: in ISO 8601 with an offset. Then the rest is empty.
    pub instant: Option<DateTime<Utc>>,
}

impl When {
    /// Nothing was understood.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// An instant that was named exactly.
    pub fn exactly(instant: DateTime<Utc>) -> Self {
        Self {
            instant: Some(instant),
            ..Self::default()
        }
    }

    /// Whether nothing was understood.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Sets the first and the last day.
    #[must_use]
    pub fn with_days(mut self, first: NaiveDate, last: NaiveDate) -> Self {
        self.days = Some((first, last));
        self
    }

    /// Adds another day that can be meant.
    #[must_use]
    pub fn with_other_day(mut self, day: NaiveDate) -> Self {
        self.other_days.push(day);
        self
    }

    /// Sets the time of day.
    #[must_use]
    pub fn with_time(mut self, time: WhenTime) -> Self {
        self.time = Some(time);
        self
    }
}
