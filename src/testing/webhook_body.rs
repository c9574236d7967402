//! Webhook bodies for unit tests that need no server.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::payload::{Facts, Kind, Organizer, Person, Previous};
use super::sign::{json_headers, sign};
use crate::model::{BookingUid, EventTypeId, SeatUid, Trigger, UserId};
use crate::webhook::SIGNATURE_HEADER;

/// Builds a webhook body as Cal.com sends it.
///
/// The seven constructors correspond to the seven recorded kinds of body, which differ in their
/// fields and timestamp formats. Defaults describe a 30-minute booking with the host "Hanna Host"
/// by "Ann Attendee".
///
/// ```
/// use calcom::testing::WebhookBody;
///
/// let body = WebhookBody::created("uid-1", "2026-12-08T09:00:00Z".parse()?)
///     .with_metadata("orderId", "A-1001")
///     .to_bytes();
/// let signature = calcom::testing::sign("whsec_test", &body);
/// # assert_eq!(signature.len(), 64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct WebhookBody(Facts);

impl WebhookBody {
    /// `BOOKING_CREATED`: a booking was made.
    pub fn created(uid: impl Into<BookingUid>, start: DateTime<Utc>) -> Self {
        Self::of(Kind::Created, &uid.into(), start)
    }

    /// `BOOKING_CREATED` as a confirmation sends it: without metadata.
    pub fn confirmed(uid: impl Into<BookingUid>, start: DateTime<Utc>) -> Self {
        let mut body = Self::of(Kind::Confirmed, &uid.into(), start);
        body.0.requires_confirmation = true;
        body
    }

    /// `BOOKING_REQUESTED`: a booking awaits confirmation. Includes a one-time password, as real
    /// ones do.
    pub fn requested(uid: impl Into<BookingUid>, start: DateTime<Utc>) -> Self {
        let mut body = Self::of(Kind::Requested, &uid.into(), start);
        body.0.requires_confirmation = true;
        body.0.one_time_password = Some("7a64f019-a726-4ca8-aea0-43db468f4897".into());
        body
    }

    /// `BOOKING_RESCHEDULED`: `uid` replaced `from`, which started at `from_start`.
    pub fn rescheduled(
        uid: impl Into<BookingUid>,
        start: DateTime<Utc>,
        from: impl Into<BookingUid>,
        from_start: DateTime<Utc>,
    ) -> Self {
        let mut body = Self::of(Kind::Rescheduled, &uid.into(), start);
        body.0.previous = Some(Previous {
            id: 1,
            uid: from.into().to_string(),
            start: from_start,
            end: from_start + TimeDelta::minutes(30),
        });
        body.0.booking_id = 2;
        body
    }

    /// `BOOKING_CANCELLED`: without metadata.
    pub fn cancelled(uid: impl Into<BookingUid>, start: DateTime<Utc>) -> Self {
        Self::of(Kind::Cancelled, &uid.into(), start)
    }

    /// `BOOKING_REJECTED`: a pending booking was declined; without metadata.
    pub fn rejected(uid: impl Into<BookingUid>, start: DateTime<Utc>) -> Self {
        let mut body = Self::of(Kind::Rejected, &uid.into(), start);
        body.0.requires_confirmation = true;
        body
    }

    /// `BOOKING_LOCATION_UPDATED`: the booking takes place elsewhere. Documented, not recorded.
    pub fn location_updated(
        uid: impl Into<BookingUid>,
        start: DateTime<Utc>,
        location: impl Into<String>,
    ) -> Self {
        let mut body = Self::of(Kind::Located, &uid.into(), start);
        body.0.location = location.into();
        body
    }

    /// `BOOKING_NO_SHOW_UPDATED`: the attendee is marked as absent, or no longer. The only body
    /// without a `uid`.
    pub fn no_show(uid: impl Into<BookingUid>, absent: bool) -> Self {
        let mut body = Self::of(Kind::NoShow, &uid.into(), DateTime::UNIX_EPOCH);
        for person in &mut body.0.attendees {
            person.absent = absent;
        }
        body
    }

    fn of(kind: Kind, uid: &BookingUid, start: DateTime<Utc>) -> Self {
        Self(Facts {
            kind,
            status: None,
            created_at: start - TimeDelta::days(1),
            booker_url: "http://127.0.0.1:3990".into(),
            ics_uid: format!("{uid}@Cal.com"),
            uid: uid.to_string(),
            booking_id: 1,
            title: "Intro 30 between Hanna Host and Ann Attendee".into(),
            start,
            end: start + TimeDelta::minutes(30),
            notes: String::new(),
            event_type_id: 1,
            orphaned: false,
            slug: "intro-30".into(),
            event_title: "Intro 30".into(),
            event_description: None,
            requires_confirmation: false,
            seats: None,
            recurring: None,
            series_length: None,
            newer: false,
            organizer: Organizer {
                id: 1,
                name: "Hanna Host".into(),
                email: "hanna@example.com".into(),
                username: "hanna".into(),
                time_zone: "Europe/Berlin".into(),
            },
            attendees: vec![Person {
                name: "Ann Attendee".into(),
                email: "ann@example.com".into(),
                time_zone: "Europe/London".into(),
                language: "en".into(),
                phone: None,
                absent: false,
            }],
            guests: Vec::new(),
            location: "Hauptstr. 1, Berlin".into(),
            one_time_password: None,
            metadata: Map::new(),
            previous: None,
            seat_uid: None,
            reason: None,
        })
    }

    /// Sets when the delivery was created. Default: a day before the start.
    #[must_use]
    pub fn with_created_at(mut self, at: DateTime<Utc>) -> Self {
        self.0.created_at = at;
        self
    }

    /// Sets the length.
    #[must_use]
    pub fn with_length(mut self, minutes: u32) -> Self {
        self.0.end = self.0.start + TimeDelta::minutes(minutes.into());
        self
    }

    /// Sets the event type.
    #[must_use]
    pub fn with_event_type(mut self, id: EventTypeId, slug: impl Into<String>) -> Self {
        self.0.event_type_id = id.get();
        self.0.slug = slug.into();
        self
    }

    /// Sets the host.
    #[must_use]
    pub fn with_organizer(
        mut self,
        id: UserId,
        name: impl Into<String>,
        email: impl Into<String>,
    ) -> Self {
        self.0.organizer.id = id.get();
        self.0.organizer.name = name.into();
        self.0.organizer.email = email.into();
        self
    }

    /// Sets the attendee.
    #[must_use]
    pub fn with_attendee(mut self, name: impl Into<String>, email: impl Into<String>) -> Self {
        if let Some(person) = self.0.attendees.first_mut() {
            person.name = name.into();
            person.email = email.into();
        }
        self
    }

    /// Adds a metadata entry; cancelled, rejected and confirmed bodies omit metadata, as real ones
    /// do.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key.into(), json!(value.into()));
        self
    }

    /// Sets the reason for cancelling or declining.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Makes it concern one seat of a seated booking.
    #[must_use]
    pub fn with_seat(mut self, seat: impl Into<SeatUid>) -> Self {
        self.0.seat_uid = Some(seat.into().to_string());
        self.0.seats = self.0.seats.or(Some(3));
        self
    }

    /// The trigger.
    pub fn trigger(&self) -> Trigger {
        self.0.kind.trigger()
    }

    /// The body as JSON, for further changes.
    pub fn to_json(&self) -> Value {
        self.0.to_json()
    }

    /// The body's bytes as sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }

    /// The headers and the bytes of a delivery, signed with a secret.
    pub fn signed(&self, secret: &str) -> (HeaderMap, Vec<u8>) {
        let body = self.to_bytes();
        let headers = json_headers([(SIGNATURE_HEADER, sign(secret, &body))]);
        (headers, body)
    }

    /// The signature of [`to_bytes`](Self::to_bytes) with a secret.
    pub fn signed_with(&self, secret: &str) -> String {
        sign(secret, &self.to_bytes())
    }
}

impl fmt::Debug for WebhookBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookBody")
            .field("trigger", &self.trigger())
            .field("uid", &self.0.uid)
            .field("start", &self.0.start)
            .finish_non_exhaustive()
    }
}
