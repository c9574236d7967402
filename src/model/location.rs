//! Locations: those that an event type offers, and those of bookings.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_with::skip_serializing_none;

/// Deserializes with the derived implementation, but keeps shapes whose kind is not a string: serde
/// would interpret a number as the index of a variant.
macro_rules! keep_unknown_kinds {
    ($name:ident) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let shape = Value::deserialize(deserializer)?;
                if kind_of(&shape).is_empty() {
                    return Ok(Self::Other(shape));
                }
                Self::deserialize(shape).map_err(D::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }
    };
}

/// A location that an event type offers.
///
/// `Debug` shows only the kind of location, because addresses, links and phone numbers may be
/// personal data.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    remote = "Self",
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Location {
    /// At an address of the organizer.
    #[non_exhaustive]
    Address {
        /// The address.
        address: String,
        /// Whether it is shown before booking. Required when creating or updating an event type.
        #[serde(default)]
        public: Option<bool>,
    },
    /// A link of the organizer.
    #[non_exhaustive]
    Link {
        /// The link.
        link: String,
        /// Whether it is shown before booking. Required when creating or updating an event type.
        #[serde(default)]
        public: Option<bool>,
    },
    /// A phone call to the organizer.
    #[non_exhaustive]
    Phone {
        /// The phone number in E.164 format.
        phone: String,
        /// Whether it is shown before booking. Required when creating or updating an event type.
        #[serde(default)]
        public: Option<bool>,
    },
    /// A video call set up by an integration.
    #[non_exhaustive]
    Integration {
        /// The integration's name, such as `cal-video` or `zoom`.
        integration: String,
    },
    /// At an address given by the attendee.
    AttendeeAddress,
    /// A phone call to the attendee.
    AttendeePhone,
    /// Any location, given by the attendee.
    AttendeeDefined,
    /// The organizer's default app. Only received, never sent.
    OrganizersDefaultApp,
    /// A shape that this version of the crate does not know, kept as received.
    #[serde(untagged)]
    Other(Value),
}

impl Location {
    /// Creates an address, shown before booking.
    pub fn address(address: impl Into<String>) -> Self {
        Self::Address {
            address: address.into(),
            public: Some(true),
        }
    }

    /// Creates a link, shown before booking.
    pub fn link(link: impl Into<String>) -> Self {
        Self::Link {
            link: link.into(),
            public: Some(true),
        }
    }

    /// Creates a phone number, shown before booking.
    pub fn phone(phone: impl Into<String>) -> Self {
        Self::Phone {
            phone: phone.into(),
            public: Some(true),
        }
    }

    /// Creates an integration by name, such as `cal-video`.
    pub fn integration(name: impl Into<String>) -> Self {
        Self::Integration {
            integration: name.into(),
        }
    }

    /// Sets whether an address, a link or a phone number is shown before a booking is made. Means
    /// nothing for other kinds of location.
    #[must_use]
    pub fn with_public(mut self, shown: bool) -> Self {
        match &mut self {
            Self::Address { public, .. }
            | Self::Link { public, .. }
            | Self::Phone { public, .. } => *public = Some(shown),
            _ => {}
        }
        self
    }

    /// Returns the kind of location, as sent over the wire; empty for a shape without one.
    pub fn kind(&self) -> &str {
        match self {
            Self::Address { .. } => "address",
            Self::Link { .. } => "link",
            Self::Phone { .. } => "phone",
            Self::Integration { .. } => "integration",
            Self::AttendeeAddress => "attendeeAddress",
            Self::AttendeePhone => "attendeePhone",
            Self::AttendeeDefined => "attendeeDefined",
            Self::OrganizersDefaultApp => "organizersDefaultApp",
            Self::Other(shape) => kind_of(shape),
        }
    }
}

keep_unknown_kinds!(Location);

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", self.kind())
    }
}

/// The location of a booking: one that the event type offers, with the information that it
/// requires.
///
/// `Debug` shows only the kind of location.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    remote = "Self",
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum BookingLocation {
    /// At an address of the organizer.
    ///
    /// When creating a booking, the event type's address; when updating its location, this one.
    #[non_exhaustive]
    Address {
        /// The address; absent when creating a booking.
        #[serde(default)]
        address: Option<String>,
    },
    /// A link of the organizer.
    ///
    /// When creating a booking, the event type's link; when updating its location, this one.
    #[non_exhaustive]
    Link {
        /// The link; absent when creating a booking.
        #[serde(default)]
        link: Option<String>,
    },
    /// A phone call to the organizer.
    ///
    /// When creating a booking, at the event type's number; when updating its location, at this
    /// one.
    #[non_exhaustive]
    Phone {
        /// The phone number in E.164 format; absent when creating a booking.
        #[serde(default)]
        phone: Option<String>,
    },
    /// A video call set up by an integration. The location of a booking cannot be updated to it.
    #[non_exhaustive]
    Integration {
        /// The integration's name, such as `cal-video` or `zoom`.
        integration: String,
    },
    /// At an address of the attendee.
    #[non_exhaustive]
    AttendeeAddress {
        /// The address.
        address: String,
    },
    /// A phone call to the attendee.
    #[non_exhaustive]
    AttendeePhone {
        /// The phone number in E.164 format.
        phone: String,
    },
    /// Any location, given by the attendee.
    #[non_exhaustive]
    AttendeeDefined {
        /// The location, as given by the attendee.
        location: String,
    },
    /// The organizer's default app. The location of a booking cannot be updated to it.
    OrganizersDefaultApp,
    /// A shape that this version of the crate does not know.
    #[serde(untagged)]
    Other(Value),
}

impl BookingLocation {
    /// Creates a location at this address, to which a booking is moved.
    pub fn address(address: impl Into<String>) -> Self {
        Self::Address {
            address: Some(address.into()),
        }
    }

    /// Creates a location at this link, to which a booking is moved.
    pub fn link(link: impl Into<String>) -> Self {
        Self::Link {
            link: Some(link.into()),
        }
    }

    /// Creates a phone call to the organizer at this number, in E.164 format, to which a booking is
    /// moved.
    pub fn phone(phone: impl Into<String>) -> Self {
        Self::Phone {
            phone: Some(phone.into()),
        }
    }

    /// The address that the event type has, for a new booking.
    pub const fn event_type_address() -> Self {
        Self::Address { address: None }
    }

    /// The link that the event type has, for a new booking.
    pub const fn event_type_link() -> Self {
        Self::Link { link: None }
    }

    /// A phone call to the number that the event type has, for a new booking.
    pub const fn event_type_phone() -> Self {
        Self::Phone { phone: None }
    }

    /// Creates a location at an address of the attendee.
    pub fn attendee_address(address: impl Into<String>) -> Self {
        Self::AttendeeAddress {
            address: address.into(),
        }
    }

    /// Creates a location for a phone call to the attendee at this number, in E.164 format.
    pub fn attendee_phone(phone: impl Into<String>) -> Self {
        Self::AttendeePhone {
            phone: phone.into(),
        }
    }

    /// Creates a location given by the attendee.
    pub fn attendee_defined(location: impl Into<String>) -> Self {
        Self::AttendeeDefined {
            location: location.into(),
        }
    }

    /// Creates a location for a video call of an integration, such as `cal-video`.
    pub fn integration(name: impl Into<String>) -> Self {
        Self::Integration {
            integration: name.into(),
        }
    }

    /// Returns the kind of location, as sent over the wire; empty for a shape without one.
    pub fn kind(&self) -> &str {
        match self {
            Self::Address { .. } => "address",
            Self::Link { .. } => "link",
            Self::Phone { .. } => "phone",
            Self::Integration { .. } => "integration",
            Self::AttendeeAddress { .. } => "attendeeAddress",
            Self::AttendeePhone { .. } => "attendeePhone",
            Self::AttendeeDefined { .. } => "attendeeDefined",
            Self::OrganizersDefaultApp => "organizersDefaultApp",
            Self::Other(shape) => kind_of(shape),
        }
    }
}

keep_unknown_kinds!(BookingLocation);

impl fmt::Debug for BookingLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BookingLocation({})", self.kind())
    }
}

fn kind_of(shape: &Value) -> &str {
    shape.get("type").and_then(Value::as_str).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_shape_survives_a_round_trip() {
        let shapes = [
            json!({"type": "address", "address": "Hauptstr. 1, Berlin", "public": true}),
            json!({"type": "link", "link": "https://meet.example.com/hanna", "public": false}),
            json!({"type": "phone", "phone": "+4930123456"}),
            json!({"type": "integration", "integration": "cal-video"}),
            json!({"type": "attendeeAddress"}),
            json!({"type": "attendeePhone"}),
            json!({"type": "attendeeDefined"}),
            json!({"type": "organizersDefaultApp"}),
            json!({"type": "unknown", "location": "somewhere"}),
            json!({"type": "address"}),
            json!({"type": 7}),
            json!("Hauptstr. 1"),
            json!(null),
        ];
        for shape in shapes {
            let read: Location = serde_json::from_value(shape.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), shape);
            let read: BookingLocation = serde_json::from_value(shape.clone()).unwrap();
            if shape.get("public").is_none() {
                assert_eq!(serde_json::to_value(read).unwrap(), shape);
            }
        }
    }

    #[test]
    fn a_field_that_is_new_does_not_hide_what_is_known() {
        let shape = json!({"type": "integration", "integration": "zoom", "credentialId": 7});
        let read: Location = serde_json::from_value(shape).unwrap();
        assert_eq!(read, Location::integration("zoom"));
    }

    #[test]
    fn a_place_can_be_kept_for_those_who_booked() {
        for place in [
            Location::address("Hauptstr. 1"),
            Location::link("https://meet.example.com/hanna"),
            Location::phone("+4930123456"),
        ] {
            let json = serde_json::to_value(place.with_public(false)).unwrap();
            assert_eq!(json["public"], json!(false));
        }
        let anywhere = Location::integration("zoom");
        assert_eq!(anywhere.clone().with_public(false), anywhere);
    }

    #[test]
    fn debug_shows_no_place() {
        let there = Location::address("Hauptstr. 1, Berlin");
        assert_eq!(format!("{there:?}"), "Location(address)");
        let shape = json!({"type": "unknown", "location": "at Ann's"});
        let there: BookingLocation = serde_json::from_value(shape).unwrap();
        assert_eq!(format!("{there:?}"), "BookingLocation(unknown)");
    }
}
