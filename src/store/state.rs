//! The state of an appointment, and how two states are compared: field by field.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_with::{serde_as, skip_serializing_none};

use super::appointment::{AppointmentStatus, Person};
use super::details::{Guests, HostMetadata, Notes, Place, Responses};
use crate::model::{EventTypeId, InstantFormat, UserId, clean_line, clean_text};

/// What both sides know of an appointment: its state at the host, or that of its booking at Cal.com.
///
/// A field that is `None` is unknown to its side: it is compared with nothing, and never cleared on
/// the other side. A host that keeps no notes leaves `notes` at `None`. Once a side gives a value, that
/// is a change of its own.
#[serde_as]
#[skip_serializing_none]
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
    /// The member of staff who holds it: a Cal.com user.
    #[serde(default)]
    pub host: Option<UserId>,
    /// Where it takes place: an address, a phone number, a link, or the name of an integration.
    #[serde(default)]
    pub location: Option<Place>,
    /// The e-mail addresses of the guests, besides the attendee.
    #[serde(default)]
    pub guests: Option<Guests>,
    /// The attendee's notes.
    #[serde(default)]
    pub notes: Option<Notes>,
    /// Whether the attendee did not come.
    #[serde(default)]
    pub absent: Option<bool>,
    /// The attendee's answers to the booking fields of the event type's own.
    #[serde(default)]
    pub responses: Option<Responses>,
    /// Texts that the host keeps with the booking at Cal.com, by key.
    #[serde(default)]
    pub metadata: Option<HostMetadata>,
}

/// Declares the compared fields, once: the names of the fields, and a set of them.
macro_rules! compared_fields {
    ($($(#[$doc:meta])* $variant:ident => $field:ident,)+) => {
        /// A field of an appointment that is compared.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Field {
            $($(#[$doc])* $variant,)+
        }

        impl Field {
            /// All fields that are compared.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        /// The fields in which two states differ, or any other set of fields.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct Differences {
            $($(#[$doc])* pub $field: bool,)+
        }

        impl Differences {
            /// Every field.
            pub const ALL: Self = Self { $($field: true,)+ };

            /// No field.
            pub const NONE: Self = Self { $($field: false,)+ };

            /// Whether a field is in the set.
            pub const fn contains(self, field: Field) -> bool {
                match field {
                    $(Field::$variant => self.$field,)+
                }
            }

            /// These fields, and one more.
            #[must_use]
            pub const fn with(mut self, field: Field) -> Self {
                match field {
                    $(Field::$variant => self.$field = true,)+
                }
                self
            }

            /// Fields that are in either set.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self { $($field: self.$field || other.$field,)+ }
            }

            /// Fields that are in both sets.
            #[must_use]
            pub const fn intersection(self, other: Self) -> Self {
                Self { $($field: self.$field && other.$field,)+ }
            }

            /// Fields that are not in the other set.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self { $($field: self.$field && !other.$field,)+ }
            }
        }
    };
}

compared_fields! {
    /// Pending, confirmed, or ended.
    Status => status,
    /// The start, to the millisecond.
    Start => start,
    /// The length, to the millisecond.
    Length => length,
    /// The event type.
    EventType => event_type,
    /// The attendee's e-mail address, which identifies the person.
    Email => email,
    /// The attendee's name.
    Name => name,
    /// The member of staff.
    Host => host,
    /// The location.
    Location => location,
    /// The guests.
    Guests => guests,
    /// The notes.
    Notes => notes,
    /// Whether the attendee did not come.
    Absent => absent,
    /// The answers to booking fields.
    Responses => responses,
    /// The host's metadata.
    Metadata => metadata,
}

impl Differences {
    /// Whether no field differs.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// How many fields differ.
    pub(crate) fn count(self) -> usize {
        let fields = Field::ALL.iter();
        fields.filter(|field| self.contains(**field)).count()
    }
}

impl FromIterator<Field> for Differences {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        fields.into_iter().fold(Self::NONE, Self::with)
    }
}

impl AppointmentState {
    /// A state with these values, of which nothing else is known.
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
            host: None,
            location: None,
            guests: None,
            notes: None,
            absent: None,
            responses: None,
            metadata: None,
        }
    }

    /// Sets who holds it: a Cal.com user.
    #[must_use]
    pub fn with_host(mut self, host: UserId) -> Self {
        self.host = Some(host);
        self
    }

    /// Sets where it takes place.
    #[must_use]
    pub fn with_location(mut self, location: impl Into<Place>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// Sets the guests, by e-mail address; none at all is known, too.
    #[must_use]
    pub fn with_guests<S: AsRef<str>>(mut self, guests: impl IntoIterator<Item = S>) -> Self {
        self.guests = Some(guests.into_iter().collect());
        self
    }

    /// Sets the notes.
    #[must_use]
    pub fn with_notes(mut self, notes: impl Into<Notes>) -> Self {
        self.notes = Some(notes.into());
        self
    }

    /// Sets whether the attendee did not come.
    #[must_use]
    pub fn with_absent(mut self, absent: bool) -> Self {
        self.absent = Some(absent);
        self
    }

    /// Sets the answers to booking fields, by slug.
    #[must_use]
    pub fn with_responses(mut self, answers: impl Into<Responses>) -> Self {
        self.responses = Some(answers.into());
        self
    }

    /// Sets the host's metadata.
    #[must_use]
    pub fn with_metadata<K: Into<String>, V: Into<String>>(
        mut self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.metadata = Some(entries.into_iter().collect());
        self
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
                let is_known = !ours.is_erased() && !theirs.is_erased();
                let line = |place: &Place| clean_line(place.as_str()).trim().to_owned();
                let text = |notes: &Notes| clean_text(notes.as_str()).trim().to_owned();
                Differences {
                    status: self.status != other.status,
                    start: millis(self.start) != millis(other.start),
                    length: self.length_millis() != other.length_millis(),
                    event_type: self.event_type != other.event_type,
                    // What is equal as it stands need not be cleaned: nearly all that is compared is.
                    email: is_known && ours.email != theirs.email && lower(ours) != lower(theirs),
                    name: is_known && ours.name != theirs.name && name(ours) != name(theirs),
                    host: differ(&self.host, &other.host, |host| *host),
                    location: differ(&self.location, &other.location, line),
                    guests: differ(&self.guests, &other.guests, Guests::folded),
                    notes: differ(&self.notes, &other.notes, text),
                    absent: differ(&self.absent, &other.absent, |absent| *absent),
                    responses: differ(&self.responses, &other.responses, Responses::clone),
                    metadata: differ(&self.metadata, &other.metadata, HostMetadata::clone),
                }
            }
        }
    }

    /// The fields that have changed since an earlier state of the same side: those that differ, and
    /// those that were not known then.
    pub fn changes_since(&self, before: &Self) -> Differences {
        let mut changes = self.differences(before);
        if self.status.is_live() && before.status.is_live() {
            changes.host |= self.host.is_some() && before.host.is_none();
            changes.absent |= self.absent.is_some() && before.absent.is_none();
            // What was erased says nothing about what was known then.
            if !before.attendee.is_erased() && !self.attendee.is_erased() {
                changes.location |= self.location.is_some() && before.location.is_none();
                changes.guests |= self.guests.is_some() && before.guests.is_none();
                changes.notes |= self.notes.is_some() && before.notes.is_none();
                changes.responses |= self.responses.is_some() && before.responses.is_none();
                changes.metadata |= self.metadata.is_some() && before.metadata.is_none();
            }
        }
        changes
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
        if fields.host {
            taken.host = from.host;
        }
        if fields.location {
            taken.location.clone_from(&from.location);
        }
        if fields.guests {
            taken.guests.clone_from(&from.guests);
        }
        if fields.notes {
            taken.notes.clone_from(&from.notes);
        }
        if fields.absent {
            taken.absent = from.absent;
        }
        if fields.responses {
            taken.responses.clone_from(&from.responses);
        }
        if fields.metadata {
            taken.metadata.clone_from(&from.metadata);
        }
        taken
    }

    /// This state, keeping details that only the other one has: about the same person, and what is
    /// unknown here.
    #[must_use]
    pub fn keeping_details_of(mut self, known: &Self) -> Self {
        let fields = self.differences(known);
        if !fields.email {
            let ours = &mut self.attendee;
            let theirs = &known.attendee;
            ours.phone_number = ours.phone_number.take().or(theirs.phone_number.clone());
            ours.language = ours.language.take().or(theirs.language.clone());
        }
        self.host = self.host.or(known.host);
        self.location = self.location.or_else(|| known.location.clone());
        self.guests = self.guests.or_else(|| known.guests.clone());
        self.notes = self.notes.or_else(|| known.notes.clone());
        self.absent = self.absent.or(known.absent);
        self.responses = self.responses.or_else(|| known.responses.clone());
        self.metadata = self.metadata.or_else(|| known.metadata.clone());
        self
    }

    fn length_millis(&self) -> i64 {
        millis(self.end) - millis(self.start)
    }
}

/// Whether two values differ, as far as both are known.
fn differ<T: PartialEq, C: PartialEq>(
    one: &Option<T>,
    other: &Option<T>,
    compared: impl Fn(&T) -> C,
) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one != other && compared(one) != compared(other),
        _ => false,
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
