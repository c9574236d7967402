//! Configuring a client.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, HeaderMap, HeaderValue};
use url::Url;

use super::Client;
use super::breaker::BreakerPolicy;
use super::cache::{CachePolicy, Memories};
use super::error::Error;
use super::gate::Gate;
use super::idempotency::{IdempotencyKeys, IdempotencyStore, InMemoryIdempotencyStore};
use super::oauth::{Authorizer, Credentials};
use super::rate::RatePolicy;
use super::retry::RetryPolicy;
use super::send::Transport;
use super::version::ApiVersions;
use crate::ambient::{Clock, Entropy, SystemClock, SystemEntropy};

/// The hosted service. Accounts in the EU use `https://api.cal.eu/v2`, self-hosted servers an address of their own.
const DEFAULT_BASE_URL: &str = "https://api.cal.com/v2";

/// Builds a [`Client`]; get one from [`Client::builder`] or [`Client::with_credentials`].
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    credentials: Credentials,
    base_url: Option<Url>,
    versions: ApiVersions,
    retry: RetryPolicy,
    breaker: Option<BreakerPolicy>,
    rate: Option<RatePolicy>,
    max_concurrent: usize,
    cache: CachePolicy,
    idempotency: Arc<dyn IdempotencyStore>,
    connect_timeout: Duration,
    attempt_timeout: Duration,
    total_timeout: Duration,
    max_response_bytes: usize,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl ClientBuilder {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            base_url: parse_base_url(DEFAULT_BASE_URL),
            versions: ApiVersions::default(),
            retry: RetryPolicy::default(),
            breaker: Some(BreakerPolicy::default()),
            rate: Some(RatePolicy::default()),
            max_concurrent: 64,
            cache: CachePolicy::default(),
            idempotency: Arc::new(InMemoryIdempotencyStore::default()),
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(15),
            total_timeout: Duration::from_secs(30),
            max_response_bytes: 16 * 1024 * 1024,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Where the API is, with its `/v2`; `https://api.cal.com/v2` by default. It can hold no user name and no query.
    pub fn base_url(mut self, url: &str) -> Self {
        self.base_url = parse_base_url(url);
        self
    }

    /// Which API versions are asked for.
    pub fn api_versions(mut self, versions: ApiVersions) -> Self {
        self.versions = versions;
        self
    }

    /// When failed calls are made again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// When Cal.com is left alone because it keeps failing; `None`: never.
    pub fn breaker(mut self, policy: impl Into<Option<BreakerPolicy>>) -> Self {
        self.breaker = policy.into();
        self
    }

    /// How many calls are made a minute; `None`: as many as the caller makes.
    pub fn rate(mut self, policy: impl Into<Option<RatePolicy>>) -> Self {
        self.rate = policy.into();
        self
    }

    /// How many calls may be under way at once; further ones wait. 64 by default; zero counts as one.
    pub fn max_concurrent(mut self, calls: usize) -> Self {
        self.max_concurrent = calls.max(1);
        self
    }

    /// How long free slots and event types are remembered by [`Client::availability`].
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.cache = policy;
        self
    }

    /// Where [`create_once`](super::Bookings::create_once) remembers its keys; in memory by default.
    pub fn idempotency_store(mut self, store: Arc<dyn IdempotencyStore>) -> Self {
        self.idempotency = store;
        self
    }

    /// How long a connection may take; 5 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one attempt may take; 15 s by default. A self-hosted server answers a write only after its webhooks were
    /// answered, so this has to be longer than your own receiver takes.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How long a call may take with all its attempts and waits; 30 s by default.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// How large an answer may be; 16 MiB by default. A larger one fails with [`Decode`](super::ErrorKind::Decode).
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where the jitter comes from.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the base URL is not a plain `http` or `https` address or the key cannot stand in
    /// a header; [`Transport`](super::ErrorKind::Transport) if the TLS library cannot be set up.
    pub fn build(self) -> Result<Client, Error> {
        const OPERATION: &str = "client.build";
        let base_url = self.base_url.ok_or_else(|| {
            Error::invalid_argument(
                OPERATION,
                "base_url",
                "must be an http or https URL without user name, query or fragment",
            )
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("calcom-rs/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            .timeout(self.attempt_timeout)
            // A redirect would carry the key elsewhere, and one loop decides about second attempts.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .map_err(|cause| Error::transport(OPERATION, cause))?;
        let authorizer = Authorizer::new(
            OPERATION,
            self.credentials,
            http.clone(),
            base_url.clone(),
            self.max_response_bytes,
            Arc::clone(&self.clock),
        )?;
        Ok(Client {
            transport: Arc::new(Transport {
                http,
                base_url,
                authorizer,
                gate: Gate::new(self.breaker, self.rate, self.max_concurrent),
                memories: Memories::new(&self.cache, &self.clock),
                idempotency: IdempotencyKeys::new(self.idempotency),
                retry: self.retry,
                total_timeout: self.total_timeout,
                max_response_bytes: self.max_response_bytes,
                clock: self.clock,
                entropy: self.entropy,
            }),
            versions: Arc::new(self.versions),
        })
    }
}

/// Reads a base URL. One with a user name is none: it would be sent instead of the key, and shown where the URL is.
pub(super) fn parse_base_url(text: &str) -> Option<Url> {
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    Url::parse(text).ok().filter(plain)
}
