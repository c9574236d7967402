//! Configuring a client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use secrecy::SecretString;
use url::Url;

use super::Client;
use super::breaker::BreakerPolicy;
use super::cache::{CachePolicy, Memories};
use super::error::Error;
use super::gate::Gate;
use super::http_service::HttpService;
use super::http_settings::{HttpSettings, Proxy};
use super::idempotency::{IdempotencyKeys, IdempotencyStore, InMemoryIdempotencyStore};
use super::oauth::{Authorizer, Credentials};
use super::rate::RatePolicy;
use super::retry::RetryPolicy;
use super::send::Transport;
use super::shared_budget::SharedBudget;
use super::version::ApiVersions;
use crate::ambient::{Clock, Entropy, SystemClock, SystemEntropy};

/// The hosted service.
///
/// Accounts in the EU use `https://api.cal.eu/v2`, self-hosted servers their own URL.
const DEFAULT_BASE_URL: &str = "https://api.cal.com/v2";

/// Builds a [`Client`].
///
/// Obtained from [`Client::builder`] or [`Client::with_credentials`].
///
/// ```no_run
/// use std::time::Duration;
///
/// use calcom::client::{Client, RetryPolicy};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder(std::env::var("CALCOM_API_KEY")?)
///     .base_url("https://cal.example.org/api/v2")
///     .attempt_timeout(Duration::from_secs(20))
///     .retry(RetryPolicy::default().with_max_attempts(5))
///     .proxy("http://proxy.example:3128")
///     .root_certificates(std::fs::read("company-ca.pem")?)
///     .build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    credentials: Credentials,
    base_url: Option<Url>,
    versions: ApiVersions,
    retry: RetryPolicy,
    breaker: Option<BreakerPolicy>,
    rate: Option<RatePolicy>,
    shared_budget: Option<Arc<dyn SharedBudget>>,
    max_concurrent: usize,
    cache: CachePolicy,
    idempotency: Arc<dyn IdempotencyStore>,
    attempt_timeout: Duration,
    total_timeout: Duration,
    max_response_bytes: usize,
    local_checks: bool,
    http: HttpSettings,
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
            shared_budget: None,
            max_concurrent: 64,
            cache: CachePolicy::default(),
            idempotency: Arc::new(InMemoryIdempotencyStore::default()),
            attempt_timeout: Duration::from_secs(15),
            total_timeout: Duration::from_secs(30),
            max_response_bytes: 16 * 1024 * 1024,
            local_checks: true,
            http: HttpSettings::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Sets the base URL of the API, including `/v2`. The default is `https://api.cal.com/v2`.
    ///
    /// It must not contain a user name or a query.
    pub fn base_url(mut self, url: &str) -> Self {
        self.base_url = parse_base_url(url);
        self
    }

    /// Sets the API versions to request.
    pub fn versions(mut self, versions: ApiVersions) -> Self {
        self.versions = versions;
        self
    }

    /// Sets the retry policy.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets the circuit breaker policy; `None` disables the circuit breaker.
    pub fn breaker(mut self, policy: impl Into<Option<BreakerPolicy>>) -> Self {
        self.breaker = policy.into();
        self
    }

    /// Sets the rate budget; `None` disables it.
    pub fn rate(mut self, policy: impl Into<Option<RatePolicy>>) -> Self {
        self.rate = policy.into();
        self
    }

    /// Shares the rate budget with all clients that use the same store and the same credential, in
    /// whatever process. By default, each client counts for itself.
    ///
    /// Clients reserve a twelfth of the limit at a time from the store, so most calls ask nobody.
    /// What is reserved and not spent lapses, and around the end of a window nothing is sent for
    /// some seconds. A 429 blocks all clients: the others notice when their portion is spent.
    ///
    /// While the store cannot be reached, a client waits for the end of the round that it knows of,
    /// and then sends a twenty-fourth of the limit in a window, at least one call. So up to 24
    /// clients that all lost the store stay within the limit; one that alone lost it may exceed the
    /// limit by its share.
    ///
    /// Anonymous calls, and those without a [`rate`](Self::rate) policy, share nothing.
    pub fn shared_budget(mut self, store: Arc<dyn SharedBudget>) -> Self {
        self.shared_budget = Some(store);
        self
    }

    /// Sets the maximum number of concurrent calls.
    ///
    /// The default is 64; zero counts as one. Further calls wait.
    pub fn max_concurrent(mut self, calls: usize) -> Self {
        self.max_concurrent = calls.max(1);
        self
    }

    /// Sets the cache policy of [`Client::availability`].
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.cache = policy;
        self
    }

    /// Sets the store of the idempotency keys of [`create_once`](super::Bookings::create_once).
    ///
    /// By default, they are kept in memory.
    pub fn idempotency_store(mut self, store: Arc<dyn IdempotencyStore>) -> Self {
        self.idempotency = store;
        self
    }

    /// Sets the timeout for establishing a connection. The default is 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.http.connect_timeout = timeout;
        self
    }

    /// Sets the timeout of one attempt. The default is 15 s.
    ///
    /// A self-hosted server responds to a write only after its webhooks have been delivered, so
    /// this has to be longer than your own receiver takes.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets the timeout of a call, including all attempts and waits. The default is 30 s.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// Sets the maximum size of a response.
    ///
    /// The default is 16 MiB. A larger response fails with [`Decode`](super::ErrorKind::Decode).
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Sets whether requests are checked locally before they are sent. The default is `true`.
    ///
    /// The checks reject what every observed server rejects. Turn them off if your server accepts
    /// it.
    pub fn local_checks(mut self, check: bool) -> Self {
        self.local_checks = check;
        self
    }

    /// Sets how long the server may pause within a response.
    ///
    /// The default is the timeout of an attempt.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.http.read_timeout = Some(timeout);
        self
    }

    /// Sets the `User-Agent`. The default is `calcom-rs/` followed by the crate's version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.http.user_agent = user_agent.into();
        self
    }

    /// Adds a header to every request, for example one that a gateway requires.
    ///
    /// The client's own headers take precedence.
    pub fn default_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.http.headers.append(name, value);
        self
    }

    /// Sends all requests through a proxy, such as `http://proxy.example:3128`.
    ///
    /// The URL may contain a user name and a password. Without this setting, the environment
    /// variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` apply.
    pub fn proxy(mut self, url: impl Into<SecretString>) -> Self {
        self.http.proxy = Proxy::Url(url.into());
        self
    }

    /// Ignores the proxy settings of the environment.
    pub fn no_proxy(mut self) -> Self {
        self.http.proxy = Proxy::None;
        self
    }

    /// Trusts the certificates of a PEM bundle, in addition to the platform's.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.http.root_certificates.push(pem.into());
        self
    }

    /// Sets the client certificate and its private key, concatenated as PEM.
    #[cfg(feature = "rustls")]
    pub fn client_identity(mut self, pem: impl Into<SecretString>) -> Self {
        self.http.identity = Some(pem.into());
        self
    }

    /// Sets the maximum number of idle connections to keep. There is no limit by default.
    pub fn max_idle_connections(mut self, connections: usize) -> Self {
        self.http.max_idle = Some(connections);
        self
    }

    /// Sets how long idle connections are kept. The default is 90 s.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.http.idle_timeout = Some(timeout);
        self
    }

    /// Uses HTTP/2 without negotiation, also over plain TCP. Over TLS, HTTP/2 is negotiated
    /// whenever this feature is enabled.
    #[cfg(feature = "http2")]
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.http.http2_prior_knowledge = true;
        self
    }

    /// Sends every request through an HTTP service of your own, in place of the client's transport.
    /// The user agent, the default headers and the timeouts of attempts and calls still apply; the
    /// other settings of the connection (proxy, certificates, connect and read timeouts, pool) are
    /// the service's own matter.
    pub fn http_service(mut self, service: impl HttpService) -> Self {
        self.http.service = Some(Arc::new(service));
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the source of the jitter.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the base URL is not a plain `http` or `https` URL,
    /// if the key or the user agent is not a valid header value, or if the proxy, a certificate or
    /// the identity cannot be parsed; [`Transport`](super::ErrorKind::Transport) if the TLS library
    /// cannot be initialized.
    pub fn build(self) -> Result<Client, Error> {
        const OPERATION: &str = "client.build";
        let base_url = self.base_url.ok_or_else(|| {
            Error::invalid_argument(
                OPERATION,
                "base_url",
                "must be an http or https URL without a user name, query or fragment",
            )
        })?;
        let http = self.http.build(OPERATION, self.attempt_timeout)?;
        let authorizer = Authorizer::new(
            OPERATION,
            self.credentials,
            http.clone(),
            base_url.clone(),
            self.max_response_bytes,
            self.attempt_timeout,
            Arc::clone(&self.clock),
        )?;
        Ok(Client {
            transport: Arc::new(Transport {
                http,
                base_url,
                authorizer,
                gate: Gate::new(
                    self.breaker,
                    self.rate,
                    self.shared_budget,
                    self.max_concurrent,
                ),
                memories: Memories::new(&self.cache, &self.clock),
                answers: Mutex::default(),
                idempotency: IdempotencyKeys::new(self.idempotency),
                retry: self.retry,
                total_timeout: self.total_timeout,
                max_response_bytes: self.max_response_bytes,
                local_checks: self.local_checks,
                clock: self.clock,
                entropy: self.entropy,
            }),
            versions: Arc::new(self.versions),
        })
    }
}

/// Parses a base URL. URLs with a user name are rejected, because it would be sent instead of the
/// key, and shown wherever the URL is.
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
