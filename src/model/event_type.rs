//! Event types.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::{DefaultOnError, DefaultOnNull, serde_as, skip_serializing_none};

use super::booking_field::BookingField;
use super::event_type_settings::{
    ActiveBookingsLimit, BookerLayouts, BookingLimits, BookingWindow, CalVideoSettings,
    ConfirmationPolicy, DestinationCalendar, DisableCancelling, DisableRescheduling,
    EventTypeColor,
};
use super::id::{EventTypeId, ScheduleId, TeamId, UserId};
use super::json_object::JsonObject;
use super::location::Location;
use super::open_enum::open_enum;
use super::schedule::Weekday;
use super::setting::Setting;
use super::team::{EventTypeHost, SchedulingType};

open_enum! {
    /// The unit of the interval of a recurring event type.
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
    /// Whether recurrence is disabled, in which case the other fields are absent.
    #[serde(default)]
    pub disabled: Option<bool>,
    /// The interval between two bookings, in units of `frequency`.
    #[serde(default)]
    pub interval: Option<u32>,
    /// The number of bookings in a series.
    #[serde(default)]
    pub occurrences: Option<u32>,
    /// The unit of `interval`.
    #[serde(default)]
    pub frequency: Option<Frequency>,
}

impl Recurrence {
    /// Creates a recurrence with an interval, its unit, and the number of bookings.
    pub fn every(interval: u32, frequency: Frequency, occurrences: u32) -> Self {
        Self {
            disabled: None,
            interval: Some(interval),
            occurrences: Some(occurrences),
            frequency: Some(frequency),
        }
    }
}

/// The seats of an event type; `{"disabled": true}` if it has none.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Seats {
    /// Whether seats are disabled, in which case the other fields are absent.
    #[serde(default)]
    pub disabled: Option<bool>,
    /// The number of seats per slot.
    #[serde(default)]
    pub seats_per_time_slot: Option<u32>,
    /// Whether attendees can see each other.
    #[serde(default)]
    pub show_attendee_info: Option<bool>,
    /// Whether the number of free seats is shown.
    #[serde(default)]
    pub show_availability_count: Option<bool>,
}

impl Seats {
    /// Creates a setting with this many seats per slot.
    ///
    /// Attendees cannot see each other, and the number of free seats is shown.
    pub fn per_slot(seats: u32) -> Self {
        Self {
            disabled: None,
            seats_per_time_slot: Some(seats),
            show_attendee_info: Some(false),
            show_availability_count: Some(true),
        }
    }
}

/// A user of an event type. `Debug` shows only the id.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventTypeUser {
    /// The user's id.
    pub id: UserId,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// The user name.
    #[serde(default)]
    pub username: Option<String>,
    /// The URL of the avatar.
    #[serde(default)]
    pub avatar_url: Option<String>,
    /// The brand colour, as `#rrggbb`.
    #[serde(default)]
    pub brand_color: Option<String>,
    /// The brand colour in the dark theme, as `#rrggbb`.
    #[serde(default)]
    pub dark_brand_color: Option<String>,
    /// The first day of the week.
    #[serde(default)]
    pub week_start: Option<Weekday>,
    /// The metadata.
    #[serde(default)]
    pub metadata: Option<JsonObject>,
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
    /// The team's id.
    pub id: TeamId,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
    /// The team's slug, as used in the URLs of its booking pages.
    #[serde(default)]
    pub slug: Option<String>,
    /// The URL of the logo.
    #[serde(default)]
    pub logo_url: Option<String>,
    /// The URL of the banner.
    #[serde(default)]
    pub banner_url: Option<String>,
    /// The first day of the week.
    #[serde(default)]
    pub week_start: Option<Weekday>,
    /// The brand colour, as `#rrggbb`.
    #[serde(default)]
    pub brand_color: Option<String>,
    /// The brand colour in the dark theme, as `#rrggbb`.
    #[serde(default)]
    pub dark_brand_color: Option<String>,
    /// The theme.
    #[serde(default)]
    pub theme: Option<String>,
}

/// An event type, which defines what can be booked.
///
/// Where the API uses one of several shapes (locations, booking windows, policies), an unknown
/// shape is kept as received.
///
/// `Debug` shows the id, the slug and the length.
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::EventTypeId;
///
/// let event_type = client.event_types().get(EventTypeId::new(42)).await?;
/// println!("{}: {} minutes", event_type.title, event_type.length_in_minutes);
/// for location in &event_type.locations {
///     println!("at {}", location.kind());
/// }
/// if event_type.requires_confirmation() {
///     println!("needs confirmation");
/// }
/// # Ok(())
/// # }
/// ```
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventType {
    /// The event type's id.
    pub id: EventTypeId,
    /// The title.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub title: String,
    /// The slug, which is the last part of the booking page's URL.
    pub slug: String,
    /// The length in minutes.
    pub length_in_minutes: u32,
    /// The lengths to choose from, in minutes, if there are several.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub length_in_minutes_options: Vec<u32>,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// The user who owns it; absent for a team event type.
    #[serde(default)]
    pub owner_id: Option<UserId>,
    /// The team that owns it; absent for a user's event type.
    #[serde(default)]
    pub team_id: Option<TeamId>,
    /// How the hosts share bookings; absent for a user's event type.
    #[serde(default)]
    pub scheduling_type: Option<SchedulingType>,
    /// The hosts, for a team event type.
    #[serde_as(as = "DefaultOnError<Vec<_>>")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<EventTypeHost>,
    /// The hosts, for a user's event type.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub users: Vec<EventTypeUser>,
    /// The schedule. If absent, the owner's default schedule.
    #[serde(default)]
    pub schedule_id: Option<ScheduleId>,
    /// The locations it can be booked at.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub locations: Vec<Location>,
    /// The booking fields, which are the questions that the booker is asked.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub booking_fields: Vec<BookingField>,
    /// The recurrence.
    #[serde(default)]
    pub recurrence: Option<Recurrence>,
    /// The seats.
    #[serde(default)]
    pub seats: Option<Seats>,
    /// How far in advance it can be booked.
    #[serde(default)]
    pub booking_window: Option<Setting<BookingWindow>>,
    /// Which bookings require confirmation.
    #[serde(default)]
    pub confirmation_policy: Option<Setting<ConfirmationPolicy>>,
    /// The minimum notice, in minutes.
    #[serde(default)]
    pub minimum_booking_notice: Option<u32>,
    /// The buffer before the event, in minutes.
    #[serde(default)]
    pub before_event_buffer: Option<u32>,
    /// The buffer after the event, in minutes.
    #[serde(default)]
    pub after_event_buffer: Option<u32>,
    /// The interval between the starts of two slots, in minutes. If absent, the length.
    #[serde(default)]
    pub slot_interval: Option<u32>,
    /// Whether it is hidden from the public page.
    #[serde(default)]
    pub hidden: Option<bool>,
    /// Whether adding guests is disabled.
    #[serde(default)]
    pub disable_guests: Option<bool>,
    /// The price in the currency's smallest unit.
    #[serde(default)]
    pub price: Option<f64>,
    /// The currency's ISO 4217 code, in lower case.
    #[serde(default)]
    pub currency: Option<String>,
    /// The offset of the start of all slots, in minutes.
    #[serde(default)]
    pub offset_start: Option<u32>,
    /// Whether only the first available slot of a day is shown.
    #[serde(default)]
    pub only_show_first_available_slot: Option<bool>,
    /// Whether slots are arranged to minimize gaps between them.
    #[serde(default)]
    pub show_optimized_slots: Option<bool>,
    /// The maximum number of bookings per period. The server returns `{}` if there is no limit.
    #[serde(default)]
    pub booking_limits_count: Option<Setting<BookingLimits>>,
    /// The maximum booked time per period, in minutes.
    #[serde(default)]
    pub booking_limits_duration: Option<Setting<BookingLimits>>,
    /// The maximum number of active bookings per booker.
    #[serde(default)]
    pub booker_active_bookings_limit: Option<Setting<ActiveBookingsLimit>>,
    /// Whether cancelling is disabled.
    #[serde(default)]
    pub disable_cancelling: Option<DisableCancelling>,
    /// Whether rescheduling is disabled.
    #[serde(default)]
    pub disable_rescheduling: Option<DisableRescheduling>,
    /// Whether past bookings can be rescheduled.
    #[serde(default)]
    pub allow_rescheduling_past_bookings: Option<bool>,
    /// Whether rescheduling a cancelled booking creates a new one.
    #[serde(default)]
    pub allow_rescheduling_cancelled_bookings: Option<bool>,
    /// Whether only the host can book it through the API.
    #[serde(default)]
    pub booking_requires_authentication: Option<bool>,
    /// Whether the booker's e-mail address has to be verified.
    #[serde(default)]
    pub requires_booker_email_verification: Option<bool>,
    /// The title of bookings, with variables such as `{Organiser}`.
    #[serde(default)]
    pub custom_name: Option<String>,
    /// The layouts of the booking page.
    #[serde(default)]
    pub booker_layouts: Option<BookerLayouts>,
    /// The colour.
    #[serde(default)]
    pub color: Option<EventTypeColor>,
    /// The language of the booking page. If empty, the browser's language.
    #[serde(default)]
    pub interface_language: Option<String>,
    /// Whether the time zone of the booking page is fixed.
    #[serde(default)]
    pub lock_time_zone_toggle_on_booking_page: Option<bool>,
    /// The URL that the booker is redirected to after booking.
    #[serde(default)]
    pub success_redirect_url: Option<String>,
    /// Whether the booking page's query parameters are passed on to that URL. Cannot be set through
    /// the API.
    #[serde(default)]
    pub forward_params_success_redirect: Option<bool>,
    /// Whether the organizer's e-mail address is hidden.
    #[serde(default)]
    pub hide_organizer_email: Option<bool>,
    /// Whether notes are hidden in the calendar.
    #[serde(default)]
    pub hide_calendar_notes: Option<bool>,
    /// Whether details are hidden in the calendar.
    #[serde(default)]
    pub hide_calendar_event_details: Option<bool>,
    /// The calendar that bookings are written to.
    #[serde(default)]
    pub destination_calendar: Option<DestinationCalendar>,
    /// Whether that calendar's e-mail address is shown as the organizer's.
    #[serde(default)]
    pub use_destination_calendar_email: Option<bool>,
    /// The Cal Video settings.
    #[serde(default)]
    pub cal_video_settings: Option<CalVideoSettings>,
    /// The URL of the booking page.
    #[serde(default)]
    pub booking_url: Option<String>,
    /// Whether it can be booked as an instant meeting. Cannot be set through the API.
    #[serde(default)]
    pub is_instant_event: Option<bool>,
    /// Whether all members are hosts, including future ones; only for a team event type.
    #[serde(default)]
    pub assign_all_team_members: Option<bool>,
    /// The managed event type that it is derived from; only for a team member's event type.
    #[serde(default)]
    pub parent_event_type_id: Option<EventTypeId>,
    /// The team that owns it; only for a team event type.
    #[serde(default)]
    pub team: Option<EventTypeTeam>,
    /// The metadata. Read-only.
    #[serde(default)]
    pub metadata: Option<JsonObject>,
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
    /// Returns whether bookings require the host's confirmation, always or under some condition.
    pub fn requires_confirmation(&self) -> bool {
        match &self.confirmation_policy {
            Some(Setting::On(_)) => true,
            Some(Setting::Other(policy)) => {
                policy.get("disabled") != Some(&Value::Bool(true)) && policy.get("type").is_some()
            }
            Some(Setting::Off) | None => false,
        }
    }

    /// Returns whether it has seats.
    pub fn is_seated(&self) -> bool {
        self.seats
            .as_ref()
            .is_some_and(|seats| seats.disabled != Some(true))
    }
}
