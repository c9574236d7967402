//! What an appointment holds besides its time and its attendee: values whose `Debug` shows nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{JsonObject, clean_line};

/// The slugs of the standard booking fields that stand elsewhere in an appointment, or that describe
/// one change of it.
const STANDARD_FIELDS: [&str; 9] = [
    "name",
    "email",
    "guests",
    "notes",
    "location",
    "attendeePhoneNumber",
    "smsReminderNumber",
    "rescheduleReason",
    "rescheduledReason",
];

/// Declares a value whose `Debug` shows nothing of it.
macro_rules! private_value {
    ($(#[$doc:meta])* $name:ident($inner:ty), shows $shown:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($shown)
            }
        }
    };
}

/// Declares a text that is personal data.
macro_rules! private_text {
    ($(#[$doc:meta])* $name:ident) => {
        private_value! {
            $(#[$doc])*
            $name(String), shows "[private]"
        }

        impl $name {
            /// Wraps the text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
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

private_text! {
    /// Where an appointment takes place, as a text. `Debug` does not show it.
    Place
}
private_text! {
    /// The notes of an appointment. `Debug` does not show them.
    Notes
}
private_text! {
    /// Why an appointment was changed. `Debug` does not show it.
    Reason
}
private_value! {
    /// The e-mail addresses of an appointment's guests, compared without regard to case. `Debug` does
    /// not show them.
    Guests(BTreeSet<String>), shows "[private]"
}

private_value! {
    /// The answers to an event type's own booking fields, by slug. `Debug` does not show them.
    Responses(JsonObject), shows "[private]"
}
private_value! {
    /// Texts that a host keeps with a booking: at most 49 keys of up to 40 characters, with values of
    /// up to 500. `Debug` does not show them.
    HostMetadata(BTreeMap<String, String>), shows "[private]"
}

impl Responses {
    /// The answers, by slug.
    pub fn as_object(&self) -> &JsonObject {
        &self.0
    }
}

impl From<JsonObject> for Responses {
    /// Leaves out the standard fields: name, address, guests, notes, location and the reason of a
    /// change have fields of their own in an appointment.
    fn from(mut answers: JsonObject) -> Self {
        for standard in STANDARD_FIELDS {
            answers.remove(standard);
        }
        Self(answers)
    }
}

impl HostMetadata {
    /// The entries, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.0.iter();
        entries.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for HostMetadata {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        Self(
            entries
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl Guests {
    /// The addresses, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there are no guests.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The guests that the other side does not have.
    pub fn missing_from<'a>(&'a self, other: &Self) -> impl Iterator<Item = &'a str> {
        let known = other.folded();
        let is_missing = move |guest: &&str| !known.contains(&fold(guest));
        self.iter().filter(is_missing)
    }

    pub(super) fn folded(&self) -> BTreeSet<String> {
        self.iter().map(fold).collect()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Guests {
    fn from_iter<I: IntoIterator<Item = S>>(addresses: I) -> Self {
        let clean = |address: S| clean_line(address.as_ref()).trim().to_owned();
        let addresses = addresses.into_iter().map(clean);
        Self(addresses.filter(|address| !address.is_empty()).collect())
    }
}

/// An e-mail address as it is compared.
fn fold(address: &str) -> String {
    clean_line(address).trim().to_lowercase()
}
