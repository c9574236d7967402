//! Every type of `model` that is deserialized, from any bytes.

use std::fmt::Debug;

use calcom::ExposeSecret;
use calcom::bytes::Bytes;
use calcom::chrono::{DateTime, Utc};
use calcom::client::{Error, Pagination, decode};
use calcom::http::Response;
use calcom::model::*;
use calcom::webhook::WebhookEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Input, Output};

/// A type: how it is read from JSON, and from a response.
pub struct Type {
    pub name: &'static str,
    /// Returns whether the bytes are such a value. Panics if it does not survive a round trip.
    pub round_trip: fn(&[u8]) -> bool,
    pub decode: fn(&Response<Bytes>, DateTime<Utc>) -> Result<(), Error>,
}

macro_rules! types {
    ($($check:ident: [$($type:ty),+ $(,)?])+) => {
        /// Every type, in the order in which inputs name them.
        pub const TYPES: &[Type] = &[$($(Type {
            name: stringify!($type),
            round_trip: $check::<$type>,
            decode: decode_as::<$type>,
        }),+),+];
    };
}

types! {
    comparable: [
        ApiKeyRefresh, Attendee, Host, EventTypeRef, Booking, BookingOrSeries, Vec<Booking>,
        AttendeeAbsence, MarkAbsentParams, ReassignedHost, Reassignment, NewGuest,
        BookingAttendee, CalendarLink, BookingReference, BookingField, NewAttendee, NewBooking,
        Routing, RescheduleParams, CancelParams, ConnectedCalendars, CalendarConnection,
        CalendarConnectionError, CalendarApp, Calendar, DestinationCalendarDetails, CalendarRef,
        CalendarSelection, DestinationCalendarParams, NewIcsFeed, BusyTime, CalendarEventTime,
        CalendarEventLocation, CalendarEventAttendee, CalendarEventHost, CalendarEvent,
        CalendarEventUpdate, DefaultConferencingApp, ConnectedApp, Recurrence, Seats,
        EventTypeUser, EventTypeTeam, EventType, Vec<EventType>, EventTypeSettings, NewEventType,
        EventTypeUpdate, BookingWindow, NoticeThreshold, ConfirmationPolicy, BookingLimits,
        ActiveBookingsLimit, BookerLayouts, EventTypeColor, DestinationCalendar,
        CalVideoSettings, DisableCancelling, DisableRescheduling, EventTypeTarget, Location,
        BookingLocation, OAuthClientInfo, PrivateLink, PrivateLinkParams, Reservation,
        NewReservation, RoutingFormAnswers, RoutedSlots, Schedule, ScheduleAvailability,
        ScheduleOverride, NewSchedule, ScheduleUpdate, Slot, SlotsByDay, Team, CreatedTeam,
        TeamParams, Membership, Member, MembershipParams, TeamInvite, EventTypeHost, TeamHost,
        TeamEventTypeSettings, NewTeamEventType, TeamEventTypeUpdate, User, UserOrganization,
        UserUpdate, VerifiedEmail, VerifiedPhone, Recording, VideoSession, VideoParticipant,
        JsonObject, BookingUid, EventTypeId, TimeZone, BookingStatus, Trigger, Weekday,
        Setting<BookingWindow>, WebhookEvent,
    ]
    written: [WebhookSubscription]
    secret: [RefreshedApiKey, ConnectUrl]
    read_only: [Pagination]
}

/// An input of the target.
pub fn input(which: usize, json: &[u8]) -> Vec<u8> {
    let which = u8::try_from(which).expect("fewer than 256 types");
    Output::default().byte(which).rest(json)
}

/// The type that an input names.
pub fn named(which: u8) -> &'static Type {
    &TYPES[usize::from(which) % TYPES.len()]
}

/// Reads the bytes as one type, and what it writes.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let type_ = named(input.byte());
    (type_.round_trip)(input.rest());
}

fn decode_as<T: DeserializeOwned>(
    response: &Response<Bytes>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    decode::<T>("fuzzed", response, now).map(drop)
}

/// What deserializes, serializes again, and deserializes to an equal value.
fn comparable<T: DeserializeOwned + Serialize + PartialEq + Debug>(json: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<T>(json) else {
        return false;
    };
    let written = serde_json::to_string(&value).expect("a value is JSON");
    let again: T = serde_json::from_str(&written)
        .unwrap_or_else(|error| panic!("{written} cannot be read again: {error}"));
    assert!(again == value, "{written}: {value:?} became {again:?}");
    true
}

/// As [`comparable`], for a type that is compared by what it writes.
fn written<T: DeserializeOwned + Serialize + Debug>(json: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<T>(json) else {
        return false;
    };
    let _ = format!("{value:?}");
    let written = serde_json::to_string(&value).expect("a value is JSON");
    let again: T = serde_json::from_str(&written)
        .unwrap_or_else(|error| panic!("{written} cannot be read again: {error}"));
    assert_eq!(
        serde_json::to_string(&again).expect("a value is JSON"),
        written
    );
    true
}

fn read_only<T: DeserializeOwned + Debug>(json: &[u8]) -> bool {
    serde_json::from_slice::<T>(json).is_ok_and(|value| !format!("{value:?}").is_empty())
}

/// What a value keeps secret.
trait Secret {
    fn secret(&self) -> &str;
}

impl Secret for RefreshedApiKey {
    fn secret(&self) -> &str {
        self.api_key.expose_secret()
    }
}

impl Secret for ConnectUrl {
    fn secret(&self) -> &str {
        self.expose()
    }
}

/// `Debug` does not show the secret.
fn secret<T: DeserializeOwned + Debug + Secret>(json: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<T>(json) else {
        return false;
    };
    let shown = format!("{value:?}");
    // A short one may be part of the name of a field.
    let secret = value.secret();
    assert!(secret.len() < 24 || !shown.contains(secret), "{shown}");
    true
}
