//! What was asked of the fake, and what it told its subscribers.

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
    /// It has not ended yet.
    Open,
    /// It was answered with this status.
    Answered(u16),
    /// Its connection was closed without an answer.
    Dropped,
}

/// A request that came over the network, or through [`FakeCalcom::exchange`](super::FakeCalcom::exchange).
///
/// `Debug` does not show the body.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// What it asked for.
    pub operation: Operation,
    /// The method.
    pub method: Method,
    /// The path, beginning with `/v2`.
    pub path: String,
    /// The query's pairs, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The headers in their order; `authorization` says `[redacted]`.
    pub headers: Vec<(String, String)>,
    /// The body, where it was JSON.
    pub body: Option<Value>,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// Whether it was carried out, so that what it asked for may have happened; false while it lies about or was refused by
    /// the script of faults.
    pub applied: bool,
    /// When it came, by the fake's clock.
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

    /// The value of a header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The uid in the path, where there is one.
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

/// Where a webhook stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryOutcome {
    /// It is about to be sent, or being sent.
    Open,
    /// It is kept until it is released.
    Held,
    /// It was lost on purpose.
    Lost,
    /// The receiver answered this status, at the last attempt.
    Answered(u16),
    /// The receiver could not be reached, or did not answer in time, at the last attempt.
    Failed,
}

/// A webhook. `Debug` does not show the body, nor where it went.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Its number, by which it is released.
    pub id: usize,
    /// What it tells of.
    pub trigger: Trigger,
    /// The booking that it tells of.
    pub booking_uid: BookingUid,
    /// Where it goes.
    pub url: String,
    /// The bytes sent, the same at each attempt. On a [hosted](super::ServerKind::Hosted) server they are written anew at the
    /// first.
    pub body: Bytes,
    /// What `X-Cal-Signature-256` says.
    pub signature: String,
    /// How often it was sent.
    pub attempts: u32,
    /// Where it stands.
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
