//! The settings of event types that are objects of their own.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::open_enum::open_enum;
use super::setters::setters;

/// How far ahead an event type can be booked.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum BookingWindow {
    /// So many business days.
    BusinessDays {
        /// How many.
        value: u32,
        /// Whether as many days are always bookable, full ones not counted.
        #[serde(default)]
        rolling: Option<bool>,
    },
    /// So many days of the calendar.
    CalendarDays {
        /// How many.
        value: u32,
        /// Whether as many days are always bookable, full ones not counted.
        #[serde(default)]
        rolling: Option<bool>,
    },
    /// From the first of two dates to the second.
    Range {
        /// The two dates.
        value: (NaiveDate, NaiveDate),
    },
}

open_enum! {
    /// Which bookings wait for confirmation.
    ConfirmationRule {
        /// All.
        Always = "always",
        /// Those at short notice.
        Time = "time",
    }
}

open_enum! {
    /// The unit of a notice.
    NoticeUnit {
        /// Minutes.
        Minutes = "minutes",
        /// Hours.
        Hours = "hours",
        /// Days.
        Days = "days",
    }
}

/// How short a notice makes a booking wait for confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoticeThreshold {
    /// The unit.
    pub unit: NoticeUnit,
    /// How many.
    pub count: u32,
}

impl NoticeThreshold {
    /// A notice of this many units.
    pub fn new(count: u32, unit: NoticeUnit) -> Self {
        Self { count, unit }
    }
}

/// Which bookings of an event type wait for the host's confirmation.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConfirmationPolicy {
    /// Which bookings.
    #[serde(rename = "type")]
    pub rule: ConfirmationRule,
    /// The notice, for [`ConfirmationRule::Time`].
    #[serde(default)]
    pub notice_threshold: Option<NoticeThreshold>,
    /// Whether a slot is taken while its booking waits.
    #[serde(default)]
    pub block_unconfirmed_bookings_in_booker: Option<bool>,
}

impl ConfirmationPolicy {
    /// Every booking waits, and takes its slot or not while it does.
    pub fn always(blocks_the_slot: bool) -> Self {
        Self {
            rule: ConfirmationRule::Always,
            notice_threshold: None,
            block_unconfirmed_bookings_in_booker: Some(blocks_the_slot),
        }
    }

    /// Bookings at shorter notice than this wait, and take their slot or not while they do.
    pub fn under(notice: NoticeThreshold, blocks_the_slot: bool) -> Self {
        Self {
            rule: ConfirmationRule::Time,
            notice_threshold: Some(notice),
            block_unconfirmed_bookings_in_booker: Some(blocks_the_slot),
        }
    }
}

/// The most per span of time: bookings, or minutes (in multiples of 15) where durations are limited.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BookingLimits {
    /// The most a day.
    #[serde(default)]
    pub day: Option<u32>,
    /// The most a week.
    #[serde(default)]
    pub week: Option<u32>,
    /// The most a month.
    #[serde(default)]
    pub month: Option<u32>,
    /// The most a year.
    #[serde(default)]
    pub year: Option<u32>,
}

setters! {
    BookingLimits {
        with_day => day: u32,
        with_week => week: u32,
        with_month => month: u32,
        with_year => year: u32,
    }
}

/// How many bookings one booker can have at a time.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActiveBookingsLimit {
    /// The most.
    #[serde(default)]
    pub maximum_active_bookings: Option<u32>,
    /// Whether moving the last one is offered once the limit is reached.
    #[serde(default)]
    pub offer_reschedule: Option<bool>,
}

setters! {
    ActiveBookingsLimit {
        with_maximum_active_bookings => maximum_active_bookings: u32,
        with_offer_reschedule => offer_reschedule: bool,
    }
}

open_enum! {
    /// A view of the booking page.
    BookerLayout {
        /// A month.
        Month = "month",
        /// A week.
        Week = "week",
        /// Columns.
        Column = "column",
    }
}

/// The views of the booking page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BookerLayouts {
    /// The first one shown.
    pub default_layout: BookerLayout,
    /// Those to choose from.
    pub enabled_layouts: Vec<BookerLayout>,
}

impl BookerLayouts {
    /// Shows `default_layout` first, and offers `enabled_layouts`, which have to include it.
    pub fn new(
        default_layout: BookerLayout,
        enabled_layouts: impl Into<Vec<BookerLayout>>,
    ) -> Self {
        Self {
            default_layout,
            enabled_layouts: enabled_layouts.into(),
        }
    }
}

/// The colour of an event type, as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventTypeColor {
    /// In the light theme.
    pub light_theme_hex: String,
    /// In the dark theme.
    pub dark_theme_hex: String,
}

impl EventTypeColor {
    /// Two colours as `#rrggbb`, for the light and the dark theme.
    pub fn new(light_theme_hex: impl Into<String>, dark_theme_hex: impl Into<String>) -> Self {
        Self {
            light_theme_hex: light_theme_hex.into(),
            dark_theme_hex: dark_theme_hex.into(),
        }
    }
}

/// The calendar that bookings are written to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DestinationCalendar {
    /// The integration, such as `google_calendar`; empty if none is set.
    #[serde(default)]
    pub integration: String,
    /// The calendar's name at the integration, often an e-mail address.
    #[serde(default)]
    pub external_id: String,
}

impl DestinationCalendar {
    /// The calendar `external_id` of an integration such as `google_calendar`.
    pub fn new(integration: impl Into<String>, external_id: impl Into<String>) -> Self {
        Self {
            integration: integration.into(),
            external_id: external_id.into(),
        }
    }
}

impl std::fmt::Debug for DestinationCalendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DestinationCalendar")
            .field("integration", &self.integration)
            .finish_non_exhaustive()
    }
}

/// What a Cal Video call allows and does by itself.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalVideoSettings {
    /// Whether the organizer cannot record.
    #[serde(default)]
    pub disable_recording_for_organizer: Option<bool>,
    /// Whether guests cannot record.
    #[serde(default)]
    pub disable_recording_for_guests: Option<bool>,
    /// Where participants are sent when they leave.
    #[serde(default)]
    pub redirect_url_on_exit: Option<String>,
    /// Whether recording begins when the organizer comes.
    #[serde(default)]
    pub enable_automatic_recording_for_organizer: Option<bool>,
    /// Whether the call is transcribed from when somebody comes.
    #[serde(default)]
    pub enable_automatic_transcription: Option<bool>,
    /// Whether guests get no transcript.
    #[serde(default)]
    pub disable_transcription_for_guests: Option<bool>,
    /// Whether the organizer gets no transcript.
    #[serde(default)]
    pub disable_transcription_for_organizer: Option<bool>,
    /// Whether the transcript is sent by e-mail.
    #[serde(default)]
    pub send_transcription_emails: Option<bool>,
}

setters! {
    CalVideoSettings {
        with_disable_recording_for_organizer => disable_recording_for_organizer: bool,
        with_disable_recording_for_guests => disable_recording_for_guests: bool,
        with_enable_automatic_recording_for_organizer => enable_automatic_recording_for_organizer: bool,
        with_enable_automatic_transcription => enable_automatic_transcription: bool,
        with_disable_transcription_for_guests => disable_transcription_for_guests: bool,
        with_disable_transcription_for_organizer => disable_transcription_for_organizer: bool,
        with_send_transcription_emails => send_transcription_emails: bool,
        ;
        with_redirect_url_on_exit => redirect_url_on_exit: String,
    }
}

/// Whether bookings of an event type can be cancelled.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DisableCancelling {
    /// Whether they cannot.
    #[serde(default)]
    pub disabled: Option<bool>,
}

setters! {
    DisableCancelling {
        with_disabled => disabled: bool,
    }
}

/// Whether bookings of an event type can be rescheduled.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DisableRescheduling {
    /// Whether they cannot, ever.
    #[serde(default)]
    pub disabled: Option<bool>,
    /// So many minutes before the start they no longer can.
    #[serde(default)]
    pub minutes_before: Option<u32>,
}

setters! {
    DisableRescheduling {
        with_disabled => disabled: bool,
        with_minutes_before => minutes_before: u32,
    }
}
