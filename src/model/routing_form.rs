//! Routing forms, whose answers decide which event type is booked.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::{BookingUid, EventTypeId, TimeZone};
use super::list_query::present;
use super::slot::{SlotFormat, SlotsByDay};
use super::time::format_instant;

/// The answers to a routing form. `Debug` shows only the names of the fields.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoutingFormAnswers(BTreeMap<String, Value>);

impl RoutingFormAnswers {
    /// Sets the answer to a field, identified by its identifier, replacing an earlier answer.
    #[must_use]
    pub fn with_answer(mut self, field: impl Into<String>, answer: impl Into<Value>) -> Self {
        self.0.insert(field.into(), answer.into());
        self
    }
}

impl fmt::Debug for RoutingFormAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Query parameters for listing the available slots of the event type that a routing form leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RoutedSlotQuery {
    /// The start of the period.
    pub start: DateTime<Utc>,
    /// The end of the period.
    pub end: DateTime<Utc>,
    /// The IANA time zone of the days in the response. The default is UTC.
    pub time_zone: Option<TimeZone>,
    /// The length in minutes, for event types that offer several.
    pub duration: Option<u32>,
    /// Response format for slots.
    pub format: Option<SlotFormat>,
    /// A booking that is to be rescheduled. Its own time then counts as available.
    pub booking_uid_to_reschedule: Option<BookingUid>,
}

impl RoutedSlotQuery {
    /// Creates a query for the slots within a period.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        Self {
            start,
            end,
            time_zone: None,
            duration: None,
            format: None,
            booking_uid_to_reschedule: None,
        }
    }

    /// Groups the slots by days in this IANA time zone.
    #[must_use]
    pub fn with_time_zone(mut self, time_zone: impl Into<TimeZone>) -> Self {
        self.time_zone = Some(time_zone.into());
        self
    }

    /// Sets the length in minutes, for event types that offer several.
    #[must_use]
    pub fn with_duration(mut self, minutes: u32) -> Self {
        self.duration = Some(minutes);
        self
    }

    /// Sets the response format.
    #[must_use]
    pub fn with_format(mut self, format: SlotFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets the booking that is to be rescheduled, whose own time then counts as available.
    #[must_use]
    pub fn with_booking_to_reschedule(mut self, uid: BookingUid) -> Self {
        self.booking_uid_to_reschedule = Some(uid);
        self
    }

    /// Returns the query parameters, with the names that the API uses.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let uid = self.booking_uid_to_reschedule.as_ref();
        present([
            ("start", Some(format_instant(self.start))),
            ("end", Some(format_instant(self.end))),
            ("timeZone", self.time_zone.as_ref().map(ToString::to_string)),
            ("duration", self.duration.map(|minutes| minutes.to_string())),
            ("format", self.format.as_ref().map(ToString::to_string)),
            ("bookingUidToReschedule", uid.map(ToString::to_string)),
        ])
    }
}

/// The result of a routing form: an event type and its available slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RoutedSlots {
    /// The event type.
    pub event_type_id: EventTypeId,
    /// The available slots.
    pub slots: SlotsByDay,
}
