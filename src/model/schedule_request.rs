//! Parameters for creating and updating schedules.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::id::TimeZone;
use super::schedule::{Schedule, ScheduleAvailability, ScheduleOverride};
use super::setters::setters;

/// Parameters for creating a schedule.
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
    /// The weekly hours. The default is Monday to Friday from nine to five.
    pub availability: Option<Vec<ScheduleAvailability>>,
    /// The dates with different hours.
    pub overrides: Option<Vec<ScheduleOverride>>,
}

impl NewSchedule {
    /// Creates parameters for a schedule with the server's default hours, which is not the default
    /// schedule.
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

    /// Adds weekly hours.
    #[must_use]
    pub fn with_availability(mut self, hours: ScheduleAvailability) -> Self {
        self.availability.get_or_insert_default().push(hours);
        self
    }

    /// Adds a date with different hours.
    #[must_use]
    pub fn with_override(mut self, date: ScheduleOverride) -> Self {
        self.overrides.get_or_insert_default().push(date);
        self
    }
}

/// Parameters for updating a schedule.
///
/// `None` leaves a value unchanged; a list replaces the whole list.
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
    /// The weekly hours.
    pub availability: Option<Vec<ScheduleAvailability>>,
    /// The dates with different hours.
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

/// Copies everything that an update can set.
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
