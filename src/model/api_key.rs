//! API keys.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// The validity of a new API key, which is 30 days by default.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ApiKeyRefresh {
    /// The number of days, at least one. Cannot be combined with `api_key_never_expires`.
    #[serde(default)]
    pub api_key_days_valid: Option<u32>,
    /// Whether the key never expires. Cannot be combined with `api_key_days_valid`.
    #[serde(default)]
    pub api_key_never_expires: Option<bool>,
}

impl ApiKeyRefresh {
    /// Requests a key that is valid for this many days, at least one.
    pub fn days(days: u32) -> Self {
        Self {
            api_key_days_valid: Some(days),
            api_key_never_expires: None,
        }
    }

    /// Requests a key that does not expire.
    pub fn without_expiry() -> Self {
        Self {
            api_key_days_valid: None,
            api_key_never_expires: Some(true),
        }
    }
}

/// A new API key. `Debug` does not show it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RefreshedApiKey {
    /// The key, `cal_…`.
    pub api_key: SecretString,
}
