//! OAuth tokens of the client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;

use super::error::failed;
use super::rows::{Row, Stamp, ahead};
use super::{PostgresStore, statements};
use crate::client::{OAuthTokens, RefreshLease, RefreshTurn, StoreFailure, TokenStore};
use crate::store::StoreError;

statements! {
    SAVE =
        "INSERT INTO oauth_tokens (session, access_token, refresh_token, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (session) DO UPDATE SET access_token = excluded.access_token, \
             refresh_token = excluded.refresh_token, expires_at = excluded.expires_at, leased_until = NULL";
    LOAD = "SELECT access_token, refresh_token, expires_at FROM oauth_tokens WHERE session = $1";
    /// Where nothing is stored, what the caller holds is.
    TAKE_TURN =
        "INSERT INTO oauth_tokens AS t (session, access_token, refresh_token, expires_at, leased_until, fence) \
         VALUES ($1, $2, $3, $4, clock_of_books() + $5 * interval '1 us', 1) \
         ON CONFLICT (session) DO UPDATE SET leased_until = excluded.leased_until, fence = t.fence + 1 \
             WHERE t.access_token = excluded.access_token AND t.refresh_token = excluded.refresh_token \
                 AND (t.leased_until IS NULL OR t.leased_until <= now_of_books()) \
         RETURNING fence";
    SAVE_REFRESHED =
        "INSERT INTO oauth_tokens AS t (session, access_token, refresh_token, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (session) DO UPDATE SET access_token = excluded.access_token, \
             refresh_token = excluded.refresh_token, expires_at = excluded.expires_at, leased_until = NULL \
             WHERE t.access_token = $5 AND t.refresh_token = $6";
    ABANDON = "UPDATE oauth_tokens SET leased_until = NULL WHERE session = $1 AND fence = $2";
    FORGET = "DELETE FROM oauth_tokens WHERE session = $1";
}

/// The tokens of one OAuth session, in a schema that several processes share; see
/// [`PostgresStore::tokens`].
#[derive(Clone)]
pub struct PostgresTokens {
    store: PostgresStore,
    session: Arc<str>,
}

impl fmt::Debug for PostgresTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTokens")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// The tokens of an OAuth session, under a name of the host's choosing. All processes that use
    /// the name share the session: one of them refreshes, and the others go on with its tokens.
    ///
    /// The tokens are stored **in the clear**. Whoever can read the table `oauth_tokens`, or a backup
    /// of it, can act as the user; encrypt the disk and the backups, and keep other roles out of the
    /// schema. Tokens do not belong to a tenant: erasing one leaves them, and
    /// [`forget`](PostgresTokens::forget) removes them.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use calcom::client::{Client, Credentials, OAuthSession};
    /// # use calcom::postgres::PostgresStore;
    /// # async fn run(store: PostgresStore) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let tokens = Arc::new(store.tokens("salon"));
    /// if let Some(session) = OAuthSession::load("client-id", tokens).await? {
    ///     let client = Client::with_credentials(Credentials::OAuth(session)).build()?;
    ///     # let _ = client;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn tokens(&self, session: impl Into<Arc<str>>) -> PostgresTokens {
        PostgresTokens {
            store: self.clone(),
            session: session.into(),
        }
    }
}

impl PostgresTokens {
    /// Removes the tokens, for example when the user disconnects the account.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) or
    /// [`ReadOnly`](crate::store::StoreErrorKind::ReadOnly).
    pub async fn forget(&self) -> Result<(), StoreError> {
        sqlx::query(FORGET)
            .bind(&*self.session)
            .execute(self.store.pool())
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn stored(&self) -> Result<Option<OAuthTokens>, StoreError> {
        let row = sqlx::query(LOAD)
            .bind(&*self.session)
            .fetch_optional(self.store.pool())
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let row = Row::of("oauth_tokens", &row);
        let mut tokens = OAuthTokens::new(
            row.text::<String>("access_token")?,
            row.text::<String>("refresh_token")?,
        );
        tokens.expires_at = row.instant_if_any("expires_at")?;
        Ok(Some(tokens))
    }
}

#[async_trait]
impl TokenStore for PostgresTokens {
    async fn save(&self, tokens: &OAuthTokens) -> Result<(), StoreFailure> {
        sqlx::query(SAVE)
            .bind(&*self.session)
            .bind(tokens.access_token.expose_secret())
            .bind(tokens.refresh_token.expose_secret())
            .bind(tokens.expires_at.map(Stamp))
            .execute(self.store.pool())
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn load(&self) -> Result<Option<OAuthTokens>, StoreFailure> {
        Ok(self.stored().await?)
    }

    async fn begin_refresh(
        &self,
        held: &OAuthTokens,
        lease: Duration,
    ) -> Result<RefreshTurn, StoreFailure> {
        let fence: Option<i64> = sqlx::query_scalar(TAKE_TURN)
            .bind(&*self.session)
            .bind(held.access_token.expose_secret())
            .bind(held.refresh_token.expose_secret())
            .bind(held.expires_at.map(Stamp))
            .bind(ahead(lease))
            .fetch_optional(self.store.pool())
            .await
            .map_err(failed)?;
        if let Some(fence) = fence {
            let lease = RefreshLease::new(fence.unsigned_abs());
            return Ok(RefreshTurn::Granted(lease));
        }
        Ok(match self.stored().await? {
            Some(stored) if !stored.is_same_pair(held) => RefreshTurn::Refreshed(stored),
            // Perhaps forgotten in between; the next call tells.
            _ => RefreshTurn::Taken,
        })
    }

    async fn save_refreshed(
        &self,
        refreshed: &OAuthTokens,
        new: &OAuthTokens,
    ) -> Result<Option<OAuthTokens>, StoreFailure> {
        let saved = sqlx::query(SAVE_REFRESHED)
            .bind(&*self.session)
            .bind(new.access_token.expose_secret())
            .bind(new.refresh_token.expose_secret())
            .bind(new.expires_at.map(Stamp))
            .bind(refreshed.access_token.expose_secret())
            .bind(refreshed.refresh_token.expose_secret())
            .execute(self.store.pool())
            .await
            .map_err(failed)?;
        if saved.rows_affected() > 0 {
            return Ok(None);
        }
        let stored = self.stored().await?;
        Ok(stored.filter(|stored| !stored.is_same_pair(new)))
    }

    async fn abandon_refresh(&self, lease: RefreshLease) -> Result<(), StoreFailure> {
        sqlx::query(ABANDON)
            .bind(&*self.session)
            .bind(i64::try_from(lease.get()).unwrap_or_default())
            .execute(self.store.pool())
            .await
            .map_err(failed)?;
        Ok(())
    }
}
