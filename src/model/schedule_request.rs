//! What is sent to make and change schedules.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::id::TimeZone;
use super::schedule::{Schedule, ScheduleAvailability, ScheduleOverride};
use super::setters::setters;

/// A schedule to be made.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewSchedule {
    /// The name.
    pub name: String,
    /// The time zone of its hours.
    pub time_zone: TimeZone,
    /// Whether event types without a schedule use it. A user has one default schedule.
    pub is_default: bool,
    /// The hours of the week; Monday to Friday from nine to five if absent.
    pub availability: Option<Vec<ScheduleAvailability>>,
    /// The dates that differ.
    pub overrides: Option<Vec<ScheduleOverride>>,
}

impl NewSchedule {
    /// A schedule with the server's hours, which is not the default one.
    pub fn new(name: impl Into<String>, time_zone: TimeZone) -> Self {
        Self {
            name: name.into(),
            time_zone,
            is_default: false,
            availability: None,
            overrides: None,
        }
    }

    /// Makes it the default schedule.
    #[must_use]
    pub fn as_default(mut self) -> Self {
        self.is_default = true;
        self
    }

    /// Adds hours of the week.
    #[must_use]
    pub fn with_availability(mut self, hours: ScheduleAvailability) -> Self {
        self.availability.get_or_insert_default().push(hours);
        self
    }

    /// Adds a date that differs.
    #[must_use]
    pub fn with_override(mut self, date: ScheduleOverride) -> Self {
        self.overrides.get_or_insert_default().push(date);
        self
    }
}

/// What to change about a schedule. What is `None` stays as it is; a list replaces the whole list.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScheduleUpdate {
    /// The name.
    pub name: Option<String>,
    /// The time zone of its hours.
    pub time_zone: Option<TimeZone>,
    /// Whether event types without a schedule use it.
    pub is_default: Option<bool>,
    /// The hours of the week.
    pub availability: Option<Vec<ScheduleAvailability>>,
    /// The dates that differ.
    pub overrides: Option<Vec<ScheduleOverride>>,
}

setters! {
    ScheduleUpdate {
        with_is_default => is_default: bool,
        ;
        with_name => name: String,
        with_time_zone => time_zone: TimeZone,
        with_availability => availability: Vec<ScheduleAvailability>,
        with_overrides => overrides: Vec<ScheduleOverride>,
    }
}

/// Everything that an update can set, as it was read.
impl From<&Schedule> for ScheduleUpdate {
    fn from(read: &Schedule) -> Self {
        Self {
            name: Some(read.name.clone()),
            time_zone: Some(read.time_zone.clone()),
            is_default: Some(read.is_default),
            availability: Some(read.availability.clone()),
            overrides: Some(read.overrides.clone()),
        }
    }
}
