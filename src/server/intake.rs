//! What every request from outside has to pass before anything is done with it.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::extract::{ConnectInfo, FromRequest, Request};
use http::{HeaderMap, HeaderName, StatusCode};
use tokio::time::Instant;

use super::answer::Outcome;
use super::rate_limit::RateLimit;
use super::webhooks::{WebhookConfig, last_of};
use crate::webhook::Sender;

/// How many times the rate of one sender all senders of a source have together.
const SENDERS_TOGETHER: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// How many requests come, how large and how slow they may be.
pub(super) struct Intake {
    rate_limit: Option<RateLimit>,
    /// For all senders together: whoever makes up a name for each request gets no further.
    senders_limit: Option<RateLimit>,
    max_body_bytes: usize,
    read_timeout: Duration,
    source_header: Option<HeaderName>,
}

impl Intake {
    /// Needs a `DefaultBodyLimit` of the same size around it.
    pub(super) fn new(config: WebhookConfig) -> Self {
        Self {
            rate_limit: config.requests_per_minute.map(RateLimit::new),
            senders_limit: config
                .requests_per_minute
                .map(|rate| RateLimit::new(rate.saturating_mul(SENDERS_TOGETHER))),
            max_body_bytes: config.max_body_bytes,
            read_timeout: config.read_timeout,
            source_header: config.source_header,
        }
    }

    /// Counts a request from a [source](Self::source) for a tenant, or refuses it.
    pub(super) async fn count(&self, tenant: &str, source: &str) -> Result<(), Outcome> {
        admit(self.rate_limit.as_ref(), tenant, source).await
    }

    /// Counts a request in the name of a sender, which nobody has checked yet, or refuses it.
    pub(super) async fn count_of_sender(
        &self,
        tenant: &str,
        source: &str,
        sender: &Sender,
    ) -> Result<(), Outcome> {
        // A busy sender holds up no other: what is refused here is not counted for the others.
        let own = format!("{source} {sender}");
        self.count(tenant, &own).await?;
        admit(self.senders_limit.as_ref(), tenant, source).await
    }

    /// Reads a request's body.
    pub(super) async fn read(&self, request: Request) -> Result<(HeaderMap, Bytes), Outcome> {
        // Nothing is read of a body that says itself that it is too large.
        let announced = request.body().size_hint().lower();
        if usize::try_from(announced).map_or(true, |length| length > self.max_body_bytes) {
            return Err(Outcome::TooLarge);
        }
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, &());
        match tokio::time::timeout(self.read_timeout, body).await {
            Ok(Ok(body)) => Ok((headers, body)),
            Ok(Err(refused)) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Outcome::TooLarge)
            }
            Ok(Err(_)) => Err(Outcome::Incomplete),
            Err(_) => Err(Outcome::TooSlow),
        }
    }

    /// Whom a request comes from.
    pub(super) fn source(&self, request: &Request) -> String {
        let named = self.source_header.as_ref();
        if let Some(source) = named.and_then(|name| last_of(request.headers(), name)) {
            return source;
        }
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        peer.map(|peer| peer.0.ip().to_string()).unwrap_or_default()
    }
}

async fn admit(limit: Option<&RateLimit>, tenant: &str, source: &str) -> Result<(), Outcome> {
    let Some(limit) = limit else {
        return Ok(());
    };
    let admitted = limit.admit(tenant, source, Instant::now()).await;
    admitted.map_err(|wait| {
        tracing::warn!("a request was refused: too many requests");
        Outcome::RateLimited(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    })
}
