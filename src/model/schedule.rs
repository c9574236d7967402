//! Schedules, which define when a host is available.

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{ScheduleId, TimeZone, UserId};
use super::open_enum::open_enum;
use super::time::HourAndMinute;

open_enum! {
    /// A day of the week.
    Weekday {
        /// Monday.
        Monday = "Monday",
        /// Tuesday.
        Tuesday = "Tuesday",
        /// Wednesday.
        Wednesday = "Wednesday",
        /// Thursday.
        Thursday = "Thursday",
        /// Friday.
        Friday = "Friday",
        /// Saturday.
        Saturday = "Saturday",
        /// Sunday.
        Sunday = "Sunday",
    }
}

/// Working hours on some days of the week, in the schedule's time zone.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScheduleAvailability {
    /// The days.
    pub days: Vec<Weekday>,
    /// The start time.
    #[serde_as(as = "HourAndMinute")]
    pub start_time: NaiveTime,
    /// The end time.
    #[serde_as(as = "HourAndMinute")]
    pub end_time: NaiveTime,
}

impl ScheduleAvailability {
    /// Creates working hours on these days, with a precision of one minute.
    pub fn new(days: impl Into<Vec<Weekday>>, start_time: NaiveTime, end_time: NaiveTime) -> Self {
        Self {
            days: days.into(),
            start_time,
            end_time,
        }
    }
}

/// The hours of a single date, which replace those of the weekday.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScheduleOverride {
    /// The date.
    pub date: NaiveDate,
    /// The start time.
    #[serde_as(as = "HourAndMinute")]
    pub start_time: NaiveTime,
    /// The end time.
    #[serde_as(as = "HourAndMinute")]
    pub end_time: NaiveTime,
}

impl ScheduleOverride {
    /// Creates an override for a date, with a precision of one minute.
    pub fn new(date: NaiveDate, start_time: NaiveTime, end_time: NaiveTime) -> Self {
        Self {
            date,
            start_time,
            end_time,
        }
    }
}

/// A schedule, which defines when a host is available.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Schedule {
    /// The schedule's id.
    pub id: ScheduleId,
    /// The user who owns it.
    #[serde(default)]
    pub owner_id: Option<UserId>,
    /// The name.
    pub name: String,
    /// The time zone of its hours.
    pub time_zone: TimeZone,
    /// The weekly hours.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub availability: Vec<ScheduleAvailability>,
    /// The dates with different hours.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub overrides: Vec<ScheduleOverride>,
    /// Whether event types without a schedule use it.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub is_default: bool,
}
