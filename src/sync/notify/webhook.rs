//! A notifier that posts JSON to a webhook of the host's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Notification, Notifier, NotifyError};
use crate::client::{Error, HttpService};
use crate::webhook::{SIGNATURE_HEADER, sign};

/// The largest response that is read; its content does not matter.
const MAX_RESPONSE: usize = 64 * 1024;
/// The waits before further attempts.
const RETRY_DELAYS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Posts notifications as JSON to a URL. `Debug` shows neither the URL nor the secret: either may
/// let others post.
///
/// The body is a [`Notification`] as JSON, for example
/// `{"tenant":"salon","at":"…","event":"review_opened","review":12,"reason":"conflict","appointment":"a-1"}`.
/// With a secret, it is signed like Cal.com's own webhooks, so that
/// [`webhook::verify`](crate::webhook::verify) verifies it. Any 2xx response counts as delivered. A
/// connection that fails, a timeout, 429 and 5xx are tried again after 1 s and 5 s.
///
/// ```
/// use std::sync::Arc;
///
/// use calcom::store::InMemoryStore;
/// use calcom::sync::{Engine, StaticTenants, WebhookNotifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let notifier = WebhookNotifier::new("https://example.org/hooks/calendar".parse()?)?
///     .with_secret("a long random text");
/// let store = Arc::new(InMemoryStore::new());
/// let tenants = Arc::new(StaticTenants::default()); // yours
/// let engine = Engine::builder(store.clone(), store, tenants)
///     .notifier(Arc::new(notifier))
///     .build();
/// # let _ = engine;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct WebhookNotifier {
    url: Url,
    secret: Option<SecretString>,
    http: Arc<dyn HttpService>,
    retry_delays: Vec<Duration>,
}

impl fmt::Debug for WebhookNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookNotifier")
            .field("is_signed", &self.secret.is_some())
            .finish_non_exhaustive()
    }
}

impl WebhookNotifier {
    /// A notifier that posts to this URL over a transport of its own.
    ///
    /// # Errors
    ///
    /// [`Error`] if the transport cannot be set up.
    pub fn new(url: Url) -> Result<Self, Error> {
        let http = crate::client::transport("notify", ATTEMPT_TIMEOUT)?;
        Ok(Self::over(url, http))
    }

    /// A notifier that posts over the given HTTP service.
    pub fn over(url: Url, http: Arc<dyn HttpService>) -> Self {
        Self {
            url,
            secret: None,
            http,
            retry_delays: RETRY_DELAYS.to_vec(),
        }
    }

    /// Signs every body with the HMAC-SHA256 of this secret.
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Sets the waits before further attempts; none means one attempt. All attempts together are
    /// limited by [`NotifyConfig::timeout`](super::NotifyConfig::timeout).
    #[must_use]
    pub fn with_retry_delays(mut self, delays: impl IntoIterator<Item = Duration>) -> Self {
        self.retry_delays = delays.into_iter().collect();
        self
    }

    fn headers(&self, body: &[u8]) -> Result<HeaderMap, NotifyError> {
        let mut headers = HeaderMap::new();
        let agent = concat!("calcom-rs/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json);
        if let Some(secret) = &self.secret {
            let signature = sign(secret.expose_secret(), body);
            let signature = HeaderValue::try_from(signature)
                .map_err(|_| NotifyError::new("the signature is no header"))?;
            headers.insert(SIGNATURE_HEADER, signature);
        }
        Ok(headers)
    }

    /// One attempt: what went wrong, and whether another one may help.
    async fn attempt(&self, headers: &HeaderMap, body: &Bytes) -> Result<(), (String, bool)> {
        let mut request = Request::new(body.clone());
        *request.method_mut() = Method::POST;
        let uri = self.url.as_str().parse();
        *request.uri_mut() = uri.map_err(|_| ("the URL is too long".to_owned(), false))?;
        *request.headers_mut() = headers.clone();
        let sent = self.http.send(request, MAX_RESPONSE);
        match tokio::time::timeout(ATTEMPT_TIMEOUT, sent).await {
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => {
                let status = response.status();
                let may_pass = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                Err((format!("the receiver answered {status}"), may_pass))
            }
            Ok(Err(error)) => Err((error.to_string(), true)),
            Err(_) => Err((format!("no response came within {ATTEMPT_TIMEOUT:?}"), true)),
        }
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    async fn notify(&self, notification: &Notification) -> Result<(), NotifyError> {
        let body = serde_json::to_vec(notification)
            .map_err(|_| NotifyError::new("the notification cannot be written as JSON"))?;
        let body = Bytes::from(body);
        let headers = self.headers(&body)?;
        let mut delays = self.retry_delays.iter();
        loop {
            let (error, may_pass) = match self.attempt(&headers, &body).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            match delays.next().filter(|_| may_pass) {
                Some(delay) => tokio::time::sleep(*delay).await,
                None => return Err(NotifyError::new(error)),
            }
        }
    }
}
