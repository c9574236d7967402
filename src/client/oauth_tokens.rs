//! OAuth tokens: what they are, where the host stores them, and how a server returns them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::Deserialize;

use super::idempotency::StoreFailure;

/// The tokens of a session. `Debug` shows only their expiry.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OAuthTokens {
    /// The access token, sent with every request.
    pub access_token: SecretString,
    /// The refresh token, which can be exchanged for the next pair once.
    pub refresh_token: SecretString,
    /// When the access token expires. If `None`, the token is refreshed when it is rejected.
    pub expires_at: Option<DateTime<Utc>>,
}

impl OAuthTokens {
    /// Creates tokens with an unknown expiry.
    pub fn new(
        access_token: impl Into<SecretString>,
        refresh_token: impl Into<SecretString>,
    ) -> Self {
        Self {
            access_token: access_token.into(),
            refresh_token: refresh_token.into(),
            expires_at: None,
        }
    }

    /// Sets when the access token expires.
    #[must_use]
    pub fn with_expiry(mut self, instant: DateTime<Utc>) -> Self {
        self.expires_at = Some(instant);
        self
    }
}

/// Storage for the tokens of a session, implemented by the host application.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Replaces the stored tokens with new ones. The old ones are no longer valid.
    async fn save(&self, tokens: &OAuthTokens) -> Result<(), StoreFailure>;
}

/// The latest tokens, in memory: for scripts and tests. A session that has to survive a restart
/// needs a store of its own, because the refresh token changes with every refresh.
#[derive(Clone, Debug, Default)]
pub struct InMemoryTokenStore(Arc<Mutex<Option<OAuthTokens>>>);

impl InMemoryTokenStore {
    /// The tokens that were saved last; `None` if they were not refreshed yet.
    pub fn tokens(&self) -> Option<OAuthTokens> {
        let tokens = self.0.lock();
        tokens.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl TokenStore for InMemoryTokenStore {
    async fn save(&self, tokens: &OAuthTokens) -> Result<(), StoreFailure> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(tokens.clone());
        Ok(())
    }
}

/// Tokens in either format: RFC 6749, or a platform client's in Cal.com's envelope.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum TokenResponse {
    OAuth2 {
        access_token: SecretString,
        refresh_token: SecretString,
        #[serde(default)]
        expires_in: Option<i64>,
    },
    Platform {
        data: PlatformTokens,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlatformTokens {
    access_token: SecretString,
    refresh_token: SecretString,
    /// In milliseconds since the epoch.
    #[serde(default)]
    access_token_expires_at: Option<i64>,
}

impl TokenResponse {
    pub(super) fn into_tokens(self, now: DateTime<Utc>) -> OAuthTokens {
        match self {
            Self::OAuth2 {
                access_token,
                refresh_token,
                expires_in,
            } => OAuthTokens {
                access_token,
                refresh_token,
                expires_at: expires_in
                    .and_then(TimeDelta::try_seconds)
                    .and_then(|lifetime| now.checked_add_signed(lifetime)),
            },
            Self::Platform { data } => OAuthTokens {
                access_token: data.access_token,
                refresh_token: data.refresh_token,
                expires_at: data
                    .access_token_expires_at
                    .and_then(DateTime::from_timestamp_millis),
            },
        }
    }
}
