//! Places: where an event type can take place, and where a booking does.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_with::skip_serializing_none;

/// Reads through the derived implementation, except that a kind which is not a word is kept: serde would take a number for the
/// index of a variant.
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

/// A place that an event type offers.
///
/// `Debug` shows the kind of place only: addresses, links and phone numbers may be somebody's own.
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
    Address {
        /// The address.
        address: String,
        /// Whether it is shown before something is booked. Required of event types that are made or changed.
        #[serde(default)]
        public: Option<bool>,
    },
    /// Under a link of the organizer.
    Link {
        /// The link.
        link: String,
        /// Whether it is shown before something is booked. Required of event types that are made or changed.
        #[serde(default)]
        public: Option<bool>,
    },
    /// The organizer is called.
    Phone {
        /// The phone number in E.164.
        phone: String,
        /// Whether it is shown before something is booked. Required of event types that are made or changed.
        #[serde(default)]
        public: Option<bool>,
    },
    /// In a video call that an integration sets up.
    Integration {
        /// The integration's name, such as `cal-video` or `zoom`.
        integration: String,
    },
    /// At an address given by the attendee.
    AttendeeAddress,
    /// The attendee is called.
    AttendeePhone,
    /// Wherever the attendee says.
    AttendeeDefined,
    /// In the organizer's default app. Only read, never sent.
    OrganizersDefaultApp,
    /// A shape that this version of the crate does not know, kept as it came.
    #[serde(untagged)]
    Other(Value),
}

impl Location {
    /// An address, shown before something is booked.
    pub fn address(address: impl Into<String>) -> Self {
        Self::Address {
            address: address.into(),
            public: Some(true),
        }
    }

    /// A link, shown before something is booked.
    pub fn link(link: impl Into<String>) -> Self {
        Self::Link {
            link: link.into(),
            public: Some(true),
        }
    }

    /// A phone number, shown before something is booked.
    pub fn phone(phone: impl Into<String>) -> Self {
        Self::Phone {
            phone: phone.into(),
            public: Some(true),
        }
    }

    /// An integration by name, such as `cal-video`.
    pub fn integration(name: impl Into<String>) -> Self {
        Self::Integration {
            integration: name.into(),
        }
    }

    /// The word for the kind of place, as it stands on the wire; empty for a shape without one.
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

/// Where a booking is to take place: one of the event type's places, with what the attendee has to say about it.
///
/// `Debug` shows the kind of place only.
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
    /// At an address of the organizer: the event type's where a booking is made, this one where its place is changed.
    Address {
        /// The address; absent where a booking is made.
        #[serde(default)]
        address: Option<String>,
    },
    /// Under a link of the organizer: the event type's where a booking is made, this one where its place is changed.
    Link {
        /// The link; absent where a booking is made.
        #[serde(default)]
        link: Option<String>,
    },
    /// The organizer is called: on the event type's number where a booking is made, on this one where its place is changed.
    Phone {
        /// The phone number in E.164; absent where a booking is made.
        #[serde(default)]
        phone: Option<String>,
    },
    /// In a video call that an integration sets up. A booking's place cannot be changed to one.
    Integration {
        /// The integration's name, such as `cal-video` or `zoom`.
        integration: String,
    },
    /// At an address of the attendee.
    AttendeeAddress {
        /// The address.
        address: String,
    },
    /// The attendee is called.
    AttendeePhone {
        /// The phone number in E.164.
        phone: String,
    },
    /// Wherever the attendee says.
    AttendeeDefined {
        /// The place, in the attendee's words.
        location: String,
    },
    /// In the organizer's default app. A booking's place cannot be changed to it.
    OrganizersDefaultApp,
    /// A shape that this version of the crate does not know.
    #[serde(untagged)]
    Other(Value),
}

impl BookingLocation {
    /// At an address of the attendee.
    pub fn attendee_address(address: impl Into<String>) -> Self {
        Self::AttendeeAddress {
            address: address.into(),
        }
    }

    /// The attendee is called on this number, in E.164.
    pub fn attendee_phone(phone: impl Into<String>) -> Self {
        Self::AttendeePhone {
            phone: phone.into(),
        }
    }

    /// Wherever the attendee says.
    pub fn attendee_defined(location: impl Into<String>) -> Self {
        Self::AttendeeDefined {
            location: location.into(),
        }
    }

    /// In a video call of an integration, such as `cal-video`.
    pub fn integration(name: impl Into<String>) -> Self {
        Self::Integration {
            integration: name.into(),
        }
    }

    /// The word for the kind of place, as it stands on the wire; empty for a shape without one.
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
    fn debug_shows_no_place() {
        let there = Location::address("Hauptstr. 1, Berlin");
        assert_eq!(format!("{there:?}"), "Location(address)");
        let shape = json!({"type": "unknown", "location": "at Ann's"});
        let there: BookingLocation = serde_json::from_value(shape).unwrap();
        assert_eq!(format!("{there:?}"), "BookingLocation(unknown)");
    }
}
