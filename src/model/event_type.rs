//! Event types: what can be booked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::{DefaultOnError, DefaultOnNull, serde_as, skip_serializing_none};

use super::booking_field::BookingField;
use super::event_type_settings::{
    ActiveBookingsLimit, BookerLayouts, BookingLimits, BookingWindow, CalVideoSettings,
    ConfirmationPolicy, DestinationCalendar, DisableCancelling, DisableRescheduling,
    EventTypeColor,
};
use super::id::{EventTypeId, ScheduleId, TeamId, UserId};
use super::location::Location;
use super::open_enum::open_enum;
use super::schedule::Weekday;
use super::setting::Setting;
use super::team::{EventTypeHost, SchedulingType};

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

/// A user of an event type. `Debug` shows the number only.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
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
    /// The picture's address.
    #[serde(default)]
    pub avatar_url: Option<String>,
    /// The colour, as `#rrggbb`.
    #[serde(default)]
    pub brand_color: Option<String>,
    /// The colour in the dark theme, as `#rrggbb`.
    #[serde(default)]
    pub dark_brand_color: Option<String>,
    /// The first day of the week.
    #[serde(default)]
    pub week_start: Option<Weekday>,
    /// What the user carries.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

impl fmt::Debug for EventTypeUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventTypeUser")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The team of an event type.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventTypeTeam {
    /// The team's number.
    pub id: TeamId,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
    /// The team's part of its booking pages' addresses.
    #[serde(default)]
    pub slug: Option<String>,
    /// The logo's address.
    #[serde(default)]
    pub logo_url: Option<String>,
    /// The banner's address.
    #[serde(default)]
    pub banner_url: Option<String>,
    /// The first day of the week.
    #[serde(default)]
    pub week_start: Option<Weekday>,
    /// The colour, as `#rrggbb`.
    #[serde(default)]
    pub brand_color: Option<String>,
    /// The colour in the dark theme, as `#rrggbb`.
    #[serde(default)]
    pub dark_brand_color: Option<String>,
    /// The theme.
    #[serde(default)]
    pub theme: Option<String>,
}

/// What can be booked. Where the API answers with one of several shapes (locations, windows,
/// policies), a shape that this crate does not know is kept as it came.
///
/// `Debug` shows the number, the slug and the length.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
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
    pub hosts: Vec<EventTypeHost>,
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
    /// What the booker is asked.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub booking_fields: Vec<BookingField>,
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
    /// Whether guests cannot be named.
    #[serde(default)]
    pub disable_guests: Option<bool>,
    /// The price in the currency's smallest unit.
    #[serde(default)]
    pub price: Option<f64>,
    /// The currency's ISO 4217 code, in lower case.
    #[serde(default)]
    pub currency: Option<String>,
    /// Minutes by which all slots are moved.
    #[serde(default)]
    pub offset_start: Option<u32>,
    /// Whether only the first free slot of a day is shown.
    #[serde(default)]
    pub only_show_first_available_slot: Option<bool>,
    /// Whether slots are arranged so that little time is lost between them.
    #[serde(default)]
    pub show_optimized_slots: Option<bool>,
    /// The most bookings per span of time; the server answers `{}` where there is no limit.
    #[serde(default)]
    pub booking_limits_count: Option<Setting<BookingLimits>>,
    /// The most minutes booked per span of time.
    #[serde(default)]
    pub booking_limits_duration: Option<Setting<BookingLimits>>,
    /// The most bookings of one booker.
    #[serde(default)]
    pub booker_active_bookings_limit: Option<Setting<ActiveBookingsLimit>>,
    /// Whether bookings can be cancelled.
    #[serde(default)]
    pub disable_cancelling: Option<DisableCancelling>,
    /// Whether bookings can be rescheduled.
    #[serde(default)]
    pub disable_rescheduling: Option<DisableRescheduling>,
    /// Whether bookings can be rescheduled when they are over.
    #[serde(default)]
    pub allow_rescheduling_past_bookings: Option<bool>,
    /// Whether rescheduling a cancelled booking makes a new one.
    #[serde(default)]
    pub allow_rescheduling_cancelled_bookings: Option<bool>,
    /// Whether only the host can book over the API.
    #[serde(default)]
    pub booking_requires_authentication: Option<bool>,
    /// Whether the booker's e-mail address is verified first.
    #[serde(default)]
    pub requires_booker_email_verification: Option<bool>,
    /// The title of bookings, with variables such as `{Organiser}`.
    #[serde(default)]
    pub custom_name: Option<String>,
    /// The views of the booking page.
    #[serde(default)]
    pub booker_layouts: Option<BookerLayouts>,
    /// The colour.
    #[serde(default)]
    pub color: Option<EventTypeColor>,
    /// The booking page's language; empty for the browser's.
    #[serde(default)]
    pub interface_language: Option<String>,
    /// Whether the booking page's time zone is fixed.
    #[serde(default)]
    pub lock_time_zone_toggle_on_booking_page: Option<bool>,
    /// Where the booker is sent afterwards.
    #[serde(default)]
    pub success_redirect_url: Option<String>,
    /// Whether the booking page's parameters go there too. The API cannot set it.
    #[serde(default)]
    pub forward_params_success_redirect: Option<bool>,
    /// Whether the organizer's e-mail address is hidden.
    #[serde(default)]
    pub hide_organizer_email: Option<bool>,
    /// Whether notes are left out of the calendar.
    #[serde(default)]
    pub hide_calendar_notes: Option<bool>,
    /// Whether details are left out of the calendar.
    #[serde(default)]
    pub hide_calendar_event_details: Option<bool>,
    /// The calendar that bookings are written to.
    #[serde(default)]
    pub destination_calendar: Option<DestinationCalendar>,
    /// Whether that calendar's address is shown as the organizer's.
    #[serde(default)]
    pub use_destination_calendar_email: Option<bool>,
    /// What a Cal Video call allows.
    #[serde(default)]
    pub cal_video_settings: Option<CalVideoSettings>,
    /// The booking page's address.
    #[serde(default)]
    pub booking_url: Option<String>,
    /// Whether it can be booked for right now. The API cannot set it.
    #[serde(default)]
    pub is_instant_event: Option<bool>,
    /// Whether all members, future ones too, are hosts; only a team's.
    #[serde(default)]
    pub assign_all_team_members: Option<bool>,
    /// The managed event type that it was made after; only a team member's.
    #[serde(default)]
    pub parent_event_type_id: Option<EventTypeId>,
    /// The team that owns it; only a team's.
    #[serde(default)]
    pub team: Option<EventTypeTeam>,
    /// What the event type carries. Read only.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventType")
            .field("id", &self.id)
            .field("slug", &self.slug)
            .field("length_in_minutes", &self.length_in_minutes)
            .finish_non_exhaustive()
    }
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
