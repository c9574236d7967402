//! The attendees and hosts of a booking.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{SeatUid, TimeZone, UserId};
use super::json_object::JsonObject;

/// An attendee of a booking. `Debug` shows no personal data.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Attendee {
    /// The name, as it was entered.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub name: String,
    /// The e-mail address, with its case as entered.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub email: String,
    /// The time zone.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// The language, such as `en`.
    #[serde(default)]
    pub language: Option<String>,
    /// The phone number in E.164 format; null or absent if none was given.
    #[serde(default)]
    pub phone_number: Option<String>,
    /// Whether the attendee was absent.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub absent: bool,
    /// The seat; absent for ordinary attendees.
    #[serde(default)]
    pub seat_uid: Option<SeatUid>,
    /// The seat's answers to the booking fields.
    #[serde(default)]
    pub booking_fields_responses: Option<JsonObject>,
    /// The seat's metadata.
    #[serde(default)]
    pub metadata: Option<JsonObject>,
}

impl fmt::Debug for Attendee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attendee")
            .field("time_zone", &self.time_zone)
            .field("absent", &self.absent)
            .field("seated", &self.seat_uid.is_some())
            .finish_non_exhaustive()
    }
}

/// A host of a booking. `Debug` shows only the id.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Host {
    /// The user's id.
    ///
    /// `None` for a host that is not a Cal.com user, where the API has a string instead.
    #[serde_as(as = "serde_with::DefaultOnError")]
    #[serde(default)]
    pub id: Option<UserId>,
    /// The name.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub name: String,
    /// The e-mail address.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub email: String,
    /// The user name.
    #[serde(default)]
    pub username: Option<String>,
    /// The time zone.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
