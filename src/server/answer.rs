//! The one format of answers to webhooks.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::correlation::{CORRELATION_ID, CorrelationId};
use crate::sync::{Receipt, ReceiveError};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    Duplicate,
    Ignored,
    Unverified,
    /// Correctly signed, but the body names no event.
    NoEvent,
    TooLarge,
    Incomplete,
    TooSlow,
    /// With the seconds after which it may come again.
    RateLimited(u64),
    Unavailable,
}

impl From<&Result<Receipt, ReceiveError>> for Outcome {
    fn from(received: &Result<Receipt, ReceiveError>) -> Self {
        match received {
            Ok(Receipt::Stored) => Self::Accepted,
            Ok(Receipt::Duplicate) => Self::Duplicate,
            Ok(Receipt::Ignored) => Self::Ignored,
            Err(error) => match error.status() {
                StatusCode::UNAUTHORIZED => Self::Unverified,
                StatusCode::BAD_REQUEST => Self::NoEvent,
                StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
                _ => Self::Unavailable,
            },
        }
    }
}

impl Outcome {
    /// `accepted` is what the sender expects if the delivery was accepted.
    fn http_status(self, accepted: StatusCode) -> StatusCode {
        match self {
            Self::Accepted | Self::Duplicate | Self::Ignored => accepted,
            Self::Unverified => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoEvent | Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Notes the outcome in the request's span.
    pub(super) fn record(self, accepted: StatusCode, span: &tracing::Span) {
        let status = self.http_status(accepted);
        span.record("http.response.status_code", status.as_u16());
        // What the sender did wrong is no error of a server.
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
    }

    pub(super) fn code(self) -> &'static str {
        let (_, code, _) = self.words();
        code
    }

    /// The status, the code and the message.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Accepted => ("accepted", "stored", "The delivery is stored."),
            Self::Duplicate => (
                "duplicate",
                "duplicate",
                "The same delivery is stored already.",
            ),
            Self::Ignored => (
                "ignored",
                "ignored",
                "The delivery is stored; there is nothing to do for it.",
            ),
            // The same for a tenant that does not exist: nobody learns which ones do.
            Self::Unverified => (
                "error",
                "unverified",
                "The tenant is not known, or the signature is not valid for it.",
            ),
            Self::NoEvent => ("error", "no_event", "The body names no event."),
            Self::TooLarge => ("error", "too_large", "The body is too large."),
            Self::Incomplete => (
                "error",
                "incomplete",
                "The body ended before its announced length.",
            ),
            Self::TooSlow => ("error", "too_slow", "The body did not arrive in time."),
            Self::RateLimited(_) => (
                "error",
                "rate_limited",
                "Too many requests; send it again later.",
            ),
            Self::Unavailable => (
                "error",
                "unavailable",
                "The delivery could not be stored; send it again.",
            ),
        }
    }

    /// `delivery` identifies the delivery by its bytes. An answer whose status allows no body has none.
    pub(super) fn answer(
        self,
        accepted: StatusCode,
        delivery: Option<String>,
        correlation_id: CorrelationId,
    ) -> Response {
        let (status, code, message) = self.words();
        let body = Json(Body {
            status,
            code,
            message,
            delivery,
            correlation_id: correlation_id.as_str(),
        });
        let http_status = self.http_status(accepted);
        let mut response = match http_status {
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT => http_status.into_response(),
            _ => (http_status, body).into_response(),
        };
        let headers = response.headers_mut();
        if let Self::RateLimited(seconds) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers.insert(CORRELATION_ID, correlation_id.into_header());
        response
    }
}

#[derive(Serialize)]
struct Body<'a> {
    status: &'static str,
    code: &'static str,
    message: &'static str,
    delivery: Option<String>,
    correlation_id: &'a str,
}
