//! Settings of the HTTP client underneath, and its construction.

use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::error::Error;

pub(super) struct HttpSettings {
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Option<Duration>,
    pub(super) user_agent: String,
    pub(super) headers: HeaderMap,
    pub(super) proxy: Proxy,
    /// PEM bundles.
    pub(super) root_certificates: Vec<Vec<u8>>,
    #[cfg(feature = "rustls")]
    pub(super) identity: Option<SecretString>,
    pub(super) max_idle: Option<usize>,
    pub(super) idle_timeout: Option<Duration>,
    #[cfg(feature = "http2")]
    pub(super) http2_prior_knowledge: bool,
}

pub(super) enum Proxy {
    /// That of the environment, if any.
    Environment,
    None,
    /// It may contain a password.
    Url(SecretString),
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: None,
            user_agent: concat!("calcom-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
            headers: HeaderMap::new(),
            proxy: Proxy::Environment,
            root_certificates: Vec::new(),
            #[cfg(feature = "rustls")]
            identity: None,
            max_idle: None,
            idle_timeout: None,
            #[cfg(feature = "http2")]
            http2_prior_knowledge: false,
        }
    }
}

// By hand: headers and the proxy's address may be secret.
impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("connect_timeout", &self.connect_timeout)
            .field("user_agent", &self.user_agent)
            .field("root_certificates", &self.root_certificates.len())
            .finish_non_exhaustive()
    }
}

impl HttpSettings {
    pub(super) fn build(
        self,
        operation: &'static str,
        attempt_timeout: Duration,
    ) -> Result<reqwest::Client, Error> {
        let refused = |field, message| Error::invalid_argument(operation, field, message);
        let mut headers = self.headers;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let user_agent = HeaderValue::try_from(self.user_agent)
            .map_err(|_| refused("user_agent", "has characters that a header cannot hold"))?;
        let mut builder = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(user_agent)
            .connect_timeout(self.connect_timeout)
            .timeout(attempt_timeout)
            // A redirect would carry the key elsewhere, and one loop decides about second attempts.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if let Some(timeout) = self.read_timeout {
            builder = builder.read_timeout(timeout);
        }
        if let Some(connections) = self.max_idle {
            builder = builder.pool_max_idle_per_host(connections);
        }
        if let Some(timeout) = self.idle_timeout {
            builder = builder.pool_idle_timeout(timeout);
        }
        builder = match self.proxy {
            Proxy::Environment => builder,
            Proxy::None => builder.no_proxy(),
            Proxy::Url(url) => {
                let proxy = reqwest::Proxy::all(url.expose_secret());
                builder.proxy(proxy.map_err(|_| refused("proxy", "is not a URL"))?)
            }
        };
        if !self.root_certificates.is_empty() {
            builder = add_root_certificates(builder, &self.root_certificates).ok_or_else(|| {
                refused("root_certificates", "is not a bundle of PEM certificates")
            })?;
        }
        #[cfg(feature = "rustls")]
        if let Some(pem) = self.identity {
            let identity = reqwest::Identity::from_pem(pem.expose_secret().as_bytes());
            let message = "is not a certificate and a private key as PEM";
            // Only rustls takes an identity as PEM; with both libraries, reqwest prefers the other.
            builder = builder
                .tls_backend_rustls()
                .identity(identity.map_err(|_| refused("client_identity", message))?);
        }
        #[cfg(feature = "http2")]
        if self.http2_prior_knowledge {
            builder = builder.http2_prior_knowledge();
        }
        builder
            .build()
            .map_err(|cause| Error::transport(operation, cause))
    }
}

/// Adds every certificate of the bundles; `None` if there is none in one of them, or no TLS.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn add_root_certificates(
    mut builder: reqwest::ClientBuilder,
    bundles: &[Vec<u8>],
) -> Option<reqwest::ClientBuilder> {
    for bundle in bundles {
        let certificates = reqwest::Certificate::from_pem_bundle(bundle).ok()?;
        if certificates.is_empty() {
            return None;
        }
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Some(builder)
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn add_root_certificates(
    _builder: reqwest::ClientBuilder,
    _bundles: &[Vec<u8>],
) -> Option<reqwest::ClientBuilder> {
    None
}
