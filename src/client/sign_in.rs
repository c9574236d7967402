//! One user's sign-in with OAuth: what has to be kept until the browser is back.

use std::fmt;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::Error;
use super::oauth_client::OAuthClient;
use super::oauth_tokens::OAuthTokens;
use super::pkce::Pkce;
use crate::ambient;

const OPERATION: &str = "oauth.sign_in";

/// One user's sign-in that is under way; get one from [`OAuthClient::begin`].
///
/// Keep it, or its [`state`](Self::state) and [`verifier`](Self::verifier), in the user's session
/// until the browser comes back. `Debug` shows neither.
///
/// ```no_run
/// # async fn run(redirected: calcom::url::Url) -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::client::OAuthClient;
///
/// let app = OAuthClient::builder("my-client-id", "https://example.org/callback").build()?;
/// let sign_in = app.begin()?;
/// println!("redirect the browser to {}", app.sign_in_url(&sign_in));
/// // The browser comes back to https://example.org/callback?code=…&state=…
/// let tokens = app.finish(&sign_in, &redirected).await?;
/// # let _ = tokens;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SignIn {
    state: SecretString,
    pkce: Pkce,
}

impl SignIn {
    fn generate() -> io::Result<Self> {
        let bytes: [u8; 16] = ambient::random_bytes()?;
        Ok(Self {
            state: URL_SAFE_NO_PAD.encode(bytes).into(),
            pkce: Pkce::generate()?,
        })
    }

    /// Restores a sign-in from what was kept in the user's session.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the state is empty or the verifier malformed.
    pub fn restore(
        state: impl Into<SecretString>,
        verifier: impl Into<SecretString>,
    ) -> Result<Self, Error> {
        let state = state.into();
        if state.expose_secret().is_empty() {
            return Err(Error::invalid_argument(OPERATION, "state", "is empty"));
        }
        let pkce = Pkce::from_verifier(verifier)?;
        Ok(Self { state, pkce })
    }

    /// The random value that comes back with the code.
    pub fn state(&self) -> &SecretString {
        &self.state
    }

    /// The verifier of the code.
    pub fn verifier(&self) -> &SecretString {
        self.pkce.verifier()
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

impl OAuthClient {
    /// Begins the sign-in of one user, with a random state and verifier.
    ///
    /// # Errors
    ///
    /// The error of the operating system's random source.
    pub fn begin(&self) -> io::Result<SignIn> {
        SignIn::generate()
    }

    /// The URL at which the user gives consent, to redirect the browser to.
    pub fn sign_in_url(&self, sign_in: &SignIn) -> Url {
        self.authorization_url(sign_in.state.expose_secret(), &sign_in.pkce)
    }

    /// Exchanges what the browser came back with, `code` and `state` in the redirect URI's query,
    /// for tokens.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the state is missing or not that of this sign-in:
    /// nothing is sent then, because a stranger may have made up the URL.
    /// [`Forbidden`](super::ErrorKind::Forbidden) if the user did not consent, or Cal.com refused
    /// the request. Otherwise as [`exchange`](Self::exchange).
    pub async fn finish(&self, sign_in: &SignIn, redirected: &Url) -> Result<OAuthTokens, Error> {
        let parameter = |name: &str| {
            let found = redirected.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let refuse = |field, message| Err(Error::invalid_argument(OPERATION, field, message));
        if parameter("state").as_deref() != Some(sign_in.state.expose_secret()) {
            return refuse("state", "is not that of this sign-in");
        }
        if let Some(refusal) = parameter("error") {
            return Err(Error::sign_in_refused(OPERATION, &refusal));
        }
        match parameter("code") {
            Some(code) => self.exchange(code, sign_in.verifier().clone()).await,
            None => refuse("code", "is missing"),
        }
    }
}
