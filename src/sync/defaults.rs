//! What a tenant sends with every new booking of an event type.

use serde::{Deserialize, Serialize};

use crate::model::{JsonObject, Metadata};

/// Answers to booking fields, and metadata, that are sent with every new booking of an event type
/// unless the appointment has its own.
///
/// ```
/// use calcom::sync::BookingDefaults;
///
/// let defaults = BookingDefaults::default()
///     .with_response("how_did_you_hear_of_us", "phone")
///     .with_metadata("source", "salon-app");
/// # let _ = defaults;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BookingDefaults {
    /// Answers to booking fields, by slug.
    pub responses: JsonObject,
    /// Metadata, by key.
    pub metadata: Metadata,
}

impl BookingDefaults {
    /// Adds a text as the answer to a booking field.
    #[must_use]
    pub fn with_response(mut self, slug: &str, answer: &str) -> Self {
        self.responses.insert(slug, answer);
        self
    }

    /// Adds an entry of the metadata.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}
