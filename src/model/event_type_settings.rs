//! Settings of event types that are objects.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::open_enum::open_enum;
use super::setters::setters;

/// How far in advance an event type can be booked.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum BookingWindow {
    /// A number of business days.
    #[non_exhaustive]
    BusinessDays {
        /// The number of days.
        value: u32,
        /// Whether the window is extended so that this many days are always bookable, not counting
        /// full days.
        #[serde(default)]
        rolling: Option<bool>,
    },
    /// A number of calendar days.
    #[non_exhaustive]
    CalendarDays {
        /// The number of days.
        value: u32,
        /// Whether the window is extended so that this many days are always bookable, not counting
        /// full days.
        #[serde(default)]
        rolling: Option<bool>,
    },
    /// A range of dates.
    #[non_exhaustive]
    Range {
        /// The first and the last date.
        value: (NaiveDate, NaiveDate),
    },
}

impl BookingWindow {
    /// Creates a window of this many business days.
    pub const fn business_days(days: u32) -> Self {
        Self::BusinessDays {
            value: days,
            rolling: None,
        }
    }

    /// Creates a window of this many calendar days.
    pub const fn calendar_days(days: u32) -> Self {
        Self::CalendarDays {
            value: days,
            rolling: None,
        }
    }

    /// Creates a window from the first to the last of these dates.
    pub const fn range(first: NaiveDate, last: NaiveDate) -> Self {
        Self::Range {
            value: (first, last),
        }
    }

    /// Sets whether a window of days is extended so that this many days are always bookable. Means
    /// nothing for a range of dates.
    #[must_use]
    pub const fn with_rolling(mut self, extended: bool) -> Self {
        match &mut self {
            Self::BusinessDays { rolling, .. } | Self::CalendarDays { rolling, .. } => {
                *rolling = Some(extended);
            }
            Self::Range { .. } => {}
        }
        self
    }
}

open_enum! {
    /// Which bookings require confirmation.
    ConfirmationRule {
        /// All bookings.
        Always = "always",
        /// Bookings at short notice.
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

/// The notice below which a booking requires confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoticeThreshold {
    /// The unit.
    pub unit: NoticeUnit,
    /// The number of units.
    pub count: u32,
}

impl NoticeThreshold {
    /// Creates a threshold of this many units.
    pub fn new(count: u32, unit: NoticeUnit) -> Self {
        Self { count, unit }
    }
}

/// Which bookings of an event type require the host's confirmation.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConfirmationPolicy {
    /// Which bookings require confirmation.
    #[serde(rename = "type")]
    pub rule: ConfirmationRule,
    /// The notice, for [`ConfirmationRule::Time`].
    #[serde(default)]
    pub notice_threshold: Option<NoticeThreshold>,
    /// Whether a booking blocks its slot while it is unconfirmed.
    #[serde(default)]
    pub block_unconfirmed_bookings_in_booker: Option<bool>,
}

impl ConfirmationPolicy {
    /// Requires confirmation for every booking, which blocks its slot until then or not.
    pub fn always(blocks_the_slot: bool) -> Self {
        Self {
            rule: ConfirmationRule::Always,
            notice_threshold: None,
            block_unconfirmed_bookings_in_booker: Some(blocks_the_slot),
        }
    }

    /// Requires confirmation for bookings at shorter notice, which block their slots until then or
    /// not.
    pub fn under(notice: NoticeThreshold, blocks_the_slot: bool) -> Self {
        Self {
            rule: ConfirmationRule::Time,
            notice_threshold: Some(notice),
            block_unconfirmed_bookings_in_booker: Some(blocks_the_slot),
        }
    }
}

/// Limits per period: the number of bookings, or the booked minutes (in multiples of 15).
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BookingLimits {
    /// The maximum per day.
    #[serde(default)]
    pub day: Option<u32>,
    /// The maximum per week.
    #[serde(default)]
    pub week: Option<u32>,
    /// The maximum per month.
    #[serde(default)]
    pub month: Option<u32>,
    /// The maximum per year.
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

/// The limit of active bookings per booker.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActiveBookingsLimit {
    /// The maximum number of active bookings.
    #[serde(default)]
    pub maximum_active_bookings: Option<u32>,
    /// Whether the booker is offered to reschedule the last booking once the limit is reached.
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
    /// A layout of the booking page.
    BookerLayout {
        /// The month view.
        Month = "month",
        /// The week view.
        Week = "week",
        /// The column view.
        Column = "column",
    }
}

/// The layouts of the booking page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BookerLayouts {
    /// The layout shown first.
    pub default_layout: BookerLayout,
    /// The layouts to choose from.
    pub enabled_layouts: Vec<BookerLayout>,
}

impl BookerLayouts {
    /// Creates a setting from the layout shown first and the available layouts, which must include
    /// it.
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
    /// The colour in the light theme.
    pub light_theme_hex: String,
    /// The colour in the dark theme.
    pub dark_theme_hex: String,
}

impl EventTypeColor {
    /// Creates a setting from two colours as `#rrggbb`, for the light and the dark theme.
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
    /// The integration, such as `google_calendar`; empty if no calendar is set.
    #[serde(default)]
    pub integration: String,
    /// The integration's identifier of the calendar, often an e-mail address.
    #[serde(default)]
    pub external_id: String,
}

impl DestinationCalendar {
    /// Creates a setting from an integration, such as `google_calendar`, and its identifier of the
    /// calendar.
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

/// The settings of Cal Video calls.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CalVideoSettings {
    /// Whether recording is disabled for the organizer.
    #[serde(default)]
    pub disable_recording_for_organizer: Option<bool>,
    /// Whether recording is disabled for guests.
    #[serde(default)]
    pub disable_recording_for_guests: Option<bool>,
    /// The URL that participants are redirected to when they leave.
    #[serde(default)]
    pub redirect_url_on_exit: Option<String>,
    /// Whether recording starts automatically when the organizer joins.
    #[serde(default)]
    pub enable_automatic_recording_for_organizer: Option<bool>,
    /// Whether transcription starts automatically when someone joins.
    #[serde(default)]
    pub enable_automatic_transcription: Option<bool>,
    /// Whether the transcript is disabled for guests.
    #[serde(default)]
    pub disable_transcription_for_guests: Option<bool>,
    /// Whether the transcript is disabled for the organizer.
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
    /// Whether cancelling is disabled.
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
    /// Whether rescheduling is always disabled.
    #[serde(default)]
    pub disabled: Option<bool>,
    /// How many minutes before the start rescheduling becomes disabled.
    #[serde(default)]
    pub minutes_before: Option<u32>,
}

setters! {
    DisableRescheduling {
        with_disabled => disabled: bool,
        with_minutes_before => minutes_before: u32,
    }
}
