//! What is sent to make and change event types.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;

use super::event_type::{Recurrence, Seats};
use super::event_type_settings::{
    ActiveBookingsLimit, BookerLayouts, BookingLimits, BookingWindow, CalVideoSettings,
    ConfirmationPolicy, DestinationCalendar, DisableCancelling, DisableRescheduling,
    EventTypeColor,
};
use super::id::{EventTypeId, ScheduleId};
use super::location::Location;
use super::setting::Setting;

/// Everything about an event type but its title, slug and length. What is `None` is left to the server where an event type is
/// made, and left as it is where one is changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeSettings {
    /// The lengths to choose from, in minutes, the event type's own among them.
    pub length_in_minutes_options: Option<Vec<u32>>,
    /// The description.
    pub description: Option<String>,
    /// Where it can take place; a Cal Video call if an event type is made without.
    pub locations: Option<Vec<Location>>,
    /// What the booker is asked, in the API's own form, such as `{"type": "text", "slug": "size", "label": "Size", …}`.
    pub booking_fields: Option<Vec<Value>>,
    /// The schedule; the owner's default one if an event type is made without.
    pub schedule_id: Option<ScheduleId>,
    /// The least notice, in minutes.
    pub minimum_booking_notice: Option<u32>,
    /// Minutes kept free before.
    pub before_event_buffer: Option<u32>,
    /// Minutes kept free after.
    pub after_event_buffer: Option<u32>,
    /// Minutes between the starts of two slots.
    pub slot_interval: Option<u32>,
    /// Minutes by which all slots are moved.
    pub offset_start: Option<u32>,
    /// Whether only the first free slot of a day is shown.
    pub only_show_first_available_slot: Option<bool>,
    /// Whether slots are arranged so that little time is lost between them.
    pub show_optimized_slots: Option<bool>,
    /// How far ahead it can be booked.
    pub booking_window: Option<Setting<BookingWindow>>,
    /// Which bookings wait for the host's confirmation.
    pub confirmation_policy: Option<Setting<ConfirmationPolicy>>,
    /// How it recurs.
    pub recurrence: Option<Setting<Recurrence>>,
    /// How it gives out seats.
    pub seats: Option<Setting<Seats>>,
    /// The most bookings.
    pub booking_limits_count: Option<Setting<BookingLimits>>,
    /// The most minutes booked.
    pub booking_limits_duration: Option<Setting<BookingLimits>>,
    /// The most bookings of one booker.
    pub booker_active_bookings_limit: Option<Setting<ActiveBookingsLimit>>,
    /// Whether guests cannot be named.
    pub disable_guests: Option<bool>,
    /// Whether bookings can be cancelled.
    pub disable_cancelling: Option<DisableCancelling>,
    /// Whether bookings can be rescheduled.
    pub disable_rescheduling: Option<DisableRescheduling>,
    /// Whether bookings can be rescheduled when they are over.
    pub allow_rescheduling_past_bookings: Option<bool>,
    /// Whether rescheduling a cancelled booking makes a new one.
    pub allow_rescheduling_cancelled_bookings: Option<bool>,
    /// Whether only the host can book over the API.
    pub booking_requires_authentication: Option<bool>,
    /// Whether the booker's e-mail address is verified first.
    pub requires_booker_email_verification: Option<bool>,
    /// Whether it is left out of the public page.
    pub hidden: Option<bool>,
    /// The title of bookings, with variables such as `{Organiser}`.
    pub custom_name: Option<String>,
    /// The views of the booking page.
    pub booker_layouts: Option<BookerLayouts>,
    /// The colour.
    pub color: Option<EventTypeColor>,
    /// The booking page's language; empty for the browser's.
    pub interface_language: Option<String>,
    /// Whether the booking page's time zone is fixed.
    pub lock_time_zone_toggle_on_booking_page: Option<bool>,
    /// Where the booker is sent afterwards.
    pub success_redirect_url: Option<String>,
    /// Whether the organizer's e-mail address is hidden.
    pub hide_organizer_email: Option<bool>,
    /// Whether notes are left out of the calendar.
    pub hide_calendar_notes: Option<bool>,
    /// Whether details are left out of the calendar.
    pub hide_calendar_event_details: Option<bool>,
    /// The calendar that bookings are written to.
    pub destination_calendar: Option<DestinationCalendar>,
    /// Whether that calendar's address is shown as the organizer's.
    pub use_destination_calendar_email: Option<bool>,
    /// What a Cal Video call allows.
    pub cal_video_settings: Option<CalVideoSettings>,
}

/// An event type to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewEventType {
    /// The title.
    pub title: String,
    /// The last part of the booking page's address; the owner can have it once.
    pub slug: String,
    /// The length in minutes.
    pub length_in_minutes: u32,
    /// Everything else.
    #[serde(flatten)]
    pub settings: EventTypeSettings,
}

impl NewEventType {
    /// An event type with what is always needed.
    pub fn new(title: impl Into<String>, slug: impl Into<String>, length_in_minutes: u32) -> Self {
        Self {
            title: title.into(),
            slug: slug.into(),
            length_in_minutes,
            settings: EventTypeSettings::default(),
        }
    }

    /// Sets everything else.
    #[must_use]
    pub fn with_settings(mut self, settings: EventTypeSettings) -> Self {
        self.settings = settings;
        self
    }
}

/// What to change about an event type. What is `None` stays as it is.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeUpdate {
    /// The title.
    pub title: Option<String>,
    /// The last part of the booking page's address.
    pub slug: Option<String>,
    /// The length in minutes.
    pub length_in_minutes: Option<u32>,
    /// Everything else.
    #[serde(flatten)]
    pub settings: EventTypeSettings,
}

/// The response to deleting an event type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeletedEventType {
    /// The event type's number.
    pub id: EventTypeId,
    /// The title.
    #[serde(default)]
    pub title: Option<String>,
    /// The last part of the booking page's address.
    #[serde(default)]
    pub slug: Option<String>,
    /// The length in minutes.
    #[serde(default)]
    pub length_in_minutes: Option<u32>,
}
