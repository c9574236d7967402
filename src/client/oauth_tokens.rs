//! OAuth tokens: what they are, where the host stores them, and how a server returns them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;

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

    /// Whether both tokens are the same. When they expire is not compared: some stores cut it off.
    pub fn is_same_pair(&self, other: &Self) -> bool {
        self.access_token.expose_secret() == other.access_token.expose_secret()
            && self.refresh_token.expose_secret() == other.refresh_token.expose_secret()
    }
}

/// Storage for the tokens of a session, implemented by the host application.
///
/// A refresh token is valid once. Where several processes share a session, they have to take turns:
/// implement the provided methods too, and hold the store to
/// [`token_conformance!`](crate::token_conformance). With [`save`](Self::save) alone, a session
/// belongs to one client of one process.
///
/// The tokens are secrets. A store that does not encrypt them is to be protected like a password
/// file.
///
/// # Contract
///
/// - Of several callers who hold the stored tokens, [`begin_refresh`](Self::begin_refresh) gives
///   one the turn, until that one saves, abandons it, or its lease ends. The same caller does not
///   get it twice either.
/// - Whoever holds other tokens than the stored ones is given those.
/// - [`save_refreshed`](Self::save_refreshed) overwrites nothing but the tokens that were
///   refreshed, so that repeating it after a lost response is harmless.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Replaces the stored tokens with new ones, whatever is stored; for the tokens of a sign-in.
    async fn save(&self, tokens: &OAuthTokens) -> Result<(), StoreFailure>;

    /// Loads the stored tokens.
    ///
    /// The default is for a store that cannot: it returns `None`.
    async fn load(&self) -> Result<Option<OAuthTokens>, StoreFailure> {
        Ok(None)
    }

    /// Asks for the turn to refresh the tokens that the caller holds.
    ///
    /// The turn ends with `lease`, which is longer than a refresh can take.
    ///
    /// The default gives everybody the turn.
    async fn begin_refresh(
        &self,
        held: &OAuthTokens,
        lease: Duration,
    ) -> Result<RefreshTurn, StoreFailure> {
        let _ = (held, lease);
        Ok(RefreshTurn::Granted(RefreshLease(0)))
    }

    /// Replaces the tokens that were refreshed with the new ones, and ends the turn.
    ///
    /// If other tokens than these two are stored, they stay and are returned.
    ///
    /// The default calls [`save`](Self::save).
    async fn save_refreshed(
        &self,
        refreshed: &OAuthTokens,
        new: &OAuthTokens,
    ) -> Result<Option<OAuthTokens>, StoreFailure> {
        let _ = refreshed;
        self.save(new).await?;
        Ok(None)
    }

    /// Ends a turn that brought no new tokens. One that has run out is left to its next holder.
    ///
    /// The default does nothing.
    async fn abandon_refresh(&self, lease: RefreshLease) -> Result<(), StoreFailure> {
        let _ = lease;
        Ok(())
    }
}

/// The number of a turn, by which its store knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshLease(u64);

impl RefreshLease {
    /// The turn with this number. A session's later turns have other numbers.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The answer to [`TokenStore::begin_refresh`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RefreshTurn {
    /// The caller refreshes, and nobody else does.
    Granted(RefreshLease),
    /// Somebody else has refreshed; these are the stored tokens.
    Refreshed(OAuthTokens),
    /// Somebody else is refreshing; ask again soon.
    Taken,
}

/// The latest tokens, in memory: for scripts and tests. Clones share them.
///
/// A session that has to survive a restart needs a store of its own, because the refresh token
/// changes with every refresh.
#[derive(Clone, Debug, Default)]
pub struct InMemoryTokenStore(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    tokens: Option<OAuthTokens>,
    leased_until: Option<Instant>,
    fence: u64,
}

impl InMemoryTokenStore {
    /// The tokens that were saved last; `None` if they were not refreshed yet.
    pub fn tokens(&self) -> Option<OAuthTokens> {
        self.held().tokens.clone()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenStore for InMemoryTokenStore {
    async fn save(&self, tokens: &OAuthTokens) -> Result<(), StoreFailure> {
        let mut held = self.held();
        held.tokens = Some(tokens.clone());
        held.leased_until = None;
        Ok(())
    }

    async fn load(&self) -> Result<Option<OAuthTokens>, StoreFailure> {
        Ok(self.tokens())
    }

    async fn begin_refresh(
        &self,
        mine: &OAuthTokens,
        lease: Duration,
    ) -> Result<RefreshTurn, StoreFailure> {
        let mut held = self.held();
        if let Some(stored) = &held.tokens
            && !stored.is_same_pair(mine)
        {
            return Ok(RefreshTurn::Refreshed(stored.clone()));
        }
        let now = Instant::now();
        if held.leased_until.is_some_and(|until| now < until) {
            return Ok(RefreshTurn::Taken);
        }
        held.leased_until = Some(now + lease);
        held.fence += 1;
        Ok(RefreshTurn::Granted(RefreshLease(held.fence)))
    }

    async fn save_refreshed(
        &self,
        refreshed: &OAuthTokens,
        new: &OAuthTokens,
    ) -> Result<Option<OAuthTokens>, StoreFailure> {
        let mut held = self.held();
        if let Some(stored) = &held.tokens
            && !stored.is_same_pair(refreshed)
        {
            return Ok((!stored.is_same_pair(new)).then(|| stored.clone()));
        }
        held.tokens = Some(new.clone());
        held.leased_until = None;
        Ok(None)
    }

    async fn abandon_refresh(&self, lease: RefreshLease) -> Result<(), StoreFailure> {
        let mut held = self.held();
        if held.fence == lease.0 {
            held.leased_until = None;
        }
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
