//! OAuth sessions: access tokens are refreshed before they expire, or when the server rejects them.
//!
//! One refresh serves all waiting calls. An access token lives for about 30 minutes. Refreshing
//! rotates the refresh token, so losing a new one ends the session: it is passed to the host's
//! store before it is used, and dropping a call does not interrupt a refresh in progress. Clients
//! that share a store take turns, and take over what another one has refreshed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Method, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::error::{Error, ErrorKind};
use super::http_service::{Http, Outgoing};
use super::idempotency::StoreFailure;
use super::oauth_tokens::{OAuthTokens, RefreshLease, RefreshTurn, TokenResponse, TokenStore};
use super::request::ApiRequest;
use super::response::decode_body;
use crate::ambient::Clock;

const OPERATION: &str = "oauth.refresh";

/// How long before its expiry a token is refreshed, so that it does not expire in transit.
const REFRESH_AHEAD: TimeDelta = TimeDelta::seconds(60);

/// How much longer a turn lasts than the attempt to refresh may take.
const LEASE_BEYOND_ATTEMPT: Duration = Duration::from_secs(5);

/// How long to wait before asking again for a turn that somebody else has. It doubles up to the
/// second.
const TURN_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How many pairs of others are taken over in a row. Each was refreshed by somebody else, and is
/// old already.
const TAKEOVERS: u32 = 5;

/// How tokens are refreshed.
#[derive(Clone, Debug)]
enum Issuer {
    /// `/auth/oauth2/token`, as specified by RFC 6749. A public client has no secret.
    OAuth2 {
        client_id: String,
        client_secret: Option<SecretString>,
    },
    /// `/oauth/{clientId}/refresh`, for the managed users of a platform client.
    Platform {
        client_id: String,
        secret_key: SecretString,
    },
}

/// A session whose access token is refreshed automatically.
///
/// Clients with one [`TokenStore`] share the session if the store lets them take turns: one
/// refreshes, and the others go on with its tokens. What is stored counts more than what a session
/// was created with, so save the tokens of a sign-in before creating a session from them. A session
/// that has ended goes on once other tokens are stored.
///
/// ```no_run
/// # async fn run(
/// #     tokens: calcom::client::OAuthTokens,
/// #     store: std::sync::Arc<dyn calcom::client::TokenStore>,
/// # ) -> Result<(), calcom::client::Error> {
/// use calcom::client::{Client, Credentials, OAuthSession};
///
/// let session = OAuthSession::new("client-id", tokens, store);
/// let client = Client::with_credentials(Credentials::OAuth(session)).build()?;
/// println!("{:?}", client.me().get().await?.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OAuthSession {
    issuer: Issuer,
    tokens: OAuthTokens,
    store: Arc<dyn TokenStore>,
}

impl OAuthSession {
    /// Creates a session of a public OAuth client.
    ///
    /// For a confidential client, add its secret with
    /// [`with_client_secret`](Self::with_client_secret).
    pub fn new(
        client_id: impl Into<String>,
        tokens: OAuthTokens,
        store: Arc<dyn TokenStore>,
    ) -> Self {
        Self {
            issuer: Issuer::OAuth2 {
                client_id: client_id.into(),
                client_secret: None,
            },
            tokens,
            store,
        }
    }

    /// Creates a session of a public OAuth client with the tokens that its store holds; `None` if
    /// it holds none, and the user has to sign in.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn load(
        client_id: impl Into<String>,
        store: Arc<dyn TokenStore>,
    ) -> Result<Option<Self>, StoreFailure> {
        let tokens = store.load().await?;
        Ok(tokens.map(|tokens| Self::new(client_id, tokens, store)))
    }

    /// Sets the secret of a confidential client.
    #[must_use]
    pub fn with_client_secret(mut self, secret: impl Into<SecretString>) -> Self {
        match &mut self.issuer {
            Issuer::OAuth2 { client_secret, .. } => *client_secret = Some(secret.into()),
            Issuer::Platform { secret_key, .. } => *secret_key = secret.into(),
        }
        self
    }

    /// Creates a session of a managed user of a platform client.
    pub fn managed_user(
        client_id: impl Into<String>,
        secret_key: impl Into<SecretString>,
        tokens: OAuthTokens,
        store: Arc<dyn TokenStore>,
    ) -> Self {
        Self {
            issuer: Issuer::Platform {
                client_id: client_id.into(),
                secret_key: secret_key.into(),
            },
            tokens,
            store,
        }
    }
}

/// The credentials of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// No credentials.
    ///
    /// A few endpoints require none, such as those that list slots and create bookings.
    Anonymous,
    /// An API key, `cal_…`.
    ApiKey(SecretString),
    /// An OAuth session.
    OAuth(OAuthSession),
    /// A platform client acting as itself, for the endpoints that accept one.
    #[non_exhaustive]
    PlatformClient {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        secret_key: SecretString,
    },
}

impl Credentials {
    /// Creates credentials from an API key, `cal_…`.
    pub fn api_key(key: impl Into<SecretString>) -> Self {
        Self::ApiKey(key.into())
    }

    /// Creates credentials of a platform client acting as itself, for the endpoints that accept
    /// one.
    pub fn platform_client(
        client_id: impl Into<String>,
        secret_key: impl Into<SecretString>,
    ) -> Self {
        Self::PlatformClient {
            client_id: client_id.into(),
            secret_key: secret_key.into(),
        }
    }
}

/// The authorization headers of a request, and the generation of the tokens in them.
#[derive(Clone, Debug)]
pub(super) struct Authorization {
    pub(super) headers: HeaderMap,
    generation: u64,
}

#[derive(Debug)]
pub(super) enum Authorizer {
    Fixed(HeaderMap),
    Session(Arc<Session>),
}

#[derive(Debug)]
pub(super) struct Session {
    issuer: Issuer,
    store: Arc<dyn TokenStore>,
    state: Mutex<State>,
    http: Http,
    base_url: Url,
    max_response_bytes: usize,
    lease: Duration,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct State {
    tokens: OAuthTokens,
    /// Incremented with every new pair, so that many calls rejected with one pair refresh it only
    /// once.
    generation: u64,
    /// The pair that these tokens replace, until the host has stored them.
    unsaved_since: Option<OAuthTokens>,
    /// The rejection of the refresh token, which is final.
    ended: Option<Error>,
}

fn secret_header(operation: &'static str, field: &str, value: &str) -> Result<HeaderValue, Error> {
    if value.trim().is_empty() {
        return Err(Error::invalid_argument(operation, field, "is empty"));
    }
    let mut header = HeaderValue::try_from(value).map_err(|_| {
        Error::invalid_argument(
            operation,
            field,
            "contains characters that are not valid in a header",
        )
    })?;
    header.set_sensitive(true);
    Ok(header)
}

fn bearer(operation: &'static str, field: &str, token: &SecretString) -> Result<HeaderMap, Error> {
    let token = token.expose_secret().trim();
    if token.is_empty() {
        return Err(Error::invalid_argument(operation, field, "is empty"));
    }
    let header = secret_header(operation, field, &format!("Bearer {token}"))?;
    Ok(HeaderMap::from_iter([(AUTHORIZATION, header)]))
}

fn platform_headers(
    operation: &'static str,
    client_id: &str,
    secret_key: &SecretString,
) -> Result<HeaderMap, Error> {
    let id = secret_header(operation, "client_id", client_id)?;
    let secret = secret_header(operation, "secret_key", secret_key.expose_secret())?;
    let mut headers = HeaderMap::new();
    headers.insert("x-cal-client-id", id);
    headers.insert("x-cal-secret-key", secret);
    Ok(headers)
}

impl Authorizer {
    pub(super) fn new(
        operation: &'static str,
        credentials: Credentials,
        http: Http,
        base_url: Url,
        max_response_bytes: usize,
        attempt_timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(match credentials {
            Credentials::Anonymous => Self::Fixed(HeaderMap::new()),
            Credentials::ApiKey(key) => Self::Fixed(bearer(operation, "api_key", &key)?),
            Credentials::PlatformClient {
                client_id,
                secret_key,
            } => Self::Fixed(platform_headers(operation, &client_id, &secret_key)?),
            Credentials::OAuth(oauth) => {
                bearer(operation, "access_token", &oauth.tokens.access_token)?;
                Self::Session(Arc::new(Session {
                    issuer: oauth.issuer,
                    store: oauth.store,
                    state: Mutex::new(State {
                        tokens: oauth.tokens,
                        generation: 0,
                        unsaved_since: None,
                        ended: None,
                    }),
                    http,
                    base_url,
                    max_response_bytes,
                    lease: attempt_timeout.saturating_add(LEASE_BEYOND_ATTEMPT),
                    clock,
                }))
            }
        })
    }

    /// Returns the authorization for a call, refreshing the tokens if necessary.
    pub(super) async fn authorize(&self, operation: &'static str) -> Result<Authorization, Error> {
        match self {
            Self::Fixed(headers) => Ok(Authorization {
                headers: headers.clone(),
                generation: 0,
            }),
            Self::Session(session) => Arc::clone(session).current(operation, None).await,
        }
    }

    /// Returns whether, after these headers were rejected, another attempt with new ones makes
    /// sense.
    pub(super) async fn renew(
        &self,
        operation: &'static str,
        refused: &Authorization,
    ) -> Result<bool, Error> {
        match self {
            Self::Fixed(_) => Ok(false),
            Self::Session(session) => {
                let refused = Some(refused.generation);
                Arc::clone(session).current(operation, refused).await?;
                Ok(true)
            }
        }
    }
}

impl State {
    /// Goes on with a pair that somebody else has refreshed.
    fn take_over(&mut self, theirs: OAuthTokens) {
        self.tokens = theirs;
        self.generation += 1;
        self.unsaved_since = None;
        self.ended = None;
    }
}

impl Session {
    /// Returns the current tokens, refreshed if they are about to expire or are the rejected ones.
    async fn current(
        self: Arc<Self>,
        operation: &'static str,
        refused: Option<u64>,
    ) -> Result<Authorization, Error> {
        // Runs in its own task, so that dropping the call cannot lose a rotated token.
        let refreshed = tokio::spawn(async move {
            let mut state = self.state.lock().await;
            if let Some(ended) = state.ended.clone()
                && !self.take_over_stored(&mut state).await
            {
                return Err(ended);
            }
            // Before anybody is asked about them.
            self.save(operation, &mut state).await?;
            if self.is_old(&state) || refused == Some(state.generation) {
                self.refresh(operation, &mut state).await?;
                self.save(operation, &mut state).await?;
            }
            Ok(Authorization {
                headers: bearer(operation, "access_token", &state.tokens.access_token)?,
                generation: state.generation,
            })
        });
        refreshed
            .await
            .unwrap_or_else(|_| Err(Error::unanswered(operation, "the refresh was interrupted")))
    }

    fn is_old(&self, state: &State) -> bool {
        let now = self.clock.now();
        let expires = state.tokens.expires_at;
        expires.is_some_and(|at| at - REFRESH_AHEAD <= now)
    }

    /// Hands new tokens to the host's store, if that has yet to be done.
    async fn save(&self, operation: &'static str, state: &mut State) -> Result<(), Error> {
        let Some(refreshed) = &state.unsaved_since else {
            return Ok(());
        };
        let saved = self.store.save_refreshed(refreshed, &state.tokens).await;
        match saved.map_err(|cause| Error::token_store(operation, cause))? {
            None => state.unsaved_since = None,
            // They were stored before and refreshed since, or the user has signed in anew.
            Some(theirs) => state.take_over(theirs),
        }
        Ok(())
    }

    /// Takes over what is stored, if it is another pair. Returns whether it was.
    async fn take_over_stored(&self, state: &mut State) -> bool {
        match self.store.load().await {
            Ok(Some(theirs)) if !theirs.is_same_pair(&state.tokens) => {
                state.take_over(theirs);
                true
            }
            Ok(_) => false,
            Err(cause) => {
                tracing::warn!(error = %cause, "the stored tokens could not be loaded");
                false
            }
        }
    }

    /// Exchanges the refresh token for a new pair, or takes over the one that somebody else got.
    async fn refresh(&self, operation: &'static str, state: &mut State) -> Result<(), Error> {
        let latest = Instant::now() + 2 * self.lease;
        let (mut pause, longest) = TURN_PAUSES;
        let mut takeovers = 0;
        let lease = loop {
            let turn = self.store.begin_refresh(&state.tokens, self.lease).await;
            match turn.map_err(|cause| Error::token_turn(operation, cause))? {
                RefreshTurn::Granted(lease) => break lease,
                RefreshTurn::Refreshed(theirs) => {
                    state.take_over(theirs);
                    takeovers += 1;
                    if !self.is_old(state) || takeovers >= TAKEOVERS {
                        return Ok(());
                    }
                }
                RefreshTurn::Taken if Instant::now() < latest => {
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(longest);
                }
                RefreshTurn::Taken => {
                    let cause = "another process does not end its refresh";
                    return Err(Error::token_turn(operation, cause.into()));
                }
            }
        };
        match self.exchange(&state.tokens).await {
            Ok(new) => {
                let refreshed = std::mem::replace(&mut state.tokens, new);
                state.generation += 1;
                state.unsaved_since = Some(refreshed);
                Ok(())
            }
            Err(error) => {
                self.abandon(lease).await;
                // `invalid_grant` and the like: the refresh token is invalid, and retrying cannot
                // change that.
                let is_final = error.api().is_some()
                    && matches!(
                        error.kind(),
                        ErrorKind::Invalid | ErrorKind::Unauthorized | ErrorKind::Forbidden
                    );
                if !is_final {
                    return Err(error);
                }
                // Somebody may have used it who did not wait for a turn.
                if self.take_over_stored(state).await {
                    return Ok(());
                }
                let ended = Error::session_ended(error);
                state.ended = Some(ended.clone());
                Err(ended)
            }
        }
    }

    async fn abandon(&self, lease: RefreshLease) {
        // Otherwise it runs out.
        if let Err(cause) = self.store.abandon_refresh(lease).await {
            tracing::warn!(error = %cause, "the turn to refresh tokens could not be given back");
        }
    }

    /// Sends the refresh token, and reads the new pair.
    async fn exchange(&self, tokens: &OAuthTokens) -> Result<OAuthTokens, Error> {
        let token = tokens.refresh_token.expose_secret();
        let (request, headers) = match &self.issuer {
            Issuer::OAuth2 {
                client_id,
                client_secret,
            } => {
                let path = ["auth", "oauth2", "token"];
                let mut body = json!({
                    "grant_type": "refresh_token",
                    "client_id": client_id,
                    "refresh_token": token,
                });
                if let Some(secret) = client_secret {
                    body["client_secret"] = secret.expose_secret().into();
                }
                let request = ApiRequest::new(OPERATION, Method::POST, &path).json(&body)?;
                (request, HeaderMap::new())
            }
            Issuer::Platform {
                client_id,
                secret_key,
            } => {
                let path = ["oauth", client_id.as_str(), "refresh"];
                let body = json!({ "refreshToken": token });
                let request = ApiRequest::new(OPERATION, Method::POST, &path).json(&body)?;
                let headers = platform_headers(OPERATION, client_id, secret_key)?;
                (request, headers)
            }
        };
        let now = self.clock.now();
        let answered = self.send(&request, headers).await?;
        let answer = decode_body::<TokenResponse>(OPERATION, &answered, now)?;
        Ok(answer.into_tokens(now))
    }

    async fn send(
        &self,
        request: &ApiRequest,
        mut headers: HeaderMap,
    ) -> Result<Response<Bytes>, Error> {
        let json = HeaderValue::from_static("application/json");
        headers.insert(http::header::CONTENT_TYPE, json);
        let outgoing = Outgoing {
            operation: OPERATION,
            method: &request.method,
            url: request.url(&self.base_url)?,
            headers,
            body: request.body.clone(),
        };
        self.http.send(outgoing, self.max_response_bytes).await
    }
}
