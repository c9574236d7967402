//! Cal.com's resources as plain data types, without I/O.
//!
//! Unknown fields are ignored, unknown enumeration values survive a round trip as `Other`,
//! timestamps are in UTC regardless of their format, and fields that servers were observed to omit
//! are optional. `Debug` never shows personal data or secrets. Requests have a `check` method,
//! which the client calls before sending.

mod api_key;
mod attendee;
mod booking;
mod booking_actions;
mod booking_details;
mod booking_field;
mod booking_query;
mod booking_request;
mod calendar;
mod calendar_event;
mod check;
mod conferencing;
mod connected_app;
mod event_type;
mod event_type_request;
mod event_type_settings;
mod event_type_target;
pub(crate) mod id;
mod json_object;
mod list_query;
mod location;
#[cfg(feature = "phone")]
mod numbering;
mod oauth_client;
mod open_enum;
mod phone_number;
mod private_link;
mod reservation;
mod routing_form;
mod schedule;
mod schedule_request;
mod seat;
mod setters;
mod setting;
mod slot;
mod team;
mod text;
mod time;
mod user;
mod verified_resource;
mod video;
mod webhook_subscription;
pub(crate) mod word;

pub use api_key::{ApiKeyRefresh, RefreshedApiKey};
pub use attendee::{Attendee, Host};
pub use booking::{Booking, BookingOrSeries, BookingStatus, EventTypeRef, Metadata};
pub use booking_actions::{
    AttendeeAbsence, MarkAbsentParams, NewGuest, ReassignedHost, Reassignment,
};
pub use booking_details::{BookingAttendee, BookingReference, CalendarLink};
pub use booking_field::{BookingField, BookingFieldKind};
pub use booking_query::{BookingFilter, BookingQuery, SortOrder};
pub use booking_request::{CancelParams, NewAttendee, NewBooking, RescheduleParams, Routing};
pub use calendar::{
    BusyTime, BusyTimesQuery, Calendar, CalendarApp, CalendarConnection, CalendarConnectionError,
    CalendarIntegration, CalendarProvider, CalendarRef, CalendarSelection, ConnectedCalendars,
    DestinationCalendarDetails, DestinationCalendarParams, NewIcsFeed,
};
pub use calendar_event::{
    CalendarEvent, CalendarEventAttendee, CalendarEventEntry, CalendarEventHost,
    CalendarEventLocation, CalendarEventResponse, CalendarEventStatus, CalendarEventTime,
    CalendarEventUpdate,
};
#[cfg(feature = "agents")]
pub(crate) use check::is_email;
pub use check::{InvalidRequest, Violation};
pub use conferencing::{ConferencingApp, DefaultConferencingApp};
pub use connected_app::{ConnectUrl, ConnectedApp};
pub use event_type::{EventType, EventTypeTeam, EventTypeUser, Frequency, Recurrence, Seats};
pub use event_type_request::{EventTypeSettings, EventTypeUpdate, NewEventType};
pub use event_type_settings::{
    ActiveBookingsLimit, BookerLayout, BookerLayouts, BookingLimits, BookingWindow,
    CalVideoSettings, ConfirmationPolicy, ConfirmationRule, DestinationCalendar, DisableCancelling,
    DisableRescheduling, EventTypeColor, NoticeThreshold, NoticeUnit,
};
pub use event_type_target::EventTypeTarget;
pub use id::{
    AttendeeId, BookingId, BookingUid, CalendarEventId, CredentialId, EventTypeId, MembershipId,
    PrivateLinkId, RecurringBookingUid, ReservationUid, RoutingFormId, ScheduleId, SeatUid, TeamId,
    TimeZone, UserId, VerifiedEmailId, VerifiedPhoneId, WebhookId,
};
pub use json_object::JsonObject;
pub use list_query::{
    EventTypeQuery, MembershipQuery, TeamEventTypeQuery, TeamScheduleQuery, VerifiedResourceQuery,
    WebhookQuery,
};
pub use location::{BookingLocation, Location};
#[cfg(feature = "phone")]
pub use numbering::{PhoneError, Region, UnknownRegion};
pub use oauth_client::{OAuthClientInfo, OAuthClientType, OAuthScope};
pub use phone_number::{NotE164, PhoneNumber};
pub use private_link::{PrivateLink, PrivateLinkParams};
pub use reservation::{NewReservation, Reservation};
pub use routing_form::{RoutedSlotQuery, RoutedSlots, RoutingFormAnswers};
pub use schedule::{Schedule, ScheduleAvailability, ScheduleOverride, Weekday};
pub use schedule_request::{NewSchedule, ScheduleUpdate};
pub use setting::Setting;
pub use slot::{Slot, SlotFormat, SlotQuery, SlotsByDay};
pub use team::{
    CreatedTeam, EventTypeHost, HostPriority, Member, Membership, MembershipParams, MembershipRole,
    NewTeamEventType, SchedulingType, Team, TeamEventTypeSettings, TeamEventTypeUpdate, TeamHost,
    TeamInvite, TeamParams,
};
pub use text::{LINE_LIMIT, TEXT_LIMIT, clean_line, clean_text};
pub use time::{format_instant, parse_instant};
pub use user::{User, UserOrganization, UserUpdate};
pub use verified_resource::{VerifiedEmail, VerifiedPhone};
pub use video::{Recording, VideoParticipant, VideoSession};
pub use webhook_subscription::{NewWebhook, Trigger, WebhookSubscription, WebhookUpdate};

pub(crate) use check::is_time_zone;
pub(crate) use open_enum::open_enum;
pub(crate) use time::Instant as InstantFormat;
