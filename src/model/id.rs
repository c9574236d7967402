//! Opaque identifiers. Each is a type of its own, so that a booking's uid can never be passed where an event type's id is meant.

/// Declares an identifier that is a text on the wire.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is; nothing is checked, the server is the judge.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text, as it stands on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::new(text))
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                self.as_str() == text
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                self.as_str() == *text
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

/// Declares an identifier that is a whole number on the wire.
macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps the number as it is.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The number, as it stands on the wire.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                Self(number)
            }
        }
    };
}

pub(crate) use {number_id, text_id};

text_id! {
    /// Names one booking for as long as it is not rescheduled: a reschedule makes a new booking with a new uid.
    ///
    /// Cal.com answers a read, a reschedule and a cancel by uid without authentication, so a uid is as good as a key to
    /// that one booking. Do not put it where strangers read.
    BookingUid
}
text_id! {
    /// Names a recurring series; every booking of the series carries it as `recurringBookingUid`.
    RecurringBookingUid
}
text_id! {
    /// Names one seat of a seated booking.
    SeatUid
}
text_id! {
    /// Names a webhook subscription. A UUID in practice, although the published document says number.
    WebhookId
}
text_id! {
    /// Names the reservation of a slot.
    ReservationUid
}
text_id! {
    /// Names a private link, and is part of its address: whoever has it can book.
    PrivateLinkId
}
text_id! {
    /// Names a routing form. A UUID.
    RoutingFormId
}
text_id! {
    /// Names an event at a calendar provider; a booking's
    /// [`BookingReference`](super::BookingReference) tells it.
    CalendarEventId
}
number_id! {
    /// The number of a booking. Most endpoints take the [`BookingUid`] instead.
    BookingId
}
number_id! {
    /// The number of an event type.
    EventTypeId
}
number_id! {
    /// The number of a Cal.com user, such as a booking's host.
    UserId
}
number_id! {
    /// The number of a schedule.
    ScheduleId
}
number_id! {
    /// The number of a team.
    TeamId
}
number_id! {
    /// The number of a booking's attendee.
    AttendeeId
}
number_id! {
    /// The number of a user's membership of a team.
    MembershipId
}
text_id! {
    /// The name of an IANA time zone, such as `Europe/Berlin`.
    ///
    /// It is checked where it is sent, by [`NewBooking::check`](super::NewBooking::check) and its like.
    TimeZone
}
number_id! {
    /// The number of the credential by which Cal.com reaches a connected app.
    CredentialId
}
number_id! {
    /// The number of a verified e-mail address.
    VerifiedEmailId
}
number_id! {
    /// The number of a verified phone number.
    VerifiedPhoneId
}
