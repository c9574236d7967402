//! The requests that the fake received, and the webhooks that it sent.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Method;
use serde_json::Value;

use super::request::{Operation, Request};
use crate::model::{BookingUid, Trigger};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestOutcome {
    /// Still in progress.
    Open,
    /// Answered with this status.
    Answered(u16),
    /// The connection was closed without an answer.
    Dropped,
}

/// A request received over the network, or through
/// [`FakeCalcom::exchange`](super::FakeCalcom::exchange).
///
/// `Debug` does not show the body.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The operation.
    pub operation: Operation,
    /// The method.
    pub method: Method,
    /// The path, beginning with `/v2`.
    pub path: String,
    /// The query's pairs, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The headers, in order; `authorization` is `[redacted]`.
    pub headers: Vec<(String, String)>,
    /// The body, if it was JSON.
    pub body: Option<Value>,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// Whether it was processed, so that it may have taken effect; false while it is delayed, or if
    /// a scripted fault refused it.
    pub applied: bool,
    /// When it was received, by the fake's clock.
    pub at: DateTime<Utc>,
}

impl RecordedRequest {
    pub(super) fn new(request: &Request, at: DateTime<Utc>) -> Self {
        let headers = request.headers.iter().map(|(name, value)| {
            let value = if name == http::header::AUTHORIZATION {
                "[redacted]".to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.as_str().to_owned(), value)
        });
        Self {
            operation: request.operation(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: headers.collect(),
            body: serde_json::from_slice(&request.body).ok(),
            outcome: RequestOutcome::Open,
            applied: false,
            at,
        }
    }

    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The uid in the path, if there is one.
    pub fn booking_uid(&self) -> Option<BookingUid> {
        let rest = self.path.strip_prefix("/v2/bookings/")?;
        rest.split('/')
            .next()
            .filter(|uid| !uid.is_empty())
            .map(BookingUid::from)
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("outcome", &self.outcome)
            .field("applied", &self.applied)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// The state of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryOutcome {
    /// Waiting to be sent, or being sent.
    Open,
    /// Held until it is released.
    Held,
    /// Lost on purpose.
    Lost,
    /// Answered by the receiver with this status, at the last attempt.
    Answered(u16),
    /// Unreachable or timed out, at the last attempt.
    Failed,
}

/// A webhook delivery. `Debug` shows neither the body nor the URL.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Its id, by which it is released.
    pub id: usize,
    /// The trigger.
    pub trigger: Trigger,
    /// The booking it is about.
    pub booking_uid: BookingUid,
    /// The receiver's URL.
    pub url: String,
    /// The bytes sent, the same at each attempt. A [hosted](super::ServerKind::Hosted) server
    /// builds them at the first attempt.
    pub body: Bytes,
    /// The value of `X-Cal-Signature-256`.
    pub signature: String,
    /// The number of attempts.
    pub attempts: u32,
    /// Its state.
    pub outcome: DeliveryOutcome,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("trigger", &self.trigger)
            .field("booking_uid", &self.booking_uid)
            .field("attempts", &self.attempts)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
