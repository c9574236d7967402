//! Parameters for creating and updating event types.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::booking_field::BookingField;
use super::event_type::{EventType, Recurrence, Seats};
use super::event_type_settings::{
    ActiveBookingsLimit, BookerLayouts, BookingLimits, BookingWindow, CalVideoSettings,
    ConfirmationPolicy, DestinationCalendar, DisableCancelling, DisableRescheduling,
    EventTypeColor,
};
use super::id::ScheduleId;
use super::location::Location;
use super::setters::setters;
use super::setting::Setting;

/// The optional settings of an event type: everything except its title, slug and length.
///
/// When creating an event type, `None` means the server's default; when updating one, it leaves the
/// setting unchanged.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventTypeSettings {
    /// The lengths to choose from, in minutes, including the event type's own.
    pub length_in_minutes_options: Option<Vec<u32>>,
    /// The description.
    pub description: Option<String>,
    /// The locations it can be booked at. A new event type without locations uses Cal Video.
    pub locations: Option<Vec<Location>>,
    /// The booking fields. Standard fields that are not listed keep their defaults.
    pub booking_fields: Option<Vec<BookingField>>,
    /// The schedule. A new event type without one uses the owner's default schedule.
    pub schedule_id: Option<ScheduleId>,
    /// The minimum notice, in minutes.
    pub minimum_booking_notice: Option<u32>,
    /// The buffer before the event, in minutes.
    pub before_event_buffer: Option<u32>,
    /// The buffer after the event, in minutes.
    pub after_event_buffer: Option<u32>,
    /// The interval between the starts of two slots, in minutes.
    pub slot_interval: Option<u32>,
    /// The offset of the start of all slots, in minutes.
    pub offset_start: Option<u32>,
    /// Whether only the first available slot of a day is shown.
    pub only_show_first_available_slot: Option<bool>,
    /// Whether slots are arranged to minimize gaps between them.
    pub show_optimized_slots: Option<bool>,
    /// How far in advance it can be booked.
    pub booking_window: Option<Setting<BookingWindow>>,
    /// Which bookings require the host's confirmation.
    pub confirmation_policy: Option<Setting<ConfirmationPolicy>>,
    /// The recurrence.
    pub recurrence: Option<Setting<Recurrence>>,
    /// The seats.
    pub seats: Option<Setting<Seats>>,
    /// The maximum number of bookings per period.
    pub booking_limits_count: Option<Setting<BookingLimits>>,
    /// The maximum booked time per period, in minutes.
    pub booking_limits_duration: Option<Setting<BookingLimits>>,
    /// The maximum number of active bookings per booker.
    pub booker_active_bookings_limit: Option<Setting<ActiveBookingsLimit>>,
    /// Whether adding guests is disabled.
    pub disable_guests: Option<bool>,
    /// Whether cancelling is disabled.
    pub disable_cancelling: Option<DisableCancelling>,
    /// Whether rescheduling is disabled.
    pub disable_rescheduling: Option<DisableRescheduling>,
    /// Whether past bookings can be rescheduled.
    pub allow_rescheduling_past_bookings: Option<bool>,
    /// Whether rescheduling a cancelled booking creates a new one.
    pub allow_rescheduling_cancelled_bookings: Option<bool>,
    /// Whether only the host can book it through the API.
    pub booking_requires_authentication: Option<bool>,
    /// Whether the booker's e-mail address has to be verified.
    pub requires_booker_email_verification: Option<bool>,
    /// Whether it is hidden from the public page.
    pub hidden: Option<bool>,
    /// The title of bookings, with variables such as `{Organiser}`.
    pub custom_name: Option<String>,
    /// The layouts of the booking page.
    pub booker_layouts: Option<BookerLayouts>,
    /// The colour.
    pub color: Option<EventTypeColor>,
    /// The language of the booking page. If empty, the browser's language.
    pub interface_language: Option<String>,
    /// Whether the time zone of the booking page is fixed.
    pub lock_time_zone_toggle_on_booking_page: Option<bool>,
    /// The URL that the booker is redirected to after booking.
    pub success_redirect_url: Option<String>,
    /// Whether the organizer's e-mail address is hidden.
    pub hide_organizer_email: Option<bool>,
    /// Whether notes are hidden in the calendar.
    pub hide_calendar_notes: Option<bool>,
    /// Whether details are hidden in the calendar.
    pub hide_calendar_event_details: Option<bool>,
    /// The calendar that bookings are written to.
    pub destination_calendar: Option<DestinationCalendar>,
    /// Whether that calendar's e-mail address is shown as the organizer's.
    pub use_destination_calendar_email: Option<bool>,
    /// The Cal Video settings.
    pub cal_video_settings: Option<CalVideoSettings>,
}

setters! {
    EventTypeSettings {
        with_schedule_id => schedule_id: ScheduleId,
        with_minimum_booking_notice => minimum_booking_notice: u32,
        with_before_event_buffer => before_event_buffer: u32,
        with_after_event_buffer => after_event_buffer: u32,
        with_slot_interval => slot_interval: u32,
        with_offset_start => offset_start: u32,
        with_only_show_first_available_slot => only_show_first_available_slot: bool,
        with_show_optimized_slots => show_optimized_slots: bool,
        with_disable_guests => disable_guests: bool,
        with_allow_rescheduling_past_bookings => allow_rescheduling_past_bookings: bool,
        with_allow_rescheduling_cancelled_bookings => allow_rescheduling_cancelled_bookings: bool,
        with_booking_requires_authentication => booking_requires_authentication: bool,
        with_requires_booker_email_verification => requires_booker_email_verification: bool,
        with_hidden => hidden: bool,
        with_lock_time_zone_toggle_on_booking_page => lock_time_zone_toggle_on_booking_page: bool,
        with_hide_organizer_email => hide_organizer_email: bool,
        with_hide_calendar_notes => hide_calendar_notes: bool,
        with_hide_calendar_event_details => hide_calendar_event_details: bool,
        with_use_destination_calendar_email => use_destination_calendar_email: bool,
        ;
        with_length_in_minutes_options => length_in_minutes_options: Vec<u32>,
        with_description => description: String,
        with_locations => locations: Vec<Location>,
        with_booking_fields => booking_fields: Vec<BookingField>,
        with_booking_window => booking_window: Setting<BookingWindow>,
        with_confirmation_policy => confirmation_policy: Setting<ConfirmationPolicy>,
        with_recurrence => recurrence: Setting<Recurrence>,
        with_seats => seats: Setting<Seats>,
        with_booking_limits_count => booking_limits_count: Setting<BookingLimits>,
        with_booking_limits_duration => booking_limits_duration: Setting<BookingLimits>,
        with_booker_active_bookings_limit => booker_active_bookings_limit: Setting<ActiveBookingsLimit>,
        with_disable_cancelling => disable_cancelling: DisableCancelling,
        with_disable_rescheduling => disable_rescheduling: DisableRescheduling,
        with_custom_name => custom_name: String,
        with_booker_layouts => booker_layouts: BookerLayouts,
        with_color => color: EventTypeColor,
        with_interface_language => interface_language: String,
        with_success_redirect_url => success_redirect_url: String,
        with_destination_calendar => destination_calendar: DestinationCalendar,
        with_cal_video_settings => cal_video_settings: CalVideoSettings,
    }
}

/// Parameters for creating an event type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewEventType {
    /// The title.
    pub title: String,
    /// The slug, which is the last part of the booking page's URL. Unique per owner.
    pub slug: String,
    /// The length in minutes.
    pub length_in_minutes: u32,
    /// The optional settings.
    #[serde(flatten)]
    pub settings: EventTypeSettings,
}

impl NewEventType {
    /// Creates parameters from the required values.
    pub fn new(title: impl Into<String>, slug: impl Into<String>, length_in_minutes: u32) -> Self {
        Self {
            title: title.into(),
            slug: slug.into(),
            length_in_minutes,
            settings: EventTypeSettings::default(),
        }
    }

    /// Sets the optional settings.
    #[must_use]
    pub fn with_settings(mut self, settings: EventTypeSettings) -> Self {
        self.settings = settings;
        self
    }
}

/// Parameters for updating an event type. `None` leaves a value unchanged.
///
/// However, the server drops the length options, the booker layouts and a confirmation policy's
/// threshold with every update that does not repeat them (observed). To lose nothing, start from
/// the retrieved event type:
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::{EventTypeId, EventTypeUpdate};
///
/// let id = EventTypeId::new(42);
/// let event_type = client.event_types().get(id).await?;
/// let mut update = EventTypeUpdate::from(&event_type);
/// update.settings.minimum_booking_notice = Some(240);
/// client.event_types().update(id, &update).await?;
/// # Ok(())
/// # }
/// ```
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventTypeUpdate {
    /// The title.
    pub title: Option<String>,
    /// The slug, which is the last part of the booking page's URL.
    pub slug: Option<String>,
    /// The length in minutes.
    pub length_in_minutes: Option<u32>,
    /// The optional settings.
    #[serde(flatten)]
    pub settings: EventTypeSettings,
}

setters! {
    EventTypeUpdate {
        with_length_in_minutes => length_in_minutes: u32,
        ;
        with_title => title: String,
        with_slug => slug: String,
    }
}

impl EventTypeUpdate {
    /// Sets the optional settings.
    #[must_use]
    pub fn with_settings(mut self, settings: EventTypeSettings) -> Self {
        self.settings = settings;
        self
    }
}

/// Copies everything that an update can set. Sending the result back changes nothing.
impl From<&EventType> for EventTypeUpdate {
    fn from(read: &EventType) -> Self {
        Self {
            title: Some(read.title.clone()),
            slug: Some(read.slug.clone()),
            length_in_minutes: Some(read.length_in_minutes),
            settings: EventTypeSettings::from(read),
        }
    }
}

/// Copies every setting that was retrieved, in the form in which it is sent.
impl From<&EventType> for EventTypeSettings {
    fn from(read: &EventType) -> Self {
        let lengths = &read.length_in_minutes_options;
        let fields = read
            .booking_fields
            .iter()
            .filter_map(BookingField::to_input);
        Self {
            length_in_minutes_options: (!lengths.is_empty()).then(|| lengths.clone()),
            description: read.description.clone(),
            // An event type without locations of its own is sent without locations.
            locations: (!read.locations.is_empty()).then(|| read.locations.clone()),
            booking_fields: Some(fields.collect()),
            schedule_id: read.schedule_id,
            minimum_booking_notice: read.minimum_booking_notice,
            before_event_buffer: read.before_event_buffer,
            after_event_buffer: read.after_event_buffer,
            slot_interval: read.slot_interval,
            offset_start: read.offset_start,
            only_show_first_available_slot: read.only_show_first_available_slot,
            show_optimized_slots: read.show_optimized_slots,
            booking_window: read.booking_window.clone(),
            confirmation_policy: read.confirmation_policy.clone(),
            recurrence: read.recurrence.clone().map(|recurrence| {
                if recurrence.disabled == Some(true) {
                    Setting::Off
                } else {
                    Setting::On(recurrence)
                }
            }),
            seats: read.seats.clone().map(|seats| {
                if seats.disabled == Some(true) {
                    Setting::Off
                } else {
                    Setting::On(seats)
                }
            }),
            booking_limits_count: read.booking_limits_count.as_ref().map(to_limits),
            booking_limits_duration: read.booking_limits_duration.as_ref().map(to_limits),
            booker_active_bookings_limit: read.booker_active_bookings_limit.clone(),
            disable_guests: read.disable_guests,
            disable_cancelling: read.disable_cancelling.clone(),
            disable_rescheduling: read.disable_rescheduling.clone(),
            allow_rescheduling_past_bookings: read.allow_rescheduling_past_bookings,
            allow_rescheduling_cancelled_bookings: read.allow_rescheduling_cancelled_bookings,
            booking_requires_authentication: read.booking_requires_authentication,
            requires_booker_email_verification: read.requires_booker_email_verification,
            hidden: read.hidden,
            custom_name: read.custom_name.clone(),
            booker_layouts: read.booker_layouts.clone(),
            color: read.color.clone(),
            interface_language: read.interface_language.clone(),
            lock_time_zone_toggle_on_booking_page: read.lock_time_zone_toggle_on_booking_page,
            success_redirect_url: read.success_redirect_url.clone(),
            hide_organizer_email: read.hide_organizer_email,
            hide_calendar_notes: read.hide_calendar_notes,
            hide_calendar_event_details: read.hide_calendar_event_details,
            destination_calendar: read
                .destination_calendar
                .clone()
                .filter(|calendar| !calendar.integration.is_empty()),
            use_destination_calendar_email: read.use_destination_calendar_email,
            cal_video_settings: read.cal_video_settings.clone(),
        }
    }
}

/// The server returns `{}` for disabled limits.
fn to_limits(read: &Setting<BookingLimits>) -> Setting<BookingLimits> {
    match read {
        Setting::On(limits) if *limits == BookingLimits::default() => Setting::Off,
        other => other.clone(),
    }
}
