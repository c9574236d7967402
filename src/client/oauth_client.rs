//! The application's side of the authorization code flow (RFC 6749, section 4.1).

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::Client;
use super::builder::{ClientBuilder, parse_base_url};
use super::error::{Error, ErrorKind};
use super::oauth::{Credentials, OAuthSession};
use super::oauth_tokens::{OAuthTokens, TokenResponse, TokenStore};
use super::pkce::Pkce;
use crate::ambient::Clock;
use crate::model::{OAuthClientInfo, OAuthScope};

/// The consent page of the hosted service.
const DEFAULT_AUTHORIZE_URL: &str = "https://app.cal.com/auth/oauth2/authorize";

const EXCHANGE: &str = "oauth.exchange";

/// An OAuth client: an application that acts for Cal.com users with their consent.
///
/// 1. Generate a random `state` and a [`Pkce`], keep the state and the verifier in the user's
///    session, and redirect the browser to [`authorization_url`](Self::authorization_url).
/// 2. The browser is redirected back to the redirect URI with `code` and `state`, or with `error`.
///    **Compare that `state` with the stored one, and stop if they differ**: otherwise an attacker
///    can make your user connect the attacker's account. The crate has no access to the session and
///    cannot do it for you.
/// 3. Exchange the code for tokens with [`exchange`](Self::exchange). A code can be used once.
/// 4. Store the tokens, and build a client with a [`session`](Self::session), which refreshes
///    them.
///
/// ```no_run
/// # async fn run(state: String, code: String) -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::client::{OAuthClient, Pkce};
/// use calcom::model::OAuthScope;
///
/// let app = OAuthClient::builder("my-client-id", "https://example.org/callback")
///     .scope(OAuthScope::BookingRead)
///     .scope(OAuthScope::BookingWrite)
///     .build()?;
/// let pkce = Pkce::generate()?;
/// let address = app.authorization_url(&state, &pkce);
/// // Redirect the browser to the URL. Once it is back, and `state` matches the stored one:
/// let tokens = app.exchange(code, pkce.verifier().clone()).await?;
/// # drop((address, tokens));
/// # Ok(())
/// # }
/// ```
///
/// A public client, which has no secret, authenticates with the verifier; a confidential client
/// authenticates with its secret. Cal.com's token endpoint accepts one of the two and rejects both
/// together, so neither the challenge nor the verifier of a confidential client is sent.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    client_id: String,
    client_secret: Option<SecretString>,
    redirect_uri: String,
    scopes: Vec<OAuthScope>,
    authorize_url: Url,
    client: Client,
}

impl OAuthClient {
    /// Configures a client that is registered with this redirect URI. The two must match exactly.
    pub fn builder(
        client_id: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> OAuthClientBuilder {
        OAuthClientBuilder {
            client_id: client_id.into(),
            client_secret: None,
            redirect_uri: redirect_uri.into(),
            scopes: Vec::new(),
            authorize_url: parse_base_url(DEFAULT_AUTHORIZE_URL),
            client: Client::with_credentials(Credentials::Anonymous),
        }
    }

    /// Returns the URL at which the user gives consent, to redirect the browser to.
    ///
    /// `state` is returned with the code. It must be random, kept in the user's session, and used
    /// only once: at least 128 random bits, for example as hexadecimal digits.
    pub fn authorization_url(&self, state: &str, pkce: &Pkce) -> Url {
        let mut url = self.authorize_url.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("state", state);
        if !self.scopes.is_empty() {
            let scopes: Vec<&str> = self.scopes.iter().map(OAuthScope::as_str).collect();
            query.append_pair("scope", &scopes.join(" "));
        }
        if self.client_secret.is_none() {
            query
                .append_pair("code_challenge", pkce.challenge())
                .append_pair("code_challenge_method", "S256");
        }
        drop(query);
        url
    }

    /// Exchanges an authorization code for tokens.
    ///
    /// The verifier belongs to the [`Pkce`] whose challenge was part of the authorization URL.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](ErrorKind::Unauthorized) with the [code](super::ApiError::code)
    /// `invalid_grant` if the authorization code is wrong, used or expired, or if the verifier or
    /// the redirect URI does not match: redirect the user to the authorization URL again. The same
    /// kind with the code `invalid_client` if the client or its secret is wrong;
    /// [`Invalid`](ErrorKind::Invalid), without sending anything, if the verifier of a public
    /// client is malformed; [`UnknownEndpoint`](ErrorKind::UnknownEndpoint) on self-hosted servers
    /// of 2025.
    pub async fn exchange(
        &self,
        code: impl Into<SecretString>,
        verifier: impl Into<SecretString>,
    ) -> Result<OAuthTokens, Error> {
        let code = code.into();
        let mut body = json!({
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code.expose_secret(),
            "redirect_uri": self.redirect_uri,
        });
        match &self.client_secret {
            Some(secret) => body["client_secret"] = secret.expose_secret().into(),
            None => {
                let pkce = Pkce::from_verifier(verifier)?;
                body["code_verifier"] = pkce.verifier().expose_secret().into();
            }
        }
        let request = self.client.post(EXCHANGE, &["auth", "oauth2", "token"]);
        let answered = self
            .client
            .body::<TokenResponse>(request.json(&body)?)
            .await;
        let answer = answered.map_err(|error| {
            let code = error.api().and_then(super::ApiError::code);
            if error.kind() == ErrorKind::Invalid && code == Some("invalid_grant") {
                Error::code_refused(error)
            } else {
                error
            }
        })?;
        Ok(answer.into_tokens(self.client.transport.clock.now()))
    }

    /// Retrieves the client's registration at Cal.com.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such client,
    /// [`UnknownEndpoint`](ErrorKind::UnknownEndpoint) on self-hosted servers of 2025.
    pub async fn registration(&self) -> Result<OAuthClientInfo, Error> {
        let path = ["auth", "oauth2", "clients", &self.client_id];
        let request = self.client.get("oauth.registration", &path);
        self.client.data(request).await
    }

    /// Creates a session with these tokens, for [`Client::with_credentials`].
    pub fn session(&self, tokens: OAuthTokens, store: Arc<dyn TokenStore>) -> OAuthSession {
        let session = OAuthSession::new(self.client_id.clone(), tokens, store);
        match &self.client_secret {
            Some(secret) => session.with_client_secret(secret.clone()),
            None => session,
        }
    }
}

/// Builds an [`OAuthClient`].
///
/// Obtained from [`OAuthClient::builder`].
#[derive(Debug)]
#[must_use]
pub struct OAuthClientBuilder {
    client_id: String,
    client_secret: Option<SecretString>,
    redirect_uri: String,
    scopes: Vec<OAuthScope>,
    authorize_url: Option<Url>,
    client: ClientBuilder,
}

impl OAuthClientBuilder {
    /// Sets the client's secret. A client without one is a public client.
    pub fn client_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// Adds a scope to request.
    ///
    /// Cal.com requires at least one, and rejects scopes that the client is not registered for.
    pub fn scope(mut self, scope: OAuthScope) -> Self {
        self.scopes.push(scope);
        self
    }

    /// Sets the base URL of the API, including `/v2`. The default is `https://api.cal.com/v2`.
    pub fn base_url(mut self, url: &str) -> Self {
        self.client = self.client.base_url(url);
        self
    }

    /// Sets the URL of the consent page.
    ///
    /// The default is `https://app.cal.com/auth/oauth2/authorize`.
    ///
    /// Set it together with the base URL.
    pub fn authorize_url(mut self, url: &str) -> Self {
        self.authorize_url = parse_base_url(url);
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.client = self.client.clock(clock);
        self
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the client id or the secret is empty, or a URL is
    /// malformed; [`Transport`](ErrorKind::Transport) if the TLS library cannot be initialized.
    pub fn build(self) -> Result<OAuthClient, Error> {
        const OPERATION: &str = "oauth_client.build";
        let refused = |field, why| Err(Error::invalid_argument(OPERATION, field, why));
        if self.client_id.trim().is_empty() {
            return refused("client_id", "is empty");
        }
        let secret = self.client_secret.as_ref();
        if secret.is_some_and(|secret| secret.expose_secret().trim().is_empty()) {
            return refused("client_secret", "is empty");
        }
        if Url::parse(&self.redirect_uri).is_err() {
            return refused("redirect_uri", "is not a URL");
        }
        let Some(authorize_url) = self.authorize_url else {
            return refused(
                "authorize_url",
                "must be an http or https URL without a user name, query or fragment",
            );
        };
        Ok(OAuthClient {
            client_id: self.client_id,
            client_secret: self.client_secret,
            redirect_uri: self.redirect_uri,
            scopes: self.scopes,
            authorize_url,
            client: self.client.build()?,
        })
    }
}
