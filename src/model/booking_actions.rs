//! What is sent to act on a booking, and what only these actions answer.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::id::{BookingUid, TimeZone, UserId};
use super::setters::setters;

/// Whether one attendee was absent. `Debug` does not show whom.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttendeeAbsence {
    /// The attendee's e-mail address, as the booking has it.
    pub email: String,
    /// Whether the attendee did not come.
    pub absent: bool,
}

impl fmt::Debug for AttendeeAbsence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttendeeAbsence")
            .field("absent", &self.absent)
            .finish_non_exhaustive()
    }
}

/// Who was absent. The host, or at least one attendee, has to be named.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MarkAbsentParams {
    /// Whether the host did not come. `false` was accepted and ignored by a server of August 2025: an absence of the host
    /// cannot be taken back.
    pub host: Option<bool>,
    /// Which attendees did not come, or did after all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attendees: Vec<AttendeeAbsence>,
}

impl MarkAbsentParams {
    /// The host did not come.
    pub fn host() -> Self {
        Self {
            host: Some(true),
            attendees: Vec::new(),
        }
    }

    /// The attendee with this e-mail address did not come.
    pub fn attendee(email: impl Into<String>) -> Self {
        Self::default().with_attendee(email, true)
    }

    /// Says of one more attendee whether they were absent.
    #[must_use]
    pub fn with_attendee(mut self, email: impl Into<String>, absent: bool) -> Self {
        let email = email.into();
        self.attendees.push(AttendeeAbsence { email, absent });
        self
    }
}

/// The host who has a booking now. `Debug` shows the number only.
#[serde_as]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReassignedHost {
    /// The user's number.
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
    /// Who has it now.
    pub reassigned_to: ReassignedHost,
    /// Why, where a reason was given.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A guest to be added to a booking. `Debug` shows nothing that identifies the person.
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
    /// The phone number in E.164.
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
    /// A guest by e-mail address.
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
