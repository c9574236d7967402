//! What is sent to make and change schedules.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::schedule::{Availability, ScheduleOverride};

/// A schedule to be made.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSchedule {
    /// The name.
    pub name: String,
    /// The IANA time zone in which its hours are meant.
    pub time_zone: String,
    /// Whether event types without a schedule use it. A user has one default schedule.
    pub is_default: bool,
    /// The hours of the week; Monday to Friday from nine to five if absent.
    pub availability: Option<Vec<Availability>>,
    /// The dates that differ.
    pub overrides: Option<Vec<ScheduleOverride>>,
}

impl NewSchedule {
    /// A schedule with the server's hours, which is not the default one.
    pub fn new(name: impl Into<String>, time_zone: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            time_zone: time_zone.into(),
            is_default: false,
            availability: None,
            overrides: None,
        }
    }

    /// Adds hours of the week.
    #[must_use]
    pub fn with_availability(mut self, hours: Availability) -> Self {
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
pub struct ScheduleUpdate {
    /// The name.
    pub name: Option<String>,
    /// The IANA time zone in which its hours are meant.
    pub time_zone: Option<String>,
    /// Whether event types without a schedule use it.
    pub is_default: Option<bool>,
    /// The hours of the week.
    pub availability: Option<Vec<Availability>>,
    /// The dates that differ.
    pub overrides: Option<Vec<ScheduleOverride>>,
}
