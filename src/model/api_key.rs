//! API keys.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// For how long a new API key is valid; 30 days unless told otherwise.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ApiKeyRefresh {
    /// For this many days, at least one. Not together with `api_key_never_expires`.
    #[serde(default)]
    pub api_key_days_valid: Option<u32>,
    /// For ever. Not together with `api_key_days_valid`.
    #[serde(default)]
    pub api_key_never_expires: Option<bool>,
}

impl ApiKeyRefresh {
    /// A key that is valid for this many days, at least one.
    pub fn days(days: u32) -> Self {
        Self {
            api_key_days_valid: Some(days),
            api_key_never_expires: None,
        }
    }

    /// A key that does not expire.
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
