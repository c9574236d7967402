//! The door for webhooks.

use std::error::Error as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use http::{HeaderMap, HeaderName, StatusCode};
use sha2::{Digest, Sha256};
use tracing::{Instrument, field};

use super::answer::Outcome;
use super::correlation::CorrelationId;
use super::intake::Intake;
use crate::ambient::SystemEntropy;
use crate::metrics;
use crate::store::TenantId;
use crate::sync::SyncEngine;
use crate::webhook::Sender;

/// Settings of the door for webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookConfig {
    /// The largest body that is read at all, in bytes; the engine's own limit may be lower. Default:
    /// 4 MiB.
    pub max_body_bytes: usize,
    /// How long a sender may take for the body. Default: 10 s.
    pub read_timeout: Duration,
    /// How many requests a minute a source may send for a tenant, all of them at once if it likes;
    /// `None` for any number. What is refused is answered with 429 and `Retry-After`: the hosted
    /// service sends it again, a self-hosted server does not, and then a sweep finds what it told of.
    /// Default: 60.
    pub requests_per_minute: Option<NonZeroU32>,
    /// The header in which your own proxy says whom a request comes from, such as `x-forwarded-for`,
    /// of which the last address counts. Without it, that is the peer of the connection, if the
    /// router is served with [`ConnectInfo`](axum::extract::ConnectInfo); all others are one source.
    /// Never name a header that a client can set. Default: none.
    pub source_header: Option<HeaderName>,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 4 * 1024 * 1024,
            read_timeout: Duration::from_secs(10),
            requests_per_minute: NonZeroU32::new(60),
            source_header: None,
        }
    }
}

impl WebhookConfig {
    /// Sets how many requests a minute a source may send for a tenant.
    #[must_use]
    pub fn with_requests_per_minute(mut self, requests: impl Into<Option<NonZeroU32>>) -> Self {
        self.requests_per_minute = requests.into();
        self
    }
}

/// [`webhooks_with`] the default settings.
pub fn webhooks(engine: Arc<dyn SyncEngine>) -> Router {
    webhooks_with(engine, WebhookConfig::default())
}

/// A router that receives webhooks at `POST /webhooks/calcom/{tenant}`.
///
/// A delivery is answered once it is stored, and before anything else is done with it. Every answer to
/// a `POST` is JSON:
///
/// ```json
/// {
///   "status": "accepted",
///   "code": "stored",
///   "message": "The delivery is stored.",
///   "delivery": "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
///   "correlation_id": "4f1c0a2be7d83c95"
/// }
/// ```
///
/// | HTTP status | `status` | `code` |
/// | --- | --- | --- |
/// | 200 | `accepted` | `stored` |
/// | 200 | `duplicate` | `duplicate`: the same bytes wait already |
/// | 200 | `ignored` | `ignored`: stored, and there is nothing to do for it |
/// | 400 | `error` | `incomplete`: the body ended early |
/// | 401 | `error` | `unverified`: the signature, or the tenant |
/// | 408 | `error` | `too_slow` |
/// | 413 | `error` | `too_large` |
/// | 429 | `error` | `rate_limited`, with `Retry-After` in seconds |
/// | 503 | `error` | `unavailable`: not stored, or no secret is configured |
///
/// `delivery` is the SHA-256 of the body in hexadecimal, by which duplicates are recognized; `null` if
/// the body was not read. `correlation_id` is that of the request's `X-Correlation-Id` or
/// `X-Request-Id`, or a new one; it is in the `X-Correlation-Id` of the response and in the span
/// `calcom.webhook`. Within that span `delivery` is logged as the `fingerprint`, under which the row is
/// stored; the span `calcom.sync.turn` of the work on it has the row's id among its `delivery_ids`.
///
/// Never 410, which switches the subscription off.
///
/// How many connections there are, and how long a request's head may take, is for the server around the
/// router to limit, or a proxy in front of it: `axum::serve` limits neither.
pub fn webhooks_with(engine: Arc<dyn SyncEngine>, config: WebhookConfig) -> Router {
    let receive = post(receive);
    router("/webhooks/calcom/{tenant}", receive, engine, config)
}

/// A router of one route over a door.
pub(super) fn router(
    path: &str,
    receive: MethodRouter<Arc<Door>>,
    engine: Arc<dyn SyncEngine>,
    config: WebhookConfig,
) -> Router {
    let limit = DefaultBodyLimit::max(config.max_body_bytes);
    let door = Arc::new(Door {
        engine,
        intake: Intake::new(config),
    });
    Router::new()
        .route(path, receive)
        .layer(limit)
        .with_state(door)
}

/// Where deliveries come in, whoever sends them.
pub(super) struct Door {
    engine: Arc<dyn SyncEngine>,
    intake: Intake,
}

async fn receive(
    State(door): State<Arc<Door>>,
    tenant: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let to = tenant.map(|Path(tenant)| Addressee {
        tenant,
        sender: None,
    });
    let answered = door.answer(to, request).await;
    if answered.received.delivery.is_none() {
        // The engine has not seen it, and so has not counted it.
        metrics::webhook(answered.received.outcome.code());
    }
    answered.into_response()
}

/// Whom a delivery is for.
pub(super) struct Addressee {
    pub(super) tenant: String,
    /// Who sends it, if that is not Cal.com.
    pub(super) sender: Option<Sender>,
}

/// What became of a delivery.
struct Received {
    outcome: Outcome,
    /// Its name if its body was read.
    delivery: Option<String>,
    /// What its sender expects to be answered if it was accepted.
    accepted: StatusCode,
}

impl From<Outcome> for Received {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            delivery: None,
            accepted: StatusCode::OK,
        }
    }
}

/// An answer to a request.
pub(super) struct Answered {
    received: Received,
    correlation_id: CorrelationId,
}

impl Answered {
    pub(super) fn into_response(self) -> Response {
        let Received {
            outcome,
            delivery,
            accepted,
        } = self.received;
        outcome.answer(accepted, delivery, self.correlation_id)
    }
}

impl Door {
    /// Receives a delivery, in a span of its own.
    pub(super) async fn answer(
        &self,
        to: Result<Addressee, PathRejection>,
        request: Request,
    ) -> Answered {
        let correlation_id = CorrelationId::of(request.headers(), &SystemEntropy);
        let span = tracing::debug_span!(
            "calcom.webhook",
            otel.kind = "server",
            otel.status_code = field::Empty,
            http.response.status_code = field::Empty,
            %correlation_id,
        );
        let received = match to {
            Ok(to) => self.receive(to, request).instrument(span.clone()).await,
            // The host has put the route where the path says more than it should.
            Err(rejection) if rejection.status().is_server_error() => Outcome::Unavailable.into(),
            // What is no text is nobody's name.
            Err(_) => Outcome::Unverified.into(),
        };
        received.outcome.record(received.accepted, &span);
        Answered {
            received,
            correlation_id,
        }
    }

    async fn receive(&self, to: Addressee, request: Request) -> Received {
        let Addressee { tenant, sender } = to;
        let source = self.intake.source(&request);
        let counted = match &sender {
            Some(sender) => self.intake.count_of_sender(&tenant, &source, sender).await,
            None => self.intake.count(&tenant, &source).await,
        };
        if let Err(refused) = counted {
            return refused.into();
        }
        let (headers, body) = match self.intake.read(request).await {
            Ok(read) => read,
            Err(refused) => return refused.into(),
        };
        let tenant = TenantId::new(tenant);
        let mut accepted = StatusCode::OK;
        let received = match &sender {
            None => self.engine.receive(&tenant, &headers, &body).await,
            Some(sender) => {
                let received = self.engine.receive_from(&tenant, sender, &headers, &body);
                received.await.map(|received| {
                    accepted = received.status;
                    received.receipt
                })
            }
        };
        if let Err(error) = &received {
            // The tenant's name comes from outside and is not repeated.
            let cause = error.source().map(ToString::to_string);
            tracing::warn!(error = %error, cause, "a webhook was not accepted");
        }
        Received {
            outcome: Outcome::from(&received),
            delivery: Some(hex::encode(Sha256::digest(&body))),
            accepted,
        }
    }
}

/// The last value of a header that is a list: what the nearest proxy has added.
pub(super) fn last_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get_all(name).iter().next_back()?;
    let last = value.to_str().ok()?.rsplit(',').next()?.trim();
    (!last.is_empty()).then(|| last.to_owned())
}
