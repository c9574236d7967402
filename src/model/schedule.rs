//! Schedules: when a host works.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{ScheduleId, UserId};
use super::open_enum::open_enum;

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

/// The hours of some days of the week, in the schedule's own time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Availability {
    /// The days.
    pub days: Vec<Weekday>,
    /// From when, as `HH:MM`.
    pub start_time: String,
    /// Until when, as `HH:MM`.
    pub end_time: String,
}

impl Availability {
    /// These days from one hour to another, both as `HH:MM`.
    pub fn new(
        days: impl Into<Vec<Weekday>>,
        start_time: impl Into<String>,
        end_time: impl Into<String>,
    ) -> Self {
        Self {
            days: days.into(),
            start_time: start_time.into(),
            end_time: end_time.into(),
        }
    }
}

/// The hours of one date, which replace the weekday's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScheduleOverride {
    /// The date.
    pub date: NaiveDate,
    /// From when, as `HH:MM`.
    pub start_time: String,
    /// Until when, as `HH:MM`.
    pub end_time: String,
}

impl ScheduleOverride {
    /// A date from one hour to another, both as `HH:MM`.
    pub fn new(
        date: NaiveDate,
        start_time: impl Into<String>,
        end_time: impl Into<String>,
    ) -> Self {
        Self {
            date,
            start_time: start_time.into(),
            end_time: end_time.into(),
        }
    }
}

/// When a host works.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Schedule {
    /// The schedule's number.
    pub id: ScheduleId,
    /// Whose it is.
    #[serde(default)]
    pub owner_id: Option<UserId>,
    /// The name.
    pub name: String,
    /// The IANA time zone in which its hours are meant.
    pub time_zone: String,
    /// The hours of the week.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub availability: Vec<Availability>,
    /// The dates that differ.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub overrides: Vec<ScheduleOverride>,
    /// Whether event types without a schedule use it.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub is_default: bool,
}
