//! How a tenant speaks: its time zone, language and country.

use serde::{Deserialize, Serialize};

use crate::model::TimeZone;

/// The time zone, the language and the country of a tenant: what is meant by "at three" and by a phone
/// number without a country code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Locale {
    /// The time zone, where no branch says otherwise. Default: UTC.
    pub time_zone: TimeZone,
    /// The language in which callers are answered who do not speak another one that is known. Default:
    /// `en`.
    pub language: String,
    /// The country, as in ISO 3166-1 (`DE`), in which phone numbers without a country code are. Default:
    /// none; such numbers are not understood then.
    pub region: Option<String>,
}

impl Default for Locale {
    fn default() -> Self {
        Self {
            time_zone: "UTC".into(),
            language: "en".to_owned(),
            region: None,
        }
    }
}

impl Locale {
    /// A time zone and a language.
    pub fn new(time_zone: TimeZone, language: impl Into<String>) -> Self {
        Self {
            time_zone,
            language: language.into(),
            region: None,
        }
    }

    /// Sets the country.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }
}
