//! Event types: what can be booked.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::{DefaultOnError, DefaultOnNull, serde_as, skip_serializing_none};

use super::event_type_settings::{BookingWindow, ConfirmationPolicy};
use super::id::{EventTypeId, ScheduleId, TeamId, UserId};
use super::location::Location;
use super::open_enum::open_enum;
use super::setting::Setting;
use super::team::{SchedulingType, TeamHost};

open_enum! {
    /// How often a recurring event type recurs.
    Frequency {
        /// Every year.
        Yearly = "yearly",
        /// Every month.
        Monthly = "monthly",
        /// Every week.
        Weekly = "weekly",
        /// Every day.
        Daily = "daily",
    }
}

/// How a recurring event type recurs.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Recurrence {
    /// Whether it is off; then the rest is absent.
    #[serde(default)]
    pub disabled: Option<bool>,
    /// Every how many of `frequency`.
    #[serde(default)]
    pub interval: Option<u32>,
    /// How many bookings a series has.
    #[serde(default)]
    pub occurrences: Option<u32>,
    /// The unit of `interval`.
    #[serde(default)]
    pub frequency: Option<Frequency>,
}

impl Recurrence {
    /// Recurs at an interval of a unit, a number of times.
    pub fn every(interval: u32, frequency: Frequency, occurrences: u32) -> Self {
        Self {
            disabled: None,
            interval: Some(interval),
            occurrences: Some(occurrences),
            frequency: Some(frequency),
        }
    }
}

/// Whether and how an event type gives out seats; `{"disabled": true}` where it does not.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Seats {
    /// Whether it is off; then the rest is absent.
    #[serde(default)]
    pub disabled: Option<bool>,
    /// How many seats a slot has.
    #[serde(default)]
    pub seats_per_time_slot: Option<u32>,
    /// Whether attendees see each other.
    #[serde(default)]
    pub show_attendee_info: Option<bool>,
    /// Whether the free seats are shown.
    #[serde(default)]
    pub show_availability_count: Option<bool>,
}

impl Seats {
    /// So many seats a slot; attendees do not see each other, and the free seats are shown.
    pub fn per_slot(seats: u32) -> Self {
        Self {
            disabled: None,
            seats_per_time_slot: Some(seats),
            show_attendee_info: Some(false),
            show_availability_count: Some(true),
        }
    }
}

/// A user of an event type.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventTypeUser {
    /// The user's number.
    pub id: UserId,
    /// The name shown.
    #[serde(default)]
    pub name: Option<String>,
    /// The user name.
    #[serde(default)]
    pub username: Option<String>,
}

/// What can be booked. Where the API's answer is a family of shapes (locations, windows, policies), a
/// shape that this crate does not know is kept as it came.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventType {
    /// The event type's number.
    pub id: EventTypeId,
    /// The title.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub title: String,
    /// The last part of the booking page's address.
    pub slug: String,
    /// The length in minutes.
    pub length_in_minutes: u32,
    /// The lengths to choose from, in minutes, where there are several.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub length_in_minutes_options: Vec<u32>,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// The user that owns it; absent for a team's.
    #[serde(default)]
    pub owner_id: Option<UserId>,
    /// The team that owns it; absent for a user's.
    #[serde(default)]
    pub team_id: Option<TeamId>,
    /// How the hosts share its bookings; absent for a user's.
    #[serde(default)]
    pub scheduling_type: Option<SchedulingType>,
    /// Its hosts, where it is a team's.
    #[serde_as(as = "DefaultOnError<Vec<_>>")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<TeamHost>,
    /// Its hosts, where it is a user's.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub users: Vec<EventTypeUser>,
    /// The schedule; the owner's default one if absent.
    #[serde(default)]
    pub schedule_id: Option<ScheduleId>,
    /// Where it can take place.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub locations: Vec<Location>,
    /// What the booker is asked, in the API's own form.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub booking_fields: Vec<Value>,
    /// How it recurs.
    #[serde(default)]
    pub recurrence: Option<Recurrence>,
    /// How it gives out seats.
    #[serde(default)]
    pub seats: Option<Seats>,
    /// How far ahead it can be booked.
    #[serde(default)]
    pub booking_window: Option<Setting<BookingWindow>>,
    /// Whether bookings wait for confirmation.
    #[serde(default)]
    pub confirmation_policy: Option<Setting<ConfirmationPolicy>>,
    /// The least notice, in minutes.
    #[serde(default)]
    pub minimum_booking_notice: Option<u32>,
    /// Minutes kept free before.
    #[serde(default)]
    pub before_event_buffer: Option<u32>,
    /// Minutes kept free after.
    #[serde(default)]
    pub after_event_buffer: Option<u32>,
    /// Minutes between the starts of two slots; the length if absent.
    #[serde(default)]
    pub slot_interval: Option<u32>,
    /// Whether it is left out of the public page.
    #[serde(default)]
    pub hidden: Option<bool>,
    /// Whether guests can be named.
    #[serde(default)]
    pub disable_guests: Option<bool>,
    /// The price in the currency's smallest unit.
    #[serde(default)]
    pub price: Option<f64>,
    /// The currency's ISO 4217 code, in lower case.
    #[serde(default)]
    pub currency: Option<String>,
    /// What the event type carries.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

impl EventType {
    /// Whether a booking waits for the host's confirmation, always or under some condition.
    pub fn requires_confirmation(&self) -> bool {
        match &self.confirmation_policy {
            Some(Setting::On(_)) => true,
            Some(Setting::Other(policy)) => {
                policy.get("disabled") != Some(&Value::Bool(true)) && policy.get("type").is_some()
            }
            Some(Setting::Off) | None => false,
        }
    }

    /// Whether it gives out seats.
    pub fn is_seated(&self) -> bool {
        self.seats
            .as_ref()
            .is_some_and(|seats| seats.disabled != Some(true))
    }
}
