//! Opaque identifiers.
//!
//! Each is a separate type, so that one can never be passed in place of another.

/// Declares an identifier that is a string on the wire.
///
/// A page of bookings holds hundreds of them, nearly all short: up to 23 bytes are stored inline,
/// without an allocation of their own.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(smol_str::SmolStr);

        impl $name {
            /// Wraps a string without checking it; the server decides whether it is valid.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(smol_str::SmolStr::new(text))
            }

            /// Returns the string, as sent over the wire.
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
                Self(text.into())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read = |text: &str| Ok(Self::new(text));
                deserializer.deserialize_str($crate::model::word::Word(read))
            }
        }
    };
}

/// Declares an identifier that is an integer on the wire.
macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps an integer without checking it.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// Returns the integer, as sent over the wire.
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
    /// The uid of a booking. Rescheduling creates a new booking with a new uid.
    ///
    /// Cal.com lets anyone who knows the uid retrieve, reschedule and cancel the booking without
    /// authentication, so a uid is as sensitive as a key to that booking. Do not expose it
    /// publicly.
    BookingUid
}
text_id! {
    /// The uid of a recurring series, which every booking of the series contains as
    /// `recurringBookingUid`.
    RecurringBookingUid
}
text_id! {
    /// The uid of a seat of a seated booking.
    SeatUid
}
text_id! {
    /// The id of a webhook subscription.
    ///
    /// A UUID in practice, although the published document says number.
    WebhookId
}
text_id! {
    /// The uid of a slot reservation.
    ReservationUid
}
text_id! {
    /// The id of a private link. It is part of the link's URL, so anyone who has it can book.
    PrivateLinkId
}
text_id! {
    /// The id of a routing form. A UUID.
    RoutingFormId
}
text_id! {
    /// The id of an event at a calendar provider, as contained in a booking's
    /// [`BookingReference`](super::BookingReference).
    CalendarEventId
}
number_id! {
    /// The id of a booking. Most endpoints expect the [`BookingUid`] instead.
    BookingId
}
number_id! {
    /// The id of an event type.
    EventTypeId
}
number_id! {
    /// The id of a Cal.com user, such as a booking's host.
    UserId
}
number_id! {
    /// The id of a schedule.
    ScheduleId
}
number_id! {
    /// The id of a team.
    TeamId
}
number_id! {
    /// The id of a booking's attendee.
    AttendeeId
}
number_id! {
    /// The id of a user's membership of a team.
    MembershipId
}
text_id! {
    /// The name of an IANA time zone, such as `Europe/Berlin`.
    ///
    /// It is checked before it is sent, for example by
    /// [`NewBooking::check`](super::NewBooking::check).
    TimeZone
}
number_id! {
    /// The id of the credential with which Cal.com accesses a connected app.
    CredentialId
}
number_id! {
    /// The id of a verified e-mail address.
    VerifiedEmailId
}
number_id! {
    /// The id of a verified phone number.
    VerifiedPhoneId
}
