//! Parameters and responses of actions on a booking.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{BookingUid, TimeZone, UserId};
use super::setters::setters;

/// Whether an attendee was absent. `Debug` does not show the e-mail address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttendeeAbsence {
    /// The attendee's e-mail address, as in the booking.
    pub email: String,
    /// Whether the attendee was absent.
    pub absent: bool,
}

impl fmt::Debug for AttendeeAbsence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttendeeAbsence")
            .field("absent", &self.absent)
            .finish_non_exhaustive()
    }
}

/// Parameters for marking the host or attendees as absent. At least one of them must be named.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MarkAbsentParams {
    /// Whether the host was absent.
    ///
    /// A server of August 2025 accepted and ignored `false`, so an absence of the host cannot be
    /// undone.
    pub host: Option<bool>,
    /// The attendees to mark as absent or present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attendees: Vec<AttendeeAbsence>,
}

impl MarkAbsentParams {
    /// Marks the host as absent.
    pub fn host() -> Self {
        Self {
            host: Some(true),
            attendees: Vec::new(),
        }
    }

    /// Marks the attendee with this e-mail address as absent.
    pub fn attendee(email: impl Into<String>) -> Self {
        Self::default().with_attendee(email, true)
    }

    /// Adds an attendee to mark as absent or present.
    #[must_use]
    pub fn with_attendee(mut self, email: impl Into<String>, absent: bool) -> Self {
        let email = email.into();
        self.attendees.push(AttendeeAbsence { email, absent });
        self
    }
}

/// The new host of a reassigned booking. `Debug` shows only the id.
#[serde_as]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReassignedHost {
    /// The user's id.
    pub id: UserId,
    /// The name.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub name: String,
    /// The e-mail address.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub email: String,
}

impl fmt::Debug for ReassignedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReassignedHost")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The response to reassigning a booking to another host.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reassignment {
    /// The booking, which keeps its uid.
    pub booking_uid: BookingUid,
    /// The new host.
    pub reassigned_to: ReassignedHost,
    /// The reason, if one was given.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A guest to add to a booking. `Debug` shows no personal data.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewGuest {
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// The time zone.
    pub time_zone: Option<TimeZone>,
    /// The phone number in E.164 format.
    pub phone_number: Option<String>,
    /// The language of the e-mails, such as `de`.
    pub language: Option<String>,
}

setters! {
    NewGuest {
        ;
        with_name => name: String,
        with_time_zone => time_zone: TimeZone,
        with_phone_number => phone_number: String,
        with_language => language: String,
    }
}

impl NewGuest {
    /// Creates a guest from an e-mail address.
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            name: None,
            time_zone: None,
            phone_number: None,
            language: None,
        }
    }
}

impl fmt::Debug for NewGuest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewGuest")
            .field("time_zone", &self.time_zone)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}
