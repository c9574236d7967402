//! The state of an appointment, and how two states are compared: field by field.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::serde_as;

use super::appointment::{AppointmentStatus, Person};
use crate::model::{EventTypeId, InstantFormat, clean_line};

/// What both sides know of an appointment: its state at the host, or that of its booking at
/// Cal.com.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AppointmentState {
    /// The status.
    pub status: AppointmentStatus,
    /// The start.
    #[serde_as(as = "InstantFormat")]
    pub start: DateTime<Utc>,
    /// The end.
    #[serde_as(as = "InstantFormat")]
    pub end: DateTime<Utc>,
    /// The event type at Cal.com.
    pub event_type: EventTypeId,
    /// The attendee.
    pub attendee: Person,
}

/// The fields in which two states differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Differences {
    /// Pending, confirmed, or ended.
    pub status: bool,
    /// The start, to the millisecond.
    pub start: bool,
    /// The length, to the millisecond.
    pub length: bool,
    /// The event type.
    pub event_type: bool,
    /// The attendee's e-mail address, which identifies the person.
    pub email: bool,
    /// The attendee's name.
    pub name: bool,
}

impl Differences {
    /// Whether no field differs.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Fields that differ in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            status: self.status || other.status,
            start: self.start || other.start,
            length: self.length || other.length,
            event_type: self.event_type || other.event_type,
            email: self.email || other.email,
            name: self.name || other.name,
        }
    }

    /// Fields that differ in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self {
            status: self.status && other.status,
            start: self.start && other.start,
            length: self.length && other.length,
            event_type: self.event_type && other.event_type,
            email: self.email && other.email,
            name: self.name && other.name,
        }
    }
}

impl AppointmentState {
    /// A state with these values.
    pub fn new(
        status: AppointmentStatus,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        event_type: EventTypeId,
        attendee: Person,
    ) -> Self {
        Self {
            status,
            start,
            end,
            event_type,
            attendee,
        }
    }

    /// Compares field by field. Two ended states do not differ, whatever else they hold, and if
    /// only one has ended, nothing but the status counts. Instants are compared to the millisecond,
    /// which is Cal.com's precision, and e-mail addresses case-insensitively; phone number,
    /// language and time zone are not compared. Texts are compared as [`clean_line`] leaves them,
    /// so that a cleaned name does not differ from its original.
    pub fn differences(&self, other: &Self) -> Differences {
        match (self.status.is_live(), other.status.is_live()) {
            (false, false) => Differences::default(),
            (true, false) | (false, true) => Differences {
                status: true,
                ..Differences::default()
            },
            (true, true) => {
                // What comes from Cal.com was cleaned, and what it is compared with may be older or
                // the host's own.
                let lower =
                    |person: &Person| person.email.as_ref().map(|e| clean_line(e).to_lowercase());
                let name = |person: &Person| clean_line(&person.name).trim().to_owned();
                let (ours, theirs) = (&self.attendee, &other.attendee);
                Differences {
                    status: self.status != other.status,
                    start: millis(self.start) != millis(other.start),
                    length: self.length_millis() != other.length_millis(),
                    event_type: self.event_type != other.event_type,
                    email: lower(ours) != lower(theirs),
                    name: name(ours) != name(theirs),
                }
            }
        }
    }

    /// Whether no compared field differs.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.differences(other).is_empty()
    }

    /// This state with the given fields taken from another one.
    #[must_use]
    pub fn taking(&self, fields: Differences, from: &Self) -> Self {
        let mut taken = self.clone();
        if fields.status {
            taken.status = from.status;
        }
        let length = if fields.length {
            from.end - from.start
        } else {
            self.end - self.start
        };
        if fields.start {
            taken.start = from.start;
        }
        if fields.start || fields.length {
            taken.end = taken.start + length;
        }
        if fields.event_type {
            taken.event_type = from.event_type;
        }
        if fields.email {
            taken.attendee = from.attendee.clone();
        } else if fields.name {
            taken.attendee.name.clone_from(&from.attendee.name);
        }
        taken
    }

    /// This state, keeping details that only the other one has about the same person.
    #[must_use]
    pub fn keeping_details_of(mut self, known: &Self) -> Self {
        let fields = self.differences(known);
        if !fields.email {
            let ours = &mut self.attendee;
            let theirs = &known.attendee;
            ours.phone_number = ours.phone_number.take().or(theirs.phone_number.clone());
            ours.language = ours.language.take().or(theirs.language.clone());
        }
        self
    }

    fn length_millis(&self) -> i64 {
        millis(self.end) - millis(self.start)
    }
}

fn millis(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(name: &str, email: &str) -> AppointmentState {
        let start = DateTime::from_timestamp(1_797_000_000, 0).unwrap();
        AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start,
            EventTypeId::new(1),
            Person::new(name, email, "UTC"),
        )
    }

    /// A host's own text, or what was stored before texts were cleaned, against what Cal.com says
    /// now.
    #[test]
    fn a_text_does_not_differ_from_what_cleaning_leaves_of_it() {
        let raw = format!(
            "Ann\u{202e}\u{7}\n{}",
            "x".repeat(2 * crate::model::LINE_LIMIT)
        );
        let ours = state(&raw, "ann@example.com\u{200e}");
        let theirs = state(&clean_line(&raw), "ANN@example.com");
        assert!(ours.agrees_with(&theirs));
        let other = state("Bob", "bob@example.com");
        assert!(ours.differences(&other).name && ours.differences(&other).email);
    }
}
